//! What can be done with a session that has a recorder: what is shown beforehand is what a request then comes to.

use std::collections::HashSet;

use recording_core::recorder::{Input, Machine, Outcome, RecorderState, Reported, ResumePolicy, Verdict};
use recording_core::{Action, Settings, State};
use recording_test_support::recorder::{AT, begin, facts, request, settings, stored};

/// Every session without holds that can be reached, with a repeat that is due left out: what is stored does not have it.
fn sessions() -> Vec<Machine> {
    let mut all: Vec<_> = State::ALL.iter().map(|&state| begin(state, ResumePolicy::Anyone)).collect();
    let mut seen: HashSet<_> = all.iter().map(|machine| machine.kept().to_bytes()[..4].to_vec()).collect();
    let mut at = 0;
    while let Some(machine) = all.get(at).cloned() {
        at += 1;
        let asked = Action::ALL.iter().map(|&action| {
            stored(machine.clone().set(&request(action), &facts(1, true, true), |_| true).expect("numbers")).0.machine
        });
        let number = machine.latest();
        let replies = RecorderState::ALL.iter().filter_map(|&state| {
            let input = Input::Reply { number: number?, reported: Reported::Is(state) };
            stored(machine.clone().step(input, AT).expect("numbers")).0.machine
        });
        let end = Input::End { save_recording_by_default: true };
        let ended = stored(machine.clone().step(end, AT).expect("numbers")).0.machine;
        let next: Vec<_> = asked.flatten().chain(replies).chain(ended).collect();
        all.extend(next.into_iter().filter(|machine| seen.insert(machine.kept().to_bytes()[..4].to_vec())));
    }
    all
}

#[test]
fn what_is_shown_is_what_a_request_comes_to() {
    let all = sessions();
    let mut counts = [0_u32; 4];
    for machine in &all {
        let kept = machine.kept();
        for accepted in [true, false] {
            let settings = settings(accepted);
            for &action in Action::ALL {
                let asked = request(action);
                let done = stored(machine.clone().set(&asked, &facts(1, accepted, true), |_| true).expect("numbers")).0;
                let is_success = match &done.reply {
                    Verdict::Wait(_) => true,
                    Verdict::Reply { reply, .. } => reply.error.is_none(),
                    _ => unreachable!(),
                };
                let changes = matches!(done.outcome, Outcome::Ordered | Outcome::Changed);
                let told =
                    (kept.allowed(&settings, true).contains(action), kept.changing(&settings, true).contains(action));
                assert_eq!(told, (is_success, changes), "{action:?} {kept:?} {accepted}");
                counts[usize::from(is_success)] += 1;
                counts[2 + usize::from(changes)] += 1;

                // Without the recorder: nothing is shown as possible that is not.
                let done =
                    stored(machine.clone().set(&asked, &facts(1, accepted, false), |_| true).expect("numbers")).0;
                let is_success = matches!(&done.reply, Verdict::Reply { reply, .. } if reply.error.is_none());
                let changes = matches!(done.outcome, Outcome::Ordered | Outcome::Changed);
                assert!(is_success || !kept.allowed(&settings, false).contains(action), "{action:?} {kept:?}");
                assert_eq!(kept.changing(&settings, false).contains(action), changes, "{action:?} {kept:?}");
            }
            let closed = Settings { use_audio_recording: false, ..settings };
            assert!(kept.allowed(&closed, true).is_empty() && kept.changing(&closed, true).is_empty());
        }
    }
    // 36 open ones, three orders while Started, one while Paused, and what closes from these two.
    assert_eq!(all.len(), 36 + 9 * 3 + 9 + 9 * 2);
    assert!(counts.iter().all(|&count| count > 100), "{counts:?}");
}

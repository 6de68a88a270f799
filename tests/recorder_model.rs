//! A session with a recorder, enumerated: every configuration that can be reached, with every mark, save decision and pair of
//! holds, and every input, against a naive model that shares no code; and every line of the specification's table.

use std::collections::{BTreeMap, HashMap, VecDeque};

use recording_core::recorder::{Channel, Epoch, Holder, Kept, Machine, ResumePolicy};
use recording_core::state::RecordingState;
use recording_core::{Action, State};
use recording_test_support::naive_recorder::{self as naive, Ask, Input, Sending};
use recording_test_support::recorder::{begin, epoch, facts, give, request, seen, stored};
use recording_test_support::report;

const TABLE: &str = include_str!("vectors/recorder.csv");

/// Every input, with requests by two requesters.
fn inputs() -> Vec<Input> {
    let mut inputs = vec![
        Input::NoSuchCall,
        Input::AnsweredOther,
        Input::GivenUp,
        Input::SendAgain,
        Input::Restarted,
        Input::End,
        Input::Release,
        Input::ReleaseHolds,
        Input::TimeOut(0),
        Input::TimeOut(1),
        Input::FoundAgain,
    ];
    for code in [naive::RECORDING, naive::OFF, naive::PAUSED] {
        inputs.extend([Input::Answered(code), Input::Read(code), Input::Reported(code)]);
    }
    for bits in 0..4 * 4 {
        let (repeats_accepted, possible, agents) = (bits & 1 == 0, bits & 2 == 0, bits >> 2);
        for who in 0..2 {
            // The requester is an agent, so its own hold counts.
            if agents >> who & 1 == 0 {
                continue;
            }
            let ask = |action| Input::Ask(Ask { who, action, repeats_accepted, possible, agents });
            inputs.extend((1..=3).map(ask));
            if possible && agents == 3 {
                inputs.extend((4..=7).map(ask));
            }
        }
    }
    inputs
}

/// A stored repeat, which this version does not write and reads.
fn with_stored_repeat(machine: &Machine) -> Machine {
    let mut bytes = machine.kept().to_bytes();
    bytes[2] = bytes[0] & 3;
    Machine::load(Kept::from_bytes(&bytes).expect("a stored session"), epoch(1), Channel::Ordered)
}

fn seeds(resume: ResumePolicy) -> Vec<Machine> {
    let mut seeds = Vec::new();
    for &recording in RecordingState::ALL {
        seeds.push(begin(State::INITIAL.with_recording(recording), resume));
    }
    for action in [2, 3] {
        let ask = Ask { who: 0, action, repeats_accepted: true, possible: true, agents: 3 };
        let ordered = give(&seeds[1], Input::Ask(ask)).1.expect("a session");
        let silent = give(&ordered, Input::Answered(action)).1.expect("a session");
        seeds.push(with_stored_repeat(&silent));
    }
    seeds
}

/// A configuration or what follows, as the table writes it.
fn columns(session: Option<&naive::Session>) -> String {
    const AXES: [&str; 4] = ["Uninitialized", "Started", "Stopped", "Paused"];
    let Some(session) = session else { return "Ended,-,-".to_owned() };
    let axis = if session.closing { "Closing" } else { AXES[usize::from(session.axis)] };
    let Some((target, sending)) = session.order else { return format!("{axis},-,-") };
    let sending = match sending {
        Sending::Unsent => "unsent",
        Sending::Flying => "flying",
        Sending::Idle => "idle",
        Sending::OldFlying => "old flying",
    };
    format!("{axis},{},{sending}", AXES[usize::from(target)])
}

/// An input as the table names it; `None` if it has none of it.
fn name(session: &naive::Session, input: Input) -> Option<String> {
    let doing = |code| ["", "Recording", "Off", "Paused"][usize::from(code)];
    Some(match input {
        Input::Ask(Ask { action: action @ 1..=3, repeats_accepted: true, possible: true, who: 0, .. }) => {
            ["Start", "Stop", "Pause"][usize::from(action) - 1].to_owned()
        }
        Input::Answered(code) => format!("answered:{}", doing(code)),
        Input::NoSuchCall => "no such call".to_owned(),
        Input::AnsweredOther => "answered other".to_owned(),
        Input::GivenUp => "given up".to_owned(),
        Input::SendAgain if session.order.is_none() => "repeat".to_owned(),
        Input::SendAgain => "send again".to_owned(),
        Input::Read(code) => format!("read:{}", doing(code)),
        Input::Reported(naive::RECORDING) => "reported:Recording".to_owned(),
        Input::Reported(_) => "reported silent".to_owned(),
        Input::Restarted => "restarted".to_owned(),
        Input::End => "end".to_owned(),
        _ => return None,
    })
}

/// What was reached, and what followed there, as lines of the table.
struct Explored {
    sessions: usize,
    steps: usize,
    lines: BTreeMap<String, String>,
}

fn explore(resume: ResumePolicy) -> Explored {
    let inputs = inputs();
    let mut known = HashMap::new();
    let mut queue: VecDeque<_> = seeds(resume).into();
    let mut explored = Explored { sessions: 0, steps: 0, lines: BTreeMap::new() };
    while let Some(machine) = queue.pop_front() {
        let session = seen(&machine);
        // A stored repeat looks like one in memory, and is another session.
        let is_stored =
            machine.kept().order().is_some_and(|order| Some(order.target().axis().code()) == Some(session.axis));
        let is_stored = is_stored && session.axis != naive::RECORDING && !session.closing;
        if known.insert((session.clone(), is_stored), ()).is_some() {
            continue;
        }
        explored.sessions += 1;
        let bytes = machine.kept().to_bytes();
        assert_eq!(Kept::from_bytes(&bytes).as_ref(), Ok(machine.kept()));
        for &input in &inputs {
            if is_stored && matches!(input, Input::FoundAgain | Input::TimeOut(_)) {
                continue;
            }
            let mut expected = naive::input(&session, input);
            if let Some(holds) = expected.session.as_mut().and_then(|session| session.holds.as_mut()) {
                holds.sort_unstable();
            }
            // What normalises a stored repeat is stored, and nothing else follows from it.
            let (got, next) = give(&machine, input);
            assert_eq!(got, expected, "{session:?} {input:?}");
            explored.steps += 1;
            if let (Some(input), (0, 0)) = (name(&session, input), (session.marking, session.saving)) {
                const EVENTS: [&str; 4] = ["-", "Start", "Stop", "Pause"];
                let event = EVENTS[usize::from(got.event.unwrap_or(0))];
                let after = columns(got.session.as_ref());
                let line = format!("{after},{},{event},{}", u8::from(got.new_number), got.outcome);
                let was = explored.lines.insert(format!("{},{input}", columns(Some(&session))), line.clone());
                assert!(was.is_none_or(|was| was == line || resume == ResumePolicy::Holders));
            }
            queue.extend(next);
        }
    }
    explored
}

#[test]
fn every_line_of_the_table_and_no_other() {
    let mut explored = explore(ResumePolicy::Anyone);
    let mut lines = 0;
    for line in TABLE.lines().skip(1) {
        let after_input = line.match_indices(',').nth(3).expect(line).0;
        let (before, after) = (&line[..after_input], &line[after_input + 1..]);
        assert_eq!(explored.lines.remove(before).as_deref(), Some(after), "{line}");
        lines += 1;
    }
    assert_eq!(lines, 478);
    // What the table leaves out cannot occur, and means nothing.
    for (before, after) in &explored.lines {
        let named = [",given up", ",send again", ",repeat"].iter().any(|name| before.ends_with(name));
        assert!(named && after.ends_with(",0,-,ignored"), "not in the table: {before},{after}");
    }
    report(format_args!(
        "recorder table: {lines} lines; {} sessions that anyone may resume, {} steps as the naive model",
        explored.sessions, explored.steps
    ));
}

#[test]
fn every_hold_of_two_requesters() {
    let explored = explore(ResumePolicy::Holders);
    report(format_args!(
        "recorder holds: {} sessions with holds of two requesters, {} steps as the naive model",
        explored.sessions, explored.steps
    ));
    assert!(explored.sessions > 1_600);
}

/// Eight requesters hold; the ninth is refused, unless one of the eight is no agent any more.
#[test]
fn the_ninth_hold() {
    let mut machine = begin(State::INITIAL.with_recording(RecordingState::Started), ResumePolicy::Holders);
    for who in 0..8 {
        let ask = Ask { who, action: 3, repeats_accepted: true, possible: true, agents: 0xff };
        machine = give(&machine, Input::Ask(ask)).1.expect("a session");
        // Each is told in time, so that each keeps what it made.
        machine = give(&machine, Input::TimeOut(who)).1.expect("a session");
    }
    assert_eq!(machine.kept().holds().len(), 8);
    for action in [2, 3] {
        for agents in 0..=u8::MAX {
            let ask = Ask { who: 0, action, repeats_accepted: true, possible: true, agents };
            for who in [0, 7, 8] {
                // The naive model has bits for eight, and the ninth is an agent.
                let mut session = seen(&machine);
                let expected = naive::input(&session, Input::Ask(Ask { who, ..ask }));
                let (got, _) = give(&machine, Input::Ask(Ask { who, ..ask }));
                assert_eq!((got.outcome, &got.reply), (expected.outcome, &expected.reply), "{who} {agents:08b}");
                session.holds.as_mut().expect("holds").clear();
                let full = agents == 0xff && who == 8;
                assert_eq!(got.outcome == "too many holds", full);
                let held = got.session.expect("a session").holds.expect("holds");
                assert_eq!(held.len(), 8);
                assert_eq!(held.iter().any(|&(holder, _)| holder == who), !full);
            }
        }
    }
}

/// Eight wait; a ninth takes the place of one that is no agent any more, and waits in it: it loses its hold as the others do.
#[test]
fn a_hold_in_the_place_of_another_that_waits() {
    let mut machine = begin(State::INITIAL.with_recording(RecordingState::Started), ResumePolicy::Holders);
    for who in 0..9 {
        let agents = |holder: Holder| holder != Holder::from_index(3);
        let asked = machine.set(&request(Action::Pause), &facts(who, true, true), agents).expect("numbers");
        machine = stored(asked).0.machine.expect("a session");
    }
    assert!(machine.kept().holds().contains(Holder::from_index(8)));
    assert!(!machine.kept().holds().contains(Holder::from_index(3)));
    assert_eq!(machine.holds_in_question(), 0xff);
    let (after, machine) = give(&machine, Input::Answered(naive::RECORDING));
    assert_eq!(after.outcome, "not carried out");
    assert!(machine.expect("a session").kept().holds().is_empty());
}

#[test]
fn a_session_that_begins_silent_is_started_until_that_is_confirmed() {
    for state in State::ALL {
        for resume in [ResumePolicy::Anyone, ResumePolicy::Holders] {
            let machine = begin(state, resume);
            let silent = matches!(state.recording(), RecordingState::Paused | RecordingState::Stopped);
            let shown = if silent { state.with_recording(RecordingState::Started) } else { state };
            assert_eq!(machine.state(), Some(shown));
            assert_eq!(machine.latest().is_some(), silent);
            assert!(machine.kept().holds().is_empty());
            let after = columns(Some(&seen(&machine)));
            assert!(after.ends_with(if silent { ",flying" } else { ",-,-" }), "{after}");
            if silent {
                let code = state.recording().code();
                let (after, confirmed) = give(&machine, Input::Answered(code));
                assert_eq!((after.outcome, after.event), ("carried out", Some(code)));
                assert_eq!(confirmed.expect("a session").state(), Some(state));
            }
        }
    }
    assert_eq!(Holder::from_index(7).to_bytes()[0], 7);
    assert!(Epoch::new(0).is_none() && Epoch::new(Epoch::MAX).is_some() && Epoch::new(Epoch::MAX + 1).is_none());
}

//! Names of what a recorder does and is asked, and what a step says before it is stored.

use recording_core::recorder::{
    Holder, Input, Order, Outcome, RecorderState, Reported, ResumePolicy, SetFacts, Step, Verdict,
};
use recording_core::state::RecordingState;
use recording_core::{Action, State};
use recording_test_support::recorder::{AT, begin, facts, request, stored, waiting};

#[test]
fn names_go_both_ways() {
    assert_eq!(RecorderState::ALL.iter().map(ToString::to_string).collect::<Vec<_>>(), ["Recording", "Paused", "Off"]);
    for &state in RecorderState::ALL {
        assert_eq!(RecorderState::from_name(state.name()), Some(state));
    }
    assert_eq!(RecorderState::from_name("recording"), None);
    assert_eq!(Order::ALL.iter().map(ToString::to_string).collect::<Vec<_>>(), ["Record", "Stop", "Pause"]);
    for &order in Order::ALL {
        assert_eq!(Order::of(order.action()), Some(order));
        assert_eq!(order.target().axis().code(), order.action().code());
    }
    for text in ["Recording", "Paused", "Off", "recording", "", "Record", "Stop", "Pause", "PAUSE"] {
        assert_eq!(text.parse().ok(), RecorderState::from_name(text));
        assert_eq!(text.parse().ok(), Order::from_name(text));
        assert!(RecorderState::from_name(text).is_none_or(|state| state.name() == text));
        assert!(Order::from_name(text).is_none_or(|order| order.name() == text));
    }
    assert!(Order::ALL.iter().all(|order| order.to_string().parse() == Ok(*order)));
    assert!(RecorderState::ALL.iter().all(|state| state.to_string().parse() == Ok(*state)));
    let holder = Holder::from_index(7);
    assert_eq!(holder.as_ref(), holder.to_bytes());
    for policy in [ResumePolicy::Anyone, ResumePolicy::Holders] {
        assert_eq!(policy.to_string().parse(), Ok(policy));
    }
    assert!("Holders".parse::<ResumePolicy>().is_err());
    assert_eq!(waiting(Action::Pause, 0).request(), &request(Action::Pause));
}

#[test]
fn a_step_says_what_it_is_before_it_is_stored() {
    let paused = State::INITIAL.with_recording(RecordingState::Started);
    let step = begin(paused, ResumePolicy::Anyone)
        .set(&request(Action::Mark), &facts(0, true, true), |_| true)
        .expect("numbers");
    let Step::Store(pending) = step else { panic!("nothing to store") };
    assert_eq!((pending.event(), pending.outcome()), (Some(Action::Mark), Outcome::Changed));
    assert_eq!(pending.state(), Some(paused.apply(Action::Mark).state()));
    // One that is no agent is refused before anything else.
    let facts = SetFacts { requester_is_agent: false, ..facts(0, true, true) };
    let step = begin(paused, ResumePolicy::Anyone).set(&request(Action::Pause), &facts, |_| true).expect("numbers");
    let Step::Done(done) = step else { panic!("something to store") };
    assert_eq!(done.outcome, Outcome::Refused);
    let Verdict::Reply { reply, refusal } = done.reply else { panic!("it waits") };
    assert!(reply.state == State::INITIAL && refusal.is_some());
}

/// One of two that hold asks for Start: only its own Pause is answered. What the recorder says is for both.
#[test]
fn answers_are_for_one_requester_or_for_all() {
    let ask = |machine, action, who| {
        let machine: recording_core::recorder::Machine = machine;
        stored(machine.set(&request(action), &facts(who, true, true), |_| true).expect("numbers")).0
    };
    let machine = begin(State::INITIAL.with_recording(RecordingState::Started), ResumePolicy::Holders);
    let machine = ask(machine, Action::Pause, 0).machine.expect("a session");
    let machine = ask(machine, Action::Pause, 1).machine.expect("a session");
    let held_back = ask(machine, Action::Start, 0);
    assert_eq!(held_back.outcome, Outcome::HeldBack);
    let machine = held_back.machine.expect("a session");
    let number = machine.latest().expect("a sending");
    let reply = Input::Reply { number, reported: Reported::Is(RecorderState::Paused) };
    let confirmed = stored(machine.step(reply, AT).expect("numbers")).0;
    let included = [held_back.answers, confirmed.answers].map(|answers| {
        let answers = answers.expect("answers");
        [0, 1].map(|who| answers.include(&waiting(Action::Pause, who)))
    });
    assert_eq!(included, [[true, false], [true, true]]);
}

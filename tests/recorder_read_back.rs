//! Which answers to a read-back count.

use recording_core::recorder::{Input, Machine, RecorderState, Reported, ResumePolicy};
use recording_core::state::RecordingState;
use recording_core::{Action, State};
use recording_test_support::recorder::{AT, begin, facts, request, stored};

fn step(machine: &Machine, input: Input) -> Machine {
    stored(machine.clone().step(input, AT).expect("numbers")).0.machine.expect("a session")
}

/// Nothing was sent since it was asked for, and the order has not been finished.
#[test]
fn a_read_back_counts_as_long_as_it_is_of_the_same_sending_and_order() {
    let started = begin(State::INITIAL.with_recording(RecordingState::Started), ResumePolicy::Anyone);
    let off = Some(Input::Read(RecorderState::Off));
    assert_eq!(started.read_back().expect("nothing is in flight").answered(&started, RecorderState::Off), off);
    let pause = started.set(&request(Action::Pause), &facts(0, true, true), |_| true).expect("numbers");
    let flying = stored(pause).0.machine.expect("a session");
    assert_eq!(flying.read_back(), None);
    let number = flying.latest().expect("a sending");

    let idle = step(&flying, Input::GivenUp { number });
    let asked = idle.read_back().expect("nothing is in flight");
    assert_eq!(asked.answered(&idle, RecorderState::Off), off);
    assert_eq!(asked.answered(&idle, RecorderState::Recording), Some(Input::Read(RecorderState::Recording)));
    // The same order, sent once more.
    let again = step(&idle, Input::Send);
    assert_eq!((again.order(), again.read_back()), (idle.order(), None));
    assert_eq!(asked.answered(&again, RecorderState::Off), None);
    // The same sending, whose late reply finishes the order.
    let paused = step(&idle, Input::Reply { number, reported: Reported::Is(RecorderState::Paused) });
    assert_eq!((paused.latest(), paused.order()), (idle.latest(), None));
    assert_eq!(asked.answered(&paused, RecorderState::Off), None);
    let asked = paused.read_back().expect("nothing is in flight");
    assert_eq!(asked.answered(&paused, RecorderState::Off), off);
}

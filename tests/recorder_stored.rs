//! The stored form of a session with a recorder, the numbers of its sendings, and time.

use recording_core::recorder::{
    Channel, Due, Flight, Input, Kept, KeptError, Machine, Moment, Order, RecorderState, Reported, ResumePolicy,
};
use recording_core::state::RecordingState;
use recording_core::{Action, State};
use recording_test_support::recorder::{AT, begin, epoch, facts, request, stored, waiting};

const STARTED: State = State::INITIAL.with_recording(RecordingState::Started);

fn step(machine: Machine, input: Input) -> Machine {
    stored(machine.step(input, AT).expect("numbers")).0.machine.expect("a session")
}

fn ask(machine: Machine, action: Action, who: u8) -> Machine {
    let step = machine.set(&request(action), &facts(who, true, true), |_| true).expect("numbers");
    stored(step).0.machine.expect("a session")
}

fn answered(machine: Machine, recorder: RecorderState) -> Machine {
    let number = machine.latest().expect("a sending");
    step(machine, Input::Reply { number, reported: Reported::Is(recorder) })
}

/// Paused with two holds, one of them in a place after an empty one.
fn held() -> Machine {
    let mut machine = begin(STARTED.with_saving(recording_core::state::SavingState::Save), ResumePolicy::Holders);
    for who in 1..=3 {
        machine = ask(machine, Action::Pause, who);
    }
    ask(answered(machine, RecorderState::Paused), Action::Start, 2)
}

#[test]
fn the_layout_is_the_documented_one() {
    let bytes = held().kept().to_bytes();
    assert_eq!(bytes.len(), Kept::LEN);
    let mut expected = [0; 160];
    expected[..6].copy_from_slice(&[0b01_0011, 1, 0, 0, 1, 0b101]);
    expected[8] = 1;
    expected[24..32].copy_from_slice(&AT.unix_ms.to_le_bytes());
    (expected[32], expected[32 + 2 * 16]) = (1, 3);
    assert_eq!(bytes, expected);

    let record = ask(begin(STARTED, ResumePolicy::Anyone), Action::Pause, 0);
    let record = ask(record, Action::Start, 0);
    let record = step(answered(record, RecorderState::Paused), Input::Send);
    let bytes = record.kept().to_bytes();
    assert_eq!(bytes[..6], [1, 1, 1, 0, 0, 0]);
    assert_eq!(bytes[16..24], (1_u64 << 24 | 1).to_le_bytes());
    assert_eq!(record.kept().record(), record.latest());

    let closing = step(record, Input::End { save_recording_by_default: true });
    assert_eq!(closing.kept().to_bytes()[..6], [1, 1, 2, 3, 0, 0]);
    assert_eq!(closing.state(), None);
}

/// Every byte of some sessions set to every value: what is read is written back as it was, and all else is refused.
#[test]
fn what_is_read_is_exact_and_all_else_is_refused() {
    let paused = ask(begin(STARTED, ResumePolicy::Anyone), Action::Pause, 0);
    let sessions = [
        held(),
        paused.clone(),
        step(paused, Input::End { save_recording_by_default: false }),
        step(begin(STARTED, ResumePolicy::Anyone), Input::Restarted),
        begin(State::INITIAL, ResumePolicy::Holders),
    ];
    let (mut read, mut refused) = (0, 0);
    for machine in sessions {
        let bytes = machine.kept().to_bytes();
        assert_eq!(Kept::from_bytes(&bytes).as_ref(), Ok(machine.kept()));
        for len in 0..2 * Kept::LEN {
            let resized: Vec<_> = bytes.iter().chain(&bytes).copied().take(len).collect();
            let wrong = (len != Kept::LEN).then_some(KeptError::Length(len));
            assert_eq!(Kept::from_bytes(&resized).err(), wrong);
        }
        for at in 0..Kept::LEN {
            for value in 0..=u8::MAX {
                let mut changed = bytes;
                changed[at] = value;
                match Kept::from_bytes(&changed) {
                    Ok(kept) => {
                        assert_eq!(kept.to_bytes(), changed);
                        read += 1;
                    }
                    Err(KeptError::Version(version)) => assert_eq!((at, version), (1, value)),
                    Err(error) => {
                        let KeptError::Invalid { offset } = error else { panic!("{error}") };
                        assert!(offset < Kept::LEN && error.to_string().ends_with(&format!("at byte {offset}")));
                        refused += 1;
                    }
                }
                if at == 1 {
                    assert_eq!(Kept::from_bytes(&changed).is_ok(), value == Kept::VERSION);
                }
            }
        }
    }
    assert!(read > 100 && refused > 1_000, "{read} {refused}");
    assert_eq!(KeptError::Length(3).to_string(), "a stored session has 160 bytes, not 3");
    assert_eq!(KeptError::Version(2).to_string(), "version 2 of the stored session is not known");
}

#[test]
fn invalid_values_are_refused_where_they_are() {
    let bytes = held().kept().to_bytes();
    let at = |changes: &[(usize, u8)]| {
        let mut changed = bytes;
        changes.iter().for_each(|&(at, value)| changed[at] = value);
        match Kept::from_bytes(&changed) {
            Err(KeptError::Invalid { offset }) => offset,
            other => panic!("{changes:?}: {other:?}"),
        }
    };
    // No state; an order that no paused session has, or none at all; closing without Stop, or with another fate than Save says.
    assert_eq!([at(&[(0, 0x40)]), at(&[(2, 1)]), at(&[(2, 4)]), at(&[(3, 3)]), at(&[(3, 5)])], [0, 2, 2, 2, 3]);
    assert_eq!([at(&[(2, 2), (3, 1)]), at(&[(2, 2), (3, 2)])], [3, 3]);
    // No policy; holds where there are none; what is zero is not.
    assert_eq!([at(&[(4, 2)]), at(&[(4, 0)]), at(&[(6, 1)]), at(&[(7, 1)])], [4, 5, 6, 6]);
    // No epoch, or one too great; a Record that a silent session waits for, even with an order; a place that is empty and is
    // not, one held twice.
    assert_eq!([at(&[(8, 0)]), at(&[(13, 1)]), at(&[(16, 1)]), at(&[(2, 2), (16, 1)])], [8, 8, 16, 16]);
    assert_eq!([at(&[(5, 1)]), at(&[(32, 3)])], [64, 32]);
    // Since when it is Paused, though it is Started.
    assert_eq!(at(&[(0, 0b01_0001)]), 24);
}

#[test]
fn after_a_start_of_the_server_everything_is_due_at_once() {
    let paused = held();
    assert_eq!(paused.due(), Due::After(2_000));
    let loaded = Machine::load(*paused.kept(), epoch(9), Channel::Ordered);
    assert_eq!((loaded.due(), loaded.latest(), loaded.holds_in_question()), (Due::Now, None, 0));
    let sent = step(loaded, Input::Send);
    assert_eq!(sent.latest().map(|number| number.get() >> 24), Some(9));
    assert_eq!(sent.due(), Due::Never);
    assert_eq!(answered(sent, RecorderState::Paused).due(), Due::After(2_000));
}

/// On a channel that is drained nothing is sent before the Record that was stored has landed.
#[test]
fn a_stored_record_is_drained_first() {
    let record = step(begin(STARTED, ResumePolicy::Anyone), Input::Restarted);
    let number = record.latest();
    assert_eq!(record.to_drain(), None);
    assert_eq!(Machine::load(*record.kept(), epoch(2), Channel::Ordered).to_drain(), None);
    let loaded = Machine::load(*record.kept(), epoch(2), Channel::Drained);
    assert_eq!((loaded.to_drain(), loaded.flight(), loaded.due()), (number, Some(Flight::OldFlying), Due::Never));
    let paused = ask(loaded, Action::Pause, 0);
    assert_eq!((paused.order(), paused.to_drain(), paused.latest()), (Some(Order::Pause), number, number));
    let landed = answered(paused, RecorderState::Recording);
    assert_eq!((landed.to_drain(), landed.due()), (None, Due::Now));
    let sent = step(landed, Input::Send);
    assert!(sent.latest() > number);
    let paused = answered(sent, RecorderState::Paused);
    assert_eq!(paused.kept().record(), None);
}

#[test]
fn an_order_is_sent_again_ever_more_slowly() {
    let ordered = ask(begin(STARTED, ResumePolicy::Anyone), Action::Pause, 0);
    let no_such_call = |machine: Machine| {
        let number = machine.latest().expect("a sending");
        step(machine, Input::Reply { number, reported: Reported::NoSuchCall })
    };
    // A recorder that does not know the call is asked at the slowest pace from the first time on.
    assert_eq!(no_such_call(ordered.clone()).due(), Due::After(5_000));
    let mut machine = ordered;
    // Often enough that a time which were doubled each time would not fit any number.
    for (again, times) in [200, 400, 800, 1_600, 3_200].into_iter().chain([5_000; 60]).zip(1..) {
        assert_eq!((machine.due(), machine.times_sent()), (Due::Never, times));
        let number = machine.latest().expect("a sending");
        machine = step(machine, Input::GivenUp { number });
        assert_eq!((machine.due(), machine.times_sent()), (Due::After(again), times));
        machine = step(machine, Input::Send);
    }
    machine = no_such_call(machine);
    assert_eq!(machine.due(), Due::After(5_000));
    machine = ask(machine, Action::Stop, 0);
    machine = answered(machine, RecorderState::Off);
    assert_eq!(machine.due(), Due::After(30_000));
    assert_eq!(begin(STARTED, ResumePolicy::Anyone).due(), Due::Never);
}

#[test]
fn a_pause_is_overdue_once() {
    let at = |uptime_ms| Moment { uptime_ms, ..AT };
    let mut machine = begin(STARTED, ResumePolicy::Anyone);
    assert!(!machine.tick(at(u64::MAX), 0));
    machine = answered(ask(machine, Action::Pause, 0), RecorderState::Paused);
    assert_eq!(machine.kept().paused_since_ms(), Some(AT.unix_ms));
    let confirmed = AT.uptime_ms;
    assert!(!machine.tick(at(confirmed + 59_999), 60_000) && !machine.is_overdue());
    // A repeat that is confirmed does not begin it again.
    machine = answered(step(machine, Input::Send), RecorderState::Paused);
    assert!(machine.tick(at(confirmed + 60_000), 60_000) && machine.is_overdue());
    assert!(!machine.tick(at(confirmed + 70_000), 60_000) && machine.is_overdue());
    // A start of the server counts from its first tick.
    let mut loaded = Machine::load(*machine.kept(), epoch(2), Channel::Ordered);
    assert!(!loaded.tick(at(90_000), 60_000) && !loaded.tick(at(149_999), 60_000) && loaded.tick(at(150_000), 60_000));
    // The next pause has its own time.
    machine = answered(ask(machine, Action::Start, 0), RecorderState::Recording);
    assert!(!machine.is_overdue() && machine.kept().paused_since_ms().is_none());
    machine = answered(ask(machine, Action::Pause, 0), RecorderState::Paused);
    assert!(!machine.tick(at(confirmed + 1), 2) && machine.tick(at(confirmed + 2), 2));
}

/// A step of which the store does not know whether it was stored, while another pause is counted: it is counted on.
#[test]
fn a_session_that_is_read_again_keeps_its_numbers_and_its_time() {
    use recording_core::recorder::Step;
    let paused = answered(ask(begin(STARTED, ResumePolicy::Anyone), Action::Pause, 0), RecorderState::Paused);
    let kept = *paused.kept();
    let latest = paused.latest();
    let start = || paused.clone().set(&request(Action::Start), &facts(0, true, true), |_| true).expect("numbers");
    let Step::Store(pending) = start() else { panic!("nothing to store") };
    let mut found = pending.unknown().found(kept);
    assert!(found.tick(Moment { uptime_ms: AT.uptime_ms + 7, ..AT }, 7));
    assert!(step(found, Input::Send).latest() > latest);
    // Another writer changed the mark only: what is in flight is still known. Anything else, and it is not.
    let flying = step(paused.clone(), Input::Send);
    let marked = |kept: &Kept, at: usize, value: u8| {
        let mut bytes = kept.to_bytes();
        bytes[at] = value;
        Kept::from_bytes(&bytes).expect("a stored session")
    };
    for (found, is_known) in
        [(marked(&kept, 0, 0b0111), true), (marked(&kept, 4, 1), false), (marked(&kept, 2, 2), false)]
    {
        let started = flying.clone().set(&request(Action::Start), &facts(0, true, true), |_| true).expect("numbers");
        let Step::Store(pending) = started else { panic!("nothing to store") };
        let again = pending.conflict(found);
        assert_eq!(again.kept(), &found);
        assert_eq!(again.flight() == Some(Flight::Flying), is_known, "{found:?}");
    }
}

/// A step that takes a hold away and answers its request, of which the store does not know whether it was stored: the request
/// still waits, and without its hold no silence is a success.
#[test]
fn no_silence_is_a_success_for_a_hold_that_may_be_lost() {
    use recording_core::recorder::{Done, PendingStep, Step};
    let pending = |machine: &Machine, recorder: RecorderState| -> PendingStep {
        let number = machine.latest().expect("a sending");
        let step = machine.clone().step(Input::Reply { number, reported: Reported::Is(recorder) }, AT);
        let Ok(Step::Store(pending)) = step else { panic!("nothing to store") };
        pending
    };
    let answers = |done: &Done, who: u8, action: Action| {
        let answers = done.answers.expect("answers");
        let waiting = waiting(action, who);
        assert!(answers.include(&waiting));
        waiting.answer(&answers.answer).error.map(|error| error.to_string())
    };
    let not_confirmed = Some("Action:'Pause' is not confirmed by the recorder.".to_owned());
    let ordered = ask(begin(STARTED, ResumePolicy::Holders), Action::Pause, 0);
    let not_done = || pending(&ordered, RecorderState::Recording);
    let (before, after) = (*ordered.kept(), *not_done().to_store().expect("a session"));
    assert_eq!((before.holds().len(), after.holds().len()), (1, 0));
    let found = [
        (not_done().unknown().found(before), false),
        (not_done().conflict(before), false),
        (not_done().unknown().found(after), true),
        (not_done().conflict(after), true),
    ];
    for (machine, is_lost) in found {
        assert_eq!(machine.has_lost_hold(), is_lost);
        let joined = ask(machine, Action::Pause, 1);
        // That the answers of this step go out is not known either.
        let again = pending(&joined, RecorderState::Paused).unknown().found(*joined.kept());
        assert_eq!(again.has_lost_hold(), is_lost);
        let again = ask(again, Action::Pause, 1);
        let done = pending(&again, RecorderState::Paused).stored();
        for who in [0, 1] {
            assert_eq!(answers(&done, who, Action::Pause), not_confirmed.clone().filter(|_| is_lost));
        }
        let paused = done.machine.expect("a session");
        assert_eq!(paused.state(), Some(STARTED.with_recording(RecordingState::Paused)));
        // All are answered, so the next success is one.
        assert!(!paused.has_lost_hold());
        let done = pending(&ask(paused, Action::Stop, 0), RecorderState::Off).stored();
        assert_eq!(answers(&done, 0, Action::Stop), None);
    }
    // Start asks for no silence.
    let machine = ask(not_done().unknown().found(after), Action::Start, 2);
    let done = pending(&machine, RecorderState::Recording).stored();
    assert_eq!(answers(&done, 2, Action::Start), None);
}

/// Before a later sending goes out the Record has landed: what is in flight then is not the Record.
#[test]
fn a_record_that_has_landed_is_not_drained_once_more() {
    let record = step(begin(STARTED, ResumePolicy::Anyone), Input::Restarted);
    let loaded = Machine::load(*record.kept(), epoch(2), Channel::Drained);
    let paused = ask(loaded, Action::Pause, 0);
    let number = paused.to_drain().expect("the Record");
    let landed = step(paused, Input::GivenUp { number });
    let silencing = step(landed, Input::Send);
    // The Pause is in flight, and a Start that replaces it waits: the Record of before is stored still.
    let started = ask(silencing, Action::Start, 0);
    assert_eq!((started.order(), started.flight()), (Some(Order::Record), Some(Flight::OldFlying)));
    assert_eq!((started.kept().record(), started.to_drain()), (Some(number), None));
}

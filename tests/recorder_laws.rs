//! Laws of a session with a recorder, over sequences of requests, replies of any age, losses, restarts and ends.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use recording_core::recorder::{
    Channel, Done, Input, Kept, Machine, Number, Order, RecorderState, Reported, ResumePolicy, Step, Verdict,
};
use recording_core::{Action, State};
use recording_test_support::recorder::{AT, epoch, facts, request, waiting};

#[derive(Debug, Clone)]
enum Move {
    Ask(Action, u8),
    /// A reply to the sending so many before the latest one.
    Reply(usize, Reported),
    GivenUp(usize),
    Other(Input),
    /// The server starts again.
    Restart,
}

fn moves() -> impl Strategy<Value = Move> {
    let doing = select(RecorderState::ALL);
    let reported = prop_oneof![4 => doing.clone().prop_map(Reported::Is), 1 => Just(Reported::NoSuchCall)];
    let others = prop_oneof![
        4 => Just(Input::Send),
        2 => doing.clone().prop_map(Input::Read),
        2 => doing.prop_map(Input::Report),
        1 => Just(Input::Restarted),
        1 => Just(Input::ReleaseHolds),
        1 => Just(Input::End { save_recording_by_default: true }),
        1 => Just(Input::Release),
    ];
    prop_oneof![
        6 => (select(Action::ALL), 0..3_u8).prop_map(|(action, who)| Move::Ask(action, who)),
        6 => (0..4_usize, reported).prop_map(|(age, reported)| Move::Reply(age, reported)),
        2 => (0..3_usize).prop_map(Move::GivenUp),
        4 => others.prop_map(Move::Other),
        1 => Just(Move::Restart),
    ]
}

/// What a step may say only after it was stored, and what was stored before and after.
struct Taken<R> {
    done: Done<R>,
    was_stored: bool,
}

fn take<R>(step: Step<R>) -> Taken<R> {
    match step {
        Step::Store(pending) => {
            let to_store = pending.to_store().copied();
            let done = pending.stored();
            assert_eq!(done.machine.as_ref().map(Machine::kept), to_store.as_ref(), "what was stored is what goes on");
            Taken { done, was_stored: true }
        }
        Step::Done(done) => Taken { done, was_stored: false },
    }
}

/// What holds of every step, of whatever cause. The machine after it.
fn laws<R>(before: &Kept, sent: &mut Vec<Number>, taken: Taken<R>) -> Option<(Machine, R)> {
    let Taken { done, was_stored } = taken;
    if let Some(answers) = &done.answers
        && answers.answer.is_success()
    {
        // Never a success that the store does not have, from now on or from before, and only for what was asked.
        let shown = done.machine.as_ref().expect("a session that goes on").kept();
        for action in [Action::Start, Action::Stop, Action::Pause] {
            let is_success = waiting(action, 0).answer(&answers.answer).error.is_none();
            let is_stored = Order::of(action).is_some_and(|order| order.target().axis() == shown.state().recording());
            assert_eq!(is_success, is_stored, "{action:?} {shown:?}");
        }
        assert_eq!(shown.order(), None, "a success is the end of its order");
    }
    let machine = done.machine?;
    let kept = machine.kept();
    assert_eq!(Kept::from_bytes(&kept.to_bytes()).as_ref(), Ok(kept), "what is stored is read back");
    assert!(was_stored || kept == before, "what changes is stored");
    // Each change of the state is an event, and nothing else is.
    assert_eq!(done.event.is_some(), kept.state() != before.state(), "{before:?} {kept:?}");
    if let Some(sending) = done.sending {
        // Nothing overtakes: each sending has a number above all before, and belongs to the order that is pending.
        assert!(sent.iter().all(|earlier| *earlier < sending.number));
        assert_eq!((machine.order(), machine.latest()), (Some(sending.order), Some(sending.number)));
        assert!(
            sending.order != Order::Record || kept.record() == Some(sending.number),
            "a Record is known before it leaves"
        );
        sent.push(sending.number);
    }
    let holds: Vec<_> = kept.holds().iter().collect();
    assert!(holds.is_empty() || kept.resume() == ResumePolicy::Holders);
    assert!(holds.iter().enumerate().all(|(at, holder)| !holds[..at].contains(holder)), "one hold each");
    Some((machine, done.reply))
}

fn run(begun: State, resume: ResumePolicy, channel: Channel, moves: &[Move]) {
    let taken = take(Machine::begin(begun, resume, epoch(1), channel));
    let mut machine = taken.done.machine.expect("a session");
    let mut sent: Vec<_> = taken.done.sending.iter().map(|sending| sending.number).collect();
    let mut epochs = 1;
    for step in moves {
        let before = *machine.kept();
        let old = |sent: &[Number], age: usize| sent.iter().rev().nth(age).copied();
        let input = match step {
            Move::Ask(action, who) => {
                let was = machine.state();
                let step = machine.set(&request(*action), &facts(*who, true, true), |_| true).expect("numbers");
                let Some((next, verdict)) = laws(&before, &mut sent, take(step)) else { return };
                if let Verdict::Reply { reply, .. } = &verdict
                    && reply.error.is_none()
                {
                    // Success at once only for what a recorder need not do, or has confirmed before.
                    let shown = was.expect("a session that is open");
                    let order = Order::of(*action);
                    assert!(
                        order.is_none_or(|order| order.target().axis() == shown.recording()),
                        "{action:?} {shown:?}"
                    );
                    assert_eq!(Some(reply.state), next.state());
                }
                machine = next;
                continue;
            }
            Move::Restart => {
                epochs += 1;
                machine = Machine::load(before, epoch(epochs), channel);
                assert_eq!(machine.kept(), &before);
                continue;
            }
            Move::Reply(age, reported) => {
                let Some(number) = old(&sent, *age) else { continue };
                Input::Reply { number, reported: *reported }
            }
            Move::GivenUp(age) => {
                let Some(number) = old(&sent, *age) else { continue };
                Input::GivenUp { number }
            }
            Move::Other(input) => *input,
        };
        let Some((next, ())) = laws(&before, &mut sent, take(machine.step(input, AT).expect("numbers"))) else {
            return;
        };
        machine = next;
        // The same reply once more changes nothing that is stored, and sends nothing.
        if let Input::Reply { .. } = input {
            let before = *machine.kept();
            let again = take(machine.clone().step(input, AT).expect("numbers"));
            assert!(!again.was_stored && again.done.sending.is_none(), "{input:?}");
            assert_eq!(again.done.machine.as_ref().map(Machine::kept), Some(&before));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_step_keeps_the_laws(
        begun in select(&State::ALL[..]),
        holders: bool,
        drained: bool,
        moves in vec(moves(), 0..50),
    ) {
        let resume = if holders { ResumePolicy::Holders } else { ResumePolicy::Anyone };
        let channel = if drained { Channel::Drained } else { Channel::Ordered };
        run(begun, resume, channel, &moves);
    }
}

//! What the tests of sessions with a recorder share: the machine driven as a shell drives it, and seen as the naive model
//! sees a session.

use recording_core::recorder::{
    Answer, Channel, Done, Epoch, Flight, Holder, Input, Machine, Moment, Number, Order, Outcome, PendingStep,
    RecorderState, Reported, ResumePolicy, SetFacts, Step, Verdict, Waiting,
};
use recording_core::state::{RecordingState, RepeatPolicy};
use recording_core::wire::{CorrelationId, ErrorMessage, SetRequest, SipUri, UccName};
use recording_core::{Action, Settings, State};

use super::naive_recorder as naive;

pub const AT: Moment = Moment { uptime_ms: 5_000, unix_ms: 1_700_000_000_000 };

pub const fn epoch(number: u64) -> Epoch {
    Epoch::new(number).expect("an epoch")
}

pub const fn settings(repeats_accepted: bool) -> Settings {
    Settings {
        recording_api_licensed: true,
        use_audio_recording: true,
        agent_can_edit_audio_recording: true,
        save_recording_by_default: false,
        repeats: if repeats_accepted { RepeatPolicy::Accept } else { RepeatPolicy::Refuse },
    }
}

pub fn request(action: Action) -> SetRequest<'static> {
    SetRequest {
        action,
        requester: SipUri::new("sip:agent@domain.com").expect("a URI"),
        correlation_id: CorrelationId::from_u128(0x1d6c_6a58_6739_4f0c_98ff_0968_292c_8c30),
        ucc: UccName::new("ucc-demo-name").expect("a name"),
    }
}

pub const fn facts(who: u8, repeats_accepted: bool, is_possible: bool) -> SetFacts {
    SetFacts {
        settings: settings(repeats_accepted),
        requester_is_agent: true,
        requester: Holder::from_index(who as u32),
        is_possible,
    }
}

pub const fn who(holder: Holder) -> u8 {
    holder.to_bytes()[0]
}

/// A step whose outcome is stored, and whether there was anything to store.
pub fn stored<R>(step: Step<R>) -> (Done<R>, bool) {
    match step {
        Step::Store(pending) => (PendingStep::stored(pending), true),
        Step::Done(done) => (done, false),
    }
}

pub fn begin(state: State, resume: ResumePolicy) -> Machine {
    stored(Machine::begin(state, resume, epoch(1), Channel::Ordered)).0.machine.expect("a session")
}

/// A request that waits, made aside: answers are the same for every session.
pub fn waiting(action: Action, who: u8) -> Waiting<'static> {
    let from = if action == Action::Start { RecordingState::Uninitialized } else { RecordingState::Started };
    let machine = begin(State::INITIAL.with_recording(from), ResumePolicy::Anyone);
    let step = machine.set(&request(action), &facts(who, true, true), |_| true).expect("numbers");
    match stored(step).0.reply {
        Verdict::Wait(waiting) => waiting,
        Verdict::Reply { reply, .. } => panic!("{reply:?}"),
        _ => unreachable!(),
    }
}

/// Type and text, as the naive model gives them.
pub fn told(error: Option<ErrorMessage<'_>>) -> Option<(u8, String)> {
    error.map(|error| (u8::try_from(error.error_type().code()).expect("a small number"), error.to_string()))
}

/// What a waiting request gets by this answer.
pub fn reply_to(answer: &Answer, action: Action) -> Option<(u8, String)> {
    told(waiting(action, 0).answer(answer).error)
}

pub fn doing(code: u8) -> RecorderState {
    *RecorderState::ALL.iter().find(|state| state.axis().code() == code).expect("a recorder's state")
}

/// The session, as the naive model has it.
pub fn seen(machine: &Machine) -> naive::Session {
    let kept = machine.kept();
    let sending = |flight| match flight {
        Flight::Unsent => naive::Sending::Unsent,
        Flight::Flying => naive::Sending::Flying,
        Flight::Idle => naive::Sending::Idle,
        Flight::OldFlying => naive::Sending::OldFlying,
    };
    // Places are those of `to_bytes`: 16 bytes each, from 32 on.
    let bytes = kept.to_bytes();
    let holds = (0..8).filter(|place| bytes[5] >> place & 1 == 1);
    let mut holds: Vec<_> =
        holds.map(|place| (bytes[32 + 16 * place], machine.holds_in_question() >> place & 1 == 1)).collect();
    holds.sort_unstable();
    naive::Session {
        axis: kept.state().recording().code(),
        marking: kept.state().marking().code(),
        saving: kept.state().saving().code(),
        closing: kept.closing().is_some(),
        order: machine
            .order()
            .map(|order| (order.target().axis().code(), sending(machine.flight().expect("an order")))),
        holds: (kept.resume() == ResumePolicy::Holders).then_some(holds),
    }
}

/// An input as the machine takes it. A reply is to the latest number, or to one that never was.
pub fn input(machine: &Machine, input: naive::Input) -> Option<Input> {
    let never = Number::from_u64(u64::MAX).expect("a number");
    let number = machine.latest().unwrap_or(never);
    Some(match input {
        naive::Input::Answered(code) => Input::Reply { number, reported: Reported::Is(doing(code)) },
        naive::Input::NoSuchCall => Input::Reply { number, reported: Reported::NoSuchCall },
        naive::Input::AnsweredOther => Input::Reply { number: never, reported: Reported::Is(RecorderState::Paused) },
        naive::Input::GivenUp => Input::GivenUp { number },
        naive::Input::SendAgain => Input::Send,
        naive::Input::Read(code) => Input::Read(doing(code)),
        naive::Input::Reported(code) => Input::Report(doing(code)),
        naive::Input::Restarted => Input::Restarted,
        naive::Input::End => Input::End { save_recording_by_default: true },
        naive::Input::Release => Input::Release,
        naive::Input::ReleaseHolds => Input::ReleaseHolds,
        naive::Input::Ask(_) | naive::Input::TimeOut(_) | naive::Input::FoundAgain => return None,
    })
}

pub const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ordered => "ordered",
        Outcome::Joins => "joins",
        Outcome::Changed => "changed",
        Outcome::Unchanged => "unchanged",
        Outcome::Refused => "refused",
        Outcome::HeldBack => "held back",
        Outcome::TooManyHolds => "too many holds",
        Outcome::NotPossible => "not possible",
        Outcome::Ignored => "ignored",
        Outcome::CarriedOut => "carried out",
        Outcome::NotCarriedOut => "not carried out",
        Outcome::Confirmed => "confirmed",
        Outcome::Reported => "reported",
        Outcome::AsKnown => "as known",
        Outcome::ReadBack => "read back",
        Outcome::Sent => "sent",
        Outcome::NoSuchCall => "no such call",
        Outcome::NotConfirmed => "not confirmed",
        Outcome::Landed => "landed",
        Outcome::Alarm => "alarm",
        Outcome::Again => "again",
        Outcome::Closing => "closing",
        Outcome::Ended => "ended",
        Outcome::NoSession => "no session",
        _ => "unknown",
    }
}

/// Gives an input of the naive model to the machine: what follows, in the naive model's words, and the session after it.
///
/// What a step releases and what it stores are held against each other on the way.
pub fn give(machine: &Machine, wanted: naive::Input) -> (naive::After, Option<Machine>) {
    if let naive::Input::Ask(ask) = wanted {
        let set = || {
            let action = Action::from_code(ask.action).expect("an action");
            let facts = facts(ask.who, ask.repeats_accepted, ask.possible);
            let agents = move |holder| ask.agents >> who(holder) & 1 == 1;
            machine.clone().set(&request(action), &facts, agents).expect("numbers")
        };
        not_stored(machine, set());
        let (done, is_stored) = stored(set());
        let reply = match &done.reply {
            Verdict::Wait(_) => naive::Reply::Waits,
            Verdict::Reply { reply, refusal } => {
                let shown = done.machine.as_ref().and_then(Machine::state).unwrap_or_default();
                assert_eq!(reply.state, shown, "the states as they are then");
                assert!(refusal.is_none() || reply.error == refusal.map(ErrorMessage::from));
                told(reply.error).map_or(naive::Reply::Success, |(kind, text)| naive::Reply::Error(kind, text))
            }
            _ => unreachable!(),
        };
        return after(machine, done, is_stored, reply);
    }
    match (wanted, input(machine, wanted)) {
        (_, Some(input)) => {
            let step = || machine.clone().step(input, AT).expect("numbers");
            not_stored(machine, step());
            let (done, is_stored) = stored(step());
            after(machine, done, is_stored, naive::Reply::None)
        }
        (naive::Input::TimeOut(who), None) => {
            let mut machine = machine.clone();
            let state = machine.kept().state();
            let reply = waiting(Action::Pause, who).time_out(&mut machine);
            assert_eq!(told(reply.error), naive::reply_to(3, naive::What::NotConfirmed));
            assert_eq!(reply.state, state);
            quiet("timed out", machine)
        }
        (_, None) => {
            let kept = *machine.kept();
            quiet("found again", Machine::load(kept, epoch(kept.epoch().get() + 1), Channel::Ordered))
        }
    }
}

fn quiet(outcome: &'static str, machine: Machine) -> (naive::After, Option<Machine>) {
    let session = Some(seen(&machine));
    let (new_number, event, told, reply) = (false, None, None, naive::Reply::None);
    (naive::After { session, new_number, event, outcome, told, reply }, Some(machine))
}

/// A step that is not stored leaves the session as it was; one that the store does not know of leaves its order unsent.
fn not_stored<R>(before: &Machine, step: Step<R>) {
    if let Step::Store(pending) = step {
        assert_eq!(pending.expected(), Some(before.kept()));
        assert_eq!(pending.not_stored().as_ref(), Some(before));
    }
}

fn after<R>(before: &Machine, done: Done<R>, is_stored: bool, reply: naive::Reply) -> (naive::After, Option<Machine>) {
    let kept = done.machine.as_ref().map(Machine::kept);
    assert_eq!(is_stored, kept != Some(before.kept()), "what is stored is what changed");
    if let Some(sending) = done.sending {
        let machine = done.machine.as_ref().expect("a session");
        assert_eq!(machine.latest(), Some(sending.number));
        assert!(before.latest().is_none_or(|latest| latest < sending.number), "each sending has a number of its own");
        assert_eq!(machine.order(), Some(sending.order));
        let is_kept = machine.kept().record() == Some(sending.number);
        assert_eq!(is_kept, sending.order == Order::Record, "the number of a Record is stored before it leaves");
    }
    let told = done.answers.map(|answers| naive::Told { only: answers.only.map(who), what: what(&answers.answer) });
    let after = naive::After {
        session: done.machine.as_ref().map(seen),
        new_number: done.sending.is_some(),
        event: done.event.map(Action::code),
        outcome: outcome(done.outcome),
        told,
        reply,
    };
    (after, done.machine)
}

/// Which answer it is, by the texts that it gives.
fn what(answer: &Answer) -> naive::What {
    use naive::What;
    let all = [What::NotConfirmed, What::Replaced, What::NoSuchCall, What::Ended].into_iter();
    let all = all.chain([1, 2, 3].into_iter().flat_map(|code| [What::NotCarriedOut(code), What::CarriedOut(code)]));
    // Success to one of the three actions is what tells CarriedOut from NotConfirmed.
    let replies = |action: u8| reply_to(answer, Action::from_code(action).expect("an action"));
    let replies = [replies(1), replies(2), replies(3)];
    assert_eq!(answer.is_success(), replies.contains(&None));
    let mut found = all.filter(|&what| [1, 2, 3].map(|action| naive::reply_to(action, what)) == replies);
    found.next().unwrap_or_else(|| panic!("no such answer: {replies:?}"))
}

//! The machine: a session with its pending order, and what each input does to it.

use super::draft::Draft;
use super::holds::{Holder, Holds, ResumePolicy};
use super::kept::Kept;
use super::order::{Channel, Epoch, Moment, Number, Numbers, Order, RecorderState};
use super::step::{Outcome, PendingStep, Step};
use crate::State;
use crate::state::RecordingState;

/// What happens to a session, other than a request: see [`Machine::step`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    /// A recorder replied to a sending.
    Reply {
        /// Which sending it replies to.
        number: Number,
        /// What it says.
        reported: Reported,
    },
    /// A sending is given up: no reply came in time, the connection was lost, or the reply does not say what the recorder is
    /// doing. It may have been carried out, or may still be. On a channel that is [drained](Channel::Drained) only the last of
    /// these: what has not landed is not given up.
    GivenUp {
        /// Which sending.
        number: Number,
    },
    /// What is [due](Machine::due) is to be sent: the pending order again, or a repeat.
    Send,
    /// A recorder whose read-back is trusted answered one that counts: see [`ReadBack::answered`].
    Read(RecorderState),
    /// A recorder said by itself what it is doing.
    Report(RecorderState),
    /// A new instance of the recorder has been proven: nothing sent before can still be carried out.
    Restarted,
    /// The call has ended.
    End {
        /// `SaveRecordingByDefault` of the session's UCC.
        save_recording_by_default: bool,
    },
    /// The call's side gives up a session that is closing, since its recorder no longer exists.
    Release,
    /// The call's side ends all holds.
    ReleaseHolds,
}

/// What a reply says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reported {
    /// What the recorder is doing.
    Is(RecorderState),
    /// The recorder does not know the call.
    NoSuchCall,
}

/// Where the latest sending of a session is, seen from its pending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flight {
    /// This order has not been sent, and nothing is in flight.
    Unsent,
    /// The latest sending belongs to this order and has neither been answered nor given up.
    Flying,
    /// The latest sending belongs to this order; it was given up, or answered without finishing the order.
    Idle,
    /// A sending of an earlier order has not landed yet. This order has not been sent.
    OldFlying,
}

/// All numbers of an epoch are used up: take a new one, [`renew`](Machine::renew) the session with it and give the same
/// input again.
#[derive(Debug)]
pub struct NumbersUsedUp(pub Machine);

/// A request for a read-back, to be kept until it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use]
pub struct ReadBack {
    latest: Option<Number>,
    order: Option<Order>,
}

impl ReadBack {
    /// The input that the answer makes, if it counts: only while nothing has been sent since the request, and the order has
    /// not been finished.
    ///
    /// OURS: the latter, too. A sending that was given up may be carried out after the recorder was read, and its late reply
    /// finish the order before the answer comes: a recorder that records would be taken for one that is silent.
    #[must_use]
    pub fn answered(self, machine: &Machine, recorder: RecorderState) -> Option<Input> {
        let is_as_it_was = self.latest == machine.latest() && self.order == machine.order();
        is_as_it_was.then_some(Input::Read(recorder))
    }
}

/// What a machine remembers and no store does, that outlives a step which may not have been stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Memory {
    pub(super) numbers: Numbers,
    pub(super) latest: Option<Number>,
    pub(super) channel: Channel,
    /// When the pause was confirmed that the limit is counted from, and whether the limit has been reported.
    pub(super) counted_from: Option<u64>,
    pub(super) is_overdue: bool,
    /// See [`Machine::has_lost_hold`].
    pub(super) has_lost_hold: bool,
}

/// A session with a recorder: what is stored of it, and what is in flight.
///
/// A [`step`](Self::step) takes it and gives it back when its outcome has been stored, so there is never a session with an
/// outcome half stored.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Machine {
    pub(super) kept: Kept,
    pub(super) order: Option<Order>,
    pub(super) flight: Flight,
    pub(super) memory: Memory,
    /// How often this order was sent.
    pub(super) sent: u32,
    pub(super) is_unknown_call: bool,
    /// Since a start of the server no sending has asked the recorder of this silent session.
    pub(super) is_to_repeat: bool,
    /// The places of holds that were made by requests which still wait.
    pub(super) made: u8,
}

impl Machine {
    /// A session begins. One that begins Paused or Stopped is Started with that order pending, which is sent first.
    pub fn begin(state: State, resume: ResumePolicy, epoch: Epoch, channel: Channel) -> Step {
        let order = Order::repeating(state.recording());
        let kept = Kept {
            state: if order.is_some() { state.with_recording(RecordingState::Started) } else { state },
            order,
            closing: None,
            resume,
            epoch,
            record: None,
            paused_since_ms: 0,
            holds: Holds::NONE,
        };
        let mut draft = Draft::of(Self::load(kept, epoch, channel));
        draft.outcome = Outcome::AsKnown;
        if order.is_some() {
            draft.send();
            draft.outcome = Outcome::Ordered;
        }
        let memory = draft.machine.memory;
        Step::Store(PendingStep { before: None, memory, done: draft.done(()) })
    }

    /// A session that was stored, after a start of the server, with an epoch of its own. Its order, or a repeat if it is
    /// silent, is due at once, or when what is [to be drained](Self::to_drain) has landed.
    #[must_use]
    pub const fn load(kept: Kept, epoch: Epoch, channel: Channel) -> Self {
        let numbers = Numbers::new(epoch);
        let (counted_from, is_overdue, has_lost_hold) = (None, false, false);
        Self::reread(kept, Memory { numbers, latest: None, channel, counted_from, is_overdue, has_lost_hold })
    }

    /// The Record that may still be under way after the session was loaded or read again: an adapter that drains sends its
    /// bytes again until they are answered, and the pending order waits for that.
    #[must_use]
    pub const fn to_drain(&self) -> Option<Number> {
        match (self.memory.channel, self.flight, self.sent, self.kept.record) {
            // What is in flight may be something later: then the Record has landed long ago.
            (Channel::Drained, Flight::OldFlying, 0, Some(record)) if self.order.is_some() => {
                match self.memory.latest {
                    Some(latest) if latest.get() == record.get() => Some(record),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    pub(super) const fn reread(kept: Kept, mut memory: Memory) -> Self {
        if !matches!(kept.state.recording(), RecordingState::Paused) {
            memory.counted_from = None;
            memory.is_overdue = false;
        }
        // OURS: the order is sent only after a stored Record has landed, and not merely by an adapter that holds it back. Else
        // its number would be stored in place of the other's, and after another crash nobody would drain that.
        let flight = match (memory.channel, kept.record) {
            (Channel::Drained, Some(record)) => {
                memory.latest = Some(record);
                Flight::OldFlying
            }
            (Channel::Drained, None) | (Channel::Ordered, _) => Flight::Unsent,
        };
        Self { order: kept.order, flight, memory, sent: 0, is_unknown_call: false, is_to_repeat: true, made: 0, kept }
    }

    /// Goes on with the numbers of another epoch.
    #[must_use]
    pub const fn renew(mut self, epoch: Epoch) -> Self {
        self.memory.numbers = Numbers::new(epoch);
        self
    }

    /// What is stored, or is to be.
    #[must_use]
    pub const fn kept(&self) -> &Kept {
        &self.kept
    }

    pub(super) const fn set_kept(&mut self, kept: Kept) {
        self.kept = kept;
    }

    /// The state, unless the session is closing: the API does not find one that is.
    #[must_use]
    pub const fn state(&self) -> Option<State> {
        if self.kept.closing.is_some() { None } else { Some(self.kept.state) }
    }

    /// The pending order, repeats among them.
    #[must_use]
    pub const fn order(&self) -> Option<Order> {
        self.order
    }

    /// Where the latest sending is, if an order is pending.
    #[must_use]
    pub const fn flight(&self) -> Option<Flight> {
        if self.order.is_some() { Some(self.flight) } else { None }
    }

    /// The number of the latest sending since this machine was made.
    #[must_use]
    pub const fn latest(&self) -> Option<Number> {
        self.memory.latest
    }

    /// How often the pending order was sent.
    #[must_use]
    pub const fn times_sent(&self) -> u32 {
        self.sent
    }

    /// Whether a sending has neither landed nor been given up.
    pub(super) const fn is_in_flight(&self) -> bool {
        self.order.is_some() && matches!(self.flight, Flight::Flying | Flight::OldFlying)
    }

    /// Asks for a read-back; `None` while something is in flight.
    #[must_use]
    pub const fn read_back(&self) -> Option<ReadBack> {
        if self.is_in_flight() { None } else { Some(ReadBack { latest: self.memory.latest, order: self.order }) }
    }

    /// The requester's request waits no longer: the hold that it made is kept whatever becomes of the order.
    pub(super) fn stop_waiting(&mut self, requester: Holder) {
        if let Some(place) = self.kept.holds.place(requester) {
            self.made &= !(1 << place);
        }
    }

    /// Which holds were made by requests that still wait, as a bit for each place.
    #[must_use]
    pub const fn holds_in_question(&self) -> u8 {
        self.made
    }

    /// Whether the store may have removed the hold of a request that still waits: the step that removed it and answered the
    /// request was not known to be stored, or another writer removed it.
    ///
    /// OURS: no silence is answered with success then until all who wait have been answered. Without its hold another
    /// requester could end a pause that was answered so.
    #[must_use]
    pub const fn has_lost_hold(&self) -> bool {
        self.memory.has_lost_hold
    }

    /// What an input other than a request does.
    ///
    /// # Errors
    ///
    /// If no sending has a number left; nothing was done then.
    pub fn step(self, input: Input, at: Moment) -> Result<Step, NumbersUsedUp> {
        let mut draft = Draft::from(self)?;
        draft.outcome = match input {
            Input::Reply { number, reported } => draft.reply(number, reported, at),
            Input::GivenUp { number } => draft.given_up(number),
            Input::Send => draft.due(),
            Input::Read(recorder) => draft.read(recorder, at),
            Input::Report(RecorderState::Recording) => draft.read(RecorderState::Recording, at),
            Input::Report(_) if draft.machine.is_in_flight() => Outcome::Ignored,
            Input::Report(_) => Outcome::ReadBack,
            Input::Restarted => draft.restarted(),
            Input::End { save_recording_by_default } => draft.end(save_recording_by_default),
            Input::Release if draft.machine.kept.closing.is_some() => draft.over(),
            Input::Release => Outcome::Ignored,
            Input::ReleaseHolds => draft.release_holds(),
        };
        Ok(draft.step(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::order::Numbers;

    #[test]
    fn numbers_that_are_used_up_are_renewed() {
        let epoch = |number| Epoch::new(number).expect("an epoch");
        let at = Moment { uptime_ms: 0, unix_ms: 0 };
        let state = State::INITIAL.with_recording(RecordingState::Started);
        let kept = match Machine::begin(state, ResumePolicy::Anyone, epoch(7), Channel::Ordered) {
            Step::Store(pending) => *pending.to_store().expect("a session"),
            Step::Done(done) => panic!("{done:?}"),
        };
        let mut machine = Machine::load(kept, epoch(7), Channel::Ordered);
        machine.memory.numbers = Numbers::nearly_used_up(epoch(7));
        let Ok(Step::Store(pending)) = machine.step(Input::Restarted, at) else { panic!("a Record is stored") };
        let sent = pending.stored();
        let last = sent.sending.expect("a sending").number;
        assert_eq!(last.get(), 8 * (1 << 24) - 1);
        let Err(NumbersUsedUp(machine)) = sent.machine.expect("a session").step(Input::Restarted, at) else {
            panic!("a number that is another epoch's")
        };
        assert_eq!(machine.latest(), Some(last));
        let set = crate::wire::SetRequest {
            action: crate::Action::Pause,
            requester: crate::wire::SipUri::new("sip:a@b").expect("a URI"),
            correlation_id: crate::wire::CorrelationId::from_u128(1),
            ucc: crate::wire::UccName::new("u").expect("a name"),
        };
        let settings = crate::Settings {
            recording_api_licensed: true,
            use_audio_recording: true,
            agent_can_edit_audio_recording: true,
            save_recording_by_default: true,
            repeats: crate::state::RepeatPolicy::Accept,
        };
        let requester = Holder::from_index(1);
        let facts = crate::recorder::SetFacts { settings, requester_is_agent: true, requester, is_possible: true };
        let Err(NumbersUsedUp(machine)) = machine.set(&set, &facts, |_| true) else {
            panic!("a number of another epoch")
        };
        let Ok(Step::Store(pending)) = machine.renew(epoch(8)).step(Input::Restarted, at) else { panic!("numbers") };
        assert_eq!(pending.to_store().map(Kept::epoch), Some(epoch(8)));
        assert_eq!(pending.stored().sending.expect("a sending").number.get(), 8 * (1 << 24));
    }
}

//! The machine: a session with its pending order, and what each input does to it.

use super::answer::{Answer, Answers, Kind};
use super::holds::{Holder, Holds, ResumePolicy};
use super::kept::Kept;
use super::order::{Channel, Epoch, Moment, Number, Numbers, Order, RecorderState, Sending};
use super::step::{Done, Outcome, PendingStep, Step};
use crate::state::{Disposition, RecordingState};
use crate::{Action, State};

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
    /// Since a start of the server nobody has asked the recorder of this silent session.
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
        Self::reread(kept, Memory { numbers, latest: None, channel, counted_from: None, is_overdue: false })
    }

    /// The Record that may still be under way after the session was loaded or read again: an adapter that drains sends its
    /// bytes again until they are answered, and the pending order waits for that.
    #[must_use]
    pub const fn to_drain(&self) -> Option<Number> {
        match (self.memory.channel, self.flight, self.sent, self.kept.record) {
            (Channel::Drained, Flight::OldFlying, 0, Some(record)) if self.order.is_some() => Some(record),
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

/// A step being put together.
pub(super) struct Draft {
    before: Machine,
    pub(super) machine: Machine,
    pub(super) outcome: Outcome,
    pub(super) event: Option<Action>,
    sending: Option<Sending>,
    answers: Option<Answers>,
    is_over: bool,
}

impl Draft {
    pub(super) fn from(machine: Machine) -> Result<Self, NumbersUsedUp> {
        if machine.memory.numbers.are_used_up() { Err(NumbersUsedUp(machine)) } else { Ok(Self::of(machine)) }
    }

    fn of(machine: Machine) -> Self {
        Self {
            before: machine.clone(),
            machine,
            outcome: Outcome::Ignored,
            event: None,
            sending: None,
            answers: None,
            is_over: false,
        }
    }

    /// Everything that was put together, held back if there is something to store.
    pub(super) fn step<R>(mut self, reply: R) -> Step<R> {
        let machine = &mut self.machine;
        // A repeat is not stored: a silent session without an order is repeated at once after a restart.
        let is_repeat = machine.order.is_some() && machine.order == Order::repeating(machine.kept.state.recording());
        machine.kept.order = if is_repeat { None } else { machine.order };
        if self.is_over || machine.kept != self.before.kept {
            machine.kept.epoch = machine.memory.numbers.epoch;
            let (mut memory, before) = (machine.memory, self.before.clone());
            // Should the pause turn out not to have ended, it is counted on.
            if memory.counted_from.is_none() {
                memory.counted_from = before.memory.counted_from;
                memory.is_overdue = before.memory.is_overdue;
            }
            return Step::Store(PendingStep { before: Some(before), memory, done: self.done(reply) });
        }
        Step::Done(self.done(reply))
    }

    fn done<R>(self, reply: R) -> Done<R> {
        Done {
            machine: (!self.is_over).then_some(self.machine),
            outcome: self.outcome,
            event: self.event,
            sending: self.sending,
            answers: self.answers,
            reply,
        }
    }

    const fn axis(&self) -> RecordingState {
        self.machine.kept.state.recording()
    }

    /// Sets the axis, with the event of the action that leads there if it changed.
    pub(super) fn set_axis(&mut self, recorder: RecorderState, at: Moment) {
        let axis = recorder.axis();
        if axis == self.axis() {
            return;
        }
        let machine = &mut self.machine;
        machine.kept.state = machine.kept.state.with_recording(axis);
        let is_paused = axis == RecordingState::Paused;
        machine.kept.paused_since_ms = if is_paused { at.unix_ms } else { 0 };
        machine.memory.counted_from = is_paused.then_some(at.uptime_ms);
        machine.memory.is_overdue = false;
        self.event = Some(match recorder {
            RecorderState::Recording => Action::Start,
            RecorderState::Paused => Action::Pause,
            RecorderState::Off => Action::Stop,
        });
    }

    /// Sends the pending order with a number of its own.
    pub(super) fn send(&mut self) {
        let machine = &mut self.machine;
        let Some(order) = machine.order else { return };
        let number = machine.memory.numbers.next();
        machine.memory.latest = Some(number);
        machine.flight = Flight::Flying;
        machine.sent = machine.sent.saturating_add(1);
        machine.is_unknown_call = false;
        machine.is_to_repeat = false;
        if order == Order::Record {
            // Stored before it leaves, so that it can be drained after a crash.
            machine.kept.record = Some(number);
        }
        self.sending = Some(Sending { order, number });
    }

    /// Makes this the pending order, and sends it unless something is in flight: nothing overtakes.
    pub(super) fn order(&mut self, order: Order) {
        let machine = &mut self.machine;
        let is_in_flight = machine.is_in_flight();
        machine.order = Some(order);
        machine.sent = 0;
        machine.is_unknown_call = false;
        if is_in_flight {
            machine.flight = Flight::OldFlying;
        } else {
            self.send();
        }
    }

    /// Answers all requests that wait.
    pub(super) fn answer(&mut self, kind: Kind) {
        self.answers = Some(Answers::all(Answer::new(kind, self.machine.kept.state)));
        let machine = &mut self.machine;
        if matches!(kind, Kind::NotCarriedOut(_) | Kind::Replaced) {
            machine.kept.holds.remove_places(machine.made);
        }
        machine.made = 0;
    }

    /// Answers the requests of this one that wait, unless all are answered already.
    pub(super) fn answer_only(&mut self, holder: Holder, kind: Kind) {
        self.answers = Some(Answers::only(holder, Answer::new(kind, self.machine.kept.state)));
    }

    fn over(&mut self) -> Outcome {
        self.is_over = true;
        Outcome::Ended
    }

    fn reply(&mut self, number: Number, reported: Reported, at: Moment) -> Outcome {
        let Some(order) = self.machine.order else { return Outcome::Ignored };
        if self.machine.flight == Flight::Unsent || self.machine.memory.latest != Some(number) {
            return Outcome::Ignored;
        }
        if self.machine.flight == Flight::OldFlying {
            self.machine.flight = Flight::Unsent;
            return Outcome::Landed;
        }
        let recorder = match (self.machine.kept.closing, reported) {
            (Some(_), Reported::Is(RecorderState::Off) | Reported::NoSuchCall) => return self.over(),
            (Some(_), Reported::Is(_)) => {
                self.machine.flight = Flight::Idle;
                return Outcome::Again;
            }
            (None, Reported::NoSuchCall) => {
                self.machine.flight = Flight::Idle;
                self.machine.is_unknown_call = true;
                self.answer(Kind::NoSuchCall);
                return Outcome::NoSuchCall;
            }
            (None, Reported::Is(recorder)) => recorder,
        };
        if order.target().is_silent() && !recorder.is_silent() {
            self.machine.flight = Flight::Idle;
            let was_silent = Order::repeating(self.axis()).is_some();
            if was_silent {
                self.alarm(at);
            }
            self.answer(Kind::NotCarriedOut(recorder));
            return if was_silent { Outcome::Alarm } else { Outcome::NotCarriedOut };
        }
        self.finish(order, recorder, at)
    }

    fn finish(&mut self, order: Order, recorder: RecorderState, at: Moment) -> Outcome {
        let is_repeat = Order::repeating(self.axis()) == Some(order);
        self.machine.order = None;
        self.machine.flight = Flight::Unsent;
        self.machine.sent = 0;
        // What was sent before this sending has landed.
        self.machine.kept.record = None;
        self.set_axis(recorder, at);
        let is_carried_out = recorder == order.target();
        self.answer(if is_carried_out { Kind::CarriedOut(order) } else { Kind::NotCarriedOut(recorder) });
        match (is_repeat, is_carried_out) {
            (true, true) => Outcome::Confirmed,
            (true, false) => Outcome::Reported,
            (false, true) => Outcome::CarriedOut,
            (false, false) => Outcome::NotCarriedOut,
        }
    }

    /// The recorder records on a silent axis: that is so at once, and silence is ordered.
    fn alarm(&mut self, at: Moment) {
        let silence = self.machine.order.or(Order::repeating(self.axis()));
        self.set_axis(RecorderState::Recording, at);
        if let Some(silence) = silence {
            self.order(silence);
        }
    }

    fn given_up(&mut self, number: Number) -> Outcome {
        if !self.machine.is_in_flight() || self.machine.memory.latest != Some(number) {
            return Outcome::Ignored;
        }
        if self.machine.flight == Flight::OldFlying {
            self.machine.flight = Flight::Unsent;
            return Outcome::Landed;
        }
        self.machine.flight = Flight::Idle;
        self.answer(Kind::NotConfirmed);
        Outcome::NotConfirmed
    }

    fn due(&mut self) -> Outcome {
        match (self.machine.order, Order::repeating(self.axis())) {
            (None, None) => return Outcome::Ignored,
            (Some(_), _) if self.machine.is_in_flight() => return Outcome::Ignored,
            (Some(_), _) => self.send(),
            (None, Some(repeat)) => self.order(repeat),
        }
        Outcome::Sent
    }

    fn read(&mut self, recorder: RecorderState, at: Moment) -> Outcome {
        let axis = self.axis();
        if self.machine.kept.closing.is_some() {
            return Outcome::Ignored;
        }
        if !recorder.is_silent() && Order::repeating(axis).is_some() {
            self.alarm(at);
            return Outcome::Alarm;
        }
        if self.machine.order.is_some() {
            return Outcome::Ignored;
        }
        let is_known = match axis {
            RecordingState::Uninitialized => recorder == RecorderState::Off,
            axis => recorder.axis() == axis,
        };
        if is_known {
            return Outcome::AsKnown;
        }
        self.set_axis(recorder, at);
        Outcome::Reported
    }

    fn restarted(&mut self) -> Outcome {
        let order = match (self.machine.order, self.axis()) {
            (Some(_), _) => {
                self.send();
                return Outcome::Sent;
            }
            (None, RecordingState::Uninitialized) => return Outcome::AsKnown,
            (None, RecordingState::Started) => Order::Record,
            (None, RecordingState::Paused) => Order::Pause,
            (None, RecordingState::Stopped) => Order::Stop,
        };
        self.order(order);
        Outcome::Sent
    }

    fn release_holds(&mut self) -> Outcome {
        let machine = &mut self.machine;
        if machine.kept.closing.is_some() || machine.kept.holds.is_empty() {
            return Outcome::Unchanged;
        }
        machine.kept.holds = Holds::NONE;
        machine.made = 0;
        Outcome::Changed
    }

    fn end(&mut self, save_recording_by_default: bool) -> Outcome {
        if self.machine.kept.closing.is_some() {
            return Outcome::NoSession;
        }
        self.answer(Kind::Ended);
        if matches!(self.axis(), RecordingState::Uninitialized | RecordingState::Stopped) {
            return self.over();
        }
        self.machine.kept.closing = Some(Disposition::of(self.machine.kept.state, save_recording_by_default));
        self.order(Order::Stop);
        Outcome::Closing
    }
}

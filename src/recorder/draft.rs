//! A step being put together: what each input does to a session.

use super::answer::{Answer, Answers, Kind};
use super::holds::{Holder, Holds};
use super::machine::{Flight, Machine, NumbersUsedUp, Reported};
use super::order::{Moment, Number, Order, RecorderState, Sending};
use super::step::{Done, Outcome, PendingStep, Step};
use crate::Action;
use crate::state::{Disposition, RecordingState};

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

    pub(super) fn of(machine: Machine) -> Self {
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
            // Nor are those answered who wait.
            memory.has_lost_hold = before.memory.has_lost_hold;
            return Step::Store(PendingStep { before: Some(before), memory, done: self.done(reply) });
        }
        Step::Done(self.done(reply))
    }

    pub(super) fn done<R>(self, reply: R) -> Done<R> {
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
        machine.memory.has_lost_hold = false;
    }

    /// Answers the requests of this one that wait, unless all are answered already.
    pub(super) const fn answer_only(&mut self, holder: Holder, kind: Kind) {
        self.answers = Some(Answers::only(holder, Answer::new(kind, self.machine.kept.state)));
    }

    pub(super) const fn over(&mut self) -> Outcome {
        self.is_over = true;
        Outcome::Ended
    }

    pub(super) fn reply(&mut self, number: Number, reported: Reported, at: Moment) -> Outcome {
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
        self.answer(match is_carried_out {
            true if recorder.is_silent() && self.machine.memory.has_lost_hold => Kind::NotConfirmed,
            true => Kind::CarriedOut(order),
            false => Kind::NotCarriedOut(recorder),
        });
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

    pub(super) fn given_up(&mut self, number: Number) -> Outcome {
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

    pub(super) fn due(&mut self) -> Outcome {
        match (self.machine.order, Order::repeating(self.axis())) {
            (None, None) => return Outcome::Ignored,
            (Some(_), _) if self.machine.is_in_flight() => return Outcome::Ignored,
            (Some(_), _) => self.send(),
            (None, Some(repeat)) => self.order(repeat),
        }
        Outcome::Sent
    }

    pub(super) fn read(&mut self, recorder: RecorderState, at: Moment) -> Outcome {
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

    pub(super) fn restarted(&mut self) -> Outcome {
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

    pub(super) fn release_holds(&mut self) -> Outcome {
        let machine = &mut self.machine;
        if machine.kept.closing.is_some() || machine.kept.holds.is_empty() {
            return Outcome::Unchanged;
        }
        machine.kept.holds = Holds::NONE;
        machine.made = 0;
        Outcome::Changed
    }

    pub(super) fn end(&mut self, save_recording_by_default: bool) -> Outcome {
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

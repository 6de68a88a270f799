//! Requests to a session with a recorder: the checks, holds, and what becomes an order.

use super::answer::{Kind, NotDone, Waiting};
use super::draft::Draft;
use super::holds::{Holder, Holds, ResumePolicy};
use super::machine::{Machine, NumbersUsedUp};
use super::order::Order;
use super::step::{Outcome, Step};
use crate::decide::{self, Refusal};
use crate::state::{self, RepeatPolicy};
use crate::wire::{SetRequest, StateReply};
use crate::{Action, Settings, State};

/// The facts that a change is decided by, besides the session. There is no default: a shell cannot forget one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SetFacts {
    /// The settings of the request's UCC.
    pub settings: Settings,
    /// Whether the requester is an agent of that UCC.
    pub requester_is_agent: bool,
    /// The requester, as holds know it.
    pub requester: Holder,
    /// Whether the session's recorder can do what is asked: it can do it at all, is configured, and passed its self-test.
    pub is_possible: bool,
}

/// What a request gets.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum Verdict<'a> {
    /// This reply, at once.
    Reply {
        /// The reply.
        reply: StateReply<'a>,
        /// Why it is refused, if one of the checks up to 9 refuses it.
        refusal: Option<Refusal<'a>>,
    },
    /// Nothing yet: it waits for an answer of a later step, or until its time is up.
    Wait(Waiting<'a>),
}

impl Machine {
    /// Decides a change of a session with a recorder. `holder_is_agent` says of a holder whether it is still an agent of the
    /// UCC: a hold counts only while it is.
    ///
    /// For a UCC or a session that does not exist, [`SetRequest::decide`] has the reply.
    ///
    /// # Errors
    ///
    /// If no sending has a number left; nothing was done then.
    pub fn set<'a>(
        self,
        request: &SetRequest<'a>,
        facts: &SetFacts,
        holder_is_agent: impl Fn(Holder) -> bool,
    ) -> Result<Step<Verdict<'a>>, NumbersUsedUp> {
        let mut draft = Draft::from(self)?;
        let verdict = draft.set(request, facts, holder_is_agent);
        Ok(draft.step(verdict))
    }
}

/// What a request comes to before an order is made of it.
enum Early<'a> {
    Accepted,
    Refused(Refusal<'a>),
    NotDone(NotDone<'a>),
    Wait,
}

impl Draft {
    fn set<'a>(
        &mut self,
        request: &SetRequest<'a>,
        facts: &SetFacts,
        holder_is_agent: impl Fn(Holder) -> bool,
    ) -> Verdict<'a> {
        let known = decide::SetFacts {
            settings: facts.settings,
            requester_is_agent: facts.requester_is_agent,
            session: self.machine.state(),
        };
        let early = match request.check(Some(known)) {
            Ok((transition, repeats)) => match Order::of(request.action) {
                Some(order) => self.set_recording(request, order, transition, repeats, facts, holder_is_agent),
                None => self.set_other(transition, repeats),
            },
            Err(refusal) => {
                let is_closing = matches!(refusal, Refusal::UnknownSession { .. });
                self.outcome = if is_closing { Outcome::NoSession } else { Outcome::Refused };
                let reply = request.reply(State::INITIAL, Some(refusal.into()));
                return Verdict::Reply { reply, refusal: Some(refusal) };
            }
        };
        let (error, refusal) = match early {
            Early::Wait => return Verdict::Wait(Waiting { request: *request, requester: facts.requester }),
            Early::Accepted => (None, None),
            Early::Refused(refusal) => {
                self.outcome = Outcome::Refused;
                (Some(refusal.into()), Some(refusal))
            }
            Early::NotDone(not_done) => (Some(not_done.into()), None),
        };
        Verdict::Reply { reply: request.reply(self.machine.kept.state, error), refusal }
    }

    /// Marking and saving: as without a recorder.
    const fn set_other<'a>(&mut self, transition: state::Outcome, repeats: RepeatPolicy) -> Early<'a> {
        if let Some(refusal) = refusal(transition, repeats) {
            return Early::Refused(refusal);
        }
        self.outcome = Outcome::Unchanged;
        if let state::Outcome::Changed { to, action, .. } = transition {
            self.machine.kept.state = to;
            self.event = Some(action);
            self.outcome = Outcome::Changed;
        }
        Early::Accepted
    }

    fn set_recording<'a>(
        &mut self,
        request: &SetRequest<'a>,
        order: Order,
        transition: state::Outcome,
        repeats: RepeatPolicy,
        facts: &SetFacts,
        holder_is_agent: impl Fn(Holder) -> bool,
    ) -> Early<'a> {
        let pending = self.machine.order;
        let is_start = order == Order::Record;
        // 8.
        if let (state::Outcome::Refused { .. }, Some(refusal)) = (transition, refusal(transition, repeats)) {
            return Early::Refused(refusal);
        }
        // 8b.
        if is_start && self.is_held_back(facts.requester, &holder_is_agent) {
            self.outcome = Outcome::HeldBack;
            return Early::NotDone(NotDone::HeldBack);
        }
        // 9. Start while silence is pending is no repeat: that is what it ends.
        let ends_silence = is_start && pending.is_some_and(|pending| pending != order);
        let transition = if ends_silence { None } else { Some(transition) };
        if let Some(refusal) = transition.and_then(|transition| refusal(transition, repeats)) {
            return Early::Refused(refusal);
        }
        let joins = pending == Some(order);
        let is_unchanged = !joins && matches!(transition, Some(state::Outcome::Unchanged { .. }));
        // 10.
        if !is_unchanged && !facts.is_possible {
            self.outcome = Outcome::NotPossible;
            return Early::NotDone(NotDone::NotPossible { action: request.action, ucc: request.ucc });
        }
        let mut holds = self.machine.kept.holds;
        let mut made = self.machine.made;
        if !joins && !is_unchanged {
            // Those who wait for the order that this replaces lose the holds that they made.
            holds.remove_places(made);
            made = 0;
        }
        if !is_start && self.machine.kept.resume == ResumePolicy::Holders {
            let held = holds.place(facts.requester);
            let Some(place) = held.or_else(|| holds.add(facts.requester, holder_is_agent)) else {
                self.outcome = Outcome::TooManyHolds;
                return Early::NotDone(NotDone::TooManyHolds);
            };
            if is_unchanged {
                // Answered with success: the hold stays, whatever becomes of the request that made it.
                made &= !(1 << place);
            } else if held.is_none() {
                made |= 1 << place;
            }
        }
        self.apply(order, joins, is_unchanged, holds, made)
    }

    fn apply<'a>(&mut self, order: Order, joins: bool, is_unchanged: bool, holds: Holds, made: u8) -> Early<'a> {
        if joins {
            (self.machine.kept.holds, self.machine.made) = (holds, made);
            if !self.machine.is_in_flight() {
                self.send();
            }
            self.outcome = Outcome::Joins;
            return Early::Wait;
        }
        if is_unchanged {
            (self.machine.kept.holds, self.machine.made) = (holds, made);
            self.outcome = Outcome::Unchanged;
            return Early::Accepted;
        }
        if order == Order::Record {
            self.start();
        }
        if self.machine.order.is_some() {
            self.answer(Kind::Replaced);
        }
        (self.machine.kept.holds, self.machine.made) = (holds, made);
        self.order(order);
        self.outcome = Outcome::Ordered;
        Early::Wait
    }

    /// Check 8b: takes the requester's own hold away, and says whether the session stays held.
    fn is_held_back(&mut self, requester: Holder, holder_is_agent: impl Fn(Holder) -> bool) -> bool {
        let is_holder = self.machine.kept.holds.contains(requester);
        if is_holder {
            self.machine.stop_waiting(requester);
            self.machine.kept.holds.remove(requester);
            self.answer_only(requester, Kind::Replaced);
        }
        self.machine.kept.holds.iter().any(holder_is_agent)
    }
}

/// Checks 8 and 9.
const fn refusal<'a>(transition: state::Outcome, repeats: RepeatPolicy) -> Option<Refusal<'a>> {
    match (transition, repeats) {
        (state::Outcome::Refused { action, reason, .. }, _) => Some(Refusal::NotAllowed { action, reason }),
        (state::Outcome::Unchanged { state, action }, RepeatPolicy::Refuse) => {
            Some(Refusal::Repeat { action, already: decide::axis_name(state, action) })
        }
        (state::Outcome::Unchanged { .. }, RepeatPolicy::Accept) | (state::Outcome::Changed { .. }, _) => None,
    }
}

impl Draft {
    /// The axis is Started from now on, before the order is sent.
    const fn start(&mut self) {
        let kept = &mut self.machine.kept;
        if !matches!(kept.state.recording(), state::RecordingState::Started) {
            kept.state = kept.state.with_recording(state::RecordingState::Started);
            kept.paused_since_ms = 0;
            self.machine.memory.counted_from = None;
            self.machine.memory.is_overdue = false;
            self.event = Some(Action::Start);
        }
    }
}

//! What follows from an input, in the order in which it must be carried out: what is stored first holds everything else
//! back.

use super::answer::Answers;
use super::holds::Holds;
use super::kept::Kept;
use super::machine::{Machine, Memory};
use super::order::Sending;
use crate::{Action, State};

/// What an input has come to: the last column of the table in `docs/recorder.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// A new order is pending.
    Ordered,
    /// The request waits for the order that is pending already.
    Joins,
    /// Marking or saving changed.
    Changed,
    /// The request would change nothing.
    Unchanged,
    /// The request is refused by one of the checks up to 9.
    Refused,
    /// A Start is refused: another requester holds the session.
    HeldBack,
    /// A Pause or Stop is refused: there are as many holds as there can be.
    TooManyHolds,
    /// The recorder cannot do it.
    NotPossible,
    /// The input means nothing here.
    Ignored,
    /// The order was carried out.
    CarriedOut,
    /// The recorder is doing something other than what was ordered.
    NotCarriedOut,
    /// A repeat was carried out.
    Confirmed,
    /// The recorder does something else than before, and the session's state follows it.
    Reported,
    /// The recorder is doing what the session's state says.
    AsKnown,
    /// The recorder is to be read back.
    ReadBack,
    /// A pending order, or a repeat, was sent.
    Sent,
    /// The recorder does not know the call.
    NoSuchCall,
    /// The sending was given up.
    NotConfirmed,
    /// A sending of an earlier order has landed; the pending one is due.
    Landed,
    /// The recorder is recording although the session's state was silent.
    Alarm,
    /// The recorder of a session that is closing has not stopped yet.
    Again,
    /// The session has ended; its recorder is being stopped.
    Closing,
    /// The session is over.
    Ended,
    /// The session is closing: the API does not find it.
    NoSession,
}

/// What follows from an input: something to store, or what can be carried out at once.
///
/// `R` is what a request gets, nothing for other inputs.
#[derive(Debug)]
#[must_use]
#[allow(clippy::large_enum_variant, reason = "there is no allocator to box it with")]
pub enum Step<R = ()> {
    /// Something must be stored before anything else.
    Store(PendingStep<R>),
    /// Nothing is to be stored.
    Done(Done<R>),
}

/// A step whose outcome must be stored: it holds back what is to be published, sent and answered until
/// [`stored`](Self::stored) releases it. It cannot be copied.
#[derive(Debug)]
#[must_use = "a step must be stored, or given up"]
pub struct PendingStep<R = ()> {
    pub(super) before: Option<Machine>,
    pub(super) done: Done<R>,
    pub(super) memory: Memory,
}

/// What may be carried out now: publish, then send, then answer.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Done<R = ()> {
    /// The session, for its next input; `None` once it is over.
    pub machine: Option<Machine>,
    /// What the input has come to.
    pub outcome: Outcome,
    /// The event to publish.
    pub event: Option<Action>,
    /// What to send to the recorder.
    pub sending: Option<Sending>,
    /// Which of the requests that wait are answered, and how.
    pub answers: Option<Answers>,
    /// What the request itself gets.
    pub reply: R,
}

/// A step of which the store does not know whether it was stored. The session must be read again before its next input.
#[derive(Debug)]
#[must_use = "the session must be read again"]
pub struct Reread {
    memory: Memory,
    /// Who held the session before the step.
    holds: Holds,
}

impl<R> PendingStep<R> {
    /// What must still be stored for the step to be valid: what a compare-and-set expects. `None` if the session begins.
    #[must_use]
    pub fn expected(&self) -> Option<&Kept> {
        self.before.as_ref().map(Machine::kept)
    }

    /// What to store; `None` to remove the session.
    #[must_use]
    pub fn to_store(&self) -> Option<&Kept> {
        self.done.machine.as_ref().map(Machine::kept)
    }

    /// The event that will be published: for an audit line that is written in the same commit.
    #[must_use]
    pub const fn event(&self) -> Option<Action> {
        self.done.event
    }

    /// What the input will have come to: for an audit line that is written in the same commit.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        self.done.outcome
    }

    /// The state after the step.
    #[must_use]
    pub fn state(&self) -> Option<State> {
        self.to_store().map(Kept::state)
    }

    /// Confirms that it is stored, and releases what follows.
    ///
    /// A store that does not know whether it stored has not: that is [`unknown`](Self::unknown).
    pub fn stored(self) -> Done<R> {
        self.done
    }

    /// Gives the step up, since it certainly could not be stored. The session is as it was, and so is its order: the request
    /// is answered 503. `None` if the session would have begun.
    #[must_use]
    pub fn not_stored(self) -> Option<Machine> {
        self.before
    }

    /// Gives the step up, since something else was stored than what was [`expected`](Self::expected). Give the input again
    /// to the session that this returns.
    ///
    /// Only another writer can have done that. If it changed no more than marking and saving, what is in flight is still
    /// known; else the session is as after [`unknown`](Self::unknown).
    #[must_use]
    pub fn conflict(self, found: Kept) -> Machine {
        let reread = Reread::of(self.before.as_ref(), self.memory);
        if let Some(mut before) = self.before {
            let is_ours = Kept { state: before.kept().state().with_recording(found.state().recording()), ..found }
                == *before.kept()
                && found.state().recording() == before.kept().state().recording();
            if is_ours {
                before.set_kept(found);
                return before;
            }
        }
        reread.found(found)
    }

    /// Says that the store does not know whether it was stored.
    ///
    /// If the session is not there any more, requests that waited get what a session that does not exist gets.
    pub fn unknown(self) -> Reread {
        Reread::of(self.before.as_ref(), self.memory)
    }
}

impl Reread {
    fn of(before: Option<&Machine>, memory: Memory) -> Self {
        Self { memory, holds: before.map_or(Holds::NONE, |before| *before.kept().holds()) }
    }

    /// The session as it was found. Its order counts as not sent: replies to earlier sendings mean nothing any more.
    ///
    /// Requests that waited still wait. If one of them may have [lost its hold](Machine::has_lost_hold), none is answered
    /// that its silence was carried out.
    #[must_use]
    pub fn found(self, kept: Kept) -> Machine {
        let mut memory = self.memory;
        memory.has_lost_hold |= self.holds.iter().any(|holder| !kept.holds().contains(holder));
        Machine::reread(kept, memory)
    }
}

//! What requests hear that wait for a recorder, and the texts of it.

use super::holds::Holder;
use super::machine::Machine;
use super::order::{Order, RecorderState};
use crate::decide::Refusal;
use crate::pieces::{Pieces, Sink, display_by_pieces};
use crate::state::by_action;
use crate::wire::{Around, ErrorMessage, ErrorType, SetRequest, StateReply, UccName};
use crate::{Action, State};

/// Why a `set` that passed all checks is not answered with success, or is held back. Source: OURS, the texts too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NotDone<'a> {
    /// The recorder said that it is doing something else.
    NotCarriedOut {
        /// What was asked.
        action: Action,
        /// What the recorder is doing.
        recorder: RecorderState,
    },
    /// The recorder did not say in time what it is doing. The order may have been carried out, or may still be.
    NotConfirmed {
        /// What was asked.
        action: Action,
    },
    /// Another request changed the order.
    Replaced {
        /// What was asked.
        action: Action,
    },
    /// The recorder does not know the call. Nothing is being written, but it is no success: something is wrong.
    NoSuchCall,
    /// The recorder cannot do it, is no longer configured, or failed its self-test. Nothing was ordered.
    NotPossible {
        /// What was asked.
        action: Action,
        /// What the request said.
        ucc: UccName<'a>,
    },
    /// 8b: another requester holds the session.
    HeldBack,
    /// There are as many holds as there can be.
    TooManyHolds,
}

impl NotDone<'_> {
    /// The type of this error on the wire. Type 1 is an exception here: nothing is wrong with the request.
    #[must_use]
    pub const fn error_type(&self) -> ErrorType {
        match self {
            Self::HeldBack | Self::TooManyHolds => ErrorType::Validation,
            Self::NotCarriedOut { .. }
            | Self::NotConfirmed { .. }
            | Self::Replaced { .. }
            | Self::NoSuchCall
            | Self::NotPossible { .. } => ErrorType::Configuration,
        }
    }
}

const NO_SUCH_CALL: &str = "The recorder does not know the call.";
const HELD_BACK: &str = "Action:'Start' is held back: the recorder is held by another requester.";
const TOO_MANY_HOLDS: &str = "The recorder is held by as many requesters as it can be.";

/// A text about an action: its name, with something before and after it.
macro_rules! text {
    ($action:expr, $text:literal) => {{
        macro_rules! of {
            ($name:literal) => {
                concat!("Action:'", $name, $text)
            };
        }
        by_action!($action, of)
    }};
}

impl<'a> From<NotDone<'a>> for ErrorMessage<'a> {
    fn from(not_done: NotDone<'a>) -> Self {
        macro_rules! not_possible {
            ($action:literal) => {
                &Around(concat!("Action:'", $action, "' is not possible with the recorder of UCC:'"), "'.")
            };
        }
        let error_type = not_done.error_type();
        let text = match not_done {
            NotDone::NotCarriedOut { action, recorder: RecorderState::Recording } => {
                text!(action, "' was not carried out: the recorder is 'Recording'.")
            }
            NotDone::NotCarriedOut { action, recorder: RecorderState::Paused } => {
                text!(action, "' was not carried out: the recorder is 'Paused'.")
            }
            NotDone::NotCarriedOut { action, recorder: RecorderState::Off } => {
                text!(action, "' was not carried out: the recorder is 'Off'.")
            }
            NotDone::NotConfirmed { action } => text!(action, "' is not confirmed by the recorder."),
            NotDone::Replaced { action } => text!(action, "' was replaced by another request."),
            NotDone::NotPossible { action, ucc } => {
                return Self::around(error_type, by_action!(action, not_possible), ucc.as_str());
            }
            NotDone::NoSuchCall => NO_SUCH_CALL,
            NotDone::HeldBack => HELD_BACK,
            NotDone::TooManyHolds => TOO_MANY_HOLDS,
        };
        Self::new(error_type, text)
    }
}

impl Pieces for NotDone<'_> {
    fn pieces(&self, sink: &mut impl Sink) {
        ErrorMessage::from(*self).pieces(sink);
    }
}

display_by_pieces!(NotDone<'_>);

impl core::error::Error for NotDone<'_> {}

/// What the requests that wait for an order get. It comes out of a step only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Answer {
    kind: Kind,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    CarriedOut(Order),
    NotCarriedOut(RecorderState),
    NotConfirmed,
    Replaced,
    NoSuchCall,
    Ended,
}

impl Answer {
    pub(super) const fn new(kind: Kind, state: State) -> Self {
        Self { kind, state }
    }

    /// Whether the order was carried out and that is stored.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        matches!(self.kind, Kind::CarriedOut(_))
    }
}

/// Which requests are answered, and what they get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Answers {
    /// Whose requests; `None` for all that wait for this session's recorder.
    pub only: Option<Holder>,
    /// What they get.
    pub answer: Answer,
}

impl Answers {
    pub(super) const fn all(answer: Answer) -> Self {
        Self { only: None, answer }
    }

    pub(super) const fn only(holder: Holder, answer: Answer) -> Self {
        Self { only: Some(holder), answer }
    }

    /// Whether this request is among those that are answered.
    #[must_use]
    pub fn include(&self, waiting: &Waiting<'_>) -> bool {
        self.only.is_none_or(|only| only == waiting.requester)
    }
}

/// A request that waits for the recorder. It is answered once.
#[derive(Debug)]
#[must_use = "a request that waits must be answered"]
pub struct Waiting<'a> {
    pub(super) request: SetRequest<'a>,
    pub(super) requester: Holder,
}

impl<'a> Waiting<'a> {
    /// What was asked.
    #[must_use]
    pub const fn request(&self) -> &SetRequest<'a> {
        &self.request
    }

    /// Who asked, as holds know it.
    #[must_use]
    pub const fn requester(&self) -> Holder {
        self.requester
    }

    /// The reply, once a step has answered. Success only if what was carried out is what this request asked for.
    #[must_use]
    pub fn answer(self, answer: &Answer) -> StateReply<'a> {
        let action = self.request.action;
        let not_done = match answer.kind {
            Kind::CarriedOut(order) if Order::of(action) == Some(order) => return self.reply(answer.state, None),
            Kind::CarriedOut(_) | Kind::NotConfirmed => NotDone::NotConfirmed { action },
            Kind::NotCarriedOut(recorder) => NotDone::NotCarriedOut { action, recorder },
            Kind::Replaced => NotDone::Replaced { action },
            Kind::NoSuchCall => NotDone::NoSuchCall,
            // OURS: the API does not find a session that has ended, so a request that waited for it does not either.
            Kind::Ended => {
                let correlation_id = self.request.correlation_id;
                return self.reply(State::INITIAL, Some(Refusal::UnknownSession { correlation_id }.into()));
            }
        };
        self.reply(answer.state, Some(not_done.into()))
    }

    /// The reply when the request has waited for as long as it may: the order stays, and so does the hold that this request
    /// made, since the pause may still happen.
    #[must_use]
    pub fn time_out(self, machine: &mut Machine) -> StateReply<'a> {
        machine.stop_waiting(self.requester);
        let not_done = NotDone::NotConfirmed { action: self.request.action };
        self.reply(machine.kept().state(), Some(not_done.into()))
    }

    const fn reply(&self, state: State, error: Option<ErrorMessage<'a>>) -> StateReply<'a> {
        StateReply { correlation_id: self.request.correlation_id, state, error, ucc: self.request.ucc }
    }
}

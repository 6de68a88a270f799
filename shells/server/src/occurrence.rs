//! What happens in the service, in one type.
//!
//! The service reports each [`Occurrence`] once. The log, the metrics and the audit trail each have a function
//! `observe` with an exhaustive `match`: an occurrence that is added does not compile until each of the three has said
//! what it does with it.

use core::time::Duration;

use recording_core::State;
use recording_core::decide::Refusal;
use recording_core::recorder::{Number, Order, Outcome};
use recording_core::state::Disposition;
use recording_core::wire::{CapabilitiesReply, ErrorMessage, ErrorType, Rejection, SetRequest, StateReply};

use crate::caller::RequestLine;
use crate::recorder::Alarm;
use crate::session::SessionKey;
use crate::store_error::StoreError;

/// A change of a session. Its line in the audit trail is written before the change is made.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change<'a> {
    /// A set changes the state.
    Set { request: &'a SetRequest<'a>, before: State, after: State },
    /// A session begins in this state, with the recorder of this name, if it has one.
    Begin { key: &'a SessionKey, state: State, recorder: Option<&'a str> },
    /// A session ends in this state.
    End { key: &'a SessionKey, state: State, disposition: Disposition },
    /// A set of a session with a recorder became an order, joined one, or changed who holds the session.
    Ordered {
        request: &'a SetRequest<'a>,
        before: State,
        after: State,
        outcome: Outcome,
        /// The alarm that ends by it: from a Start on what is recorded is wanted.
        alarm: Option<Alarm>,
        of: Recorded<'a>,
    },
    /// What a recorder said, or did not say, changed a session. `after` is `None` if the session is over.
    ByRecorder {
        key: &'a SessionKey,
        order: Option<Order>,
        before: State,
        after: Option<State>,
        outcome: Outcome,
        /// The alarm that this is, or that ends by it.
        alarm: Option<Alarm>,
        of: Recorded<'a>,
    },
    /// The call's side ended all holds, or gave up a session that was closing.
    ByCallSide { key: &'a SessionKey, before: State, after: Option<State>, outcome: Outcome, of: Recorded<'a> },
}

/// Which recorder it is about, and what else there is to say of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recorded<'a> {
    /// The recorder's name in the config.
    pub(crate) recorder: &'a str,
    /// The number of the sending that was answered or given up.
    pub(crate) number: Option<Number>,
    pub(crate) holds: &'a HoldsChange,
}

/// Who holds a session since a change, and who does not any more: as the directory or they write themselves, or the beginning of what
/// is kept of one that is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HoldsChange {
    pub(crate) made: Vec<String>,
    pub(crate) lost: Vec<String>,
}

/// Something that happened.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Occurrence<'a> {
    /// A change was made: it is stored.
    Changed(Change<'a>),
    /// A set was a repeat, and was accepted.
    Unchanged { request: &'a SetRequest<'a>, state: Option<State> },
    /// A set was refused by a rule.
    Refused { request: &'a SetRequest<'a>, state: Option<State>, refusal: &'a Refusal<'a> },
    /// A set of a session with a recorder was answered, after it waited for the recorder or at once.
    Answered { request: &'a SetRequest<'a>, reply: &'a StateReply<'a> },
    /// What a recorder said, or did not say, changed nothing that is stored; or something was sent to it.
    Recorder(Change<'a>),
    /// A pause has reached its limit.
    Overdue { key: &'a SessionKey, recorder: &'a str, since_ms: Option<u64>, limit: Duration },
    /// A set could not be stored; nothing was changed, or it is not known whether it was.
    NotStored { request: &'a SetRequest<'a>, error: &'a StoreError },
    /// A set was not decided, because its token is for another requester.
    NotPermitted { request: &'a SetRequest<'a>, line: RequestLine<'a> },
    /// A session was to begin that is open; it stays as it is.
    AlreadyOpen { key: &'a SessionKey, state: State },
    /// A session was not begun.
    NotBegun { key: &'a SessionKey, why: &'a NotDone<'a> },
    /// A session was to end that had ended within the last minute.
    AlreadyEnded { key: &'a SessionKey, disposition: Disposition },
    /// A session was not ended.
    NotEnded { key: &'a SessionKey, why: &'a NotDone<'a> },
    /// A state was asked for.
    StateRead(&'a StateReply<'a>),
    /// The capabilities of a UCC were asked for.
    CapabilitiesRead(&'a CapabilitiesReply<'a>),
}

/// Beginning and ending can be asked for again, and say then what became of them.
const NOT_KNOWN: &str = "It is not known whether this was stored: ask again.";

/// Why a session was not begun, or not ended.
#[derive(Debug)]
pub enum NotDone<'a> {
    /// There is no such UCC.
    Refused(Refusal<'a>),
    /// There is no such session, and none ended in the last minute.
    NothingToEnd(Refusal<'a>),
    /// The store failed.
    Store(StoreError),
    /// What was said of the call is invalid.
    BadCall(String),
    /// The recorder of the UCC is not in the config.
    NoRecorder(Box<str>),
    /// Another session has this call of the recorder.
    CallTaken(Box<str>),
    /// The session is open with another call.
    OtherCall,
    /// A session of this id has ended, and its recorder is still being stopped.
    Closing,
}

impl From<StoreError> for NotDone<'_> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl NotDone<'_> {
    /// Calls `show` with the error that the client gets.
    pub(crate) fn with_error<T>(&self, show: impl FnOnce(ErrorMessage<'_>) -> T) -> T {
        match self {
            Self::Refused(refusal) => show((*refusal).into()),
            Self::NothingToEnd(refusal) => {
                let text = format!(
                    "{refusal} Of one that ended more than a minute ago, the audit trail says what became of its recording."
                );
                show(ErrorMessage::new(refusal.error_type(), &text))
            }
            Self::Store(error) if error.is_unknown() => {
                show(ErrorMessage::new(Rejection::NotStored.error_type(), NOT_KNOWN))
            }
            Self::Store(_) => show(Rejection::NotStored.into()),
            Self::BadCall(reason) => show(ErrorMessage::new(ErrorType::Validation, reason)),
            Self::NoRecorder(name) => {
                let text = format!("The recorder '{name}' of this UCC is not in the server's config.");
                show(ErrorMessage::new(ErrorType::Configuration, &text))
            }
            Self::CallTaken(call) => {
                let text = format!("Recorder: another session has the call '{call}'.");
                show(ErrorMessage::new(ErrorType::Validation, &text))
            }
            Self::OtherCall => {
                show(ErrorMessage::new(ErrorType::Validation, "Recorder: the session is open with another call."))
            }
            Self::Closing => {
                let text = "The session has ended, and its recorder is still being stopped.";
                show(ErrorMessage::new(ErrorType::Validation, text))
            }
        }
    }
}

#![no_std]
#![forbid(unsafe_code)]

mod action;
mod codes;
mod decision;
mod desk;
mod error;
mod event;
mod field;
pub mod json;
mod owned;
#[cfg(feature = "serde-json-core")]
pub mod provisioning;
mod refusal;
mod rejection;
mod reply;
mod request;
#[cfg(feature = "serde")]
mod serde_impls;
mod settings;
mod sink;
mod state;
mod transition;

pub use action::{Action, ActionSet};
pub use codes::UnknownCode;
pub use decision::{Answer, Pending, SetDecision, SetFacts, StateFacts, Stored};
pub use desk::{BeginFault, Begun, Desk, Directory, DirectoryError, Ended, Handled, NotBegun, Session, UccKey};
pub use error::{BufferTooSmall, ErrorType, Fault, Field, FieldError};
pub use event::Event;
pub use field::{CorrelationId, IdText, SipUri, SipUriBuf, UccName, UccNameBuf};
pub use owned::{CapabilitiesReplyBuf, ErrorMessageBuf, ErrorReplyBuf, EventBuf, SetRequestBuf, StateReplyBuf};
pub use refusal::Refusal;
pub use rejection::{Allow, ReadError, Rejection};
pub use reply::{CACHE_CONTROL, CONTENT_TYPE, CapabilitiesReply, ErrorMessage, ErrorReply, Reply, StateReply};
pub use request::{CapabilitiesRequest, Head, Request, Scratch, SetRequest, StateRequest};
pub use settings::{Disposition, Repeats, Settings};
pub use state::{Marking, Recording, Saving, State};
pub use transition::{Outcome, Reason};

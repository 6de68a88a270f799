//! The wire format: requests, replies, events and their fields, from bytes and to bytes.

mod error;
mod event;
mod field;
mod fields;
pub mod json;
mod owned;
mod rejection;
mod reply;
mod request;
#[cfg(feature = "serde")]
mod serde_impls;

pub use error::{BufferTooSmall, ErrorType, Expected, Field, FieldError, FieldErrorKind};
pub use event::Event;
pub use field::{CorrelationId, Hyphenated, SipUri, SipUriBuf, UccName, UccNameBuf};
pub use owned::{CapabilitiesReplyBuf, ErrorMessageBuf, ErrorReplyBuf, EventBuf, SetRequestBuf, StateReplyBuf};
pub use rejection::{Allow, NotKnown, ReadError, Rejection};
pub(crate) use reply::Around;
pub use reply::{CACHE_CONTROL, CONTENT_TYPE, CapabilitiesReply, ErrorMessage, ErrorReply, Reply, StateReply};
pub use request::{CapabilitiesRequest, Head, Request, RequestParts, Scratch, SetRequest, StateRequest};

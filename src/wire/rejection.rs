//! Errors answered before the rules apply: malformed requests, and failures in the shell.

use crate::Action;
use crate::pieces::{Pieces, Sink, display_by_pieces};
use crate::state::by_action;
use crate::wire::json::JsonError;
use crate::wire::{ErrorType, FieldError, SetRequest};

/// Why a document could not be read: it is not JSON, or a field is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReadError {
    /// It is not JSON.
    Json(JsonError),
    /// A field is invalid.
    Field(FieldError),
}

impl From<JsonError> for ReadError {
    fn from(error: JsonError) -> Self {
        Self::Json(error)
    }
}

impl From<FieldError> for ReadError {
    fn from(error: FieldError) -> Self {
        Self::Field(error)
    }
}

impl Pieces for ReadError {
    fn pieces(&self, sink: &mut impl Sink) {
        match self {
            Self::Json(error) => error.pieces(sink),
            Self::Field(error) => error.pieces(sink),
        }
    }
}

/// The methods that a path answers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Allow {
    /// A path that is read; `HEAD` answers as `GET` without the body.
    GetHead,
    /// A path that changes something.
    Post,
}

impl Allow {
    /// What the `Allow` header says.
    #[must_use]
    pub const fn header(self) -> &'static str {
        match self {
            Self::GetHead => "GET, HEAD",
            Self::Post => "POST",
        }
    }
}

/// Why a request is turned away with an HTTP status of its own and the bare error body.
///
/// ```
/// use recording_core::wire::{Head, Rejection};
///
/// let rejection = Head::read(b"GET", b"/elsewhere", None).expect_err("no such path");
/// assert_eq!((rejection, rejection.status()), (Rejection::UnknownPath, 404));
/// assert_eq!(rejection.to_string(), "There is nothing at this path.");
/// ```
///
/// The core gives the first five, in this order. The other five are for what a shell adds; the core never gives them by
/// itself. The statuses are OURS: the page shows only bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejection {
    /// 404: no such path.
    UnknownPath,
    /// 405: the path is known, the method is not for it.
    MethodNotAllowed {
        /// What the path answers to.
        allow: Allow,
    },
    /// 415: a `set` whose content type is missing or not `application/json`.
    UnsupportedMediaType,
    /// 413: a body of more than [`SetRequest::MAX_BODY_LEN`] bytes.
    BodyTooLarge,
    /// 400: a body, or a part of the path, that cannot be understood.
    NotUnderstood(ReadError),
    /// 401: the shell does not know who asks.
    Unauthorized,
    /// 403: the shell knows who asks, and that they may not.
    Forbidden,
    /// 429: the shell was asked too often.
    TooManyRequests,
    /// 503: the shell could not store the new state, so nothing was changed.
    NotStored,
    /// 503: the shell does not know whether it stored the new state. Only a shell whose store is another program's can have to
    /// say so.
    NotKnown(NotKnown),
}

/// The text of [`Rejection::NotKnown`], which names the action. It is known by reference, so that a program whose store always
/// knows does not have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NotKnown(&'static &'static str);

impl Rejection {
    /// That it is not known whether the new state that `action` leads to was stored.
    #[must_use]
    pub const fn not_known(action: Action) -> Self {
        macro_rules! text {
            ($action:literal) => {
                &concat!("It is not known whether Action:'", $action, "' was stored: ask for the state.")
            };
        }
        Self::NotKnown(NotKnown(by_action!(action, text)))
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::NotUnderstood(_) => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::UnknownPath => 404,
            Self::MethodNotAllowed { .. } => 405,
            Self::BodyTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::TooManyRequests => 429,
            Self::NotStored | Self::NotKnown(_) => 503,
        }
    }

    /// What the `Allow` header must say: it belongs to a 405 and to nothing else.
    #[must_use]
    pub const fn allow(&self) -> Option<&'static str> {
        match self {
            Self::MethodNotAllowed { allow } => Some(allow.header()),
            _ => None,
        }
    }

    /// The type of this error on the wire.
    #[must_use]
    pub const fn error_type(&self) -> ErrorType {
        match self {
            Self::NotStored | Self::NotKnown(_) => ErrorType::Configuration,
            _ => ErrorType::Validation,
        }
    }
}

impl From<ReadError> for Rejection {
    fn from(error: ReadError) -> Self {
        Self::NotUnderstood(error)
    }
}

impl From<JsonError> for Rejection {
    fn from(error: JsonError) -> Self {
        Self::NotUnderstood(error.into())
    }
}

impl From<FieldError> for Rejection {
    fn from(error: FieldError) -> Self {
        Self::NotUnderstood(error.into())
    }
}

impl Pieces for Rejection {
    fn pieces(&self, sink: &mut impl Sink) {
        let last = match self {
            Self::UnknownPath => "There is nothing at this path.",
            Self::MethodNotAllowed { allow } => {
                sink.text("This path answers only to ");
                sink.text(allow.header());
                "."
            }
            Self::UnsupportedMediaType => "The Content-Type must be application/json.",
            Self::BodyTooLarge => {
                sink.text("The body is longer than ");
                sink.number(SetRequest::MAX_BODY_LEN);
                " bytes."
            }
            Self::NotUnderstood(error) => {
                sink.text("The request could not be understood: ");
                error.pieces(sink);
                "."
            }
            Self::Unauthorized => "Authentication is required.",
            Self::Forbidden => "These credentials do not allow this.",
            Self::TooManyRequests => "There were too many requests.",
            Self::NotStored => "The new state could not be stored. Nothing was changed.",
            Self::NotKnown(NotKnown(text)) => text,
        };
        sink.text(last);
    }
}

display_by_pieces!(ReadError, Rejection);

impl core::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(match self {
            Self::Json(error) => error,
            Self::Field(error) => error,
        })
    }
}

impl core::error::Error for Rejection {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::NotUnderstood(error) => Some(error),
            _ => None,
        }
    }
}

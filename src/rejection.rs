//! Why a request gets no answer from the rules: it could not be understood, or its shell stands in the way.

use crate::json::JsonError;
use crate::sink::{Argument, Pieces, Sink, display_by_pieces};
use crate::{ErrorType, FieldError, SetRequest};

/// Why a document could not be read: it is no JSON, or a field does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReadError {
    /// It is no JSON.
    Json(JsonError),
    /// A field does not hold.
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
/// The core gives the first five, in this order. The other four are for what a shell adds; the core never gives them by
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
    /// 413: a body of more than [`SetRequest::BODY_MAX`] bytes.
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
}

impl Rejection {
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
            Self::NotStored => 503,
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
            Self::NotStored => ErrorType::Configuration,
            _ => ErrorType::Validation,
        }
    }
}

impl<E: Into<ReadError>> From<E> for Rejection {
    fn from(error: E) -> Self {
        Self::NotUnderstood(error.into())
    }
}

impl Rejection {
    /// The text, with `#` where something is put in.
    const fn template(&self) -> &'static str {
        match self {
            Self::UnknownPath => "There is nothing at this path.",
            Self::MethodNotAllowed { .. } => "This path answers only to #.",
            Self::UnsupportedMediaType => "The Content-Type must be application/json.",
            Self::BodyTooLarge => "The body is longer than # bytes.",
            Self::NotUnderstood(_) => "The request could not be understood: ",
            Self::Unauthorized => "Authentication is required.",
            Self::Forbidden => "These credentials do not allow this.",
            Self::TooManyRequests => "There were too many requests.",
            Self::NotStored => "The new state could not be stored. Nothing was changed.",
        }
    }
}

impl Pieces for Rejection {
    fn pieces(&self, sink: &mut impl Sink) {
        let argument = match self {
            Self::MethodNotAllowed { allow } => Argument::Text(allow.header()),
            _ => Argument::Number(SetRequest::BODY_MAX),
        };
        sink.fill(self.template(), &[argument]);
        if let Self::NotUnderstood(error) = self {
            error.pieces(sink);
            sink.text(".");
        }
    }
}

display_by_pieces!(ReadError, Rejection);

impl core::error::Error for ReadError {}

impl core::error::Error for Rejection {}

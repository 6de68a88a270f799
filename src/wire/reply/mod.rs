//! Replies: what a shell writes and a client reads.

mod read;
mod write;

pub use write::{CACHE_CONTROL, CONTENT_TYPE};

use core::fmt;
use core::hash::{Hash, Hasher};

use crate::State;
use crate::decide::Refusal;
use crate::pieces::{self, Pieces, Sink};
use crate::wire::{CorrelationId, ErrorType, Rejection, UccName};

/// The reply to any request.
///
/// ```
/// use recording_core::Reply;
/// use recording_core::wire::{Allow, Rejection};
///
/// let reply = Reply::from(Rejection::MethodNotAllowed { allow: Allow::Post });
/// assert_eq!((reply.status(), reply.allow()), (405, Some("POST")));
/// let mut buffer = [0; Reply::MAX_LEN];
/// assert_eq!(
///     reply.write(&mut buffer)?,
///     br#"{"ErrorMessage":{"ErrorType":2,"Message":"This path answers only to POST."}}"#,
/// );
/// # Ok::<(), recording_core::wire::BufferTooSmall>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reply<'a> {
    /// To a read or a change of a session's state.
    State(StateReply<'a>),
    /// To the question whether changing is allowed.
    Capabilities(CapabilitiesReply<'a>),
    /// To what could not be understood or done.
    Rejected(Rejection),
}

/// The reply to a read or a change of a session's state. [Protocol](crate#protocol): page; for a change OURS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StateReply<'a> {
    /// The id asked for.
    pub correlation_id: CorrelationId,
    /// The state of the session. All zero if it may not be shown; but a fresh session is all zero too.
    pub state: State,
    /// Why not, or `None` for success.
    pub error: Option<ErrorMessage<'a>>,
    /// The UCC asked for.
    pub ucc: UccName<'a>,
}

/// The reply to the question whether changing is allowed. [Protocol](crate#protocol): page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CapabilitiesReply<'a> {
    /// Whether a change would get past every check of type Configuration. [Protocol](crate#protocol): OURS.
    pub agent_can_edit_recordings: bool,
    /// Why not, or `None` for success.
    pub error: Option<ErrorMessage<'a>>,
    /// The UCC asked for.
    pub ucc: UccName<'a>,
}

/// The reply that is an error and nothing else. [Protocol](crate#protocol): page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErrorReply<'a> {
    /// The error.
    pub error: ErrorMessage<'a>,
}

/// An error as a reply carries it: a type and a text.
///
/// Two of them are equal when they read the same.
///
/// ```
/// use recording_core::decide::Refusal;
/// use recording_core::wire::{ErrorMessage, ErrorType, UccName};
///
/// let ucc = UccName::new("ucc-demo-name")?;
/// let error = ErrorMessage::from(Refusal::UnknownUcc { ucc });
/// assert_eq!(error.to_string(), "No UCC with name:'ucc-demo-name' was found.");
/// assert_eq!(error, ErrorMessage::new(ErrorType::Validation, "No UCC with name:'ucc-demo-name' was found."));
/// # Ok::<(), recording_core::wire::FieldError>(())
/// ```
#[derive(Clone, Copy)]
pub struct ErrorMessage<'a>(Message<'a>);

/// The error's source. Its text is streamed, never buffered.
#[derive(Clone, Copy)]
enum Message<'a> {
    Refusal(Refusal<'a>),
    Rejection(Rejection),
    /// Any text, and what is written around it.
    Other(ErrorType, &'static Around, &'a str),
}

/// What is written before and after another text: something before it, or nothing at all. It is known by reference only, so
/// that a program which makes no such message does not have it.
#[derive(PartialEq)]
pub(crate) struct Around(pub(crate) &'static str, pub(crate) &'static str);

impl Around {
    const NOTHING: &Self = &Self("", "");

    const fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> ErrorMessage<'a> {
    /// An error with a text that has something around it.
    pub(crate) const fn around(error_type: ErrorType, around: &'static Around, text: &'a str) -> Self {
        Self(Message::Other(error_type, around, text))
    }

    /// An error with a text of one's own.
    #[must_use]
    pub const fn new(error_type: ErrorType, text: &'a str) -> Self {
        Self::around(error_type, Around::NOTHING, text)
    }

    /// The type.
    #[must_use]
    pub const fn error_type(&self) -> ErrorType {
        match &self.0 {
            Message::Refusal(refusal) => refusal.error_type(),
            Message::Rejection(rejection) => rejection.error_type(),
            Message::Other(error_type, ..) => *error_type,
        }
    }

    /// The text as one piece, if there is one, as of what came from outside; most of the core's own texts are made when they
    /// are written, by `Display`.
    #[must_use]
    pub const fn text(&self) -> Option<&'a str> {
        match self.0 {
            Message::Other(_, around, text) if around.is_nothing() => Some(text),
            _ => None,
        }
    }
}

impl<'a> From<Refusal<'a>> for ErrorMessage<'a> {
    fn from(refusal: Refusal<'a>) -> Self {
        Self(Message::Refusal(refusal))
    }
}

impl From<Rejection> for ErrorMessage<'_> {
    fn from(rejection: Rejection) -> Self {
        Self(Message::Rejection(rejection))
    }
}

impl From<Rejection> for ErrorReply<'_> {
    fn from(rejection: Rejection) -> Self {
        Self { error: rejection.into() }
    }
}

impl From<Rejection> for Reply<'_> {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl Pieces for ErrorMessage<'_> {
    fn pieces(&self, sink: &mut impl Sink) {
        let [before, text, after] = match &self.0 {
            Message::Refusal(refusal) => refusal.last_pieces(sink),
            Message::Rejection(rejection) => return rejection.pieces(sink),
            Message::Other(_, Around(before, after), text) => [*before, *text, *after],
        };
        sink.text(before);
        sink.text(text);
        sink.text(after);
    }
}

/// The text.
impl fmt::Display for ErrorMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        pieces::display(self, f)
    }
}

impl fmt::Debug for ErrorMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ErrorMessage({:?}, \"{self}\")", self.error_type())
    }
}

impl PartialEq for ErrorMessage<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.error_type() == other.error_type()
            && match (&self.0, &other.0) {
                (Message::Refusal(one), Message::Refusal(other)) => one.reads_as(other),
                (Message::Rejection(one), Message::Rejection(other)) => one == other,
                (Message::Other(_, a, one), Message::Other(_, b, other)) if a == b => one == other,
                _ => match (self.text(), other.text()) {
                    (_, Some(text)) => pieces::reads(self, text),
                    (Some(text), _) => pieces::reads(other, text),
                    _ => false,
                },
            }
    }
}

impl Eq for ErrorMessage<'_> {}

/// Of type and text, since two that read the same are equal.
impl Hash for ErrorMessage<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        struct Hashed<'h, H>(&'h mut H);

        impl<H: Hasher> Sink for Hashed<'_, H> {
            fn text(&mut self, piece: &str) {
                // Byte by byte: equal texts may come in different pieces.
                piece.bytes().for_each(|byte| self.0.write_u8(byte));
            }
        }

        self.error_type().hash(state);
        self.pieces(&mut Hashed(state));
        state.write_u8(0xff);
    }
}

impl Reply<'_> {
    /// The HTTP status. Every understood request, refused or not, is 200 and the body tells (OURS).
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::State(_) | Self::Capabilities(_) => 200,
            Self::Rejected(rejection) => rejection.status(),
        }
    }

    /// What the `Allow` header must say, if there must be one.
    #[must_use]
    pub const fn allow(&self) -> Option<&'static str> {
        match self {
            Self::State(_) | Self::Capabilities(_) => None,
            Self::Rejected(rejection) => rejection.allow(),
        }
    }
}

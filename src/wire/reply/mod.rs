//! Replies: what a shell writes and a client reads.

mod read;
mod write;

pub use write::{CACHE_CONTROL, CONTENT_TYPE};

use core::fmt;
use core::hash::{Hash, Hasher};

use crate::decide::Refusal;
use crate::pieces::{self, Pieces, Sink};
use crate::wire::{CorrelationId, ErrorType, Rejection, UccName};
use crate::{Action, State};

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
    Other(ErrorType, &'a str),
    /// An action's name and another text, with what is written around them.
    Framed(&'static Frame, Action, &'a str),
}

/// What is written around an action's name and another text. It is known by reference only, so that a program which makes no
/// such message does not have the texts in it.
pub(crate) struct Frame([&'static str; 3]);

impl Frame {
    /// A text about an action.
    pub(crate) const fn of_action(after: &'static str) -> Self {
        Self::of_action_and_ucc(after, "")
    }

    /// A text about an action and then a UCC.
    pub(crate) const fn of_action_and_ucc(between: &'static str, after: &'static str) -> Self {
        Self(["Action:'", between, after])
    }
}

impl<'a> ErrorMessage<'a> {
    /// An error of type Configuration.
    pub(crate) const fn framed(frame: &'static Frame, action: Action, text: &'a str) -> Self {
        Self(Message::Framed(frame, action, text))
    }

    /// An error with a text of one's own.
    #[must_use]
    pub const fn new(error_type: ErrorType, text: &'a str) -> Self {
        Self(Message::Other(error_type, text))
    }

    /// The type.
    #[must_use]
    pub const fn error_type(&self) -> ErrorType {
        match &self.0 {
            Message::Refusal(refusal) => refusal.error_type(),
            Message::Rejection(rejection) => rejection.error_type(),
            Message::Other(error_type, _) => *error_type,
            Message::Framed(..) => ErrorType::Configuration,
        }
    }

    /// The text as one piece, if there is one, as of what came from outside; most of the core's own texts are made when they
    /// are written, by `Display`.
    #[must_use]
    pub const fn text(&self) -> Option<&'a str> {
        match self.0 {
            Message::Other(_, text) => Some(text),
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
        match &self.0 {
            Message::Refusal(refusal) => refusal.pieces(sink),
            Message::Rejection(rejection) => rejection.pieces(sink),
            Message::Other(_, text) => sink.text(text),
            Message::Framed(Frame([before, between, after]), action, text) => {
                sink.text(before);
                sink.text(action.name());
                sink.text(between);
                sink.text(text);
                sink.text(after);
            }
        }
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
                (_, Message::Other(_, text)) => pieces::reads(self, text),
                (Message::Other(_, text), _) => pieces::reads(other, text),
                (Message::Framed(a, b, c), Message::Framed(x, y, z)) => (&a.0, b, c) == (&x.0, y, z),
                _ => false,
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

//! What can be wrong with a field, and the two kinds of error that the wire knows.

use crate::Action;
use crate::pieces::{Pieces, Sink, display_by_pieces};
use crate::state::{MarkingState, RecordingState, SavingState};
use crate::wire::json::Kind;

/// The kind of an error on the wire.
///
/// The names are the page's, number 2 is from an older edition, the pairing of names and numbers is OURS. A number from
/// elsewhere that is not known here is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorType {
    /// 1: the UCC's settings or license stand in the way.
    Configuration,
    /// 2: something in the request is invalid.
    Validation,
    /// Any other number. [`ErrorType::from_code`] never puts 1 or 2 here.
    Other(i32),
}

impl ErrorType {
    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> i32 {
        match self {
            Self::Configuration => 1,
            Self::Validation => 2,
            Self::Other(code) => code,
        }
    }

    /// The type with this number; total and lossless.
    #[must_use]
    pub const fn from_code(code: i32) -> Self {
        match code {
            1 => Self::Configuration,
            2 => Self::Validation,
            other => Self::Other(other),
        }
    }

    /// The name, or `None` for a number that is not known here.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Configuration => Some("Configuration"),
            Self::Validation => Some("Validation"),
            Self::Other(_) => None,
        }
    }
}

/// A field of a request, a reply or an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Field {
    /// `Action` of a `set` body.
    Action,
    /// `RequesterSipUri` of a `set` body.
    RequesterSipUri,
    /// `CorrelationId`, in a path or a body.
    CorrelationId,
    /// `UCCName`, in a path or a body; an event writes it `UccName`.
    UccName,
    /// `RecordingState` of a reply.
    RecordingState,
    /// `MarkingState` of a reply.
    MarkingState,
    /// `SavingState` of a reply.
    SavingState,
    /// `ErrorMessage` of a reply.
    ErrorMessage,
    /// `ErrorType` inside `ErrorMessage`.
    ErrorType,
    /// `Message` inside `ErrorMessage`.
    Message,
    /// `AgentCanEditRecordings` of a capabilities reply.
    AgentCanEditRecordings,
    /// `StateAction` of an event.
    StateAction,
}

impl Field {
    const ALL: [Self; 12] = [
        Self::Action,
        Self::RequesterSipUri,
        Self::CorrelationId,
        Self::UccName,
        Self::RecordingState,
        Self::MarkingState,
        Self::SavingState,
        Self::ErrorMessage,
        Self::ErrorType,
        Self::Message,
        Self::AgentCanEditRecordings,
        Self::StateAction,
    ];

    /// The field's key on the wire, as REST bodies write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Action => "Action",
            Self::RequesterSipUri => "RequesterSipUri",
            Self::CorrelationId => "CorrelationId",
            Self::UccName => "UCCName",
            Self::RecordingState => "RecordingState",
            Self::MarkingState => "MarkingState",
            Self::SavingState => "SavingState",
            Self::ErrorMessage => "ErrorMessage",
            Self::ErrorType => "ErrorType",
            Self::Message => "Message",
            Self::AgentCanEditRecordings => "AgentCanEditRecordings",
            Self::StateAction => "StateAction",
        }
    }

    /// The field with exactly this key.
    #[inline]
    pub(crate) fn from_exact(name: &str) -> Option<Self> {
        Some(match name {
            "Action" => Self::Action,
            "RequesterSipUri" => Self::RequesterSipUri,
            "CorrelationId" => Self::CorrelationId,
            "UCCName" => Self::UccName,
            "RecordingState" => Self::RecordingState,
            "MarkingState" => Self::MarkingState,
            "SavingState" => Self::SavingState,
            "ErrorMessage" => Self::ErrorMessage,
            "ErrorType" => Self::ErrorType,
            "Message" => Self::Message,
            "AgentCanEditRecordings" => Self::AgentCanEditRecordings,
            "StateAction" => Self::StateAction,
            _ => return None,
        })
    }

    /// The field with this key, without regard to ASCII case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| name.eq_ignore_ascii_case(field.name()))
    }
}

impl core::fmt::Display for Field {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.name())
    }
}

/// What is wrong with a field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FieldErrorKind {
    /// The field is required and not there.
    Missing,
    /// The field is given more than once, in any case.
    Repeated,
    /// The value is of another JSON type.
    WrongType {
        /// What is accepted.
        expected: Expected,
        /// What was given.
        got: Kind,
    },
    /// The number or name is none of those that mean something.
    NotOneOf {
        /// What is accepted.
        expected: Expected,
    },
    /// There is nothing in it.
    Empty,
    /// It is longer than it may be.
    TooLong {
        /// The greatest length, in bytes of UTF-8 after decoding.
        max: u32,
    },
    /// It contains a control character: U+0000 to U+001F or U+007F to U+009F.
    ControlCharacter,
    /// It contains a `/`.
    Slash,
    /// It contains white space.
    WhiteSpace,
    /// It contains something else than ASCII.
    NotAscii,
    /// It begins neither with `sip:` nor with `sips:`.
    NoSipScheme,
    /// It does not contain exactly one `@` with something on both sides.
    NoUserAtHost,
    /// It is no GUID in one of the three accepted forms.
    NotAGuid,
    /// A `%` without two hexadecimal digits after it.
    PercentCode,
    /// What the percent codes stand for is no UTF-8.
    NotUtf8,
}

/// What a field accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Expected {
    /// A string.
    String,
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
    /// An object.
    Object,
    /// An object or `null`.
    ObjectOrNull,
    /// The id or the name of an action.
    Action,
    /// The code of a [`RecordingState`](crate::state::RecordingState).
    Recording,
    /// The code of a [`MarkingState`](crate::state::MarkingState) or a [`SavingState`](crate::state::SavingState).
    MarkingOrSaving,
    /// The number of an [`ErrorType`].
    ErrorType,
}

// The texts below say how many there are.
const _: () = assert!(Action::ALL.len() == 7 && RecordingState::ALL.len() == 4);
const _: () = assert!(MarkingState::ALL.len() == 3 && SavingState::ALL.len() == 3);

impl Expected {
    /// As error texts name it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::Object => "an object",
            Self::ObjectOrNull => "an object or null",
            Self::Action => "an integer from 1 to 7 or the name of an action",
            Self::Recording => "an integer from 0 to 3",
            Self::MarkingOrSaving => "an integer from 0 to 2",
            Self::ErrorType => "an integer of 32 bits",
        }
    }
}

impl Pieces for FieldErrorKind {
    fn pieces(&self, sink: &mut impl Sink) {
        let last = match *self {
            Self::Missing => "is missing",
            Self::Repeated => "is given more than once",
            Self::WrongType { expected, got } => {
                sink.text("is ");
                sink.text(got.text());
                sink.text(", expected ");
                expected.text()
            }
            Self::NotOneOf { expected } => {
                sink.text("is not ");
                expected.text()
            }
            Self::Empty => "is empty",
            Self::TooLong { max } => {
                sink.text("is longer than ");
                sink.number(max as usize);
                " bytes"
            }
            Self::ControlCharacter => "contains a control character",
            Self::Slash => "contains '/'",
            Self::WhiteSpace => "contains white space",
            Self::NotAscii => "contains something else than ASCII",
            Self::NoSipScheme => "does not begin with sip: or sips:",
            Self::NoUserAtHost => "does not contain exactly one '@' with something on both sides",
            Self::NotAGuid => "is not a GUID",
            Self::PercentCode => "contains '%' without two hexadecimal digits",
            Self::NotUtf8 => "is not UTF-8",
        };
        sink.text(last);
    }
}

/// An invalid field, and why it is. Its text names the field: `UCCName is longer than 64 bytes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FieldError {
    /// Which field.
    pub field: Field,
    /// What is wrong with it.
    pub kind: FieldErrorKind,
}

impl Pieces for FieldError {
    fn pieces(&self, sink: &mut impl Sink) {
        sink.text(self.field.name());
        sink.text(" ");
        self.kind.pieces(sink);
    }
}

display_by_pieces!(FieldErrorKind, FieldError);

impl core::error::Error for FieldError {}

impl FieldErrorKind {
    /// This fault, found in `field`.
    #[must_use]
    pub const fn of(self, field: Field) -> FieldError {
        FieldError { field, kind: self }
    }
}

/// The buffer given to write into is too small; nothing of use was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BufferTooSmall {
    /// How many bytes the whole text takes.
    pub needed: usize,
    /// How many there were.
    pub given: usize,
}

impl core::fmt::Display for BufferTooSmall {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "the text takes {} bytes, the buffer has {}", self.needed, self.given)
    }
}

impl core::error::Error for BufferTooSmall {}

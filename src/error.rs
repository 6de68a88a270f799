//! What can be wrong with a field, and the two kinds of error that the wire knows.

use crate::bytes::BY_WORDS;
use crate::json::{Kind, Text};
use crate::sink::{Argument, Pieces, Sink, display_by_pieces, line};

/// The kind of an error on the wire.
///
/// The names are the page's, number 2 is from an older edition, the pairing of names and numbers is OURS. A number from
/// elsewhere that is not known here is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorType {
    /// 1: the UCC's settings or license stand in the way.
    Configuration,
    /// 2: something in the request does not hold.
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

/// Defines [`Field`] from one table.
macro_rules! fields {
    ($($(#[$doc:meta])* $Field:ident = $name:literal;)+) => {
        /// A field of a request, a reply or an event.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Field {
            $($(#[$doc])* $Field,)+
        }

        impl Field {
            const ALL: &'static [Self] = &[$(Self::$Field),+];

            /// The field with this key, without regard to ASCII case.
            #[inline]
            pub(crate) fn of_key(key: Text<'_>) -> Option<Self> {
                // The spelling that everybody uses first, a comparison of words.
                if BY_WORDS && let Some(plain) = key.plain() {
                    $(
                        if plain.len() == $name.len() && plain == $name {
                            return Some(Self::$Field);
                        }
                    )+
                }
                Self::of_uncommon_key(key)
            }

            #[inline(never)]
            fn of_uncommon_key(key: Text<'_>) -> Option<Self> {
                Self::ALL.iter().copied().find(|field| key.eq_ignore_ascii_case(field.name()))
            }

            /// The field's key on the wire, as REST bodies spell it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                line(concat!($($name, "\n"),+), self as usize)
            }

            /// The field with this key, without regard to ASCII case.
            #[must_use]
            pub const fn from_name(name: &str) -> Option<Self> {
                $(
                    if name.eq_ignore_ascii_case($name) {
                        return Some(Self::$Field);
                    }
                )+
                None
            }
        }
    };
}

fields! {
    /// `Action` of a `set` body.
    Action = "Action";
    /// `RequesterSipUri` of a `set` body.
    RequesterSipUri = "RequesterSipUri";
    /// `CorrelationId`, in a path or a body.
    CorrelationId = "CorrelationId";
    /// `UCCName`, in a path or a body; an event spells it `UccName`.
    UccName = "UCCName";
    /// `RecordingState` of a reply.
    RecordingState = "RecordingState";
    /// `MarkingState` of a reply.
    MarkingState = "MarkingState";
    /// `SavingState` of a reply.
    SavingState = "SavingState";
    /// `ErrorMessage` of a reply.
    ErrorMessage = "ErrorMessage";
    /// `ErrorType` inside `ErrorMessage`.
    ErrorType = "ErrorType";
    /// `Message` inside `ErrorMessage`.
    Message = "Message";
    /// `AgentCanEditRecordings` of a capabilities reply.
    AgentCanEditRecordings = "AgentCanEditRecordings";
    /// `StateAction` of an event.
    StateAction = "StateAction";
}

impl core::fmt::Display for Field {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.name())
    }
}

/// What is wrong with a field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The field is required and not there.
    Missing,
    /// The field stands there more than once, in whatever case.
    Repeated,
    /// The value is of another JSON type.
    WrongType {
        /// What is accepted.
        expected: Expected,
        /// What stands there.
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
    /// It holds a control character: U+0000 to U+001F or U+007F to U+009F.
    ControlCharacter,
    /// It holds a `/`.
    Slash,
    /// It holds white space.
    WhiteSpace,
    /// It holds something else than ASCII.
    NotAscii,
    /// It begins neither with `sip:` nor with `sips:`.
    NoSipScheme,
    /// It does not hold exactly one `@` with something on both sides.
    NoUserAtHost,
    /// It is no GUID in one of the three accepted forms.
    NotAGuid,
    /// A `%` without two hexadecimal digits behind it.
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
    /// The code of a [`Recording`](crate::Recording).
    Recording,
    /// The code of a [`Marking`](crate::Marking) or a [`Saving`](crate::Saving).
    MarkingOrSaving,
    /// The number of an [`ErrorType`].
    ErrorType,
}

impl Expected {
    /// As error texts name them, in their order.
    const TEXTS: &'static str = "\
a string
a boolean
a number
an object
an object or null
an integer from 1 to 7 or the name of an action
an integer from 0 to 3
an integer from 0 to 2
an integer of 32 bits
";

    /// As error texts name it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        line(Self::TEXTS, self as usize)
    }
}

impl Fault {
    /// The text, with `#` where something is put in.
    const fn template(self) -> &'static str {
        match self {
            Self::Missing => "is missing",
            Self::Repeated => "is given more than once",
            Self::WrongType { .. } => "is #, expected #",
            Self::NotOneOf { .. } => "is not #",
            Self::Empty => "is empty",
            Self::TooLong { .. } => "is longer than # bytes",
            Self::ControlCharacter => "contains a control character",
            Self::Slash => "contains '/'",
            Self::WhiteSpace => "contains white space",
            Self::NotAscii => "contains something else than ASCII",
            Self::NoSipScheme => "does not begin with sip: or sips:",
            Self::NoUserAtHost => "does not contain exactly one '@' with something on both sides",
            Self::NotAGuid => "is not a GUID",
            Self::PercentCode => "contains '%' without two hexadecimal digits",
            Self::NotUtf8 => "is not UTF-8",
        }
    }
}

impl Pieces for Fault {
    fn pieces(&self, sink: &mut impl Sink) {
        let (first, second) = match *self {
            Self::WrongType { expected, got } => (Argument::Text(got.text()), expected.text()),
            Self::NotOneOf { expected } => (Argument::Text(expected.text()), ""),
            Self::TooLong { max } => (Argument::Number(max as usize), ""),
            _ => (Argument::Text(""), ""),
        };
        sink.fill(self.template(), &[first, Argument::Text(second)]);
    }
}

/// A field that does not hold, and why. Its text names the field: `UCCName is longer than 64 bytes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FieldError {
    /// Which field.
    pub field: Field,
    /// What is wrong with it.
    pub fault: Fault,
}

impl Pieces for FieldError {
    fn pieces(&self, sink: &mut impl Sink) {
        sink.text(self.field.name());
        sink.text(" ");
        self.fault.pieces(sink);
    }
}

display_by_pieces!(Fault, FieldError);

impl core::error::Error for FieldError {}

impl Fault {
    /// This fault, found in `field`.
    #[must_use]
    pub const fn of(self, field: Field) -> FieldError {
        FieldError { field, fault: self }
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

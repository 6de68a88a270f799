//! Why a text is no JSON.

use super::MAX_DEPTH;
use crate::sink::{Argument, Pieces, Sink, display_by_pieces, line};

/// Why a text is no JSON, and at which byte (counted from 0) that shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JsonError {
    /// What is wrong.
    pub kind: JsonErrorKind,
    /// Where, in bytes from the beginning.
    pub at: usize,
}

/// What makes a text no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JsonErrorKind {
    /// It is no UTF-8.
    NotUtf8,
    /// It begins with a byte order mark.
    ByteOrderMark,
    /// Something else was expected here; or the text ends too early.
    Expected(Token),
    /// A control character stands in a string without being escaped.
    ControlCharacter,
    /// A backslash is not followed by an escape that JSON knows.
    Escape,
    /// An escaped surrogate without its other half: no text.
    LoneSurrogate,
    /// It nests deeper than [`MAX_DEPTH`].
    TooDeep,
    /// Something follows the document.
    TrailingText,
}

/// What JSON expects at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Token {
    /// The outermost object.
    Object,
    /// A key of an object.
    Key,
    /// The colon behind a key.
    Colon,
    /// A value of any type.
    Value,
    /// What stands behind a member of an object.
    CommaOrBrace,
    /// What stands behind an element of an array.
    CommaOrBracket,
    /// A digit of a number.
    Digit,
    /// The end of a string.
    EndOfString,
}

impl Token {
    /// As error texts name them, in their order.
    const TEXTS: &'static str = "\
an object
a key
':'
a value
',' or '}'
',' or ']'
a digit
the end of the string
";

    /// As error texts name it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        line(Self::TEXTS, self as usize)
    }
}

impl JsonErrorKind {
    /// The text, with `#` where something is put in.
    const fn template(self) -> &'static str {
        match self {
            Self::NotUtf8 => "not UTF-8",
            Self::ByteOrderMark => "a byte order mark",
            Self::Expected(_) => "expected #",
            Self::ControlCharacter => "a control character in a string",
            Self::Escape => "not an escape sequence",
            Self::LoneSurrogate => "half of a surrogate pair",
            Self::TooDeep => "nested deeper than # levels",
            Self::TrailingText => "text behind the document",
        }
    }
}

impl Pieces for JsonError {
    fn pieces(&self, sink: &mut impl Sink) {
        sink.fill("invalid JSON at byte #: ", &[Argument::Number(self.at)]);
        let argument = match self.kind {
            JsonErrorKind::Expected(what) => Argument::Text(what.text()),
            _ => Argument::Number(MAX_DEPTH.into()),
        };
        sink.fill(self.kind.template(), &[argument]);
    }
}

display_by_pieces!(JsonError);

impl core::error::Error for JsonError {}

//! Why a text is no JSON.

use super::MAX_DEPTH;
use crate::pieces::{Pieces, Sink, display_by_pieces};

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
    /// A string contains a control character that is not escaped.
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
    /// The colon after a key.
    Colon,
    /// A value of any type.
    Value,
    /// What follows a member of an object.
    CommaOrBrace,
    /// What follows an element of an array.
    CommaOrBracket,
    /// A digit of a number.
    Digit,
    /// The end of a string.
    EndOfString,
}

impl Token {
    /// As error texts name it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::Key => "a key",
            Self::Colon => "':'",
            Self::Value => "a value",
            Self::CommaOrBrace => "',' or '}'",
            Self::CommaOrBracket => "',' or ']'",
            Self::Digit => "a digit",
            Self::EndOfString => "the end of the string",
        }
    }
}

impl Pieces for JsonErrorKind {
    fn pieces(&self, sink: &mut impl Sink) {
        let last = match self {
            Self::NotUtf8 => "not UTF-8",
            Self::ByteOrderMark => "a byte order mark",
            Self::Expected(token) => {
                sink.text("expected ");
                token.text()
            }
            Self::ControlCharacter => "a control character in a string",
            Self::Escape => "not an escape sequence",
            Self::LoneSurrogate => "half of a surrogate pair",
            Self::TooDeep => {
                sink.text("nested deeper than ");
                sink.number(MAX_DEPTH.into());
                " levels"
            }
            Self::TrailingText => "text behind the document",
        };
        sink.text(last);
    }
}

impl Pieces for JsonError {
    fn pieces(&self, sink: &mut impl Sink) {
        sink.text("invalid JSON at byte ");
        sink.number(self.at);
        sink.text(": ");
        self.kind.pieces(sink);
    }
}

display_by_pieces!(JsonError);

impl core::error::Error for JsonError {}

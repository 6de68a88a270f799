//! Values, and how arrays and objects are walked.

use super::cursor::{Cursor, text_of};
use super::error::{JsonError, Token};
use super::text::Text;

/// Checks a whole document and gives its value.
///
/// # Errors
///
/// The first place where the document is no JSON by RFC 8259, or nests deeper than [`MAX_DEPTH`](super::MAX_DEPTH).
pub fn read(document: &[u8]) -> Result<Value<'_>, JsonError> {
    let mut cursor = Cursor::begin(text_of(document)?);
    cursor.space();
    let value = cursor.value().filter(|_| cursor.end());
    value.ok_or(cursor.error())
}

/// Begins to read a document that must be an object. What comes behind the members that were taken so far is not
/// checked yet: only when [`Object::next`] gave `None` was the whole document sound.
///
/// # Errors
///
/// If the document is no UTF-8 or does not begin with an object.
#[inline]
pub fn read_object(document: &[u8]) -> Result<Object<'_>, JsonError> {
    read_object_of(text_of(document)?)
}

/// [`read_object`] of a document whose text is known.
pub(crate) fn read_object_of(document: &str) -> Result<Object<'_>, JsonError> {
    let mut cursor = Cursor::begin(document);
    cursor.space();
    if cursor.peek() != Some(b'{') {
        cursor.expected::<()>(Token::Object);
        return Err(cursor.error());
    }
    Ok(Object::new(cursor.inside(), true))
}

/// A JSON value. Arrays and objects have been checked to their ends and can be walked.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as it is spelt.
    Number(&'a str),
    /// A string, not yet unescaped.
    String(Text<'a>),
    /// An array.
    Array(Array<'a>),
    /// An object.
    Object(Object<'a>),
}

impl Value<'_> {
    /// Its type.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::Bool(_) => Kind::Boolean,
            Self::Number(_) => Kind::Number,
            Self::String(_) => Kind::String,
            Self::Array(_) => Kind::Array,
            Self::Object(_) => Kind::Object,
        }
    }
}

/// The type of a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl Kind {
    /// Of a value that is sound, by its first byte.
    const fn of(first: Option<u8>) -> Self {
        match first {
            Some(b'n') => Self::Null,
            Some(b't' | b'f') => Self::Boolean,
            Some(b'"') => Self::String,
            Some(b'[') => Self::Array,
            Some(b'{') => Self::Object,
            _ => Self::Number,
        }
    }

    /// As error texts name it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

/// The members of an object, in their order.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a> {
    cursor: Cursor<'a>,
    place: Place,
    outermost: bool,
}

/// The elements of an array, in their order.
#[derive(Debug, Clone, Copy)]
pub struct Array<'a> {
    cursor: Cursor<'a>,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    First,
    Later,
    Over,
}

impl<'a> Object<'a> {
    #[inline]
    pub(super) const fn new(cursor: Cursor<'a>, outermost: bool) -> Self {
        Self { cursor, place: Place::First, outermost }
    }

    /// The next member, checked to its end; `None` behind the last one.
    ///
    /// # Errors
    ///
    /// Where this member, or what closes the object or the document, is no JSON. There is nothing to read behind it.
    #[allow(clippy::should_implement_trait, reason = "an error ends it: `?` in a `while let` reads better")]
    pub fn next(&mut self) -> Result<Option<(Text<'a>, Value<'a>)>, JsonError> {
        let member = self.next_key().and_then(|key| Some((key, self.value()?)));
        match self.error() {
            None => Ok(member),
            Some(error) => Err(error),
        }
    }

    /// What does not hold, if something did not: then there is nothing to read any more.
    pub(crate) fn error(&self) -> Option<JsonError> {
        self.cursor.failed().then(|| self.cursor.error())
    }

    /// The next key, whose value must be taken before the next one; `None` behind the last one, and where something does
    /// not hold: then [`error`](Self::error) says what.
    #[inline]
    pub(crate) fn next_key(&mut self) -> Option<Text<'a>> {
        let cursor = &mut self.cursor;
        if cursor.failed() {
            return None;
        }
        cursor.space();
        match (self.place, cursor.peek()) {
            (Place::Over, _) => return None,
            (_, Some(b'}')) => {
                cursor.pass_byte();
                self.place = Place::Over;
                if self.outermost {
                    cursor.end();
                }
                return None;
            }
            (Place::First, _) => self.place = Place::Later,
            (Place::Later, Some(b',')) => {
                cursor.pass_byte();
                cursor.space();
            }
            (Place::Later, _) => return cursor.expected(Token::CommaOrBrace),
        }
        cursor.key()
    }

    /// The value of the key that was taken last, checked to its end; `None` as for [`next_key`](Self::next_key).
    #[inline]
    pub(crate) fn value(&mut self) -> Option<Value<'a>> {
        self.cursor.value()
    }

    /// Passes over the value of the key that was taken last.
    #[inline]
    pub(crate) fn skip(&mut self) {
        self.cursor.pass();
    }

    /// As [`value`](Self::value), for a value that should be a string: if it is none, its kind.
    #[inline]
    pub(crate) fn string(&mut self) -> Option<Result<Text<'a>, Kind>> {
        match self.cursor.peek() {
            Some(b'"') => self.cursor.string().map(Ok),
            begins => self.cursor.pass().then(|| Err(Kind::of(begins))),
        }
    }
}

impl<'a> Array<'a> {
    pub(super) const fn new(cursor: Cursor<'a>) -> Self {
        Self { cursor, place: Place::First }
    }

    /// The next element; `None` behind the last one. An array is handed out only when it was checked to its end.
    #[allow(clippy::should_implement_trait, reason = "as for objects")]
    pub fn next(&mut self) -> Option<Value<'a>> {
        let cursor = &mut self.cursor;
        cursor.space();
        match (self.place, cursor.peek()) {
            (Place::Over, _) => return None,
            (_, Some(b']')) => {
                self.place = Place::Over;
                return None;
            }
            (Place::First, _) => self.place = Place::Later,
            (Place::Later, _) => {
                cursor.pass_byte();
                cursor.space();
            }
        }
        cursor.value()
    }
}

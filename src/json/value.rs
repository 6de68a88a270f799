//! Values, and how arrays and objects are walked.

use super::cursor::{Cursor, text_of};
use super::error::{JsonError, Token};
use super::text::Text;
use crate::sink::line;

/// Checks a whole document and gives its value.
///
/// # Errors
///
/// The first place where the document is no JSON by RFC 8259, or nests deeper than [`MAX_DEPTH`](super::MAX_DEPTH).
pub fn read(document: &[u8]) -> Result<Value<'_>, JsonError> {
    let mut cursor = Cursor::begin(text_of(document)?);
    let value = Value::at(&mut cursor).filter(|_| cursor.end().is_some());
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
    let object = object_of(text_of(document)?);
    match object.error() {
        None => Ok(object),
        Some(error) => Err(error),
    }
}

/// [`read_object`] of a document whose text is known. What is no object gives one without members whose
/// [`error`](Object::error) says so.
pub(crate) fn object_of(document: &str) -> Object<'_> {
    let mut cursor = Cursor::begin(document);
    if cursor.peek() == Some(b'{') {
        return Object::at(cursor);
    }
    cursor.expected::<()>(Token::Object);
    Object { cursor, place: Place::Over }
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

impl<'a> Value<'a> {
    /// The value that stands here; behind it stands the cursor then.
    fn at(cursor: &mut Cursor<'a>) -> Option<Self> {
        let before = *cursor;
        let spelt = cursor.value()?;
        Some(match Kind::of(spelt) {
            Kind::Null => Self::Null,
            Kind::Boolean => Self::Bool(spelt == "true"),
            Kind::Number => Self::Number(spelt),
            Kind::String => Self::String(Text::quoted(spelt)),
            Kind::Array => Self::Array(Array::at(before)),
            Kind::Object => Self::Object(Object::at(before)),
        })
    }

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
    /// Of a value as it is spelt, by its first byte. What begins no value is said to be a number too.
    pub(crate) const fn of(spelt: &str) -> Self {
        match spelt.as_bytes() {
            [b'n', ..] => Self::Null,
            [b't' | b'f', ..] => Self::Boolean,
            [b'"', ..] => Self::String,
            [b'[', ..] => Self::Array,
            [b'{', ..] => Self::Object,
            _ => Self::Number,
        }
    }

    /// As error texts name them, in their order.
    const TEXTS: &'static str = "\
null
a boolean
a number
a string
an array
an object
";

    /// As error texts name it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        line(Self::TEXTS, self as usize)
    }
}

/// The members of an object, in their order.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a> {
    cursor: Cursor<'a>,
    place: Place,
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
    /// The object that opens here.
    fn at(mut cursor: Cursor<'a>) -> Self {
        // Never deeper than may be: what is deeper is no value.
        cursor.open(Kind::Object);
        Self { cursor, place: Place::First }
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
    pub(crate) fn next_key(&mut self) -> Option<Text<'a>> {
        if next(&mut self.cursor, &mut self.place) { self.cursor.key() } else { None }
    }

    /// The value of the key that was taken last, checked to its end; `None` as for [`next_key`](Self::next_key).
    pub(crate) fn value(&mut self) -> Option<Value<'a>> {
        Value::at(&mut self.cursor)
    }

    /// As [`value`](Self::value), as it is spelt.
    pub(crate) fn spelt(&mut self) -> Option<&'a str> {
        self.cursor.value()
    }
}

impl<'a> Array<'a> {
    /// The array that opens here.
    fn at(mut cursor: Cursor<'a>) -> Self {
        cursor.open(Kind::Array);
        Self { cursor, place: Place::First }
    }

    /// The next element; `None` behind the last one. An array is handed out only when it was checked to its end.
    #[allow(clippy::should_implement_trait, reason = "as for objects")]
    pub fn next(&mut self) -> Option<Value<'a>> {
        if next(&mut self.cursor, &mut self.place) { Value::at(&mut self.cursor) } else { None }
    }
}

/// Goes to the next key or element, if there is one.
fn next(cursor: &mut Cursor<'_>, place: &mut Place) -> bool {
    if cursor.failed() || *place == Place::Over {
        return false;
    }
    match cursor.item(*place == Place::First) {
        Some(true) => *place = Place::Later,
        Some(false) => {
            *place = Place::Over;
            if cursor.depth() == 0 {
                cursor.end();
            }
        }
        None => {}
    }
    *place == Place::Later && !cursor.failed()
}

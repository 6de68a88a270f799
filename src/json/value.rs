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
    read_object_of(text_of(document)?)
}

/// [`read_object`] of a document whose text is known.
#[inline(never)]
pub(crate) fn read_object_of(document: &str) -> Result<Object<'_>, JsonError> {
    let mut cursor = Cursor::begin(document);
    match cursor.peek() {
        Some(b'{') => Ok(Object::at(cursor)),
        _ => {
            cursor.expected::<()>(Token::Object);
            Err(cursor.error())
        }
    }
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
        Some(match Spelt::at(cursor)? {
            Spelt { kind: Kind::Null, .. } => Self::Null,
            Spelt { kind: Kind::Boolean, text } => Self::Bool(text.is("true")),
            Spelt { kind: Kind::Number, text } => Self::Number(text.plain()?),
            Spelt { kind: Kind::String, text } => Self::String(text),
            Spelt { kind: Kind::Array, .. } => Self::Array(Array::at(before)),
            Spelt { kind: Kind::Object, .. } => Self::Object(Object::at(before)),
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
    /// By the first byte of a value. What begins none is said to be a number too.
    pub(super) const fn of(first: Option<u8>) -> Self {
        match first {
            Some(b'n') => Self::Null,
            Some(b't' | b'f') => Self::Boolean,
            Some(b'"') => Self::String,
            Some(b'[') => Self::Array,
            Some(b'{') => Self::Object,
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

/// A value as it is spelt: of a string its inside, of all others the whole.
#[derive(Clone, Copy)]
pub(crate) struct Spelt<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: Text<'a>,
}

impl<'a> Spelt<'a> {
    fn at(cursor: &mut Cursor<'a>) -> Option<Self> {
        let kind = Kind::of(cursor.peek());
        let text = if kind == Kind::String { cursor.string()? } else { Text::new(cursor.value()?, false) };
        Some(Self { kind, text })
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

    /// As [`value`](Self::value), of which only the spelling matters.
    pub(crate) fn spelt(&mut self) -> Option<Spelt<'a>> {
        Spelt::at(&mut self.cursor)
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

//! Values, and how arrays and objects are walked.

use super::cursor::{Cursor, Raw, text_of};
use super::error::{JsonError, Token};
use super::text::Text;
use crate::scan::SHORTCUTS;

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

/// Begins to read a document that must be an object. The text after the members that were taken so far is
/// not checked yet: the whole document is valid only once [`Object::next`] has returned `None`.
///
/// # Errors
///
/// If the document is no UTF-8 or does not begin with an object.
#[inline]
pub fn read_object(document: &[u8]) -> Result<Object<'_>, JsonError> {
    let object = object_of(document);
    match object.error() {
        None => Ok(object),
        Some(error) => Err(error),
    }
}

/// As [`read_object`], but what is no object gives one without members whose [`error`](Object::error) says so.
#[inline]
pub(crate) fn object_of(document: &[u8]) -> Object<'_> {
    let cursor = match text_of(document) {
        Ok(text) => {
            let mut cursor = Cursor::begin(text);
            if cursor.peek() == Some(b'{') {
                return Object::at(cursor);
            }
            cursor.expected::<()>(Token::Object);
            cursor
        }
        Err(error) => Cursor::failed_by(error),
    };
    Object { cursor, place: Place::Over }
}

/// A JSON value. Arrays and objects have been checked to their ends and can be walked.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as it is written.
    Number(&'a str),
    /// A string, not yet unescaped.
    String(Text<'a>),
    /// An array.
    Array(Array<'a>),
    /// An object.
    Object(Object<'a>),
}

impl<'a> Value<'a> {
    /// Reads the next value and advances past it.
    fn at(cursor: &mut Cursor<'a>) -> Option<Self> {
        let before = *cursor;
        let Raw { kind, text } = cursor.value()?;
        Some(match kind {
            Kind::Null => Self::Null,
            Kind::Boolean => Self::Bool(text.as_written() == "true"),
            Kind::Number => Self::Number(text.as_written()),
            Kind::String => Self::String(text),
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
    /// Classifies a value by its first byte; anything unrecognised counts as a number and fails later.
    pub(crate) const fn of(first: Option<u8>) -> Self {
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

    /// The next member, checked to its end; `None` after the last one.
    ///
    /// # Errors
    ///
    /// Where this member, or the end of the object or of the document, is not JSON. Nothing can be read after it.
    #[allow(clippy::should_implement_trait, reason = "an error ends it: `?` in a `while let` reads better")]
    pub fn next(&mut self) -> Result<Option<(Text<'a>, Value<'a>)>, JsonError> {
        let member = self.next_key().and_then(|key| Some((key, self.value()?)));
        match self.error() {
            None => Ok(member),
            Some(error) => Err(error),
        }
    }

    /// The error, if there was one: then there is nothing more to read.
    pub(crate) fn error(&self) -> Option<JsonError> {
        self.cursor.failed().then(|| self.cursor.error())
    }

    /// The next key, whose value must be taken before the next one; `None` after the last one and after an error, which
    /// [`error`](Self::error) gives.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn next_key(&mut self) -> Option<Text<'a>> {
        if self.place == Place::Over {
            return None;
        }
        let key = match self.cursor.item(self.place == Place::First, true) {
            Some(true) => self.cursor.key(),
            end => {
                self.close(end);
                None
            }
        };
        self.place = if key.is_some() { Place::Later } else { Place::Over };
        key
    }

    #[inline(never)]
    fn close(&mut self, end: Option<bool>) {
        if end.is_some() && self.cursor.depth() == 0 {
            self.cursor.end();
        }
    }

    /// Reads no more.
    pub(crate) const fn stop(&mut self) {
        self.place = Place::Over;
    }

    /// The value of the key that was taken last, checked to its end; `None` as for [`next_key`](Self::next_key).
    pub(crate) fn value(&mut self) -> Option<Value<'a>> {
        let value = Value::at(&mut self.cursor);
        if value.is_none() {
            self.stop();
        }
        value
    }

    /// The value, if it is a string that `read` takes whole: see `Cursor::string_by`. `None` leaves it to be read in
    /// another way.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn string_by<T>(&mut self, read: impl FnOnce(&'a str) -> Option<(T, usize)>) -> Option<T> {
        if SHORTCUTS { self.cursor.string_by(read) } else { None }
    }

    /// Passes the value of the key that was taken last.
    pub(crate) fn skip(&mut self) -> Option<()> {
        let passed = self.cursor.any_value();
        if passed.is_none() {
            self.stop();
        }
        passed.map(|_| ())
    }

    /// As [`value`](Self::value), as it is written.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn raw(&mut self) -> Option<Raw<'a>> {
        let raw = self.cursor.value();
        if raw.is_none() {
            self.stop();
        }
        raw
    }
}

impl<'a> Array<'a> {
    /// The array that opens here.
    fn at(mut cursor: Cursor<'a>) -> Self {
        cursor.open(Kind::Array);
        Self { cursor, place: Place::First }
    }

    /// The next element; `None` after the last one. An array is handed out only after it was checked to its end.
    #[allow(clippy::should_implement_trait, reason = "as for objects")]
    pub fn next(&mut self) -> Option<Value<'a>> {
        let first = self.place == Place::First;
        if self.place == Place::Over || self.cursor.item(first, false) != Some(true) {
            self.place = Place::Over;
            return None;
        }
        self.place = Place::Later;
        Value::at(&mut self.cursor)
    }
}

//! The strict reader: RFC 8259, UTF-8, bounded depth, no recursion.

use core::{fmt, str};

use super::text::Text;
use crate::sink::{Pieces, Sink, display_by_pieces};

/// How deep a document may nest; its outermost array or object is level 1. Source: OURS.
pub const MAX_DEPTH: u8 = 16;

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
    /// The type, as error texts name it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

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
    Expected(&'static str),
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

impl Pieces for JsonError {
    fn pieces(&self, sink: &mut impl Sink) {
        sink.plain("invalid JSON at byte ");
        sink.number(self.at);
        sink.plain(": ");
        let last = match self.kind {
            JsonErrorKind::NotUtf8 => "not UTF-8",
            JsonErrorKind::ByteOrderMark => "a byte order mark",
            JsonErrorKind::Expected(what) => {
                sink.plain("expected ");
                what
            }
            JsonErrorKind::ControlCharacter => "a control character in a string",
            JsonErrorKind::Escape => "not an escape sequence",
            JsonErrorKind::LoneSurrogate => "half of a surrogate pair",
            JsonErrorKind::TooDeep => {
                sink.plain("nested deeper than ");
                sink.number(MAX_DEPTH.into());
                " levels"
            }
            JsonErrorKind::TrailingText => "text behind the document",
        };
        sink.plain(last);
    }
}

display_by_pieces!(JsonError);

impl core::error::Error for JsonError {}

/// Checks a whole document and gives its value.
///
/// # Errors
///
/// The first place where the document is no JSON by RFC 8259, or nests deeper than [`MAX_DEPTH`].
pub fn read(document: &[u8]) -> Result<Value<'_>, JsonError> {
    let mut cursor = Cursor::begin(document)?;
    cursor.space();
    let value = cursor.value()?;
    cursor.end()?;
    Ok(value)
}

/// Begins to read a document that must be an object. What comes behind the members that were taken so far is not
/// checked yet: only when [`Object::next`] gave `None` was the whole document sound.
///
/// # Errors
///
/// If the document is no UTF-8 or does not begin with an object.
pub fn read_object(document: &[u8]) -> Result<Object<'_>, JsonError> {
    let mut cursor = Cursor::begin(document)?;
    cursor.space();
    cursor.take(b'{', "an object")?;
    Ok(Object { cursor: Cursor { depth: 1, ..cursor }, place: Place::First, outermost: true })
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
    /// The next member, checked to its end; `None` behind the last one.
    ///
    /// # Errors
    ///
    /// Where this member, or what closes the object or the document, is no JSON. There is nothing to read behind it.
    #[allow(clippy::should_implement_trait, reason = "an error ends it: `?` in a `while let` reads better")]
    #[inline]
    pub fn next(&mut self) -> Result<Option<(Text<'a>, Value<'a>)>, JsonError> {
        let cursor = &mut self.cursor;
        cursor.space();
        match (self.place, cursor.peek()) {
            (Place::Over, _) => return Ok(None),
            (_, Some(b'}')) => {
                cursor.at += 1;
                self.place = Place::Over;
                if self.outermost {
                    cursor.end()?;
                }
                return Ok(None);
            }
            (Place::First, _) => self.place = Place::Later,
            (Place::Later, Some(b',')) => {
                cursor.at += 1;
                cursor.space();
            }
            (Place::Later, _) => return Err(cursor.expected("',' or '}'")),
        }
        let key = cursor.key()?;
        Ok(Some((key, cursor.value()?)))
    }
}

impl<'a> Array<'a> {
    /// The next element, checked to its end; `None` behind the last one.
    ///
    /// # Errors
    ///
    /// None in practice: an array is handed out only when it was checked.
    #[allow(clippy::should_implement_trait, reason = "as for objects")]
    pub fn next(&mut self) -> Result<Option<Value<'a>>, JsonError> {
        let cursor = &mut self.cursor;
        cursor.space();
        match (self.place, cursor.peek()) {
            (Place::Over, _) => return Ok(None),
            (_, Some(b']')) => {
                self.place = Place::Over;
                return Ok(None);
            }
            (Place::First, _) => self.place = Place::Later,
            (Place::Later, _) => {
                cursor.at += 1;
                cursor.space();
            }
        }
        cursor.value().map(Some)
    }
}

/// A place in a document.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// How many arrays and objects are open around this place.
    depth: u8,
}

impl fmt::Debug for Cursor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}", self.at)
    }
}

impl<'a> Cursor<'a> {
    fn begin(document: &'a [u8]) -> Result<Self, JsonError> {
        if document.starts_with(b"\xef\xbb\xbf") {
            return Err(JsonError { kind: JsonErrorKind::ByteOrderMark, at: 0 });
        }
        match str::from_utf8(document) {
            Ok(text) => Ok(Self { text, at: 0, depth: 0 }),
            Err(error) => Err(JsonError { kind: JsonErrorKind::NotUtf8, at: error.valid_up_to() }),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    const fn error(&self, kind: JsonErrorKind) -> JsonError {
        JsonError { kind, at: self.at }
    }

    const fn expected(&self, what: &'static str) -> JsonError {
        self.error(JsonErrorKind::Expected(what))
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8, what: &'static str) -> Result<(), JsonError> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.expected(what))
        }
    }

    fn end(&mut self) -> Result<(), JsonError> {
        self.space();
        if self.peek().is_some() { Err(self.error(JsonErrorKind::TrailingText)) } else { Ok(()) }
    }

    /// What was passed since `start`.
    fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// A key and its colon; behind it stands the value.
    fn key(&mut self) -> Result<Text<'a>, JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.expected("a key"));
        }
        let key = self.string()?;
        self.space();
        self.take(b':', "':'")?;
        self.space();
        Ok(key)
    }

    /// A whole value of any type.
    fn value(&mut self) -> Result<Value<'a>, JsonError> {
        let start = *self;
        match self.peek() {
            Some(b'"') => Ok(Value::String(self.string()?)),
            Some(b'-' | b'0'..=b'9') => Ok(Value::Number(self.number()?)),
            Some(b't') => self.literal("true").map(|()| Value::Bool(true)),
            Some(b'f') => self.literal("false").map(|()| Value::Bool(false)),
            Some(b'n') => self.literal("null").map(|()| Value::Null),
            Some(open @ (b'{' | b'[')) => {
                self.pass()?;
                let inside = Cursor { at: start.at + 1, depth: start.depth + 1, ..start };
                Ok(if open == b'{' {
                    Value::Object(Object { cursor: inside, place: Place::First, outermost: false })
                } else {
                    Value::Array(Array { cursor: inside, place: Place::First })
                })
            }
            _ => Err(self.expected("a value")),
        }
    }

    /// Passes over an array or an object with all that is in it. One bit a level says which of the two it is.
    fn pass(&mut self) -> Result<(), JsonError> {
        let mut objects: u32 = 0;
        let mut levels: u8 = 0;
        loop {
            // Here stands a value.
            match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    if self.depth + levels >= MAX_DEPTH {
                        return Err(self.error(JsonErrorKind::TooDeep));
                    }
                    self.at += 1;
                    levels += 1;
                    objects = objects << 1 | u32::from(open == b'{');
                    self.space();
                    match self.peek() {
                        Some(b'}') if open == b'{' => {}
                        Some(b']') if open == b'[' => {}
                        _ if open == b'{' => {
                            self.key()?;
                            continue;
                        }
                        _ => continue,
                    }
                }
                _ => {
                    // Never an array or an object: this does not come back here.
                    self.scalar()?;
                    self.space();
                }
            }
            // Behind a value, or before the end of what is empty.
            loop {
                match (self.peek(), objects & 1 == 1) {
                    (Some(b','), object) => {
                        self.at += 1;
                        self.space();
                        if object {
                            self.key()?;
                        }
                        break;
                    }
                    (Some(b'}'), true) | (Some(b']'), false) => {
                        self.at += 1;
                        levels -= 1;
                        objects >>= 1;
                        if levels == 0 {
                            return Ok(());
                        }
                        self.space();
                    }
                    (_, true) => return Err(self.expected("',' or '}'")),
                    (_, false) => return Err(self.expected("',' or ']'")),
                }
            }
        }
    }

    fn scalar(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            Some(b'"') => self.string().map(drop),
            Some(b'-' | b'0'..=b'9') => self.number().map(drop),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            _ => Err(self.expected("a value")),
        }
    }

    fn literal(&mut self, word: &'static str) -> Result<(), JsonError> {
        if self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            self.at += word.len();
            Ok(())
        } else {
            Err(self.expected("a value"))
        }
    }

    fn number(&mut self) -> Result<&'a str, JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(self.since(start))
    }

    /// At least one digit.
    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { Err(self.expected("a digit")) } else { Ok(()) }
    }

    /// A string, from its opening quote to behind its closing one.
    fn string(&mut self) -> Result<Text<'a>, JsonError> {
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.run();
            match self.peek() {
                Some(b'"') => {
                    let text = Text::new(self.since(start), escaped);
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(self.error(JsonErrorKind::ControlCharacter)),
                None => return Err(self.expected("'\"'")),
            }
        }
    }

    /// Passes what means itself in a string, a word at a time.
    fn run(&mut self) {
        const WORD: usize = size_of::<usize>();
        const ONES: usize = usize::MAX / 255;
        const HIGHS: usize = ONES << 7;
        let bytes = self.text.as_bytes();
        while let Some(word) = bytes.get(self.at..).and_then(|rest| rest.first_chunk::<WORD>()) {
            let word = usize::from_le_bytes(*word);
            // The lowest high bit that is set stands in the first byte that is a quote, a backslash or below 0x20;
            // bytes above it may be marked falsely, which does not matter.
            let quote = word ^ (ONES * 0x22);
            let backslash = word ^ (ONES * 0x5c);
            let special = (quote.wrapping_sub(ONES) & !quote
                | backslash.wrapping_sub(ONES) & !backslash
                | word.wrapping_sub(ONES * 0x20) & !word)
                & HIGHS;
            if special != 0 {
                self.at += special.trailing_zeros() as usize / 8;
                return;
            }
            self.at += WORD;
        }
        while let Some(byte) = self.peek() {
            if matches!(byte, b'"' | b'\\' | 0..=0x1f) {
                return;
            }
            self.at += 1;
        }
    }

    /// An escape sequence; of a surrogate, with its other half.
    fn escape(&mut self) -> Result<(), JsonError> {
        let start = *self;
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => match self.unit().ok_or(start.error(JsonErrorKind::Escape))? {
                0xd800..=0xdbff => {
                    let low = if self.peek() == Some(b'\\') {
                        self.at += 1;
                        self.unit()
                    } else {
                        None
                    };
                    match low {
                        Some(0xdc00..=0xdfff) => Ok(()),
                        _ => Err(start.error(JsonErrorKind::LoneSurrogate)),
                    }
                }
                0xdc00..=0xdfff => Err(start.error(JsonErrorKind::LoneSurrogate)),
                _ => Ok(()),
            },
            _ => Err(start.error(JsonErrorKind::Escape)),
        }
    }

    /// `u` and four hexadecimal digits.
    fn unit(&mut self) -> Option<u16> {
        let [b'u', digits @ ..] = self.text.as_bytes().get(self.at..)?.first_chunk::<5>()? else { return None };
        let mut unit = 0;
        for &digit in digits {
            unit = unit << 4 | char::from(digit).to_digit(16)? as u16;
        }
        self.at += 5;
        Some(unit)
    }
}

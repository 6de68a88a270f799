//! The strict reader: RFC 8259, UTF-8, bounded depth, no recursion.

use core::{fmt, str};

use super::text::Text;
use crate::bytes::Special;
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
    Quote,
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
            Self::Quote => "'\"'",
        }
    }
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
                what.text()
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
    let mut cursor = Cursor::begin(document)?;
    cursor.space();
    if cursor.take(b'{', Token::Object) {
        Ok(Object { cursor: Cursor { depth: 1, ..cursor }, place: Place::First, outermost: true })
    } else {
        Err(cursor.error())
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
    /// The next member, checked to its end; `None` behind the last one.
    ///
    /// # Errors
    ///
    /// Where this member, or what closes the object or the document, is no JSON. There is nothing to read behind it.
    #[allow(clippy::should_implement_trait, reason = "an error ends it: `?` in a `while let` reads better")]
    pub fn next(&mut self) -> Result<Option<(Text<'a>, Value<'a>)>, JsonError> {
        match self.next_key()? {
            Some(key) => Ok(Some((key, self.value()?))),
            None => Ok(None),
        }
    }

    /// The next key, whose value must be taken before the next one.
    #[inline]
    pub(crate) fn next_key(&mut self) -> Result<Option<Text<'a>>, JsonError> {
        let cursor = &mut self.cursor;
        cursor.space();
        match (self.place, cursor.peek()) {
            (Place::Over, _) => return Ok(None),
            (_, Some(b'}')) => {
                cursor.at += 1;
                self.place = Place::Over;
                if self.outermost && !cursor.end() {
                    return Err(cursor.error());
                }
                return Ok(None);
            }
            (Place::First, _) => self.place = Place::Later,
            (Place::Later, Some(b',')) => {
                cursor.at += 1;
                cursor.space();
            }
            (Place::Later, _) => {
                cursor.expected::<()>(Token::CommaOrBrace);
                return Err(cursor.error());
            }
        }
        match cursor.key() {
            Some(key) => Ok(Some(key)),
            None => Err(cursor.error()),
        }
    }

    /// The value of the key that was taken last, checked to its end.
    #[inline]
    pub(crate) fn value(&mut self) -> Result<Value<'a>, JsonError> {
        match self.cursor.value() {
            Some(value) => Ok(value),
            None => Err(self.cursor.error()),
        }
    }

    /// As [`value`](Self::value), for a value that should be a string: if it is none, its kind.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<Result<Text<'a>, Kind>, JsonError> {
        if self.cursor.peek() != Some(b'"') {
            return self.value().map(|value| Err(value.kind()));
        }
        match self.cursor.string() {
            Some(text) => Ok(Ok(text)),
            None => Err(self.cursor.error()),
        }
    }
}

impl<'a> Array<'a> {
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
                cursor.at += 1;
                cursor.space();
            }
        }
        cursor.value()
    }
}

/// A place in a document.
///
/// What reads gives `None` or `false` where something does not hold, and notes what: an error that every return carried
/// would cost more than the reading.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// How many arrays and objects are open around this place.
    depth: u8,
    /// What does not hold, at this place.
    failed: Option<JsonErrorKind>,
}

impl fmt::Debug for Cursor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}", self.at)
    }
}

impl<'a> Cursor<'a> {
    #[inline]
    fn begin(document: &'a [u8]) -> Result<Self, JsonError> {
        if document.starts_with(b"\xef\xbb\xbf") {
            return Err(JsonError { kind: JsonErrorKind::ByteOrderMark, at: 0 });
        }
        match str::from_utf8(document) {
            Ok(text) => Ok(Self { text, at: 0, depth: 0, failed: None }),
            Err(error) => Err(JsonError { kind: JsonErrorKind::NotUtf8, at: error.valid_up_to() }),
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// What does not hold. Asked only when something does not.
    const fn error(&self) -> JsonError {
        let kind = match self.failed {
            Some(kind) => kind,
            None => JsonErrorKind::Expected(Token::Value),
        };
        JsonError { kind, at: self.at }
    }

    #[cold]
    const fn fail<T>(&mut self, kind: JsonErrorKind) -> Option<T> {
        self.failed = Some(kind);
        None
    }

    #[cold]
    const fn expected<T>(&mut self, token: Token) -> Option<T> {
        self.fail(JsonErrorKind::Expected(token))
    }

    #[inline]
    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    #[inline]
    fn take(&mut self, byte: u8, token: Token) -> bool {
        if self.peek() == Some(byte) {
            self.at += 1;
            return true;
        }
        self.expected::<()>(token).is_some()
    }

    fn end(&mut self) -> bool {
        self.space();
        self.peek().is_none() || self.fail::<()>(JsonErrorKind::TrailingText).is_some()
    }

    /// What was passed since `start`.
    #[inline]
    fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// A key and its colon; behind it stands the value.
    #[inline]
    fn key(&mut self) -> Option<Text<'a>> {
        if self.peek() != Some(b'"') {
            return self.expected(Token::Key);
        }
        let key = self.string()?;
        self.space();
        if !self.take(b':', Token::Colon) {
            return None;
        }
        self.space();
        Some(key)
    }

    /// A whole value of any type.
    fn value(&mut self) -> Option<Value<'a>> {
        match self.peek() {
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            Some(b't') => self.literal("true", Value::Bool(true)),
            Some(b'f') => self.literal("false", Value::Bool(false)),
            Some(b'n') => self.literal("null", Value::Null),
            Some(open @ (b'{' | b'[')) => {
                let inside = Cursor { at: self.at + 1, depth: self.depth + 1, ..*self };
                if !self.pass() {
                    return None;
                }
                Some(if open == b'{' {
                    Value::Object(Object { cursor: inside, place: Place::First, outermost: false })
                } else {
                    Value::Array(Array { cursor: inside, place: Place::First })
                })
            }
            _ => self.expected(Token::Value),
        }
    }

    /// Passes over an array or an object with all that is in it. One bit a level says which of the two it is.
    fn pass(&mut self) -> bool {
        let mut objects: u32 = 0;
        let mut levels: u8 = 0;
        loop {
            // Here stands a value.
            match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    if self.depth + levels >= MAX_DEPTH {
                        return self.fail::<()>(JsonErrorKind::TooDeep).is_some();
                    }
                    self.at += 1;
                    levels += 1;
                    let object = open == b'{';
                    objects = objects << 1 | u32::from(object);
                    self.space();
                    match (self.peek(), object) {
                        (Some(b'}'), true) | (Some(b']'), false) => {}
                        (_, true) if self.key().is_none() => return false,
                        _ => continue,
                    }
                }
                // Never an array or an object: this does not come back here.
                _ if self.scalar() => self.space(),
                _ => return false,
            }
            // Behind a value, or before the end of what is empty.
            loop {
                match (self.peek(), objects & 1 == 1) {
                    (Some(b','), object) => {
                        self.at += 1;
                        self.space();
                        if object && self.key().is_none() {
                            return false;
                        }
                        break;
                    }
                    (Some(b'}'), true) | (Some(b']'), false) => {
                        self.at += 1;
                        levels -= 1;
                        objects >>= 1;
                        if levels == 0 {
                            return true;
                        }
                        self.space();
                    }
                    (_, object) => {
                        let token = if object { Token::CommaOrBrace } else { Token::CommaOrBracket };
                        return self.expected::<()>(token).is_some();
                    }
                }
            }
        }
    }

    fn scalar(&mut self) -> bool {
        match self.peek() {
            Some(b'"') => self.string().is_some(),
            Some(b'-' | b'0'..=b'9') => self.number().is_some(),
            Some(b't') => self.literal("true", ()).is_some(),
            Some(b'f') => self.literal("false", ()).is_some(),
            Some(b'n') => self.literal("null", ()).is_some(),
            _ => self.expected::<()>(Token::Value).is_some(),
        }
    }

    fn literal<T>(&mut self, word: &'static str, meaning: T) -> Option<T> {
        if self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            self.at += word.len();
            Some(meaning)
        } else {
            self.expected(Token::Value)
        }
    }

    fn number(&mut self) -> Option<&'a str> {
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
        Some(self.since(start))
    }

    /// At least one digit.
    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { self.expected(Token::Digit) } else { Some(()) }
    }

    /// A string, from its opening quote to behind its closing one.
    #[inline]
    fn string(&mut self) -> Option<Text<'a>> {
        let start = self.at + 1;
        self.at = self.run(start);
        if self.peek() == Some(b'"') {
            let text = Text::new(self.since(start), false);
            self.at += 1;
            return Some(text);
        }
        self.uncommon_string(start)
    }

    /// The end of what means itself in a string.
    #[inline(never)]
    fn run(&self, start: usize) -> usize {
        start + Special::IN_STRING.first_in_all(self.text.as_bytes().get(start..).unwrap_or_default())
    }

    /// A string with escapes, or one that does not hold; `start` is where its inside begins.
    #[inline(never)]
    fn uncommon_string(&mut self, start: usize) -> Option<Text<'a>> {
        let mut escaped = false;
        loop {
            match self.peek() {
                Some(b'"') => {
                    let text = Text::new(self.since(start), escaped);
                    self.at += 1;
                    return Some(text);
                }
                Some(b'\\') => {
                    escaped = true;
                    let begin = self.at;
                    if let Err(kind) = self.escape() {
                        self.at = begin;
                        return self.fail(kind);
                    }
                }
                Some(_) => return self.fail(JsonErrorKind::ControlCharacter),
                None => return self.expected(Token::Quote),
            }
            self.at = self.run(self.at);
        }
    }

    /// An escape sequence; of a surrogate, with its other half.
    fn escape(&mut self) -> Result<(), JsonErrorKind> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => match self.unit().ok_or(JsonErrorKind::Escape)? {
                0xd800..=0xdbff => {
                    let low = if self.peek() == Some(b'\\') {
                        self.at += 1;
                        self.unit()
                    } else {
                        None
                    };
                    match low {
                        Some(0xdc00..=0xdfff) => Ok(()),
                        _ => Err(JsonErrorKind::LoneSurrogate),
                    }
                }
                0xdc00..=0xdfff => Err(JsonErrorKind::LoneSurrogate),
                _ => Ok(()),
            },
            _ => Err(JsonErrorKind::Escape),
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

//! The strict reader itself: RFC 8259, UTF-8, bounded depth, no recursion.

use core::{fmt, str};

use super::error::{JsonError, JsonErrorKind, Token};
use super::text::Text;
use super::value::{Array, Object, Value};
use crate::bytes::Special;

/// How deep a document may nest; its outermost array or object is level 1. Source: OURS.
pub const MAX_DEPTH: u8 = 16;

/// A place in a document.
///
/// What reads gives `None` or `false` where something does not hold, and notes what: an error that every return carried
/// would cost more than the reading.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
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

/// The text of a document.
///
/// # Errors
///
/// [`JsonErrorKind::ByteOrderMark`] or [`JsonErrorKind::NotUtf8`].
#[inline]
pub(crate) fn text_of(document: &[u8]) -> Result<&str, JsonError> {
    if document.starts_with(b"\xef\xbb\xbf") {
        return Err(JsonError { kind: JsonErrorKind::ByteOrderMark, at: 0 });
    }
    str::from_utf8(document).map_err(|error| JsonError { kind: JsonErrorKind::NotUtf8, at: error.valid_up_to() })
}

impl<'a> Cursor<'a> {
    /// The place behind the opening bracket that stands here, one level deeper.
    pub(super) const fn inside(self) -> Self {
        Self { at: self.at + 1, depth: self.depth + 1, ..self }
    }

    /// Whether something was found not to hold.
    pub(super) const fn failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Goes behind the byte that stands here.
    pub(super) const fn pass_byte(&mut self) {
        self.at += 1;
    }

    pub(super) const fn begin(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0, failed: None }
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// What does not hold. Asked only when something does not.
    pub(super) const fn error(&self) -> JsonError {
        let kind = match self.failed {
            Some(kind) => kind,
            None => JsonErrorKind::Expected(Token::Value),
        };
        JsonError { kind, at: self.at }
    }

    #[cold]
    pub(super) const fn fail<T>(&mut self, kind: JsonErrorKind) -> Option<T> {
        self.failed = Some(kind);
        None
    }

    #[cold]
    pub(super) const fn expected<T>(&mut self, token: Token) -> Option<T> {
        self.fail(JsonErrorKind::Expected(token))
    }

    #[inline]
    pub(super) fn space(&mut self) {
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

    pub(super) fn end(&mut self) -> bool {
        self.space();
        self.peek().is_none() || self.fail::<()>(JsonErrorKind::TrailingText).is_some()
    }

    /// What was passed since `start`.
    #[inline]
    fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// A key and its colon; behind it stands the value.
    #[inline(never)]
    pub(super) fn key(&mut self) -> Option<Text<'a>> {
        if self.peek() != Some(b'"') {
            return self.expected(Token::Key);
        }
        let key = self.string()?;
        if self.colon() { Some(key) } else { None }
    }

    /// What stands between a key and its value.
    #[inline]
    pub(super) fn colon(&mut self) -> bool {
        self.space();
        let is_here = self.take(b':', Token::Colon);
        self.space();
        is_here
    }

    /// A whole value of any type.
    pub(super) fn value(&mut self) -> Option<Value<'a>> {
        match self.peek() {
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            Some(b't') => self.literal("true", Value::Bool(true)),
            Some(b'f') => self.literal("false", Value::Bool(false)),
            Some(b'n') => self.literal("null", Value::Null),
            Some(open @ (b'{' | b'[')) => {
                let inside = self.inside();
                if !self.pass() {
                    return None;
                }
                Some(if open == b'{' {
                    Value::Object(Object::new(inside, false))
                } else {
                    Value::Array(Array::new(inside))
                })
            }
            _ => self.expected(Token::Value),
        }
    }

    /// Passes over a value of any type, with all that is in it. One bit a level says whether that is an array or an object.
    #[inline(never)]
    pub(super) fn pass(&mut self) -> bool {
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
                _ if !self.scalar() => return false,
                _ if levels == 0 => return true,
                _ => self.space(),
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
    pub(super) fn string(&mut self) -> Option<Text<'a>> {
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
                None => return self.expected(Token::EndOfString),
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

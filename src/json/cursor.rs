//! The strict reader itself: RFC 8259, UTF-8, bounded depth, no recursion.

use core::fmt;

use super::error::{JsonError, JsonErrorKind, Token};
use super::text::{self, Text};
use super::value::Kind;
use crate::bytes::{BY_WORDS, Special, behind, utf8};

/// How deep a document may nest; its outermost array or object is level 1. Source: OURS.
pub const MAX_DEPTH: u8 = 16;

/// A place in a document.
///
/// What reads gives `None` where something does not hold, and notes what: an error that every return carried would cost
/// more than the reading.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// How many arrays and objects are open around this place.
    depth: u8,
    /// Which of them are objects, one bit a level, the innermost lowest.
    objects: u16,
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
    if behind(document, b"\xef\xbb\xbf").is_some() {
        return Err(JsonError { kind: JsonErrorKind::ByteOrderMark, at: 0 });
    }
    utf8(document).map_err(|at| JsonError { kind: JsonErrorKind::NotUtf8, at })
}

impl<'a> Cursor<'a> {
    /// At the first byte of a document that is no white space.
    pub(super) fn begin(text: &'a str) -> Self {
        let mut cursor = Self { text, at: 0, depth: 0, objects: 0, failed: None };
        cursor.space();
        cursor
    }

    /// Whether something was found not to hold.
    pub(super) const fn failed(&self) -> bool {
        self.failed.is_some()
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
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Behind the document nothing may follow.
    pub(super) fn end(&mut self) -> Option<()> {
        self.space();
        if self.peek().is_none() { Some(()) } else { self.fail(JsonErrorKind::TrailingText) }
    }

    /// What was passed since `start`.
    #[inline]
    fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// How many arrays and objects are open here.
    pub(super) const fn depth(&self) -> u8 {
        self.depth
    }

    /// Passes the bracket that opens an array or object.
    pub(super) fn open(&mut self, kind: Kind) -> Option<()> {
        if self.depth == MAX_DEPTH {
            return self.fail(JsonErrorKind::TooDeep);
        }
        self.at += 1;
        self.depth += 1;
        self.objects = self.objects << 1 | u16::from(kind == Kind::Object);
        Some(())
    }

    /// From behind the bracket that opened this level, if this is its `first` item, or else from behind an item, to the
    /// next key or element. `false` if instead the level ends: then it is passed.
    #[inline(never)]
    pub(super) fn item(&mut self, first: bool) -> Option<bool> {
        let is_object = self.objects & 1 == 1;
        self.space();
        match (self.peek(), is_object) {
            (Some(b'}'), true) | (Some(b']'), false) => {
                self.at += 1;
                self.depth -= 1;
                self.objects >>= 1;
                return Some(false);
            }
            _ if first => {}
            (Some(b','), _) => {
                self.at += 1;
                self.space();
            }
            (_, true) => return self.expected(Token::CommaOrBrace),
            (_, false) => return self.expected(Token::CommaOrBracket),
        }
        Some(true)
    }

    /// A key and its colon; behind it stands the value.
    #[inline(never)]
    pub(super) fn key(&mut self) -> Option<Text<'a>> {
        if self.peek() != Some(b'"') {
            return self.expected(Token::Key);
        }
        let start = self.at;
        self.string()?;
        let key = Text::quoted(self.since(start));
        self.space();
        if !self.pass(b':') {
            return self.expected(Token::Colon);
        }
        self.space();
        Some(key)
    }

    /// Passes over a value of any type, with all that is in it, and gives it as it stands.
    #[inline(never)]
    pub(super) fn value(&mut self) -> Option<&'a str> {
        let (start, around) = (self.at, self.depth);
        'values: loop {
            let kind = Kind::of(self.text.get(self.at..).unwrap_or_default());
            let mut first = matches!(kind, Kind::Object | Kind::Array);
            match kind {
                Kind::Object | Kind::Array => self.open(kind)?,
                Kind::String => self.string()?,
                Kind::Number => self.number()?,
                Kind::Null => self.word("null")?,
                Kind::Boolean => self.word(if self.peek() == Some(b't') { "true" } else { "false" })?,
            }
            while self.depth > around {
                if self.item(first)? {
                    if self.objects & 1 == 1 {
                        self.key()?;
                    }
                    continue 'values;
                }
                first = false;
            }
            return Some(self.since(start));
        }
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if behind(rest, word.as_bytes()).is_some() {
            self.at += word.len();
            Some(())
        } else {
            self.expected(Token::Value)
        }
    }

    /// What begins like nothing else is no number either, and no value.
    fn number(&mut self) -> Option<()> {
        let start = self.at;
        self.pass(b'-');
        if !self.pass(b'0') && !self.digits() {
            return self.expected(if self.at == start { Token::Value } else { Token::Digit });
        }
        if self.pass(b'.') && !self.digits() {
            return self.expected(Token::Digit);
        }
        if self.pass(b'e') || self.pass(b'E') {
            if !self.pass(b'+') {
                self.pass(b'-');
            }
            if !self.digits() {
                return self.expected(Token::Digit);
            }
        }
        Some(())
    }

    /// Passes this byte, if it stands here.
    fn pass(&mut self, byte: u8) -> bool {
        let is_here = self.peek() == Some(byte);
        self.at += usize::from(is_here);
        is_here
    }

    /// Whether there is at least one digit; passes all of them.
    fn digits(&mut self) -> bool {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        self.at > start
    }

    /// A string, from its opening quote to behind its closing one.
    #[inline(never)]
    fn string(&mut self) -> Option<()> {
        loop {
            // Behind the opening quote, or behind what means something inside.
            self.at += 1;
            let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
            if BY_WORDS {
                self.at += Special::IN_STRING.first_in_all(rest);
            }
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    let rest = self.text.as_bytes().get(self.at + 1..).unwrap_or_default();
                    match text::escape(rest) {
                        Ok((_, len)) => self.at += usize::from(len),
                        Err(kind) => return self.fail(kind),
                    }
                }
                Some(0..0x20) => return self.fail(JsonErrorKind::ControlCharacter),
                Some(_) => {}
                None => return self.expected(Token::EndOfString),
            }
        }
        self.at += 1;
        Some(())
    }
}

//! The strict reader itself: RFC 8259, UTF-8, bounded depth, no recursion.

use core::fmt;

use super::error::{JsonError, JsonErrorKind, Token};
use super::text::{self, Text};
use super::value::Kind;
use crate::scan::{self, ByteSet};

/// How deep a document may nest; its outermost array or object is level 1. [Protocol](crate#protocol): OURS.
pub const MAX_DEPTH: u8 = 16;

/// A place in a document.
///
/// Readers return `None` on an error and record its cause once: returning the cause by value at each step costs more than
/// parsing.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// How many arrays and objects are open around this place.
    depth: u8,
    /// Which of them are objects, one bit a level, the innermost lowest.
    objects: u16,
    /// What is wrong, at this place.
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
pub(super) fn text_of(document: &[u8]) -> Result<&str, JsonError> {
    if scan::strip_prefix(document, b"\xef\xbb\xbf").is_some() {
        return Err(JsonError { kind: JsonErrorKind::ByteOrderMark, at: 0 });
    }
    scan::utf8(document).map_err(|at| JsonError { kind: JsonErrorKind::NotUtf8, at })
}

impl<'a> Cursor<'a> {
    /// At the first byte of a document that is no white space.
    pub(super) fn begin(text: &'a str) -> Self {
        let mut cursor = Self { text, at: 0, depth: 0, objects: 0, failed: None };
        cursor.space();
        cursor
    }

    /// Where this error was found, in a document that nothing more is read of.
    pub(super) const fn failed_by(error: JsonError) -> Self {
        Self { text: "", at: error.at, depth: 0, objects: 0, failed: Some(error.kind) }
    }

    /// Whether an error was found.
    pub(super) const fn failed(&self) -> bool {
        self.failed.is_some()
    }

    /// The error. Asked for only when there is one.
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

    /// The document must end here.
    pub(super) fn end(&mut self) -> Option<()> {
        self.space();
        if self.peek().is_none() { Some(()) } else { self.fail(JsonErrorKind::TrailingText) }
    }

    /// The text from `start` to here.
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

    /// Advances to the next key of an object, or to the next element of an array; to the `first` one if it was just opened.
    /// Returns `false`, past the closing bracket, if there is none.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn item(&mut self, first: bool, of_object: bool) -> Option<bool> {
        self.space();
        let next = self.peek();
        if next == Some(if of_object { b'}' } else { b']' }) {
            self.at += 1;
            self.depth -= 1;
            self.objects >>= 1;
            return Some(false);
        }
        if !first {
            if next != Some(b',') {
                return self.expected(if of_object { Token::CommaOrBrace } else { Token::CommaOrBracket });
            }
            self.at += 1;
            self.space();
        }
        Some(true)
    }

    /// The same, wherever this is.
    #[cfg_attr(target_pointer_width = "64", inline(never))]
    fn any_item(&mut self, first: bool) -> Option<bool> {
        if self.objects & 1 == 1 { self.item(first, true) } else { self.item(first, false) }
    }

    /// Reads a key and its colon, up to the value.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn key(&mut self) -> Option<Text<'a>> {
        if self.peek() != Some(b'"') {
            return self.expected(Token::Key);
        }
        let key = self.string()?;
        self.space();
        if !self.pass(b':') {
            return self.expected(Token::Colon);
        }
        self.space();
        Some(key)
    }

    /// Reads a value of any type to its end, with everything inside it.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn value(&mut self) -> Option<Raw<'a>> {
        if self.peek() == Some(b'"') {
            return Some(Raw { kind: Kind::String, text: self.string()? });
        }
        let start = self.at;
        let kind = self.any_value()?;
        Some(Raw { kind, text: Text::plain_of(self.since(start)) })
    }

    /// Reads a string by `read`, which takes what it knows from the beginning of a text and says how many bytes that is.
    /// It must not take `"`, `\` or control characters: what it takes means itself. `None`, and nothing is passed, if the
    /// string does not end there.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn string_by<T>(&mut self, read: impl FnOnce(&'a str) -> Option<(T, usize)>) -> Option<T> {
        let (value, len) = read(self.text.get(self.at..)?.strip_prefix('"')?)?;
        let end = self.at + 1 + len;
        if self.text.as_bytes().get(end) != Some(&b'"') {
            return None;
        }
        self.at = end + 1;
        Some(value)
    }

    /// Passes a value of any type and says which it is.
    #[inline(never)]
    pub(super) fn any_value(&mut self) -> Option<Kind> {
        let outer = self.depth;
        let mut outermost = None;
        'values: loop {
            let kind = Kind::of(self.peek());
            outermost.get_or_insert(kind);
            let mut first = matches!(kind, Kind::Object | Kind::Array);
            match kind {
                Kind::Object | Kind::Array => self.open(kind)?,
                Kind::String => self.pass_string()?,
                Kind::Number => self.number()?,
                Kind::Null => self.word("null")?,
                Kind::Boolean => self.word(if self.peek() == Some(b't') { "true" } else { "false" })?,
            }
            while self.depth > outer {
                if self.any_item(first)? {
                    if self.objects & 1 == 1 {
                        self.pass_key()?;
                    }
                    continue 'values;
                }
                first = false;
            }
            return outermost;
        }
    }

    #[cfg_attr(target_pointer_width = "64", inline(never))]
    fn pass_string(&mut self) -> Option<()> {
        self.string().map(|_| ())
    }

    #[cfg_attr(target_pointer_width = "64", inline(never))]
    fn pass_key(&mut self) -> Option<()> {
        self.key().map(|_| ())
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if scan::strip_prefix(rest, word.as_bytes()).is_some() {
            self.at += word.len();
            Some(())
        } else {
            self.expected(Token::Value)
        }
    }

    /// A number, or nothing that JSON knows: what begins like no other value comes here.
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

    /// Passes this byte, if it is the next one.
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

    /// Reads a string, from its opening quote to past its closing one.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn string(&mut self) -> Option<Text<'a>> {
        let start = self.at + 1;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        let clean = scan::find(rest, ByteSet::IN_STRING);
        self.at = start + clean;
        let escaped = rest.get(clean) != Some(&b'"');
        if escaped {
            self.rest_of_string()?;
        }
        let raw = self.since(start);
        self.at += 1;
        Some(Text { raw, escaped })
    }

    /// Goes on to the closing quote, from a byte that does not mean itself.
    #[inline(never)]
    fn rest_of_string(&mut self) -> Option<()> {
        loop {
            match self.peek() {
                Some(b'"') => return Some(()),
                Some(b'\\') => {
                    let rest = self.text.as_bytes().get(self.at + 1..).unwrap_or_default();
                    match text::escape(rest) {
                        Ok((_, len)) => self.at += 1 + usize::from(len),
                        Err(kind) => return self.fail(kind),
                    }
                }
                Some(_) => return self.fail(JsonErrorKind::ControlCharacter),
                None => return self.expected(Token::EndOfString),
            }
            self.at += scan::find(self.text.as_bytes().get(self.at..).unwrap_or_default(), ByteSet::IN_STRING);
        }
    }
}

/// A value as it is written, checked to its end.
#[derive(Clone, Copy)]
pub(crate) struct Raw<'a> {
    pub(crate) kind: Kind,
    /// Of a string what is between its quotes; of anything else all of it.
    pub(crate) text: Text<'a>,
}

//! How a text that is made of pieces reaches a formatter, a JSON string or a comparison, without being built first.

use core::fmt;

use crate::bytes::first;

/// Takes the pieces of a text in order.
pub(crate) trait Sink {
    /// A piece, which may hold anything.
    fn text(&mut self, piece: &str);

    /// A text with the arguments where it has a `#`, at two places or less.
    fn fill(&mut self, template: &str, arguments: [Argument<'_>; 2]) {
        let mut rest = template;
        for argument in arguments {
            let (before, Some(behind)) = parted(rest, b'#') else { break };
            self.text(before);
            match argument {
                Argument::Text(text) => self.text(text),
                Argument::Number(number) => self.number(number),
            }
            rest = behind;
        }
        self.text(rest);
    }

    /// A number in decimal.
    fn number(&mut self, number: usize) {
        let mut unit: usize = 1;
        while number / unit.max(1) > 9 {
            unit *= 10;
        }
        // The last unit is 1, and the one behind it 0.
        while let Some(digits) = number.checked_div(unit) {
            let digit = digits % 10;
            self.text("0123456789".get(digit..=digit).unwrap_or_default());
            unit /= 10;
        }
    }
}

/// What is put into a text.
#[derive(Clone, Copy)]
pub(crate) enum Argument<'a> {
    Text(&'a str),
    Number(usize),
}

/// What is put into a text that has no place for it.
pub(crate) const NOTHING: Argument<'_> = Argument::Text("");

/// A text that can give its pieces.
pub(crate) trait Pieces {
    fn pieces(&self, sink: &mut impl Sink);
}

/// The line of this number, counted from 0, of texts that each end with a line feed.
pub(crate) const fn line(lines: &'static str, number: usize) -> &'static str {
    let (mut line, mut rest) = parted(lines, b'\n');
    let mut at = 0;
    while at < number
        && let Some(behind) = rest
    {
        (line, rest) = parted(behind, b'\n');
        at += 1;
    }
    line
}

/// What stands before the first such byte, which must be ASCII, and what behind it, if it is there.
const fn parted(text: &str, mark: u8) -> (&str, Option<&str>) {
    match text.split_at_checked(first(text.as_bytes(), mark)) {
        Some((before, behind)) => match behind.split_at_checked(1) {
            Some((_, behind)) => (before, Some(behind)),
            None => (before, None),
        },
        None => (text, None),
    }
}

/// `Display` by way of [`Pieces`].
pub(crate) fn display(text: &impl Pieces, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    struct Formatted<'a, 'f> {
        f: &'a mut fmt::Formatter<'f>,
        result: fmt::Result,
    }

    impl Sink for Formatted<'_, '_> {
        fn text(&mut self, piece: &str) {
            if self.result.is_ok() {
                self.result = self.f.write_str(piece);
            }
        }
    }

    let mut formatted = Formatted { f, result: Ok(()) };
    text.pieces(&mut formatted);
    formatted.result
}

/// Whether the pieces make up exactly `expected`.
pub(crate) fn reads(text: &impl Pieces, expected: &str) -> bool {
    struct Compared<'a> {
        rest: Option<&'a str>,
    }

    impl Sink for Compared<'_> {
        fn text(&mut self, piece: &str) {
            self.rest = self.rest.and_then(|rest| rest.strip_prefix(piece));
        }
    }

    let mut compared = Compared { rest: Some(expected) };
    text.pieces(&mut compared);
    compared.rest == Some("")
}

/// Implements `Display` for a type that has [`Pieces`].
macro_rules! display_by_pieces {
    ($($Type:ty),+) => {
        $(
            impl core::fmt::Display for $Type {
                fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                    $crate::sink::display(self, f)
                }
            }
        )+
    };
}

pub(crate) use display_by_pieces;

//! How a text that is made of pieces reaches a formatter, a JSON string or a comparison, without being built first.

use core::fmt;

use crate::CorrelationId;
use crate::bytes::first;

/// Takes the pieces of a text in order.
pub(crate) trait Sink {
    /// A piece, which may hold anything.
    fn text(&mut self, piece: &str);

    /// A text with the arguments in the places of each `#`. Those that it has no place for are left out.
    fn fill(&mut self, template: &str, arguments: &[Argument<'_>]) {
        let mut rest = template;
        for argument in arguments {
            let (before, Some(behind)) = parted(rest, b'#') else { break };
            self.text(before);
            match argument {
                Argument::Text(text) => self.text(text),
                Argument::Number(number) => self.number(*number),
                Argument::Id(id) => self.id(**id),
            }
            rest = behind;
        }
        self.text(rest);
    }

    /// An id as it is written.
    fn id(&mut self, id: CorrelationId) {
        self.text(id.text().as_str());
    }

    /// A number in decimal, without a division, which small machines do not have.
    fn number(&mut self, number: usize) {
        let mut rest = number;
        for &unit in &UNITS {
            let mut digit = 0;
            while rest >= unit {
                rest -= unit;
                digit += 1;
            }
            if number >= unit || unit == 1 {
                self.text("0123456789".get(digit..=digit).unwrap_or_default());
            }
        }
    }
}

/// What the digits of a number are worth, the first one most.
const UNITS: [usize; usize::MAX.ilog10() as usize + 1] = {
    let mut units = [1; _];
    let mut rest: &mut [usize] = &mut units;
    let mut unit: usize = 1;
    while let Some((last, before)) = rest.split_last_mut() {
        *last = unit;
        unit = unit.wrapping_mul(10);
        rest = before;
    }
    units
};

/// What is put into a text.
#[derive(Clone, Copy)]
pub(crate) enum Argument<'a> {
    Text(&'a str),
    Number(usize),
    Id(&'a CorrelationId),
}

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

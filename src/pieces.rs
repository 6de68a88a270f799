//! Texts as a sequence of pieces, so that a formatter, a JSON string and a comparison can take them without a buffer.

use core::fmt;

use crate::wire::CorrelationId;

/// Takes the pieces of a text in order.
pub(crate) trait Sink {
    /// A piece, any text.
    fn text(&mut self, piece: &str);

    /// An id as it is written.
    fn id(&mut self, id: CorrelationId) {
        self.text(id.hyphenated().as_str());
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

/// A text that can give its pieces.
pub(crate) trait Pieces {
    fn pieces(&self, sink: &mut impl Sink);
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
                    $crate::pieces::display(self, f)
                }
            }
        )+
    };
}

pub(crate) use display_by_pieces;

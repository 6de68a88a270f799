//! How a text that is made of pieces reaches a formatter, a JSON string or a comparison, without being built first.

use core::fmt;

/// Takes the pieces of a text in order.
pub(crate) trait Sink {
    /// A piece that holds nothing that JSON must escape: it goes into replies as it is.
    fn plain(&mut self, piece: &str);
    /// A piece that may hold anything.
    fn any(&mut self, piece: &str);
    /// A number in decimal.
    fn number(&mut self, number: usize) {
        let mut digits = [0; 20];
        self.plain(decimal(number, &mut digits));
    }
}

/// A text that can give its pieces.
pub(crate) trait Pieces {
    fn pieces(&self, sink: &mut impl Sink);
}

/// Writes `number` to the end of `digits`, which any `usize` fits.
pub(crate) fn decimal(mut number: usize, digits: &mut [u8; 20]) -> &str {
    let mut start = digits.len();
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        start = at;
        if number == 0 {
            break;
        }
    }
    digits.get(start..).and_then(|digits| core::str::from_utf8(digits).ok()).unwrap_or_default()
}

/// `Display` by way of [`Pieces`].
pub(crate) fn display(text: &impl Pieces, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    struct Formatted<'a, 'f> {
        f: &'a mut fmt::Formatter<'f>,
        result: fmt::Result,
    }

    impl Sink for Formatted<'_, '_> {
        fn plain(&mut self, piece: &str) {
            self.any(piece);
        }

        fn any(&mut self, piece: &str) {
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
        fn plain(&mut self, piece: &str) {
            self.any(piece);
        }

        fn any(&mut self, piece: &str) {
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

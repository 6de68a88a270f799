//! Text into a buffer of fixed size, piece by piece.

/// Text of at most `N` bytes. What does not fit is left out, so a caller makes `N` the longest that can come.
#[derive(Debug, Clone)]
pub struct Text<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Text<N> {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: [0; N], len: 0 }
    }

    /// Forgets what was written.
    pub const fn clear(&mut self) {
        self.len = 0;
    }

    /// Adds bytes.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        for &byte in bytes {
            if let Some(place) = self.bytes.get_mut(self.len) {
                *place = byte;
                self.len += 1;
            }
        }
        self
    }

    /// Adds text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    /// Adds a number in decimal.
    pub fn number(&mut self, number: u32) -> &mut Self {
        let mut digits = [0; 10];
        let mut rest = number;
        let mut count = 0;
        for place in digits.iter_mut().rev() {
            *place = b'0' + (rest % 10) as u8;
            rest /= 10;
            count += 1;
            if rest == 0 {
                break;
            }
        }
        let leading = digits.len().saturating_sub(count);
        self.bytes(digits.get(leading..).unwrap_or_default())
    }

    /// Adds an address: `0x` and eight digits.
    pub fn address(&mut self, address: u32) -> &mut Self {
        self.text("0x").hex(&address.to_be_bytes())
    }

    /// Adds bytes as two digits each.
    pub fn hex(&mut self, bytes: &[u8]) -> &mut Self {
        for digit in bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
            self.bytes(&[if digit < 10 { b'0' + digit } else { b'a' + digit - 10 }]);
        }
        self
    }

    /// What was written.
    #[must_use]
    pub fn get(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Lets a writer of its own fill the rest of the buffer and say how much it wrote.
    pub(crate) fn fill(&mut self, write: impl FnOnce(&mut [u8]) -> usize) {
        let written = self.bytes.get_mut(self.len..).map_or(0, write);
        self.len = self.len.saturating_add(written).min(N);
    }
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    #[test]
    fn numbers_are_decimal_and_addresses_are_not() {
        for number in [0, 1, 9, 10, 99, 100, 65_535, 1_000_000_000, u32::MAX] {
            assert_eq!(Text::<16>::new().number(number).get(), std::format!("{number}").as_bytes());
            assert_eq!(Text::<16>::new().address(number).get(), std::format!("{number:#010x}").as_bytes());
        }
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        let mut text = Text::<4>::new();
        assert_eq!(text.text("abc").text("def").get(), b"abcd");
        text.clear();
        assert_eq!(text.number(12_345).get(), b"1234");
    }
}

//! Times, and how they are written.

use core::time::Duration;

/// Times of which shares are asked.
#[derive(Clone, Debug, Default)]
pub(super) struct Times(Vec<f64>);

impl Times {
    /// In milliseconds.
    pub(super) fn push(&mut self, time: Duration) {
        self.push_ms(1000.0 * time.as_secs_f64());
    }

    /// A difference may be less than nothing.
    pub(super) fn push_ms(&mut self, milliseconds: f64) {
        self.0.push(milliseconds);
    }

    pub(super) fn extend(&mut self, other: &Self) {
        self.0.extend(&other.0);
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    /// The least time that this share of all does not exceed, in milliseconds; `NaN` of none.
    pub(super) fn at(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        // There are few enough to be counted exactly.
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.max(1) - 1).copied().unwrap_or(f64::NAN)
    }

    pub(super) fn median(&self) -> f64 {
        self.at(0.5)
    }

    pub(super) fn slow(&self) -> f64 {
        self.at(0.99)
    }
}

/// A number with commas.
pub(super) fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut written = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written
}

pub(super) fn row(cells: &[&str]) -> String {
    format!("| {} |", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_all() {
        let mut times = Times::default();
        assert!(times.median().is_nan());
        for time in (1..=100).rev() {
            times.push(Duration::from_millis(time));
        }
        assert_eq!((times.at(0.0), times.median(), times.slow(), times.at(1.0)), (1.0, 50.0, 99.0, 100.0));
        let mut one = Times::default();
        one.push_ms(-0.5);
        assert_eq!((one.median(), one.slow(), one.len()), (-0.5, -0.5, 1));
    }

    #[test]
    fn numbers_have_commas() {
        assert_eq!([0, 999, 1000, 1_000_000].map(count), ["0", "999", "1,000", "1,000,000"]);
    }
}

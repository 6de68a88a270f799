//! Epochs: numbers of which a store issues none twice.

use std::time::SystemTime;

use recording_core::recorder::Epoch;

use super::StoreError;

/// The epoch with this number.
pub(super) fn epoch(number: u64) -> Result<Epoch, StoreError> {
    Epoch::new(number).ok_or_else(|| StoreError::new("all epochs have been issued"))
}

/// A number that is greater than what was issued in the past, at 256 a second.
///
/// A store that remembers what it issued does not need this. But a memory store remembers nothing after its end, a file may be
/// removed, or replaced by a backup, and recorders remember the numbers that they were sent.
pub(super) fn by_the_clock() -> u64 {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    at(u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX))
}

/// A clock that is later than 2097 is wrong: what it says would use up the epochs.
fn at(milliseconds: u64) -> u64 {
    let number = milliseconds.saturating_mul(32) / 125;
    if number <= Epoch::MAX / 16 * 15 { number.max(1) } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_wrong_uses_nothing_up() {
        assert_eq!([0, 1000, 1_800_000_000_000].map(at), [1, 256, 460_800_000_000]);
        assert_eq!([4_100_000_000_000, 1 << 60, u64::MAX / 32].map(at), [1; 3]);
        assert!(epoch(0).is_err() && epoch(Epoch::MAX + 1).is_err());
        assert_eq!(epoch(Epoch::MAX).map(Epoch::get), Ok(Epoch::MAX));
    }
}

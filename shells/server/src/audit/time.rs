//! Moments as RFC 3339 writes them, in UTC, to the microsecond. All that is asked of a calendar is this one text, so `humantime`
//! writes it: it has no time zones and needs no other crate.

use core::time::Duration;
use std::time::{SystemTime, UNIX_EPOCH};

use humantime::{Rfc3339Timestamp, format_rfc3339_micros};

/// The last second that can be written, of the year 9999.
const LAST: Duration = Duration::from_secs(253_402_300_799);

/// The moment that it is now.
pub(super) fn now() -> Rfc3339Timestamp {
    at(SystemTime::now())
}

/// A clock before 1970 or after 9999 is no clock, and no reason not to write a line: it gets the next moment that can be
/// written.
pub(crate) fn at(moment: SystemTime) -> Rfc3339Timestamp {
    format_rfc3339_micros(moment.clamp(UNIX_EPOCH, UNIX_EPOCH + LAST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(seconds: u64, micros: u32) -> String {
        at(UNIX_EPOCH + Duration::new(seconds, micros * 1000)).to_string()
    }

    /// Day after day, by the rules that everybody learns.
    #[test]
    fn every_day_of_eight_centuries() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..800 * 366 {
            assert_eq!(text(days * 86_400 + 86_399, 0), format!("{year:04}-{month:02}-{day:02}T23:59:59.000000Z"));
            let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
            let length = match month {
                2 => 28 + u32::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            day += 1;
            if day > length {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
        assert!(year > 2700);
    }

    #[test]
    fn texts() {
        assert_eq!(text(0, 0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(text(951_782_399, 1), "2000-02-28T23:59:59.000001Z");
        assert_eq!(text(951_782_400, 999_999), "2000-02-29T00:00:00.999999Z");
        assert_eq!(text(1_795_644_604, 20), "2026-11-25T22:10:04.000020Z");
    }

    #[test]
    fn a_clock_that_is_far_off_is_written_too() {
        let before = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(at(before).to_string(), "1970-01-01T00:00:00.000000Z");
        let after = UNIX_EPOCH + LAST + Duration::from_secs(1);
        assert_eq!(at(after).to_string(), "9999-12-31T23:59:59.000000Z");
    }
}

//! Moments as RFC 3339 writes them, in UTC, to the microsecond.

use std::time::{SystemTime, UNIX_EPOCH};

/// How long such a text is: `2026-11-25T22:10:00.123456Z`.
const LEN: usize = 27;

/// Appends the moment that it is now.
pub(super) fn push_now(line: &mut Vec<u8>) {
    // A clock before 1970 is no clock.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    line.extend_from_slice(&text(since.as_secs(), since.subsec_micros()));
}

fn text(seconds: u64, micros: u32) -> [u8; LEN] {
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    let (days, second) = (seconds / 86_400, (seconds % 86_400) as u32);
    let (year, month, day) = date(days);
    let mut put = |at: usize, digits: usize, mut number: u32| {
        for place in text.iter_mut().skip(at).take(digits).rev() {
            *place = b'0' + (number % 10) as u8;
            number /= 10;
        }
    };
    put(0, 4, year);
    put(5, 2, month);
    put(8, 2, day);
    put(11, 2, second / 3600);
    put(14, 2, second / 60 % 60);
    put(17, 2, second % 60);
    put(20, 6, micros);
    text
}

/// Year, month and day of a day since 1970, by the Gregorian calendar.
///
/// Years are counted from March, so that the leap day is the last of its year; 400 of them always have 146097 days.
const fn date(days: u64) -> (u32, u32, u32) {
    let days = days + 719_468; // from 0000-03-01
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // March to July and August to December have the same lengths: 153 days in 5 months.
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = 400 * era + year_of_era + (month <= 2) as u64;
    (year as u32, month as u32, day as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Day after day, by the rules that everybody learns.
    #[test]
    fn every_day_of_eight_centuries() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..800 * 366 {
            assert_eq!(date(days), (year, month, day));
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
        assert_eq!(&text(0, 0), b"1970-01-01T00:00:00.000000Z");
        assert_eq!(&text(951_782_399, 1), b"2000-02-28T23:59:59.000001Z");
        assert_eq!(&text(951_782_400, 999_999), b"2000-02-29T00:00:00.999999Z");
        assert_eq!(&text(1_795_644_604, 20), b"2026-11-25T22:10:04.000020Z");
    }
}

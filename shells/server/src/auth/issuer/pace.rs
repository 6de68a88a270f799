//! When the keys are fetched: after a while, again after a failure, and early if a token names one that is not there.

use core::time::Duration;

use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::time::Instant;

/// After how long they are fetched again, if the issuer does not say for how long they may be kept.
pub(super) const USUAL: Duration = Duration::from_secs(600);

/// Not sooner, whatever the issuer says.
pub(super) const SOONEST: Duration = Duration::from_secs(60);

/// Not later, whatever the issuer says: a key that it has withdrawn is good for so long at most.
pub(super) const LATEST: Duration = Duration::from_secs(3600);

/// After how long a fetch is tried again that failed; twice as long after each further one.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// Not longer.
const LAST_RETRY: Duration = Duration::from_secs(60);

/// How often tokens of unknown keys may have the keys fetched.
pub(super) const EARLY_EVERY: Duration = Duration::from_secs(30);

/// How long to wait after a fetch that came to this: `fresh_for` is what the issuer said. Several are tried while keys are
/// not older than `max_age`.
pub(super) fn after_success(fresh_for: Option<Duration>, max_age: Duration, random: f64) -> Duration {
    let latest = LATEST.min(max_age / 4);
    let wait = fresh_for.unwrap_or(USUAL).clamp(SOONEST.min(latest), latest);
    // A little sooner, so that servers that were started together do not ask together.
    wait.mul_f64(1.0 - 0.2 * random)
}

/// How long to wait after so many failures in a row, the first of which is 1.
pub(super) fn after_failures(number: u32, random: f64) -> Duration {
    let doubled = FIRST_RETRY.saturating_mul(1 << number.saturating_sub(1).min(16));
    doubled.min(LAST_RETRY).mul_f64(1.0 - 0.5 * random)
}

/// A number from 0 to 1.
pub(super) fn random() -> f64 {
    let mut bytes = [0; 4];
    // Without random numbers there is no jitter, and nothing worse.
    let _ = SystemRandom::new().fill(&mut bytes);
    f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX)
}

/// How often tokens of unknown keys have had the keys fetched: two at once, and one more each [`EARLY_EVERY`].
#[derive(Debug, Default)]
pub(super) struct Allowance(Option<Instant>);

impl Allowance {
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let used_until = self.0.map_or(now, |until| until.max(now)) + EARLY_EVERY;
        if used_until > now + 2 * EARLY_EVERY {
            return false;
        }
        self.0 = Some(used_until);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_issuer_says_when_and_the_bounds_say_more() {
        for (fresh_for, max_age, wait) in [
            (None, DAY, 600),
            (Some(0), DAY, 60),
            (Some(59), DAY, 60),
            (Some(900), DAY, 900),
            (Some(3601), DAY, 3600),
            (Some(u64::MAX), DAY, 3600),
            (None, 600 * SECOND, 150),
            (Some(u64::MAX), 60 * SECOND, 15),
            (Some(0), 60 * SECOND, 15),
        ] {
            let waits = |random| after_success(fresh_for.map(Duration::from_secs), max_age, random);
            assert_eq!(waits(0.0), wait * SECOND, "{fresh_for:?}");
            assert!(waits(1.0) < waits(0.5) && waits(1.0) >= (wait * SECOND).mul_f64(0.79), "{fresh_for:?}");
        }
    }

    #[test]
    fn failures_are_tried_again_later_and_later_up_to_a_minute() {
        let waits: Vec<_> = (1..=9).map(|number| after_failures(number, 0.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        for number in [1, 7, 100, u32::MAX] {
            assert!(after_failures(number, 1.0) * 2 <= after_failures(number, 0.0) + SECOND / 1000);
            assert!(after_failures(number, 1.0) >= SECOND / 2);
        }
    }

    #[test]
    fn jitter_is_a_number_from_0_to_1() {
        let drawn: Vec<_> = (0..100).map(|_| random()).collect();
        assert!(drawn.iter().all(|drawn| (0.0..=1.0).contains(drawn)));
        assert!(drawn.iter().any(|drawn| *drawn < 0.5) && drawn.iter().any(|drawn| *drawn >= 0.5));
    }

    #[tokio::test(start_paused = true)]
    async fn unknown_keys_have_a_limit() {
        let mut allowance = Allowance::default();
        let taken = |allowance: &mut Allowance| allowance.take(Instant::now());
        assert_eq!([(); 4].map(|()| taken(&mut allowance)), [true, true, false, false]);
        tokio::time::advance(EARLY_EVERY - SECOND).await;
        assert!(!taken(&mut allowance));
        tokio::time::advance(SECOND).await;
        assert_eq!([(); 2].map(|()| taken(&mut allowance)), [true, false]);
        // However long it was not used, two is the most.
        tokio::time::advance(DAY).await;
        assert_eq!([(); 3].map(|()| taken(&mut allowance)), [true, true, false]);
        // And over a day of trying each second.
        let mut number = 0;
        for _ in 0..86_400 {
            tokio::time::advance(SECOND).await;
            number += u32::from(taken(&mut allowance));
        }
        assert_eq!(number, 2880);
    }
}

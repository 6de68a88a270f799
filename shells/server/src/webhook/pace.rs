//! How fast a receiver is posted to: at full width while it takes what it gets, one after the other and ever more slowly
//! while it does not.

use core::hash::BuildHasher as _;
use core::time::Duration;
use std::hash::RandomState;

use tokio::time::Instant;

/// The first pause after a failure; each one after it is twice as long.
const FIRST: Duration = Duration::from_millis(500);

/// No pause is longer, unless the receiver asks for it.
const LONGEST: Duration = Duration::from_secs(60);

/// What a receiver may ask for by `Retry-After`.
pub(super) const MOST_ASKED: Duration = Duration::from_secs(300);

#[derive(Debug)]
pub(super) struct Pace {
    /// How many posts may be on their way when all goes well, and now.
    most: usize,
    window: usize,
    failures: u32,
    /// Counts failures. Of posts that were on their way together, the first that fails says all that the others do.
    round: u64,
    not_before: Option<Instant>,
    jitter: RandomState,
    drawn: u64,
}

impl Pace {
    pub(super) fn new(most: usize) -> Self {
        Self { most, window: most, failures: 0, round: 0, not_before: None, jitter: RandomState::new(), drawn: 0 }
    }

    /// So many at once from now on.
    pub(super) const fn allow(&mut self, most: usize) {
        self.most = most;
        self.window = if self.failures == 0 { most } else { 1 };
    }

    pub(super) const fn round(&self) -> u64 {
        self.round
    }

    /// How many rounds have failed since a post was taken.
    pub(super) const fn failures(&self) -> u32 {
        self.failures
    }

    /// Whether one more may be sent, if so many are on their way.
    pub(super) fn allows(&self, flying: usize, now: Instant) -> bool {
        flying < self.window && self.not_before.is_none_or(|at| at <= now)
    }

    /// When what is due at `at` may be sent, if that does not depend on what is on its way.
    pub(super) fn from(&self, flying: usize, at: Instant) -> Option<Instant> {
        (flying < self.window).then(|| self.not_before.map_or(at, |not_before| at.max(not_before)))
    }

    /// A post was taken.
    pub(super) fn taken(&mut self) {
        self.failures = 0;
        self.window = self.most.min(self.window + 1);
    }

    /// A post of this round failed, and the receiver wants none for this long. Whether that is news.
    pub(super) fn failed(&mut self, round: u64, wait: Option<Duration>, now: Instant) -> bool {
        if let Some(wait) = wait {
            self.not_before = self.not_before.max(Some(now + wait.min(MOST_ASKED)));
        }
        if round != self.round {
            return false;
        }
        let pause = self.delay(self.failures);
        self.failures += 1;
        self.round += 1;
        self.window = 1;
        self.not_before = self.not_before.max(Some(now + pause));
        true
    }

    /// The pause after one more failure than so many: twice as long each time, and up to a half less at random, so that
    /// receivers of many servers are not asked by all of them at once.
    pub(super) fn delay(&mut self, failures: u32) -> Duration {
        let pause = LONGEST.min(FIRST * 2_u32.saturating_pow(failures.min(16)));
        self.drawn += 1;
        let share = self.jitter.hash_one(self.drawn) % 1024;
        pause - pause.mul_f64(share as f64 / 2048.0)
    }

    /// As if nothing had been sent yet.
    pub(super) const fn begin_again(&mut self) {
        self.window = self.most;
        self.failures = 0;
        self.round += 1;
        self.not_before = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_limit_and_differ() {
        let mut pace = Pace::new(8);
        for failures in 0..40 {
            let whole = LONGEST.min(FIRST * 2_u32.pow(failures.min(10)));
            let drawn: Vec<_> = (0..200).map(|_| pace.delay(failures)).collect();
            assert!(drawn.iter().all(|&pause| pause > whole / 2 && pause <= whole), "{failures}: {drawn:?}");
            assert!(drawn.iter().any(|&pause| pause < whole.mul_f64(0.7)), "{failures}");
            assert!(drawn.iter().any(|&pause| pause > whole.mul_f64(0.8)), "{failures}");
        }
    }

    /// Of posts that fail together, one counts; the width comes back with those that are taken.
    #[test]
    fn one_failure_counts_once_and_the_width_comes_back() {
        let now = Instant::now();
        let mut pace = Pace::new(3);
        assert!(pace.allows(2, now) && !pace.allows(3, now));
        let round = pace.round();
        assert!(pace.failed(round, None, now));
        assert!(!pace.failed(round, None, now) && !pace.failed(round, None, now));
        assert_eq!((pace.failures, pace.window), (1, 1));
        assert!(!pace.allows(0, now) && pace.allows(0, now + FIRST) && !pace.allows(1, now + FIRST));
        for window in [2, 3, 3] {
            pace.taken();
            assert_eq!((pace.failures, pace.window), (0, window));
        }
    }

    /// What a receiver asks for is honoured, up to a limit, even if another post is taken meanwhile.
    #[test]
    fn what_is_asked_for_is_honoured_within_bounds() {
        let now = Instant::now();
        for (asked, pause) in [(10, 10), (300, 300), (100_000_000, 300)] {
            let mut pace = Pace::new(3);
            let round = pace.round();
            assert!(pace.failed(round, Some(Duration::from_secs(asked)), now));
            pace.taken();
            let end = now + Duration::from_secs(pause);
            assert!(!pace.allows(0, end - Duration::from_millis(1)) && pace.allows(0, end));
            assert_eq!(pace.from(0, now), Some(end));
            pace.begin_again();
            assert!(pace.allows(2, now));
        }
    }
}

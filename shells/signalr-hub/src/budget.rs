//! How much a client may send.

use core::time::Duration;

/// A leaking bucket: what is charged fills it, and it empties at a steady rate.
///
/// A charge is never refused: a message that came is there. What is refused is the next one, until the level is below the
/// brim again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    /// What leaks in a second.
    rate: u64,
    /// The level up to which more is taken in.
    brim: u64,
    level: u64,
    /// When the level was this.
    at: Duration,
}

const NANOS: u128 = 1_000_000_000;

impl Budget {
    pub(crate) fn new(rate: usize, brim: usize, now: Duration) -> Self {
        Self { rate: rate.max(1) as u64, brim: brim as u64, level: 0, at: now }
    }

    pub(crate) fn charge(&mut self, now: Duration, cost: usize) {
        let leaked = now.saturating_sub(self.at).as_nanos() * u128::from(self.rate) / NANOS;
        // Less than one does not count, and its time is not lost.
        if leaked > 0 {
            self.level = self.level.saturating_sub(u64::try_from(leaked).unwrap_or(u64::MAX));
            self.at = now;
        }
        if self.level == 0 {
            self.at = now;
        }
        self.level = self.level.saturating_add(cost as u64);
    }

    /// From when on more may be taken in; `None` if it may now.
    pub(crate) fn ready_at(&self, now: Duration) -> Option<Duration> {
        let over = self.level.saturating_sub(self.brim);
        let wait = u128::from(over) * NANOS / u128::from(self.rate);
        let ready = self.at + Duration::from_nanos(u64::try_from(wait).unwrap_or(u64::MAX));
        (over > 0 && ready > now).then_some(ready)
    }
}

impl Budget {
    /// Whether everything that was charged has leaked.
    pub(crate) fn is_empty(&self, now: Duration) -> bool {
        let leaked = now.saturating_sub(self.at).as_nanos() * u128::from(self.rate) / NANOS;
        leaked >= u128::from(self.level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_the_rate() {
        let second = Duration::from_secs(1);
        let mut budget = Budget::new(100, 1000, Duration::ZERO);
        budget.charge(Duration::ZERO, 1000);
        assert_eq!(budget.ready_at(Duration::ZERO), None);
        budget.charge(Duration::ZERO, 200);
        assert_eq!(budget.ready_at(Duration::ZERO), Some(2 * second));
        assert_eq!(budget.ready_at(second), Some(2 * second));
        assert_eq!(budget.ready_at(2 * second), None);
        // After a long silence the burst is whole again, and no larger.
        budget.charge(1000 * second, 1000);
        assert_eq!(budget.ready_at(1000 * second), None);
        budget.charge(1000 * second, 1);
        assert!(budget.ready_at(1000 * second).is_some());
    }

    /// However the charges are cut, over a long time no more than the rate gets through, and no less.
    #[test]
    fn the_rate_does_not_depend_on_the_cut() {
        for step in [1_usize, 3, 64, 999, 4096] {
            let (mut budget, mut now, mut taken) = (Budget::new(1000, 500, Duration::ZERO), Duration::ZERO, 0_usize);
            while now < Duration::from_secs(100) {
                match budget.ready_at(now) {
                    Some(ready) => now = ready,
                    None => {
                        budget.charge(now, step);
                        taken += step;
                        now += Duration::from_nanos(1);
                    }
                }
            }
            let fair = 100 * 1000 + 500;
            assert!(taken <= fair + 2 * step + 100 && taken + 2 * step + 100 >= fair, "{step}: {taken}");
        }
    }
}

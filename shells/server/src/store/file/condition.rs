//! How the thread that writes is, for those who ask whether changes can be stored.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::time::Instant;

/// How long a commit may take before the store counts as not ready.
pub(super) const TOO_LONG: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Condition {
    /// Whether the last commit was one.
    is_well: AtomicBool,
    epoch: Instant,
    /// Since when the thread has been at work, in milliseconds after the epoch; [`IDLE`] if it waits for work.
    busy_since: AtomicU64,
    too_long: Duration,
}

const IDLE: u64 = u64::MAX;

impl Default for Condition {
    fn default() -> Self {
        Self::within(TOO_LONG)
    }
}

/// The thread is at work, until dropped.
pub(super) struct Busy<'c>(&'c Condition);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.busy_since.store(IDLE, Ordering::Release);
    }
}

impl Condition {
    pub(super) fn within(too_long: Duration) -> Self {
        let (is_well, busy_since) = (AtomicBool::new(true), AtomicU64::new(IDLE));
        Self { is_well, epoch: Instant::now(), busy_since, too_long }
    }

    pub(super) fn well(&self, is_well: bool) {
        self.is_well.store(is_well, Ordering::Release);
    }

    pub(super) fn is_well(&self) -> bool {
        self.is_well.load(Ordering::Acquire)
    }

    pub(super) fn busy(&self) -> Busy<'_> {
        self.busy_since.store(self.now(), Ordering::Release);
        Busy(self)
    }

    /// Whether the thread has been at the same work for too long.
    pub(super) fn is_stuck(&self) -> bool {
        let since = self.busy_since.load(Ordering::Acquire);
        since != IDLE && u128::from(self.now().saturating_sub(since)) > self.too_long.as_millis()
    }

    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(IDLE - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_takes_too_long_shows_while_it_does() {
        let condition = Condition::within(Duration::from_millis(20));
        assert!(!condition.is_stuck());
        let busy = condition.busy();
        std::thread::sleep(Duration::from_millis(40));
        assert!(condition.is_stuck());
        drop(busy);
        assert!(!condition.is_stuck());
        // Long without work is not long at work.
        std::thread::sleep(Duration::from_millis(40));
        assert!(!condition.is_stuck());
        let patient = Condition::within(Duration::from_secs(3600));
        let _busy = patient.busy();
        std::thread::sleep(Duration::from_millis(40));
        assert!(!patient.is_stuck());
    }
}

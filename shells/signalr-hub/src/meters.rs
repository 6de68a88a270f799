//! How much each caller may send, on all its connections together: so that opening another one brings nothing.

use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::budget::Budget;
use crate::limits::Limits;

/// How many callers are kept apart; those beyond share one meter, so that memory is bounded.
const MOST_CALLERS: usize = 65_536;

/// The meters of all callers that sent something of late.
pub(crate) struct Meters {
    epoch: Instant,
    limits: Limits,
    by_caller: Mutex<HashMap<Arc<str>, Arc<Meter>>>,
    /// Of the callers that are too many.
    others: Arc<Meter>,
}

/// What one caller has sent.
pub(crate) struct Meter {
    epoch: Instant,
    budget: Mutex<Budget>,
}

impl Meter {
    fn new(limits: Limits, epoch: Instant) -> Self {
        let budget = Budget::new(limits.caller_rate, limits.caller_burst, epoch.elapsed());
        Self { epoch, budget: Mutex::new(budget) }
    }

    fn budget(&self) -> MutexGuard<'_, Budget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn charge(&self, cost: usize) {
        let now = self.epoch.elapsed();
        self.budget().charge(now, cost);
    }

    /// From when on more may be taken in; `None` if it may now.
    pub(crate) fn ready_at(&self) -> Option<Instant> {
        let now = self.epoch.elapsed();
        self.budget().ready_at(now).map(|ready| self.epoch + ready)
    }

    fn is_unused(&self, now: Duration) -> bool {
        self.budget().is_empty(now)
    }
}

impl Meters {
    pub(crate) fn new(limits: Limits, epoch: Instant) -> Self {
        Self { epoch, limits, by_caller: Mutex::default(), others: Arc::new(Meter::new(limits, epoch)) }
    }

    fn by_caller(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Meter>>> {
        self.by_caller.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn of(&self, caller: &Arc<str>) -> Arc<Meter> {
        let mut meters = self.by_caller();
        match meters.get(caller) {
            Some(meter) => Arc::clone(meter),
            None if meters.len() >= MOST_CALLERS => Arc::clone(&self.others),
            None => {
                let meter = Arc::new(Meter::new(self.limits, self.epoch));
                meters.insert(Arc::clone(caller), Arc::clone(&meter));
                meter
            }
        }
    }

    /// Forgets the callers that have no connection and nothing to make up for.
    pub(crate) fn tidy(&self) {
        let now = self.epoch.elapsed();
        let mut meters = self.by_caller();
        meters.retain(|_, meter| Arc::strong_count(meter) > 1 || !meter.is_unused(now));
        if meters.capacity() > 4 * meters.len() + 64 {
            meters.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_caller_has_one_meter_until_it_has_made_up_for_what_it_sent() {
        let limits = Limits { caller_rate: 1000, caller_burst: 5000, ..Limits::default() };
        let meters = Meters::new(limits, Instant::now());
        let (one, other) = ("one".into(), "other".into());
        meters.of(&one).charge(8000);
        assert!(meters.of(&other).ready_at().is_none());
        meters.tidy();
        // It has no connection, and is not forgotten, as the other one is.
        assert_eq!(meters.by_caller().len(), 1);
        assert_eq!(meters.of(&one).ready_at(), Some(Instant::now() + Duration::from_secs(3)));
        tokio::time::advance(Duration::from_secs(7)).await;
        meters.tidy();
        assert_eq!(meters.by_caller().len(), 1);
        tokio::time::advance(Duration::from_secs(2)).await;
        let held = meters.of(&one);
        meters.tidy();
        assert_eq!(meters.by_caller().len(), 1);
        drop(held);
        meters.tidy();
        assert_eq!(meters.by_caller().len(), 0);
    }

    #[test]
    fn callers_are_bounded() {
        let meters = Meters::new(Limits::default(), Instant::now());
        for number in 0..MOST_CALLERS + 100 {
            meters.of(&format!("{number}").into()).charge(1);
        }
        assert_eq!(meters.by_caller().len(), MOST_CALLERS);
    }
}

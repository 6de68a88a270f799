//! One command of a call at a time: rtpengine carries out what is outstanding in any order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as Waiting, OwnedMutexGuard};

/// The calls with a command under way or waiting, by their id.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<Box<str>, Arc<Waiting<()>>>>);

/// A call's turn, until dropped.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Arc<Turns>,
    call: Box<str>,
    held: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    fn calls(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<Waiting<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the call's turn. First come, first served.
    pub(super) async fn of(self: &Arc<Self>, call: &str) -> Turn {
        let waiting = Arc::clone(self.calls().entry(call.into()).or_default());
        // Made before it waits, so that a future that is dropped leaves nothing.
        let mut turn = Turn { turns: Arc::clone(self), call: call.into(), held: None };
        turn.held = Some(waiting.lock_owned().await);
        turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut calls = self.turns.calls();
        self.held = None;
        // All clones are made under the lock that is held here, or belong to one that waits.
        if calls.get(&self.call).is_some_and(|waiting| Arc::strong_count(waiting) == 1) {
            calls.remove(&self.call);
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_has_one_turn_at_a_time_and_leaves_nothing() {
        let turns = Arc::new(Turns::default());
        let first = turns.of("a").await;
        let other = turns.of("b").await;
        let second = timeout(Duration::from_secs(1), turns.of("a")).await;
        assert!(second.is_err(), "two turns of one call");
        assert_eq!(turns.calls().len(), 2);
        let waits = tokio::spawn({
            let turns = Arc::clone(&turns);
            async move { turns.of("a").await }
        });
        tokio::task::yield_now().await;
        drop(first);
        let second = waits.await.expect("a turn");
        drop((second, other));
        assert!(turns.calls().is_empty());
    }
}

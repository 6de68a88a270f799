//! Whose turn it is: requests for one session, one after the other.

use core::future::poll_fn;
use core::hash::BuildHasher;
use core::pin::pin;
use core::task::Poll;
use std::collections::hash_map::RandomState;

use tokio::sync::{Mutex, MutexGuard};
use tokio::task::unconstrained;

use crate::session::SessionKey;
use crate::store::{StoreError, Storing, Swap};

/// Two locks for every session, shared by the few whose hashes meet.
///
/// The store's compare-and-set alone keeps transitions from being lost, from this server and from others. What it
/// cannot do is keep events in order: of two changes that were stored one after the other, the second might be published
/// first. So on one server the requests of a session take turns, twice: at deciding, from looking up to handing the change
/// to the store; and, in the same order, at telling what was stored. Between the two they wait for the disk, all together.
#[derive(Debug)]
pub(crate) struct SessionLocks {
    locks: Box<[Lock]>,
    /// Keyed at random, so that no stranger can pick ids that share a lock.
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Lock {
    deciding: Mutex<()>,
    telling: Mutex<()>,
}

/// Far more than there are requests at work at once, so that strangers hardly ever wait for each other.
const LOCKS: usize = 1024;

/// The turn of deciding, until dropped.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    lock: &'a Lock,
    _deciding: MutexGuard<'a, ()>,
}

/// The turn of telling, until dropped.
#[derive(Debug)]
pub(crate) struct Telling<'a>(#[allow(dead_code, reason = "held")] MutexGuard<'a, ()>);

impl SessionLocks {
    pub(crate) fn new() -> Self {
        Self { locks: (0..LOCKS).map(|_| Lock::default()).collect(), hasher: RandomState::new() }
    }

    /// Waits for the turn of `key`; it lasts until the guard is dropped. First come, first served.
    pub(crate) async fn lock(&self, key: &SessionKey) -> Turn<'_> {
        let lock = &self.locks[self.hasher.hash_one(key) as usize % LOCKS];
        Turn { lock, _deciding: lock.deciding.lock().await }
    }
}

impl<'a> Turn<'a> {
    /// Ends the turn, waits for what was handed to the store in it, and for the turn of telling: those who end their turns
    /// first tell first, even if others hear of the store before them.
    pub(crate) async fn stored(self, storing: Storing) -> (Result<Swap, StoreError>, Telling<'a>) {
        // Unconstrained: else the runtime may put the first look off, and with it the place in the line.
        let mut telling = pin!(unconstrained(self.lock.telling.lock()));
        let first = poll_fn(|context| Poll::Ready(telling.as_mut().poll(context))).await;
        drop(self);
        let swap = storing.await;
        let telling = match first {
            Poll::Ready(telling) => telling,
            Poll::Pending => telling.await,
        };
        (swap, Telling(telling))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, LazyLock};

    use recording_core::wire::{CorrelationId, UccName};

    use super::*;

    /// Of many that end their turns in an order, and whose changes are stored in another, each tells in that order; one
    /// that is dropped on its way delays no other.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn telling_has_the_order_of_the_turns() {
        const MANY: usize = 200;
        static TURNS: LazyLock<SessionLocks> = LazyLock::new(SessionLocks::new);
        let turns = &*TURNS;
        let key = SessionKey::new(UccName::new("ucc").unwrap(), CorrelationId::from_u128(1));
        let told = Arc::new(std::sync::Mutex::new(Vec::new()));
        let (mut tells, mut tasks) = (Vec::new(), Vec::new());
        for number in 0..MANY {
            let (tell, storing) = Storing::to_be_told();
            tells.push(tell);
            let turn = turns.lock(&key).await;
            let told = Arc::clone(&told);
            let mut work = Box::pin(async move {
                let (swap, _telling) = turn.stored(storing).await;
                assert_eq!(swap, Ok(Swap::Stored));
                told.lock().unwrap().push(number);
            });
            // The first step ends the turn; the rest is done whenever the runtime likes.
            assert!(poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await.is_pending());
            if number % 7 == 3 {
                drop(work);
            } else {
                tasks.push(tokio::spawn(work));
            }
        }
        for tell in tells.into_iter().rev() {
            tell.send(Ok(Swap::Stored));
        }
        for task in tasks {
            task.await.unwrap();
        }
        let expected: Vec<_> = (0..MANY).filter(|number| number % 7 != 3).collect();
        assert_eq!(*told.lock().unwrap(), expected);
    }
}

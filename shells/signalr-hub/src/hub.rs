//! All connections together: who is there, and what is published to them.

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, Weak};

use tokio::time::{Instant, sleep};

use crate::connection::{Call, CallResult, Delivery};
use crate::counters::{Counters, Counts, count};
use crate::limits::Limits;
use crate::message::Publication;
use crate::negotiate::new_id;
use crate::options::Options;
use crate::slot::{NotOpened, Slot, Standing, Transport};

/// How often is looked for connections that nobody uses any more.
const SWEEP: Duration = Duration::from_secs(1);

/// What a hub offers to its listeners.
pub trait Methods: Send + Sync + 'static {
    /// What is kept of each connection; gone with it. A client that reconnects begins anew.
    type Listener: Default + Send + 'static;

    /// What an event is about, for [`wants`](Self::wants).
    type Topic: ?Sized;

    /// Answers a call. It must not take long: the connection waits for it, and so do events that are being published. For
    /// the same reason it must not publish anything itself.
    ///
    /// # Errors
    ///
    /// [`CallError`](crate::CallError) says what the client is told.
    fn call(&self, listener: &mut Self::Listener, call: Call<'_>) -> CallResult;

    /// Whether a listener gets an event.
    fn wants(&self, listener: &Self::Listener, topic: &Self::Topic) -> bool;
}

/// A hub. A clone is the same hub.
pub struct Hub<M: Methods>(Arc<Shared<M>>);

struct Shared<M: Methods> {
    methods: M,
    options: Options,
    epoch: Instant,
    slots: Mutex<HashMap<String, Arc<Slot<M::Listener>>>>,
    counts: Counts,
    closed: AtomicBool,
    sweeper: Once,
}

/// Why there is no connection to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Full,
    Closed,
    NoRandomNumbers,
}

impl<M: Methods> Clone for Hub<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M: Methods> fmt::Debug for Hub<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("options", &self.0.options).field("counters", &self.counters()).finish()
    }
}

/// An open connection, in the hands of its transport: its place is given up when dropped.
pub(crate) struct Opened<M: Methods> {
    hub: Hub<M>,
    slot: Arc<Slot<M::Listener>>,
}

impl<M: Methods> Drop for Opened<M> {
    fn drop(&mut self) {
        self.slot.gone();
        self.hub.remove(&self.slot.token);
    }
}

impl<M: Methods> Opened<M> {
    pub(crate) fn slot(&self) -> &Slot<M::Listener> {
        &self.slot
    }

    pub(crate) fn received(&self, bytes: &[u8]) {
        // It is open, so it takes everything.
        let _ = self.hub.received(&self.slot, bytes);
    }

    pub(crate) fn options(&self) -> &Options {
        self.hub.options()
    }
}

impl<M: Methods> Hub<M> {
    /// A hub without listeners.
    #[must_use]
    pub fn new(methods: M, options: Options) -> Self {
        Self(Arc::new(Shared {
            methods,
            options,
            epoch: Instant::now(),
            slots: Mutex::default(),
            counts: Counts::default(),
            closed: AtomicBool::new(false),
            sweeper: Once::new(),
        }))
    }

    /// Sends an event to every listener that wants it. It never waits for any of them.
    ///
    /// Events reach every listener in the order of these calls; of calls at the same time, in the same order everywhere.
    pub fn publish(&self, topic: &M::Topic, publication: &Publication) {
        self.publish_with(topic, || publication.clone());
    }

    /// The same, with an event that is made only if there is anybody to send it to.
    pub fn publish_with(&self, topic: &M::Topic, publication: impl FnOnce() -> Publication) {
        count(&self.0.counts.published, 1);
        let (mut delivered, mut dropped) = (0, 0);
        let slots = self.slots();
        if slots.is_empty() {
            return;
        }
        let publication = publication();
        for slot in slots.values() {
            match slot.publish(&publication, |listener| self.0.methods.wants(listener, topic)) {
                Some(Delivery::Queued) => delivered += 1,
                Some(Delivery::Dropped) => dropped += 1,
                Some(Delivery::NotOpen) | None => {}
            }
        }
        drop(slots);
        count(&self.0.counts.delivered, delivered);
        count(&self.0.counts.dropped, dropped);
    }

    /// Ends every connection with the order to reconnect. For a publisher that has lost events: whoever comes back knows
    /// that there was a gap.
    pub fn send_away(&self) {
        for slot in self.slots().values() {
            slot.close(true);
        }
    }

    /// The same, and grants no more connections. For the end of the server.
    pub fn close(&self) {
        self.0.closed.store(true, Ordering::Release);
        self.send_away();
    }

    /// What it has done.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.0.counts.snapshot()
    }

    /// How it serves.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// What it offers.
    #[must_use]
    pub fn methods(&self) -> &M {
        &self.0.methods
    }

    fn limits(&self) -> Limits {
        self.0.options.limits
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<String, Arc<Slot<M::Listener>>>> {
        self.0.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prepares a connection; gives the token that opens it.
    pub(crate) fn prepare(&self) -> Result<Arc<Slot<M::Listener>>, Refused> {
        let most = self.0.options.connections;
        let token = new_id().map_err(|_| Refused::NoRandomNumbers)?;
        let slot = Arc::new(Slot::new(token.clone(), self.0.epoch));
        let mut slots = self.slots();
        // Looked at under the lock: whoever is in by then is told to go by `close`.
        if self.0.closed.load(Ordering::Acquire) {
            return Err(Refused::Closed);
        }
        if self.0.counts.open_now() >= most as u64 {
            count(&self.0.counts.refused, 1);
            return Err(Refused::Full);
        }
        if slots.len() >= 2 * most {
            let unopened = slots.values().filter_map(|slot| Some((slot.unopened_since()?, slot.token.clone())));
            if let Some((_, oldest)) = unopened.min() {
                slots.remove(&oldest);
            }
        }
        slots.insert(token, Arc::clone(&slot));
        drop(slots);
        self.0.sweeper.call_once(|| drop(tokio::spawn(sweep(Arc::downgrade(&self.0)))));
        Ok(slot)
    }

    pub(crate) fn find(&self, token: &str) -> Option<Arc<Slot<M::Listener>>> {
        self.slots().get(token).cloned()
    }

    /// Opens a prepared connection.
    pub(crate) fn open(&self, slot: &Slot<M::Listener>, transport: Transport) -> Result<(), NotOpened> {
        // Under the lock: so there are never more than may be, and `close` misses none.
        let slots = self.slots();
        if self.0.closed.load(Ordering::Acquire) || !slots.contains_key(&slot.token) {
            return Err(NotOpened::Unknown);
        }
        if self.0.counts.open_now() >= self.0.options.connections as u64 {
            count(&self.0.counts.refused, 1);
            return Err(NotOpened::Full);
        }
        slot.open(transport, self.limits(), |listener, call| self.0.methods.call(listener, call))?;
        self.0.counts.opened(transport);
        Ok(())
    }

    /// The same, for a transport that holds the connection until it is dropped.
    pub(crate) fn hold(&self, slot: &Arc<Slot<M::Listener>>, transport: Transport) -> Result<Opened<M>, NotOpened> {
        self.open(slot, transport)?;
        Ok(Opened { hub: self.clone(), slot: Arc::clone(slot) })
    }

    pub(crate) fn received(&self, slot: &Slot<M::Listener>, bytes: &[u8]) -> Result<(), NotOpened> {
        slot.received(bytes, self.limits(), |listener, call| self.0.methods.call(listener, call))
    }

    /// Takes a connection's place away.
    pub(crate) fn remove(&self, token: &str) {
        let removed = self.slots().remove(token);
        if let Some(slot) = removed
            && let Some(transport) = slot.transport()
        {
            self.0.counts.ended(transport, slot.end_reason());
        }
    }

    fn sweep(&self) {
        let Options { unopened, poll_gap, .. } = self.0.options;
        let finished: Vec<_> = {
            let slots = self.slots();
            let finished = slots.values().filter(|slot| slot.sweep(unopened, poll_gap) == Standing::Finished);
            finished.map(|slot| slot.token.clone()).collect()
        };
        for token in finished {
            self.remove(&token);
        }
    }
}

/// Until the hub is gone.
async fn sweep<M: Methods>(shared: Weak<Shared<M>>) {
    loop {
        sleep(SWEEP).await;
        match shared.upgrade() {
            Some(shared) => Hub(shared).sweep(),
            None => return,
        }
    }
}

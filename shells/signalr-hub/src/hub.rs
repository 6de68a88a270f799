//! All connections together: who is there, and what is published to them.

use core::cell::{Cell, OnceCell};
use core::fmt;
use core::future::Future;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, Weak};

use axum::http::request::Parts;
use tokio::time::{Instant, sleep};

use crate::connection::{Call, CallResult, Delivery};
use crate::counters::{Counters, Counts, count};
use crate::limits::Limits;
use crate::message::Publication;
use crate::meters::{Meter, Meters};
use crate::negotiate::{LONGEST_TOKEN, new_token};
use crate::opened::Opened;
use crate::options::HubOptions;
use crate::places::{Full, Places, Removed};
use crate::slot::{NotOpened, Slot, Standing, Transport};

/// How often the hub looks for connections that no client uses any more.
const SWEEP: Duration = Duration::from_secs(1);

/// What a hub offers to its listeners.
pub trait Methods: Send + Sync + 'static {
    /// What is kept of each connection; gone with it. A client that reconnects begins again.
    type Listener: Default + Send + 'static;

    /// What an event is about, for [`wants`](Self::wants).
    type Topic: ?Sized + PartialEq;

    /// Answers a call. It must not take long: the connection waits for it, and so do events that are being published. For
    /// the same reason it must not publish anything itself.
    ///
    /// # Errors
    ///
    /// [`CallError`](crate::CallError) says what the client gets.
    fn call(&self, listener: &mut Self::Listener, call: Call<'_>) -> CallResult;

    /// Whether a listener gets an event.
    fn wants(&self, listener: &Self::Listener, topic: &Self::Topic) -> bool;

    /// Who makes a request, so that no caller can keep others out: see [`HubOptions::connections`]. All that are `None` count
    /// as one.
    fn caller(&self, request: &Parts) -> Option<String> {
        let _ = request;
        None
    }
}

/// A hub. A clone is the same hub.
pub struct Hub<M: Methods>(Arc<Shared<M>>);

struct Shared<M: Methods> {
    methods: M,
    options: HubOptions,
    epoch: Instant,
    places: Mutex<Places<M::Listener>>,
    /// Held while something is published, so that everybody gets it in the same order. Nothing else waits for it.
    publishing: Mutex<()>,
    meters: Meters,
    counts: Counts,
    closed: AtomicBool,
    /// Whether there is one.
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

impl<M: Methods> Hub<M> {
    /// A hub without listeners.
    #[must_use]
    pub fn new(methods: M, options: HubOptions) -> Self {
        let places = Mutex::new(Places::new(options.connections));
        let epoch = Instant::now();
        Self(Arc::new(Shared {
            meters: Meters::new(options.limits, epoch),
            methods,
            options,
            epoch,
            places,
            publishing: Mutex::new(()),
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
        let publication = Cell::new(Some(publication));
        // It is asked for once at most.
        let make = |_: &&M::Topic| publication.take().map_or_else(|| Publication::new("", &[]), |make| make());
        self.publish_all(&[topic], |topic| topic, make);
    }

    /// Sends several events, in their order. Each listener is asked once for each topic whether it wants it, so what no listener
    /// wants costs next to nothing. An event is made only if somebody gets it, and then once.
    pub fn publish_all<E>(
        &self,
        events: &[E],
        topic: impl Fn(&E) -> &M::Topic,
        publication: impl Fn(&E) -> Publication,
    ) {
        count(&self.0.counts.published, events.len() as u64);
        let _in_order = self.0.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let slots = self.places().open_slots();
        if slots.is_empty() {
            return;
        }
        let mut topics: Vec<&M::Topic> = Vec::new();
        let mut made = Vec::with_capacity(events.len());
        for event in events {
            let topic = topic(event);
            let number = topics.iter().position(|known| *known == topic).unwrap_or_else(|| {
                topics.push(topic);
                topics.len() - 1
            });
            made.push((number, event, OnceCell::new()));
        }
        let (mut delivered, mut dropped) = (0, 0);
        let mut wanted = Vec::with_capacity(topics.len());
        for slot in slots {
            slot.publish(|now, listener, connection| {
                wanted.clear();
                wanted.extend(topics.iter().map(|topic| self.0.methods.wants(listener, topic)));
                if !wanted.contains(&true) {
                    return;
                }
                for (number, event, made) in &made {
                    if wanted.get(*number) == Some(&true) {
                        match connection.publish(now, made.get_or_init(|| publication(event))) {
                            Delivery::Queued => delivered += 1,
                            Delivery::Dropped => dropped += 1,
                            Delivery::NotOpen => return,
                        }
                    }
                }
            });
        }
        count(&self.0.counts.delivered, delivered);
        count(&self.0.counts.dropped, dropped);
    }

    /// Ends every connection with the order to reconnect. For a publisher that has lost events: a client that comes back knows
    /// that there was a gap.
    pub fn send_away(&self) {
        self.close_if(|_| true);
    }

    /// The same for those that want events about `topic`: if it is known what was lost, others need not come back.
    pub fn send_away_from(&self, topic: &M::Topic) {
        self.close_if(|listener| self.0.methods.wants(listener, topic));
    }

    fn close_if(&self, chosen: impl Fn(&M::Listener) -> bool) {
        // Between two events, for everybody the same two.
        let _in_order = self.0.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let slots = self.places().open_slots();
        for slot in slots {
            slot.close_if(&chosen);
        }
    }

    /// The same as [`send_away`](Self::send_away), and grants no more connections. For the end of the server.
    pub fn close(&self) {
        self.0.closed.store(true, Ordering::Release);
        self.send_away();
    }

    /// Ends connections that no client uses any more, and does not return before the hub is gone.
    ///
    /// A hub runs this by itself in a task that nothing watches, from its first connection on; but not if it was asked for
    /// this future before. A server whose tasks must live runs it as one of them, since a hub that is not swept fills up.
    pub fn sweeper(&self) -> impl Future<Output = ()> + Send + use<M> {
        self.0.sweeper.call_once(|| ());
        sweep(Arc::downgrade(&self.0))
    }

    /// How many bytes it keeps for its clients: what waits for them, and what came of records. At most
    /// [`Limits::most_kept`](crate::Limits::most_kept) for each of [`HubOptions::connections`], and as much again for
    /// what is negotiated and not opened.
    #[must_use]
    pub fn kept(&self) -> usize {
        let slots = self.places().all_slots();
        slots.iter().map(|slot| slot.kept()).sum()
    }

    /// What it has done.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.0.counts.snapshot()
    }

    /// How it serves.
    #[must_use]
    pub fn options(&self) -> &HubOptions {
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

    fn places(&self) -> MutexGuard<'_, Places<M::Listener>> {
        self.0.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who makes a request.
    pub(crate) fn caller(&self, parts: &Parts) -> Arc<str> {
        self.0.methods.caller(parts).unwrap_or_default().into()
    }

    /// What a caller has sent.
    pub(crate) fn meter(&self, caller: &Arc<str>) -> Arc<Meter> {
        self.0.meters.of(caller)
    }

    /// A connection that has no place yet, with a token that cannot be guessed.
    fn new_slot(&self) -> Result<Arc<Slot<M::Listener>>, Refused> {
        if self.0.closed.load(Ordering::Acquire) {
            return Err(Refused::Closed);
        }
        let token = new_token(self.0.options.server.as_ref()).map_err(|_| Refused::NoRandomNumbers)?;
        Ok(Arc::new(Slot::new(token, self.0.epoch)))
    }

    /// A place was granted or refused.
    fn granted<T>(&self, place: Result<T, Full>) -> Result<T, Refused> {
        let granted = place.map_err(|Full| {
            count(&self.0.counts.refused, 1);
            Refused::Full
        })?;
        self.0.sweeper.call_once(|| drop(tokio::spawn(sweep(Arc::downgrade(&self.0)))));
        Ok(granted)
    }

    /// Prepares a connection; its token opens it.
    pub(crate) fn prepare(&self, caller: &Arc<str>) -> Result<Arc<Slot<M::Listener>>, Refused> {
        let slot = self.new_slot()?;
        let prepared = self.places().prepare(&slot, caller);
        self.granted(prepared)?;
        Ok(slot)
    }

    pub(crate) fn find(&self, token: &str) -> Option<Arc<Slot<M::Listener>>> {
        // What is longer than any token is not even compared.
        if token.len() > LONGEST_TOKEN { None } else { self.places().get(token) }
    }

    /// Opens a prepared connection.
    pub(crate) fn open(
        &self,
        slot: &Slot<M::Listener>,
        transport: Transport,
        caller: &Arc<str>,
    ) -> Result<(), NotOpened> {
        if self.0.closed.load(Ordering::Acquire) {
            return Err(NotOpened::Unknown);
        }
        let opened = self.places().open(&slot.token, caller, transport);
        let goes = opened.inspect_err(|&error| {
            if error == NotOpened::Full {
                count(&self.0.counts.refused, 1);
            }
        })?;
        self.begin(slot, transport, goes)
    }

    /// Begins a connection that has its place; `goes` is the one that had to go for it.
    fn begin(
        &self,
        slot: &Slot<M::Listener>,
        transport: Transport,
        goes: Option<Removed<M::Listener>>,
    ) -> Result<(), NotOpened> {
        self.0.counts.opened(transport);
        if let Some(Removed { slot, transport }) = goes {
            slot.close_if(|_| true);
            self.ended(&slot, transport);
        }
        // It has its place, and no other client can open it. What was sent early is read without the lock of all places.
        let opened = slot.open(transport, self.limits(), |listener, call| self.0.methods.call(listener, call));
        // All clients, or this one, may have been sent away in between.
        if self.0.closed.load(Ordering::Acquire) || self.find(&slot.token).is_none() {
            slot.close_if(|_| true);
        }
        opened
    }

    /// Opens a prepared connection, for a transport that holds it until it is dropped.
    pub(crate) fn hold(
        &self,
        slot: &Arc<Slot<M::Listener>>,
        transport: Transport,
        caller: &Arc<str>,
    ) -> Result<Opened<M>, NotOpened> {
        self.open(slot, transport, caller)?;
        Ok(Opened::new(self.clone(), Arc::clone(slot)))
    }

    /// The same with a connection that was not negotiated here. It takes no place of those that were.
    pub(crate) fn hold_new(&self, transport: Transport, caller: &Arc<str>) -> Result<Opened<M>, Refused> {
        let slot = self.new_slot()?;
        let opened = self.places().open_new(&slot, caller, transport);
        let goes = self.granted(opened)?;
        // It is new, so it is not open.
        let _ = self.begin(&slot, transport, goes);
        Ok(Opened::new(self.clone(), slot))
    }

    pub(crate) fn received(&self, slot: &Slot<M::Listener>, bytes: &[u8]) -> Result<usize, NotOpened> {
        slot.received(bytes, self.limits(), |listener, call| self.0.methods.call(listener, call))
    }

    /// Takes a connection's place away.
    pub(crate) fn remove(&self, token: &str) {
        let removed = self.places().remove(token);
        if let Some(Removed { slot, transport }) = removed {
            self.ended(&slot, transport);
        }
    }

    fn ended(&self, slot: &Slot<M::Listener>, transport: Option<Transport>) {
        if let Some(transport) = transport {
            self.0.counts.ended(transport, slot.end_reason());
        }
    }

    fn sweep(&self) {
        let HubOptions { unopened, poll_gap, .. } = self.0.options;
        let slots = {
            let mut places = self.places();
            if let Some(before) = self.0.epoch.elapsed().checked_sub(unopened) {
                places.expire(before);
            }
            places.open_slots()
        };
        self.0.meters.tidy();
        for slot in slots {
            if slot.sweep(poll_gap) == Standing::Finished {
                self.remove(&slot.token);
            }
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

//! Where published events go: every listener gets all of them, and none can hold up the server.

use core::fmt;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use recording_core::wire::{CorrelationId, UccNameBuf};
use recording_core::{Action, Event};
use tokio::sync::{Notify, broadcast};

use crate::session::SessionKey;
use crate::store::{Made, Watcher};

/// A published event, owned.
#[derive(Debug, Clone)]
pub struct Published {
    /// The UCC of the session.
    pub ucc: UccNameBuf,
    /// The session.
    pub correlation_id: CorrelationId,
    /// What changed it.
    pub action: Action,
    /// The event as it goes over the wire, written once for all listeners.
    pub json: Bytes,
}

impl Published {
    /// About how many bytes it takes to keep.
    fn size(&self) -> usize {
        size_of::<Self>() + self.ucc.as_str().len() + self.json.len()
    }
}

/// What gets the events of the changes that this server has made, next to the hub. Its methods return at once.
pub trait Tap: fmt::Debug + Send + Sync {
    /// Whether it wants any at present.
    fn is_wanted(&self) -> bool;

    /// An event. The revision is greater for each later event of a session; without one, the order of these calls is that of
    /// each session's events.
    fn published(&self, event: &Published, revision: Option<u64>);

    /// Events may be missing here.
    fn missed(&self);
}

/// The channel of published events. Publishing never waits.
///
/// It keeps the last [`Events::KEPT`] of them, each of at most [`Event::MAX_LEN`] bytes, for those that
/// [`subscribe`](Self::subscribe) and lag; one that lags further loses the oldest and learns how many. The hub has a
/// backlog of its own, of as many and of [`Events::KEPT_BYTES`], which knows what was lost.
#[derive(Debug, Clone)]
pub struct Events(Arc<Channel>);

#[derive(Debug)]
struct Channel {
    listeners: broadcast::Sender<Published>,
    backlog: Arc<Backlog>,
    tap: OnceLock<Arc<dyn Tap>>,
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.backlog.close();
    }
}

impl Events {
    /// How far a listener may lag without losing anything.
    pub const KEPT: usize = 4096;

    /// How many bytes may wait for the hub.
    pub const KEPT_BYTES: usize = 1 << 20;

    /// A channel without listeners.
    #[must_use]
    pub fn new() -> Self {
        let (listeners, backlog, tap) = (broadcast::Sender::new(Self::KEPT), Arc::default(), OnceLock::new());
        Self(Arc::new(Channel { listeners, backlog, tap }))
    }

    /// Listens from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Published> {
        self.0.listeners.subscribe()
    }

    /// What is published from now on, for the one that passes it on.
    pub(crate) fn backlog(&self) -> Arc<Backlog> {
        self.0.backlog.state().is_wanted = true;
        Arc::clone(&self.0.backlog)
    }

    /// Hands events of this server's changes to this as well, from now on. Only the first one is.
    pub(crate) fn tap(&self, tap: Arc<dyn Tap>) {
        let _ = self.0.tap.set(tap);
    }

    /// Publishes an event of a change that this server has made.
    pub(crate) fn publish(&self, event: &Event<'_>) {
        self.put(event, true, None);
    }

    fn put(&self, event: &Event<'_>, is_own: bool, revision: Option<u64>) {
        let Channel { listeners, backlog, tap } = &*self.0;
        let (listened, wanted) = (listeners.receiver_count() > 0, backlog.state().is_wanted);
        let tap = tap.get().filter(|tap| is_own && tap.is_wanted());
        // Writing is for listeners only.
        if !listened && !wanted && tap.is_none() {
            return;
        }
        let mut buffer = [0; Event::MAX_LEN];
        // Cannot fail with a buffer of this size.
        let Ok(json) = event.write(&mut buffer) else { return };
        let Event { ucc, correlation_id, action } = *event;
        let published = Published { ucc: ucc.into(), correlation_id, action, json: Bytes::copy_from_slice(json) };
        if let Some(tap) = tap {
            tap.published(&published, revision);
        }
        if listened {
            // An error says that the last listener left just now.
            let _ = listeners.send(published.clone());
        }
        if wanted {
            backlog.add(published);
        }
    }
}

impl Watcher for Events {
    fn changed(&self, key: &SessionKey, action: Action, made: Made) {
        let event = Event { ucc: key.ucc.to_ref(), correlation_id: key.correlation_id, action };
        self.put(&event, made.by_this_server, Some(made.revision.0));
    }

    fn missed(&self) {
        self.0.backlog.missed();
        if let Some(tap) = self.0.tap.get() {
            tap.missed();
        }
    }
}

impl Default for Events {
    fn default() -> Self {
        Self::new()
    }
}

/// What is published and not passed on yet: bounded in number and bytes. What does not fit is lost, and a mark in its
/// place says whose it was.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Entry>,
    bytes: usize,
    is_wanted: bool,
    is_closed: bool,
}

/// What waits.
#[derive(Debug)]
pub(crate) enum Entry {
    Event(Published),
    /// Here events are missing.
    Lost(Lost),
}

/// Which events are missing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// Those of these UCCs.
    Of(Vec<UccNameBuf>),
    /// Those of too many to list.
    Any,
}

impl Lost {
    /// How many UCCs one mark names.
    const MOST: usize = 64;

    fn add(&mut self, ucc: UccNameBuf) {
        match self {
            Self::Of(uccs) if uccs.contains(&ucc) => {}
            Self::Of(uccs) if uccs.len() < Self::MOST => uccs.push(ucc),
            Self::Of(_) => *self = Self::Any,
            Self::Any => {}
        }
    }
}

impl Backlog {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, event: Published) {
        let mut state = self.state();
        let State { waiting, bytes, .. } = &mut *state;
        let fits = waiting.len() < Events::KEPT && *bytes + event.size() <= Events::KEPT_BYTES;
        match waiting.back_mut() {
            _ if fits => {
                *bytes += event.size();
                waiting.push_back(Entry::Event(event));
            }
            // One more than there is room for, at most: the next one finds it here.
            Some(Entry::Lost(lost)) => lost.add(event.ucc),
            _ => waiting.push_back(Entry::Lost(Lost::Of(vec![event.ucc]))),
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Events are missing here, and nothing says whose.
    fn missed(&self) {
        let mut state = self.state();
        let is_wanted = state.is_wanted;
        match state.waiting.back_mut() {
            Some(Entry::Lost(lost)) => *lost = Lost::Any,
            _ if is_wanted => state.waiting.push_back(Entry::Lost(Lost::Any)),
            _ => {}
        }
        drop(state);
        self.wake.notify_one();
    }

    fn close(&self) {
        self.state().is_closed = true;
        self.wake.notify_one();
    }

    /// The next ones, as soon as there are any: so many at most. `None` when no more will come.
    pub(crate) async fn take(&self, most: usize) -> Option<Vec<Entry>> {
        loop {
            {
                let mut state = self.state();
                let count = state.waiting.len().min(most);
                if count > 0 {
                    let taken: Vec<_> = state.waiting.drain(..count).collect();
                    state.bytes -= taken.iter().map(Entry::size).sum::<usize>();
                    return Some(taken);
                }
                if state.is_closed {
                    return None;
                }
            }
            self.wake.notified().await;
        }
    }
}

impl Entry {
    fn size(&self) -> usize {
        match self {
            Self::Event(event) => event.size(),
            Self::Lost(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(ucc: &str) -> Published {
        Published {
            ucc: UccNameBuf::new(ucc).expect("a name"),
            correlation_id: CorrelationId::from_u128(1),
            action: Action::Pause,
            json: Bytes::from_static(b"{}"),
        }
    }

    /// However many come: what waits is bounded, in order, and a mark is where the gap is.
    #[tokio::test]
    async fn a_backlog_is_bounded_and_knows_what_it_lost() {
        let backlog = Backlog::default();
        (0..Events::KEPT + 10).for_each(|_| backlog.add(event("one")));
        backlog.add(event("two"));
        assert_eq!(backlog.state().waiting.len(), Events::KEPT + 1);
        assert!(backlog.state().bytes <= Events::KEPT_BYTES);
        // Two are taken, so there is room for one again behind the mark, and then none.
        assert_eq!(backlog.take(2).await.expect("some").len(), 2);
        (0..10).for_each(|_| backlog.add(event("three")));
        assert_eq!(backlog.state().waiting.len(), Events::KEPT + 1);
        let all = backlog.take(usize::MAX).await.expect("all");
        assert_eq!(backlog.state().bytes, 0);
        let uccs = |names: &[&str]| Lost::Of(names.iter().map(|name| UccNameBuf::new(name).expect("a name")).collect());
        let marks: Vec<_> = all
            .iter()
            .enumerate()
            .filter_map(|(at, entry)| match entry {
                Entry::Lost(lost) => Some((at, lost)),
                Entry::Event(_) => None,
            })
            .collect();
        assert_eq!(marks, [(Events::KEPT - 2, &uccs(&["one", "two"])), (Events::KEPT, &uccs(&["three"]))]);
    }

    #[tokio::test]
    async fn a_backlog_is_bounded_in_bytes_too() {
        let backlog = Backlog::default();
        let long = Published { json: Bytes::from(vec![b' '; 100_000]), ..event("long") };
        (0..100).for_each(|_| backlog.add(long.clone()));
        assert_eq!(backlog.state().waiting.len(), 11);
        // And so are its marks.
        (0..1000).for_each(|number| backlog.add(event(&format!("{number}"))));
        (0..1000).for_each(|_| backlog.add(long.clone()));
        let all = backlog.take(usize::MAX).await.expect("all");
        assert!(matches!(all.last(), Some(Entry::Lost(_))), "{all:?}");
        let mut lost = Lost::Of(Vec::new());
        (0..65).for_each(|number| lost.add(UccNameBuf::new(&number.to_string()).expect("a name")));
        assert_eq!(lost, Lost::Any);
    }

    /// However often, it takes no room: marks next to each other are one.
    #[tokio::test]
    async fn a_gap_of_anything_is_a_mark_where_it_is() {
        let events = Events::new();
        let backlog = events.backlog();
        backlog.add(event("one"));
        (0..1000).for_each(|_| events.missed());
        backlog.add(event("two"));
        (0..1000).for_each(|_| events.missed());
        let all = backlog.take(usize::MAX).await.expect("all");
        let lost = |entry: &Entry| matches!(entry, Entry::Lost(Lost::Any));
        assert_eq!(all.iter().map(lost).collect::<Vec<_>>(), [false, true, false, true]);
    }

    #[tokio::test]
    async fn a_backlog_ends_with_its_events() {
        let events = Events::new();
        let backlog = events.backlog();
        backlog.add(event("one"));
        drop(events);
        assert_eq!(backlog.take(1).await.map(|entries| entries.len()), Some(1));
        assert!(backlog.take(1).await.is_none());
    }
}

//! What became of the sessions that ended just now, for callers whose reply was lost and who ask again.

use core::time::Duration;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use recording_core::state::Disposition;
use recording_core::{Settings, State};

use crate::session::SessionKey;

/// What becomes of the recording of a session that ends in this state; of one whose UCC is not in the config, there are no settings.
pub(crate) const fn disposition(settings: Option<Settings>, state: State) -> Disposition {
    match settings {
        Some(settings) => settings.disposition(state),
        // OURS: evidence is not thrown away on a guess.
        None => Disposition::of(state, true),
    }
}

/// How long it is remembered.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(60);

/// How much memory that may take, in bytes. When more sessions end in a minute, the oldest are forgotten sooner.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// How many sessions that are. Each is in a queue and in a map; both may have room for twice what they hold, and a map
/// has its old table next to the new one while it grows.
const MOST: usize = MOST_BYTES / (5 * (size_of::<SessionKey>() + 40));

/// Dispositions of sessions that ended within the last minute. In memory only: a server that starts remembers none.
#[derive(Debug, Default)]
pub(crate) struct Ended(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// With the number of its entry in the queue.
    dispositions: HashMap<SessionKey, (u64, Disposition)>,
    /// The oldest first; some may be forgotten, or have ended once more since.
    queue: VecDeque<(Instant, SessionKey)>,
    /// The number of the first entry of the queue.
    first: u64,
}

impl Ended {
    // Nothing under this lock can panic half-way.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn remember(&self, key: SessionKey, disposition: Disposition) {
        self.lock().remember(key, disposition, Instant::now());
    }

    /// The session was begun again.
    pub(crate) fn forget(&self, key: &SessionKey) {
        self.lock().dispositions.remove(key);
    }

    /// Ends and begins may be missing.
    pub(crate) fn forget_all(&self) {
        *self.lock() = Inner::default();
    }

    pub(crate) fn disposition(&self, key: &SessionKey) -> Option<Disposition> {
        self.lock().disposition(key, Instant::now())
    }
}

impl Inner {
    fn remember(&mut self, key: SessionKey, disposition: Disposition, now: Instant) {
        self.clear(MOST - 1, now);
        let number = self.first + self.queue.len() as u64;
        self.dispositions.insert(key.clone(), (number, disposition));
        self.queue.push_back((now, key));
    }

    fn disposition(&mut self, key: &SessionKey, now: Instant) -> Option<Disposition> {
        self.clear(MOST, now);
        self.dispositions.get(key).map(|&(_, disposition)| disposition)
    }

    /// Forgets what is too old, and more until at most so many are left.
    fn clear(&mut self, most: usize, now: Instant) {
        while let Some((at, key)) = self.queue.front()
            && (self.queue.len() > most || now.saturating_duration_since(*at) > REMEMBERED)
        {
            if self.dispositions.get(key).is_some_and(|&(number, _)| number == self.first) {
                self.dispositions.remove(key);
            }
            self.queue.pop_front();
            self.first += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use recording_core::wire::{CorrelationId, UccName};

    use super::*;

    fn key(number: usize) -> SessionKey {
        SessionKey::new(UccName::new("ucc").unwrap(), CorrelationId::from_u128(number as u128))
    }

    #[test]
    fn a_minute_long_and_no_longer() {
        let (mut ended, began) = (Inner::default(), Instant::now());
        ended.remember(key(1), Disposition::Discard, began);
        // Begun and ended again meanwhile: the newer end counts, for a minute of its own.
        let later = began + REMEMBERED / 2;
        ended.remember(key(1), Disposition::Keep, later);
        ended.remember(key(2), Disposition::Discard, later);
        let second = Duration::from_secs(1);
        for now in [later, began + REMEMBERED + second, later + REMEMBERED] {
            assert_eq!(ended.disposition(&key(1), now), Some(Disposition::Keep));
            assert_eq!(ended.disposition(&key(2), now), Some(Disposition::Discard));
        }
        assert_eq!(ended.disposition(&key(1), later + REMEMBERED + second), None);
        assert_eq!((ended.queue.len(), ended.dispositions.len()), (0, 0));
    }

    /// However many end at once, the memory has an end: counted in what the two collections have taken.
    #[test]
    fn it_is_bounded_in_bytes() {
        let (mut ended, now) = (Inner::default(), Instant::now());
        for number in 0..2 * MOST {
            ended.remember(key(number), Disposition::Keep, now);
            // The same one again and again takes places in the queue, too.
            ended.remember(key(0), Disposition::Keep, now);
        }
        let queue = ended.queue.capacity() * size_of::<(Instant, SessionKey)>();
        // A byte more for each place of a hash table.
        let map = ended.dispositions.capacity() * 8 / 7 * (size_of::<(SessionKey, (u64, Disposition))>() + 1);
        assert!(queue + map <= MOST_BYTES, "{queue} + {map}");
        assert!(ended.queue.len() == MOST && MOST > 10_000, "{MOST}");
        assert_eq!(ended.disposition(&key(2 * MOST - 1), now), Some(Disposition::Keep));
        assert_eq!(ended.disposition(&key(1), now), None);
    }
}

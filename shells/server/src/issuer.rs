//! How the keys of the issuer of JWTs are: noted by the task that fetches them, shown by `/readyz` and the metrics.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::time::Instant;

/// What became of fetching the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetch {
    /// They are others than before.
    Changed,
    /// They are those that were there.
    Unchanged,
    /// No connection came about: no such name, refused, no trust.
    Unreachable,
    /// There was no whole answer in time.
    Late,
    /// The answer had another status than 200.
    Status,
    /// The answer was another document than it should be, or had no key that can be used.
    Invalid,
}

impl Fetch {
    pub(crate) const ALL: [Self; 6] =
        [Self::Changed, Self::Unchanged, Self::Unreachable, Self::Late, Self::Status, Self::Invalid];

    /// As the metrics name it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Unreachable => "unreachable",
            Self::Late => "late",
            Self::Status => "status",
            Self::Invalid => "invalid",
        }
    }
}

/// What came of a token of an unknown key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Early {
    /// The keys were fetched at once.
    Fetched,
    /// That had been done too often already.
    Limited,
}

impl Early {
    pub(crate) const ALL: [Self; 2] = [Self::Fetched, Self::Limited];

    /// As the metrics name it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Fetched => "fetched",
            Self::Limited => "limited",
        }
    }
}

/// How the keys of an issuer are.
#[derive(Debug)]
pub struct Standing {
    issuer: Box<str>,
    /// How old keys may be that tokens are checked with.
    max_age: Duration,
    /// Whether a caller of the API can show nothing else than a JWT.
    is_only_way: bool,
    fetches: [AtomicU64; Fetch::ALL.len()],
    early: [AtomicU64; Early::ALL.len()],
    now: Mutex<Now>,
}

#[derive(Debug, Default)]
struct Now {
    fetched: Option<(Instant, SystemTime)>,
    keys: usize,
    /// What the last fetch failed on, if it did.
    failed: Option<String>,
}

/// Whether tokens can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Usable {
    Yes,
    /// No key has been fetched since the server was started.
    NotFetched,
    /// The keys are older than they may be.
    TooOld,
}

impl Standing {
    /// Of an issuer whose keys have not been fetched yet.
    #[must_use]
    pub fn new(issuer: &str, max_age: Duration, is_only_way: bool) -> Self {
        let (fetches, early, now) = Default::default();
        Self { issuer: issuer.into(), max_age, is_only_way, fetches, early, now }
    }

    /// The issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(crate) const fn max_age(&self) -> Duration {
        self.max_age
    }

    /// The keys were fetched, by a request that was sent at `since`, and so many are held.
    pub(crate) fn fetched(&self, fetch: Fetch, since: Instant, keys: usize) {
        self.count(fetch);
        *self.now() = Now { fetched: Some((since, SystemTime::now())), keys, failed: None };
    }

    /// They could not be.
    pub(crate) fn failed(&self, fetch: Fetch, reason: String) {
        self.count(fetch);
        self.now().failed = Some(reason);
    }

    fn count(&self, fetch: Fetch) {
        if let Some(counter) = self.fetches.get(fetch as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A token of an unknown key was shown.
    pub(crate) fn early(&self, early: Early) {
        if let Some(counter) = self.early.get(early as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether tokens can be checked.
    pub(crate) fn usable(&self) -> Usable {
        match self.now().fetched {
            None => Usable::NotFetched,
            Some((since, _)) if since.elapsed() >= self.max_age => Usable::TooOld,
            Some(_) => Usable::Yes,
        }
    }

    /// Whether any caller of the API can be authenticated, as far as keys are needed for it.
    pub(crate) fn ready(&self) -> Result<(), &'static str> {
        match self.usable() {
            _ if !self.is_only_way => Ok(()),
            Usable::Yes => Ok(()),
            Usable::NotFetched => {
                Err("The keys of the issuer have not been fetched yet, so no caller can be authenticated.")
            }
            Usable::TooOld => Err("The keys of the issuer are too old, so no caller can be authenticated."),
        }
    }

    /// What operators should know while requests are served.
    pub(crate) fn warning(&self) -> Option<String> {
        let usable = self.usable();
        let now = self.now();
        let failed = now.failed.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        match (usable, now.fetched) {
            (Usable::NotFetched, _) | (_, None) => {
                Some(format!("The keys of the issuer have not been fetched yet, and JWTs are answered 503{failed}"))
            }
            (Usable::TooOld, _) => {
                Some(format!("The keys of the issuer are too old, and JWTs are answered 503{failed}"))
            }
            (Usable::Yes, Some((since, _))) => {
                now.failed.as_ref()?;
                let left = self.max_age.saturating_sub(since.elapsed()).as_secs();
                let text = "The keys of the issuer cannot be fetched, and those that are held are used for";
                Some(format!("{text} {left} s more{failed}"))
            }
        }
    }

    /// How many keys are held, and when they were fetched.
    pub(crate) fn held(&self) -> (usize, Option<SystemTime>) {
        let now = self.now();
        (now.keys, now.fetched.map(|(_, at)| at))
    }

    pub(crate) fn fetches(&self) -> impl Iterator<Item = (Fetch, u64)> {
        Fetch::ALL.into_iter().zip(self.fetches.iter().map(|counter| counter.load(Ordering::Relaxed)))
    }

    pub(crate) fn early_counts(&self) -> impl Iterator<Item = (Early, u64)> {
        Early::ALL.into_iter().zip(self.early.iter().map(|counter| counter.load(Ordering::Relaxed)))
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    /// Where there are tokens of another kind, callers can be authenticated, and the rest is a warning.
    #[tokio::test(start_paused = true)]
    async fn without_keys_it_is_ready_only_if_there_is_another_way() {
        for is_only_way in [true, false] {
            let standing = Standing::new("https://issuer.example", HOUR, is_only_way);
            assert_eq!((standing.ready().is_ok(), standing.usable()), (!is_only_way, Usable::NotFetched));
            assert!(standing.warning().is_some_and(|text| text.ends_with("answered 503")));
            standing.failed(Fetch::Late, "no reply".to_owned());
            assert!(standing.warning().is_some_and(|text| text.ends_with("503: no reply")));

            standing.fetched(Fetch::Changed, Instant::now(), 2);
            assert_eq!((standing.ready(), standing.usable(), standing.warning()), (Ok(()), Usable::Yes, None));
            tokio::time::advance(HOUR / 2).await;
            standing.failed(Fetch::Status, "status 500".to_owned());
            let warning = standing.warning().unwrap_or_default();
            assert!(standing.ready().is_ok() && warning.ends_with("used for 1800 s more: status 500"), "{warning}");

            tokio::time::advance(HOUR / 2).await;
            assert_eq!((standing.ready().is_ok(), standing.usable()), (!is_only_way, Usable::TooOld));
            assert!(standing.warning().is_some_and(|text| text.contains("too old")));
            standing.fetched(Fetch::Unchanged, Instant::now(), 2);
            assert_eq!((standing.ready(), standing.usable(), standing.warning()), (Ok(()), Usable::Yes, None));
            let counted: Vec<_> = standing.fetches().map(|(fetch, count)| (fetch.name(), count)).collect();
            let none = ["unreachable", "invalid"].map(|name| (name, 0));
            assert_eq!(counted, [("changed", 1), ("unchanged", 1), none[0], ("late", 1), ("status", 1), none[1]]);
        }
    }

    #[test]
    fn numbers_are_places() {
        assert!(Fetch::ALL.iter().enumerate().all(|(at, &fetch)| fetch as usize == at));
        assert!(Early::ALL.iter().enumerate().all(|(at, &early)| early as usize == at));
    }
}

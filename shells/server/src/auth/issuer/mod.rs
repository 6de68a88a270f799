//! The keys of an issuer that is asked for them over the network.
//!
//! The one rule: nothing here can stop a request that needs no key, or that a key in force is good for. Fetching has a task of
//! its own; what fails leaves the keys that are held in force until they are too old.

pub mod discovery;
mod fetch;
mod pace;
#[cfg(test)]
mod tests;

use core::fmt;
use core::time::Duration;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use ring::digest::{SHA256, digest};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::keys::Keys;
use super::{FileError, Parse as _};
use crate::issuer::{Early, Fetch, Standing, Usable};
use crate::outgoing::{Authorities, Proxies};
use fetch::{Fetched, Fetcher, Fetches, NotFetched};

/// How old keys may be by default.
pub const MAX_AGE: Duration = Duration::from_secs(86_400);

/// How long a request whose token names an unknown key waits for the keys to be fetched.
const EARLY_WAIT: Duration = Duration::from_secs(2);

/// How many requests may wait so at once; the token of one more is refused without.
const MOST_WAITING: usize = 64;

/// After how long the task begins again if it has panicked.
const REST: Duration = Duration::from_secs(10);

/// An issuer, as the command line has it.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its URL, which is its `iss` as well. [`discovery::check`] says what it may be.
    pub issuer: String,
    /// A file with the certificates of the authorities that are trusted; without it those of the system are.
    pub authorities: Option<PathBuf>,
    /// How old keys may be that tokens are checked with.
    pub max_age: Duration,
    /// Whether a caller of the API can show nothing else than a JWT.
    pub is_only_way: bool,
}

/// An issuer and its keys.
#[derive(Debug)]
pub struct Issuer<F = Fetcher> {
    held: Held,
    fetcher: F,
}

impl Issuer {
    /// Does not ask it yet: the server has its keys fetched once it listens.
    ///
    /// # Errors
    ///
    /// If the file of authorities is bad.
    pub fn new(options: Options) -> Result<Self, FileError> {
        let Options { issuer, authorities, max_age, is_only_way } = options;
        let fetcher = Fetcher::new(&issuer, Authorities::of(authorities), Proxies::of_environment());
        let fetcher = fetcher.map_err(|error| FileError::new(&error.file, &error.reason))?;
        Ok(Self { held: Held::new(Standing::new(&issuer, max_age, is_only_way)), fetcher })
    }

    /// Fetches the keys once. Gives what is to be said of them.
    ///
    /// # Errors
    ///
    /// Why they could not be fetched, in one line.
    pub async fn try_out(&self) -> Result<String, String> {
        let fetched = self.fetcher.fetch().await.map_err(|failed| failed.reason)?;
        let keys = read(&fetched).map_err(|failed| failed.reason)?;
        let mut text = format!("keys: {}, passed over: {}, from {}", keys.len(), passed_over(&keys), fetched.from);
        let again = pace::after_success(fetched.fresh_for, self.held.standing.max_age(), 0.0);
        text.push_str(&format!(", fetched again after {} s at most", again.as_secs()));
        keys.notes().iter().for_each(|note| text.push_str(&format!("\npassed over: {note}")));
        Ok(text)
    }

    /// Reads the certificates of authorities again, and has the keys fetched.
    pub(super) fn reload(&self) {
        if let Err(error) = self.fetcher.reload() {
            error!(target: "recording", "bad file: {error}");
            warn!(target: "recording", file = %error.file.display(), "what was read before stays in force");
        }
        self.held.wake.notify_one();
    }

    pub(super) const fn held(&self) -> &Held {
        &self.held
    }

    /// How its keys are.
    pub(crate) const fn standing(&self) -> &Arc<Standing> {
        &self.held.standing
    }
}

impl<F: Fetches + 'static> Issuer<F> {
    /// Keeps the keys fresh until the end. It ends for no other reason: if it panics, it begins again.
    pub(crate) async fn run(self: Arc<Self>, end: CancellationToken) {
        loop {
            let issuer = Arc::clone(&self);
            let until = end.clone();
            let task = tokio::spawn(async move { issuer.held.refresh(&issuer.fetcher, until).await });
            if task.await.is_ok() || end.is_cancelled() {
                return;
            }
            let issuer = self.held.standing.issuer();
            error!(target: "recording", issuer, "the task that fetches keys has panicked; it begins again");
            tokio::select! {
                () = sleep(REST) => {}
                () = end.cancelled() => return,
            }
        }
    }
}

/// The keys that are held.
#[derive(Debug)]
pub(super) struct Held {
    standing: Arc<Standing>,
    keys: RwLock<Option<InForce>>,
    /// Has the keys fetched.
    wake: Notify,
    /// What fetches early have used up.
    early: Mutex<pace::Allowance>,
    /// Whether keys are being fetched or about to be, and how often they were.
    rounds: watch::Sender<Rounds>,
    waiting: Semaphore,
}

#[derive(Debug, Clone, Copy, Default)]
struct Rounds {
    is_under_way: bool,
    number: u64,
}

#[derive(Debug)]
struct InForce {
    keys: Arc<Keys>,
    /// Of the document that they came from.
    hash: [u8; 32],
    /// When they were asked for.
    since: Instant,
}

/// Why a token cannot be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoKeys {
    NotFetched,
    TooOld,
}

impl Held {
    pub(super) fn new(standing: Standing) -> Self {
        Self {
            standing: Arc::new(standing),
            keys: RwLock::new(None),
            wake: Notify::new(),
            early: Mutex::default(),
            rounds: watch::Sender::default(),
            waiting: Semaphore::new(MOST_WAITING),
        }
    }

    /// The keys, if there are any and they are not too old.
    pub(super) fn current(&self) -> Result<Arc<Keys>, NoKeys> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let in_force = keys.as_ref().ok_or(NoKeys::NotFetched)?;
        if in_force.since.elapsed() >= self.standing.max_age() {
            return Err(NoKeys::TooOld);
        }
        Ok(Arc::clone(&in_force.keys))
    }

    /// A token names a key that is not among these. Has them fetched, if that was not done too often, and waits a while for
    /// it; says whether there may be other keys now.
    pub(super) async fn early(&self) -> bool {
        let Ok(_waits) = self.waiting.try_acquire() else {
            self.standing.early(Early::Limited);
            return false;
        };
        let mut rounds = self.rounds.subscribe();
        let (mut before, mut early) = (0, None);
        self.rounds.send_if_modified(|rounds| {
            before = rounds.number;
            // What is under way may have been asked too early for this key; but it is soon there, and another may follow.
            if !rounds.is_under_way {
                let takes = self.early.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now());
                early = Some(if takes { Early::Fetched } else { Early::Limited });
                rounds.is_under_way = takes;
            }
            false
        });
        if let Some(early) = early {
            self.standing.early(early);
            if early == Early::Limited {
                return false;
            }
            self.wake.notify_one();
        }
        let done = timeout(EARLY_WAIT, rounds.wait_for(|rounds| rounds.number > before)).await;
        matches!(done, Ok(Ok(_)))
    }

    /// Fetches the keys, and again when it is time to, until the end.
    pub(super) async fn refresh<F: Fetches>(&self, fetcher: &F, end: CancellationToken) {
        let (mut failures, mut is_over) = (0_u32, false);
        loop {
            let wait = tokio::select! {
                result = self.round(fetcher) => match result {
                    Ok(wait) => {
                        (failures, is_over) = (0, false);
                        wait
                    }
                    Err(NotFetched { fetch, reason }) => {
                        failures = failures.saturating_add(1);
                        self.failed(fetch, &reason, failures, &mut is_over)
                    }
                },
                () = end.cancelled() => return,
            };
            tokio::select! {
                () = sleep(wait) => {}
                () = self.wake.notified() => {}
                () = end.cancelled() => return,
            }
        }
    }

    /// Fetches once; says when to do so again.
    async fn round<F: Fetches>(&self, fetcher: &F) -> Result<Duration, NotFetched> {
        /// Ends the round, however it ends: those who wait for it look again.
        struct Ends<'a>(&'a watch::Sender<Rounds>);
        impl Drop for Ends<'_> {
            fn drop(&mut self) {
                self.0.send_modify(|rounds| *rounds = Rounds { is_under_way: false, number: rounds.number + 1 });
            }
        }
        self.rounds.send_modify(|rounds| rounds.is_under_way = true);
        let _ends = Ends(&self.rounds);
        let since = Instant::now();
        let fetched = fetcher.fetch().await?;
        let again = pace::after_success(fetched.fresh_for, self.standing.max_age(), pace::random());
        let hash = hash(&fetched.jwks);
        if let Some(in_force) = self.keys.write().unwrap_or_else(PoisonError::into_inner).as_mut()
            && in_force.hash == hash
        {
            // The same keys: tokens that were found good stay so without being checked again.
            in_force.since = since;
            let number = in_force.keys.len();
            self.standing.fetched(Fetch::Unchanged, since, number);
            debug!(target: "recording", issuer = self.standing.issuer(), number, again_s = again.as_secs(), "keys fetched: as before");
            return Ok(again);
        }
        let keys = Arc::new(read(&fetched)?);
        let number = keys.len();
        let in_force = InForce { keys: Arc::clone(&keys), hash, since };
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Some(in_force);
        self.standing.fetched(Fetch::Changed, since, number);
        // Said when it is so: those who wait for these lines go on.
        let (issuer, passed_over, from) = (self.standing.issuer(), passed_over(&keys), fetched.from);
        for note in keys.notes() {
            warn!(target: "recording", issuer, "passed over: {note}");
        }
        info!(target: "recording", issuer, %from, number, passed_over, again_s = again.as_secs(), "keys fetched");
        Ok(again)
    }

    /// How long the keys in force are good yet, unless they are too old.
    fn left(&self) -> Option<Duration> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let left = self.standing.max_age().checked_sub(keys.as_ref()?.since.elapsed())?;
        (!left.is_zero()).then_some(left)
    }

    /// Says that it failed, and once that there are no keys any more; gives when to try again.
    fn failed(&self, fetch: Fetch, reason: &str, failures: u32, is_over: &mut bool) -> Duration {
        let again = pace::after_failures(failures, pace::random());
        // Once more when the keys get too old: then that is said when it is so, and not a minute later.
        let again = self.left().map_or(again, |left| left.min(again));
        let issuer = self.standing.issuer();
        let again_ms = again.as_millis() as u64;
        self.standing.failed(fetch, reason.to_owned());
        warn!(target: "recording", issuer, outcome = fetch.name(), reason, failures, again_ms, "keys not fetched");
        let usable = self.standing.usable();
        if usable == Usable::TooOld && !core::mem::replace(is_over, true) {
            error!(target: "recording", issuer, "the keys are too old: JWTs are answered 503 until they can be fetched");
        }
        again
    }
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

fn passed_over(keys: &Keys) -> usize {
    keys.passed_over().unwrap_or_default()
}

/// The keys of a JWKS. One without a key that can be used is none: an issuer that means it is not distinguished from one that is
/// broken, and the keys that are held are soon too old.
fn read(fetched: &Fetched) -> Result<Keys, NotFetched> {
    let invalid = |reason: &dyn fmt::Display| NotFetched::invalid(&fetched.from, reason);
    let text = str::from_utf8(&fetched.jwks).map_err(|error| invalid(&error))?;
    Keys::read(text).map_err(|reason| invalid(&reason))
}

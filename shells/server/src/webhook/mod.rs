//! Webhooks: the events that listeners of the hub get, posted to addresses of the config. `docs/webhooks.md` is for those who
//! receive them.
//!
//! This is best effort next to the hub. [`Webhooks::replace`] begins a task for each; publishing puts an event into
//! bounded memory and returns at once, and whatever a receiver does, no request, no listener and no end of the server waits for
//! it longer than its grace.

mod hook;
mod message;
mod options;
mod pace;
mod post;
mod queue;
mod secret;
#[cfg(test)]
mod tests;

use core::hash::BuildHasher as _;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::hash::RandomState;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use recording_core::Event;
use tokio_util::sync::CancellationToken;
use tracing::info;

use hook::{Hook, Settings};
pub(crate) use message::samples;
pub use message::{MISSED, OVERDUE};
pub use options::WebhookConfig;
use post::Poster;
use queue::Noted;

use crate::events::{Published, Tap};
use crate::hub::EventCase;
use crate::metrics::WebhookLevel;
use crate::session::SessionKey;

/// How long a webhook that a reload has removed may go on with what waits for it.
const RETIRING: Duration = Duration::from_secs(30);

/// The webhooks of the config in force.
#[derive(Debug)]
pub struct Webhooks {
    hooks: RwLock<Vec<Arc<Hook>>>,
    is_wanted: AtomicBool,
    /// What the ids of this start of the server have in common.
    start: u64,
    numbers: Arc<AtomicU64>,
    /// Cancelled when posting may begin.
    begun: CancellationToken,
    /// The last sequence that was given out.
    sequence: AtomicU64,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self::new()
    }
}

/// Webhooks whose files were read and are good: to be [put in force](Webhooks::replace).
#[derive(Debug)]
pub struct Prepared(Vec<Settings>);

/// Reads the files of webhooks.
///
/// # Errors
///
/// What is wrong with one, naming it.
pub fn prepare(configs: &[WebhookConfig], case: EventCase) -> Result<Prepared, String> {
    let settings = configs.iter().map(|config| {
        let transport = Poster::new(config).map_err(|reason| format!("webhook {:?}: {reason}", config.name))?;
        Ok(Settings { config: config.clone(), case, transport: Arc::new(transport) })
    });
    settings.collect::<Result<_, _>>().map(Prepared)
}

impl Webhooks {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self {
            hooks: RwLock::default(),
            is_wanted: AtomicBool::new(false),
            start: RandomState::new().hash_one(()),
            numbers: Arc::default(),
            begun: CancellationToken::new(),
            sequence: AtomicU64::new(0),
        }
    }

    fn all(&self) -> Vec<Arc<Hook>> {
        self.hooks.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts these in force. One whose name is known goes on with what waits for it; one that is gone takes no more events,
    /// posts what waits as long as its receiver takes it, and ends.
    ///
    /// Must be called in a runtime.
    pub fn replace(&self, Prepared(all): Prepared) {
        let mut hooks = self.hooks.write().unwrap_or_else(PoisonError::into_inner);
        let mut before = core::mem::take(&mut *hooks);
        for settings in all {
            match before.iter().position(|hook| hook.name == settings.config.name) {
                Some(at) => {
                    let hook = before.swap_remove(at);
                    if hook.config() != settings.config {
                        info!(target: "recording", webhook = &*hook.name, "the webhook is changed");
                    }
                    hook.replace(settings);
                    hooks.push(hook);
                }
                None => {
                    let (numbers, begun) = (Arc::clone(&self.numbers), self.begun.clone());
                    let hook = Arc::new(Hook::new(settings, self.start, numbers, begun));
                    tokio::spawn(Arc::clone(&hook).supervise());
                    hooks.push(hook);
                }
            }
        }
        self.is_wanted.store(!hooks.is_empty(), Ordering::Release);
        drop(hooks);
        for hook in before {
            info!(target: "recording", webhook = &*hook.name, "the webhook is gone from the config, and ends");
            tokio::spawn(hook.retire(RETIRING));
        }
    }

    /// From now on events are posted. Those that were published before wait.
    pub(crate) fn begin(&self) {
        self.begun.cancel();
    }

    /// Takes no more events, and waits until everything is posted or a receiver does not take it.
    pub(crate) async fn drain(&self) {
        let all = self.all();
        all.iter().for_each(|hook| hook.drain());
        for hook in all {
            hook.until_over().await;
        }
    }

    /// Drops what waits, which the log says, and ends.
    pub(crate) fn abandon(&self) {
        self.all().iter().for_each(|hook| hook.abandon());
    }

    /// A pause has reached its limit.
    pub(crate) fn overdue(&self, key: &SessionKey, since: Option<SystemTime>, limit: Duration) {
        if self.is_wanted() {
            let noted = self.noted(OVERDUE, None);
            let hooks = self.hooks.read().unwrap_or_else(PoisonError::into_inner);
            hooks.iter().for_each(|hook| hook.offer(key, |case| message::overdue(case, key, since, limit), &noted));
        }
    }

    /// What the posts to all of them have in common.
    fn noted(&self, kind: &'static str, revision: Option<u64>) -> Noted {
        Noted {
            kind,
            json: Bytes::new(),
            number: self.numbers.fetch_add(1, Ordering::Relaxed),
            sequence: revision.unwrap_or_else(|| self.next_sequence()),
            at: SystemTime::now(),
        }
    }

    /// How they stand, for the metrics.
    pub(crate) fn levels(&self) -> Vec<WebhookLevel> {
        let mut levels: Vec<_> = self.all().iter().map(|hook| hook.level()).collect();
        levels.sort_by(|one, other| one.name.cmp(&other.name));
        levels
    }

    /// A number that is greater than all before it, also of earlier starts if the clock was not set back: the microseconds since 1970,
    /// or one more than the last.
    fn next_sequence(&self) -> u64 {
        let micros = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let micros = u64::try_from(micros).unwrap_or(u64::MAX);
        let next = |last: u64| Some(micros.max(last + 1));
        let last = self.sequence.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        micros.max(last.unwrap_or_default() + 1)
    }
}

/// No task outlives the value that it belongs to.
impl Drop for Webhooks {
    fn drop(&mut self) {
        self.abandon();
    }
}

impl Tap for Webhooks {
    fn is_wanted(&self) -> bool {
        self.is_wanted.load(Ordering::Acquire)
    }

    fn published(&self, event: &Published, revision: Option<u64>) {
        let key = SessionKey { correlation_id: event.correlation_id, ucc: event.ucc.clone() };
        let noted = self.noted(Event::NAME, revision);
        let hooks = self.hooks.read().unwrap_or_else(PoisonError::into_inner);
        hooks.iter().for_each(|hook| hook.offer(&key, |case| case.json(event), &noted));
    }

    fn missed(&self) {
        let hooks = self.hooks.read().unwrap_or_else(PoisonError::into_inner);
        hooks.iter().for_each(|hook| hook.missed());
    }
}

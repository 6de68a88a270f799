//! Sessions in a cluster of etcd, which any number of servers share.
//!
//! A change is a transaction that compares the revision of the session's key; those that come at the same time are nested in
//! one. Every server, the one that makes a change as well, hears of it from its watch, which keeps an image of all sessions,
//! proves change by change that none is missing, and reports them. Where one may be missing, all sessions are listed again, and
//! that is reported, too.
//!
//! A change is decided from the image and what this server's own requests have found since; its comparison shows whether
//! that was old. Before anything else is said of a session, etcd is asked: reads are linearizable.

mod agreed;
mod carry;
mod change;
mod committer;
mod condition;
mod fence;
mod follow;
mod journal;
mod keys;
mod known;
mod list;
mod marks;
mod meta;
mod settle;
#[cfg(test)]
pub(in crate::store) mod tests;
mod value;

use core::fmt;
use core::future::Future;
use core::hash::BuildHasher as _;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::hash::RandomState;
use std::sync::{Arc, Mutex, PoisonError};

use agreed::Agreed;
use carry::Carrier;
use change::{Change, Waiting};
use condition::Condition;
use etcd_kv::messages::RangeRequest;
use etcd_kv::{Client, Endpoint, Options};
use fence::Fence;
use follow::Follower;
use keys::Keys;
use known::Known;
use recording_core::recorder::Epoch;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use value::Value;

use super::image::Image;
use super::{Found, Latest, Revision, Session, SessionKey, Store, StoreError, Storing, Swap, Watcher, epochs, form};
use crate::audit::{Note, Trail};
use crate::fingerprint::Fingerprint;
use crate::metrics::{ClusterLevels, Commits};
use crate::session::OpId;

/// How long a page waits for the watch to come as far as this server was answered.
const PAGE_WAIT: Duration = Duration::from_secs(1);

/// How long the watch may take to come as far as etcd is, while the server counts as ready.
const CATCH_UP: Duration = Duration::from_millis(700);

/// Sessions in a cluster of etcd.
pub struct EtcdStore {
    carrier: Arc<Carrier>,
    condition: Arc<Condition>,
    agreed: Arc<Agreed>,
    /// The client of the watch.
    of_watch: Client,
    watcher: Arc<Mutex<Option<Arc<dyn Watcher>>>>,
    queue: mpsc::Sender<Change>,
    id: u64,
    /// This start of a server, and the changes that it asked for.
    start: u64,
    changes: AtomicU64,
    epochs: tokio::sync::Mutex<Range<u64>>,
    /// Cancelled when a task has ended that must not.
    life: CancellationToken,
    /// What ends with the store.
    tasks: Vec<AbortHandle>,
}

/// Why a store was not opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotOpened {
    /// What is given is wrong, or what is there is of something else: it has to be changed first.
    Wrong(String),
    /// It may be opened a moment later: etcd does not answer, or has an alarm.
    AtPresent(String),
}

impl fmt::Display for NotOpened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wrong(reason) | Self::AtPresent(reason) => f.write_str(reason),
        }
    }
}

impl core::error::Error for NotOpened {}

impl fmt::Debug for EtcdStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdStore").field("id", &self.id).finish_non_exhaustive()
    }
}

impl EtcdStore {
    /// Opens the store under `prefix`, or begins it, and lists its sessions.
    ///
    /// # Errors
    ///
    /// What is wrong, in one line: no member answers, one is too old, they are of different clusters, or what is under the
    /// prefix is of something else.
    pub async fn open(endpoints: Vec<Endpoint>, prefix: &str, options: Options) -> Result<Self, NotOpened> {
        let keys = Keys::new(prefix).map_err(NotOpened::Wrong)?;
        // The watch is at another member than the changes, if there is one: what becomes of a change that is not answered is then
        // seen all the same.
        let mut of_watch = endpoints.clone();
        of_watch.rotate_left(1);
        let of_watch = Client::new(of_watch, options.clone());
        let client = Client::new(endpoints, options);
        let states =
            condition::states(&client, &keys).await.map_err(|error| NotOpened::AtPresent(error.to_string()))?;
        // Members may be replaced by newer ones, and an alarm may be disarmed.
        let cluster = condition::check(&states, None).map_err(|error| NotOpened::AtPresent(error.to_string()))?;
        let id = meta::agree(&client, &keys, cluster).await?;
        let (sessions, revision) = list::list(&client, &keys).await.map_err(NotOpened::AtPresent)?;
        let start = RandomState::new().hash_one(id);
        let known = Arc::new(Known::new(Image::of(sessions), revision));
        let condition = Arc::new(Condition::new(&states));
        let agreed = Arc::<Agreed>::default();
        let fence = Fence::raised(&client, keys.fence(start), keys.meta("fence/")).await;
        let fence = fence.map_err(|error| NotOpened::AtPresent(error.to_string()))?;
        let carrier = Arc::new(Carrier {
            client: client.clone(),
            fence,
            keys: keys.clone(),
            known: Arc::clone(&known),
            commits: Arc::default(),
            journal: Arc::default(),
        });
        let watcher = Arc::default();
        let (queue, changes) = mpsc::channel(committer::MOST_WAITING);
        let life = CancellationToken::new();
        let follower = Follower {
            client: of_watch.clone(),
            keys: keys.clone(),
            known,
            condition: Arc::clone(&condition),
            agreed: Arc::clone(&agreed),
            watcher: Arc::clone(&watcher),
            start,
        };
        let vital = |work: core::pin::Pin<Box<dyn Future<Output = ()> + Send>>| {
            let ends = life.clone().drop_guard();
            tokio::spawn(async move {
                work.await;
                drop(ends);
            })
            .abort_handle()
        };
        // It ends by itself, after what it was asked for.
        let _ = vital(Box::pin(committer::run(Arc::clone(&carrier), changes)));
        let (looking, looks, of_looks) = (Arc::clone(&condition), client.clone(), keys.clone());
        let agreeing = Arc::clone(&agreed);
        let (tidying, of_tidying) = (client.clone(), keys.clone());
        let tasks = vec![
            // Nothing waits for that.
            tokio::spawn(async move { marks::remove_old(&tidying, &of_tidying).await }).abort_handle(),
            vital(Box::pin(follower.run())),
            vital(Box::pin(async move { looking.look(&looks, &of_looks, cluster).await })),
            vital(Box::pin(async move { agreeing.run(&client, &keys).await })),
        ];
        let (changes, epochs) = (AtomicU64::new(0), tokio::sync::Mutex::new(0..0));
        Ok(Self { carrier, condition, agreed, of_watch, watcher, queue, id, start, changes, epochs, life, tasks })
    }

    /// The same, whose server makes its own config the cluster's: now, and whenever its config changes.
    #[must_use]
    pub fn setting_config(self) -> Self {
        self.agreed.set_own();
        self
    }

    /// The same with an audit trail: before a change is asked for, its intent is written. What earlier starts of this server left
    /// open there is settled first.
    ///
    /// # Errors
    ///
    /// If the trail cannot be read or written, or etcd does not say what became of those changes.
    pub async fn audited(mut self, trail: Trail) -> Result<Self, NotOpened> {
        let said = |error: std::io::Error| NotOpened::Wrong(format!("the audit trail: {error}"));
        let (reading, id) = (trail.clone(), self.id);
        let open = tokio::task::spawn_blocking(move || reading.open_intents(id)).await;
        let open = open.map_err(|error| NotOpened::Wrong(error.to_string()))?.map_err(said)?;
        if !open.is_empty() {
            let Carrier { client, keys, .. } = &*self.carrier;
            let settled = settle::of_earlier_starts(client, keys, open).await.map_err(NotOpened::AtPresent)?;
            trail.settle_intents(&settled).await.map_err(said)?;
        }
        trail.is_shared(self.id, self.known().applied_revision());
        self.carrier.journal.begin(trail);
        let ends = self.life.clone().drop_guard();
        let settling = Arc::clone(&self.carrier);
        let task = tokio::spawn(async move {
            settle::what_was_not_answered(&settling).await;
            drop(ends);
        });
        self.tasks.push(task.abort_handle());
        Ok(self)
    }

    /// The clients that ask for changes and that watch.
    #[must_use]
    pub fn clients(&self) -> [Client; 2] {
        [self.carrier.client.clone(), self.of_watch.clone()]
    }

    /// How often all sessions were listed again, since changes might have been missing.
    #[must_use]
    pub fn lists(&self) -> u64 {
        self.condition.lists()
    }

    /// How many sessions are open, as far as the watch has come.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known().image.len()
    }

    /// Whether no session is open, as far as the watch has come.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn known(&self) -> &Arc<Known> {
        &self.carrier.known
    }

    async fn up_to_date(&self) -> Result<(), StoreError> {
        let known = self.known();
        match known.reach(known.answered_revision(), Instant::now() + PAGE_WAIT).await {
            true => Ok(()),
            false => Err(StoreError::new("the watch on etcd has not come as far as this server's own changes")),
        }
    }
}

impl Drop for EtcdStore {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Carrier {
    /// Asks for a session.
    async fn read(&self, key: &SessionKey) -> Result<Option<Found>, StoreError> {
        let answer = self.client.range(RangeRequest::key(self.keys.session(key))).await;
        let answer = answer.map_err(|error| StoreError::new(error.to_string()))?;
        let at = answer.header.map_or(0, |header| carry::revision(header.revision));
        let found = answer.kvs.first().map(carry::found).transpose().map_err(StoreError::new)?;
        let found = found.map(|(found, _)| found);
        self.known.found(key, at, found.clone());
        Ok(found)
    }
}

impl Store for EtcdStore {
    async fn read(&self, key: &SessionKey) -> Result<Option<Found>, StoreError> {
        self.carrier.read(key).await
    }

    async fn compare_and_set(
        &self,
        key: &SessionKey,
        expected: Option<Revision>,
        session: Option<Session>,
        note: Note,
    ) -> Result<Swap, StoreError> {
        self.ask(key, expected, session, note).await?.await
    }

    async fn latest(&self, key: &SessionKey) -> Result<Latest, StoreError> {
        if !self.known().quiet(key, Instant::now() + carry::PATIENCE).await {
            return Err(StoreError::new("a change of the session takes too long"));
        }
        Ok(Latest { found: self.known().latest(key), not_yet: None, may_be_old: true })
    }

    async fn ask(
        &self,
        key: &SessionKey,
        expected: Option<Revision>,
        session: Option<Session>,
        note: Note,
    ) -> Result<Storing, StoreError> {
        form::check(session.as_ref())?;
        // To etcd, the revision of what is not there is 0.
        if expected == Some(Revision(0)) {
            return Ok(Storing::known(Swap::Conflict));
        }
        let op = OpId { start: self.start, number: self.changes.fetch_add(1, Ordering::Relaxed) };
        let end = Instant::now() + carry::PATIENCE;
        if !self.known().take_off(key, op, end).await {
            return Err(StoreError::new("another change of the session takes too long"));
        }
        let (tell, storing) = Storing::to_be_told();
        let (known, journal) = (Arc::clone(self.known()), Arc::clone(&self.carrier.journal));
        let waiting = Waiting::new(tell, (known, journal), (op, key.clone()));
        let value = session.map(|session| Value { action: note.action(), op, session });
        let change = Change { op, key: key.clone(), expected, value, note, waiting };
        self.queue.send(change).await.map_err(|_| StoreError::new("the task that asks etcd has ended"))?;
        Ok(storing)
    }

    fn until_stored(&self, key: &SessionKey, latest: &Latest) -> Storing {
        let (tell, storing) = Storing::to_be_told();
        let expected = latest.found.as_ref().map(|found| found.revision);
        let (carrier, key) = (Arc::clone(&self.carrier), key.clone());
        tokio::spawn(async move {
            let is_so = |found: Option<Found>| match found.map(|found| found.revision) == expected {
                true => Swap::Stored,
                false => Swap::Conflict,
            };
            tell.send(carrier.read(&key).await.map(is_so));
        });
        storing
    }

    fn watched_by(&self, watcher: Arc<dyn Watcher>) -> bool {
        *self.watcher.lock().unwrap_or_else(PoisonError::into_inner) = Some(watcher);
        true
    }

    async fn reported(&self) -> Result<(), StoreError> {
        self.up_to_date().await
    }

    async fn page(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, Session)>, StoreError> {
        self.up_to_date().await?;
        Ok(self.known().image.page(after, limit))
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        let mut left = self.epochs.lock().await;
        if left.is_empty() {
            *left = meta::epochs(&self.carrier.client, &self.carrier.keys).await?;
        }
        epochs::epoch(left.next().unwrap_or_default())
    }

    fn id(&self) -> u64 {
        self.id
    }

    async fn open_sessions(&self) -> Result<usize, StoreError> {
        self.up_to_date().await?;
        Ok(self.known().image.len())
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.condition.well()?;
        let format = self.carrier.client.range(RangeRequest::key(self.carrier.keys.meta("format"))).await;
        let at = format.map_err(|error| condition::failed(&error))?.header.map_or(0, |at| carry::revision(at.revision));
        if !self.known().reach(at, Instant::now() + CATCH_UP).await {
            let reason = format!("the watch on etcd has come to {}, and etcd to {at}", self.known().applied_revision());
            return Err(StoreError::new(reason).saying("The watch on etcd does not keep up with the changes."));
        }
        self.agreed.well()
    }

    fn configured(&self, config: Fingerprint) {
        self.agreed.configured(config);
    }

    fn ended(&self) -> impl Future<Output = ()> + Send + 'static {
        self.life.clone().cancelled_owned()
    }

    fn trail(&self) -> Option<&Trail> {
        self.carrier.journal.trail()
    }

    fn commits(&self) -> Option<&Commits> {
        Some(&self.carrier.commits)
    }

    fn cluster(&self) -> Option<ClusterLevels> {
        let (members, known) = (self.condition.members(), self.known());
        let counts = [self.carrier.client.counts(), self.of_watch.counts()];
        let newest = members.revision.max(known.answered_revision());
        Some(ClusterLevels {
            members: self.of_watch.endpoints().count(),
            answering: members.answering,
            watch_lag: newest.saturating_sub(known.applied_revision()),
            watch_silence: self.condition.silence(),
            watch_restarts: self.condition.watches(),
            lists: self.condition.lists(),
            unknown: known.lost_changes(),
            requests: counts.iter().map(|counts| counts.requests).sum(),
            member_changes: counts.iter().map(|counts| counts.left).sum(),
            database: members.database,
            quota: members.quota,
            config_agrees: self.agreed.agrees(),
        })
    }
}

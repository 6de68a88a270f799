//! The loop of the shell: look the facts up, let the core decide, store, and only then answer and publish.

use core::time::Duration;
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use recording_core::decide::{DecidedReply, Decision, SetFacts, StateFacts};
use recording_core::wire::{
    CapabilitiesReply, CapabilitiesRequest, Rejection, SetRequest, StateReply, StateRequest, UccName,
};
use recording_core::{Settings, State};

use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::audit::{Note, Trail};
use crate::caller::Caller;
use crate::directory::{Directory, SharedDirectory};
use crate::ended::Ended;
use crate::events::Events;
use crate::health::Health;
use crate::hub::{self, EventCase, RecordingHub};
use crate::issuer::Standing;
use crate::log;
use crate::metrics::Metrics;
use crate::occurrence::{Change, Occurrence};
use crate::recorder::Recorders;
use crate::session_locks::{SessionLocks, Telling, Turn};
use crate::store::{Latest, Revision, Session, SessionKey, Store, StoreError, Swap};
use crate::watching::Watching;
use crate::webhook::{self, Webhooks};

/// Compare-and-set retries before the store is considered broken. At each conflict another server has got its change
/// through.
pub(crate) const MOST_TRIES: usize = 100;

/// How long the readiness check waits for the store: less than those who ask for it do.
const READY_WAIT: Duration = Duration::from_secs(1);

/// Directory, store and events, and what is done with them.
#[derive(Debug)]
pub struct Service<S> {
    directory: Arc<SharedDirectory>,
    store: S,
    events: Events,
    /// Every change is reported by the store, which hears of those of other servers as well.
    store_reports: bool,
    metrics: Metrics,
    hub: RecordingHub,
    session_locks: SessionLocks,
    ended: Arc<Ended>,
    tasks: TaskTracker,
    health: Arc<Health>,
    recorders: Recorders,
    webhooks: Arc<Webhooks>,
    /// How the keys are that callers' tokens are checked with, if they are fetched.
    issuer: OnceLock<Arc<Standing>>,
}

impl<S: Store> Service<S> {
    /// A service over this directory and store. If the store has an audit trail, every decision has a line there.
    #[must_use]
    pub fn new(directory: Directory, store: S) -> Self {
        let (events, webhooks) = (Events::new(), Arc::new(Webhooks::new()));
        events.tap(Arc::<Webhooks>::clone(&webhooks));
        let (ended, shared) = (Arc::<Ended>::default(), Arc::new(SharedDirectory::new(directory)));
        let watching = Watching { events: events.clone(), ended: Arc::clone(&ended), directory: Arc::clone(&shared) };
        let store_reports = store.watched_by(Arc::new(watching));
        if store_reports {
            store.configured(shared.current().fingerprint());
        }
        Self {
            directory: shared,
            store_reports,
            store,
            events,
            metrics: Metrics::new(),
            hub: hub::new(EventCase::default(), signalr_hub::HubOptions::default()),
            session_locks: SessionLocks::new(),
            ended,
            tasks: TaskTracker::new(),
            health: Arc::default(),
            recorders: Recorders::default(),
            webhooks,
            issuer: OnceLock::new(),
        }
    }

    /// The same, with these recorders.
    #[must_use]
    pub fn with_recorders(self, recorders: Recorders) -> Self {
        Self { recorders, ..self }
    }

    /// The recorders, and the sessions that have one.
    pub const fn recorders(&self) -> &Recorders {
        &self.recorders
    }

    /// Puts the recorders and the webhooks of this directory in force. Must be called in a runtime.
    ///
    /// # Errors
    ///
    /// What is wrong with one, naming it. Nothing was changed then.
    pub fn configure_outgoing(&self, directory: &Directory) -> Result<(), String> {
        let webhooks = webhook::prepare(directory.webhooks(), self.hub.methods().case())?;
        self.recorders.configure(directory.recorders(), self.store.id(), &self.health)?;
        self.webhooks.replace(webhooks);
        Ok(())
    }

    /// Where events are posted.
    pub fn webhooks(&self) -> &Webhooks {
        &self.webhooks
    }

    /// How long a session of this UCC may be Paused before that is reported.
    pub(crate) fn pause_limit(&self, ucc: UccName<'_>) -> Option<Duration> {
        self.directory.current().ucc(ucc)?.recording.pause_limit
    }

    /// The same, with this hub.
    #[must_use]
    pub fn with_hub(self, hub: RecordingHub) -> Self {
        Self { hub, ..self }
    }

    /// The directory in force, to be looked at or replaced.
    pub fn directory(&self) -> &SharedDirectory {
        &self.directory
    }

    /// Puts another directory in force, and has a store that other servers share compare it with theirs.
    pub fn configure(&self, directory: Directory) {
        let config = self.is_shared().then(|| directory.fingerprint());
        self.directory.replace(directory);
        if let Some(config) = config {
            self.store.configured(config);
        }
    }

    /// The store.
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// Where changes are published.
    pub const fn events(&self) -> &Events {
        &self.events
    }

    /// What was counted so far.
    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// From now on the server is on its way out: it finishes what it has, and is not ready for more.
    pub(crate) fn ending(&self) {
        self.health.ending();
    }

    /// Callers show tokens whose keys are as this says. Only the first one counts.
    pub(crate) fn with_issuer(&self, issuer: Arc<Standing>) {
        let _ = self.issuer.set(issuer);
    }

    /// How the keys are that callers' tokens are checked with, if they are fetched.
    pub(crate) fn issuer(&self) -> Option<&Standing> {
        self.issuer.get().map(|issuer| &**issuer)
    }

    /// Whether requests can be served: the store answers and takes changes, callers can be authenticated, and the server is
    /// not on its way out. (A config is always in force: without one there is no service.)
    ///
    /// # Errors
    ///
    /// Why not, in one sentence.
    pub async fn ready(&self) -> Result<(), Cow<'static, str>> {
        if self.health.is_ending() {
            return Err("The server is ending.".into());
        }
        self.healthy()?;
        self.issuer().map_or(Ok(()), Standing::ready)?;
        let found = match timeout(READY_WAIT, self.found_ready()).await {
            Ok(found) => found,
            Err(_) => Err(StoreError::new("it does not answer in time")),
        };
        found.map_err(|error| {
            log::store_failed("ready", &error);
            let line = error.line().map(|line| line.to_owned().into());
            line.unwrap_or(Cow::Borrowed("The store does not answer, or takes no changes."))
        })
    }

    async fn found_ready(&self) -> Result<(), StoreError> {
        self.store.ready().await?;
        match self.trail().filter(|trail| trail.is_failing()).cloned() {
            None => Ok(()),
            // Perhaps it can be written again, and nothing has been since.
            Some(trail) => match tokio::task::spawn_blocking(move || trail.try_out()).await {
                Ok(tried) => tried.map_err(|error| StoreError::new(format!("the audit trail: {error}"))),
                Err(_) => Err(StoreError::new("the audit trail cannot be tried")),
            },
        }
    }

    /// Whether all that must live is alive.
    ///
    /// # Errors
    ///
    /// That something is not, in one sentence.
    pub fn healthy(&self) -> Result<(), &'static str> {
        match self.health.lost() {
            None => Ok(()),
            Some(_) => Err("A part of the server has ended that must not. The server is ending, too."),
        }
    }

    pub(crate) const fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// Who listens to them.
    pub const fn hub(&self) -> &RecordingHub {
        &self.hub
    }

    /// The audit trail, if there is one: the store's.
    pub fn trail(&self) -> Option<&Trail> {
        self.store.trail()
    }

    /// The line that the store is to write before it makes a change.
    pub(crate) fn note(&self, change: &Change<'_>, caller: Caller<'_>) -> Note {
        let note = if self.trail().is_some() { Trail::note(change, caller) } else { Note::none() };
        match change {
            Change::Set { request, .. } => note.because_of(request.action),
            // A store that reports changes keeps no session with a recorder.
            Change::Begin { .. }
            | Change::End { .. }
            | Change::Ordered { .. }
            | Change::ByRecorder { .. }
            | Change::ByCallSide { .. } => note,
        }
    }

    /// Reports what happened to all who observe it.
    pub(crate) async fn observe(&self, occurrence: &Occurrence<'_>, caller: Caller<'_>) {
        self.metrics.observe(occurrence);
        if let Occurrence::Overdue { key, since_ms, limit, .. } = occurrence {
            let since = since_ms.and_then(|ms| SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ms)));
            self.webhooks.overdue(key, since, *limit);
        }
        if let Some(trail) = self.trail() {
            // Boxed, so that the futures of all requests need no room for it: most have no trail.
            Box::pin(trail.observe(occurrence, caller)).await;
        }
        log::observe(occurrence, caller);
    }

    pub(crate) const fn session_locks(&self) -> &SessionLocks {
        &self.session_locks
    }

    /// Whether other servers change the same sessions.
    pub(crate) const fn is_shared(&self) -> bool {
        self.store_reports
    }

    pub(crate) fn ended(&self) -> &Ended {
        &self.ended
    }

    pub(crate) const fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// Reads the state of a session.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub async fn state<'a>(
        &self,
        request: &StateRequest<'a>,
        caller: Caller<'_>,
    ) -> Result<StateReply<'a>, StoreError> {
        let directory = self.directory.current();
        let facts = match directory.ucc(request.ucc) {
            None => None,
            Some(ucc) => {
                let found = self.store.read(&SessionKey::new(request.ucc, request.correlation_id)).await;
                let found = found.inspect_err(|error| log::store_failed("read", error))?;
                Some(StateFacts { settings: ucc.settings, session: found.and_then(|found| found.session.state()) })
            }
        };
        let reply = request.decide(facts);
        self.observe(&Occurrence::StateRead(&reply), caller).await;
        Ok(reply)
    }

    /// Says whether changes are possible in a UCC.
    pub async fn capabilities<'a>(
        &self,
        request: &CapabilitiesRequest<'a>,
        caller: Caller<'_>,
    ) -> CapabilitiesReply<'a> {
        let directory = self.directory.current();
        let ucc = directory.ucc(request.ucc);
        let mut reply = request.decide(ucc.map(|ucc| ucc.settings));
        // OURS: with a recorder that cannot pause at all, no agent can.
        let recorder = ucc.and_then(|ucc| ucc.recording.recorder.as_deref());
        reply.agent_can_edit_recordings &= recorder.is_none_or(|recorder| self.recorders.can_pause(recorder));
        self.observe(&Occurrence::CapabilitiesRead(&reply), caller).await;
        reply
    }

    /// Changes the state of a session. What this future returns is stored, and its event published.
    ///
    /// It must be polled to its end: see `api`, which does so even for clients that hang up.
    ///
    /// # Errors
    ///
    /// If the store fails: nothing was changed, or it is not known whether it was.
    pub async fn set<'a>(&self, request: &SetRequest<'a>, caller: Caller<'_>) -> Result<StateReply<'a>, Rejection> {
        let key = SessionKey::new(request.ucc, request.correlation_id);
        for _ in 0..MOST_TRIES {
            let turn = self.session_locks.lock(&key).await;
            // Facts. All of them are looked up each time, so that a decision never rests on old ones.
            let directory = self.directory.current();
            let ucc = directory.ucc(request.ucc);
            let latest = match ucc {
                None => Latest::default(),
                Some(_) => match self.store.latest(&key).await {
                    Ok(latest) => latest,
                    Err(error) => return Err(self.not_stored(request, &error, caller).await),
                },
            };
            if latest.found.as_ref().is_some_and(|found| found.session.bound().is_some()) {
                // A session with a recorder has turns of its own.
                drop(turn);
                match self.set_recorded(&key, request, caller).await? {
                    Some(reply) => return Ok(reply),
                    None => continue,
                }
            }
            let before = latest.found.as_ref().and_then(|found| found.session.state());
            let facts = ucc.map(|ucc| SetFacts {
                settings: ucc.settings,
                requester_is_agent: ucc.is_agent(request.requester),
                session: before,
            });

            // Decision.
            let (pending, found) = match (request.decide(facts), &latest.found) {
                (Decision::Reply(answer), _) => {
                    drop(turn);
                    match self.is_stored(&key, &latest).await {
                        Ok(true) => return Ok(self.answered(answer, request, before, caller).await),
                        Ok(false) => continue,
                        Err(error) => return Err(self.not_stored(request, &error, caller).await),
                    }
                }
                (Decision::Change(pending), Some(found)) => (pending, found),
                // The core changes no session that it was not shown.
                (Decision::Change(pending), None) => return Err(pending.abort()),
            };

            // Store, and before that the trail; then, and only then, event and reply.
            let made = Change::Set { request, before: pending.expected(), after: pending.new_state() };
            let note = self.note(&made, caller);
            let change = (Some(found.revision), Some(pending.new_state().into()), note);
            match self.store_change(turn, &key, change).await {
                Ok((Swap::Stored, telling)) => {
                    let stored = pending.commit();
                    if !self.store_reports {
                        self.events.publish(&stored.event);
                    }
                    drop(telling);
                    // Last, since no other request waits for it.
                    self.observe(&Occurrence::Changed(made), caller).await;
                    return Ok(stored.reply);
                }
                Ok((Swap::Conflict, _)) => {}
                Err(error) => {
                    let _ = pending.abort();
                    return Err(self.not_stored(request, &error, caller).await);
                }
            }
        }
        Err(self.not_stored(request, &conflicts(), caller).await)
    }

    /// Changes the state of a session with a recorder, which was found just now. `None` if it is to be looked up again.
    async fn set_recorded<'a>(
        &self,
        key: &SessionKey,
        request: &SetRequest<'a>,
        caller: Caller<'_>,
    ) -> Result<Option<StateReply<'a>>, Rejection> {
        match self.driver(key).await {
            // Boxed, so that the futures of all other requests need no room for it.
            Ok(Some(driver)) => Box::pin(self.set_bound(&driver, request, caller)).await,
            Ok(None) => Ok(None),
            Err(error) => Err(self.not_stored(request, &error, caller).await),
        }
    }

    /// Hands a change to the store, ends the turn, and waits until the change is stored and it is time to tell of it.
    pub(crate) async fn store_change<'t>(
        &'t self,
        turn: Turn<'t>,
        key: &SessionKey,
        (expected, session, note): (Option<Revision>, Option<Session>, Note),
    ) -> Result<(Swap, Telling<'t>), StoreError> {
        let storing = self.store.ask(key, expected, session, note).await?;
        let (swap, telling) = turn.stored(storing).await;
        Ok((swap?, telling))
    }

    /// Waits until that from which an answer was decided is stored. False if it never will be: then it must be decided
    /// from something else.
    pub(crate) async fn is_stored(&self, key: &SessionKey, latest: &Latest) -> Result<bool, StoreError> {
        Ok(self.store.until_stored(key, latest).await? == Swap::Stored)
    }

    /// The answer to a set that changes nothing.
    pub(crate) async fn answered<'a>(
        &self,
        answer: DecidedReply<'a>,
        request: &SetRequest<'_>,
        state: Option<State>,
        caller: Caller<'_>,
    ) -> StateReply<'a> {
        let occurrence = match &answer.refusal {
            None => Occurrence::Unchanged { request, state },
            Some(refusal) => Occurrence::Refused { request, state, refusal },
        };
        self.observe(&occurrence, caller).await;
        answer.reply
    }

    /// The answer if the store failed.
    pub(crate) async fn not_stored(
        &self,
        request: &SetRequest<'_>,
        error: &StoreError,
        caller: Caller<'_>,
    ) -> Rejection {
        self.observe(&Occurrence::NotStored { request, error }, caller).await;
        if error.is_unknown() { Rejection::not_known(request.action) } else { Rejection::NotStored }
    }

    /// The settings of a UCC, by the config in force; `None` if there is no such UCC.
    pub fn settings(&self, ucc: UccName<'_>) -> Option<Settings> {
        self.directory.current().ucc(ucc).map(|ucc| ucc.settings)
    }
}

pub(crate) fn conflicts() -> StoreError {
    StoreError::new(format!("{MOST_TRIES} conflicts in a row"))
}

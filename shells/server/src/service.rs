//! The loop of the shell: look the facts up, let the core decide, store, and only then answer and publish.

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;

use recording_core::{
    CapabilitiesReply, CapabilitiesRequest, CorrelationId, Disposition, Refusal, Rejection, SetDecision, SetFacts,
    SetRequest, State, StateFacts, StateReply, StateRequest, UccName,
};

use tokio::time::timeout;

use crate::auth::Principal;
use crate::directory::{Directory, SharedDirectory};
use crate::events::Events;
use crate::health::Health;
use crate::hub::{self, EventCase, RecordingHub};
use crate::metrics::{Metrics, Outcome};
use crate::net::Client;
use crate::possible::Possible;
use crate::store::{SessionKey, Store, StoreError, Swap};
use crate::tasks::Tasks;
use crate::trail::{Note, Trail};
use crate::turns::Turns;
use crate::{audit, trail};

/// How often a change is decided anew because another server was faster, before the store counts as broken. Each time
/// that happens, the other one did get its change through.
const MOST_TRIES: usize = 100;

/// How long a question for readiness waits for the store: less than those who ask do.
const READY_WAIT: Duration = Duration::from_secs(1);

/// Directory, store and events, and what is done with them.
#[derive(Debug)]
pub struct Service<S> {
    directory: SharedDirectory,
    store: S,
    /// Told here of what changes nothing; of changes it is told by the store.
    trail: Option<Trail>,
    events: Events,
    metrics: Metrics,
    hub: RecordingHub,
    turns: Turns,
    tasks: Arc<Tasks>,
    health: Arc<Health>,
}

/// Where a request came from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Caller<'a> {
    /// The other end of its connection, if it came by one.
    pub address: Option<SocketAddr>,
    /// The [name](Principal::name) of whom its token belongs to, if tokens are asked for.
    pub principal: Option<&'a str>,
}

impl<'a> Caller<'a> {
    pub(crate) fn of(client: Option<&Client>, principal: Option<&'a Principal>) -> Self {
        Self { address: client.map(Client::peer), principal: principal.map(Principal::name) }
    }
}

/// What became of beginning a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Begun {
    /// It is open now.
    Opened,
    /// It was open already, and stays as it is.
    AlreadyOpen,
}

/// Why a session was not begun, or not ended.
#[derive(Debug)]
pub enum NotDone<'a> {
    /// There is no such UCC or session.
    Refused(Refusal<'a>),
    /// The store failed.
    Store(StoreError),
}

impl From<StoreError> for NotDone<'_> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<S: Store> Service<S> {
    /// A service over this directory and store.
    #[must_use]
    pub fn new(directory: Directory, store: S) -> Self {
        Self::audited(directory, store, None)
    }

    /// The same, and everything that it decides goes into the trail, which must be the store's, too.
    #[must_use]
    pub fn audited(directory: Directory, store: S, trail: Option<Trail>) -> Self {
        Self {
            directory: SharedDirectory::new(directory),
            store,
            trail,
            events: Events::new(),
            metrics: Metrics::new(),
            hub: hub::new(EventCase::default(), signalr_hub::Options::default()),
            turns: Turns::new(),
            tasks: Arc::default(),
            health: Arc::default(),
        }
    }

    /// The same, with this hub.
    #[must_use]
    pub fn with_hub(self, hub: RecordingHub) -> Self {
        Self { hub, ..self }
    }

    /// The directory in force, to be looked at or replaced.
    pub const fn directory(&self) -> &SharedDirectory {
        &self.directory
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

    /// Whether requests can be served: the store answers and takes changes, and the server is not on its way out. (A
    /// config is always in force: without one there is no service.)
    ///
    /// # Errors
    ///
    /// Why not, in one sentence.
    pub async fn ready(&self) -> Result<(), &'static str> {
        if self.health.is_ending() {
            return Err("The server is ending.");
        }
        self.healthy()?;
        let found = match timeout(READY_WAIT, self.found_ready()).await {
            Ok(found) => found,
            Err(_) => Err(StoreError::new("it does not answer in time")),
        };
        found.map_err(|error| {
            audit::store_failed("ready", &error);
            "The store does not answer, or takes no changes."
        })
    }

    async fn found_ready(&self) -> Result<(), StoreError> {
        self.store.ready().await?;
        match self.trail.as_ref().filter(|trail| trail.is_failing()).cloned() {
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

    /// The trail, if there is one.
    pub const fn trail(&self) -> Option<&Trail> {
        self.trail.as_ref()
    }

    fn trail_of_reads(&self) -> Option<&Trail> {
        self.trail.as_ref().filter(|trail| trail.has_reads())
    }

    /// The line that the store is to write before it makes a change.
    pub(crate) fn note(&self, line: impl FnOnce() -> Note) -> Note {
        if self.trail.is_some() { line() } else { Note::none() }
    }

    pub(crate) const fn tasks(&self) -> &Arc<Tasks> {
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
                let found = found.inspect_err(|error| audit::store_failed("read", error))?;
                Some(StateFacts { settings: ucc.settings, session: found.map(|found| found.state) })
            }
        };
        let reply = request.decide(facts);
        audit::state(&reply);
        if let Some(trail) = self.trail_of_reads() {
            trail.tell_read(trail::state(&reply, caller));
        }
        Ok(reply)
    }

    /// Tells whether changes are possible in a UCC.
    pub fn capabilities<'a>(&self, request: &CapabilitiesRequest<'a>, caller: Caller<'_>) -> CapabilitiesReply<'a> {
        let directory = self.directory.current();
        let reply = request.decide(directory.ucc(request.ucc).map(|ucc| ucc.settings));
        audit::capabilities(&reply);
        if let Some(trail) = self.trail_of_reads() {
            trail.tell_read(trail::capabilities(&reply, caller));
        }
        reply
    }

    /// Changes the state of a session. What this future returns is stored, and its event published.
    ///
    /// It must be polled to its end: see `api`, which does so even for clients that hang up.
    ///
    /// # Errors
    ///
    /// If the store fails: nothing was changed.
    pub async fn set<'a>(&self, request: &SetRequest<'a>, caller: Caller<'_>) -> Result<StateReply<'a>, Rejection> {
        let key = SessionKey::new(request.ucc, request.correlation_id);
        let _turn = self.turns.of(&key).await;
        for _ in 0..MOST_TRIES {
            // Facts. All of them anew each time, so that a decision never rests on old ones.
            let directory = self.directory.current();
            let ucc = directory.ucc(request.ucc);
            let found = match ucc {
                None => None,
                Some(_) => match self.store.read(&key).await {
                    Ok(found) => found,
                    Err(error) => return Err(self.not_stored(request, &error, caller)),
                },
            };
            let facts = ucc.map(|ucc| SetFacts {
                settings: ucc.settings,
                requester_is_agent: ucc.is_agent(request.requester),
                session: found.map(|found| found.state),
            });

            // Decision.
            let (pending, found) = match (request.decide(facts), found) {
                (SetDecision::Answer(answer), _) => {
                    let before = found.map(|found| found.state);
                    self.metrics.answered(request.action, answer.refusal.as_ref());
                    audit::answered(request, before, answer.refusal.as_ref());
                    if let Some(trail) = &self.trail {
                        trail.tell(trail::not_changed(&answer, request, before, caller)).await;
                    }
                    return Ok(answer.reply);
                }
                (SetDecision::Store(pending), Some(found)) => (pending, found),
                // The core changes no session that it was not shown.
                (SetDecision::Store(pending), None) => return Err(pending.not_stored()),
            };

            // Store, and before that the trail; then, and only then, event and reply.
            let note = self.note(|| trail::changed(&pending, request, caller));
            match self.store.compare_and_set(&key, Some(found.revision), Some(pending.to()), note).await {
                Ok(Swap::Stored) => {
                    self.metrics.decided(request.action, Outcome::Changed);
                    audit::changed(&pending);
                    let stored = pending.stored();
                    self.events.publish(&stored.event);
                    return Ok(stored.reply);
                }
                Ok(Swap::Conflict) => {}
                Err(error) => {
                    let _ = self.not_stored(request, &error, caller);
                    return Err(pending.not_stored());
                }
            }
        }
        Err(self.not_stored(request, &conflicts(), caller))
    }

    /// What is told when the store failed.
    fn not_stored(&self, request: &SetRequest<'_>, error: &StoreError, caller: Caller<'_>) -> Rejection {
        self.metrics.decided(request.action, Outcome::NotStored);
        audit::not_stored(request, error);
        if let Some(trail) = &self.trail {
            trail.tell_soon(trail::not_decided(request, ("not stored", Rejection::NotStored), caller));
        }
        Rejection::NotStored
    }

    /// Tells the trail of a set that its token does not allow.
    pub(crate) async fn not_permitted(&self, request: &SetRequest<'_>, caller: Caller<'_>) {
        if let Some(trail) = &self.trail {
            trail.tell(trail::not_decided(request, ("refused", Rejection::Forbidden), caller)).await;
        }
    }

    /// What an agent could do with a session in this state, by the config in force.
    pub fn possible(&self, key: &SessionKey, state: State) -> Possible {
        Possible::of(key, self.directory.current().ucc(key.ucc.borrow()).map(|ucc| ucc.settings), state)
    }

    /// Begins a session in `state`, unless it is open: then it stays as it is. Tells which, and the state it has.
    ///
    /// # Errors
    ///
    /// If there is no such UCC, or the store fails.
    pub async fn begin<'a>(
        &self,
        ucc: UccName<'a>,
        correlation_id: CorrelationId,
        state: State,
        caller: Caller<'_>,
    ) -> Result<(Begun, StateReply<'a>), NotDone<'a>> {
        let begun = self.try_begin(ucc, correlation_id, state, caller).await;
        if let Err(why) = &begun {
            self.not_done("begin", ucc, correlation_id, why, caller).await;
        }
        let (begun, state) = begun?;
        audit::begun(ucc, correlation_id, begun, state);
        if let (Begun::AlreadyOpen, Some(trail)) = (begun, &self.trail) {
            trail.tell(trail::already_open(ucc, correlation_id, state, caller)).await;
        }
        Ok((begun, StateReply { correlation_id, state, error: None, ucc }))
    }

    async fn try_begin<'a>(
        &self,
        ucc: UccName<'a>,
        correlation_id: CorrelationId,
        state: State,
        caller: Caller<'_>,
    ) -> Result<(Begun, State), NotDone<'a>> {
        self.directory.current().ucc(ucc).ok_or(NotDone::Refused(Refusal::UnknownUcc { ucc }))?;
        let key = SessionKey::new(ucc, correlation_id);
        let _turn = self.turns.of(&key).await;
        for _ in 0..MOST_TRIES {
            if let Some(found) = self.store.read(&key).await? {
                return Ok((Begun::AlreadyOpen, found.state));
            }
            let note = self.note(|| trail::begun(ucc, correlation_id, state, caller));
            if self.store.compare_and_set(&key, None, Some(state), note).await? == Swap::Stored {
                self.metrics.begun();
                return Ok((Begun::Opened, state));
            }
        }
        Err(NotDone::Store(conflicts()))
    }

    /// Ends a session and tells what becomes of its recording.
    ///
    /// # Errors
    ///
    /// If there is no such UCC or session, or the store fails.
    pub async fn end<'a>(
        &self,
        ucc: UccName<'a>,
        correlation_id: CorrelationId,
        caller: Caller<'_>,
    ) -> Result<Disposition, NotDone<'a>> {
        let ended = self.try_end(ucc, correlation_id, caller).await;
        if let Err(why) = &ended {
            self.not_done("end", ucc, correlation_id, why, caller).await;
        }
        let (state, disposition) = ended?;
        audit::ended(ucc, correlation_id, state, disposition);
        Ok(disposition)
    }

    async fn try_end<'a>(
        &self,
        ucc: UccName<'a>,
        correlation_id: CorrelationId,
        caller: Caller<'_>,
    ) -> Result<(State, Disposition), NotDone<'a>> {
        let directory = self.directory.current();
        let settings = directory.ucc(ucc).ok_or(NotDone::Refused(Refusal::UnknownUcc { ucc }))?.settings;
        let key = SessionKey::new(ucc, correlation_id);
        let _turn = self.turns.of(&key).await;
        for _ in 0..MOST_TRIES {
            let found = self.store.read(&key).await?;
            let found = found.ok_or(NotDone::Refused(Refusal::UnknownSession { correlation_id }))?;
            let disposition = settings.disposition(found.state);
            let note = self.note(|| trail::ended(ucc, correlation_id, found.state, disposition, caller));
            if self.store.compare_and_set(&key, Some(found.revision), None, note).await? == Swap::Stored {
                self.metrics.ended();
                return Ok((found.state, disposition));
            }
        }
        Err(NotDone::Store(conflicts()))
    }

    /// Tells the trail what was not begun or ended; the log hears of it where it is answered.
    async fn not_done(
        &self,
        call: &str,
        ucc: UccName<'_>,
        correlation_id: CorrelationId,
        why: &NotDone<'_>,
        caller: Caller<'_>,
    ) {
        let Some(trail) = &self.trail else { return };
        let line = |outcome, error| trail::not_done(call, ucc, correlation_id, (outcome, &error), caller);
        match why {
            NotDone::Refused(refusal) => trail.tell(line("refused", (*refusal).into())).await,
            // Perhaps for want of the trail: there is nothing to wait for.
            NotDone::Store(_) => trail.tell_soon(line("not stored", Rejection::NotStored.into())),
        }
    }
}

fn conflicts() -> StoreError {
    StoreError::new(format!("{MOST_TRIES} conflicts in a row"))
}

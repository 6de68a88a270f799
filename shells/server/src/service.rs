//! The loop of the shell: look the facts up, let the core decide, store, and only then answer and publish.

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use recording_core::{
    Answer, CapabilitiesReply, CapabilitiesRequest, CorrelationId, Disposition, Refusal, Rejection, SetDecision,
    SetFacts, SetRequest, State, StateFacts, StateReply, StateRequest, UccName,
};

use crate::audit;
use crate::directory::{Directory, SharedDirectory};
use crate::events::Events;
use crate::hub::{self, EventCase, RecordingHub};
use crate::metrics::{Metrics, Outcome};
use crate::possible::Possible;
use crate::store::{Begun, SessionKey, Store, StoreError, Swap};
use crate::tasks::Tasks;
use crate::turns::Turns;

/// How often a change is decided anew because another server was faster, before the store counts as broken. Each time
/// that happens, the other one did get its change through.
const MOST_TRIES: usize = 100;

/// Directory, store and events, and what is done with them.
#[derive(Debug)]
pub struct Service<S> {
    directory: SharedDirectory,
    store: S,
    events: Events,
    metrics: Metrics,
    hub: RecordingHub,
    turns: Turns,
    tasks: Arc<Tasks>,
    ending: AtomicBool,
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
        Self {
            directory: SharedDirectory::new(directory),
            store,
            events: Events::new(),
            metrics: Metrics::new(),
            hub: hub::new(EventCase::default(), signalr_hub::Options::default()),
            turns: Turns::new(),
            tasks: Arc::default(),
            ending: AtomicBool::new(false),
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
        self.ending.store(true, Ordering::Release);
    }

    /// Whether requests can be served: the store answers and takes changes, and the server is not on its way out. (A
    /// config is always in force: without one there is no service.)
    ///
    /// # Errors
    ///
    /// Why not, in one sentence.
    pub async fn ready(&self) -> Result<(), &'static str> {
        if self.ending.load(Ordering::Acquire) {
            return Err("The server is ending.");
        }
        self.store.ready().await.map_err(|error| {
            audit::store_failed("ready", &error);
            "The store does not answer, or takes no changes."
        })
    }

    /// Who listens to them.
    pub const fn hub(&self) -> &RecordingHub {
        &self.hub
    }

    pub(crate) const fn tasks(&self) -> &Arc<Tasks> {
        &self.tasks
    }

    /// Reads the state of a session.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub async fn state<'a>(&self, request: &StateRequest<'a>) -> Result<StateReply<'a>, StoreError> {
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
        Ok(reply)
    }

    /// Tells whether changes are possible in a UCC.
    pub fn capabilities<'a>(&self, request: &CapabilitiesRequest<'a>) -> CapabilitiesReply<'a> {
        let directory = self.directory.current();
        let reply = request.decide(directory.ucc(request.ucc).map(|ucc| ucc.settings));
        audit::capabilities(&reply);
        reply
    }

    /// Changes the state of a session. What this future returns is stored, and its event published.
    ///
    /// It must be polled to its end: see `api`, which does so even for clients that hang up.
    ///
    /// # Errors
    ///
    /// If the store fails: nothing was changed.
    pub async fn set<'a>(&self, request: &SetRequest<'a>) -> Result<StateReply<'a>, Rejection> {
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
                    Err(error) => return Err(self.not_stored(request, &error)),
                },
            };
            let facts = ucc.map(|ucc| SetFacts {
                settings: ucc.settings,
                requester_is_agent: ucc.is_agent(request.requester),
                session: found.map(|found| found.state),
            });

            // Decision.
            let (pending, found) = match (request.decide(facts), found) {
                (SetDecision::Answer(Answer { reply, refusal }), _) => {
                    self.metrics.answered(request.action, refusal.as_ref());
                    audit::answered(request, found.map(|found| found.state), refusal.as_ref());
                    return Ok(reply);
                }
                (SetDecision::Store(pending), Some(found)) => (pending, found),
                // The core changes no session that it was not shown.
                (SetDecision::Store(pending), None) => return Err(pending.not_stored()),
            };

            // Store; then, and only then, event and reply.
            match self.store.compare_and_set(&key, found.revision, pending.to()).await {
                Ok(Swap::Stored) => {
                    self.metrics.decided(request.action, Outcome::Changed);
                    audit::changed(&pending);
                    let stored = pending.stored();
                    self.events.publish(&stored.event);
                    return Ok(stored.reply);
                }
                Ok(Swap::Conflict) => {}
                Err(error) => {
                    let _ = self.not_stored(request, &error);
                    return Err(pending.not_stored());
                }
            }
        }
        Err(self.not_stored(request, &StoreError::new(format!("{MOST_TRIES} conflicts in a row"))))
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
    ) -> Result<(Begun, StateReply<'a>), NotDone<'a>> {
        self.directory.current().ucc(ucc).ok_or(NotDone::Refused(Refusal::UnknownUcc { ucc }))?;
        let key = SessionKey::new(ucc, correlation_id);
        let _turn = self.turns.of(&key).await;
        let begun = self.store.begin(&key, state).await?;
        let state = match begun {
            Begun::Opened => {
                self.metrics.begun();
                state
            }
            Begun::AlreadyOpen(state) => state,
        };
        audit::begun(ucc, correlation_id, begun, state);
        Ok((begun, StateReply { correlation_id, state, error: None, ucc }))
    }

    /// Ends a session and tells what becomes of its recording.
    ///
    /// # Errors
    ///
    /// If there is no such UCC or session, or the store fails.
    pub async fn end<'a>(&self, ucc: UccName<'a>, correlation_id: CorrelationId) -> Result<Disposition, NotDone<'a>> {
        let directory = self.directory.current();
        let settings = directory.ucc(ucc).ok_or(NotDone::Refused(Refusal::UnknownUcc { ucc }))?.settings;
        let key = SessionKey::new(ucc, correlation_id);
        let _turn = self.turns.of(&key).await;
        let state = self.store.end(&key).await?;
        let state = state.ok_or(NotDone::Refused(Refusal::UnknownSession { correlation_id }))?;
        self.metrics.ended();
        let disposition = settings.disposition(state);
        audit::ended(ucc, correlation_id, state, disposition);
        Ok(disposition)
    }
    /// What is told when the store failed before there was anything to store.
    fn not_stored(&self, request: &SetRequest<'_>, error: &StoreError) -> Rejection {
        self.metrics.decided(request.action, Outcome::NotStored);
        audit::not_stored(request, error);
        Rejection::NotStored
    }
}

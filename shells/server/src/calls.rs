//! Call control: sessions begun and ended.

use recording_core::decide::Refusal;
use recording_core::state::Disposition;
use recording_core::wire::{CorrelationId, StateReply, UccName};
use recording_core::{Settings, State};

use crate::caller::Caller;
use crate::ended::disposition;
pub use crate::occurrence::NotDone;
use crate::occurrence::{Change, Occurrence};
use crate::recorder::{Bind, CallData};
use crate::service::{MOST_TRIES, Service, conflicts};
use crate::session::SessionKey;
use crate::store::{Store, StoreError, Swap};

/// What became of beginning a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Begun {
    /// It is open now.
    Opened,
    /// It was open already, and stays as it is.
    AlreadyOpen,
}

/// What became of a session that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It was open in this state.
    Now(State, Disposition),
    /// It had ended before.
    Before(Disposition),
}

impl<S: Store> Service<S> {
    /// Begins a session in `state`, unless it is open: then it stays as it is. Tells which, and the state it has.
    ///
    /// Like `set` it must be polled to its end.
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
        self.begin_call(ucc, correlation_id, (state, None), caller).await
    }

    /// The same, with what the UCC's recorder needs to know of the call.
    ///
    /// # Errors
    ///
    /// If there is no such UCC, the store fails, or the recorder cannot do with what is said of the call.
    pub async fn begin_call<'a>(
        &self,
        ucc: UccName<'a>,
        correlation_id: CorrelationId,
        (state, call): (State, Option<&CallData>),
        caller: Caller<'_>,
    ) -> Result<(Begun, StateReply<'a>), NotDone<'a>> {
        let key = &SessionKey::new(ucc, correlation_id);
        let begun = self.try_begin(ucc, key, (state, call), caller).await;
        let driver = self.recorders().driver(key);
        let recorder = driver.as_ref().map(|driver| &*driver.call().binding.recorder);
        let occurrence = match &begun {
            &Ok((Begun::Opened, state)) => Occurrence::Changed(Change::Begin { key, state, recorder }),
            &Ok((Begun::AlreadyOpen, state)) => Occurrence::AlreadyOpen { key, state },
            Err(why) => Occurrence::NotBegun { key, why },
        };
        self.observe(&occurrence, caller).await;
        let (begun, state) = begun?;
        Ok((begun, StateReply { correlation_id, state, error: None, ucc }))
    }

    async fn try_begin<'a>(
        &self,
        ucc: UccName<'a>,
        key: &SessionKey,
        (state, call): (State, Option<&CallData>),
        caller: Caller<'_>,
    ) -> Result<(Begun, State), NotDone<'a>> {
        let directory = self.directory().current();
        let recording = &directory.ucc(ucc).ok_or(NotDone::Refused(Refusal::UnknownUcc { ucc }))?.recording;
        for _ in 0..MOST_TRIES {
            let turn = self.session_locks().lock(key).await;
            let latest = self.store().latest(key).await?;
            if let Some(found) = &latest.found {
                drop(turn);
                if self.is_stored(key, &latest).await? {
                    if found.session.bound().is_some() {
                        // One that was begun by a request which does not know of it is driven from now on.
                        self.driver(key).await?;
                    }
                    return Ok((Begun::AlreadyOpen, self.is_same_call(key, found, call)?));
                }
                continue;
            }
            if let Some(recorder) = &recording.recorder {
                let with = (&**recorder, recording.resume);
                // Boxed, so that the futures of all other requests need no room for it.
                let begun = Box::pin(self.begin_bound(key, (state, call), with, caller)).await;
                drop(turn);
                match begun? {
                    Bind::Opened(state) => {
                        self.ended().forget(key);
                        return Ok((Begun::Opened, state));
                    }
                    Bind::Again => continue,
                }
            }
            if call.is_some_and(|call| !call.is_empty()) {
                return Err(NotDone::BadCall("Recorder: this UCC has no recorder.".to_owned()));
            }
            let note = self.note(&Change::Begin { key, state, recorder: None }, caller);
            let (swap, telling) = self.store_change(turn, key, (None, Some(state.into()), note)).await?;
            if swap == Swap::Stored {
                // What became of an earlier session of this id is not what becomes of this one.
                if !self.is_shared() {
                    self.ended().forget(key);
                }
                drop(telling);
                return Ok((Begun::Opened, state));
            }
        }
        Err(NotDone::Store(conflicts()))
    }

    /// Ends a session and tells what becomes of its recording. Asked again within a minute, it tells the same, unless the
    /// session was begun again in between.
    ///
    /// A session can be ended whose UCC is not in the config any more. What the UCC wanted done with a recording that no
    /// agent decided on is not known then, and it is kept.
    ///
    /// Like `set` it must be polled to its end.
    ///
    /// # Errors
    ///
    /// If there is no such session, or the store fails.
    pub async fn end<'a>(
        &self,
        ucc: UccName<'a>,
        correlation_id: CorrelationId,
        caller: Caller<'_>,
    ) -> Result<Disposition, NotDone<'a>> {
        let key = &SessionKey::new(ucc, correlation_id);
        let ended = self.try_end(ucc, key, caller).await;
        let occurrence = match &ended {
            &Ok(End::Now(state, disposition)) => Occurrence::Changed(Change::End { key, state, disposition }),
            &Ok(End::Before(disposition)) => Occurrence::AlreadyEnded { key, disposition },
            Err(why) => Occurrence::NotEnded { key, why },
        };
        self.observe(&occurrence, caller).await;
        ended.map(|(End::Now(_, disposition) | End::Before(disposition))| disposition)
    }

    async fn try_end<'a>(&self, ucc: UccName<'a>, key: &SessionKey, caller: Caller<'_>) -> Result<End, NotDone<'a>> {
        for _ in 0..MOST_TRIES {
            let turn = self.session_locks().lock(key).await;
            let settings = self.directory().current().ucc(ucc).map(|ucc| ucc.settings);
            let latest = self.store().latest(key).await?;
            let Some(found) = latest.found else {
                let storing = self.store().until_stored(key, &latest);
                // It tells what was told before, so it takes its place behind those who told that.
                let (swap, _telling) = turn.stored(storing).await;
                if swap? == Swap::Conflict {
                    continue;
                }
                // Its begin and its end may be another server's.
                self.store().reported().await?;
                return self.ended_before(key, settings, ucc);
            };
            if found.session.bound().is_some() {
                drop(turn);
                match self.end_recorded(ucc, key, caller).await? {
                    Some((state, disposition)) => return Ok(End::Now(state, disposition)),
                    None => match self.closing(key).await? {
                        Some(disposition) => return Ok(End::Before(disposition)),
                        None => continue,
                    },
                }
            }
            let state = found.session.kept_state();
            let disposition = disposition(settings, state);
            let note = self.note(&Change::End { key, state, disposition }, caller);
            let (swap, telling) = self.store_change(turn, key, (Some(found.revision), None, note)).await?;
            if swap == Swap::Stored {
                // What other servers begin and end is reported in its order, and this end with it.
                if !self.is_shared() {
                    self.ended().remember(key.clone(), disposition);
                }
                drop(telling);
                return Ok(End::Now(state, disposition));
            }
        }
        Err(NotDone::Store(conflicts()))
    }

    /// What became of a session that is not open.
    fn ended_before<'a>(
        &self,
        key: &SessionKey,
        settings: Option<Settings>,
        ucc: UccName<'a>,
    ) -> Result<End, NotDone<'a>> {
        let refusal = match settings {
            Some(_) => Refusal::UnknownSession { correlation_id: key.correlation_id },
            None => Refusal::UnknownUcc { ucc },
        };
        self.ended().disposition(key).map(End::Before).ok_or(NotDone::NothingToEnd(refusal))
    }

    async fn end_recorded(
        &self,
        ucc: UccName<'_>,
        key: &SessionKey,
        caller: Caller<'_>,
    ) -> Result<Option<(State, Disposition)>, StoreError> {
        match self.driver(key).await? {
            Some(driver) => Box::pin(self.end_bound(&driver, ucc, caller)).await,
            None => Ok(None),
        }
    }

    /// What becomes of the recording of a session that has ended, and whose recorder is still being stopped.
    async fn closing(&self, key: &SessionKey) -> Result<Option<Disposition>, StoreError> {
        let found = self.store().read(key).await?;
        Ok(found.and_then(|found| found.session.bound()?.kept.closing()))
    }
}

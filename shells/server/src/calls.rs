//! Call control: sessions begun and ended.

use recording_core::State;
use recording_core::decide::Refusal;
use recording_core::state::Disposition;
use recording_core::wire::{CorrelationId, ErrorMessage, Rejection, StateReply, UccName};

use crate::service::{Caller, MOST_TRIES, Service, conflicts};
use crate::store::{SessionKey, Store, StoreError, Storing, Swap};
use crate::{audit, log};

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
    /// There is no such UCC.
    Refused(Refusal<'a>),
    /// There is no such session, nor did one end in the last minute.
    NothingToEnd(Refusal<'a>),
    /// The store failed.
    Store(StoreError),
}

impl From<StoreError> for NotDone<'_> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl NotDone<'_> {
    /// Shows what the client is told.
    pub(crate) fn tell<T>(&self, show: impl FnOnce(ErrorMessage<'_>) -> T) -> T {
        match self {
            Self::Refused(refusal) => show((*refusal).into()),
            Self::NothingToEnd(refusal) => {
                let text = format!(
                    "{refusal} Of one that ended more than a minute ago, the audit trail says what became of its recording."
                );
                show(ErrorMessage::new(refusal.error_type(), &text))
            }
            Self::Store(_) => show(Rejection::NotStored.into()),
        }
    }
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
        let begun = self.try_begin(ucc, correlation_id, state, caller).await;
        if let Err(why) = &begun {
            self.not_done("begin", ucc, correlation_id, why, caller).await;
        }
        let (begun, state) = begun?;
        if let (Begun::AlreadyOpen, Some(trail)) = (begun, self.trail()) {
            trail.tell(audit::already_open(ucc, correlation_id, state, caller)).await;
        }
        log::begun(ucc, correlation_id, begun, state);
        Ok((begun, StateReply { correlation_id, state, error: None, ucc }))
    }

    async fn try_begin<'a>(
        &self,
        ucc: UccName<'a>,
        correlation_id: CorrelationId,
        state: State,
        caller: Caller<'_>,
    ) -> Result<(Begun, State), NotDone<'a>> {
        self.directory().current().ucc(ucc).ok_or(NotDone::Refused(Refusal::UnknownUcc { ucc }))?;
        let key = SessionKey::new(ucc, correlation_id);
        for _ in 0..MOST_TRIES {
            let turn = self.turns().of(&key).await;
            let latest = self.store().latest(&key).await?;
            if let Some(found) = latest.found {
                drop(turn);
                if self.is_stored(&latest).await? {
                    return Ok((Begun::AlreadyOpen, found.state));
                }
                continue;
            }
            let note = self.note(|| audit::begun(ucc, correlation_id, state, caller));
            let (swap, telling) = self.store_change(turn, &key, (None, Some(state), note)).await?;
            if swap == Swap::Stored {
                // What became of an earlier session of this id is not what becomes of this one.
                self.ended().forget(&key);
                drop(telling);
                self.metrics().begun();
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
        let ended = self.try_end(ucc, correlation_id, caller).await;
        if let Err(why) = &ended {
            self.not_done("end", ucc, correlation_id, why, caller).await;
        }
        match ended? {
            End::Now(state, disposition) => {
                log::ended(ucc, correlation_id, state, disposition);
                Ok(disposition)
            }
            End::Before(disposition) => {
                if let Some(trail) = self.trail() {
                    trail.tell(audit::already_ended(ucc, correlation_id, disposition, caller)).await;
                }
                log::already_ended(ucc, correlation_id, disposition);
                Ok(disposition)
            }
        }
    }

    async fn try_end<'a>(
        &self,
        ucc: UccName<'a>,
        correlation_id: CorrelationId,
        caller: Caller<'_>,
    ) -> Result<End, NotDone<'a>> {
        let key = SessionKey::new(ucc, correlation_id);
        for _ in 0..MOST_TRIES {
            let turn = self.turns().of(&key).await;
            let settings = self.directory().current().ucc(ucc).map(|ucc| ucc.settings);
            let latest = self.store().latest(&key).await?;
            let Some(found) = latest.found else {
                let storing = latest.not_yet.map(|revision| self.store().until_stored(revision));
                // It tells what was told before, so it takes its place behind those who told that.
                let (swap, _telling) = turn.stored(storing.unwrap_or(Storing::known(Swap::Stored))).await;
                if swap? == Swap::Conflict {
                    continue;
                }
                let refusal = match settings {
                    Some(_) => Refusal::UnknownSession { correlation_id },
                    None => Refusal::UnknownUcc { ucc },
                };
                return self.ended().disposition(&key).map(End::Before).ok_or(NotDone::NothingToEnd(refusal));
            };
            let disposition = match settings {
                Some(settings) => settings.disposition(found.state),
                // OURS: evidence is not thrown away on a guess.
                None => Disposition::of(found.state, true),
            };
            let note = self.note(|| audit::ended(ucc, correlation_id, found.state, disposition, caller));
            let (swap, telling) = self.store_change(turn, &key, (Some(found.revision), None, note)).await?;
            if swap == Swap::Stored {
                self.ended().remember(key, disposition);
                drop(telling);
                self.metrics().ended();
                return Ok(End::Now(found.state, disposition));
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
        let Some(trail) = self.trail() else { return };
        let line = |outcome| why.tell(|error| audit::not_done(call, ucc, correlation_id, (outcome, &error), caller));
        match why {
            NotDone::Refused(_) | NotDone::NothingToEnd(_) => trail.tell(line("refused")).await,
            // Perhaps for want of the trail: there is nothing to wait for.
            NotDone::Store(_) => trail.tell_soon(line("not stored")),
        }
    }
}

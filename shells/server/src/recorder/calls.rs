//! Sessions with a recorder, begun and ended.

use std::sync::Arc;

use recording_core::State;
use recording_core::recorder::{Input, Machine, Outcome, ResumePolicy, Step};
use recording_core::state::Disposition;
use recording_core::wire::UccName;
use serde_json::{Map, Value};

use super::clock;
use super::driver::Driver;
use super::registry::Entered;
use crate::audit::Note;
use crate::caller::Caller;
use crate::occurrence::{Change, NotDone, Occurrence, Recorded};
use crate::service::Service;
use crate::session::{Binding, Bound, Found, Session, SessionKey};
use crate::store::{Store, StoreError, Swap};

/// What the call's side says of the call, if it says something.
pub type CallData = Map<String, Value>;

/// What came of trying to begin a session with a recorder.
pub(crate) enum Bind {
    /// It is open now, in this state.
    Opened(State),
    /// Another session was there first: look again.
    Again,
}

impl<S: Store> Service<S> {
    /// Begins a session with the recorder of this name.
    pub(crate) async fn begin_bound<'a>(
        &self,
        key: &SessionKey,
        (state, data): (State, Option<&CallData>),
        (recorder, resume): (&str, ResumePolicy),
        caller: Caller<'_>,
    ) -> Result<Bind, NotDone<'a>> {
        let none = CallData::new();
        let binding = binding(recorder, data.unwrap_or(&none))?;
        let Some(Entered { recorder, .. }) = self.recorders().entered(recorder) else {
            return Err(NotDone::NoRecorder(recorder.into()));
        };
        let id = recorder.call_id(key, data.unwrap_or(&none)).map_err(NotDone::BadCall)?;
        let channel = recorder.capabilities().channel;
        let call = super::port::Call { key: key.clone(), id, binding: Arc::new(binding) };
        let Some(driver) = self.recorders().add(call).map_err(|taken| NotDone::CallTaken(taken.call))? else {
            // It is on its way out of the store, or into this server: what comes of that is known when its turn is free.
            if let Some(other) = self.recorders().driver(key) {
                drop(other.urgent().await);
            }
            return Ok(Bind::Again);
        };
        // Others that look for this session wait until it is known what becomes of it.
        let mut turn = driver.urgent().await;
        let begun = self.store_begun(&driver, (state, resume, channel), &mut turn, caller).await;
        // One that may have been stored is driven: its task finds out.
        if !matches!(begun, Ok(Bind::Opened(_))) && turn.unsure.is_none() {
            self.recorders().remove(&driver);
            return begun;
        }
        drop(turn);
        self.recorders().begun(&driver);
        begun
    }

    async fn store_begun<'a>(
        &self,
        driver: &Driver,
        (state, resume, channel): (State, ResumePolicy, recording_core::recorder::Channel),
        inner: &mut super::driver::Inner,
        caller: Caller<'_>,
    ) -> Result<Bind, NotDone<'a>> {
        let key = &driver.call().key;
        let done = match Machine::begin(state, resume, self.store().epoch().await?, channel) {
            Step::Done(done) => done,
            Step::Store(pending) => {
                let Some(kept) = pending.to_store() else { return Ok(Bind::Again) };
                let session =
                    Session::Bound(Arc::new(Bound { kept: *kept, binding: Arc::clone(&driver.call().binding) }));
                let recorder = Some(&*driver.call().binding.recorder);
                let note = self.note(&Change::Begin { key, state: kept.state(), recorder }, caller);
                let stored = match self.store().compare_and_set(key, None, Some(session), note).await {
                    Ok(Swap::Stored) => self.learn_revision(driver, inner).await,
                    Ok(Swap::Conflict) => return Ok(Bind::Again),
                    Err(error) => Err(error),
                };
                match stored {
                    Ok(()) => pending.stored(),
                    Err(error) => {
                        inner.unsure = error.is_unknown().then(|| pending.unknown());
                        return Err(error.into());
                    }
                }
            }
        };
        let begun = done.machine.as_ref().map_or(state, |machine| machine.kept().state());
        inner.outbox = done.sending;
        inner.machine = done.machine;
        driver.follow(inner);
        Ok(Bind::Opened(begun))
    }

    /// Whether a session that is open may be begun once more: with the same data, and not while it closes.
    pub(crate) fn is_same_call<'a>(
        &self,
        key: &SessionKey,
        found: &Found,
        data: Option<&CallData>,
    ) -> Result<State, NotDone<'a>> {
        let Some(state) = found.session.state() else { return Err(NotDone::Closing) };
        let is_same = match (found.session.bound(), data) {
            (_, None) => true,
            (None, Some(data)) => data.is_empty(),
            (Some(bound), Some(data)) => {
                let known: CallData = serde_json::from_str(&bound.binding.call).unwrap_or_default();
                let call = |data: &CallData| {
                    let entered = self.recorders().entered(&bound.binding.recorder)?;
                    entered.recorder.call_id(key, data).ok()
                };
                known == *data || (call(&known).is_some() && call(&known) == call(data))
            }
        };
        if is_same { Ok(state) } else { Err(NotDone::OtherCall) }
    }

    /// Ends a session with a recorder. `None` if it is over, or closing, already.
    pub(crate) async fn end_bound(
        &self,
        driver: &Driver,
        ucc: UccName<'_>,
        caller: Caller<'_>,
    ) -> Result<Option<(State, Disposition)>, StoreError> {
        let mut turn = driver.urgent().await;
        let settings = self.settings(ucc);
        // OURS: evidence is not thrown away on a guess.
        let save_recording_by_default = settings.is_none_or(|settings| settings.save_recording_by_default);
        let key = &driver.call().key;
        let ended = self
            .drive(
                driver,
                &mut turn,
                |machine| machine.step(Input::End { save_recording_by_default }, clock::now()),
                |_, inner| {
                    let Some(machine) = &inner.machine else { return Note::none() };
                    let state = machine.kept().state();
                    let disposition = Disposition::of(state, save_recording_by_default);
                    self.note(&Change::End { key, state, disposition }, caller)
                },
            )
            .await?;
        let state = ended.filter(|ended| matches!(ended.outcome, Outcome::Closing | Outcome::Ended));
        let Some(state) = state.map(|ended| ended.before.state()) else { return Ok(None) };
        let disposition = Disposition::of(state, save_recording_by_default);
        // Under the turn: who asks again finds it.
        self.ended().remember(key.clone(), disposition);
        Ok(Some((state, disposition)))
    }

    /// Ends all holds of a session. False if it has none, or none is open.
    ///
    /// # Errors
    ///
    /// If the store fails: they are as they were.
    pub async fn release_holds(&self, key: &SessionKey, caller: Caller<'_>) -> Result<bool, StoreError> {
        self.by_call_side(key, Input::ReleaseHolds, Outcome::Changed, caller).await
    }

    /// Gives up a session that is closing, since its recorder no longer exists. False if none is.
    ///
    /// # Errors
    ///
    /// If the store fails: it is closing still.
    pub async fn release(&self, key: &SessionKey, caller: Caller<'_>) -> Result<bool, StoreError> {
        self.by_call_side(key, Input::Release, Outcome::Ended, caller).await
    }

    async fn by_call_side(
        &self,
        key: &SessionKey,
        input: Input,
        success: Outcome,
        caller: Caller<'_>,
    ) -> Result<bool, StoreError> {
        let Some(driver) = self.driver(key).await? else { return Ok(false) };
        let mut turn = driver.urgent().await;
        let (ucc, recorder) = (key.ucc.to_ref(), &*driver.call().binding.recorder);
        let settled = self
            .drive(
                &driver,
                &mut turn,
                |machine| machine.step(input, clock::now()),
                |pending, inner| {
                    let Some(machine) = &inner.machine else { return Note::none() };
                    let holds = &self.holds_change(ucc, machine.kept(), pending.to_store());
                    let (before, after, outcome) = (machine.kept().state(), pending.state(), pending.outcome());
                    let of = Recorded { recorder, number: None, holds };
                    self.note(&Change::ByCallSide { key, before, after, outcome, of }, caller)
                },
            )
            .await?;
        drop(turn);
        let Some(settled) = settled.filter(|settled| settled.outcome == success) else { return Ok(false) };
        let (before, after) = (settled.before.state(), settled.after.map(|kept| kept.state()));
        let holds = &self.holds_change(ucc, &settled.before, settled.after.as_ref());
        let of = Recorded { recorder, number: None, holds };
        let change = Change::ByCallSide { key, before, after, outcome: settled.outcome, of };
        self.observe(&Occurrence::Changed(change), caller).await;
        Ok(true)
    }
}

/// What is fixed when a session begins.
fn binding<'a>(recorder: &str, data: &CallData) -> Result<Binding, NotDone<'a>> {
    let call = Value::Object(data.clone()).to_string();
    if call.len() > Binding::CALL_MAX {
        let reason = format!("Recorder: it is longer than {} bytes", Binding::CALL_MAX);
        return Err(NotDone::BadCall(reason));
    }
    Ok(Binding { recorder: recorder.into(), call: call.into() })
}

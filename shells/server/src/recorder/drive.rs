//! A step carried out: stored, published, sent, answered, in this order. What comes next is had from the core only when what
//! comes before is done.

use std::sync::Arc;

use recording_core::recorder::{Flight, Kept, Machine, NumbersUsedUp, Order, Outcome, PendingStep, Step};
use recording_core::{Action, Event, State};

use super::clock;
use super::driver::{Alarm, Driver, Inner};
use crate::audit::Note;
use crate::service::{MOST_TRIES, Service, conflicts};
use crate::session::{Bound, Session};
use crate::store::{Store, StoreError, Swap};

/// What has come of an input.
#[derive(Debug)]
pub(super) struct Settled<R> {
    pub(super) outcome: Outcome,
    pub(super) before: Kept,
    /// `None` if the session is over.
    pub(super) after: Option<Kept>,
    /// The alarm that was raised, or that has ended by this.
    pub(super) alarm: Option<Alarm>,
    pub(super) reply: R,
}

impl<S: Store> Service<S> {
    /// Gives an input to a session and carries out what comes of it. `None` if the session is over.
    ///
    /// # Errors
    ///
    /// If the store fails. The session is as it was then, or is read again before its next input, if the store does not know
    /// whether it stored what the input came to. The input can be given again.
    pub(super) async fn drive<R>(
        &self,
        driver: &Driver,
        inner: &mut Inner,
        input: impl Fn(Machine) -> Result<Step<R>, NumbersUsedUp>,
        note: impl Fn(&PendingStep<R>, &Inner) -> Note,
    ) -> Result<Option<Settled<R>>, StoreError> {
        for _ in 0..MOST_TRIES {
            self.settle(driver, inner).await?;
            // A copy: if this future is dropped or the store fails, the session is as it was.
            let Some(machine) = inner.machine.clone() else { return Ok(None) };
            let before = *machine.kept();
            let step = match input(machine) {
                Ok(step) => step,
                Err(NumbersUsedUp(machine)) => {
                    inner.machine = Some(machine.renew(self.store().epoch().await?));
                    continue;
                }
            };
            let done = match step {
                Step::Done(done) => done,
                Step::Store(pending) => {
                    if pending.outcome() == Outcome::Alarm {
                        // Its line has the times.
                        inner.alarm.get_or_insert(alarm(driver, &before));
                    }
                    let note = note(&pending, inner);
                    match self.store_kept(driver, inner, pending.to_store(), note).await {
                        Ok(Swap::Stored) => pending.stored(),
                        Ok(Swap::Conflict) => {
                            let found = self.reread(driver, inner).await?;
                            self.found(driver, inner, found.map(|kept| pending.conflict(kept)));
                            continue;
                        }
                        Err(error) if error.is_unknown() => {
                            inner.unsure = Some(pending.unknown());
                            driver.wake.notify_one();
                            return Err(error);
                        }
                        Err(error) => return Err(error),
                    }
                }
            };
            let (outcome, after) = (done.outcome, done.machine.as_ref().map(|machine| *machine.kept()));
            if let Some(action) = done.event {
                self.publish(driver, action);
            }
            inner.outbox = done.sending.or(inner.outbox);
            if let Some(answers) = &done.answers {
                inner.answer(answers);
            }
            inner.machine = done.machine;
            let alarm = follow_alarm(driver, inner, outcome, &before);
            driver.follow(inner);
            if inner.machine.is_none() {
                inner.over();
                self.recorders().remove(driver);
            }
            return Ok(Some(Settled { outcome, before, after, alarm, reply: done.reply }));
        }
        Err(conflicts())
    }

    /// Reads a session again of which the store did not know whether a step was stored.
    pub(super) async fn settle(&self, driver: &Driver, inner: &mut Inner) -> Result<(), StoreError> {
        if inner.unsure.is_none() {
            return Ok(());
        }
        // Still unsure if this fails, or is dropped.
        let found = self.reread(driver, inner).await?;
        if let Some(unsure) = inner.unsure.take() {
            self.found(driver, inner, found.map(|kept| unsure.found(kept)));
        }
        Ok(())
    }

    /// The session as it was read again; `None` if it is gone.
    fn found(&self, driver: &Driver, inner: &mut Inner, found: Option<Machine>) {
        // What has not been sent, and is not in flight to the machine, either, it sends again by itself.
        let is_in_flight = |machine: &Machine| {
            matches!(machine.flight(), Some(Flight::Flying | Flight::OldFlying)) && machine.to_drain().is_none()
        };
        if !found.as_ref().is_some_and(is_in_flight) {
            inner.outbox = None;
        }
        match found {
            Some(machine) => inner.machine = Some(machine),
            None => {
                inner.over();
                self.recorders().remove(driver);
            }
        }
        driver.follow(inner);
    }

    /// Stores what is to be kept of a session, or removes it.
    pub(super) async fn store_kept(
        &self,
        driver: &Driver,
        inner: &mut Inner,
        kept: Option<&Kept>,
        note: Note,
    ) -> Result<Swap, StoreError> {
        let call = driver.call();
        let bound = |kept: &Kept| Session::Bound(Arc::new(Bound { kept: *kept, binding: Arc::clone(&call.binding) }));
        let swap = self.store().compare_and_set(&call.key, Some(inner.revision), kept.map(bound), note).await?;
        if swap == Swap::Stored && kept.is_some() {
            self.learn_revision(driver, inner).await?;
        }
        Ok(swap)
    }

    /// The revision of what was stored just now. If that cannot be read, it is as if it were not known what was stored.
    pub(super) async fn learn_revision(&self, driver: &Driver, inner: &mut Inner) -> Result<(), StoreError> {
        match self.store().read(&driver.call().key).await {
            Ok(Some(found)) => inner.revision = found.revision,
            Ok(None) => {}
            Err(error) => return Err(StoreError::unknown(format!("stored, and not read again: {error}"))),
        }
        Ok(())
    }

    /// The session as it is stored; `None` if it is not there.
    async fn reread(&self, driver: &Driver, inner: &mut Inner) -> Result<Option<Kept>, StoreError> {
        let Some(found) = self.store().read(&driver.call().key).await? else { return Ok(None) };
        inner.revision = found.revision;
        Ok(found.session.bound().map(|bound| bound.kept))
    }

    fn publish(&self, driver: &Driver, action: Action) {
        let key = &driver.call().key;
        self.events().publish(&Event { ucc: key.ucc.to_ref(), correlation_id: key.correlation_id, action });
    }
}

/// Keeps the times of an alarm: when silence was last known, when recording was found, and, by what is returned when silence
/// is confirmed again or a client asks for a Start, between which times audio is to be found and purged.
fn follow_alarm(driver: &Driver, inner: &mut Inner, outcome: Outcome, before: &Kept) -> Option<Alarm> {
    let now = clock::unix_ms();
    match outcome {
        Outcome::Alarm => {
            inner.alarm.get_or_insert(alarm(driver, before));
            inner.alarm
        }
        // From here on what is recorded is wanted.
        Outcome::Ordered if inner.machine.as_ref().is_some_and(|machine| machine.order() == Some(Order::Record)) => {
            inner.alarm.take()
        }
        Outcome::CarriedOut | Outcome::Confirmed => {
            let is_silent = inner.machine.as_ref().is_some_and(|machine| is_silent(machine.kept().state()));
            if !is_silent {
                return None;
            }
            driver.viewed().silence_confirmed_at_ms = Some(now);
            inner.alarm.take()
        }
        _ => None,
    }
}

/// The alarm that is raised now.
fn alarm(driver: &Driver, before: &Kept) -> Alarm {
    let last_silent_ms = driver.viewed().silence_confirmed_at_ms.or(before.paused_since_ms());
    Alarm { last_silent_ms, found_ms: clock::unix_ms() }
}

/// Whether this state says that nothing is being written.
const fn is_silent(state: State) -> bool {
    use recording_core::state::RecordingState::{Paused, Stopped};
    matches!(state.recording(), Paused | Stopped)
}

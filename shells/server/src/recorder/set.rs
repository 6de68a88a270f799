//! A `set` of a session with a recorder: it is answered with success after the recorder has confirmed it.

use recording_core::decide::Decision;
use recording_core::recorder::{Outcome, SetFacts, Verdict, Waiting};
use recording_core::wire::{Rejection, SetRequest, StateReply};
use recording_core::{Action, State};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::driver::{Alarm, Driver};
use crate::audit::Note;
use crate::caller::Caller;
use crate::directory::{Directory, Ucc};
use crate::occurrence::{Change, HoldsChange, Occurrence, Recorded};
use crate::service::Service;
use crate::store::Store;

impl<S: Store> Service<S> {
    /// Changes the state of a session with a recorder. `None` if it has just ended: then it must be looked up again.
    ///
    /// Like `set` it must be polled to its end.
    pub(crate) async fn set_bound<'a>(
        &self,
        driver: &Driver,
        request: &SetRequest<'a>,
        caller: Caller<'_>,
    ) -> Result<Option<StateReply<'a>>, Rejection> {
        let is_urgent = matches!(request.action, Action::Pause | Action::Stop);
        let mut turn = if is_urgent { driver.urgent().await } else { driver.in_line().await };
        let directory = self.directory().current();
        let Some(facts) = self.facts(&directory, driver, request) else {
            drop(turn);
            return self.refused_unread(request, caller).await.map(Some);
        };
        let ucc = directory.ucc(request.ucc);
        if let Some(ucc) = ucc {
            self.remember_holder(ucc, request.requester);
        }
        let holder_is_agent = |holder| self.holder_counts(ucc, holder);
        let settled = self
            .drive(
                driver,
                &mut turn,
                |machine| machine.set(request, &facts, holder_is_agent),
                |pending, inner| {
                    let Some(machine) = &inner.machine else { return Note::none() };
                    let before = machine.kept().state();
                    let after = pending.state().unwrap_or(before);
                    let holds = self.holds_change(request.ucc, machine.kept(), pending.to_store());
                    let of = recorded(driver, &holds);
                    // A Start ends the alarm that there is; what else is ordered does not.
                    let is_start = pending.outcome() == Outcome::Ordered && request.action == Action::Start;
                    let alarm = inner.alarm.filter(|_| is_start);
                    self.note(&change(request, (before, after), (pending.outcome(), alarm), of), caller)
                },
            )
            .await;
        let settled = match settled {
            Ok(Some(settled)) => settled,
            Ok(None) => return Ok(None),
            Err(error) => {
                drop(turn);
                return Err(self.not_stored(request, &error, caller).await);
            }
        };
        let (outcome, before) = (settled.outcome, settled.before.state());
        let after = settled.after.map_or(before, |kept| kept.state());
        let holds = self.holds_change(request.ucc, &settled.before, settled.after.as_ref());
        let of = recorded(driver, &holds);
        match settled.reply {
            Verdict::Wait(waiting) => {
                let told = turn.wait(waiting.requester());
                drop(turn);
                self.observe(
                    &Occurrence::Changed(change(request, (before, after), (outcome, settled.alarm), of)),
                    caller,
                )
                .await;
                let reply = self.answer(driver, waiting, told).await;
                let reply = reply.map_or_else(|| ended(request, &facts), Ok)?;
                self.observe(&Occurrence::Answered { request, reply: &reply }, caller).await;
                Ok(Some(reply))
            }
            Verdict::Reply { reply, refusal } => {
                drop(turn);
                // A session that closes is one that the API does not find.
                let found = (outcome != Outcome::NoSession).then_some(before);
                let occurrence = match (&refusal, outcome) {
                    (Some(refusal), _) => Occurrence::Refused { request, state: found, refusal },
                    (None, Outcome::Changed) => {
                        Occurrence::Changed(change(request, (before, after), (outcome, settled.alarm), of))
                    }
                    (None, Outcome::Unchanged) => Occurrence::Unchanged { request, state: found },
                    (None, _) => Occurrence::Answered { request, reply: &reply },
                };
                self.observe(&occurrence, caller).await;
                Ok(Some(reply))
            }
            // Whatever else the core may come to say, it is no success.
            _ => Err(Rejection::NotStored),
        }
    }

    /// Waits for the answer, for as long as a `set` may.
    async fn answer<'a>(
        &self,
        driver: &Driver,
        waiting: Waiting<'a>,
        mut told: oneshot::Receiver<recording_core::recorder::Answer>,
    ) -> Option<StateReply<'a>> {
        if let Ok(Ok(answer)) = timeout(self.recorders().patience(), &mut told).await {
            return Some(waiting.answer(&answer));
        }
        // A store that stands still keeps the turn. That must not keep the caller: the pause is not confirmed, which is true
        // of what was known last.
        let turn = timeout(self.recorders().patience(), driver.urgent()).await;
        // It may have come while this waited for its turn.
        if let Ok(answer) = told.try_recv() {
            return Some(waiting.answer(&answer));
        }
        drop(told);
        let Ok(mut turn) = turn else {
            return driver.last().as_mut().map(|machine| waiting.time_out(machine));
        };
        turn.forget_gone();
        turn.machine.as_mut().map(|machine| waiting.time_out(machine))
    }

    /// The facts that the change is decided by; `None` if there is no such UCC.
    fn facts(&self, directory: &Directory, driver: &Driver, request: &SetRequest<'_>) -> Option<SetFacts> {
        let ucc = directory.ucc(request.ucc)?;
        // Nothing can be sent before the session has its call.
        let has_call = driver.claimed().is_some() || self.recorders().claim(driver).is_ok();
        let is_possible = has_call && self.recorders().is_possible(&driver.call().binding.recorder, request.action);
        Some(SetFacts {
            settings: ucc.settings,
            requester_is_agent: ucc.is_agent(request.requester),
            requester: Ucc::holder(request.requester),
            is_possible,
        })
    }

    /// The reply of a UCC that is gone since the session was found.
    async fn refused_unread<'a>(
        &self,
        request: &SetRequest<'a>,
        caller: Caller<'_>,
    ) -> Result<StateReply<'a>, Rejection> {
        match request.decide(None) {
            Decision::Reply(answer) => Ok(self.answered(answer, request, None, caller).await),
            Decision::Change(pending) => Err(pending.abort()),
        }
    }
}

/// What a step of a `set` stores.
const fn change<'a>(
    request: &'a SetRequest<'a>,
    (before, after): (State, State),
    (outcome, alarm): (Outcome, Option<Alarm>),
    of: Recorded<'a>,
) -> Change<'a> {
    match outcome {
        Outcome::Changed => Change::Set { request, before, after },
        outcome => Change::Ordered { request, before, after, outcome, alarm, of },
    }
}

fn recorded<'a>(driver: &'a Driver, holds: &'a HoldsChange) -> Recorded<'a> {
    Recorded { recorder: &driver.call().binding.recorder, number: None, holds }
}

/// The reply if the session ended while the request waited, and nothing answered it.
fn ended<'a>(request: &SetRequest<'a>, facts: &SetFacts) -> Result<StateReply<'a>, Rejection> {
    let facts = recording_core::decide::SetFacts {
        settings: facts.settings,
        requester_is_agent: facts.requester_is_agent,
        session: None,
    };
    match request.decide(Some(facts)) {
        Decision::Reply(answer) => Ok(answer.reply),
        // The core changes no session that it was not shown.
        Decision::Change(pending) => Err(pending.abort()),
    }
}

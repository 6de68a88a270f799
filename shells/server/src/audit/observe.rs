//! What the trail does with each occurrence: which line it writes, and who waits for it.

use recording_core::recorder::Outcome;

use super::line::recorded;
use super::{Note, Trail, line};
use crate::caller::Caller;
use crate::occurrence::{Change, NotDone, Occurrence};

impl Trail {
    /// The line that must be on disk before this change is made, for the store to write.
    pub(crate) fn note(change: &Change<'_>, caller: Caller<'_>) -> Note {
        match change {
            Change::Set { request, before, after } => line::changed(request, (*before, *after), caller),
            Change::Begin { key, state, recorder } => line::begun(key, *state, *recorder, caller),
            Change::End { key, state, disposition } => line::ended(key, *state, *disposition, caller),
            Change::Ordered { request, before, after, outcome, alarm, of } => {
                recorded::ordered(request, (*before, *after), (*outcome, *alarm, *of), caller)
            }
            Change::ByRecorder { key, order, before, after, outcome, alarm, of } => {
                recorded::by_recorder(key, *order, (*before, *after), (*outcome, *alarm, *of))
            }
            Change::ByCallSide { key, before, after, outcome, of } => {
                recorded::by_call_side(key, (*before, *after), (*outcome, *of), caller)
            }
        }
    }

    /// Writes the line of something that changed nothing. Refusals and repeats wait for their line as long as a change
    /// would; failures of the store and reads do not wait.
    pub(crate) async fn observe(&self, occurrence: &Occurrence<'_>, caller: Caller<'_>) {
        match occurrence {
            // The store wrote the line before it made the change: see `note`.
            Occurrence::Changed(_) => {}
            Occurrence::Unchanged { request, state } => self.tell(line::unchanged(request, *state, caller)).await,
            Occurrence::Refused { request, state, refusal } => {
                self.tell(line::refused(request, *state, refusal, caller)).await;
            }
            Occurrence::Answered { request, reply } => self.tell(recorded::answered(request, reply, caller)).await,
            // Repeats that confirm what is known would fill the trail.
            Occurrence::Recorder(change) => {
                if let Change::ByRecorder { outcome, .. } = change
                    && is_worth_a_line(*outcome)
                {
                    self.tell_soon(Self::note(change, caller).into_line());
                }
            }
            Occurrence::Overdue { key, recorder, since_ms, limit } => {
                self.tell_soon(recorded::overdue((key, recorder), *since_ms, *limit));
            }
            // Perhaps because of the trail: there is nothing to wait for.
            Occurrence::NotStored { request, error } => self.tell_soon(line::not_stored(request, error, caller)),
            Occurrence::NotPermitted { request, .. } => self.tell(line::not_permitted(request, caller)).await,
            Occurrence::AlreadyOpen { key, state } => self.tell(line::already_open(key, *state, caller)).await,
            Occurrence::AlreadyEnded { key, disposition } => {
                self.tell(line::already_ended(key, *disposition, caller)).await;
            }
            Occurrence::NotBegun { key, why } => self.not_done(line::not_done("begin", key, why, caller), why).await,
            Occurrence::NotEnded { key, why } => self.not_done(line::not_done("end", key, why, caller), why).await,
            Occurrence::StateRead(reply) => {
                if self.has_reads() {
                    self.tell_read(line::state(reply, caller));
                }
            }
            Occurrence::CapabilitiesRead(reply) => {
                if self.has_reads() {
                    self.tell_read(line::capabilities(reply, caller));
                }
            }
        }
    }

    async fn not_done(&self, line: Vec<u8>, why: &NotDone<'_>) {
        match why {
            NotDone::Refused(_) | NotDone::NothingToEnd(_) => self.tell(line).await,
            NotDone::BadCall(_)
            | NotDone::NoRecorder(_)
            | NotDone::CallTaken(_)
            | NotDone::OtherCall
            | NotDone::Closing => self.tell(line).await,
            NotDone::Store(_) => self.tell_soon(line),
        }
    }
}

/// Whether something that changed nothing is evidence.
const fn is_worth_a_line(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::CarriedOut
            | Outcome::NotCarriedOut
            | Outcome::NotConfirmed
            | Outcome::NoSuchCall
            | Outcome::Alarm
            | Outcome::Again
    )
}

//! Lines about sessions with a recorder.

use core::time::Duration;
use std::time::UNIX_EPOCH;

use humantime::{Rfc3339Timestamp, format_rfc3339_millis};
use recording_core::State;
use recording_core::recorder::{Order, Outcome};
use recording_core::wire::{SetRequest, StateReply};

use super::{AuditLine, Note, Shown};
use crate::caller::Caller;
use crate::occurrence::Recorded;
use crate::recorder::{Alarm, outcome_name};
use crate::session::SessionKey;

/// The last moment that can be written, of the year 9999: of a later one `humantime` makes an error.
const LAST_MS: u64 = 253_402_300_799_999;

/// A moment as the times of lines are.
fn at(unix_ms: u64) -> Shown<Rfc3339Timestamp> {
    Shown(format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(unix_ms.min(LAST_MS))))
}

/// A set, before what it orders is stored.
pub(in crate::audit) fn ordered(
    request: &SetRequest<'_>,
    (before, after): (State, State),
    (outcome, alarm, of): (Outcome, Option<Alarm>, Recorded<'_>),
    caller: Caller<'_>,
) -> Note {
    AuditLine {
        order: Order::of(request.action).map(Order::name),
        before: Some(Shown(before)),
        after: Some(Shown(after)),
        last_silent: alarm.and_then(|alarm| alarm.last_silent_ms).map(at),
        found_recording: alarm.map(|alarm| at(alarm.found_ms)),
        ..AuditLine::set(request, outcome_name(outcome), caller)
    }
    .recorded(of)
    .note()
}

/// A set that is answered: with success only if the recorder has confirmed it.
pub(in crate::audit) fn answered(request: &SetRequest<'_>, reply: &StateReply<'_>, caller: Caller<'_>) -> Vec<u8> {
    let line = |outcome| AuditLine { after: Some(Shown(reply.state)), ..AuditLine::set(request, outcome, caller) };
    match &reply.error {
        None => line("confirmed").written(),
        Some(error) => line("not done").failed(error).written(),
    }
}

/// What a recorder said or did, before what it changes is stored.
pub(in crate::audit) fn by_recorder(
    key: &SessionKey,
    order: Option<Order>,
    (before, after): (State, Option<State>),
    (outcome, alarm, of): (Outcome, Option<Alarm>, Recorded<'_>),
) -> Note {
    AuditLine {
        order: order.map(Order::name),
        before: Some(Shown(before)),
        after: after.map(Shown),
        last_silent: alarm.and_then(|alarm| alarm.last_silent_ms).map(at),
        found_recording: alarm.map(|alarm| at(alarm.found_ms)),
        ..AuditLine::new("recorder", outcome_name(outcome), Caller::default()).of_key(key)
    }
    .recorded(of)
    .note()
}

/// The call's side ended holds, or gave up a session that was closing.
pub(in crate::audit) fn by_call_side(
    key: &SessionKey,
    (before, after): (State, Option<State>),
    (outcome, of): (Outcome, Recorded<'_>),
    caller: Caller<'_>,
) -> Note {
    let (before, after) = (Some(Shown(before)), after.map(Shown));
    let line = AuditLine { before, after, ..AuditLine::new("release", outcome_name(outcome), caller).of_key(key) };
    line.recorded(of).note()
}

/// A pause that has reached its limit.
pub(in crate::audit) fn overdue(
    (key, recorder): (&SessionKey, &str),
    since_ms: Option<u64>,
    limit: Duration,
) -> Vec<u8> {
    AuditLine {
        recorder: Some(recorder),
        paused_since: since_ms.map(at),
        limit_seconds: Some(limit.as_secs()),
        ..AuditLine::new("recorder", "overdue", Caller::default()).of_key(key)
    }
    .written()
}

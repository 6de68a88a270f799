//! What the lines of the trail say.
//!
//! Each is one JSON object with `Time`, `Call` and `Outcome`, and of the rest what there is to say, in the order of [`AuditLine`]:
//! see `docs/audit.md`. serde writes them. By hand is only the revision at the end of a [`Note`]: it is known when the change
//! has its turn in the store, long after the line.

#[cfg_attr(not(feature = "etcd"), allow(dead_code, reason = "no store in this build is shared"))]
pub(super) mod intent;
pub(super) mod recorded;

use core::net::SocketAddr;
use std::borrow::Cow;
use std::io::Write as _;

use humantime::Rfc3339Timestamp;
use recording_core::decide::Refusal;
use recording_core::recorder::Number;
use recording_core::state::Disposition;
use recording_core::wire::{CapabilitiesReply, ErrorMessage, Rejection, SetRequest, StateReply};
use recording_core::wire::{CorrelationId, UccName};
use recording_core::{Action, State};
use serde::{Serialize, Serializer};

use super::{Revisions, json, time};
use crate::caller::Caller;
use crate::mask::{masked, masked_in};
use crate::occurrence::{NotDone, Recorded};
use crate::session::SessionKey;
use crate::store_error::StoreError;

/// What stands before the revision, at the end of a line.
pub(super) const REVISION: &str = r#","Revision":"#;

/// What says that a change was not made.
pub(super) const WITHDRAWN: &str = r#""Outcome":"withdrawn""#;

/// What says that a server has started, and with which store.
pub(super) const STARTED: &str = r#""Outcome":"started""#;
pub(super) const STORE_ID: &str = r#""StoreId":"#;

/// What says that a server goes on: written now and then, so that the next start need not read far.
pub(super) const RUNNING: &str = r#""Outcome":"running""#;

/// What says that a line is about the server itself.
pub(super) const OF_SERVER: &str = r#""Call":"server""#;

/// What stands before the last revision that the store had. All lines before it with a greater revision are withdrawn.
pub(super) const STORED: &str = r#""StoredRevision":"#;

/// What a store is to keep or to write of a change besides the session.
///
/// That is the line of the trail, which lacks its end: the revision that a store on disk will give it. It is empty if there is
/// no trail. A store that reports changes keeps the action as well.
#[derive(Debug, Clone, Default)]
pub struct Note {
    /// The line up to its outcome.
    head: Vec<u8>,
    /// The outcome, if the change is made.
    outcome: &'static str,
    action: Option<Action>,
}

impl Note {
    /// No line is to be written, and no action made the change.
    #[must_use]
    pub const fn none() -> Self {
        Self { head: Vec::new(), outcome: "", action: None }
    }

    /// The same of a change that this action makes.
    #[must_use]
    pub fn because_of(self, action: Action) -> Self {
        Self { action: Some(action), ..self }
    }

    /// The action that makes the change; `None` if a session begins or ends.
    #[must_use]
    pub const fn action(&self) -> Option<Action> {
        self.action
    }

    /// Whether no line is to be written.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.head.is_empty()
    }

    /// The note whose line says all this, and then the outcome.
    fn of(line: &impl Serialize, outcome: &'static str) -> Self {
        let mut head = json::written(line);
        // The bracket that closes it.
        head.pop();
        Self { head, outcome, action: None }
    }

    /// The whole line, of a change that nothing can withdraw.
    pub(crate) fn into_line(self) -> Vec<u8> {
        let mut line = Vec::new();
        if !self.is_none() {
            self.push_head(&mut line);
            line.extend_from_slice(END);
        }
        line
    }

    /// Appends everything but what comes after the outcome.
    fn push_head(&self, lines: &mut Vec<u8>) {
        lines.extend_from_slice(&self.head);
        lines.extend_from_slice(OUTCOME.as_bytes());
        lines.extend_from_slice(self.outcome.as_bytes());
        lines.push(b'"');
    }

    /// Appends the whole line to others.
    pub(crate) fn push_line(&self, revision: u64, lines: &mut Vec<u8>) {
        if !self.is_none() {
            self.push_head(lines);
            lines.extend_from_slice(REVISION.as_bytes());
            // Writing to a vector cannot fail.
            let _ = write!(lines, "{revision}");
            lines.extend_from_slice(END);
        }
    }
}

/// What stands before the outcome, in a line that is not written by serde alone.
const OUTCOME: &str = r#","Outcome":""#;

/// What every line begins with.
pub(super) const BEGINNING: &[u8] = br#"{"Time":""#;

/// What every line ends with.
const END: &[u8] = b"}\n";

/// A line. Its members are written in this order.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AuditLine<'a> {
    time: Shown<Rfc3339Timestamp>,
    call: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_address: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requester_sip_uri: Option<Cow<'a, str>>,
    #[serde(rename = "UCCName", skip_serializing_if = "Option::is_none")]
    ucc_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<Shown<CorrelationId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recorder: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Shown<State>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Shown<State>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disposition: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    holds_made: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    holds_lost: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    last_silent: Option<Shown<Rfc3339Timestamp>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    found_recording: Option<Shown<Rfc3339Timestamp>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paused_since: Option<Shown<Rfc3339Timestamp>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_seconds: Option<u64>,
    /// Not there in a [`Note`], which has it apart.
    #[serde(skip_serializing_if = "str::is_empty")]
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_type: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_can_edit_recordings: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    open: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stored_revision: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<u64>,
}

/// Something that is written as its text.
struct Shown<T>(T);

impl Serialize for Shown<Rfc3339Timestamp> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

// Formatting these by their `Display` costs more than writing them.

impl Serialize for Shown<CorrelationId> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.hyphenated().as_str())
    }
}

impl Serialize for Shown<State> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(state) = self;
        let names = [state.recording().name(), state.marking().name(), state.saving().name()];
        serializer.serialize_str(&names.join("/"))
    }
}

impl<'a> AuditLine<'a> {
    fn new(call: &'a str, outcome: &'static str, caller: Caller<'a>) -> Self {
        Self {
            time: Shown(time::now()),
            call,
            remote_address: caller.address,
            principal: caller.principal,
            version: None,
            store: None,
            record: None,
            action: None,
            requester_sip_uri: None,
            ucc_name: None,
            correlation_id: None,
            recorder: None,
            order: None,
            number: None,
            before: None,
            after: None,
            disposition: None,
            holds_made: &[],
            holds_lost: &[],
            last_silent: None,
            found_recording: None,
            paused_since: None,
            limit_seconds: None,
            outcome,
            error_type: None,
            message: None,
            agent_can_edit_recordings: None,
            lines: None,
            store_id: None,
            open: None,
            stored_revision: None,
            revision: None,
        }
    }

    fn set(request: &'a SetRequest<'_>, outcome: &'static str, caller: Caller<'a>) -> Self {
        Self {
            record: Some(request.action.audit_name()),
            action: Some(request.action.name()),
            requester_sip_uri: Some(masked(request.requester.as_str())),
            ..Self::new("set", outcome, caller).of(request.ucc, request.correlation_id)
        }
    }

    /// About this session.
    fn of(self, ucc: UccName<'a>, correlation_id: CorrelationId) -> Self {
        Self { ucc_name: Some(ucc.as_str()), correlation_id: Some(Shown(correlation_id)), ..self }
    }

    fn of_key(self, key: &'a SessionKey) -> Self {
        self.of(key.ucc.to_ref(), key.correlation_id)
    }

    /// With this recorder, and what became of holds.
    fn recorded(self, Recorded { recorder, number, holds }: Recorded<'a>) -> Self {
        Self {
            recorder: Some(recorder),
            number: number.map(Number::get),
            holds_made: &holds.made,
            holds_lost: &holds.lost,
            ..self
        }
    }

    fn failed(self, error: &ErrorMessage<'_>) -> Self {
        Self { error_type: Some(error.error_type().code()), message: Some(error.to_string()), ..self }
    }

    fn written(&self) -> Vec<u8> {
        let mut line = json::written(self);
        line.push(b'\n');
        line
    }

    /// The line of a change, which still lacks its revision.
    fn note(mut self) -> Note {
        let outcome = core::mem::take(&mut self.outcome);
        Note::of(&self, outcome)
    }
}

/// The line of a change that was not made, which says first why.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Withdrawal<'a> {
    time: Shown<Rfc3339Timestamp>,
    call: &'a str,
    message: &'a str,
}

/// A set that changes the state, before it is stored.
pub(super) fn changed(request: &SetRequest<'_>, (before, after): (State, State), caller: Caller<'_>) -> Note {
    let (before, after) = (Some(Shown(before)), Some(Shown(after)));
    AuditLine { before, after, ..AuditLine::set(request, "changed", caller) }.note()
}

/// A set that is a repeat, and is accepted.
pub(super) fn unchanged(request: &SetRequest<'_>, state: Option<State>, caller: Caller<'_>) -> Vec<u8> {
    AuditLine { before: state.map(Shown), ..AuditLine::set(request, "unchanged", caller) }.written()
}

/// A set that a rule refuses.
pub(super) fn refused(
    request: &SetRequest<'_>,
    state: Option<State>,
    refusal: &Refusal<'_>,
    caller: Caller<'_>,
) -> Vec<u8> {
    let line = AuditLine::set(request, "refused", caller).failed(&ErrorMessage::from(*refusal));
    let message = line.message.as_deref().map(|text| masked_in(text, request.requester.as_str()).into_owned());
    AuditLine { before: state.map(Shown), message, ..line }.written()
}

/// A set that could not be stored, or of which that is not known.
pub(super) fn not_stored(request: &SetRequest<'_>, error: &StoreError, caller: Caller<'_>) -> Vec<u8> {
    let (outcome, rejection) = match error.is_unknown() {
        false => ("not stored", Rejection::NotStored),
        true => ("unknown", Rejection::not_known(request.action)),
    };
    AuditLine::set(request, outcome, caller).failed(&rejection.into()).written()
}

/// A set that its token does not allow.
pub(super) fn not_permitted(request: &SetRequest<'_>, caller: Caller<'_>) -> Vec<u8> {
    AuditLine::set(request, "refused", caller).failed(&Rejection::Forbidden.into()).written()
}

/// A session that was open already.
pub(super) fn already_open(key: &SessionKey, state: State, caller: Caller<'_>) -> Vec<u8> {
    AuditLine { before: Some(Shown(state)), ..AuditLine::new("begin", "already open", caller).of_key(key) }.written()
}

/// A session that had ended before.
pub(super) fn already_ended(key: &SessionKey, disposition: Disposition, caller: Caller<'_>) -> Vec<u8> {
    AuditLine { disposition: Some(disposition.name()), ..AuditLine::new("end", "already ended", caller).of_key(key) }
        .written()
}

/// A session that was not begun or ended.
pub(super) fn not_done(call: &str, key: &SessionKey, why: &NotDone<'_>, caller: Caller<'_>) -> Vec<u8> {
    let outcome = match why {
        NotDone::Refused(_) | NotDone::NothingToEnd(_) => "refused",
        NotDone::BadCall(_)
        | NotDone::NoRecorder(_)
        | NotDone::CallTaken(_)
        | NotDone::OtherCall
        | NotDone::Closing => "refused",
        NotDone::Store(error) if error.is_unknown() => "unknown",
        NotDone::Store(_) => "not stored",
    };
    let line = AuditLine::new(call, outcome, caller).of_key(key);
    why.with_error(|error| line.failed(&error)).written()
}

/// A read of a state.
pub(super) fn state(reply: &StateReply<'_>, caller: Caller<'_>) -> Vec<u8> {
    let line = |outcome| AuditLine::new("state", outcome, caller).of(reply.ucc, reply.correlation_id);
    match &reply.error {
        None => AuditLine { before: Some(Shown(reply.state)), ..line("read") }.written(),
        Some(error) => line("refused").failed(error).written(),
    }
}

/// A question for capabilities.
pub(super) fn capabilities(reply: &CapabilitiesReply<'_>, caller: Caller<'_>) -> Vec<u8> {
    let line =
        |outcome| AuditLine { ucc_name: Some(reply.ucc.as_str()), ..AuditLine::new("capabilities", outcome, caller) };
    match &reply.error {
        None => {
            let agent_can_edit_recordings = Some(reply.agent_can_edit_recordings);
            AuditLine { agent_can_edit_recordings, ..line("read") }.written()
        }
        Some(error) => line("refused").failed(error).written(),
    }
}

/// A session that begins, before it is stored.
pub(super) fn begun(key: &SessionKey, state: State, recorder: Option<&str>, caller: Caller<'_>) -> Note {
    AuditLine { after: Some(Shown(state)), recorder, ..AuditLine::new("begin", "opened", caller).of_key(key) }.note()
}

/// A session that ends, before that is stored.
pub(super) fn ended(key: &SessionKey, state: State, disposition: Disposition, caller: Caller<'_>) -> Note {
    let (before, disposition) = (Some(Shown(state)), Some(disposition.name()));
    AuditLine { before, disposition, ..AuditLine::new("end", "ended", caller).of_key(key) }.note()
}

/// A server that starts, goes on or ends, and where it keeps sessions; if in a file, with what is known of its revisions.
pub(super) fn server(outcome: &'static str, store: &str, revisions: Option<Revisions>) -> Vec<u8> {
    AuditLine {
        version: Some(env!("CARGO_PKG_VERSION")),
        store: Some(store),
        store_id: revisions.map(|revisions| revisions.id),
        stored_revision: revisions.map(|revisions| revisions.stored),
        revision: revisions.map(|revisions| revisions.given),
        ..AuditLine::new("server", outcome, Caller::default())
    }
    .written()
}

/// So many lines before this one are not there.
pub(super) fn lost(lines: u64) -> Vec<u8> {
    AuditLine { lines: Some(lines), ..AuditLine::new("server", "lost", Caller::default()) }.written()
}

/// A change whose line was written and that was not made.
pub(super) fn withdrawn(revision: u64, reason: &str, lines: &mut Vec<u8>) {
    let withdrawal = Withdrawal { time: Shown(time::now()), call: "store", message: reason };
    Note::of(&withdrawal, "withdrawn").push_line(revision, lines);
}

//! The log: one line for each decision, made of what the core understood of a request.
//!
//! Headers never come here, so no credential can be logged. Texts from outside are logged as `str` values, which the
//! formatter puts in quotes and escapes: none of them can break a line or forge another.

use core::net::SocketAddr;

use recording_core::recorder::{Number, Order, Outcome};
use recording_core::wire::Rejection;
use tracing::{debug, error, info, warn};

use crate::caller::{Caller, RequestLine};
use crate::mask::masked;
use crate::occurrence::{Change, Occurrence};
use crate::reason::Reason;
use crate::recorder::outcome_name;
use crate::session::SessionKey;
use crate::store_error::StoreError;

const TARGET: &str = "recording";

/// A line about a set: what was asked, then what became of it.
macro_rules! set {
    ($level:ident, $request:expr, $($fate:tt)*) => {
        $level!(
            target: TARGET,
            record = $request.action.audit_name(),
            action = $request.action.name(),
            ucc = $request.ucc.as_str(),
            correlation_id = %$request.correlation_id,
            requester = &*masked($request.requester.as_str()),
            $($fate)*
        )
    };
}

/// A line about another call for a session.
macro_rules! session {
    ($level:ident, $call:literal, $ucc:expr, $correlation_id:expr, $($fate:tt)*) => {
        $level!(target: TARGET, call = $call, ucc = $ucc.as_str(), correlation_id = %$correlation_id, $($fate)*)
    };
}

/// Logs what happened.
pub(crate) fn observe(occurrence: &Occurrence<'_>, caller: Caller<'_>) {
    match occurrence {
        Occurrence::Changed(Change::Set { request, before, after }) => {
            set!(info, request, outcome = "changed", from = %before, to = %after);
        }
        Occurrence::Changed(Change::Begin { key, state, recorder }) => {
            session!(info, "begin", key.ucc, key.correlation_id, outcome = "opened", %state, recorder);
        }
        Occurrence::AlreadyOpen { key, state } => {
            session!(info, "begin", key.ucc, key.correlation_id, outcome = "already open", %state);
        }
        Occurrence::Changed(Change::End { key, state, disposition }) => {
            let disposition = disposition.name();
            session!(info, "end", key.ucc, key.correlation_id, outcome = "ended", %state, disposition);
        }
        Occurrence::AlreadyEnded { key, disposition } => {
            let disposition = disposition.name();
            session!(info, "end", key.ucc, key.correlation_id, outcome = "already ended", disposition);
        }
        Occurrence::Unchanged { request, state } => {
            set!(info, request, outcome = "unchanged", state = state.map(tracing::field::display));
        }
        Occurrence::Refused { request, state, refusal } => {
            let (reason, state) = (Reason::of(refusal).name(), state.map(tracing::field::display));
            set!(info, request, outcome = "refused", reason, state);
        }
        Occurrence::NotStored { request, error } => {
            let outcome = if error.is_unknown() { "unknown" } else { "not stored" };
            set!(error, request, outcome, reason = error.to_string());
        }
        Occurrence::Changed(Change::Ordered { request, before, after, outcome, of, .. }) => {
            let recorder = of.recorder;
            set!(info, request, recorder, outcome = outcome_name(*outcome), from = %before, to = %after);
        }
        Occurrence::Answered { request, reply } => match &reply.error {
            None => set!(info, request, outcome = "confirmed", state = %reply.state),
            Some(error) => {
                set!(warn, request, outcome = "not done", reason = error.to_string(), state = %reply.state);
            }
        },
        Occurrence::Changed(change @ (Change::ByRecorder { .. } | Change::ByCallSide { .. })) => recorder(change),
        Occurrence::Recorder(change) => recorder(change),
        Occurrence::Overdue { key, recorder, limit, .. } => {
            let limit_seconds = limit.as_secs();
            session!(warn, "recorder", key.ucc, key.correlation_id, recorder, outcome = "overdue", limit_seconds);
        }
        Occurrence::NotPermitted { line, .. } => {
            kept_out(*line, Rejection::Forbidden.status(), caller.principal, "token for another requester");
        }
        // Logged where it is answered, with the path that was asked for.
        Occurrence::NotBegun { .. } | Occurrence::NotEnded { .. } => {}
        Occurrence::StateRead(reply) => {
            let outcome = if reply.error.is_some() { "refused" } else { "read" };
            session!(debug, "state", reply.ucc, reply.correlation_id, outcome, state = %reply.state);
        }
        Occurrence::CapabilitiesRead(reply) => debug!(
            target: TARGET,
            call = "capabilities",
            ucc = reply.ucc.as_str(),
            outcome = if reply.error.is_some() { "refused" } else { "read" },
            agent_can_edit = reply.agent_can_edit_recordings,
        ),
    }
}

/// What a recorder said or did, or the call's side did about one.
fn recorder(change: &Change<'_>) {
    let (call, key, order, before, after, outcome, of) = match change {
        Change::ByRecorder { key, order, before, after, outcome, of, .. } => {
            ("recorder", key, order.map(Order::name), before, after, *outcome, of)
        }
        Change::ByCallSide { key, before, after, outcome, of } => ("release", key, None, before, after, *outcome, of),
        Change::Set { .. } | Change::Begin { .. } | Change::End { .. } | Change::Ordered { .. } => return,
    };
    macro_rules! line {
        ($level:ident) => {
            $level!(
                target: TARGET,
                call,
                ucc = key.ucc.as_str(),
                correlation_id = %key.correlation_id,
                recorder = of.recorder,
                order,
                number = of.number.map(Number::get),
                outcome = outcome_name(outcome),
                from = %before,
                to = after.as_ref().map(tracing::field::display),
            )
        };
    }
    match outcome {
        Outcome::Alarm | Outcome::NotCarriedOut | Outcome::NotConfirmed | Outcome::NoSuchCall => line!(warn),
        Outcome::Sent | Outcome::Confirmed | Outcome::AsKnown | Outcome::Ignored | Outcome::Landed => line!(debug),
        _ => line!(info),
    }
}

/// A request that was not understood.
pub(crate) fn rejected(RequestLine { method, path, peer }: RequestLine<'_>, rejection: &Rejection) {
    info!(
        target: TARGET,
        method,
        path,
        peer = peer.map(tracing::field::display),
        outcome = "rejected",
        status = rejection.status(),
        reason = rejection.to_string(),
    );
}

/// A request that did not arrive, or not in time.
pub(crate) fn not_arrived(RequestLine { method, path, peer }: RequestLine<'_>, status: u16, reason: &str) {
    let peer = peer.map(tracing::field::display);
    info!(target: TARGET, method, path, peer, outcome = "rejected", status, reason);
}

/// The store failed at something else than a set.
pub(crate) fn store_failed(call: &str, error: &StoreError) {
    error!(target: TARGET, call, outcome = "store failed", reason = error.to_string());
}

/// A session with a recorder for which nothing can be sent at present.
pub(crate) fn not_driven(key: &SessionKey, reason: &str) {
    session!(warn, "recorder", key.ucc, key.correlation_id, outcome = "not driven", reason);
}

/// A client that sent too many frames of HTTP/2 that are no requests.
pub(crate) fn calmed(peer: SocketAddr) {
    info!(target: TARGET, outcome = "kept out", %peer, reason = "too many frames without a request");
}

/// A client that speaks plain HTTP where TLS is spoken.
pub(crate) fn plain_http(peer: SocketAddr) {
    info!(target: TARGET, outcome = "kept out", status = 400, %peer, reason = "plain HTTP where TLS is spoken");
}

/// A request that was kept out for what its caller is, not for what it asks.
pub(crate) fn kept_out(line: RequestLine<'_>, status: u16, principal: Option<&str>, reason: &str) {
    let RequestLine { method, path, peer } = line;
    info!(
        target: TARGET,
        method,
        path,
        outcome = "kept out",
        status,
        peer = peer.map(tracing::field::display),
        principal,
        reason,
    );
}

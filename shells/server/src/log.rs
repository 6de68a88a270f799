//! What is logged: one line for each decision, made of what the core understood of a request.
//!
//! Headers never come here, so no credential can be logged. Texts from outside are logged as `str` values, which the
//! formatter puts in quotes and escapes: none of them can break a line or forge another.

use core::net::SocketAddr;

use axum::http::request::Parts;
use axum::http::{Method, Uri};
use recording_core::State;
use recording_core::decide::Refusal;
use recording_core::state::Disposition;
use recording_core::wire::{CapabilitiesReply, CorrelationId, Rejection, SetRequest, StateReply, UccName};
use tracing::{debug, error, info};

use crate::mask::masked;
use crate::net::Client;
use crate::service::Begun;
use crate::store::StoreError;

const TARGET: &str = "recording";

/// A set that changed the state.
pub(crate) fn changed(request: &SetRequest<'_>, (from, to): (State, State)) {
    info!(
        target: TARGET,
        record = request.action.audit_name(),
        action = request.action.name(),
        ucc = request.ucc.as_str(),
        correlation_id = %request.correlation_id,
        requester = &*masked(request.requester.as_str()),
        outcome = "changed",
        %from,
        %to,
    );
}

/// A set that changed nothing: a repeat, or a refusal.
pub(crate) fn answered(request: &SetRequest<'_>, state: Option<State>, refusal: Option<&Refusal<'_>>) {
    info!(
        target: TARGET,
        record = request.action.audit_name(),
        action = request.action.name(),
        ucc = request.ucc.as_str(),
        correlation_id = %request.correlation_id,
        requester = &*masked(request.requester.as_str()),
        outcome = if refusal.is_some() { "refused" } else { "unchanged" },
        reason = refusal.map(reason),
        state = state.map(tracing::field::display),
    );
}

/// A set that could not be stored.
pub(crate) fn not_stored(request: &SetRequest<'_>, error: &StoreError) {
    error!(
        target: TARGET,
        record = request.action.audit_name(),
        action = request.action.name(),
        ucc = request.ucc.as_str(),
        correlation_id = %request.correlation_id,
        requester = &*masked(request.requester.as_str()),
        outcome = "not stored",
        reason = error.to_string(),
    );
}

/// All that [`reason`] says.
pub(crate) const REASONS: [&str; 9] = [
    "unknown UCC",
    "not licensed",
    "UseAudioRecording is off",
    "AgentCanEditAudioRecording is off",
    "not an agent",
    "unknown session",
    "not allowed in this state",
    "repeat",
    "other",
];

/// The refusal in a word: its text would only say again what the other fields say.
pub(crate) const fn reason(refusal: &Refusal<'_>) -> &'static str {
    match refusal {
        Refusal::UnknownUcc { .. } => "unknown UCC",
        Refusal::NotLicensed { .. } => "not licensed",
        Refusal::AudioRecordingOff { .. } => "UseAudioRecording is off",
        Refusal::EditingOff { .. } => "AgentCanEditAudioRecording is off",
        Refusal::NotAnAgent { .. } => "not an agent",
        Refusal::UnknownSession { .. } => "unknown session",
        Refusal::NotAllowed { .. } => "not allowed in this state",
        Refusal::Repeat { .. } => "repeat",
        _ => "other",
    }
}

/// A read of a state.
pub(crate) fn state(reply: &StateReply<'_>) {
    debug!(
        target: TARGET,
        call = "state",
        ucc = reply.ucc.as_str(),
        correlation_id = %reply.correlation_id,
        outcome = if reply.error.is_some() { "refused" } else { "read" },
        state = %reply.state,
    );
}

/// A question for capabilities.
pub(crate) fn capabilities(reply: &CapabilitiesReply<'_>) {
    debug!(
        target: TARGET,
        call = "capabilities",
        ucc = reply.ucc.as_str(),
        outcome = if reply.error.is_some() { "refused" } else { "read" },
        agent_can_edit = reply.agent_can_edit_recordings,
    );
}

/// What a request asked for and where it came from, so that its sender can be found. Its query is left out: it may hold a
/// token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    method: &'a str,
    path: &'a str,
    peer: Option<SocketAddr>,
}

/// How many characters of a path are logged.
const MOST_OF_A_PATH: usize = 256;

impl<'a> Asked<'a> {
    pub(crate) fn of(parts: &'a Parts, client: Option<&Client>) -> Self {
        Self::new(&parts.method, &parts.uri, client.map(Client::peer))
    }

    pub(crate) fn new(method: &'a Method, uri: &'a Uri, peer: Option<SocketAddr>) -> Self {
        let path = uri.path();
        let end = path.char_indices().nth(MOST_OF_A_PATH).map_or(path.len(), |(at, _)| at);
        Self { method: method.as_str(), path: path.get(..end).unwrap_or_default(), peer }
    }
}

/// A request that was not understood.
pub(crate) fn rejected(Asked { method, path, peer }: Asked<'_>, rejection: &Rejection) {
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
pub(crate) fn not_arrived(Asked { method, path, peer }: Asked<'_>, status: u16, reason: &str) {
    let peer = peer.map(tracing::field::display);
    info!(target: TARGET, method, path, peer, outcome = "rejected", status, reason);
}

/// The store failed at something else than a set.
pub(crate) fn store_failed(call: &str, error: &StoreError) {
    error!(target: TARGET, call, outcome = "store failed", reason = error.to_string());
}

/// A session begun, or found open.
pub(crate) fn begun(ucc: UccName<'_>, correlation_id: CorrelationId, begun: Begun, state: State) {
    info!(
        target: TARGET,
        call = "begin",
        ucc = ucc.as_str(),
        %correlation_id,
        outcome = if begun == Begun::Opened { "opened" } else { "already open" },
        %state,
    );
}

/// A session ended.
pub(crate) fn ended(ucc: UccName<'_>, correlation_id: CorrelationId, state: State, disposition: Disposition) {
    info!(
        target: TARGET,
        call = "end",
        ucc = ucc.as_str(),
        %correlation_id,
        outcome = "ended",
        %state,
        disposition = disposition.name(),
    );
}

/// A client that sent too many frames of HTTP/2 that are no requests.
pub(crate) fn calmed(peer: SocketAddr) {
    info!(target: TARGET, outcome = "kept out", %peer, reason = "too many frames without a request");
}

/// A client that speaks plain HTTP where TLS is spoken.
pub(crate) fn plain_http(peer: SocketAddr) {
    info!(target: TARGET, outcome = "kept out", status = 400, %peer, reason = "plain HTTP where TLS is spoken");
}

/// A session that had ended before.
pub(crate) fn already_ended(ucc: UccName<'_>, correlation_id: CorrelationId, disposition: Disposition) {
    info!(
        target: TARGET,
        call = "end",
        ucc = ucc.as_str(),
        %correlation_id,
        outcome = "already ended",
        disposition = disposition.name(),
    );
}

/// A request that was kept out for what its caller is, not for what it asks.
pub(crate) fn kept_out(asked: Asked<'_>, status: u16, principal: Option<&str>, reason: &str) {
    let Asked { method, path, peer } = asked;
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

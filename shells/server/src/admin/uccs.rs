//! The UCCs of the config in force, for those who choose one.
//!
//! | request | answer |
//! |---|---|
//! | `GET /uccs` | `{"UCCs":[{"UCCName":"…","AgentCanEditRecordings":true,"Agents":2}]}`, by name |
//! | `GET /uccs/{ucc}` | `{"UCCName":"…","AgentCanEditRecordings":true,"Agents":["sip:…"],"More":false}`; `More` says that it has more agents than are listed |
//!
//! A UCC whose agents are given by patterns as well has `"Patterns":["sip:*@…"]` besides, in the second of these.
//!
//! A UCC that has a recorder has `"Recorder":{"Name":"…","Resume":"anyone","PauseLimitSeconds":null}` besides.

use axum::http::StatusCode;
use axum::response::Response;
use recording_core::wire::{CapabilitiesRequest, Rejection, UccName};
use serde_json::{Value, json};

use crate::directory::{Directory, Ucc};
use crate::reply;

/// How many agents of a UCC are listed.
pub const MOST_AGENTS: usize = 1000;

/// As the core answers those who ask for capabilities.
fn can_edit(name: UccName<'_>, ucc: &Ucc) -> bool {
    CapabilitiesRequest { ucc: name }.decide(Some(ucc.settings)).agent_can_edit_recordings
}

pub(super) fn all(directory: &Directory) -> Response {
    let mut uccs: Vec<_> = directory.iter().collect();
    uccs.sort_unstable_by_key(|&(name, _)| name);
    let uccs: Vec<_> = uccs
        .into_iter()
        .map(|(name, ucc)| {
            with_recorder(
                json!({
                    "UCCName": name.as_str(),
                    "AgentCanEditRecordings": can_edit(name, ucc),
                    "Agents": ucc.agents(),
                }),
                ucc,
            )
        })
        .collect();
    reply::json(StatusCode::OK, json!({ "UCCs": uccs }).to_string().into())
}

pub(super) fn one(directory: &Directory, name: UccName<'_>) -> Result<Response, Rejection> {
    let ucc = directory.ucc(name).ok_or(Rejection::UnknownPath)?;
    let (agents, more) = ucc.first_agents(MOST_AGENTS);
    let mut document = json!({
        "UCCName": name.as_str(),
        "AgentCanEditRecordings": can_edit(name, ucc),
        "Agents": agents,
        "More": more,
    });
    if !ucc.patterns().is_empty() {
        document["Patterns"] = ucc.patterns().iter().map(ToString::to_string).collect();
    }
    Ok(reply::json(StatusCode::OK, with_recorder(document, ucc).to_string().into()))
}

/// What sessions that begin now are recorded by, if they are by something.
fn with_recorder(mut document: Value, ucc: &Ucc) -> Value {
    if let Some(name) = &ucc.recording.recorder {
        document["Recorder"] = json!({
            "Name": name,
            "Resume": ucc.recording.resume.to_string(),
            "PauseLimitSeconds": ucc.recording.pause_limit.map(|limit| limit.as_secs()),
        });
    }
    document
}

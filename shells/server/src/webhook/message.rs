//! A post as it goes over the wire: Standard Webhooks' form around the event that listeners of the hub get.

use core::time::Duration;
use std::time::SystemTime;

use bytes::Bytes;
use recording_core::Event;
use serde_json::Value;

use super::queue::{Job, Noted, Report};
use crate::audit::time;
use crate::hub::EventCase;
use crate::session::SessionKey;

/// The type of a post that has no event, and only says that some may be missing.
pub const MISSED: &str = "RecordingEventsMissed";

/// The type of a post about a pause that has reached its limit.
pub const OVERDUE: &str = "RecordingPauseOverdue";

/// What a post says of a pause that has reached its limit.
pub(super) fn overdue(case: EventCase, key: &SessionKey, since: Option<SystemTime>, limit: Duration) -> Bytes {
    let [ucc, id, paused, seconds] = match case {
        EventCase::Pascal => ["UccName", "CorrelationId", "PausedSince", "LimitSeconds"],
        EventCase::Camel => ["uccName", "correlationId", "pausedSince", "limitSeconds"],
    };
    let name = Value::from(key.ucc.as_str());
    let since = since.map_or_else(|| "null".to_owned(), |since| format!(r#""{}""#, time::at(since)));
    let (correlation_id, limit) = (key.correlation_id, limit.as_secs());
    format!(r#"{{"{ucc}":{name},"{id}":"{correlation_id}","{paused}":{since},"{seconds}":{limit}}}"#).into()
}

/// An id and a body, the same on each try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) body: Bytes,
}

impl Message {
    /// The message of a job. `start` is what the ids of this start of the server have in common.
    pub(super) fn of(job: &Job, start: u64) -> Self {
        let Report { dropped, read_again, .. } = job.report;
        let (kind, number, at) = match &job.event {
            Some(event) => (event.kind, event.number, event.at),
            None => (MISSED, job.notice.0, job.notice.1),
        };
        let id = id(start, number);
        let event = job.event.as_ref().map(|Noted { sequence, json, .. }| (*sequence, &json[..]));
        let body = body(kind, (&id, at), (dropped, read_again), event);
        Self { id, body }
    }
}

/// The bodies of a post with this event, of one without, and of one about a pause of this session, for those who describe them.
pub(crate) fn samples(event: &[u8], key: &SessionKey) -> [Bytes; 3] {
    let (id, at) = (id(1, 7), SystemTime::UNIX_EPOCH + Duration::from_micros(1_796_012_805_357_260));
    let with = body(Event::NAME, (&id, at), (0, false), Some((1_796_012_805_357_260, event)));
    let limit = Duration::from_secs(600);
    let overdue = overdue(EventCase::Pascal, key, Some(at - limit), limit);
    let overdue = body(OVERDUE, (&id, at), (0, false), Some((1_796_012_805_357_260, &overdue)));
    [with, body(MISSED, (&id, at), (3, true), None), overdue]
}

fn body(
    kind: &str,
    (id, at): (&str, SystemTime),
    (dropped, read_again): (u64, bool),
    event: Option<(u64, &[u8])>,
) -> Bytes {
    let at = time::at(at);
    // No text in it comes from outside but the event's, which is JSON already.
    let mut body =
        format!(r#"{{"type":"{kind}","id":"{id}","timestamp":"{at}","dropped":{dropped},"readAgain":{read_again}"#)
            .into_bytes();
    if let Some((sequence, json)) = event {
        body.extend(format!(r#","sequence":{sequence},"data":"#).bytes());
        body.extend_from_slice(json);
    }
    body.push(b'}');
    body.into()
}

fn id(start: u64, number: u64) -> String {
    format!("evt_{start:016x}{number:08x}")
}

/// Now, in seconds since 1970.
pub(super) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

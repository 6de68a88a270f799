//! A post as it goes over the wire: Standard Webhooks' form around the event that listeners of the hub get.

use std::time::SystemTime;

use bytes::Bytes;
use recording_core::Event;

use super::queue::{Job, Noted, Report};
use crate::audit::time;

/// The type of a post that has no event, and only says that some may be missing.
pub const MISSED: &str = "RecordingEventsMissed";

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
            Some(event) => (Event::NAME, event.number, event.at),
            None => (MISSED, job.notice.0, job.notice.1),
        };
        let (id, at) = (id(start, number), time::at(at));
        // No text in it comes from outside but the event's, which is JSON already.
        let mut body =
            format!(r#"{{"type":"{kind}","id":"{id}","timestamp":"{at}","dropped":{dropped},"readAgain":{read_again}"#)
                .into_bytes();
        if let Some(Noted { sequence, json, .. }) = &job.event {
            body.extend(format!(r#","sequence":{sequence},"data":"#).bytes());
            body.extend_from_slice(json);
        }
        body.push(b'}');
        Self { id, body: body.into() }
    }
}

fn id(start: u64, number: u64) -> String {
    format!("evt_{start:016x}{number:08x}")
}

/// Now, in seconds since 1970.
pub(super) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

//! One session: all that is known of it; and what the call's side can do about its recorder.
//!
//! | request | answer |
//! |---|---|
//! | `GET /sessions/{ucc}/{correlation id}` | its row of the list, whose `Recorder` has `Files` as well |
//! | `DELETE /sessions/{ucc}/{correlation id}/holds` | `{"Released":true}`; false if no requester held it |
//! | `DELETE /sessions/{ucc}/{correlation id}/recorder` | `{"Released":true}`: the session was closing, and is given up; 409 if it is open |

use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use recording_core::decide::Refusal;
use recording_core::wire::ErrorMessage;
use recording_core::{Scratch, wire::Rejection};
use serde_json::json;

use super::asked::{caller, line, reject, session};
use super::{list, recorded};
use crate::service::Service;
use crate::session::{Session, SessionKey};
use crate::store::Store;
use crate::{log, reply};

/// What of a session is let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Who holds it.
    Holds,
    /// The recorder of a session that is closing.
    Recorder,
}

pub(super) async fn show<S: Store>(service: &Service<S>, parts: &Parts, target: &str) -> Response {
    let mut scratch = Scratch::new();
    let request = match session(target, &mut scratch) {
        Ok(request) => request,
        Err(rejection) => return reject(parts, rejection),
    };
    let key = SessionKey::new(request.ucc, request.correlation_id);
    let found = match find(service, &key).await {
        Ok(Some(found)) => found,
        Ok(None) => return not_there(service, parts, &key),
        Err(response) => return response,
    };
    let mut row = list::row(service, &key, &found);
    if let Some(recorder) = row.get_mut("Recorder") {
        recorder["Files"] = recorded::files(service, &key).await;
    }
    reply::json(StatusCode::OK, json!(row).to_string().into())
}

pub(super) async fn release<S: Store>(service: &Service<S>, parts: &Parts, target: &str, part: Part) -> Response {
    let mut scratch = Scratch::new();
    let request = match session(target, &mut scratch) {
        Ok(request) => request,
        Err(rejection) => return reject(parts, rejection),
    };
    let key = SessionKey::new(request.ucc, request.correlation_id);
    let found = match find(service, &key).await {
        Ok(found) => found.map(|found| found.state().is_some()),
        Err(response) => return response,
    };
    let released = match (part, found) {
        (_, None) | (Part::Holds, Some(false)) => return not_there(service, parts, &key),
        (Part::Holds, Some(true)) => service.release_holds(&key, caller(parts)).await,
        (Part::Recorder, Some(true)) => {
            let text = "The session is open: its recorder can be released when it has ended.";
            log::not_arrived(line(parts), StatusCode::CONFLICT.as_u16(), text);
            return reply::invalid(StatusCode::CONFLICT, text);
        }
        (Part::Recorder, Some(false)) => service.release(&key, caller(parts)).await,
    };
    match released {
        // It was over by itself meanwhile.
        Ok(false) if part == Part::Recorder => not_there(service, parts, &key),
        Ok(released) => reply::json(StatusCode::OK, json!({ "Released": released }).to_string().into()),
        Err(error) => {
            log::store_failed("release", &error);
            reply::rejection(Rejection::NotStored)
        }
    }
}

async fn find<S: Store>(service: &Service<S>, key: &SessionKey) -> Result<Option<Session>, Response> {
    match service.store().read(key).await {
        Ok(found) => Ok(found.map(|found| found.session)),
        Err(error) => {
            log::store_failed("read", &error);
            Err(reply::store_unavailable())
        }
    }
}

fn not_there<S: Store>(service: &Service<S>, parts: &Parts, key: &SessionKey) -> Response {
    let refusal = match service.settings(key.ucc.to_ref()) {
        Some(_) => Refusal::UnknownSession { correlation_id: key.correlation_id },
        None => Refusal::UnknownUcc { ucc: key.ucc.to_ref() },
    };
    let error = ErrorMessage::from(refusal);
    log::not_arrived(line(parts), StatusCode::NOT_FOUND.as_u16(), &error.to_string());
    reply::error(StatusCode::NOT_FOUND, error)
}

//! Who asks, and for which session.

use axum::http::request::Parts;
use axum::response::Response;
use recording_core::Scratch;
use recording_core::wire::{Rejection, RequestParts, StateRequest};

use crate::caller::{Caller, RequestLine};
use crate::net::Client;
use crate::{api, log, reply};

/// What the paths of the recording API begin with.
pub(super) const API: &str = "/attendantservice/";

pub(super) fn caller(parts: &Parts) -> Caller<'_> {
    api::caller(parts.extensions.get(), parts)
}

pub(super) fn line(parts: &Parts) -> RequestLine<'_> {
    RequestLine::of(parts, parts.extensions.get().map(Client::peer))
}

pub(super) fn reject(parts: &Parts, rejection: Rejection) -> Response {
    log::rejected(line(parts), &rejection);
    reply::rejection(rejection)
}

/// The API's target for the same session: so its parts are decoded here exactly as there.
pub(super) fn api_target(ucc: &str, correlation_id: &str) -> String {
    // On the API this name is reached by a percent code only.
    let ucc = if ucc == "capabilities" { "%63apabilities" } else { ucc };
    format!("{API}api/recording/{ucc}/{correlation_id}")
}

pub(super) fn session<'a>(target: &'a str, scratch: &'a mut Scratch) -> Result<StateRequest<'a>, Rejection> {
    match recording_core::Request::read(
        RequestParts { method: b"GET", target: target.as_bytes(), content_type: None, body: &[] },
        scratch,
    )? {
        recording_core::Request::State(session) => Ok(session),
        _ => Err(Rejection::UnknownPath),
    }
}

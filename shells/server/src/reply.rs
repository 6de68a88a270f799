//! Replies as HTTP responses.

use axum::body::Body;
use axum::http::header::{ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use recording_core::Reply;
use recording_core::wire::{ErrorMessage, ErrorReply, ErrorType, Rejection};

use crate::caller::RequestLine;
use crate::log;

/// The core's reply.
pub(crate) fn of(reply: &Reply<'_>) -> Response {
    let mut buffer = [0; Reply::MAX_LEN];
    // Cannot fail with a buffer of this size.
    let body = reply.write(&mut buffer).unwrap_or_default();
    let mut response = json(status(reply.status()), Bytes::copy_from_slice(body));
    if let Some(allow) = reply.allow() {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    }
    response
}

/// The core's rejection.
pub(crate) fn rejection(rejection: Rejection) -> Response {
    of(&rejection.into())
}

/// An error in the API's shape with a status of the shell's own.
pub(crate) fn error(status: StatusCode, error: ErrorMessage<'_>) -> Response {
    let mut buffer = [0; ErrorReply::MAX_LEN];
    // The shell's own texts are far shorter than the core's longest.
    let body = ErrorReply { error }.write(&mut buffer).unwrap_or_default();
    json(status, Bytes::copy_from_slice(body))
}

/// What is wrong with a request on its way here.
pub(crate) fn invalid(status: StatusCode, text: &'static str) -> Response {
    error(status, ErrorMessage::new(ErrorType::Validation, text))
}

/// A body with a coding that is not undone here. OURS, as are all statuses but 200.
pub(crate) fn encoded(line: RequestLine<'_>) -> Response {
    let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    let mut response = invalid(status, "A Content-Encoding other than identity is not understood.");
    log::not_arrived(line, status.as_u16(), "an encoded body");
    response.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    response
}

/// The store failed where nothing was to be stored.
pub(crate) fn store_unavailable() -> Response {
    error(StatusCode::SERVICE_UNAVAILABLE, ErrorMessage::new(ErrorType::Configuration, "The store does not answer."))
}

/// A document.
pub(crate) fn json(status: StatusCode, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(recording_core::wire::CONTENT_TYPE));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(recording_core::wire::CACHE_CONTROL));
    response
}

/// The same response, and nothing more on this connection.
pub(crate) fn and_close(mut response: Response) -> Response {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

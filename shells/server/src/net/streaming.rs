//! Responses that go on: what a connection waits for while one is on its way.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::response::Response;
use http_body::{Body as _, Frame, SizeHint};

use super::connection_state::ConnectionState;
use super::streams::Stay;

/// Tells `state` what kind of response this is, and of the end of a stream.
pub(super) fn follow(response: Response, state: &Arc<ConnectionState>) -> Response {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        state.upgraded();
        return response;
    }
    // Whatever the server has as a whole has a length.
    if response.body().size_hint().exact().is_some() {
        state.answered();
        return response;
    }
    state.streaming();
    lasting(response, Answered(Arc::clone(state)))
}

/// Keeps an HTTP/2 request counted as active until its response body ends.
pub(super) fn stay(response: Response, stay: Stay) -> Response {
    if response.body().size_hint().exact().is_some() { response } else { lasting(response, stay) }
}

/// Tells of the end of a stream, where there is one at a time.
struct Answered(Arc<ConnectionState>);

impl Drop for Answered {
    fn drop(&mut self) {
        self.0.answered();
    }
}

fn lasting<T: Send + Unpin + 'static>(response: Response, until_its_end: T) -> Response {
    response.map(|body| Body::new(Stream { body, _until_its_end: until_its_end }))
}

struct Stream<T> {
    body: Body,
    _until_its_end: T,
}

impl<T: Unpin> http_body::Body for Stream<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

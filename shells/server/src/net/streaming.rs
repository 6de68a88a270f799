//! Responses that go on: what a connection waits for while one is on its way.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::response::Response;
use http_body::{Body as _, Frame, SizeHint};

use super::progress::Progress;

/// Tells `progress` what kind of response this is, and of the end of a stream.
pub(super) fn follow(response: Response, progress: &Arc<Progress>) -> Response {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        progress.upgraded();
        return response;
    }
    // Whatever the server has as a whole has a length.
    if response.body().size_hint().exact().is_some() {
        progress.answered();
        return response;
    }
    progress.streaming();
    let progress = Arc::clone(progress);
    response.map(|body| Body::new(Stream { body, progress }))
}

struct Stream {
    body: Body,
    progress: Arc<Progress>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.progress.answered();
    }
}

impl http_body::Body for Stream {
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

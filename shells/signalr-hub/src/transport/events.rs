//! Server-sent events.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use core::convert::Infallible;
use futures_util::stream::unfold;

use super::{Refusal, headers};
use crate::hub::{Hub, Methods};
use crate::opened::{GivenUp, Opened};
use crate::slot::{Next, Slot, Transport};

/// A comment: the client takes the connection for open when it has something of it.
const FIRST: Bytes = Bytes::from_static(b":\r\n");

/// Where the stream stands.
enum Stage<M: Methods> {
    Begin(Opened<M>),
    Open(Opened<M>),
}

impl<M: Methods> Hub<M> {
    pub(super) fn events(
        &self,
        slot: &Arc<Slot<M::Listener>>,
        caller: &Arc<str>,
        given_up: Option<GivenUp>,
    ) -> Result<Response, Refusal> {
        let mut opened = self.hold(slot, Transport::ServerSentEvents, caller)?;
        opened.ask(given_up);
        let events = unfold(Stage::Begin(opened), |stage| async {
            let (event, opened) = match stage {
                Stage::Begin(opened) => (FIRST, opened),
                Stage::Open(opened) => match opened.slot().next(None).await {
                    Next::Send(record) => (event(&record), opened),
                    Next::Over | Next::Superseded => return None,
                },
            };
            Some((Ok::<_, Infallible>(event), Stage::Open(opened)))
        });
        let mut response = Response::new(Body::from_stream(events));
        headers(&mut response, "text/event-stream");
        // For proxies that would collect first.
        response.headers_mut().insert("x-accel-buffering", axum::http::HeaderValue::from_static("no"));
        Ok(response)
    }
}

/// A record has no line break: JSON is written on one line here.
fn event(record: &[u8]) -> Bytes {
    let mut event = BytesMut::with_capacity(record.len() + 10);
    event.extend_from_slice(b"data: ");
    event.extend_from_slice(record);
    event.extend_from_slice(b"\r\n\r\n");
    event.freeze()
}

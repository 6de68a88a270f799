//! Long polling.

use core::convert::Infallible;
use core::pin::Pin;
use core::task::{Context, Poll as Polled};
use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::StatusCode;
use axum::response::Response;
use bytes::BytesMut;
use http_body::{Frame, SizeHint};
use tokio::time::timeout;

use super::{Refusal, empty, headers};
use crate::hub::{Hub, Methods};
use crate::slot::{Next, NotOpened, Slot, Transport};

/// How much one poll is answered with at most, if it is more than one record.
const ENOUGH: usize = 64 * 1024;

/// A poll, until dropped: whether it was answered or its client went away.
struct Poll<'a, L> {
    slot: &'a Arc<Slot<L>>,
    number: u64,
}

impl<L> Drop for Poll<'_, L> {
    fn drop(&mut self) {
        self.slot.end_poll(self.number);
    }
}

impl<M: Methods> Hub<M> {
    pub(super) async fn poll(&self, slot: &Arc<Slot<M::Listener>>, caller: &Arc<str>) -> Result<Response, Refusal> {
        match slot.transport() {
            Some(Transport::LongPolling) => {}
            Some(_) => return Err(NotOpened::OtherTransport.into()),
            None => {
                self.open(slot, Transport::LongPolling, caller)?;
                // The first poll is not held: clients wait for its end before they begin.
                drop(Poll { slot, number: slot.begin_poll() });
                return Ok(answer(Body::empty()));
            }
        }
        let poll = Poll { slot, number: slot.begin_poll() };
        let mut records = match timeout(self.options().poll, slot.next(Some(poll.number))).await {
            Err(_) => BytesMut::new(),
            Ok(Next::Send(record)) => BytesMut::from(record),
            Ok(Next::Superseded) => return Ok(empty(StatusCode::NO_CONTENT)),
            Ok(Next::Over) => {
                self.remove(&slot.token);
                return Ok(empty(StatusCode::NO_CONTENT));
            }
        };
        while records.len() < ENOUGH {
            let Some(Next::Send(record)) = slot.next_now() else { break };
            records.extend_from_slice(&record);
        }
        let slot = Arc::clone(poll.slot);
        let records = if records.is_empty() { None } else { Some(records.freeze()) };
        Ok(answer(Body::new(Answer { records, slot })))
    }

    pub(super) fn delete(&self, slot: &Slot<M::Listener>) -> Result<Response, Refusal> {
        if slot.transport() != Some(Transport::LongPolling) {
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "Only long polling is ended like this"));
        }
        slot.gone();
        self.remove(&slot.token);
        Ok(empty(StatusCode::ACCEPTED))
    }
}

fn answer(body: Body) -> Response {
    let mut response = Response::new(body);
    headers(&mut response, "application/octet-stream");
    response
}

/// What a poll is answered with. If no client takes it, then what is in it is lost, and the client must not believe that it
/// has heard everything.
struct Answer<L> {
    records: Option<Bytes>,
    slot: Arc<Slot<L>>,
}

impl<L> Drop for Answer<L> {
    fn drop(&mut self) {
        if self.records.is_some() {
            self.slot.close(true);
        }
    }
}

impl<L> HttpBody for Answer<L> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Polled<Option<Result<Frame<Bytes>, Infallible>>> {
        Polled::Ready(self.records.take().map(|records| Ok(Frame::data(records))))
    }

    fn is_end_stream(&self) -> bool {
        self.records.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.records.as_ref().map_or(0, |records| records.len() as u64))
    }
}

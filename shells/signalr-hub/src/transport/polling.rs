//! Long polling.

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use bytes::BytesMut;
use tokio::time::timeout;

use super::{Refusal, empty, headers};
use crate::hub::{Hub, Methods};
use crate::slot::{Next, NotOpened, Slot, Transport};

/// How much one poll is answered with at most, if it is more than one record.
const ENOUGH: usize = 64 * 1024;

/// A poll, until dropped: whether it was answered or its client went away.
struct Poll<'a, L: Default> {
    slot: &'a Slot<L>,
    number: u64,
}

impl<L: Default> Drop for Poll<'_, L> {
    fn drop(&mut self) {
        self.slot.end_poll(self.number);
    }
}

impl<M: Methods> Hub<M> {
    pub(super) async fn poll(&self, slot: &Slot<M::Listener>) -> Result<Response, Refusal> {
        match slot.transport() {
            Some(Transport::LongPolling) => {}
            Some(_) => return Err(NotOpened::OtherTransport.into()),
            None => {
                self.open(slot, Transport::LongPolling)?;
                // The first poll is not held: clients wait for its end before they begin.
                drop(Poll { slot, number: slot.begin_poll() });
                return Ok(answer(BytesMut::new()));
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
        Ok(answer(records))
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

fn answer(records: BytesMut) -> Response {
    let mut response = Response::new(Body::from(records.freeze()));
    headers(&mut response, "application/octet-stream");
    response
}

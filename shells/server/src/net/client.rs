//! What the handler of a request knows of its client.

use core::net::SocketAddr;
use std::sync::Arc;

use tokio::time::Instant;

use super::connection_state::ConnectionState;
use super::streams::{Stay, Stream};
use crate::auth::rate::Allowance;

/// A request's client.
#[derive(Debug, Clone)]
pub struct Client {
    peer: SocketAddr,
    transport: Transport,
}

/// The connection that the request came by; with HTTP/2 also its stream.
#[derive(Debug, Clone)]
enum Transport {
    Alone(Arc<ConnectionState>),
    OneOfMany(Arc<ConnectionState>, Arc<Stream>),
}

impl Client {
    pub(super) fn alone(state: &Arc<ConnectionState>, peer: SocketAddr) -> Self {
        Self { peer, transport: Transport::Alone(Arc::clone(state)) }
    }

    pub(super) fn one_of_many(state: &Arc<ConnectionState>, stay: &Stay, peer: SocketAddr) -> Self {
        Self { peer, transport: Transport::OneOfMany(Arc::clone(state), Arc::clone(stay.stream())) }
    }

    /// Where it is, or the proxy between.
    pub(crate) const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// What its address has left: looked up once for a connection.
    pub(crate) fn allowance(&self, find: impl FnOnce() -> Arc<Allowance>) -> &Allowance {
        match &self.transport {
            Transport::Alone(state) | Transport::OneOfMany(state, _) => state.allowance.get_or_init(find),
        }
    }

    /// When the request must have arrived.
    pub(crate) fn deadline(&self) -> Instant {
        match &self.transport {
            Transport::Alone(state) => state.deadline(state.since()),
            Transport::OneOfMany(state, stream) => state.deadline(stream.since()),
        }
    }

    /// The request has arrived: from now on the server does not wait for the client.
    pub(crate) fn arrived(&self) {
        match &self.transport {
            Transport::Alone(state) => state.at_work(),
            Transport::OneOfMany(_, stream) => stream.arrived(),
        }
    }

    /// Whether the client has not taken what it was sent for longer than it may.
    pub(crate) fn is_slow(&self) -> bool {
        let (Transport::Alone(state) | Transport::OneOfMany(state, _)) = &self.transport;
        state.is_slow()
    }

    /// The request waits for something that only this client wants to know: it ends when the client is gone.
    pub(crate) fn waits_with_its_client(&self) {
        match &self.transport {
            Transport::Alone(state) => state.watch(),
            // HTTP/2 does so by itself.
            Transport::OneOfMany(..) => {}
        }
    }
}

//! What the handler of a request knows of its client.

use core::net::SocketAddr;
use std::sync::Arc;

use tokio::time::Instant;

use super::progress::Progress;
use super::streams::{Stay, Stream};

/// A request's client.
#[derive(Debug, Clone)]
pub struct Client {
    peer: SocketAddr,
    place: Place,
}

/// Where the request stands among those of its connection.
#[derive(Debug, Clone)]
enum Place {
    Alone(Arc<Progress>),
    OneOfMany(Arc<Progress>, Arc<Stream>),
}

impl Client {
    pub(super) fn alone(progress: &Arc<Progress>, peer: SocketAddr) -> Self {
        Self { peer, place: Place::Alone(Arc::clone(progress)) }
    }

    pub(super) fn one_of_many(progress: &Arc<Progress>, stay: &Stay, peer: SocketAddr) -> Self {
        Self { peer, place: Place::OneOfMany(Arc::clone(progress), Arc::clone(stay.stream())) }
    }

    /// Where it is, or the proxy between.
    pub(crate) const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// When the request must have arrived.
    pub(crate) fn deadline(&self) -> Instant {
        match &self.place {
            Place::Alone(progress) => progress.deadline(progress.since()),
            Place::OneOfMany(progress, stream) => progress.deadline(stream.since()),
        }
    }

    /// The request has arrived: from now on nobody waits for the client.
    pub(crate) fn arrived(&self) {
        match &self.place {
            Place::Alone(progress) => progress.at_work(),
            Place::OneOfMany(_, stream) => stream.arrived(),
        }
    }
}

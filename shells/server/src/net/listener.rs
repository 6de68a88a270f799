//! Accepts connections and serves each in a task of its own.

use core::net::SocketAddr;
use core::time::Duration;
use std::fs::File;
use std::io;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use super::connection::Connection;
use super::connection_state::ConnectionState;
use super::connections::Connections;
use super::tls::Tls;
use super::{Handler, Limits};

/// How long to hold still when the system has no more sockets to give.
const OUT_OF_SOCKETS: Duration = Duration::from_millis(20);

/// How long a connection must have been idle to be evicted when it is not known whether a client waits for its place.
const LONG: Duration = Duration::from_secs(1);

/// How long to wait for an evicted connection before another is asked.
const EVICTION: Duration = Duration::from_millis(10);

/// Takes a port.
///
/// # Errors
///
/// If it is taken, or may not be taken.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Accepts connections for a handler of requests.
#[derive(Debug)]
pub struct Acceptor<H> {
    handler: H,
    limits: Limits,
    tls: Option<Arc<Tls>>,
    epoch: Instant,
    connections: Arc<Connections>,
    tasks: TaskTracker,
    end: CancellationToken,
}

impl<H: Handler> Acceptor<H> {
    pub(crate) fn new(
        handler: H,
        limits: Limits,
        tls: Option<Arc<Tls>>,
        tasks: TaskTracker,
        end: CancellationToken,
    ) -> Self {
        Self { handler, limits, tls, epoch: Instant::now(), connections: Arc::default(), tasks, end }
    }

    /// Accepts until told to stop. Connections go on by themselves.
    pub(crate) async fn run(self, listener: TcpListener) {
        let mut reserve = reserve();
        loop {
            let accepted = tokio::select! {
                biased;
                () = self.end.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    tokio::select! {
                        biased;
                        () = self.end.cancelled() => return,
                        () = self.make_room() => {}
                    }
                    self.serve(stream, peer);
                }
                Err(error) if is_the_clients(&error) => {}
                Err(error) => {
                    // Without a socket to give the system does not even look whether anyone waits. With this one it does,
                    // so that nobody has to go for nobody. If even this one is gone nobody goes but who has waited long.
                    drop(reserve.take().or_else(self::reserve));
                    match timeout(Duration::ZERO, listener.accept()).await {
                        Err(_nobody_waits) => {}
                        Ok(Ok((stream, peer))) => {
                            warn!(target: "recording", reason = error.to_string(), "cannot accept a connection");
                            self.connections.evict_one(Duration::ZERO);
                            self.serve(stream, peer);
                            let _ = timeout(OUT_OF_SOCKETS, self.connections.one_ended()).await;
                        }
                        Ok(Err(_)) => {
                            self.connections.evict_one(LONG);
                            let _ = timeout(OUT_OF_SOCKETS, self.connections.one_ended()).await;
                        }
                    }
                    reserve = self::reserve();
                }
            }
        }
    }

    async fn make_room(&self) {
        while self.connections.len() >= self.limits.connections {
            self.connections.evict_one(Duration::ZERO);
            let _ = timeout(EVICTION, self.connections.one_ended()).await;
        }
    }

    fn serve(&self, stream: TcpStream, peer: SocketAddr) {
        let state = Arc::new(ConnectionState::new(self.limits, self.epoch));
        let permit = self.connections.add(peer.ip(), Arc::clone(&state));
        let connection = Connection {
            handler: self.handler.clone(),
            limits: self.limits,
            tls: self.tls.clone(),
            peer,
            state,
            tasks: self.tasks.clone(),
            // Each has its own: all would wait for one lock at each of their steps.
            end: self.end.child_token(),
            _permit: permit,
        };
        self.tasks.spawn(connection.run(stream));
    }
}

/// A place for one more socket, kept for when there is no other.
fn reserve() -> Option<File> {
    File::open(if cfg!(windows) { "NUL" } else { "/dev/null" }).ok()
}

/// A client that was gone before it was accepted.
fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

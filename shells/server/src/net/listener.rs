//! Accepts connections and serves each in a task of its own.

use core::net::SocketAddr;
use core::pin::pin;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::header::CONNECTION;
use http_body::Body as _;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tower_service::Service as _;
use tracing::warn;

use super::Limits;
use super::connections::{Connections, Place};
use super::progress::{Client, Due, Progress};
use super::streaming;
use super::wire::Wire;
use crate::tasks::{Task, Tasks};

/// How long to hold still when the system has no more sockets to give.
const OUT_OF_SOCKETS: Duration = Duration::from_millis(20);

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

/// Accepts connections for a router.
#[derive(Debug)]
pub struct Acceptor {
    router: Router,
    limits: Limits,
    epoch: Instant,
    connections: Arc<Connections>,
    tasks: Arc<Tasks>,
    stop: watch::Receiver<bool>,
}

impl Acceptor {
    pub(crate) fn new(router: Router, limits: Limits, tasks: Arc<Tasks>, stop: watch::Receiver<bool>) -> Self {
        Self { router, limits, epoch: Instant::now(), connections: Arc::default(), tasks, stop }
    }

    /// Accepts until told to stop. Connections go on by themselves.
    pub(crate) async fn run(self, listener: TcpListener) {
        let mut stop = self.stop.clone();
        loop {
            let accepted = tokio::select! {
                biased;
                _ = stop.wait_for(|&stop| stop) => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    tokio::select! {
                        biased;
                        _ = stop.wait_for(|&stop| stop) => return,
                        () = self.make_room() => {}
                    }
                    self.serve(stream);
                }
                Err(error) if is_the_clients(&error) => {}
                Err(error) => {
                    warn!(target: "recording", reason = error.to_string(), "cannot accept a connection");
                    self.connections.evict_one();
                    sleep(OUT_OF_SOCKETS).await;
                }
            }
        }
    }

    async fn make_room(&self) {
        while self.connections.len() >= self.limits.connections {
            self.connections.evict_one();
            let _ = timeout(EVICTION, self.connections.one_ended()).await;
        }
    }

    fn serve(&self, stream: TcpStream) {
        let progress = Arc::new(Progress::new(self.limits, self.epoch));
        let place = self.connections.add(Arc::clone(&progress));
        let connection = Connection {
            router: self.router.clone(),
            limits: self.limits,
            progress,
            stop: self.stop.clone(),
            _place: place,
            _task: self.tasks.begin(),
        };
        tokio::spawn(connection.run(stream));
    }
}

/// A client that was gone before it was accepted.
fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

struct Connection {
    router: Router,
    limits: Limits,
    progress: Arc<Progress>,
    stop: watch::Receiver<bool>,
    _place: Place,
    _task: Task,
}

impl Connection {
    async fn run(mut self, stream: TcpStream) {
        // Replies are small and complete: there is nothing to wait for.
        let _ = stream.set_nodelay(true);
        let progress = &self.progress;
        let router = &self.router;
        let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
            progress.head_is_there(request.body().is_end_stream());
            request.extensions_mut().insert(Client(Arc::clone(progress)));
            let mut router = router.clone();
            async move {
                let response = router.call(request.map(Body::new)).await;
                let response = response.map(|response| streaming::follow(response, progress));
                // Ours to close means that the client may still be sending.
                if response.as_ref().is_ok_and(|response| response.headers().contains_key(CONNECTION)) {
                    progress.linger();
                }
                response
            }
        });
        let connection = http1::Builder::new()
            // A client may close its sending side and still wait for its reply.
            .half_close(true)
            // All times are kept here: they must hold for a request as a whole.
            .header_read_timeout(None)
            .max_header_size(self.limits.head)
            .max_buf_size(self.limits.head.max(8192))
            .max_headers(MOST_HEADERS)
            .serve_connection(TokioIo::new(Wire::new(stream, Arc::clone(progress))), service)
            .with_upgrades();
        let mut connection = pin!(connection);
        let mut alarm = pin!(sleep_until(Instant::now()));
        let mut stopping = false;
        loop {
            tokio::select! {
                biased;
                // An error is the client's: nothing to tell anyone.
                _ = connection.as_mut() => break,
                () = alarm.as_mut() => {}
                () = progress.nudged() => {}
                _ = self.stop.wait_for(|&stop| stop), if !stopping => {
                    stopping = true;
                    if progress.is_idle() {
                        return;
                    }
                    connection.as_mut().graceful_shutdown();
                }
            }
            match progress.due() {
                Due::Now => return,
                Due::At(end) => alarm.as_mut().reset(end),
            }
        }
        progress.until_given_up().await;
    }
}

/// How many header lines a request may have.
const MOST_HEADERS: usize = 100;

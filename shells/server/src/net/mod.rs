//! Connections: accepted, held to their limits, and ended.
//!
//! | a client that | gets |
//! |---|---|
//! | sends nothing, or part of a head | its connection closed after [`Limits::request`] |
//! | sends a head and part of a body | 408 after [`Limits::request`], counted from the head's first byte |
//! | sends a head of more than [`Limits::head`] bytes | 431 |
//! | is idle between requests | its connection closed after [`Limits::idle`] |
//! | does not take its replies | its connection closed after [`Limits::write`] |
//! | sends more than [`Limits::frames`] of HTTP/2 without a request | its connection ended with `ENHANCE_YOUR_CALM` |
//! | speaks plain HTTP where TLS is spoken | 400, in plain HTTP, and its connection closed |
//! | is one too many for [`Limits::connections`] | the place of the connection that has waited longest for its client, of those of the address that has most |
//!
//! A response without a known length is a stream, and goes on as long as its body and its client do: [`Limits::write`]
//! still holds. A connection that was upgraded keeps its place until its new owner gives it up, and is limited there.
//! Neither can be made to give up its place: what offers streams has to bound their number.
//!
//! With TLS the handshake counts to the time of the first request. HTTP/2 (with TLS only, where both sides agree on it)
//! keeps the same limits: a connection that has no request open is idle, each body has its own time from its head on, and
//! the bytes of a head count as HTTP/2 counts them. What breaks the rules of HTTP/2 is answered as HTTP/2 says, without a
//! body.
//!
//! By hand because a time here holds for a whole request, from its first byte to its last. The timeouts of hyper and tower-http
//! hold for a head, for the work of a handler or between two pieces of a body: a client that sends a byte now and then is
//! never late. Ending uses what hyper has (`graceful_shutdown`), and `tokio-util` counts the connections.
//!
//! So clients that are slow, half-open or many can cost each other's places, never those of requests that are there.

mod client;
mod connection;
mod connection_state;
mod connections;
mod der;
mod frames;
mod key_kind;
mod listener;
mod named;
mod open_requests;
mod pem;
mod plain;
mod smuggling;
mod streaming;
mod streams;
mod tls;
mod watched_io;

use core::future::Future;
use core::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use tower_service::Service as _;

pub use client::Client;
pub use listener::{Acceptor, bind};
pub(crate) use named::{ANOTHER_HOST, Named};
pub use tls::{Tls, TlsError, TlsFiles};
pub(crate) use watched_io::{HEAD_TOO_LARGE, TARGET_TOO_LONG};

/// What answers the requests of a listener.
pub trait Handler: Clone + Send + Sync + 'static {
    /// Answers a request of this client.
    fn answer(&self, request: Request, client: Client) -> impl Future<Output = Response> + Send;
}

/// In a router the client is among the request's extensions.
impl Handler for Router {
    async fn answer(&self, mut request: Request, client: Client) -> Response {
        request.extensions_mut().insert(client);
        match self.clone().call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// What a listener grants its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many bytes the head of a request may have.
    pub head: usize,
    /// How long a request may take to arrive, head and body together.
    pub request: Duration,
    /// How long a connection may be idle between requests.
    pub idle: Duration,
    /// How long a client may take for the replies that it was sent.
    pub write: Duration,
    /// How many connections there may be at once.
    pub connections: usize,
    /// How many frames a second of HTTP/2 a connection may send that are no requests, and ten times as many at once;
    /// `None` is as many as come.
    pub frames: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: 16 * 1024,
            request: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            write: Duration::from_secs(10),
            connections: 4096,
            frames: Some(100),
        }
    }
}

//! One connection: TLS if there is any, then the version of HTTP that was agreed on, all of it held to the limits.

use core::convert::Infallible;
use core::future::Future;
use core::net::SocketAddr;
use core::pin::{Pin, pin};
use std::sync::Arc;

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::CONNECTION;
use axum::response::Response;
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::client::Client;
use super::connection_state::{ConnectionState, Due};
use super::connections::ConnectionPermit;
use super::frames::FrameAllowance;
use super::smuggling::Framing;
use super::tls::{HTTP_2, Tls};
use super::watched_io::{Version, WatchedIo};
use super::{Handler, Limits};
use super::{plain, streaming};
use crate::caller::RequestLine;
use crate::{log, reply};

/// How many requests a connection of HTTP/2 may have open at once.
const MOST_STREAMS: u32 = 64;

/// How many bytes of bodies an HTTP/2 connection takes before anyone asked for them: more than any body may have.
const WINDOW: u32 = 64 * 1024;

pub(super) struct Connection<H> {
    pub(super) handler: H,
    pub(super) limits: Limits,
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) peer: SocketAddr,
    pub(super) state: Arc<ConnectionState>,
    pub(super) tasks: TaskTracker,
    pub(super) end: CancellationToken,
    pub(super) _permit: ConnectionPermit,
}

impl<H: Handler> Connection<H> {
    pub(super) async fn run(mut self, stream: TcpStream) {
        // Replies are small and complete: there is nothing to wait for.
        let _ = stream.set_nodelay(true);
        let Some(tls) = self.tls.take() else { return self.http_1(stream).await };
        let is_plain = { hold(pin!(plain::is_plain(&stream)), &self.state, &self.end, |_| ()).await };
        match is_plain {
            None => return,
            Some(true) => {
                log::plain_http(self.peer);
                let _ = hold(pin!(plain::answer(stream)), &self.state, &self.end, |_| ()).await;
                return;
            }
            Some(false) => {}
        }
        let handshake = pin!(tls.acceptor().accept(stream));
        // Its time counts to that of the first request.
        let Some(Ok(stream)) = hold(handshake, &self.state, &self.end, |_| ()).await else { return };
        if stream.get_ref().1.alpn_protocol() == Some(HTTP_2) {
            self.http_2(stream).await;
        } else {
            self.http_1(stream).await;
        }
    }

    async fn http_1(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let (state, handler, peer) = (&self.state, &self.handler, self.peer);
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            state.head_is_there(request.body().is_end_stream());
            let framing = Framing::of(request.headers());
            let refused = (framing == Framing::Unknown).then(|| unknown_coding(&request, peer));
            let (handler, client) = (handler.clone(), Client::alone(state, peer));
            // The library copies what is made here once, with room for all that is awaited in it: so there is one such place.
            async move {
                // After both a length and chunks nothing on this connection can be trusted to begin where it seems to.
                let is_last = framing == Framing::Chunks && state.lengths.seen();
                let response = match refused {
                    Some(refused) => refused,
                    None => handler.answer(request.map(Body::new), client).await,
                };
                let response = if is_last { reply::and_close(response) } else { response };
                let response = streaming::follow(response, state);
                // Ours to close means that the client may still be sending.
                if response.headers().contains_key(CONNECTION) {
                    state.linger();
                }
                Ok::<_, Infallible>(response)
            }
        });
        let connection = http1::Builder::new()
            // A client may close its sending side and still wait for its reply: `WatchedIo` keeps that from the library, but not
            // where the end of the client must end its request.
            .half_close(false)
            // All times are kept here: they must hold for a request as a whole.
            .header_read_timeout(None)
            .max_header_size(self.limits.head)
            .max_buf_size(self.limits.head.max(8192))
            // It takes 100 header lines. Naming that number would make it keep room for them on the heap.
            .serve_connection(TokioIo::new(WatchedIo::new(stream, Arc::clone(state), Version::Http1, None)), service)
            .with_upgrades();
        // An error is the client's: nothing to tell anyone.
        let stop = http1::UpgradeableConnection::graceful_shutdown;
        if hold(pin!(connection), state, &self.end, stop).await.is_some() {
            state.until_given_up().await;
        }
    }

    async fn http_2(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let (state, handler, peer) = (Arc::clone(&self.state), self.handler.clone(), self.peer);
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let stream = state.stream(request.body().is_end_stream());
            let (handler, client) = (handler.clone(), Client::one_of_many(&state, &stream, peer));
            async move {
                let response = handler.answer(request.map(Body::new), client).await;
                Ok::<_, Infallible>(streaming::stay(response, stream))
            }
        });
        let frames = self.limits.frames.map(FrameAllowance::new);
        let wire = WatchedIo::new(stream, Arc::clone(&self.state), Version::Http2, frames);
        let connection = http2::Builder::new(Streams(self.tasks.clone()))
            .max_header_list_size(u32::try_from(self.limits.head).unwrap_or(u32::MAX))
            .max_concurrent_streams(MOST_STREAMS)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .max_send_buf_size(WINDOW as usize)
            .serve_connection(TokioIo::new(wire), service);
        let connection = pin!(connection);
        let _ = hold(connection, &self.state, &self.end, http2::Connection::graceful_shutdown).await;
        if self.state.is_calmed() {
            log::calmed(self.peer);
        }
    }
}

fn unknown_coding(request: &hyper::Request<Incoming>, peer: SocketAddr) -> Response {
    let (status, text) = (StatusCode::BAD_REQUEST, "A Transfer-Encoding other than chunked is not understood.");
    log::not_arrived(RequestLine::new(request.method(), request.uri(), Some(peer)), status.as_u16(), text);
    reply::and_close(reply::invalid(status, text))
}

/// Drives `work` to its end, or until the limits end it: then there is nothing. When the server stops, or the connection
/// was idle for too long, `wind_down` tells the work so: it says farewell as its protocol wants it.
async fn hold<F: Future>(
    mut work: Pin<&mut F>,
    state: &ConnectionState,
    end: &CancellationToken,
    wind_down: fn(Pin<&mut F>),
) -> Option<F::Output> {
    let mut alarm = pin!(sleep_until(Instant::now()));
    let mut ending = pin!(end.cancelled());
    let mut stopping = false;
    loop {
        tokio::select! {
            biased;
            done = work.as_mut() => return Some(done),
            () = alarm.as_mut() => {}
            () = state.nudged() => {}
            () = ending.as_mut(), if !stopping => {
                stopping = true;
                if state.is_idle() && !state.leave() {
                    return None;
                }
                wind_down(work.as_mut());
            }
        }
        match state.due() {
            Due::Now if state.leave() => {
                stopping = true;
                wind_down(work.as_mut());
                alarm.as_mut().reset(Instant::now());
            }
            Due::Now => return None,
            Due::At(end) => alarm.as_mut().reset(end),
        }
    }
}

/// Runs the requests of an HTTP/2 connection, each as a task that the end of the server waits for.
#[derive(Clone)]
struct Streams(TaskTracker);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        self.0.spawn(stream);
    }
}

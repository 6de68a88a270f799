//! Connections: straight to a host, or through a proxy.
//!
//! `hyper-util` has the parts: which proxy the environment names for a URL, and the tunnel through it. What is chosen
//! here is the part.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;
use std::sync::Arc;

use axum::http::uri::Scheme;
use axum::http::{HeaderValue, Uri};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use tokio_rustls::rustls::ClientConfig;
use tower_service::Service;

use super::{causes, is_loopback};

/// The proxies that requests go through.
#[derive(Clone)]
pub(crate) struct Proxies(Option<Arc<Matcher>>);

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Leaves out passwords.
        f.debug_tuple("Proxies").field(&self.0).finish()
    }
}

impl Proxies {
    /// None, whatever the environment says.
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    /// As `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say, in capital letters or small ones. A loopback address
    /// is never reached through a proxy, which would have another one in mind.
    pub(crate) fn of_environment() -> Self {
        Self(Some(Arc::new(Matcher::from_env())))
    }

    /// All requests go through this one, but for those to these hosts.
    #[cfg(test)]
    pub(super) fn through(proxy: &str, but_not_to: &str) -> Self {
        Self(Some(Arc::new(Matcher::builder().all(proxy).no(but_not_to).build())))
    }

    pub(super) fn to(&self, to: &Uri) -> Option<Intercept> {
        self.0.as_ref().filter(|_| !to.host().is_some_and(is_loopback))?.intercept(to)
    }

    /// What a request itself shows to a proxy that passes it on. One through a tunnel shows nothing.
    pub(super) fn authorization(&self, to: &Uri) -> Option<HeaderValue> {
        if is_https(to) {
            return None;
        }
        self.to(to)?.basic_auth().cloned()
    }
}

fn is_https(uri: &Uri) -> bool {
    uri.scheme() == Some(&Scheme::HTTPS)
}

type Near = HttpsConnector<HttpConnector>;
type BoxError = Box<dyn core::error::Error + Send + Sync>;

#[derive(Clone)]
pub(super) struct Connector {
    /// To a host, or to a proxy.
    near: Near,
    /// For what is at the other end of a tunnel.
    tls: Arc<ClientConfig>,
    proxies: Proxies,
}

impl Connector {
    pub(super) fn new(tls: Arc<ClientConfig>, proxies: Proxies, connect_within: Duration) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(connect_within));
        Self { near: HttpsConnector::from((tcp, Arc::clone(&tls))), tls, proxies }
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.near.poll_ready(context)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let Some(proxy) = self.proxies.to(&to) else {
            let connecting = self.near.call(to);
            return Box::pin(async move { Ok(Stream::new(connecting.await?, false)) });
        };
        let at = proxy.uri().clone();
        let failed = {
            let at = at.clone();
            move |error: BoxError| -> BoxError { format!("through the proxy {at}: {}", causes(&*error)).into() }
        };
        if !matches!(at.scheme_str(), Some("http" | "https")) {
            let error = "only proxies of http:// and https:// are supported".into();
            return Box::pin(async move { Err(failed(error)) });
        }
        if is_https(&to) {
            let mut tunnel = Tunnel::new(at, self.near.clone());
            if let Some(authorization) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(authorization.clone());
            }
            let connecting = HttpsConnector::from((tunnel, Arc::clone(&self.tls))).call(to);
            return Box::pin(async move { Ok(Stream::new(connecting.await.map_err(failed)?, false)) });
        }
        let connecting = self.near.call(at);
        Box::pin(async move { Ok(Stream::new(connecting.await.map_err(failed)?, true)) })
    }
}

/// A connection of any of the three kinds.
pub(super) struct Stream {
    io: Pin<Box<dyn Io>>,
    /// A proxy at its other end passes on what is asked.
    is_passed_on: bool,
}

trait Io: Read + Write + Connection + Send {}

impl<T: Read + Write + Connection + Send> Io for T {}

impl Stream {
    fn new(io: impl Io + 'static, is_passed_on: bool) -> Self {
        Self { io: Box::pin(io), is_passed_on }
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.io.connected().proxy(self.is_passed_on)
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        self.io.as_mut().poll_read(context, buffer)
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.io.as_mut().poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.as_mut().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.as_mut().poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io.as_mut().poll_write_vectored(context, slices)
    }
}

//! Requests that the server sends to others: keys of an issuer, orders to a recorder, events to listed addresses.
//!
//! HTTP/1.1, with TLS where the URL says so. Each is bounded in time, from the look-up of the name to the last byte of the
//! reply, and in bytes. There are no cookies, nothing is followed unless it was asked for, and no body is decoded.

mod connector;
#[cfg(test)]
mod tests;
mod trust;

use core::fmt;
use core::net::IpAddr;
use core::time::Duration;
use std::sync::Arc;

use axum::http::header::{ACCEPT, LOCATION, PROXY_AUTHORIZATION, USER_AGENT};
use axum::http::uri::Scheme;
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client as Pool, Error as PoolError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, timeout_at};

use connector::Connector;
pub(crate) use connector::Proxies;
pub(crate) use trust::{Authorities, AuthorityError};

/// What the server calls itself.
const AGENT: HeaderValue = HeaderValue::from_static(concat!("recording-server/", env!("CARGO_PKG_VERSION")));

/// How long a connection is kept for a next request.
const IDLE: Duration = Duration::from_secs(30);

/// How many such connections are kept for each host.
const MOST_IDLE: usize = 8;

/// How long the rest of a reply may take whose status says all.
const REST: Duration = Duration::from_millis(500);

/// How many bytes a reply's status line and headers may have.
const MOST_HEAD: usize = 64 * 1024;

/// What requests of one kind are granted.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Whose certificates are trusted.
    pub(crate) authorities: Authorities,
    /// The proxies that they go through.
    pub(crate) proxies: Proxies,
    /// How long a connection may take, for each address of a host that has several.
    pub(crate) connect_within: Duration,
    /// How long a request may take as a whole, with all that it is redirected to.
    pub(crate) give_up_after: Duration,
    /// How many bytes of a reply's body are read; a longer one is an error.
    pub(crate) most_bytes: usize,
    /// How many redirects of a GET are followed; those beyond, and all of other methods, are replies like any other.
    pub(crate) redirects: u8,
    /// Where a request may go, by a redirect as well; the error says why not.
    pub(crate) may_go: fn(&Uri) -> Result<(), &'static str>,
}

/// A client for requests of one kind. It keeps connections, so it is worth keeping.
pub(crate) struct Client {
    settings: Settings,
    pool: Pool<Connector, Full<Bytes>>,
}

/// A reply, whole.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Where it came from in the end.
    pub(crate) from: Uri,
}

/// Why there is no reply. Its text is for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failed {
    /// It was not there in time.
    Late(Duration),
    /// No connection came about, or it ended before the reply's head was there.
    Unreachable(String),
    /// The reply cannot be used: it is cut, too long, or leads to where no request may go.
    Unusable(String),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late(after) => write!(f, "no reply within {} ms", after.as_millis()),
            Self::Unreachable(reason) | Self::Unusable(reason) => f.write_str(reason),
        }
    }
}

impl core::error::Error for Failed {}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Client {
    /// Reads the certificates of authorities, which takes a while if they are the system's.
    ///
    /// # Errors
    ///
    /// If the file of authorities cannot be read, or holds something else than it should.
    pub(crate) fn new(settings: Settings) -> Result<Self, AuthorityError> {
        let tls = Arc::new(trust::config(&settings.authorities)?);
        let connector = Connector::new(tls, settings.proxies.clone(), settings.connect_within);
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MOST_IDLE)
            .http1_max_buf_size(MOST_HEAD)
            .build(connector);
        Ok(Self { settings, pool })
    }

    /// Gets what is at `url`.
    ///
    /// # Errors
    ///
    /// If there is no whole reply in time.
    pub(crate) async fn get(&self, url: Uri, accept: &'static str) -> Result<Reply, Failed> {
        let mut request = Request::new(Full::default());
        *request.uri_mut() = url;
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static(accept));
        self.send(request).await
    }

    /// Sends a request to its whole URL, and reads the whole reply. Must be called in a runtime.
    ///
    /// # Errors
    ///
    /// If there is no whole reply in time.
    pub(crate) async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<Reply, Failed> {
        let until = Instant::now() + self.settings.give_up_after;
        let mut left = if request.method() == Method::GET { self.settings.redirects } else { 0 };
        loop {
            let from = request.uri().clone();
            let again = next(&request);
            let response = self.head(request, until).await?;
            match redirected(&from, &response).filter(|_| left > 0) {
                Some(to) => {
                    left -= 1;
                    request = again;
                    *request.uri_mut() = to?;
                }
                None => return self.whole(from, response, until).await,
            }
        }
    }

    /// Sends a request whose reply's status says all. The body is read as far as its bounds go and a short time longer, so that the
    /// connection can be used again; whatever it is, it is no error. Redirects are not followed.
    ///
    /// # Errors
    ///
    /// If no head of a reply comes in time.
    pub(crate) async fn send_for_status(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, HeaderMap), Failed> {
        let until = Instant::now() + self.settings.give_up_after;
        let (head, body) = self.head(request, until).await?.into_parts();
        let rest = Limited::new(body, self.settings.most_bytes).collect();
        let _ = timeout_at(until.min(Instant::now() + REST), rest).await;
        Ok((head.status, head.headers))
    }

    /// Sends one request, and gives the head of its reply.
    async fn head(&self, mut request: Request<Full<Bytes>>, until: Instant) -> Result<Response<Incoming>, Failed> {
        let to = request.uri();
        (self.settings.may_go)(to).map_err(|why| Failed::Unusable(format!("{to}: {why}")))?;
        let authorization = self.settings.proxies.authorization(to);
        let headers = request.headers_mut();
        headers.entry(USER_AGENT).or_insert(AGENT);
        if let Some(authorization) = authorization {
            headers.insert(PROXY_AUTHORIZATION, authorization);
        }
        // A connection that was kept may be closed just as it is used. What only reads can be sent again.
        let again = (request.method() == Method::GET).then(|| request.clone());
        let mut sent = timeout_at(until, self.pool.request(request)).await;
        if let (Ok(Err(error)), Some(again)) = (&sent, again)
            && !error.is_connect()
        {
            sent = timeout_at(until, self.pool.request(again)).await;
        }
        match sent {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(Failed::Unreachable(causes(&error))),
            Err(_) => Err(self.late()),
        }
    }

    async fn whole(&self, from: Uri, response: Response<Incoming>, until: Instant) -> Result<Reply, Failed> {
        let (head, body) = response.into_parts();
        let most = self.settings.most_bytes;
        let body = match timeout_at(until, Limited::new(body, most).collect()).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                return Err(Failed::Unusable(format!("the reply is longer than {most} bytes")));
            }
            Ok(Err(error)) => return Err(Failed::Unusable(format!("the reply is cut: {}", causes(&*error)))),
            Err(_) => return Err(self.late()),
        };
        Ok(Reply { status: head.status, headers: head.headers, body, from })
    }

    const fn late(&self) -> Failed {
        Failed::Late(self.settings.give_up_after)
    }
}

/// What is sent to where a GET is redirected: nothing that was meant for the first place alone.
fn next(request: &Request<Full<Bytes>>) -> Request<Full<Bytes>> {
    let mut again = Request::new(Full::default());
    if let Some(accept) = request.headers().get(ACCEPT) {
        again.headers_mut().insert(ACCEPT, accept.clone());
    }
    again
}

/// Where a reply redirects a GET to, if it does.
fn redirected(from: &Uri, response: &Response<Incoming>) -> Option<Result<Uri, Failed>> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get(LOCATION)?;
    let to = location.to_str().ok().and_then(|location| resolved(from, location));
    Some(to.ok_or_else(|| Failed::Unusable(format!("a redirect to what is no URL: {location:?}"))))
}

/// A whole URL, or a path that begins at the root.
fn resolved(from: &Uri, location: &str) -> Option<Uri> {
    let location = location.split_once('#').map_or(location, |(location, _)| location);
    let is_path = location.starts_with('/') && !location.starts_with("//");
    let mut parts = location.parse::<Uri>().ok()?.into_parts();
    if is_path {
        (parts.scheme, parts.authority) = (from.scheme().cloned(), from.authority().cloned());
    }
    Uri::from_parts(parts).ok().filter(|to| to.scheme().is_some() && to.host().is_some())
}

/// Only https, or this machine: no one in between can read it or change it.
pub(crate) fn is_safe(to: &Uri) -> Result<(), &'static str> {
    let host = to.host().filter(|host| !host.is_empty()).ok_or("there is no host")?;
    if to.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err("a user or password does not belong in it");
    }
    match to.scheme() {
        Some(scheme) if *scheme == Scheme::HTTPS => Ok(()),
        Some(scheme) if *scheme == Scheme::HTTP && is_loopback(host) => Ok(()),
        Some(scheme) if *scheme == Scheme::HTTP => Err("http:// is for loopback addresses only; it takes https://"),
        _ => Err("it takes https://"),
    }
}

/// Only https.
pub(crate) fn is_https(to: &Uri) -> Result<(), &'static str> {
    is_safe(to)?;
    if to.scheme() == Some(&Scheme::HTTPS) { Ok(()) } else { Err("it takes https://") }
}

/// Whether a host of a URL is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// An error with its causes, which say what has happened.
fn causes(error: &(dyn core::error::Error + 'static)) -> String {
    let mut text = match error.downcast_ref::<PoolError>() {
        // Its own text is "client error (Connect)".
        Some(error) if error.is_connect() => "no connection".to_owned(),
        _ => error.to_string(),
    };
    let mut cause = error.source();
    while let Some(error) = cause {
        let because = error.to_string();
        // Some libraries repeat the text of the cause in their own.
        if !text.ends_with(&because) {
            text = format!("{text}: {because}");
        }
        cause = error.source();
    }
    text
}

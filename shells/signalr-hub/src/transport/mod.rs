//! The transports: HTTP requests to connections, and back.
//!
//! | request | answer |
//! |---|---|
//! | `POST {hub}/negotiate?negotiateVersion=N` | ids and transports |
//! | `GET {hub}?id=T` with an upgrade to WebSocket | 101; without an id, or with one that opens nothing here, a new connection |
//! | `GET {hub}?id=T` with `Accept: text/event-stream` | 200 and the events as they come |
//! | `GET {hub}?id=T` | 200 with what there is to say, as soon as there is; 204 at the end |
//! | `POST {hub}?id=T` | 200 without a body |
//! | `DELETE {hub}?id=T` | 202: the end of long polling |
//!
//! Refused are: 400 no id, another transport; 403 a WebSocket of a foreign page; 404 an unknown id, unless it is a WebSocket's; 405 another method, or
//! a POST to a WebSocket; 408 a body that does not come; 409 a second stream of events on one connection; 413 a body that is too
//! large; 426 another version of WebSockets; 429 a client that says too much in too short a time; 503 too many connections, or the server is ending.

mod events;
mod lists;
mod metered;
mod origin;
mod polling;
mod upgrade;
mod web_socket;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use tokio::time::{Instant, timeout};

pub use origin::OriginAllowed;

use crate::hub::{Hub, Methods, Refused};
use crate::negotiate::{self, Version};
use crate::slot::{NotOpened, Slot, Transport};

impl<M: Methods> Hub<M> {
    /// The routes of the hub: `path` itself, with a slash at its end or without, and `path/negotiate`. They may be mounted
    /// several times.
    ///
    /// Layers that compress, buffer or limit the time of whole responses must stay off them.
    pub fn router(&self, path: &str) -> Router {
        let (hub, slashed, negotiating) = (self.clone(), self.clone(), self.clone());
        // Clients that were given the path with a slash negotiate without a second one, and keep theirs for the rest.
        let path = path.strip_suffix('/').unwrap_or(path);
        let router = Router::new()
            .route(&format!("{path}/negotiate"), any(move |request: Request| negotiating.negotiate(request)))
            .route(&format!("{path}/"), any(move |request: Request| slashed.answer(request)));
        if path.is_empty() { router } else { router.route(path, any(move |request: Request| hub.answer(request))) }
    }

    async fn negotiate(self, request: Request) -> Response {
        self.ids(request).await.unwrap_or_else(Into::into)
    }

    async fn ids(self, request: Request) -> Result<Response, Refusal> {
        if request.method() != Method::POST {
            return Err(Refusal::method("POST"));
        }
        let (parts, body) = request.into_parts();
        // It is empty with every known client, and means nothing.
        self.body(body).await?;
        let document = match Version::of(parameter(&parts, "negotiateVersion")) {
            Err(error) => negotiate::refusal(&error.to_string()),
            Ok(version) => {
                let id = negotiate::new_id().map_err(|_| Refused::NoRandomNumbers)?;
                negotiate::answer(version, &id, &self.prepare(&self.caller(&parts))?.token)
            }
        };
        let mut response = Response::new(Body::from(document));
        headers(&mut response, "application/json");
        Ok(response)
    }

    async fn answer(self, request: Request) -> Response {
        let answered = match *request.method() {
            Method::GET => self.connect(request).await,
            Method::POST | Method::DELETE => self.take(request).await,
            _ => Err(Refusal::method("GET, POST, DELETE")),
        };
        answered.unwrap_or_else(Into::into)
    }

    async fn connect(self, request: Request) -> Result<Response, Refusal> {
        let (mut parts, _) = request.into_parts();
        let caller = self.caller(&parts);
        if lists::names(&parts.headers, &UPGRADE, "websocket") {
            return self.web_socket(&mut parts, &caller);
        }
        let slot = self.known(&parts)?;
        if lists::accepts(&parts.headers.get_all(ACCEPT), "text/event-stream") {
            self.events(&slot, &caller, parts.extensions.remove())
        } else {
            self.poll(&slot, &caller).await
        }
    }

    async fn take(self, request: Request) -> Result<Response, Refusal> {
        let (parts, body) = request.into_parts();
        let bytes = self.body(body).await?;
        let slot = self.known(&parts)?;
        if parts.method == Method::DELETE {
            return self.delete(&slot);
        }
        if slot.transport() == Some(Transport::WebSocket) {
            return Err(Refusal::method("GET"));
        }
        let meter = self.meter(&self.caller(&parts));
        if let Some(ready) = slot.takes_at().max(meter.ready_at()) {
            let text = "The client says too much in too short a time";
            return Err(Refusal { wait: Some(ready), ..Refusal::new(StatusCode::TOO_MANY_REQUESTS, text) });
        }
        meter.charge(self.received(&slot, &bytes)?);
        // With a body, some clients would take it for JSON.
        Ok(empty(StatusCode::OK))
    }

    /// The connection that a request is about.
    fn known(&self, parts: &Parts) -> Result<Arc<Slot<M::Listener>>, Refusal> {
        let token = parameter(parts, "id");
        let token = token.ok_or_else(|| Refusal::new(StatusCode::BAD_REQUEST, "Connection ID required"))?;
        Ok(self.find(token).ok_or(NotOpened::Unknown)?)
    }

    /// A body as it is, whatever its type says.
    async fn body(&self, body: Body) -> Result<Bytes, Refusal> {
        let refusal = |status, text| Refusal { closes: true, ..Refusal::new(status, text) };
        let too_late = |_| refusal(StatusCode::REQUEST_TIMEOUT, "The body took too long to arrive");
        let too_large = |_| refusal(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large, or broke off");
        let collected = timeout(self.options().body_time, to_bytes(body, self.options().body)).await;
        collected.map_err(too_late)?.map_err(too_large)
    }
}

/// The value of a parameter of the query; names are compared without case.
///
/// No value that means anything here needs percent codes.
fn parameter<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    let pairs = parts.uri.query()?.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
}

fn headers(response: &mut Response, content_type: &'static str) {
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    headers(&mut response, "text/plain");
    response
}

/// An answer that says no. Its text is for people; there is one always, so that it differs from what an HTTP library
/// answers by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Refusal {
    status: StatusCode,
    text: &'static str,
    /// The methods that work, if another was used.
    allow: Option<&'static str>,
    /// Nothing more can be understood on this connection.
    closes: bool,
    /// When it may be tried again.
    wait: Option<Instant>,
    /// Another version of WebSockets was asked for: it is said which one there is.
    says_version: bool,
}

impl Refusal {
    const fn new(status: StatusCode, text: &'static str) -> Self {
        Self { status, text, allow: None, closes: false, wait: None, says_version: false }
    }

    const fn method(allow: &'static str) -> Self {
        let refusal = Self::new(StatusCode::METHOD_NOT_ALLOWED, "This method is not allowed here");
        Self { allow: Some(allow), ..refusal }
    }
}

impl Refusal {
    const fn web_socket_version() -> Self {
        let refusal = Self::new(StatusCode::UPGRADE_REQUIRED, "WebSockets are spoken in version 13");
        Self { says_version: true, ..refusal }
    }
}

impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Self {
        let mut response = Self::new(Body::from(refusal.text));
        *response.status_mut() = refusal.status;
        headers(&mut response, "text/plain; charset=utf-8");
        if let Some(allow) = refusal.allow {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
        }
        if let Some(ready) = refusal.wait {
            let seconds = ready.saturating_duration_since(Instant::now()).as_secs() + 1;
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if refusal.says_version {
            response.headers_mut().insert(SEC_WEBSOCKET_VERSION, upgrade::VERSION);
            response.headers_mut().insert(UPGRADE, upgrade::WEBSOCKET);
            response.headers_mut().insert(CONNECTION, upgrade::UPGRADES);
        }
        if refusal.closes {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        let text = match refused {
            Refused::Full => "There are too many connections",
            Refused::Closed => "The server is ending",
            Refused::NoRandomNumbers => "There are no random numbers to be had",
        };
        Self::new(StatusCode::SERVICE_UNAVAILABLE, text)
    }
}

impl From<NotOpened> for Refusal {
    fn from(error: NotOpened) -> Self {
        let (status, text) = match error {
            NotOpened::InUse => (StatusCode::CONFLICT, "The connection is open already"),
            NotOpened::OtherTransport => (StatusCode::BAD_REQUEST, "The connection is open on another transport"),
            NotOpened::TooMuch => (StatusCode::PAYLOAD_TOO_LARGE, "The connection must be opened first"),
            NotOpened::Unknown => (StatusCode::NOT_FOUND, "No Connection with that ID"),
            NotOpened::Full => return Refused::Full.into(),
        };
        Self::new(status, text)
    }
}

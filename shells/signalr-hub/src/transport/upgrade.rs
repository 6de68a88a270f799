//! From an HTTP request to a WebSocket, as RFC 6455, section 4.2, wants it.

use axum::body::Body;
use axum::http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{Refusal, lists};

pub(super) const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");
pub(super) const UPGRADES: HeaderValue = HeaderValue::from_static("upgrade");

/// The one version of WebSockets that there is.
pub(super) const VERSION: HeaderValue = HeaderValue::from_static("13");

/// What a good request for a WebSocket brings.
pub(super) struct Upgrade {
    upgrade: OnUpgrade,
    accept: HeaderValue,
}

impl Upgrade {
    /// Takes the upgrade out of a request that names it, or says why there is none.
    pub(super) fn of(parts: &mut Parts) -> Result<Self, Refusal> {
        let bad = |text| Err(Refusal::new(StatusCode::BAD_REQUEST, text));
        if !lists::names(&parts.headers, CONNECTION, "upgrade") {
            return bad("The Connection header does not name the upgrade");
        }
        let one = |name| {
            let mut values = parts.headers.get_all(name).iter();
            values.next().filter(|_| values.next().is_none())
        };
        if one(SEC_WEBSOCKET_VERSION) != Some(&VERSION) {
            return Err(Refusal::web_socket_version());
        }
        let key = one(SEC_WEBSOCKET_KEY).filter(|key| !key.is_empty());
        let accept = key.and_then(|key| HeaderValue::try_from(derive_accept_key(key.as_bytes())).ok());
        let Some(accept) = accept else { return bad("There is not one Sec-WebSocket-Key") };
        let Some(upgrade) = parts.extensions.remove::<OnUpgrade>() else {
            return bad("This connection cannot become a WebSocket");
        };
        Ok(Self { upgrade, accept })
    }

    /// The answer that says yes, and the connection that comes of it.
    pub(super) fn accept(self) -> (Response, OnUpgrade) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response.headers_mut().insert(CONNECTION, UPGRADES);
        response.headers_mut().insert(UPGRADE, WEBSOCKET);
        response.headers_mut().insert(SEC_WEBSOCKET_ACCEPT, self.accept);
        (response, self.upgrade)
    }
}

//! Pages of other origins, as browsers ask about them (CORS): those that are listed may call, no other.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;

/// What the API and the hub answer to.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, DELETE");

/// What a page needs to see besides the body.
const EXPOSED: HeaderValue = HeaderValue::from_static("Retry-After, WWW-Authenticate");

/// For how many seconds a browser need not ask again.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// Web pages, and pages that an application brings along for the browser in it (Electron, Capacitor, Ionic, Tauri). Never
/// `file`: browsers call each such page `null`, and so every page in a sandbox; who lists that lists all of them.
const SCHEMES: [&str; 6] = ["http", "https", "app", "capacitor", "ionic", "tauri"];

/// The listed origins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(Vec<HeaderValue>);

impl Origins {
    /// Lists an origin, as browsers write it: `https://desk.example`, with its port if that is not the usual one.
    ///
    /// # Errors
    ///
    /// If no browser would write it so.
    pub fn add(&mut self, origin: &str) -> Result<(), &'static str> {
        const EXPECTED: &str = "an origin as browsers write it, as in https://desk.example or http://localhost:3000";
        let (scheme, rest) = origin.split_once("://").ok_or(EXPECTED)?;
        let sound = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_:[]".contains(&byte);
        if !SCHEMES.contains(&scheme) || rest.is_empty() || !rest.bytes().all(sound) {
            return Err(EXPECTED);
        }
        // Browsers leave the usual port out: such an entry would never match.
        if matches!((scheme, rest.rsplit_once(':')), ("http", Some((_, "80"))) | ("https", Some((_, "443")))) {
            return Err("an origin as browsers write it, which is without the usual port");
        }
        self.0.push(HeaderValue::from_str(origin).map_err(|_| EXPECTED)?);
        Ok(())
    }

    /// Whether none is listed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one origin that a request has, if it is listed.
    pub(super) fn of(&self, headers: &HeaderMap) -> Option<&HeaderValue> {
        let mut values = headers.get_all(ORIGIN).iter();
        let origin = values.next().filter(|_| values.next().is_none())?;
        self.0.iter().find(|listed| *listed == origin)
    }
}

/// The answer to a browser that asks beforehand; `None` if this is no such question.
pub(super) fn preflight(parts: &Parts) -> Option<Response> {
    if parts.method != Method::OPTIONS || !parts.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    // A list, on however many lines.
    for wanted in parts.headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.append(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    Some(response)
}

/// Lets a page of a listed origin see the response.
pub(super) fn admit(response: &mut Response, origin: HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
}

/// That the response depends on the origin, for caches between.
pub(super) fn vary(response: &mut Response) {
    response.headers_mut().append(VARY, HeaderValue::from_static("Origin"));
}

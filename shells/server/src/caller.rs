//! Who sent a request, and which request it was, for the log and the audit trail.

use core::net::SocketAddr;

use axum::http::request::Parts;
use axum::http::{Method, Uri};

/// Where a request came from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Caller<'a> {
    /// The other end of its connection, if it came by one.
    pub address: Option<SocketAddr>,
    /// The [name](crate::auth::Principal::name) of the principal that its token belongs to, if tokens are required.
    pub principal: Option<&'a str>,
}

/// The method and path of a request, and its peer, so that its sender can be found. The query is left out: it may hold a
/// token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestLine<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) peer: Option<SocketAddr>,
}

/// How many characters of a path are logged.
const MAX_PATH: usize = 256;

impl<'a> RequestLine<'a> {
    pub(crate) fn of(parts: &'a Parts, peer: Option<SocketAddr>) -> Self {
        Self::new(&parts.method, &parts.uri, peer)
    }

    pub(crate) fn new(method: &'a Method, uri: &'a Uri, peer: Option<SocketAddr>) -> Self {
        let path = uri.path();
        let end = path.char_indices().nth(MAX_PATH).map_or(path.len(), |(at, _)| at);
        Self { method: method.as_str(), path: path.get(..end).unwrap_or_default(), peer }
    }
}

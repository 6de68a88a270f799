//! Whose pages may open a WebSocket. Browsers say where a page is from and leave the decision to the server.

use axum::http::header::{HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::uri::Authority;

/// In a request's extensions: a layer in front of the hub has checked the page's origin, and accepts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OriginAllowed;

/// Whether a request comes from no page, from one of the hub's own origin, or from one of the listed.
pub(super) fn is_allowed(parts: &Parts, listed: &[String]) -> bool {
    if parts.extensions.get::<OriginAllowed>().is_some() {
        return true;
    }
    let headers = &parts.headers;
    let mut origins = headers.get_all(ORIGIN).iter();
    let Some(origin) = origins.next() else { return true };
    let (Ok(origin), None) = (origin.to_str(), origins.next()) else { return false };
    if listed.iter().any(|listed| listed.eq_ignore_ascii_case(origin)) {
        return true;
    }
    let host = match (parts.uri.authority(), headers.get(HOST)) {
        (Some(authority), _) => Some(authority.clone()),
        (None, host) => host.and_then(|host| Authority::try_from(host.as_bytes()).ok()),
    };
    let page = origin.split_once("://").and_then(|(_, page)| page.parse::<Authority>().ok());
    match (page, host) {
        (Some(page), Some(host)) => {
            let same_port = match (host.port_u16(), page.port_u16()) {
                // Some clients that are no browser leave their port out here and not there.
                (None, _) => true,
                (Some(host), Some(page)) => host == page,
                (Some(host), None) => host == if origin.starts_with("https:") { 443 } else { 80 },
            };
            page.host().eq_ignore_ascii_case(host.host()) && same_port
        }
        _ => false,
    }
}

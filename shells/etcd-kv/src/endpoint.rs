//! Where a member listens for clients.

use core::fmt;
use core::str::FromStr;
use std::sync::Arc;

use http::Uri;

/// A member's client URL: `https://host:2379`, `http://host:2379`, or `host:2379`, which is the latter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub(crate) name: Arc<str>,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: bool,
    /// Scheme and authority, for the requests.
    pub(crate) origin: Uri,
}

/// Why a text is no endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidEndpoint {
    given: String,
    reason: &'static str,
}

impl Endpoint {
    /// The endpoint as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Whether it is asked over TLS.
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        self.tls
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(given: &str) -> Result<Self, InvalidEndpoint> {
        parse(given).map_err(|reason| InvalidEndpoint { given: given.to_owned(), reason })
    }
}

fn parse(given: &str) -> Result<Endpoint, &'static str> {
    let (tls, authority) = match given.split_once("://") {
        Some(("http", rest)) => (false, rest),
        Some(("https", rest)) => (true, rest),
        Some(_) => return Err("it begins with neither http:// nor https://"),
        None => (false, given),
    };
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    if authority.contains(['/', '?', '#', '@']) {
        return Err("it has more than a host and a port");
    }
    let uri: http::uri::Authority = authority.parse().map_err(|_| "its host is invalid")?;
    let port = uri.port_u16().ok_or("it has no port")?;
    let host = uri.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    if host.is_empty() {
        return Err("it has no host");
    }
    let origin = Uri::builder()
        .scheme(if tls { "https" } else { "http" })
        .authority(uri)
        .path_and_query("/")
        .build()
        .map_err(|_| "its host is invalid")?;
    Ok(Endpoint { name: given.into(), host, port, tls, origin })
}

impl fmt::Display for InvalidEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no endpoint: {}", self.given, self.reason)
    }
}

impl core::error::Error for InvalidEndpoint {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(given: &str) -> Option<(String, u16, bool, String)> {
        let endpoint: Endpoint = given.parse().ok()?;
        Some((endpoint.host, endpoint.port, endpoint.tls, endpoint.origin.to_string()))
    }

    #[test]
    fn endpoints() {
        let is = |host: &str, port, tls, origin: &str| Some((host.to_owned(), port, tls, origin.to_owned()));
        assert_eq!(parts("https://a.example:2379"), is("a.example", 2379, true, "https://a.example:2379/"));
        assert_eq!(parts("http://10.0.0.1:2379/"), is("10.0.0.1", 2379, false, "http://10.0.0.1:2379/"));
        assert_eq!(parts("a:1"), is("a", 1, false, "http://a:1/"));
        assert_eq!(parts("https://[::1]:2379"), is("::1", 2379, true, "https://[::1]:2379/"));
    }

    #[test]
    fn what_is_no_endpoint() {
        for given in
            ["", "a", "http://", "http://a", "https://:2379", "ftp://a:1", "http://a:1/x", "http://u@a:1", "a:99999"]
        {
            assert_eq!(parts(given), None, "{given:?}");
        }
    }
}

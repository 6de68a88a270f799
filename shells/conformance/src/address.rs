//! Base URLs.

use core::fmt;

use recording_testkit::render::ORIGIN;

/// Where a server is: `http://host:port` or `https://host:port`, and perhaps a path that is in front of all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Whether it speaks TLS: `https`.
    pub tls: bool,
    /// Host and port, as the `Host` header has them.
    pub authority: String,
    /// What is in front of every path; empty, or with a slash at its beginning and none at its end.
    pub prefix: String,
}

impl Address {
    /// Reads a base URL.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in one line.
    pub fn parse(url: &str) -> Result<Self, String> {
        let (tls, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return Err(format!("{url}: not a base URL such as http://127.0.0.1:8080")),
        };
        let (authority, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let visible = rest.bytes().all(|byte| matches!(byte, b'!'..=b'~'));
        if authority.is_empty() || !visible || rest.contains(['?', '#', '@']) {
            return Err(format!("{url}: not a base URL such as http://127.0.0.1:8080"));
        }
        let prefix = prefix.trim_end_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("/{prefix}") };
        Ok(Self { tls, authority: authority.into(), prefix })
    }

    /// Host and port to connect to.
    #[must_use]
    pub fn host_and_port(&self) -> String {
        let port = if self.tls { 443 } else { 80 };
        if self.names_a_port() { self.authority.clone() } else { format!("{}:{port}", self.authority) }
    }

    /// The host alone, as certificates name it.
    #[must_use]
    pub fn host(&self) -> &str {
        let host = if self.names_a_port() { self.authority.rsplit_once(':').map(|(host, _)| host) } else { None };
        host.unwrap_or(&self.authority).trim_matches(['[', ']'])
    }

    fn names_a_port(&self) -> bool {
        self.authority.rsplit(']').next().unwrap_or_default().contains(':')
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http{}://{}", if self.tls { "s" } else { "" }, self.authority)
    }

    /// A target as this server gets it: the prefix comes in front of the path, and a target in absolute form names this
    /// server, since others it need not answer for.
    #[must_use]
    pub fn target(&self, target: &[u8]) -> Vec<u8> {
        let prefix = self.prefix.as_bytes();
        match target.strip_prefix(ORIGIN.as_bytes()) {
            Some(path) if path.starts_with(b"/") => [self.origin().as_bytes(), prefix, path].concat(),
            _ => [prefix, target].concat(),
        }
    }
}

/// The base URL.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, ORIGIN};

    #[test]
    fn base_urls() {
        let address = Address::parse("http://host/a/b/").unwrap();
        assert_eq!((address.authority.as_str(), address.prefix.as_str()), ("host", "/a/b"));
        assert_eq!(address.host_and_port(), "host:80");
        assert_eq!(address.target(b"/x"), b"/a/b/x");
        assert_eq!(address.target(format!("{ORIGIN}/x").as_bytes()), b"http://host/a/b/x");
        assert_eq!(Address::parse("http://[::1]:8080").unwrap().host_and_port(), "[::1]:8080");
        assert_eq!(Address::parse("http://[::1]").unwrap().host_and_port(), "[::1]:80");
        let hosts = ["http://a.b", "https://a.b:1", "https://[::1]", "http://[::1]:2"].map(|url| {
            let address = Address::parse(url).unwrap();
            assert_eq!(address.to_string(), url);
            (address.host().to_owned(), address.host_and_port())
        });
        let expected = [("a.b", "a.b:80"), ("a.b", "a.b:1"), ("::1", "[::1]:443"), ("::1", "[::1]:2")];
        assert_eq!(hosts, expected.map(|(host, port)| (host.to_owned(), port.to_owned())));
        for bad in
            ["", "host:80", "wss://host", "https://", "http://", "http://a b", "http://host/?q", "http://me@host"]
        {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }
}

//! Base URLs.

use core::fmt;

/// Where a server is: `http://host:port`, and perhaps a path that stands in front of all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Host and port, as the `Host` header has them.
    pub authority: String,
    /// What stands in front of every path; empty, or with a slash at its beginning and none at its end.
    pub prefix: String,
}

impl Address {
    /// Reads a base URL.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in one line.
    pub fn parse(url: &str) -> Result<Self, String> {
        if url.starts_with("https://") {
            return Err(format!("{url}: https is not spoken here; put a proxy that ends TLS in front of the server"));
        }
        let rest = url.strip_prefix("http://").ok_or(format!("{url}: not a base URL such as http://127.0.0.1:8080"))?;
        let (authority, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let visible = rest.bytes().all(|byte| matches!(byte, b'!'..=b'~'));
        if authority.is_empty() || !visible || rest.contains(['?', '#', '@']) {
            return Err(format!("{url}: not a base URL such as http://127.0.0.1:8080"));
        }
        let prefix = prefix.trim_end_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("/{prefix}") };
        Ok(Self { authority: authority.into(), prefix })
    }

    /// Host and port to connect to.
    #[must_use]
    pub fn host_and_port(&self) -> String {
        let bare = self.authority.rsplit(']').next().unwrap_or_default();
        if bare.contains(':') { self.authority.clone() } else { format!("{}:80", self.authority) }
    }

    /// A target as this server gets it: the prefix comes in front of the path.
    #[must_use]
    pub fn target(&self, target: &[u8]) -> Vec<u8> {
        let path_at = if target.starts_with(b"http://") {
            target.iter().skip(7).position(|byte| *byte == b'/').map_or(target.len(), |at| at + 7)
        } else {
            0
        };
        [&target[..path_at], self.prefix.as_bytes(), &target[path_at..]].concat()
    }
}

/// The base URL.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn base_urls() {
        let address = Address::parse("http://host/a/b/").unwrap();
        assert_eq!((address.authority.as_str(), address.prefix.as_str()), ("host", "/a/b"));
        assert_eq!(address.host_and_port(), "host:80");
        assert_eq!(address.target(b"/x"), b"/a/b/x");
        assert_eq!(address.target(b"http://other/x"), b"http://other/a/b/x");
        assert_eq!(Address::parse("http://[::1]:8080").unwrap().host_and_port(), "[::1]:8080");
        assert_eq!(Address::parse("http://[::1]").unwrap().host_and_port(), "[::1]:80");
        for bad in ["", "host:80", "https://host", "http://", "http://a b", "http://host/?q", "http://me@host"] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }
}

//! The names that a listener answers for where nothing but its address protects it.
//!
//! A web page in a browser of this machine can have its own name resolved to 127.0.0.1 (DNS rebinding). For the browser
//! the server is then of the page's own origin, so neither CORS nor a preflight is in the way. What is left to tell it by
//! is the name that the browser asks for: every browser sends it, and no page can change it.

use core::net::{IpAddr, Ipv6Addr};

use axum::http::header::HOST;
use axum::http::{HeaderMap, Uri};

/// The names besides `localhost` and the loopback addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hosts(Vec<Name>);

/// A name as a `Host` may have it, without a port.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    /// An address, by what it is and not by how it is written.
    Address(IpAddr),
    /// A name in lower case.
    Text(String),
}

const LOCALHOST: &str = "localhost";

impl Hosts {
    /// Takes a name or an IP address more, without a port.
    ///
    /// # Errors
    ///
    /// If no `Host` would say it.
    pub fn add(&mut self, host: &str) -> Result<(), &'static str> {
        const EXPECTED: &str = "a host as requests name it, without a port, as in recording.example or 10.0.0.5";
        // An IPv6 address may come with its brackets or without.
        let name = host.parse::<Ipv6Addr>().map(|address| Name::Address(address.into()));
        self.0.push(name.or_else(|_| Name::read(host).ok_or(EXPECTED))?);
        Ok(())
    }

    /// Whether no further name was taken.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a request is for this listener: each name that it gives, in its target (HTTP/1's absolute form, HTTP/2's
    /// `:authority`) or as `Host`, is one of ours. One that gives none comes from no browser.
    pub(crate) fn answer_for(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(HOST).iter();
        let (host, another) = (hosts.next(), hosts.next());
        // Of two it is not known which one counts.
        another.is_none()
            && uri.authority().is_none_or(|authority| self.has(authority.as_str()))
            && host.is_none_or(|host| {
                is_plainly_loopback(host.as_bytes()) || host.to_str().is_ok_and(|host| self.has(host))
            })
    }

    fn has(&self, authority: &str) -> bool {
        let Some(name) = without_port(authority).and_then(Name::read) else { return false };
        let is_usual = match &name {
            Name::Address(address) => address.to_canonical().is_loopback(),
            Name::Text(name) => name == LOCALHOST,
        };
        is_usual || self.0.contains(&name)
    }
}

/// Whether it is loopback as nearly every request has it: so it need not be taken apart.
fn is_plainly_loopback(host: &[u8]) -> bool {
    let rest = host.strip_prefix(b"127.0.0.1").or_else(|| host.strip_prefix(LOCALHOST.as_bytes()));
    rest.is_some_and(|rest| match rest {
        [] => true,
        [b':', port @ ..] => port.iter().all(u8::is_ascii_digit),
        _ => false,
    })
}

/// The name of a `host[:port]`.
fn without_port(authority: &str) -> Option<&str> {
    let end = if authority.starts_with('[') {
        authority.find(']')? + 1
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (name, port) = authority.split_at_checked(end)?;
    let is_port =
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    is_port.then_some(name)
}

impl Name {
    /// Addresses in their usual forms alone: what else a system may take for one (`127.1`, `0x7f000001`, `2130706433`) is
    /// a name like any other. A browser writes them in the usual form.
    fn read(host: &str) -> Option<Self> {
        if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return address.parse::<Ipv6Addr>().ok().map(|address| Self::Address(address.into()));
        }
        if let Ok(address) = host.parse() {
            return Some(Self::Address(IpAddr::V4(address)));
        }
        let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        (!host.is_empty() && host.bytes().all(sound)).then(|| Self::Text(host.to_ascii_lowercase()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(hosts: &Hosts, host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().expect("a value"));
        hosts.answer_for(&Uri::from_static("/"), &headers)
    }

    #[test]
    fn loopback_is_answered_for_in_every_usual_form() {
        let hosts = Hosts::default();
        for host in [
            "localhost",
            "LocalHost",
            "127.0.0.1",
            "127.0.0.2",
            "127.255.255.254",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
            "[::ffff:127.0.0.1]",
            "[::FFFF:7f00:1]",
        ] {
            for port in ["", ":", ":8080", ":80", ":65535"] {
                assert!(answers(&hosts, &format!("{host}{port}")), "{host}{port}");
            }
        }
        assert!(hosts.answer_for(&Uri::from_static("/"), &HeaderMap::new()));
    }

    /// The short way lets nothing in that the long one does not, whatever comes after the names that it knows.
    #[test]
    fn what_is_plainly_loopback_is() {
        let (hosts, mut plain) = (Hosts::default(), 0);
        for name in ["127.0.0.1", LOCALHOST] {
            for (one, other) in (0..=u8::MAX).flat_map(|one| (0..=u8::MAX).map(move |other| (one, other))) {
                for rest in [&[][..], &[one], &[one, other], &[b':', one, other]] {
                    let host = [name.as_bytes(), rest].concat();
                    if is_plainly_loopback(&host) {
                        assert!(core::str::from_utf8(&host).is_ok_and(|host| hosts.has(host)), "{host:?}");
                        plain += 1;
                    }
                }
            }
        }
        // Each name alone, with a colon, with a digit or two after that.
        assert!(plain > 2 * (1 + 1 + 10 + 100), "{plain}");
    }

    #[test]
    fn nothing_that_only_looks_like_loopback_is() {
        let hosts = Hosts::default();
        for host in [
            "",
            " ",
            ":",
            ":8080",
            "evil.example",
            "localhost.evil",
            "evil.localhost",
            "localhost.",
            "xlocalhost",
            "localhost,evil",
            "localhost evil",
            "localhost:80:80",
            "localhost:x",
            "localhost:-1",
            "evil:80@localhost",
            "user@localhost",
            "user:password@127.0.0.1",
            "localhost/evil",
            "localhost#",
            "localhost?",
            "127.0.0.1.",
            "127.0.0.1.nip.io",
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f000001",
            "0x7f.0.0.1",
            "0177.0.0.1",
            "127.0.0.01",
            "0",
            "0.0.0.0",
            "[::]",
            "::1",
            "[::1",
            "::1]",
            "[::1]x",
            "[::1]:x",
            "[::1%lo]",
            "[::1%25lo]",
            "[::127.0.0.1]",
            "[::2]",
            "[fe80::1]",
            "[::ffff:10.0.0.1]",
            "[127.0.0.1]",
            "[localhost]",
            "128.0.0.1",
            "10.0.0.5",
            "126.255.255.255",
            "\"localhost\"",
            "lo\u{e4}calhost",
        ] {
            assert!(!answers(&hosts, host), "{host}");
        }
    }

    #[test]
    fn a_further_name_is_that_name_and_no_other() {
        let mut hosts = Hosts::default();
        for host in ["Recording.Example", "10.0.0.5", "[2001:db8::1]", "2001:db8::2"] {
            assert_eq!(hosts.add(host), Ok(()), "{host}");
        }
        for host in [
            "recording.example",
            "RECORDING.EXAMPLE:443",
            "10.0.0.5",
            "[2001:DB8:0::1]:80",
            "[2001:db8::2]",
            "localhost",
        ] {
            assert!(answers(&hosts, host), "{host}");
        }
        for host in ["example", "x.recording.example", "recording.example.", "10.0.0.50", "[2001:db8::3]"] {
            assert!(!answers(&hosts, host), "{host}");
        }
        for wrong in ["", "a:80", "http://a", "a/", "*", "*.example", "a b", "[::1", "u@a"] {
            assert!(hosts.add(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_name_of_a_request_counts() {
        let hosts = Hosts::default();
        let asked = |target: &str, names: &[&str]| {
            let mut headers = HeaderMap::new();
            for name in names {
                headers.append(HOST, name.parse().expect("a value"));
            }
            hosts.answer_for(&target.parse().expect("a target"), &headers)
        };
        assert!(asked("http://localhost/x", &[]));
        assert!(asked("http://localhost:1/x", &["127.0.0.1:2"]));
        assert!(!asked("http://evil.example/x", &["localhost"]));
        assert!(!asked("http://localhost/x", &["evil.example"]));
        assert!(!asked("http://user@localhost/x", &[]));
        assert!(!asked("evil.example:443", &[]));
        assert!(!asked("/", &["localhost", "evil.example"]));
        assert!(!asked("/", &["localhost", "localhost"]));
    }
}

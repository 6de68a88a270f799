//! What an operator says about a webhook.

use core::time::Duration;
use std::collections::HashSet;
use std::path::PathBuf;

use axum::http::Uri;
use recording_core::wire::UccNameBuf;

/// A webhook, as a config describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookConfig {
    /// What the log and the metrics call it.
    pub name: Box<str>,
    /// Where events are posted.
    pub url: Uri,
    /// A file with the secrets that posts are signed with.
    pub secret_file: PathBuf,
    /// A file with the certificates that the receiver's is signed by; without it those of the system are used.
    pub ca_file: Option<PathBuf>,
    /// Events of these UCCs only; `None` for all.
    pub uccs: Option<HashSet<UccNameBuf>>,
    /// How many bytes of events may wait.
    pub queue_bytes: usize,
    /// How many posts may be on their way at once.
    pub parallel: usize,
    /// How long the receiver has for its answer.
    pub give_up_after: Duration,
    /// How long an event may wait before it is dropped.
    pub max_age: Duration,
}

impl WebhookConfig {
    /// The longest name, in bytes.
    pub const NAME_MAX: usize = 64;

    /// A webhook to this place, as most are.
    #[must_use]
    pub fn new(name: &str, url: Uri, secret_file: PathBuf) -> Self {
        Self {
            name: name.into(),
            url,
            secret_file,
            ca_file: None,
            uccs: None,
            queue_bytes: 4 << 20,
            parallel: 8,
            give_up_after: Duration::from_secs(5),
            max_age: Duration::from_secs(3600),
        }
    }

    /// Why events may not be posted there, if so. What is posted says whose calls are recorded, so `http://` is for this machine
    /// alone.
    #[must_use]
    pub fn refused_place(url: &Uri) -> Option<&'static str> {
        let Some(authority) = url.authority().filter(|authority| !authority.host().is_empty()) else {
            return Some("expected https:// and a host");
        };
        if authority.as_str().contains('@') {
            return Some("expected no user and password in it");
        }
        match url.scheme_str() {
            Some("https") => None,
            Some("http") if is_this_machine(authority.host()) => None,
            Some("http") => Some("expected https://; http:// is for 127.0.0.1, [::1] and localhost only"),
            _ => Some("expected https:// and a host"),
        }
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<core::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

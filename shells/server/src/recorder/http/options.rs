//! What an operator says about a recorder that speaks HTTP.

use core::time::Duration;
use std::path::PathBuf;

use axum::http::Uri;

/// A recorder that speaks HTTP, as a config describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where orders are posted.
    pub url: Uri,
    /// A file with the token that each request bears, if it bears one.
    pub token_file: Option<PathBuf>,
    /// A file with the certificates that the recorder's is signed by; without it those of the system are used.
    pub ca_file: Option<PathBuf>,
    /// Whether it can pause and go on.
    pub can_pause: bool,
    /// How long it has for a reply before a sending is given up.
    pub give_up_after: Duration,
}

/// How long a recorder has for a reply by default.
pub const GIVE_UP_AFTER: Duration = Duration::from_secs(2);

/// How often a recorder is asked whether it is there.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How many bytes of a reply are read.
pub(super) const MOST_BYTES: usize = 4096;

impl Options {
    /// A recorder at this place, as most are.
    #[must_use]
    pub const fn at(url: Uri) -> Self {
        Self { url, token_file: None, ca_file: None, can_pause: true, give_up_after: GIVE_UP_AFTER }
    }

    /// Whether this is the place of a recorder: `http://` or `https://`, a host, and no query or fragment, since a query is added
    /// to it.
    #[must_use]
    pub fn is_place(url: &Uri) -> bool {
        let is_known = matches!(url.scheme_str(), Some("http" | "https"));
        is_known && url.host().is_some_and(|host| !host.is_empty()) && url.query().is_none()
    }
}

//! Fetching the keys: where they are, then what they are.

use core::fmt;
use core::future::Future;
use core::time::Duration;

use axum::http::{StatusCode, Uri};
use bytes::Bytes;

use super::discovery;
use crate::issuer::Fetch;
use crate::outgoing::{self, Authorities, AuthorityError, Client, Failed, Proxies, Reply};
use crate::reloadable::Reloadable;

/// How long a connection to the issuer may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);

/// How long each of the two requests may take.
const GIVE_UP_AFTER: Duration = Duration::from_secs(5);

/// How many bytes are read of what the issuer says: more than a hundred RSA keys with their certificates.
const MOST_BYTES: usize = 512 * 1024;

/// How many redirects are followed for each of the two.
const REDIRECTS: u8 = 3;

/// A JWKS as it was fetched.
#[derive(Debug)]
pub struct Fetched {
    pub(super) jwks: Bytes,
    /// Where it is.
    pub(super) from: Uri,
    /// For how long it may be kept, if the issuer says so.
    pub(super) fresh_for: Option<Duration>,
}

/// Why it could not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFetched {
    pub(super) fetch: Fetch,
    /// One line, which names the URL.
    pub(super) reason: String,
}

impl NotFetched {
    pub(super) fn invalid(from: &Uri, reason: impl fmt::Display) -> Self {
        Self { fetch: Fetch::Invalid, reason: format!("{from}: {reason}") }
    }
}

/// What fetches a JWKS.
pub trait Fetches: Send + Sync {
    /// Fetches it once.
    fn fetch(&self) -> impl Future<Output = Result<Fetched, NotFetched>> + Send;
}

/// Fetches by HTTP.
#[derive(Debug)]
pub struct Fetcher {
    issuer: Box<str>,
    settings: outgoing::Settings,
    client: Reloadable<Client>,
}

impl Fetcher {
    /// Reads the certificates of authorities.
    pub(super) fn new(issuer: &str, authorities: Authorities, proxies: Proxies) -> Result<Self, AuthorityError> {
        let settings = outgoing::Settings {
            authorities,
            proxies,
            connect_within: CONNECT_WITHIN,
            give_up_after: GIVE_UP_AFTER,
            most_bytes: MOST_BYTES,
            redirects: REDIRECTS,
            // One of https does not lead to what is less.
            may_go: if issuer.starts_with("http:") { outgoing::is_safe } else { outgoing::is_https },
        };
        let client = Reloadable::new(Client::new(settings.clone())?);
        Ok(Self { issuer: issuer.into(), settings, client })
    }

    /// Reads the certificates again.
    pub(super) fn reload(&self) -> Result<(), AuthorityError> {
        self.client.replace(Client::new(self.settings.clone())?);
        Ok(())
    }

    async fn get(&self, url: &Uri) -> Result<Reply, NotFetched> {
        let failed = |fetch, reason: &dyn fmt::Display| NotFetched { fetch, reason: format!("{url}: {reason}") };
        let reply = match self.client.current().get(url.clone(), "application/json").await {
            Ok(reply) => reply,
            Err(Failed::Late(after)) => return Err(failed(Fetch::Late, &Failed::Late(after))),
            Err(Failed::Unreachable(reason)) => return Err(failed(Fetch::Unreachable, &reason)),
            Err(Failed::Unusable(reason)) => return Err(failed(Fetch::Invalid, &reason)),
        };
        if reply.status != StatusCode::OK {
            let too_many = if reply.status.is_redirection() { ", which is not followed any more" } else { "" };
            let status = reply.status.as_u16();
            return Err(failed(Fetch::Status, &format_args!("answered with status {status}{too_many}")));
        }
        match discovery::other_type(&reply.headers) {
            // Some issuers serve good documents under a wrong type, so it is only said if they are none.
            Some(other) if serde_json::from_slice::<serde::de::IgnoredAny>(&reply.body).is_err() => {
                Err(failed(Fetch::Invalid, &format_args!("no JSON: it is of the type '{other}'")))
            }
            _ => Ok(reply),
        }
    }
}

impl Fetches for Fetcher {
    async fn fetch(&self) -> Result<Fetched, NotFetched> {
        let place = discovery::place(&self.issuer);
        // It was checked when it was given.
        let url =
            place.parse().map_err(|_| NotFetched { fetch: Fetch::Invalid, reason: format!("{place}: no URL") })?;
        let document = self.get(&url).await?;
        let url = discovery::keys_of(&self.issuer, &document.body)
            .map_err(|reason| NotFetched::invalid(&document.from, reason))?;
        let reply = self.get(&url).await?;
        Ok(Fetched { fresh_for: discovery::fresh_for(&reply.headers), jwks: reply.body, from: reply.from })
    }
}

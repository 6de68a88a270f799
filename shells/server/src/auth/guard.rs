//! What stands before a listener's router.

use core::net::IpAddr;
use core::time::Duration;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use recording_core::wire::{ErrorMessage, ErrorType, Rejection};
use tokio::time::{Instant, sleep};
use tower_service::Service as _;
use tracing::{error, info, warn};

use super::credential::{self, Wrong};
use super::hosts::Hosts;
use super::issuer::Issuer;
use super::jwt::{Jwts, Source};
use super::origins::{self, Origins};
use super::part::Part;
use super::rate::{Caller, Rates};
use super::tokens::Tokens;
use super::{FileError, FromFile, Parse, Principal};
use crate::caller::RequestLine;
use crate::net::Client;
use crate::{body, log, reply};

/// How long a client over a limit waits for each answer: so the one that sends on, one request after the other, is kept busy,
/// and not the server.
const LIMITED_WAITS: Duration = Duration::from_millis(20);

/// In how many seconds a token may be shown again that could not be checked.
const KEYS_SOON: &str = "5";

/// The path of the hubs: what is there or below wants a token that is good for events.
const HUBS: &str = "/attendantservice/hubs";

/// What a listener asks of its callers.
#[derive(Debug, Default)]
pub struct Guard {
    /// The static tokens.
    pub tokens: Option<FromFile<Tokens>>,
    /// What JWTs are checked with.
    pub jwts: Option<Jwts>,
    /// The origins whose pages may call.
    pub origins: Origins,
    /// The hosts that it answers for besides the loopback ones, where it asks for no tokens.
    pub hosts: Hosts,
    /// How often each may call.
    pub rates: Option<Rates>,
}

impl Guard {
    /// Whether it would let everything through.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        !self.wants_token() && self.origins.is_empty() && self.rates.is_none()
    }

    /// Whether a token is asked for.
    #[must_use]
    pub const fn wants_token(&self) -> bool {
        self.tokens.is_some() || self.jwts.is_some()
    }

    /// The hosts that a listener at `address` answers for; `None` if it does for all. A page of another name has no token,
    /// so where tokens are asked for it makes no difference.
    pub(crate) fn hosts_at(&self, address: IpAddr) -> Option<Hosts> {
        let limited = address.to_canonical().is_loopback() || !self.hosts.is_empty();
        (limited && !self.wants_token()).then(|| self.hosts.clone())
    }

    /// Reads the files again. One that is bad changes nothing, and the log says so.
    pub fn reload(&self) {
        if let Some(tokens) = &self.tokens {
            told(tokens, "tokens read again", tokens.reload());
        }
        match self.jwts.as_ref().map(Jwts::keys) {
            None => {}
            Some(Source::File(keys)) => told(keys, "keys read again", keys.reload()),
            Some(Source::Issuer(issuer)) => issuer.reload(),
        }
    }

    /// The issuer that keys are fetched from, if there is one.
    pub(crate) fn issuer(&self) -> Option<&Arc<Issuer>> {
        self.jwts.as_ref().and_then(Jwts::issuer)
    }

    /// Puts the guard before the API and the hubs.
    pub fn before_api(self: Arc<Self>, router: Router) -> Router {
        self.before(router, |path| Some(if is_hub(path) { Part::Hub } else { Part::Api }))
    }

    /// Puts the guard before the admin's requests. A path that `is_open` needs no token.
    pub fn before_admin(self: Arc<Self>, router: Router, is_open: fn(&str) -> bool) -> Router {
        self.before(router, move |path| (!is_open(path)).then_some(Part::Admin))
    }

    /// Whether a request may go on at once: there is nothing to look at but how often its client calls. If not, it takes
    /// the way through [`before_api`](Self::before_api).
    pub(crate) fn lets_through(&self, client: &Client, now: Instant) -> bool {
        !self.wants_token() && self.origins.is_empty() && self.takes_from(client, now).is_ok()
    }

    /// Takes a request off the allowance of the client's address.
    fn takes_from(&self, client: &Client, now: Instant) -> Result<(), Duration> {
        let Some(Rates { callers, .. }) = &self.rates else { return Ok(()) };
        callers.take_now(client.allowance(|| callers.of(Caller::at(client.peer().ip()))), now)
    }

    /// `part` says which part of the server a path belongs to; `None` needs no token.
    fn before<P>(self: Arc<Self>, router: Router, part: P) -> Router
    where
        P: Fn(&str) -> Option<Part> + Copy + Send + Sync + 'static,
    {
        if self.is_idle() {
            return router;
        }
        Router::new().fallback(move |request: Request| {
            let (guard, router) = (Arc::clone(&self), router.clone());
            async move {
                let part = part(request.uri().path());
                guard.answer(router, request, part).await
            }
        })
    }

    async fn answer(&self, mut router: Router, request: Request, part: Option<Part>) -> Response {
        let (mut parts, body) = request.into_parts();
        let origin = self.origins.of(&parts.headers).cloned();
        if origin.is_some() {
            // The hub would let in pages of its own origin only.
            parts.extensions.insert(signalr_hub::OriginAllowed);
        }
        let asked = origin.as_ref().and_then(|_| origins::preflight(&parts));
        let why = if asked.is_some() { None } else { self.admit(&mut parts, part).await.err() };
        if matches!(why, Some(KeptOut::Rate(_) | KeptOut::Stranger(_))) {
            sleep(LIMITED_WAITS).await;
        }
        let kept_out = asked.or_else(|| why.map(|why| why.answer(&parts)));
        let mut response = match kept_out {
            None => match router.call(Request::from_parts(parts, body)).await {
                Ok(response) => response,
                Err(never) => match never {},
            },
            Some(response) => {
                let usable = body::discard(body, &parts.headers, parts.extensions.get()).await;
                if usable { response } else { reply::and_close(response) }
            }
        };
        if !self.origins.is_empty() {
            origins::vary(&mut response);
        }
        if let Some(origin) = origin {
            origins::admit(&mut response, origin);
        }
        response
    }

    /// Lets a request through, who it comes from in its extensions and its token taken out; or says why not.
    async fn admit(&self, parts: &mut Parts, part: Option<Part>) -> Result<(), KeptOut> {
        let Some(part) = part.filter(|_| self.wants_token()) else {
            return parts
                .extensions
                .get::<Client>()
                .map_or(Ok(()), |client| self.takes_from(client, Instant::now()))
                .map_err(KeptOut::Rate);
        };
        let token = credential::take(parts, is_hub(parts.uri.path())).map_err(KeptOut::Token)?;
        let (principal, is_good) = self.principal(&token, part, parts.extensions.get()).await?;
        if !is_good {
            return Err(KeptOut::Part(principal));
        }
        let taken = self
            .rates
            .as_ref()
            .map_or(Ok(()), |rates| rates.callers.take(&rates.callers.of(Caller::Principal(principal.shared_name()))));
        parts.extensions.insert(principal);
        taken.map_err(KeptOut::Rate)
    }

    /// The bearer of `token`, and whether it is good for `part`.
    async fn principal(&self, token: &[u8], part: Part, client: Option<&Client>) -> Result<(Principal, bool), KeptOut> {
        if let Some(tokens) = &self.tokens
            && let Some((principal, is_good)) = tokens.value().current().find(token, part)
        {
            return Ok((principal.clone(), is_good));
        }
        // Nothing else has two dots, if it is not meant to be one.
        let jwts = self.jwts.as_ref().filter(|_| token.iter().filter(|&&byte| byte == b'.').count() == 2);
        if let Some(principal) = jwts.and_then(|jwts| jwts.known(token)) {
            return Ok((principal, true));
        }
        // From here on it is a stranger's, whose address pays before any work is done for it.
        let paid = self.rates.as_ref().zip(client).map(|(rates, client)| {
            let allowance = rates.strangers.of(Caller::at(client.peer().ip()));
            rates.strangers.take(&allowance).map(|()| (&rates.strangers, allowance))
        });
        let paid = paid.transpose().map_err(KeptOut::Stranger)?;
        let found = match jwts {
            None => Err(Wrong::Unknown),
            Some(jwts) => jwts.find(token).await,
        };
        // What could not be checked is no sign of a stranger.
        if let (Ok(_) | Err(Wrong::NoKeys | Wrong::OldKeys), Some((strangers, allowance))) = (&found, paid) {
            strangers.give_back(&allowance);
        }
        found.map(|principal| (principal, true)).map_err(KeptOut::Token)
    }
}

fn is_hub(path: &str) -> bool {
    path.strip_prefix(HUBS).is_some_and(|below| below.is_empty() || below.starts_with('/'))
}

fn told<T: Parse>(from: &FromFile<T>, what: &str, done: Result<(), FileError>) {
    let file = from.file().display();
    match done {
        Ok(()) => {
            let current = from.value().current();
            let (number, passed_over) = (current.len(), current.passed_over());
            info!(target: "recording", %file, number, passed_over, "{what}");
        }
        Err(error) => {
            error!(target: "recording", "bad file: {error}");
            warn!(target: "recording", %file, "what was read before stays in force");
        }
    }
}

/// Why a request is not let through.
enum KeptOut {
    /// It has no token that holds.
    Token(Wrong),
    /// Its token is good for another part.
    Part(Principal),
    /// Its caller has to wait so long.
    Rate(Duration),
    /// Its address has shown too many invalid tokens, and has to wait so long.
    Stranger(Duration),
}

impl KeptOut {
    fn answer(self, parts: &Parts) -> Response {
        let client = parts.extensions.get();
        match self {
            Self::Token(wrong @ (Wrong::NoKeys | Wrong::OldKeys)) => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                log::kept_out(RequestLine::of(parts, client.map(Client::peer)), status.as_u16(), None, wrong.text());
                let error = "The token cannot be checked: the keys of its issuer are missing.";
                let mut response = reply::error(status, ErrorMessage::new(ErrorType::Configuration, error));
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(KEYS_SOON));
                response
            }
            Self::Token(wrong) => {
                let mut response = refused(parts, client, None, Rejection::Unauthorized, wrong.text());
                // As RFC 6750 says: no reason for whoever showed nothing.
                let challenge = match wrong {
                    Wrong::Missing | Wrong::Scheme => r#"Bearer realm="recording""#,
                    _ => r#"Bearer realm="recording", error="invalid_token""#,
                };
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
                response
            }
            Self::Part(principal) => {
                refused(parts, client, Some(&principal), Rejection::Forbidden, "token for another part")
            }
            Self::Rate(wait) | Self::Stranger(wait) => {
                let rejection = Rejection::TooManyRequests;
                let mut response = refused(parts, client, parts.extensions.get(), rejection, "too many requests");
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
                response
            }
        }
    }
}

fn refused(
    parts: &Parts,
    client: Option<&Client>,
    principal: Option<&Principal>,
    rejection: Rejection,
    reason: &str,
) -> Response {
    let line = RequestLine::of(parts, client.map(Client::peer));
    log::kept_out(line, rejection.status(), principal.map(Principal::name), reason);
    reply::rejection(rejection)
}

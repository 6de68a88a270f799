//! Taking the token out of a request, so that no later code can see it, let alone log it.

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, Uri};

/// The parameter by which browsers send the token of a WebSocket or an event stream, where they cannot send a header.
const PARAMETER: &str = "access_token";

/// What is wrong with a token. It is logged; the client learns only that its token is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    Missing,
    Several,
    Scheme,
    Unknown,
    Malformed,
    Type,
    Critical,
    Key,
    /// It names a key that is not there, and that the issuer may have made since.
    NewKey,
    Algorithm,
    Signature,
    Expired,
    NotYetValid,
    Issuer,
    Audience,
    Scope,
    Claims,
    /// It was not looked at, since there is no key of the issuer to check it with.
    NoKeys,
    /// The same, since the keys of the issuer are too old.
    OldKeys,
}

impl Wrong {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Missing => "no token",
            Self::Several => "more than one token",
            Self::Scheme => "no bearer token",
            Self::Unknown => "unknown token",
            Self::Malformed => "malformed JWT",
            Self::Type => "JWT of another type",
            Self::Critical => "JWT with a critical extension",
            Self::Key | Self::NewKey => "JWT of an unknown key",
            Self::Algorithm => "JWT of another algorithm than its key's",
            Self::Signature => "JWT with a wrong signature",
            Self::Expired => "JWT expired",
            Self::NotYetValid => "JWT not yet valid",
            Self::Issuer => "JWT of another issuer",
            Self::Audience => "JWT for another audience",
            Self::Scope => "JWT without the scope",
            Self::Claims => "JWT without exp, iss or aud, or with one that cannot be read",
            Self::NoKeys => "JWT that cannot be checked: no keys of the issuer yet",
            Self::OldKeys => "JWT that cannot be checked: the keys of the issuer are too old",
        }
    }
}

/// Takes the one token that a request may have: from the header, or for the hub from the query.
pub(super) fn take(parts: &mut Parts, is_hub: bool) -> Result<Vec<u8>, Wrong> {
    let mut headers = parts.headers.get_all(AUTHORIZATION).iter();
    let header = headers.next().map(bearer);
    let mut several = headers.next().is_some();
    parts.headers.remove(AUTHORIZATION);
    // Elsewhere a query means nothing, and so does a token in it.
    let parameter = if is_hub { take_parameter(&mut parts.uri, &mut several) } else { None };
    match (header, parameter) {
        _ if several => Err(Wrong::Several),
        (Some(_), Some(_)) => Err(Wrong::Several),
        (Some(token), None) => token,
        (None, Some(token)) => Ok(token),
        (None, None) => Err(Wrong::Missing),
    }
}

/// `Bearer`, in any case, one space or more, and the token.
fn bearer(value: &HeaderValue) -> Result<Vec<u8>, Wrong> {
    let (scheme, token) = value.as_bytes().split_at_checked("bearer ".len()).ok_or(Wrong::Scheme)?;
    if !scheme.eq_ignore_ascii_case(b"bearer ") {
        return Err(Wrong::Scheme);
    }
    let token = token.trim_ascii();
    if token.is_empty() { Err(Wrong::Missing) } else { Ok(token.to_vec()) }
}

/// Takes the parameter out of the target. Its value is compared as it stands: no token has anything to encode.
fn take_parameter(uri: &mut Uri, several: &mut bool) -> Option<Vec<u8>> {
    let query = uri.query()?;
    let mut token = None;
    let mut rest = Vec::new();
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some((PARAMETER, value)) => *several |= token.replace(value.as_bytes().to_vec()).is_some(),
            _ if pair == PARAMETER => *several |= token.replace(Vec::new()).is_some(),
            _ => rest.push(pair),
        }
    }
    token.as_ref()?;
    let target = match rest.join("&") {
        rest if rest.is_empty() => uri.path().to_owned(),
        rest => format!("{}?{rest}", uri.path()),
    };
    let mut parts = core::mem::take(uri).into_parts();
    // Parts of a sound target make a sound target.
    parts.path_and_query = PathAndQuery::try_from(target).ok();
    *uri = Uri::from_parts(parts).unwrap_or_default();
    token
}

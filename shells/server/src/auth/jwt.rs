//! JWTs, checked against the public keys of a JWKS, which is in a file or is fetched from the issuer.
//!
//! Which algorithm a token must have is the key's to say, never the token's, as RFC 8725 wants it.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header};
use recording_core::wire::SipUriBuf;
use serde_json::{Map, Value};

use super::credential::Wrong;
use super::issuer::{Issuer, NoKeys};
use super::keys::Keys;
use super::verified::{Times, Verified};
use super::{FromFile, Principal, ring_provider};

/// What holds for every JWT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// What `iss` must be.
    pub issuer: String,
    /// What `aud` must be, or hold.
    pub audience: String,
    /// How many seconds the clocks of issuer and server may differ.
    pub leeway: u64,
    /// What it must have been given, if anything: a word of `scope`, `scp` or `roles`.
    pub scope: Option<String>,
    /// The claim that a set's `RequesterSipUri` must equal, if any.
    pub requester_claim: Option<String>,
}

/// Where keys come from.
#[derive(Debug)]
pub enum Source {
    /// A file, read again on demand.
    File(FromFile<Keys>),
    /// The issuer.
    Issuer(Arc<Issuer>),
}

impl From<FromFile<Keys>> for Source {
    fn from(file: FromFile<Keys>) -> Self {
        Self::File(file)
    }
}

impl Source {
    fn current(&self) -> Result<Arc<Keys>, Wrong> {
        match self {
            Self::File(file) => Ok(file.value().current()),
            Self::Issuer(issuer) => issuer.held().current().map_err(|why| match why {
                NoKeys::NotFetched => Wrong::NoKeys,
                NoKeys::TooOld => Wrong::OldKeys,
            }),
        }
    }
}

/// Rules and keys.
#[derive(Debug)]
pub struct Jwts {
    rules: Rules,
    keys: Source,
    verified: Verified,
}

impl Jwts {
    /// Checks by these rules with these keys.
    #[must_use]
    pub fn new(rules: Rules, keys: impl Into<Source>) -> Self {
        ring_provider::install();
        Self { rules, keys: keys.into(), verified: Verified::default() }
    }

    pub(super) const fn keys(&self) -> &Source {
        &self.keys
    }

    /// The issuer, if keys are fetched from it.
    pub(super) const fn issuer(&self) -> Option<&Arc<Issuer>> {
        match &self.keys {
            Source::File(_) => None,
            Source::Issuer(issuer) => Some(issuer),
        }
    }

    /// The bearer of `token`, if it was checked before and still holds. That takes no work to speak of.
    pub(super) fn known(&self, token: &[u8]) -> Option<Principal> {
        let (principal, times) = self.verified.find(&self.keys.current().ok()?, token)?;
        times.hold(SystemTime::now(), self.rules.leeway).ok()?;
        Some(principal)
    }

    /// The bearer of `token`. One that names a key which the issuer may have made since is checked again once that was asked
    /// for its keys.
    pub(super) async fn find(&self, token: &[u8]) -> Result<Principal, Wrong> {
        match (self.check(token), &self.keys) {
            (Err(Wrong::NewKey), Source::Issuer(issuer)) => {
                let found = if issuer.held().early().await { self.check(token) } else { Err(Wrong::Key) };
                found.map_err(|wrong| if wrong == Wrong::NewKey { Wrong::Key } else { wrong })
            }
            (Err(Wrong::NewKey), Source::File(_)) => Err(Wrong::Key),
            (found, _) => found,
        }
    }

    fn check(&self, token: &[u8]) -> Result<Principal, Wrong> {
        let header = decode_header(token).map_err(|_| Wrong::Malformed)?;
        check_header(&header)?;
        let keys = self.keys.current()?;
        if keys.lacks(&header) {
            return Err(if self.says_to_be_of_the_issuer(token) { Wrong::NewKey } else { Wrong::Key });
        }
        let claims = self.claims(token, &header, &keys)?;
        // The library takes a list of issuers as well, of which one fits. A token has one.
        if !matches!(claims.get("iss"), Some(Value::String(_))) {
            return Err(Wrong::Issuer);
        }
        let times = Times::of(&claims)?;
        times.hold(SystemTime::now(), self.rules.leeway)?;
        if self.rules.scope.as_ref().is_some_and(|scope| !has_scope(&claims, scope)) {
            return Err(Wrong::Scope);
        }
        let text = |claim: &str| claims.get(claim).and_then(Value::as_str);
        let name = format!("jwt:{}", text("sub").unwrap_or_default());
        let principal = match &self.rules.requester_claim {
            None => Principal::new(&name),
            Some(claim) => Principal::named(&name, text(claim).and_then(|uri| SipUriBuf::new(uri).ok())),
        };
        self.verified.keep(&keys, token, &principal, times);
        Ok(principal)
    }

    /// Whether it is worth asking the issuer about it: tokens of others come by mistake.
    fn says_to_be_of_the_issuer(&self, token: &[u8]) -> bool {
        let claims = jsonwebtoken::dangerous::insecure_decode::<Map<String, Value>>(token);
        claims.is_ok_and(|token| token.claims.get("iss").and_then(Value::as_str) == Some(&*self.rules.issuer))
    }

    /// What the token claims, if it was signed with one of its keys.
    fn claims(&self, token: &[u8], header: &Header, keys: &Arc<Keys>) -> Result<Map<String, Value>, Wrong> {
        let mut why = Wrong::Key;
        for key in keys.of(header)? {
            match decode(token, &key.key, &self.validation(key.algorithm)) {
                Ok(decoded) => return Ok(decoded.claims),
                Err(error) => why = wrong(error.kind()),
            }
            // Another key of this name would say the same.
            if why != Wrong::Signature {
                break;
            }
        }
        Err(why)
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        // See `Times`.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.set_required_spec_claims(&["iss", "aud"]);
        validation.set_issuer(&[&self.rules.issuer]);
        validation.set_audience(&[&self.rules.audience]);
        validation
    }
}

/// Whether its issuer has given it this: as one of the words of a text, or as one of a list. RFC 8693 has `scope`, Okta and Entra ID
/// have `scp`, and Entra ID has `roles` for what an application may do in its own name.
fn has_scope(claims: &Map<String, Value>, scope: &str) -> bool {
    ["scope", "scp", "roles"].iter().filter_map(|claim| claims.get(*claim)).any(|claim| match claim {
        Value::String(words) => words.split(' ').any(|word| word == scope),
        Value::Array(words) => words.iter().any(|word| word == scope),
        _ => false,
    })
}

impl Times {
    /// Seconds since 1970 that may have fractions (RFC 7519). The library reads fractions or not by how another crate is
    /// built (`arbitrary_precision` of `serde_json`).
    fn of(claims: &Map<String, Value>) -> Result<Self, Wrong> {
        let seconds = |claim: &Value| claim.as_f64().filter(|seconds| seconds.is_finite()).ok_or(Wrong::Claims);
        let until = seconds(claims.get("exp").ok_or(Wrong::Claims)?)?;
        Ok(Self { until, from: claims.get("nbf").map(seconds).transpose()? })
    }

    /// Whether a token with these holds `now`.
    fn hold(&self, now: SystemTime, leeway: u64) -> Result<(), Wrong> {
        let now = now.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        let leeway = leeway as f64;
        if self.until + leeway <= now {
            return Err(Wrong::Expired);
        }
        match self.from {
            Some(from) if from - leeway > now => Err(Wrong::NotYetValid),
            _ => Ok(()),
        }
    }
}

/// What a header may say besides algorithm and key. Keys that it brings along are not even looked at.
fn check_header(header: &Header) -> Result<(), Wrong> {
    // Extensions that must be understood: none is.
    if header.crit.is_some() {
        return Err(Wrong::Critical);
    }
    // RFC 7515, section 4.1.9: where there is no other slash, `application/` may be left out.
    let typ = header.typ.as_deref().map(str::to_ascii_lowercase);
    match typ.as_deref().map(|typ| typ.strip_prefix("application/").unwrap_or(typ)) {
        None | Some("jwt" | "at+jwt") => Ok(()),
        Some(_) => Err(Wrong::Type),
    }
}

const fn wrong(kind: &ErrorKind) -> Wrong {
    match kind {
        ErrorKind::InvalidSignature => Wrong::Signature,
        ErrorKind::InvalidAlgorithm => Wrong::Algorithm,
        ErrorKind::InvalidIssuer => Wrong::Issuer,
        ErrorKind::InvalidAudience => Wrong::Audience,
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) => Wrong::Claims,
        _ => Wrong::Malformed,
    }
}

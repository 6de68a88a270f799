//! JWTs, checked against the public keys of a JWKS file.
//!
//! Which algorithm a token must have is the key's to say, never the token's: RS256, ES256 or `EdDSA`, as RFC 8725 wants
//! it. A key with another one, or one for encryption, is passed over; a secret or private key makes the file bad.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, Header, Validation, decode, decode_header};
use recording_core::SipUriBuf;
use serde_json::{Map, Value};

use super::credential::Wrong;
use super::{FileError, FromFile, Parse, Principal, ring_provider};

/// What holds for every JWT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// What `iss` must be.
    pub issuer: String,
    /// What `aud` must be, or hold.
    pub audience: String,
    /// How many seconds the clocks of issuer and server may differ.
    pub leeway: u64,
    /// The claim that a set's `RequesterSipUri` must equal, if any.
    pub requester_claim: Option<String>,
}

/// Rules and keys.
#[derive(Debug)]
pub struct Jwts {
    rules: Rules,
    keys: FromFile<Keys>,
}

/// The keys of a JWKS file that tokens can be checked with.
#[derive(Debug)]
pub struct Keys(Vec<Key>);

#[derive(Debug)]
struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Jwts {
    /// Checks by these rules with these keys.
    #[must_use]
    pub fn new(rules: Rules, keys: FromFile<Keys>) -> Self {
        ring_provider::install();
        Self { rules, keys }
    }

    pub(super) const fn keys(&self) -> &FromFile<Keys> {
        &self.keys
    }

    /// The bearer of `token`.
    pub(super) fn check(&self, token: &[u8]) -> Result<Principal, Wrong> {
        let header = decode_header(token).map_err(|_| Wrong::Malformed)?;
        check_header(&header)?;
        let keys = self.keys.value().current();
        let key = keys.of(&header)?;
        let claims = decode::<Map<String, Value>>(token, &key.key, &self.validation(key.algorithm));
        let claims = claims.map_err(|error| wrong(error.kind()))?.claims;
        // The library takes a list of issuers as well, of which one fits. A token has one.
        if !matches!(claims.get("iss"), Some(Value::String(_))) {
            return Err(Wrong::Issuer);
        }
        check_times(&claims, SystemTime::now(), self.rules.leeway)?;
        let text = |claim: &str| claims.get(claim).and_then(Value::as_str);
        let name = format!("jwt:{}", text("sub").unwrap_or_default());
        Ok(match &self.rules.requester_claim {
            None => Principal::new(&name),
            Some(claim) => Principal::named(&name, text(claim).and_then(|uri| SipUriBuf::new(uri).ok())),
        })
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        // See `check_times`.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.set_required_spec_claims(&["iss", "aud"]);
        validation.set_issuer(&[&self.rules.issuer]);
        validation.set_audience(&[&self.rules.audience]);
        validation
    }
}

/// Whether the token holds `now`, in seconds since 1970 that may have fractions (RFC 7519). The library reads fractions
/// or not by how another crate is built (`arbitrary_precision` of `serde_json`).
fn check_times(claims: &Map<String, Value>, now: SystemTime, leeway: u64) -> Result<(), Wrong> {
    let seconds = |claim: &Value| claim.as_f64().filter(|seconds| seconds.is_finite()).ok_or(Wrong::Claims);
    let now = now.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
    let leeway = leeway as f64;
    if seconds(claims.get("exp").ok_or(Wrong::Claims)?)? + leeway <= now {
        return Err(Wrong::Expired);
    }
    match claims.get("nbf").map(seconds).transpose()? {
        Some(not_before) if not_before - leeway > now => Err(Wrong::NotYetValid),
        _ => Ok(()),
    }
}

/// What a header may say besides algorithm and key. Keys that it brings along are not even looked at.
fn check_header(header: &Header) -> Result<(), Wrong> {
    // Extensions that must be understood: none is.
    if header.crit.is_some() {
        return Err(Wrong::Critical);
    }
    match header.typ.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None | Some("jwt" | "at+jwt" | "application/at+jwt") => Ok(()),
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

impl Keys {
    /// The key that a token names; the only one, if it names none.
    fn of(&self, header: &Header) -> Result<&Key, Wrong> {
        let key = match &header.kid {
            Some(id) => self.0.iter().find(|key| key.id.as_ref() == Some(id)),
            None => self.0.first().filter(|_| self.0.len() == 1),
        };
        let key = key.ok_or(Wrong::Key)?;
        if key.algorithm == header.alg { Ok(key) } else { Err(Wrong::Algorithm) }
    }
}

impl Parse for Keys {
    fn parse(file: &Path, text: &str) -> Result<Self, FileError> {
        let bad = |reason: &dyn core::fmt::Display| FileError::new(file, reason);
        let document: Value = serde_json::from_str(text).map_err(|error| bad(&format_args!("no JSON: {error}")))?;
        let list = document.get("keys").and_then(Value::as_array);
        let list = list.ok_or_else(|| bad(&"no JWKS: there is no list 'keys'"))?;
        let mut keys: Vec<Key> = Vec::new();
        for (number, value) in (1..).zip(list) {
            let wrong = |reason: &dyn core::fmt::Display| bad(&format_args!("key {number}: {reason}"));
            // Whoever has this file could make tokens.
            if value.get("d").is_some() || value.get("k").is_some() || value.get("kty").is_some_and(|kty| kty == "oct")
            {
                return Err(wrong(&"is secret or private; only public keys belong here"));
            }
            let jwk: Jwk = serde_json::from_value(value.clone()).map_err(|_| wrong(&"is no JWK of RFC 7517"))?;
            let Some(algorithm) = algorithm(&jwk) else { continue };
            let key = DecodingKey::from_jwk(&jwk).map_err(|_| wrong(&"is not base64url where it must be"))?;
            if !has_sound_size(&key) {
                return Err(wrong(&"has a wrong length (RSA: 2048 to 8192 bits)"));
            }
            let id = jwk.common.key_id;
            if id.is_some() && keys.iter().any(|key| key.id == id) {
                return Err(wrong(&"has the 'kid' of another one"));
            }
            keys.push(Key { id, algorithm, key });
        }
        if keys.is_empty() {
            return Err(bad(&"holds no key for RS256, ES256 or EdDSA"));
        }
        Ok(Self(keys))
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

/// The one algorithm that a key is for; `None` if that cannot be checked here.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    if jwk.common.public_key_use.as_ref().is_some_and(|of| *of != PublicKeyUse::Signature) {
        return None;
    }
    let natural = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        _ => return None,
    };
    let said = jwk.common.key_algorithm.map(Algorithm::try_from);
    match said {
        None => Some(natural),
        Some(Ok(said)) => (said == natural).then_some(said),
        Some(Err(_)) => None,
    }
}

/// What cannot be a key shows when it is read, not with the first token.
fn has_sound_size(key: &DecodingKey) -> bool {
    match key.kind() {
        DecodingKeyKind::RsaModulusExponent { n, e } => {
            let bits = n.iter().skip_while(|&&byte| byte == 0).count() * 8;
            (2048..=8192).contains(&bits) && !e.is_empty()
        }
        DecodingKeyKind::SecretOrDer(bytes) => match key.family() {
            jsonwebtoken::AlgorithmFamily::Ec => bytes.len() == 65,
            _ => bytes.len() == 32,
        },
    }
}

//! The public keys of a JWKS (RFC 7517).
//!
//! It comes from an issuer, who may list keys of kinds and for uses that mean nothing here. An entry that cannot be
//! used is passed over, as section 5 wants it, and decides nothing about the others: a withdrawn key must not stay in
//! force since another one is new. A private or secret key alone makes the whole JWKS bad: anyone who has it could make tokens.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, Header};
use serde_json::Value;

use super::credential::Wrong;
use super::{FileError, Parse, ring_provider};

/// The keys of a JWKS that tokens can be checked with.
#[derive(Debug)]
pub struct Keys {
    /// By the names that tokens call them by; an issuer may have more under one.
    by_id: HashMap<Option<String>, Vec<Key>>,
    /// How many keys that are.
    number: usize,
    /// How many entries were passed over.
    passed_over: usize,
    /// Why, of those that could have been keys for tokens.
    notes: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Key {
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// Members of private and secret keys: RFC 7518, section 6, and those of keys that came later.
const PRIVATE: [&str; 3] = ["d", "k", "priv"];
const PRIVATE_RSA: [&str; 6] = ["p", "q", "dp", "dq", "qi", "oth"];

impl Keys {
    /// The keys that a token may be checked with: those that it names, of its algorithm. Mostly that is one; an issuer may
    /// have more under one name.
    pub(super) fn of(&self, header: &Header) -> Result<impl Iterator<Item = &Key>, Wrong> {
        let named = match &header.kid {
            Some(_) => self.by_id.get(&header.kid),
            // A token that names none is for the only one.
            None if self.number == 1 => self.by_id.values().next(),
            None => None,
        };
        let (named, algorithm) = (named.ok_or(Wrong::Key)?, header.alg);
        let mut fitting = named.iter().filter(move |key| key.algorithm == algorithm).peekable();
        if fitting.peek().is_some() { Ok(fitting) } else { Err(Wrong::Algorithm) }
    }
}

impl Keys {
    /// Reads a JWKS; the error is what is wrong with it, in one line.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let document: Value = serde_json::from_str(text).map_err(|error| format!("no JSON: {error}"))?;
        let list = document.get("keys").and_then(Value::as_array);
        let list = list.ok_or("no JWKS: there is no list 'keys'")?;
        if let Some((number, _)) = (1..).zip(list).find(|(_, value)| is_private(value)) {
            return Err(format!("key {number}: is secret or private; only public keys belong here"));
        }
        let (mut by_id, mut notes) = (HashMap::<_, Vec<Key>>::new(), Vec::new());
        let mut known = HashSet::new();
        for (number, value) in (1..).zip(list) {
            match usable(value) {
                Ok(Some((id, key))) if !known.insert((id.clone(), key.material())) => {
                    notes.push(format!("key {number}: is there twice"));
                }
                Ok(Some((id, key))) => by_id.entry(id).or_default().push(key),
                Ok(None) => {}
                Err(reason) => notes.push(format!("key {number}: {reason}")),
            }
        }
        let number = known.len();
        if number == 0 {
            let reasons: String = notes.iter().map(|note| format!("; {note}")).collect();
            return Err(format!("holds no usable key of RSA, P-256, P-384 or Ed25519{reasons}"));
        }
        let passed_over = list.len() - number;
        Ok(Self { by_id, number, passed_over, notes })
    }

    /// Whether a token names a key, and none of these is called so.
    pub(super) fn lacks(&self, header: &Header) -> bool {
        header.kid.is_some() && !self.by_id.contains_key(&header.kid)
    }
}

impl Parse for Keys {
    fn parse(file: &Path, text: &str) -> Result<Self, FileError> {
        Self::read(text).map_err(|reason| FileError::new(file, reason))
    }

    fn len(&self) -> usize {
        self.number
    }

    fn passed_over(&self) -> Option<usize> {
        Some(self.passed_over)
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}

fn is_private(value: &Value) -> bool {
    // Some issuers' libraries write every member that there could be, with null for those that there are not.
    let has = |members: &[&str]| members.iter().any(|member| value.get(member).is_some_and(|member| !member.is_null()));
    let is_of = |kind: &str| value.get("kty").is_some_and(|kty| kty == kind);
    has(&PRIVATE) || is_of("oct") || (is_of("RSA") && has(&PRIVATE_RSA))
}

/// The key and its name, if it is one for checking tokens; or what is wrong with it.
fn usable(value: &Value) -> Result<Option<(Option<String>, Key)>, &'static str> {
    let jwk: Jwk = serde_json::from_value(value.clone()).map_err(|_| "is no JWK of RFC 7517")?;
    if matches!(jwk.algorithm, AlgorithmParameters::Other(_)) && is_of_a_known_kind(value)? {
        return Err("lacks a member of its kind");
    }
    let Some(algorithm) = algorithm(&jwk) else { return Ok(None) };
    let key = DecodingKey::from_jwk(&jwk).map_err(|_| "is not base64url where it must be")?;
    if !has_sound_size(algorithm, &key) {
        return Err("has a wrong length (RSA: 2048 to 8192 bits)");
    }
    Ok(Some((jwk.common.key_id, Key { algorithm, key })))
}

/// Whether it says that it is of a kind and a curve that are used here.
fn is_of_a_known_kind(value: &Value) -> Result<bool, &'static str> {
    let text = |member: &str| value.get(member).and_then(Value::as_str);
    Ok(match text("kty").ok_or("is no JWK of RFC 7517")? {
        "RSA" => true,
        "EC" => text("crv").is_none_or(|curve| matches!(curve, "P-256" | "P-384")),
        "OKP" => text("crv").is_none_or(|curve| curve == "Ed25519"),
        _ => false,
    })
}

impl Key {
    /// What makes it the same key as another one.
    fn material(&self) -> (Algorithm, Vec<u8>, Vec<u8>) {
        let (one, other) = match self.key.kind() {
            DecodingKeyKind::SecretOrDer(bytes) => (bytes.clone(), Vec::new()),
            DecodingKeyKind::RsaModulusExponent { n, e } => (n.clone(), e.clone()),
        };
        (self.algorithm, one, other)
    }
}

/// The one algorithm that a key is for; `None` if that cannot be checked here, or the key is not for checking.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    if jwk.common.public_key_use.as_ref().is_some_and(|of| *of != PublicKeyUse::Signature) {
        return None;
    }
    if jwk.common.key_operations.as_ref().is_some_and(|operations| !operations.contains(&KeyOperations::Verify)) {
        return None;
    }
    // A key that does not say is for the one algorithm that is usual for its kind.
    let natural = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P384 => Algorithm::ES384,
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        _ => return None,
    };
    match jwk.common.key_algorithm.map(Algorithm::try_from) {
        None => Some(natural),
        // One key of RSA may be for any of six; a curve leaves no choice.
        Some(Ok(said)) => {
            let fits = said == natural || natural == Algorithm::RS256 && said.family() == AlgorithmFamily::Rsa;
            (fits && ring_provider::is_known(said)).then_some(said)
        }
        Some(Err(_)) => None,
    }
}

/// What cannot be a key shows when it is read, not with the first token.
fn has_sound_size(algorithm: Algorithm, key: &DecodingKey) -> bool {
    match key.kind() {
        DecodingKeyKind::RsaModulusExponent { n, e } => {
            let bits = n.iter().skip_while(|&&byte| byte == 0).count() * 8;
            (2048..=8192).contains(&bits) && !e.is_empty()
        }
        DecodingKeyKind::SecretOrDer(bytes) => match algorithm {
            Algorithm::ES256 => bytes.len() == 65,
            Algorithm::ES384 => bytes.len() == 97,
            _ => bytes.len() == 32,
        },
    }
}

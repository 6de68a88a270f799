//! An issuer of JWTs: its keys, its JWKS, and tokens of every kind, good and bad.
//!
//! Signed with `ring` directly and put together by hand, so that nothing of what checks them is in what makes them.

use std::time::{SystemTime, UNIX_EPOCH};

use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde_json::{Value, json};

pub const ISSUER: &str = "https://issuer.example";
pub const AUDIENCE: &str = "recording";
pub const AGENT: &str = "sip:agent@domain.com";

/// A key of this test, made for it and good for nothing else. `ring` makes no RSA keys, so this one is a file.
const RSA: &[u8] = include_bytes!("rsa_2048.pk8");

pub struct Issuer {
    pub rsa: RsaKeyPair,
    pub ecdsa: EcdsaKeyPair,
    pub ed25519: Ed25519KeyPair,
    random: SystemRandom,
}

pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let number = (0..3).fold(0, |number, at| number << 8 | usize::from(three.get(at).copied().unwrap_or(0)));
        for digit in 0..=three.len() {
            text.push(char::from(DIGITS[number >> (18 - 6 * digit) & 63]));
        }
    }
    text
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The claims of a good token.
pub fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "payments", "exp": now() + 600, "nbf": now() - 10, "agent": AGENT,
    })
}

impl Issuer {
    pub fn new() -> Self {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let ecdsa = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.as_ref(), &random).unwrap();
        let key = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        let ed25519 = Ed25519KeyPair::from_pkcs8(key.as_ref()).unwrap();
        Self { rsa: RsaKeyPair::from_pkcs8(RSA).unwrap(), ecdsa, ed25519, random }
    }

    pub fn jwks(&self) -> Value {
        let components = ring::signature::RsaPublicKeyComponents::<Vec<u8>>::from(self.rsa.public_key());
        let point = self.ecdsa.public_key().as_ref();
        json!({"keys": [
            {"kty": "RSA", "kid": "r", "use": "sig", "alg": "RS256", "n": base64(&components.n), "e": base64(&components.e)},
            {"kty": "EC", "kid": "e", "crv": "P-256", "x": base64(&point[1..33]), "y": base64(&point[33..])},
            {"kty": "OKP", "kid": "d", "crv": "Ed25519", "alg": "EdDSA", "x": base64(self.ed25519.public_key().as_ref())},
            // What is not for checking tokens is passed over.
            {"kty": "RSA", "kid": "x", "use": "enc", "alg": "RSA-OAEP", "n": base64(&components.n), "e": "AQAB"},
            {"kty": "EC", "kid": "y", "crv": "P-521", "alg": "ES512", "x": base64(&[1; 66]), "y": base64(&[1; 66])},
            {"kty": "NEW", "kid": "z", "q": "something that comes later"},
        ]})
    }

    /// Signs with the key that the header's `kid` names, whatever its `alg` says.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_as(header, claims, header["kid"].as_str().unwrap_or_default())
    }

    /// The same by the key that is called so here.
    pub fn sign_as(&self, header: &Value, claims: &Value, key: &str) -> String {
        let message = format!("{}.{}", base64(header.to_string().as_bytes()), base64(claims.to_string().as_bytes()));
        let signature = match key {
            "e" => self.ecdsa.sign(&self.random, message.as_bytes()).unwrap().as_ref().to_vec(),
            "d" => self.ed25519.sign(message.as_bytes()).as_ref().to_vec(),
            _ => {
                let mut signature = vec![0; self.rsa.public().modulus_len()];
                self.rsa.sign(&RSA_PKCS1_SHA256, &self.random, message.as_bytes(), &mut signature).unwrap();
                signature
            }
        };
        format!("{message}.{}", base64(&signature))
    }

    /// One that is good in every way, but for what the claims say.
    pub fn token(&self, claims: &Value) -> String {
        self.sign(&json!({"typ": "JWT", "alg": "RS256", "kid": "r"}), claims)
    }

    /// What is signed with a secret that everyone knows.
    pub fn hs256(header: &Value, claims: &Value, secret: &[u8]) -> String {
        let message = format!("{}.{}", base64(header.to_string().as_bytes()), base64(claims.to_string().as_bytes()));
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        format!("{message}.{}", base64(hmac::sign(&key, message.as_bytes()).as_ref()))
    }
}

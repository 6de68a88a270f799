//! The signatures of JWTs by the library that TLS has already: `jsonwebtoken` brings the format, `ring` the cryptography.

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{self, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};

static RING: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(ErrorKind::UnsupportedAlgorithm.into()),
    verifier_factory: |&algorithm, key| {
        if algorithm.family() != key.family() || !is_known(algorithm) {
            return Err(ErrorKind::InvalidAlgorithm.into());
        }
        Ok(Box::new(ByRing { algorithm, key: key.clone() }))
    },
    // Only for making keys into JWKs, which happens nowhere here.
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes `jsonwebtoken` use it. Doing so again changes nothing.
pub(super) fn install() {
    let _ = RING.install_default();
}

/// What can be checked. All of it is asymmetric: with a shared secret, anyone who can check a token could make one.
pub(super) const fn is_known(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA)
}

struct ByRing {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl JwtVerifier for ByRing {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl Verifier<Vec<u8>> for ByRing {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let checked = match (self.algorithm, self.key.kind()) {
            (Algorithm::RS256, DecodingKeyKind::RsaModulusExponent { n, e }) => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
            (Algorithm::ES256, DecodingKeyKind::SecretOrDer(point)) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            (Algorithm::EdDSA, DecodingKeyKind::SecretOrDer(key)) => {
                UnparsedPublicKey::new(&ED25519, key).verify(message, signature)
            }
            _ => return Err(signature::Error::from_source(Error::from(ErrorKind::InvalidAlgorithm))),
        };
        checked.map_err(|_| signature::Error::new())
    }
}

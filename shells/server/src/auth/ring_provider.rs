//! The signatures of JWTs by the library that TLS has already: `jsonwebtoken` brings the format, `ring` the cryptography.

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{self, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
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
pub(super) fn is_known(algorithm: Algorithm) -> bool {
    rsa(algorithm).is_some() || curve(algorithm).is_some()
}

/// How RSA is used by it.
fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::RS256 => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &RSA_PKCS1_2048_8192_SHA512,
        Algorithm::PS256 => &RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &RSA_PSS_2048_8192_SHA384,
        Algorithm::PS512 => &RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

/// Which curve is used by it, and how.
fn curve(algorithm: Algorithm) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match algorithm {
        Algorithm::ES256 => &ECDSA_P256_SHA256_FIXED,
        Algorithm::ES384 => &ECDSA_P384_SHA384_FIXED,
        Algorithm::EdDSA => &ED25519,
        _ => return None,
    })
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
        let checked = match (rsa(self.algorithm), curve(self.algorithm), self.key.kind()) {
            (Some(parameters), _, DecodingKeyKind::RsaModulusExponent { n, e }) => {
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signature)
            }
            (_, Some(curve), DecodingKeyKind::SecretOrDer(key)) => {
                UnparsedPublicKey::new(curve, key).verify(message, signature)
            }
            _ => return Err(signature::Error::from_source(Error::from(ErrorKind::InvalidAlgorithm))),
        };
        checked.map_err(|_| signature::Error::new())
    }
}

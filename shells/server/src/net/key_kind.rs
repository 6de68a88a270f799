//! What kind of private key one is that cannot be used, so that its owner knows which one to make instead.

use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::der::{IDENTIFIER, INTEGER, OCTETS, SEQUENCE, inside};

/// Which keys can be used.
pub(super) const USABLE: &str = "RSA of 2048 to 4096 bits, P-256, P-384 and Ed25519 can";

/// Algorithms and curves by their object identifiers in DER, without those that can be used.
const NAMES: [(&[u8], &str); 8] = [
    (&[0x2b, 0x81, 4, 0, 0x23], "an EC key on P-521"),
    (&[0x2b, 0x81, 4, 0, 0x21], "an EC key on P-224"),
    (&[0x2b, 0x81, 4, 0, 0x0a], "an EC key on secp256k1"),
    (&[0x2b, 0x65, 0x71], "an Ed448 key"),
    (&[0x2b, 0x65, 0x6e], "an X25519 key"),
    (&[0x2b, 0x65, 0x6f], "an X448 key"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1], "a DSA key"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0a], "an RSA-PSS key"),
];

/// How many bits the modulus of a PKCS #1 key has.
fn rsa_bits(der: &[u8]) -> Option<usize> {
    let (fields, _) = inside(der, SEQUENCE)?;
    let (_version, fields) = inside(fields, INTEGER)?;
    let (modulus, _) = inside(fields, INTEGER)?;
    let zeros = modulus.iter().take_while(|&&byte| byte == 0).count();
    let first = modulus.get(zeros)?;
    Some((modulus.len() - zeros) * 8 - first.leading_zeros() as usize)
}

/// What it is, if that is known.
pub(super) fn of(key: &PrivateKeyDer<'_>) -> Option<String> {
    let rsa = |bits: usize| format!("an RSA key of {bits} bits");
    let named = |der: &[u8]| {
        let has = |id: &[u8]| {
            let whole = [&[IDENTIFIER, id.len() as u8], id].concat();
            der.windows(whole.len()).any(|window| window == whole)
        };
        NAMES.iter().find(|(id, _)| has(id)).map(|(_, name)| (*name).to_owned())
    };
    match key {
        PrivateKeyDer::Pkcs1(key) => rsa_bits(key.secret_pkcs1_der()).map(rsa),
        PrivateKeyDer::Sec1(key) => named(key.secret_sec1_der()),
        PrivateKeyDer::Pkcs8(key) => {
            let (fields, _) = inside(key.secret_pkcs8_der(), SEQUENCE)?;
            let (_version, fields) = inside(fields, INTEGER)?;
            let (algorithm, fields) = inside(fields, SEQUENCE)?;
            named(algorithm).or_else(|| inside(fields, OCTETS).and_then(|(key, _)| rsa_bits(key)).map(rsa))
        }
        _ => None,
    }
}

//! As much of DER as tells whether a certificate is whole, and what kind of key one is.

pub(super) const INTEGER: u8 = 2;
const BITS: u8 = 3;
pub(super) const OCTETS: u8 = 4;
pub(super) const IDENTIFIER: u8 = 6;
pub(super) const SEQUENCE: u8 = 0x30;

/// In the tag of a value that holds other values.
const HOLDS_OTHERS: u8 = 0x20;

/// Certificates nest their values less deeply.
const DEEPEST: usize = 32;

/// The first value in `der`: its tag, what it holds, and what comes after it.
fn value(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = der.split_first_chunk()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        (length.iter().try_fold(0_usize, |all, &byte| all.checked_mul(256)?.checked_add(byte.into()))?, rest)
    };
    let (inside, rest) = rest.split_at_checked(length)?;
    Some((tag, inside, rest))
}

/// What the first value holds, if it has this tag, and what comes after it.
pub(super) fn inside(der: &[u8], expected: u8) -> Option<(&[u8], &[u8])> {
    value(der).filter(|(tag, ..)| *tag == expected).map(|(_, inside, rest)| (inside, rest))
}

/// Whether this has the shape of a certificate from its first byte to its last (RFC 5280, section 4.1). It does not say
/// that its signature is good.
pub(super) fn is_certificate(der: &[u8]) -> bool {
    let parts = || {
        let (parts, after) = inside(der, SEQUENCE)?;
        let (_to_be_signed, parts) = inside(parts, SEQUENCE)?;
        let (_algorithm, parts) = inside(parts, SEQUENCE)?;
        let (_signature, more) = inside(parts, BITS)?;
        Some(after.is_empty() && more.is_empty())
    };
    parts() == Some(true) && are_whole(der, DEEPEST)
}

/// Whether these are values one after the other, and so is all that they hold.
fn are_whole(mut der: &[u8], depth: usize) -> bool {
    while !der.is_empty() {
        let Some((tag, inside, rest)) = value(der) else { return false };
        if tag & HOLDS_OTHERS != 0 && (depth == 0 || !are_whole(inside, depth - 1)) {
            return false;
        }
        der = rest;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_one_as_a_whole_only() {
        let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let der = key.cert.der().to_vec();
        assert!(is_certificate(&der));
        for at in 0..der.len() {
            assert!(!is_certificate(&der[..at]), "cut at {at}");
            assert!(!is_certificate(&[&der[..at], &der[at + 1..]].concat()), "without byte {at}");
        }
        // What a line of base64 takes.
        for at in (0..der.len()).step_by(48) {
            let line = at..(at + 48).min(der.len());
            assert!(!is_certificate(&[&der[..at], &der[line.end..]].concat()), "without {line:?}");
            assert!(
                !is_certificate(&[&der[..line.end], &der[line.clone()], &der[line.end..]].concat()),
                "twice {line:?}"
            );
        }
        assert!(!is_certificate(&[&der[..], &[0]].concat()));
    }
}

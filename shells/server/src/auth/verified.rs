//! JWTs that were found good not long ago: those who show one again and again are no strangers, and their token need not
//! be checked against its key each time. Its times are, since they pass.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ring::digest::{SHA256, digest};

use super::Principal;
use super::keys::Keys;

/// How many are kept.
const MOST: usize = 4096;

/// When a JWT holds, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Times {
    /// `exp`.
    pub(super) until: f64,
    /// `nbf`.
    pub(super) from: Option<f64>,
}

#[derive(Debug, Default)]
pub(super) struct Verified(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// What they were checked with: other keys know none of them.
    keys: Option<Arc<Keys>>,
    /// By the hash of the token, which is not kept.
    by_hash: HashMap<[u8; 32], (Principal, Times)>,
}

fn hash(token: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, token).as_ref());
    bytes
}

impl Verified {
    /// The bearer of a token that was good with these keys, and when it holds.
    pub(super) fn find(&self, keys: &Arc<Keys>, token: &[u8]) -> Option<(Principal, Times)> {
        let hash = hash(token);
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.keys.as_ref().filter(|with| Arc::ptr_eq(with, keys))?;
        kept.by_hash.get(&hash).cloned()
    }

    /// Keeps a token that is good with these keys.
    pub(super) fn keep(&self, keys: &Arc<Keys>, token: &[u8], principal: &Principal, times: Times) {
        let hash = hash(token);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.by_hash.len() >= MOST || !kept.keys.as_ref().is_some_and(|with| Arc::ptr_eq(with, keys)) {
            // Those that are still shown are soon back.
            kept.by_hash.clear();
            kept.keys = Some(Arc::clone(keys));
        }
        kept.by_hash.insert(hash, (principal.clone(), times));
    }
}

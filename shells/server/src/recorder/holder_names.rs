//! The URIs of agents by pattern who asked for something: what is kept of a hold does not have it, and no list does.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use recording_core::recorder::Holder;

/// How many are remembered, the latest: at most about 1.5 MiB.
const MOST: usize = 4096;

/// The URIs by what holds know.
#[derive(Debug, Default)]
pub(super) struct HolderNames(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    uris: HashMap<Holder, Box<str>>,
    /// The oldest first.
    order: VecDeque<Holder>,
}

impl HolderNames {
    pub(super) fn remember(&self, holder: Holder, uri: &str) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.uris.contains_key(&holder) {
            return;
        }
        if inner.order.len() == MOST
            && let Some(oldest) = inner.order.pop_front()
        {
            inner.uris.remove(&oldest);
        }
        inner.order.push_back(holder);
        inner.uris.insert(holder, uri.into());
    }

    pub(super) fn uri(&self, holder: Holder) -> Option<String> {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.uris.get(&holder).map(ToString::to_string)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_remembered_and_no_more() {
        let names = HolderNames::default();
        let last = 2 * MOST as u32;
        for number in 0..last {
            names.remember(Holder::from_index(number), &format!("sip:{number}@domain.com"));
            names.remember(Holder::from_index(number), "sip:another@domain.com");
        }
        for number in 0..last {
            let expected = (number >= last - MOST as u32).then(|| format!("sip:{number}@domain.com"));
            assert_eq!(names.uri(Holder::from_index(number)), expected);
        }
        let inner = names.0.lock().unwrap();
        assert_eq!((inner.uris.len(), inner.order.len()), (MOST, MOST));
    }
}

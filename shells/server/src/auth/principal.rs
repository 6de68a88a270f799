//! Who a request comes from, once that is known.

use std::sync::Arc;

use recording_core::wire::{SipUri, SipUriBuf};

/// The bearer of a good token. Requests carry it in their extensions.
#[derive(Debug, Clone)]
pub struct Principal {
    name: Arc<str>,
    requester: Requester,
}

/// In whose name a set may be.
#[derive(Debug, Clone)]
enum Requester {
    /// Anybody's: the UCC's list of agents is what counts.
    Any,
    /// The one that the token names, if it names one.
    Named(Option<Arc<SipUriBuf>>),
}

impl Principal {
    /// One that may send sets in anybody's name.
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.into(), requester: Requester::Any }
    }

    /// One whose sets must be in the name of `requester`, or that may send none.
    pub(super) fn named(name: &str, requester: Option<SipUriBuf>) -> Self {
        Self { name: name.into(), requester: Requester::Named(requester.map(Arc::new)) }
    }

    /// What logs and trails call it: the name of its token's line, or `jwt:` and the token's subject.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it may send a set in the name of `requester`, compared as the core compares SIP URIs.
    #[must_use]
    pub fn may_act_as(&self, requester: SipUri<'_>) -> bool {
        match &self.requester {
            Requester::Any => true,
            Requester::Named(named) => named.as_ref().is_some_and(|named| named.to_ref() == requester),
        }
    }

    pub(super) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }
}

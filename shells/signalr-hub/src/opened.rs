//! An open connection, in the hands of its transport.

use core::fmt;
use std::sync::Arc;

use crate::hub::{Hub, Methods};
use crate::options::HubOptions;
use crate::slot::Slot;

/// An open connection, in the hands of its transport: its place is given up when dropped.
pub(crate) struct Opened<M: Methods> {
    hub: Hub<M>,
    slot: Arc<Slot<M::Listener>>,
    given_up: Option<GivenUp>,
}

/// In a request's extensions: says, when its response ends early, whether that is because the client took nothing of it for
/// too long. The transport knows; the hub only counts it.
#[derive(Clone)]
pub struct GivenUp(Arc<dyn Fn() -> bool + Send + Sync>);

impl GivenUp {
    /// One that asks `is_slow`.
    pub fn new(is_slow: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(is_slow))
    }
}

impl fmt::Debug for GivenUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GivenUp").field(&(self.0)()).finish()
    }
}

impl<M: Methods> Drop for Opened<M> {
    fn drop(&mut self) {
        if self.given_up.as_ref().is_some_and(|given_up| (given_up.0)()) {
            self.slot.stuck();
        }
        self.slot.gone();
        self.hub.remove(&self.slot.token);
    }
}

impl<M: Methods> Opened<M> {
    pub(crate) const fn new(hub: Hub<M>, slot: Arc<Slot<M::Listener>>) -> Self {
        Self { hub, slot, given_up: None }
    }

    pub(crate) fn slot(&self) -> &Slot<M::Listener> {
        &self.slot
    }

    /// Asks this one at its end.
    pub(crate) fn ask(&mut self, given_up: Option<GivenUp>) {
        self.given_up = given_up;
    }

    /// Takes what the client says; gives what it is charged for that.
    pub(crate) fn received(&self, bytes: &[u8]) -> usize {
        // It is open, so it takes everything.
        self.hub.received(&self.slot, bytes).unwrap_or_default()
    }

    pub(crate) fn options(&self) -> &HubOptions {
        self.hub.options()
    }
}

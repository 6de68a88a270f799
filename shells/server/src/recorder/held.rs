//! Who holds a session: as the directory writes them, for the trail.

use core::fmt::Write as _;

use recording_core::recorder::{Holder, Kept};
use recording_core::wire::{SipUri, UccName};

use crate::directory::Ucc;
use crate::mask::masked;
use crate::occurrence::HoldsChange;
use crate::service::Service;
use crate::store::Store;

impl<S: Store> Service<S> {
    /// What a step changes of who holds the session. `after` is `None` if it is over: all holds are gone then.
    pub(super) fn holds_change(&self, ucc: UccName<'_>, before: &Kept, after: Option<&Kept>) -> HoldsChange {
        let is_in = |kept: Option<&Kept>, holder| kept.is_some_and(|kept| kept.holds().contains(holder));
        // Most sessions have none, and none is looked up.
        let mut change = HoldsChange::default();
        if before.holds().is_empty() && after.is_none_or(|kept| kept.holds().is_empty()) {
            return change;
        }
        let directory = self.directory().current();
        let shown = |holder| match self.holder_uri(directory.ucc(ucc), holder) {
            Some(uri) => masked(&uri).into_owned(),
            None => unknown(holder),
        };
        let held = after.into_iter().flat_map(|kept| kept.holds().iter());
        let made = held.filter(|holder| !before.holds().contains(*holder));
        change.made = made.map(shown).collect();
        let lost = before.holds().iter().filter(|holder| !is_in(after, *holder));
        change.lost = lost.map(shown).collect();
        change
    }

    /// The URI of the agent that holds a session; `None` if it is none any more, or an agent by a pattern that this server has
    /// not seen since its start.
    pub(crate) fn holder_uri(&self, ucc: Option<&Ucc>, holder: Holder) -> Option<String> {
        let ucc = ucc?;
        ucc.holder_uri(holder).or_else(|| {
            let uri = self.recorders().holder_names().uri(holder)?;
            SipUri::new(&uri).is_ok_and(|requester| ucc.is_agent(requester)).then_some(uri)
        })
    }

    /// Whether a hold counts: whether its holder is an agent of the UCC, or may be one by a pattern. What is kept of a holder does
    /// not say which URI it has, and a session that stays silent for too long is the lesser harm.
    pub(crate) fn holder_counts(&self, ucc: Option<&Ucc>, holder: Holder) -> bool {
        let Some(named) = ucc else { return false };
        self.holder_uri(ucc, holder).is_some()
            || !named.patterns().is_empty() && self.recorders().holder_names().uri(holder).is_none()
    }

    /// Keeps the URI of an agent by a pattern: no list has it.
    pub(super) fn remember_holder(&self, ucc: &Ucc, requester: SipUri<'_>) {
        if !ucc.patterns().is_empty() && !ucc.is_named(requester) && ucc.is_agent(requester) {
            self.recorders().holder_names().remember(Ucc::holder(requester), requester.as_str());
        }
    }
}

/// A holder of whom nothing is known but what is kept: the beginning of that.
pub(crate) fn unknown(holder: Holder) -> String {
    holder.to_bytes().iter().take(4).fold("unknown:".to_owned(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

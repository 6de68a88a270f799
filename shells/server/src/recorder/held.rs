//! Who holds a session: as the directory writes them, for the trail.

use core::fmt::Write as _;

use recording_core::recorder::{Holder, Kept};
use recording_core::wire::UccName;

use crate::directory::Directory;
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
        let held = after.into_iter().flat_map(|kept| kept.holds().iter());
        let made = held.filter(|holder| !before.holds().contains(*holder));
        change.made = made.map(|holder| shown(&directory, ucc, holder)).collect();
        let lost = before.holds().iter().filter(|holder| !is_in(after, *holder));
        change.lost = lost.map(|holder| shown(&directory, ucc, holder)).collect();
        change
    }
}

fn shown(directory: &Directory, ucc: UccName<'_>, holder: Holder) -> String {
    match directory.ucc(ucc).and_then(|ucc| ucc.holder_uri(holder)) {
        Some(uri) => masked(uri.as_str()).into_owned(),
        None => holder.to_bytes().iter().take(4).fold("unknown:".to_owned(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        }),
    }
}

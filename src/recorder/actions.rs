//! What can be done with a session that has a recorder: for pages that show it before anybody asks.

use super::kept::Kept;
use super::order::Order;
use crate::state::ActionSet;
use crate::{Action, Settings};

impl Kept {
    /// The actions by which an agent would be answered with success as of now; those of the recorder's axis, once the
    /// recorder has confirmed them.
    ///
    /// Holds are not looked at, since it depends on them who may start. If the recorder cannot be used (`is_possible` is
    /// false) no action of the recorder's axis is among these.
    #[must_use]
    pub const fn allowed(&self, settings: &Settings, is_possible: bool) -> ActionSet {
        if self.closing().is_some() {
            return ActionSet::EMPTY;
        }
        self.and_start(settings.allowed(self.state()), settings, is_possible)
    }

    /// Those of the [`allowed`](Self::allowed) actions that would change the state, or what is ordered.
    #[must_use]
    pub const fn changing(&self, settings: &Settings, is_possible: bool) -> ActionSet {
        if self.closing().is_some() {
            return ActionSet::EMPTY;
        }
        let changing = self.and_start(settings.changing(self.state()), settings, is_possible);
        match self.order() {
            // It would join.
            Some(pending) => changing.without(pending.action()),
            None => changing,
        }
    }

    /// A Start while silence is pending is no repeat: it ends that.
    const fn and_start(&self, actions: ActionSet, settings: &Settings, is_possible: bool) -> ActionSet {
        if !is_possible {
            return actions.without(Action::Start).without(Action::Stop).without(Action::Pause);
        }
        match self.order() {
            Some(Order::Pause | Order::Stop) if settings.allows_changes() => actions.with(Action::Start),
            _ => actions,
        }
    }
}

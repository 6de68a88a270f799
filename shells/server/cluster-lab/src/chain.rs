//! The changes of each session, as the store's own history has them.

use crate::model::{Held, Request};
use crate::model::{State, after};
use anyhow::{Result, bail};
use std::collections::BTreeMap;

/// One change. A begin has no state before it, an end none after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) revision: u64,
    pub(crate) cause: Cause,
    pub(crate) before: Option<State>,
    pub(crate) after: Option<State>,
    /// Which client asked for it, if the history has that.
    pub(crate) by: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Begin,
    End,
    Set(u8),
}

/// The changes of each session, in their order.
pub(crate) type Chains = BTreeMap<usize, Vec<Change>>;

/// That each change begins where the one before it ended, and is one that the protocol knows.
pub(crate) fn check(session: usize, chain: &[Change]) -> Result<()> {
    let (mut held, mut revision) = (None, 0);
    for change in chain {
        if change.before != held {
            bail!("session {session}: the chain is broken: after {held:?} comes {change:?}");
        }
        if change.revision <= revision {
            bail!("session {session}: revision {revision} comes before {change:?}");
        }
        let request = match (change.cause, change.after) {
            (Cause::Begin, Some(state)) => Request::Begin(state),
            (Cause::Set(action), Some(_)) => Request::Set(action),
            (Cause::End, None) => Request::End,
            _ => bail!("session {session}: no such change: {change:?}"),
        };
        let before = held.map_or(Held::Absent(None), Held::Open);
        if after(request, before).state() != change.after || change.after == change.before {
            bail!("session {session}: no such change: {change:?}");
        }
        (held, revision) = (change.after, change.revision);
    }
    Ok(())
}

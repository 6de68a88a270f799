//! What listeners got, held against the changes.

use crate::chain::{Cause, Chains};
use anyhow::{Result, bail};

/// What one connection of a listener got.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    pub(crate) server: usize,
    /// Every change with a greater revision was made after the connection was there; `None` if that was not found out.
    pub(crate) since: Option<u64>,
    /// Sessions and actions.
    pub(crate) events: Vec<(usize, u8)>,
    /// Whether the connection has ended.
    pub(crate) is_over: bool,
}

/// That there is each change once, in the order of its session, from the connection's begin on: to the end, or as far as the
/// connection lasted.
pub(crate) fn check(heard: &Heard, chains: &Chains) -> Result<()> {
    if let Some((session, _)) = heard.events.iter().find(|(session, _)| !chains.contains_key(session)) {
        bail!("a listener of server {} got an event of session {session}, which has no changes", heard.server);
    }
    for (&session, chain) in chains {
        let changes: Vec<(u64, u8)> = chain
            .iter()
            .filter_map(|change| match change.cause {
                Cause::Set(action) => Some((change.revision, action)),
                Cause::Begin | Cause::End => None,
            })
            .collect();
        let got: Vec<u8> = heard.events.iter().filter(|event| event.0 == session).map(|event| event.1).collect();
        // The first that must be there: earlier ones may be, if their events were still on their way.
        let since = heard.since.unwrap_or(u64::MAX);
        let first = changes.iter().position(|&(revision, _)| revision > since).unwrap_or(changes.len());
        let fits = |begin: usize| {
            let end = begin + got.len();
            let is_whole = if heard.is_over { end <= changes.len() } else { end == changes.len() };
            is_whole && changes[begin..end].iter().map(|change| change.1).eq(got.iter().copied())
        };
        let is_nothing = got.is_empty() && heard.is_over;
        if !is_nothing && !(0..=first).any(fits) {
            let at = (0..=first).map(|begin| {
                let same =
                    changes[begin..].iter().zip(&got).take_while(|(change, action)| change.1 == **action).count();
                (same, begin)
            });
            let (same, begin) = at.max().unwrap_or_default();
            bail!(
                "a listener of server {} got {} events of session {session}, which fit for {same} changes from revision {:?} on: \
                 then comes {:?} and not {:?}",
                heard.server,
                got.len(),
                changes.get(begin).map(|change| change.0),
                got.get(same),
                changes.get(begin + same),
            );
        }
    }
    Ok(())
}

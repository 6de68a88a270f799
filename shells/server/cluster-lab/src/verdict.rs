//! Everything that is checked, together.

use crate::chain::{self, Chains};
use crate::heard::{self, Heard};
use crate::linear;
use crate::model::Op;
use std::collections::{BTreeMap, BTreeSet};

/// What a run recorded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Run {
    pub(crate) ops: Vec<Op>,
    pub(crate) chains: Chains,
    pub(crate) heard: Vec<Heard>,
}

/// What was found wrong, and how many situations were looked at.
pub(crate) fn judge(run: &Run) -> (Vec<String>, usize) {
    let (mut wrong, mut looked_at) = (Vec::new(), 0);
    let mut by_session: BTreeMap<usize, Vec<Op>> = BTreeMap::new();
    for op in &run.ops {
        by_session.entry(op.session).or_default().push(op.clone());
    }
    let sessions: BTreeSet<_> = by_session.keys().chain(run.chains.keys()).copied().collect();
    for session in sessions {
        let ops = by_session.remove(&session).unwrap_or_default();
        let chain = run.chains.get(&session).map(Vec::as_slice).unwrap_or_default();
        if let Err(error) = chain::check(session, chain) {
            wrong.push(error.to_string());
        }
        match linear::check(session, &ops, Some(chain)) {
            Ok(count) => looked_at += count,
            Err(error) => {
                // Without the chain: are the replies wrong among themselves, or is it only the history that lacks something?
                let alone = match linear::check(session, &ops, None) {
                    Ok(_) => "some order explains the replies, but not with the changes of the history".to_owned(),
                    Err(alone) => format!("no order explains the replies, with any changes: {alone}"),
                };
                wrong.push(format!("{error} ({alone})"));
            }
        }
    }
    wrong.extend(
        run.heard.iter().filter_map(|heard| heard::check(heard, &run.chains).err()).map(|error| error.to_string()),
    );
    (wrong, looked_at)
}

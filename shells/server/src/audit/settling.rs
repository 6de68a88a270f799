//! What became of changes whose intents are open, by what the store still has of them.

use std::collections::HashMap;

use super::{Became, Intent};
use crate::session::{OpId, SessionKey};

/// What a store that several servers share still has of changes that are to be settled. Meanwhile none of them can be made
/// any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// The revision of each of them that was made: the store has its whole history since the first of them was asked for.
    History(HashMap<OpId, u64>),
    /// The store has forgotten a part of that. What is there now is all that it has.
    Now {
        /// The change that each session was last made by, with its revision. One that is not open is not there.
        sessions: HashMap<SessionKey, (OpId, u64)>,
        /// Ends of which there is still a mark.
        ends: HashMap<OpId, u64>,
        /// An older copy of the store was put back: its revisions say nothing of what was known before.
        is_older: bool,
    },
}

/// What became of a change.
pub(crate) fn settle(intent: &Intent, evidence: &Evidence) -> Became {
    match evidence {
        Evidence::History(made) => match made.get(&intent.op) {
            Some(revision) => Became::Made(*revision),
            None => Became::NotMade("The history of the store does not have it.".to_owned()),
        },
        Evidence::Now { sessions, ends, is_older } => {
            if let Some(revision) = ends.get(&intent.op) {
                return Became::Made(*revision);
            }
            match sessions.get(&intent.key) {
                Some((op, revision)) if *op == intent.op => Became::Made(*revision),
                Some((_, revision)) if *revision <= intent.known && !is_older => {
                    Became::NotMade("The session was not changed since.".to_owned())
                }
                _ => {
                    let why = match is_older {
                        true => "An older copy of the store was put back.",
                        false => "The store has forgotten that part of its history, and the session was changed since.",
                    };
                    Became::Unknown(why.to_owned())
                }
            }
        }
    }
}

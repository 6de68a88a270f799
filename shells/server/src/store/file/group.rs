//! Changes that are committed together.

use core::ops::RangeInclusive;
use std::collections::HashMap;

use recording_core::State;
use tokio::sync::oneshot;

use crate::store::image::Image;
use crate::store::{Found, Revision, SessionKey, StoreError, Swap};
use crate::trail::Note;

/// What is asked of the thread that writes.
#[derive(Debug)]
pub(super) enum Asked {
    /// To make a change.
    Change(Change),
    /// To find out whether changes can be made again.
    TryOut(oneshot::Sender<Result<(), StoreError>>),
}

/// A change that somebody waits for.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) key: SessionKey,
    pub(super) expected: Option<Revision>,
    pub(super) state: Option<State>,
    pub(super) note: Note,
    pub(super) tell: oneshot::Sender<Result<Swap, StoreError>>,
}

/// The changes of a group that can be made, in the order in which they came, and who waits for them.
#[derive(Debug)]
pub(super) struct Group {
    changes: Vec<(SessionKey, Option<Found>)>,
    /// The lines of the trail about them.
    lines: Vec<u8>,
    waiting: Vec<oneshot::Sender<Result<Swap, StoreError>>>,
    first_revision: u64,
    last_revision: u64,
}

impl Group {
    /// Sees which of the changes can be made, one after the other; the others are told so.
    pub(super) fn of(asked: Vec<Change>, image: &Image, last_given: u64) -> Self {
        let mut last_revision = last_given;
        // What the group itself has made of the sessions so far.
        let mut made: HashMap<SessionKey, Option<Found>> = HashMap::new();
        let (mut changes, mut waiting) = (Vec::with_capacity(asked.len()), Vec::with_capacity(asked.len()));
        let mut lines = Vec::new();
        for Change { key, expected, state, note, tell } in asked {
            let found = made.get(&key).copied().unwrap_or_else(|| image.read(&key));
            if found.map(|found| found.revision) != expected {
                // Who does not wait any more need not be told.
                let _ = tell.send(Ok(Swap::Conflict));
                continue;
            }
            last_revision += 1;
            let new = state.map(|state| Found { state, revision: Revision(last_revision) });
            note.push_line(last_revision, &mut lines);
            made.insert(key.clone(), new);
            changes.push((key, new));
            waiting.push(tell);
        }
        Self { changes, lines, waiting, first_revision: last_given + 1, last_revision }
    }

    /// The changes; the last one for a session counts.
    pub(super) fn changes(&self) -> &[(SessionKey, Option<Found>)] {
        &self.changes
    }

    /// What the trail is to say of them.
    pub(super) fn lines(&self) -> &[u8] {
        &self.lines
    }

    /// The revisions that the group gives out.
    pub(super) const fn revisions(&self) -> RangeInclusive<u64> {
        self.first_revision..=self.last_revision
    }

    /// The last one of them.
    pub(super) const fn last_revision(&self) -> u64 {
        self.last_revision
    }

    /// Tells everyone what became of the group.
    pub(super) fn tell(self, outcome: &Result<(), StoreError>) {
        for tell in self.waiting {
            let _ = tell.send(outcome.clone().map(|()| Swap::Stored));
        }
    }
}

//! Changes that are committed together.

use core::ops::{Range, RangeInclusive};
use std::collections::HashMap;

use tokio::sync::oneshot;

use crate::audit::Note;
use crate::store::{Found, Revision, Session, SessionKey, StoreError, Swap, Tell};

/// How many sessions a commit changes at most: so that no one waits long for the others of the group. Further changes of
/// the same sessions cost no room on the disk.
const MOST_SESSIONS: usize = 1024;

/// How many bytes of lines a commit has at most, and one line more.
const MOST_LINES: usize = 4 * 1024 * 1024;

/// What is asked of the thread that writes.
#[derive(Debug)]
pub(super) enum Asked {
    /// To make a change.
    Change(Change),
    /// To tell when the change of this revision is stored.
    UntilStored(Revision, Tell),
    /// To reserve epochs, and to give them once no later start of a server will.
    Epochs(oneshot::Sender<Result<Range<u64>, StoreError>>),
    /// To find out whether changes can be made again.
    TryOut(oneshot::Sender<Result<(), StoreError>>),
}

/// A change that somebody waits for. It was compared with what all before it make of the session: it can be made, unless
/// one of those is not.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) key: SessionKey,
    pub(super) revision: Revision,
    pub(super) session: Option<Session>,
    pub(super) note: Note,
    pub(super) tell: Tell,
}

/// The changes of a group, in the order in which they came, and who waits for them.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// What is to be of each session: what the last change says.
    sessions: Vec<(SessionKey, Option<Found>)>,
    places: HashMap<SessionKey, usize>,
    /// The lines of the trail about the changes.
    lines: Vec<u8>,
    waiting: Vec<Tell>,
    /// The revisions of the changes, which have no gap.
    revisions: Option<(u64, u64)>,
    /// The last revision of what rests on a change that could not be stored.
    failed: u64,
}

impl Group {
    /// A group without changes, which will take none up to revision `failed`.
    pub(super) fn new(failed: u64) -> Self {
        Self { failed, ..Self::default() }
    }

    /// Takes a change in; one that cannot be made any more gets a conflict.
    pub(super) fn add(&mut self, change: Change) {
        let Change { key, revision, session, note, tell } = change;
        if revision.0 <= self.failed {
            tell.send(Ok(Swap::Conflict));
            return;
        }
        note.push_line(revision.0, &mut self.lines);
        let new = session.map(|session| Found { session, revision });
        match self.places.get(&key).and_then(|&place| self.sessions.get_mut(place)) {
            Some((_, found)) => *found = new,
            None => {
                self.places.insert(key.clone(), self.sessions.len());
                self.sessions.push((key, new));
            }
        }
        self.waiting.push(tell);
        self.revisions = Some((self.revisions.map_or(revision.0, |(first, _)| first), revision.0));
    }

    /// Tells when this change is stored. It was asked for before.
    pub(super) fn tell_of(&mut self, revision: Revision, tell: Tell) {
        if self.revisions.is_some_and(|(first, _)| first <= revision.0) {
            self.waiting.push(tell);
            return;
        }
        // It is behind us. Whether it is among what was lost need not be known: asking again tells.
        tell.send(Ok(if revision.0 <= self.failed { Swap::Conflict } else { Swap::Stored }));
    }

    /// Whether it should be committed, however many more wait.
    pub(super) const fn is_full(&self) -> bool {
        self.sessions.len() >= MOST_SESSIONS || self.lines.len() >= MOST_LINES
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.revisions.is_none()
    }

    /// What is to be of the sessions, each of them once.
    pub(super) fn sessions(&self) -> &[(SessionKey, Option<Found>)] {
        &self.sessions
    }

    /// How many changes it has.
    pub(super) fn len(&self) -> usize {
        self.revisions().count()
    }

    /// What the trail is to say of them.
    pub(super) fn lines(&self) -> &[u8] {
        &self.lines
    }

    /// The revisions of the changes.
    pub(super) fn revisions(&self) -> RangeInclusive<u64> {
        let (first, last) = self.revisions.unwrap_or((1, 0));
        first..=last
    }

    /// The last one of them.
    pub(super) fn last_revision(&self) -> u64 {
        self.revisions.map_or(0, |(_, last)| last)
    }

    /// Tells everyone what became of the group.
    pub(super) fn tell(self, outcome: &Result<(), StoreError>) {
        for tell in self.waiting {
            tell.send(outcome.clone().map(|()| Swap::Stored));
        }
    }
}

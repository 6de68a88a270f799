//! The table of open sessions, wherever it is kept.

use super::UccKey;
use super::index::{self, MAX_LEN};
use super::slots::{SessionSlot, session_hash};
use crate::State;
use crate::wire::CorrelationId;

/// The open sessions, to be changed.
#[derive(Debug)]
pub(super) struct Sessions<'t> {
    pub(super) len: &'t mut u32,
    pub(super) slots: &'t mut [SessionSlot],
}

/// The place of a session.
#[cfg_attr(target_pointer_width = "64", inline(always))]
pub(super) fn find(slots: &[SessionSlot], ucc: UccKey, id: CorrelationId) -> Option<usize> {
    for (place, slot) in index::slots(slots, session_hash(ucc, id)) {
        if slot.is(ucc, id) {
            return Some(place);
        }
    }
    None
}

/// The state of a session.
#[inline]
pub(super) fn state(slots: &[SessionSlot], ucc: UccKey, id: CorrelationId) -> Option<State> {
    at(slots, find(slots, ucc, id))
}

/// The state of the session at a place.
#[inline]
pub(super) fn at(slots: &[SessionSlot], place: Option<usize>) -> Option<State> {
    slots.get(place?)?.state()
}

/// The open ones.
#[inline]
pub(super) fn open(slots: &[SessionSlot], len: u32) -> &[SessionSlot] {
    slots.get(..len as usize).unwrap_or_default()
}

impl Sessions<'_> {
    #[inline]
    pub(super) fn clear(&mut self) {
        *self.len = 0;
        self.slots.fill(SessionSlot::EMPTY);
    }

    #[inline]
    pub(super) fn capacity(&self) -> usize {
        self.slots.len().min(MAX_LEN)
    }

    /// Adds a session that is not there yet; `false` if there is no room.
    #[inline]
    pub(super) fn add(&mut self, ucc: UccKey, id: CorrelationId, state: State) -> bool {
        let place = *self.len as usize;
        let has_room = place < self.capacity();
        if has_room && let Some(slot) = self.slots.get_mut(place) {
            slot.set(ucc, id, state);
            index::insert(self.slots, session_hash(ucc, id), place);
            *self.len = place as u32 + 1;
        }
        has_room
    }

    /// Takes a session out. The last one moves to its place.
    #[inline]
    pub(super) fn remove(&mut self, ucc: UccKey, id: CorrelationId) -> Option<State> {
        let place = find(self.slots, ucc, id)?;
        let state = self.slots.get(place)?.state()?;
        let last_place = (*self.len as usize).checked_sub(1)?;
        let last = *self.slots.get(last_place)?;
        index::remove(self.slots, session_hash(ucc, id), place);
        *self.len = last_place as u32;
        if place != last_place {
            index::remove(self.slots, last.hash(), last_place);
            self.slots.get_mut(place)?.set_as(&last);
            index::insert(self.slots, last.hash(), place);
        }
        Some(state)
    }
}

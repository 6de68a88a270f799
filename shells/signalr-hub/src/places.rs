//! Who has which place: the connections that are open, and those that are negotiated and not opened yet.
//!
//! Nothing here looks at all of them to find one: each step costs about the same whether there are ten or ten thousand.
//!
//! > When all places are taken, a caller that has few gets one from the caller that has most. So no caller can keep
//! > another one out, and a caller that is alone may have all of them.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::slot::{NotOpened, Slot, Transport};

/// Of how many places one is every caller's, whatever the others have.
const SHARE: usize = 16;

pub(crate) struct Places<L> {
    /// How many may be open, and as many more unopened.
    most: usize,
    by_token: HashMap<String, Place<L>>,
    unopened: Held<L>,
    open: Held<L>,
    /// Numbers are given by age.
    next: u64,
}

struct Place<L> {
    slot: Arc<Slot<L>>,
    caller: Arc<str>,
    number: u64,
    /// How it is open, if it is.
    transport: Option<Transport>,
}

/// A place that was given up.
pub(crate) struct Removed<L> {
    pub(crate) slot: Arc<Slot<L>>,
    pub(crate) transport: Option<Transport>,
}

/// There is no place, and none that could be given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

impl<L> Places<L> {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, by_token: HashMap::new(), unopened: Held::default(), open: Held::default(), next: 0 }
    }

    /// What each caller may have even if all places are taken.
    fn share(&self) -> usize {
        (self.most / SHARE).max(1)
    }

    pub(crate) fn get(&self, token: &str) -> Option<Arc<Slot<L>>> {
        self.by_token.get(token).map(|place| Arc::clone(&place.slot))
    }

    /// All that are open.
    pub(crate) fn open_slots(&self) -> Vec<Arc<Slot<L>>> {
        let mut slots = Vec::with_capacity(self.open.total);
        slots.extend(self.open.callers.values().flat_map(BTreeMap::values).cloned());
        slots
    }

    /// All, for counting.
    pub(crate) fn all_slots(&self) -> Vec<Arc<Slot<L>>> {
        self.by_token.values().map(|place| Arc::clone(&place.slot)).collect()
    }

    /// Takes a negotiated connection in. If there are too many of these, the oldest of the caller that has most goes, or
    /// of this caller if it has its share.
    pub(crate) fn prepare(&mut self, slot: &Arc<Slot<L>>, caller: &Arc<str>) -> Result<(), Full> {
        self.room_for(caller)?;
        if self.unopened.total >= self.most {
            let has_its_share = self.unopened.of(caller) >= self.share();
            let whose = if has_its_share { Some(Arc::clone(caller)) } else { self.unopened.biggest() };
            let oldest = whose.and_then(|caller| self.unopened.first(&caller));
            if let Some(oldest) = oldest {
                self.remove(&oldest.token);
            }
        }
        let number = self.next;
        self.next += 1;
        self.unopened.add(caller, number, slot);
        let place = Place { slot: Arc::clone(slot), caller: Arc::clone(caller), number, transport: None };
        self.by_token.insert(slot.token.clone(), place);
        Ok(())
    }

    /// Whether this caller can have a place; and whose goes for it, if it must.
    fn room_for(&self, caller: &Arc<str>) -> Result<Option<Arc<Slot<L>>>, Full> {
        if self.open.total < self.most {
            return Ok(None);
        }
        let has = self.open.of(caller);
        let biggest = self.open.biggest().filter(|biggest| has < self.share() && self.open.of(biggest) > has + 1);
        // The newest: a client that has listened for long is the least likely to be part of a flood.
        biggest.and_then(|biggest| self.open.last(&biggest)).map(Some).ok_or(Full)
    }

    /// Opens a prepared one for its client. Gives the connection that has to go for it, if one has to.
    pub(crate) fn open(
        &mut self,
        token: &str,
        caller: &Arc<str>,
        transport: Transport,
    ) -> Result<Option<Removed<L>>, NotOpened> {
        match self.by_token.get(token) {
            None => return Err(NotOpened::Unknown),
            Some(Place { transport: Some(open), .. }) if *open == transport => return Err(NotOpened::InUse),
            Some(Place { transport: Some(_), .. }) => return Err(NotOpened::OtherTransport),
            Some(Place { transport: None, .. }) => {}
        }
        let goes = self.room_for(caller).map_err(|Full| NotOpened::Full)?;
        let goes = goes.and_then(|slot| self.remove(&slot.token));
        if let Some(place) = self.by_token.get_mut(token) {
            self.unopened.remove(&place.caller, place.number);
            place.caller = Arc::clone(caller);
            place.transport = Some(transport);
            self.open.add(caller, place.number, &place.slot);
        }
        Ok(goes)
    }

    /// Opens one that was not negotiated. It is never among the unopened, so it can push none of them out.
    pub(crate) fn open_new(
        &mut self,
        slot: &Arc<Slot<L>>,
        caller: &Arc<str>,
        transport: Transport,
    ) -> Result<Option<Removed<L>>, Full> {
        let goes = self.room_for(caller)?;
        let goes = goes.and_then(|slot| self.remove(&slot.token));
        let number = self.next;
        self.next += 1;
        self.open.add(caller, number, slot);
        let place = Place { slot: Arc::clone(slot), caller: Arc::clone(caller), number, transport: Some(transport) };
        self.by_token.insert(slot.token.clone(), place);
        Ok(goes)
    }

    pub(crate) fn remove(&mut self, token: &str) -> Option<Removed<L>> {
        let Place { slot, caller, number, transport } = self.by_token.remove(token)?;
        let held = if transport.is_some() { &mut self.open } else { &mut self.unopened };
        held.remove(&caller, number);
        Some(Removed { slot, transport })
    }

    /// Removes what was negotiated before this moment and not opened.
    pub(crate) fn expire(&mut self, before: Duration) {
        let mut expired = Vec::new();
        for slots in self.unopened.callers.values() {
            // In the order of their age.
            expired.extend(slots.values().take_while(|slot| slot.since <= before).map(|slot| slot.token.clone()));
        }
        for token in expired {
            self.remove(&token);
        }
    }
}

/// Places of one kind, by caller and then by age.
struct Held<L> {
    total: usize,
    callers: HashMap<Arc<str>, BTreeMap<u64, Arc<Slot<L>>>>,
    /// How many each caller has.
    ranks: BTreeSet<(usize, Arc<str>)>,
}

impl<L> Default for Held<L> {
    fn default() -> Self {
        Self { total: 0, callers: HashMap::new(), ranks: BTreeSet::new() }
    }
}

impl<L> Held<L> {
    fn of(&self, caller: &Arc<str>) -> usize {
        self.callers.get(caller).map_or(0, BTreeMap::len)
    }

    fn biggest(&self) -> Option<Arc<str>> {
        self.ranks.last().map(|(_, caller)| Arc::clone(caller))
    }

    fn first(&self, caller: &Arc<str>) -> Option<Arc<Slot<L>>> {
        self.callers.get(caller)?.first_key_value().map(|(_, slot)| Arc::clone(slot))
    }

    fn last(&self, caller: &Arc<str>) -> Option<Arc<Slot<L>>> {
        self.callers.get(caller)?.last_key_value().map(|(_, slot)| Arc::clone(slot))
    }

    fn add(&mut self, caller: &Arc<str>, number: u64, slot: &Arc<Slot<L>>) {
        let before = self.of(caller);
        self.callers.entry(Arc::clone(caller)).or_default().insert(number, Arc::clone(slot));
        self.rank(caller, before);
        self.total += 1;
    }

    fn remove(&mut self, caller: &Arc<str>, number: u64) {
        let Some(slots) = self.callers.get_mut(caller) else { return };
        let before = slots.len();
        if slots.remove(&number).is_none() {
            return;
        }
        if slots.is_empty() {
            self.callers.remove(caller);
        }
        self.rank(caller, before);
        self.total -= 1;
    }

    fn rank(&mut self, caller: &Arc<str>, before: usize) {
        let now = self.of(caller);
        self.ranks.remove(&(before, Arc::clone(caller)));
        if now > 0 {
            self.ranks.insert((now, Arc::clone(caller)));
        }
    }
}

#[cfg(test)]
mod tests;

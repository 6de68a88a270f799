//! The connections of a listener, so that one too many can take the place of another.
//!
//! A semaphore would have it wait instead: clients that do nothing would keep everyone else out for as long as an idle
//! connection may last.

use core::cmp::Reverse;
use core::net::IpAddr;
use core::time::Duration;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque, btree_map};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::connection_state::ConnectionState;
use crate::auth::rate::site;

#[derive(Debug, Default)]
pub(super) struct Connections {
    open: Mutex<Open>,
    one_ended: Notify,
}

#[derive(Debug, Default)]
struct Open {
    last_id: u64,
    by_id: HashMap<u64, (IpAddr, Arc<ConnectionState>)>,
    /// How many each address has.
    numbers: HashMap<IpAddr, usize>,
    /// How many addresses have so many.
    ranks: BTreeMap<usize, usize>,
    /// Those whose turn to go is next, and since when each has waited. One look at all of them finds many: where all places
    /// are taken, a look for each new connection would cost more than to serve it.
    next: VecDeque<(u64, u64)>,
    /// The one that was asked last.
    asked: Option<u64>,
}

/// How many are found by one look.
const AT_ONCE: usize = 256;

/// A connection's place, until dropped.
#[derive(Debug)]
pub(super) struct ConnectionPermit {
    connections: Arc<Connections>,
    id: u64,
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.connections.open().remove(self.id);
        self.connections.one_ended.notify_one();
    }
}

impl Open {
    fn remove(&mut self, id: u64) {
        let Some((address, _)) = self.by_id.remove(&id) else { return };
        if let Entry::Occupied(mut number) = self.numbers.entry(address) {
            let before = *number.get();
            *number.get_mut() -= 1;
            if *number.get() == 0 {
                number.remove();
            }
            self.rank(before, before - 1);
        }
    }

    /// An address had so many, and has now so many.
    fn rank(&mut self, before: usize, now: usize) {
        if let btree_map::Entry::Occupied(mut addresses) = self.ranks.entry(before) {
            *addresses.get_mut() -= 1;
            if *addresses.get() == 0 {
                addresses.remove();
            }
        }
        if now > 0 {
            *self.ranks.entry(now).or_default() += 1;
        }
    }

    /// How many the address has that has most.
    fn most(&self) -> Option<&usize> {
        self.ranks.last_key_value().map(|(number, _)| number)
    }

    /// The one that has waited longest, of those of an address that has most. What was found by an earlier look is still
    /// right if it waits since then, and if its address still has most: who began to wait later has waited less.
    fn next(&mut self) -> Option<u64> {
        for found_anew in [false, true] {
            while let Some((id, since)) = self.next.pop_front() {
                let Some((address, state)) = self.by_id.get(&id) else { continue };
                if state.waiting_since() == Some(since) && self.numbers.get(address) == self.most() {
                    return Some(id);
                }
            }
            if !found_anew {
                self.look();
            }
        }
        None
    }

    fn look(&mut self) {
        let most = self.most();
        let of_most = self.by_id.iter().filter(|(_, (address, _))| self.numbers.get(address) == most);
        let mut waiting: Vec<_> = of_most.filter_map(|(id, (_, state))| Some((state.waiting_since()?, *id))).collect();
        waiting.sort_unstable();
        self.next = waiting.into_iter().take(AT_ONCE).map(|(since, id)| (id, since)).collect();
    }

    /// The same of those that have waited so long, whatever addresses they have.
    fn any(&self, waited: Duration) -> Option<u64> {
        let waiting = self.by_id.iter().filter_map(|(id, (address, state))| {
            let since = state.waiting_since()?;
            let has_waited = u128::from(state.now().saturating_sub(since)) >= waited.as_micros();
            has_waited.then_some((self.numbers.get(address), Reverse(since), *id))
        });
        waiting.max().map(|(_, _, id)| id)
    }
}

impl Connections {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn len(&self) -> usize {
        self.open().by_id.len()
    }

    /// Takes a place.
    pub(super) fn add(self: &Arc<Self>, address: IpAddr, state: Arc<ConnectionState>) -> ConnectionPermit {
        let (mut open, address) = (self.open(), site(address));
        open.last_id += 1;
        let id = open.last_id;
        open.by_id.insert(id, (address, state));
        let number = open.numbers.entry(address).or_default();
        *number += 1;
        let now = *number;
        open.rank(now - 1, now);
        ConnectionPermit { connections: Arc::clone(self), id }
    }

    /// Asks the connection to end that has waited longest for its client, if it has waited as long as this: of those of the
    /// address that has most, so that a client that takes many places costs others none of theirs. None is asked whose request is
    /// there, and none while another one is about to end: on a busy machine that may take a while, and one is enough.
    pub(super) fn evict_one(&self, waited: Duration) {
        let mut open = self.open();
        if open.asked.and_then(|id| open.by_id.get(&id)).is_some_and(|(_, state)| state.is_leaving()) {
            return;
        }
        // If all of that address are at work, another one has to give.
        let next = if waited.is_zero() { open.next() } else { None };
        let next = next.or_else(|| open.any(waited));
        open.asked = next;
        if let Some((_, state)) = next.and_then(|id| open.by_id.get(&id)) {
            state.evict();
        }
    }

    /// Waits until a place is given up.
    pub(super) async fn one_ended(&self) {
        self.one_ended.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::Instant;

    use super::{AT_ONCE, ConnectionState, Connections, Duration, IpAddr};
    use crate::net::Limits;
    use crate::net::connection_state::Phase;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    /// Where it is not known whether a client waits for its place, a connection that has just come is not asked to end.
    #[test]
    fn only_who_has_waited_as_long_goes() {
        let connections = Arc::<Connections>::default();
        let state = Arc::new(ConnectionState::new(Limits::default(), Instant::now()));
        let _permit = connections.add(address(1), Arc::clone(&state));
        connections.evict_one(Duration::from_secs(3600));
        assert!(!state.is_leaving());
        connections.evict_one(Duration::ZERO);
        assert!(state.is_leaving());
    }

    /// Who has most places gives one up, and of those the one that has waited longest.
    #[test]
    fn an_address_costs_itself_places_and_not_others() {
        let connections = Arc::<Connections>::default();
        let epoch = Instant::now();
        let mut places = Vec::new();
        let mut open = |last| {
            let state = Arc::new(ConnectionState::new(Limits::default(), epoch));
            places.push(connections.add(address(last), Arc::clone(&state)));
            std::thread::sleep(Duration::from_millis(2));
            state
        };
        let single = open(1);
        let many = [open(2), open(2), open(2)];
        for leaver in 0..2 {
            connections.evict_one(Duration::ZERO);
            let leaving: Vec<_> = many.iter().map(|state| state.is_leaving()).collect();
            assert_eq!((single.is_leaving(), leaving.iter().position(|&leaves| leaves)), (false, Some(leaver)));
            many[leaver].at_work();
            places[1 + leaver] = connections.add(address(9), Arc::new(ConnectionState::new(Limits::default(), epoch)));
        }
        drop(places);
        assert_eq!((connections.len(), connections.open().numbers.len()), (0, 0));
    }

    /// What is kept of an earlier look is as right as a new one, whatever came and went in between: with three addresses,
    /// hundreds of steps, and each eviction held against a look at all of them.
    #[test]
    fn who_was_found_before_is_still_the_one() {
        let connections = Arc::<Connections>::default();
        let (mut places, mut time, mut random) = (Vec::new(), 0_u64, 1_u64);
        let (mut evictions, mut looks) = (0, 0);
        for step in 0..3000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let choice = (random >> 33) as usize;
            time += 1;
            if step < 400 {
                let state = Arc::new(ConnectionState::new(Limits::default(), Instant::now()));
                state.set(Phase::Idle, time);
                let address = address([1, 1, 1, 2, 2, 3][choice % 6]);
                places.push((connections.add(address, Arc::clone(&state)), address, state));
                continue;
            }
            // One is asked something, or answered.
            let at = choice % places.len();
            places[at].2.set(if choice & 64 == 0 { Phase::Busy } else { Phase::Idle }, time);
            let number = |address| places.iter().filter(|place| place.1 == address).count();
            let waiting = || places.iter().filter(|place| place.2.waiting_since().is_some());
            let most = waiting().map(|place| number(place.1)).max();
            let before = connections.open().next.len();
            connections.evict_one(Duration::ZERO);
            looks += usize::from(connections.open().next.len() > before);
            let gone = places.iter().position(|(_, _, state)| state.is_leaving()).expect("one");
            let (_, of, state) = &places[gone];
            assert_eq!(Some(number(*of)), most);
            let older = waiting().filter(|place| place.1 == *of && place.2.since() < state.since()).count();
            assert_eq!(older, 0);
            evictions += 1;
            // Another one takes its place.
            let of = address([1, 1, 2, 3][choice / 512 % 4]);
            let state = Arc::new(ConnectionState::new(Limits::default(), Instant::now()));
            state.set(Phase::Idle, time);
            places[gone] = (connections.add(of, Arc::clone(&state)), of, state);
        }
        assert!(evictions > 1000 && looks < evictions, "{evictions} {looks}");
    }

    /// A flood from one address, where all places are taken, is not looked through for each of its connections.
    #[test]
    fn one_look_is_enough_for_many() {
        let connections = Arc::<Connections>::default();
        let idle = || {
            let state = Arc::new(ConnectionState::new(Limits::default(), Instant::now()));
            state.set(Phase::Idle, 1);
            state
        };
        let mut places: Vec<_> = (0..500).map(|_| connections.add(address(1), idle())).collect();
        let mut looks = 0;
        for _ in 0..2000 {
            let before = connections.open().next.len();
            connections.evict_one(Duration::ZERO);
            looks += usize::from(connections.open().next.len() > before);
            let gone = connections.open().asked;
            places.retain(|place| Some(place.id) != gone);
            places.push(connections.add(address(1), idle()));
        }
        assert_eq!((places.len(), looks), (500, 2000_usize.div_ceil(AT_ONCE)));
    }
}

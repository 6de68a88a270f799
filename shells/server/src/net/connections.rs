//! The connections of a listener, so that one too many can take the place of another.

use core::cmp::Reverse;
use core::net::IpAddr;
use core::time::Duration;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
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
}

/// A connection's place, until dropped.
#[derive(Debug)]
pub(super) struct Place {
    connections: Arc<Connections>,
    id: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.open().remove(self.id);
        self.connections.one_ended.notify_one();
    }
}

impl Open {
    fn remove(&mut self, id: u64) {
        let Some((address, _)) = self.by_id.remove(&id) else { return };
        if let Entry::Occupied(mut number) = self.numbers.entry(address) {
            *number.get_mut() -= 1;
            if *number.get() == 0 {
                number.remove();
            }
        }
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
    pub(super) fn add(self: &Arc<Self>, address: IpAddr, state: Arc<ConnectionState>) -> Place {
        let (mut open, address) = (self.open(), site(address));
        open.last_id += 1;
        let id = open.last_id;
        open.by_id.insert(id, (address, state));
        *open.numbers.entry(address).or_default() += 1;
        Place { connections: Arc::clone(self), id }
    }

    /// Asks the connection to end that has waited longest for its client, if it has waited as long as this: of those of the
    /// address that has most, so that nobody who takes many places costs others theirs. None is asked whose request is
    /// there, and none while another one is about to end: on a busy machine that may take a while, and one is enough.
    pub(super) fn evict_one(&self, waited: Duration) {
        let open = self.open();
        if open.by_id.values().any(|(_, state)| state.is_leaving()) {
            return;
        }
        let waiting = open.by_id.values().filter_map(|(address, state)| {
            let since = state.waiting_since()?;
            (u128::from(state.now().saturating_sub(since)) >= waited.as_micros()).then_some((address, since, state))
        });
        let first = waiting.max_by_key(|(address, since, _)| (open.numbers.get(address), Reverse(*since)));
        if let Some((_, _, state)) = first {
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

    use super::{ConnectionState, Connections, Duration, IpAddr};
    use crate::net::Limits;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    /// Where perhaps nobody waits for its place, a connection that has just come is not asked to end.
    #[test]
    fn only_who_has_waited_as_long_goes() {
        let connections = Arc::<Connections>::default();
        let state = Arc::new(ConnectionState::new(Limits::default(), Instant::now()));
        let _place = connections.add(address(1), Arc::clone(&state));
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
}

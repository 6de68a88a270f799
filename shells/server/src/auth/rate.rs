//! How often one caller may call.
//!
//! So many requests at once, and as many again each second after: the generic cell rate algorithm, which keeps one
//! moment for each caller and needs no clockwork.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

/// How many callers are kept apart; those beyond share one allowance, so that memory is bounded.
const MOST_CALLERS: usize = 65_536;

/// For how long a caller may ask ahead.
const AHEAD: Duration = Duration::from_secs(1);

/// Who is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Caller {
    /// A token's bearer.
    Principal(Arc<str>),
    /// Where tokens are not asked for: an address, for IPv6 the network of a site.
    Address(IpAddr),
    /// One of too many to tell apart.
    Other,
}

impl Caller {
    pub(super) fn at(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
            address => address,
        })
    }
}

/// The allowances of all callers.
#[derive(Debug)]
pub struct Rate {
    /// What one request uses up.
    interval: Duration,
    callers: Mutex<Callers>,
}

#[derive(Debug)]
struct Callers {
    /// When each will have used up nothing.
    free_at: HashMap<Caller, Instant>,
    tidied: Instant,
}

impl Rate {
    /// So many requests a second for each caller; at least 1.
    #[must_use]
    pub fn per_second(number: u32) -> Self {
        let callers = Callers { free_at: HashMap::new(), tidied: Instant::now() };
        Self { interval: AHEAD / number.max(1), callers: Mutex::new(callers) }
    }

    /// Takes one request off the caller's allowance. If there is none left, nothing is taken, and the error tells how
    /// long to wait.
    pub(super) fn take(&self, caller: Caller) -> Result<(), Duration> {
        self.take_at(caller, Instant::now())
    }

    fn take_at(&self, caller: Caller, now: Instant) -> Result<(), Duration> {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        let caller = callers.known(caller, now);
        let free_at = callers.free_at.get(&caller).map_or(now, |&free_at| free_at.max(now)) + self.interval;
        let over = free_at.saturating_duration_since(now + AHEAD);
        if over > Duration::ZERO {
            return Err(over);
        }
        callers.free_at.insert(caller, free_at);
        Ok(())
    }
}

impl Callers {
    fn known(&mut self, caller: Caller, now: Instant) -> Caller {
        if self.free_at.len() < MOST_CALLERS || self.free_at.contains_key(&caller) {
            return caller;
        }
        if now.saturating_duration_since(self.tidied) >= AHEAD {
            self.tidied = now;
            self.free_at.retain(|_, free_at| *free_at > now);
        }
        if self.free_at.len() < MOST_CALLERS { caller } else { Caller::Other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(name: &str) -> Caller {
        Caller::Principal(name.into())
    }

    #[test]
    fn so_many_at_once_and_as_many_again_each_second() {
        let rate = Rate::per_second(4);
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        for _ in 0..4 {
            assert_eq!(rate.take_at(caller("a"), at(0)), Ok(()));
        }
        assert_eq!(rate.take_at(caller("a"), at(0)), Err(Duration::from_millis(250)));
        // Another one is not concerned, and being refused costs nothing.
        assert_eq!(rate.take_at(caller("b"), at(0)), Ok(()));
        assert_eq!(rate.take_at(caller("a"), at(249)), Err(Duration::from_millis(1)));
        assert_eq!(rate.take_at(caller("a"), at(250)), Ok(()));
        assert!(rate.take_at(caller("a"), at(250)).is_err());
        // Over ten seconds: the first four, and four each second.
        let mut taken = 0;
        for millis in 10_000..20_000 {
            taken += u32::from(rate.take_at(caller("a"), at(millis)).is_ok());
        }
        assert_eq!(taken, 4 + 39);
    }

    #[test]
    fn too_many_callers_share_what_is_left() {
        let rate = Rate::per_second(1);
        let begin = Instant::now();
        for number in 0..MOST_CALLERS as u32 {
            assert_eq!(rate.take_at(Caller::at(IpAddr::from(number.to_be_bytes())), begin), Ok(()));
        }
        assert_eq!(rate.take_at(caller("new"), begin), Ok(()));
        assert!(rate.take_at(caller("newer"), begin).is_err());
        // The known ones are still told apart, and room is made when their time is over.
        let later = begin + 2 * AHEAD;
        assert_eq!(rate.take_at(caller("newest"), later), Ok(()));
        assert!(rate.callers.lock().unwrap().free_at.len() < 3);
    }

    #[test]
    fn an_ipv6_site_is_one_caller() {
        let at = |address: &str| Caller::at(address.parse().unwrap());
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:0:0:2"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
        assert_eq!(at("::ffff:192.0.2.1"), at("192.0.2.1"));
        assert_ne!(at("192.0.2.1"), at("192.0.2.2"));
    }
}

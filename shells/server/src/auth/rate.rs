//! How often one caller may call.
//!
//! So many requests at once, and as many again each second after: the generic cell rate algorithm, which keeps one
//! moment for each caller and needs no clockwork. `governor` has the same, but keeps every caller until it is asked to forget;
//! here their number has a bound.

use core::net::IpAddr;
use core::sync::atomic::{AtomicU64, Ordering};
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
    /// Where tokens are not required, or are invalid: an address, for IPv6 the network of a site.
    Address(IpAddr),
    /// One of too many to tell apart.
    Other,
}

impl Caller {
    pub(super) fn at(address: IpAddr) -> Self {
        Self::Address(site(address))
    }
}

/// What counts as one address: for IPv6 the network of a site.
pub(crate) fn site(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        address => address,
    }
}

/// How many requests a second each caller may send by default: many times what the desks of 5,000 agents at one
/// token or one proxy need (6 requests for a call of 3 minutes: 170 a second), and a small part of what the server can do,
/// so that one caller does not take it from the others.
pub const USUAL: u32 = 5000;

/// How many tokens a second an address may show that turn out not to hold. To find out takes a tenth of a millisecond
/// where a JWT names an RSA key of 4096 bits; those that hold do not count.
const STRANGERS: u32 = 200;

/// How often a listener may be called.
#[derive(Debug)]
pub struct Rates {
    /// By each token, or by each address where no tokens are asked for.
    pub(super) callers: Rate,
    /// By each address, with an invalid token.
    pub(super) strangers: Rate,
}

impl Rates {
    /// So many requests a second for each caller.
    #[must_use]
    pub fn per_second(number: u32) -> Self {
        Self { callers: Rate::per_second(number), strangers: Rate::per_second(number.min(STRANGERS)) }
    }
}

/// The allowances of all callers.
#[derive(Debug)]
pub struct Rate {
    /// What one request uses up, in nanoseconds.
    interval: u64,
    /// What moments are counted from.
    epoch: Instant,
    callers: Mutex<Callers>,
}

/// What one caller has left: the moment at which it will have used up nothing, in nanoseconds since the epoch.
#[derive(Debug, Default)]
pub(crate) struct Allowance(AtomicU64);

#[derive(Debug)]
struct Callers {
    allowances: HashMap<Caller, Arc<Allowance>>,
    tidied: u64,
}

impl Rate {
    /// So many requests a second for each caller; at least 1.
    #[must_use]
    pub fn per_second(number: u32) -> Self {
        let callers = Callers { allowances: HashMap::new(), tidied: 0 };
        let interval = AHEAD.as_nanos() as u64 / u64::from(number.max(1));
        Self { interval, epoch: Instant::now(), callers: Mutex::new(callers) }
    }

    /// The allowance of a caller. Keep it, and the caller need not be looked up again.
    pub(super) fn of(&self, caller: Caller) -> Arc<Allowance> {
        self.of_at(caller, self.now())
    }

    fn of_at(&self, caller: Caller, now: u64) -> Arc<Allowance> {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        let caller = callers.known(caller, now);
        Arc::clone(callers.allowances.entry(caller).or_default())
    }

    /// Takes one request off an allowance. If there is none left, nothing is taken, and the error tells how long to wait.
    pub(super) fn take(&self, allowance: &Allowance) -> Result<(), Duration> {
        self.take_now(allowance, Instant::now())
    }

    /// The same, for who knows what time it is.
    pub(super) fn take_now(&self, allowance: &Allowance, now: Instant) -> Result<(), Duration> {
        self.take_at(allowance, now.saturating_duration_since(self.epoch).as_nanos() as u64)
    }

    /// Gives back what was taken for something that turned out not to count.
    pub(super) fn give_back(&self, allowance: &Allowance) {
        allowance.0.fetch_sub(self.interval, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        self.epoch.elapsed().as_nanos() as u64
    }

    fn take_at(&self, allowance: &Allowance, now: u64) -> Result<(), Duration> {
        let latest = now + AHEAD.as_nanos() as u64;
        let take = |free_at: u64| Some(free_at.max(now) + self.interval).filter(|&free_at| free_at <= latest);
        allowance
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .map(|_| ())
            .map_err(|free_at| Duration::from_nanos(free_at.max(now) + self.interval - latest))
    }
}

impl Callers {
    fn known(&mut self, caller: Caller, now: u64) -> Caller {
        if self.allowances.len() < MOST_CALLERS || self.allowances.contains_key(&caller) {
            return caller;
        }
        if now.saturating_sub(self.tidied) >= AHEAD.as_nanos() as u64 {
            self.tidied = now;
            // One that somebody keeps may be taken from without being looked up.
            self.allowances
                .retain(|_, allowance| Arc::strong_count(allowance) > 1 || allowance.0.load(Ordering::Relaxed) > now);
        }
        if self.allowances.len() < MOST_CALLERS { caller } else { Caller::Other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(name: &str) -> Caller {
        Caller::Principal(name.into())
    }

    impl Rate {
        fn takes_at(&self, caller: Caller, millis: u64) -> Result<(), Duration> {
            let now = millis * 1_000_000;
            self.take_at(&self.of_at(caller, now), now)
        }
    }

    #[test]
    fn so_many_at_once_and_as_many_again_each_second() {
        let rate = Rate::per_second(4);
        for _ in 0..4 {
            assert_eq!(rate.takes_at(caller("a"), 5), Ok(()));
        }
        assert_eq!(rate.takes_at(caller("a"), 5), Err(Duration::from_millis(250)));
        // Another one is not concerned, and being refused costs nothing.
        assert_eq!(rate.takes_at(caller("b"), 5), Ok(()));
        assert_eq!(rate.takes_at(caller("a"), 254), Err(Duration::from_millis(1)));
        assert_eq!(rate.takes_at(caller("a"), 255), Ok(()));
        assert!(rate.takes_at(caller("a"), 255).is_err());
        // Over ten seconds: the first four, and four each second.
        let mut taken = 0;
        for millis in 10_000..20_000 {
            taken += u32::from(rate.takes_at(caller("a"), millis).is_ok());
        }
        assert_eq!(taken, 4 + 39);
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let rate = Rate::per_second(2);
        let allowance = rate.of_at(caller("a"), 0);
        for _ in 0..100 {
            assert_eq!(rate.take_at(&allowance, 0), Ok(()));
            rate.give_back(&allowance);
        }
        assert_eq!([rate.take_at(&allowance, 0), rate.take_at(&allowance, 0)], [Ok(()); 2]);
        assert!(rate.take_at(&allowance, 0).is_err());
    }

    #[test]
    fn too_many_callers_share_what_is_left() {
        let rate = Rate::per_second(1);
        let kept = rate.of_at(caller("kept"), 0);
        for number in 1..MOST_CALLERS as u32 {
            assert_eq!(rate.takes_at(Caller::at(IpAddr::from(number.to_be_bytes())), 0), Ok(()));
        }
        assert_eq!(rate.takes_at(caller("new"), 0), Ok(()));
        assert!(rate.takes_at(caller("newer"), 0).is_err());
        // The known ones are still told apart, and room is made when their time is over; but not for one that is kept.
        assert_eq!(rate.takes_at(caller("newest"), 2001), Ok(()));
        assert!(rate.callers.lock().unwrap().allowances.len() < 4);
        assert!(Arc::ptr_eq(&kept, &rate.of_at(caller("kept"), 2001)));
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

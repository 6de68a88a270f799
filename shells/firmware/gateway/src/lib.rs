//! A gateway for the recording API, without I/O: bytes in, bytes out, and the time as a number.
//!
//! | module | what it holds |
//! |---|---|
//! | [`http`] | HTTP/1.1 as a server reads and writes it: heads, bodies, replies |
//! | [`connection`] | one client's connection, from received bytes to replies |
//! | [`gateway`] | the desk and everything that is notified of its changes |
//! | [`pbx`] | the line protocol of the call's side |
//! | [`recorder`] | the lines that drive recorders, and what waits for them |
//! | [`events`] | the listeners' queue |
//! | [`ring`] | what came in on a serial line, with the places of what was lost |
//! | [`link`] | Ethernet below IP: whose frames go where |
//! | [`provisioning`] | where a site's UCCs, settings, agents and addresses are in the flash |
//!
//! An image around it has the drivers, a TCP and a clock. Nothing here decides anything about recording: that is
//! `recording_core`. Nothing here can panic, allocate or wait, and each call does a bounded amount of work:
//! `shells/firmware/no-panic` links the whole of it for a Cortex-M without a panic in reach.

#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)
)]

pub mod connection;
pub mod events;
pub mod gateway;
pub mod http;
mod input;
pub mod link;
pub mod pbx;
pub mod provisioning;
pub mod recorder;
pub mod ring;
pub mod text;

pub use connection::{Connection, Step};
pub use events::Events;
pub use gateway::Gateway;
pub use pbx::Line;
pub use recorder::Recorder;
pub use ring::Ring;

/// Milliseconds since the start. It may wrap: only differences are looked at.
pub type Millis = u32;

/// How long it is since `then`.
#[must_use]
pub const fn since(now: Millis, then: Millis) -> Millis {
    now.wrapping_sub(then)
}

/// Makes a time that does not wrap from one that does. It must be called at least every 49 days.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    last: Millis,
    time: u64,
}

impl Clock {
    /// At the start.
    #[must_use]
    pub const fn new() -> Self {
        Self { last: 0, time: 0 }
    }

    /// The time, when the one that wraps is `now`.
    pub fn at(&mut self, now: Millis) -> u64 {
        self.time = self.time.saturating_add(since(now, self.last).into());
        self.last = now;
        self.time
    }

    /// Whole seconds at the last time that it was asked: they last for 136 years.
    #[must_use]
    pub const fn seconds(&self) -> u32 {
        (self.time / 1000) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_goes_on_when_its_ticks_wrap() {
        let mut clock = Clock::new();
        let mut time = 0_u64;
        for step in [0, 1, u32::MAX, 7, 1 << 31, 1 << 31, u32::MAX, 0, 3] {
            time += u64::from(step);
            assert_eq!(clock.at(time as u32), time);
            assert_eq!(u64::from(clock.seconds()), time / 1000);
        }
        assert!(time > 3 << 32, "it wrapped several times");
    }
}

//! A gateway for the recording API, without I/O: bytes in, bytes out, and the time as a number.
//!
//! | module | what it holds |
//! |---|---|
//! | [`http`] | HTTP/1.1 as a server reads and writes it: heads, bodies, replies |
//! | [`connection`] | one client's connection, from received bytes to replies |
//! | [`gateway`] | the desk and everything that is told of its changes |
//! | [`pbx`] | the line protocol of the call's side |
//! | [`recorder`] | the lines that drive recorders, and what waits for them |
//! | [`events`] | the listeners' queue |
//! | [`provisioning`] | where a site's UCCs, settings and agents stand in the flash |
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
pub mod pbx;
pub mod provisioning;
pub mod recorder;
pub mod text;

pub use connection::{Connection, Step};
pub use events::Events;
pub use gateway::Gateway;
pub use pbx::Line;
pub use recorder::Recorder;

/// Milliseconds since the start. It may wrap: only differences are looked at.
pub type Millis = u32;

/// How long it is since `then`.
#[must_use]
pub const fn since(now: Millis, then: Millis) -> Millis {
    now.wrapping_sub(then)
}

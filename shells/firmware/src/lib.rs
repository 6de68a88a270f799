//! What builds the gateway's images and runs them in QEMU: for the tests, for `cargo run`, and for the figures.
//!
//! Nothing here reaches beyond this machine: QEMU's network is cut off but for two ports on the loopback.

#![forbid(unsafe_code)]

mod board;
mod emulator;
mod image;
mod log;
pub mod patience;
mod serial;

pub use board::Board;
pub use emulator::Emulator;
pub use image::{Image, Kind};
pub use log::Log;
pub use serial::Serial;

use std::time::Duration;

/// How long anything may take before it counts as never. A machine that does other things too is slow.
pub const PATIENCE: Duration = Duration::from_secs(120);

//! The recorder in the loop: no success is answered that a recorder has not confirmed.
//!
//! What an input means is the core's to say, in [`recording_core::recorder`]. Here is who carries it out: each session with a
//! recorder has a [`Driver`], whose steps are stored, published, sent and answered in this order, and a task that sends.

#![allow(clippy::result_large_err, reason = "the core gives a session back by value; it goes no further than one call")]

mod calls;
mod clock;
mod configured;
mod drive;
mod driver;
mod held;
mod holder_names;
pub mod http;
mod outcome;
pub mod port;
mod pump;
mod reading;
mod registry;
pub mod rtpengine;
mod set;
mod start;
mod supervisor;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use calls::Bind;
pub use calls::CallData;
pub use configured::{RecorderConfig, RecorderKind};
pub(crate) use driver::Alarm;
pub use driver::Driver;
pub(crate) use held::unknown;
pub(crate) use outcome::outcome_name;
pub use registry::{CallTaken, DEFAULT_PATIENCE, Entered, Recorders};
pub(crate) use start::check;
pub(crate) use supervisor::supervise;
pub use view::View;

//! A desk: sessions and settings in memory that the caller gives.
//!
//! `recording_core::Desk` has its capacities in its type. Here they are known when the program runs, so the tables are
//! slices; they are found by the same index, and decided by the same decisions.

mod calls;
mod memory;
mod tables;

pub use calls::*;
pub use memory::{RC_DESK_ALIGN, rc_capacities, rc_desk, rc_desk_align, rc_desk_init, rc_desk_size};

//! A desk: sessions and settings in memory that the caller gives.
//!
//! What is in that memory is the core's: a `BorrowedDesk`, which has its capacities when the program runs.

mod calls;
mod memory;

pub use calls::*;
pub use memory::{RC_DESK_ALIGN, rc_capacities, rc_desk, rc_desk_align, rc_desk_init, rc_desk_size};

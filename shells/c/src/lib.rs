//! The heart of a call-recording control API, for programs in C and whatever else speaks to C.
//!
//! Two levels. The small one is values alone: states, actions, the transition, names and codes. The whole one goes from
//! the bytes of a request to those of its reply and its event, in one of three ways:
//!
//! - [`rc_desk_handle`]: sessions and settings live in memory that the caller gives.
//! - [`rc_handle`]: the caller keeps them, and is asked by callbacks.
//! - [`rc_exchange_begin`] and its sisters: the caller keeps them, and goes step by step.
//!
//! Nothing allocates, starts a thread, keeps a global or panics. All that is decided is decided by `recording_core`; here
//! are pointers and numbers, and what keeps wrong ones from doing harm.
//!
//! `include/recording_core.h` is made from this by cbindgen, with these comments; they are written for readers of C.

#![no_std]
#![allow(non_camel_case_types, reason = "the names are those of C")]
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

mod answer;
mod callbacks;
mod codes;
mod desk;
mod exchange;
mod facts;
mod names;
mod pointers;
mod request;
mod state;
mod status;
mod text;

pub use answer::{RC_EVENT_MAX, RC_REPLY_MAX, rc_answer, rc_buffer};
pub use callbacks::{RC_STORE_DONE, RC_STORE_FAILED, RC_STORE_MOVED, RC_TRIES_MAX, rc_callbacks, rc_handle};
pub use codes::*;
pub use desk::*;
pub use exchange::*;
pub use facts::*;
pub use names::*;
pub use request::{RC_BODY_MAX, rc_request, rc_wants_body};
pub use state::*;
pub use status::{rc_status, rc_status_text};
pub use text::rc_text;

/// The number of this ABI. It grows when programs that were compiled before would break.
pub const RC_ABI_VERSION: u32 = 0;

/// The `RC_ABI_VERSION` of the library that is linked, to be compared with that of the header.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn rc_abi_version() -> u32 {
    RC_ABI_VERSION
}

/// May panic: with it the proof must fail.
#[cfg(feature = "planted")]
#[unsafe(no_mangle)]
#[allow(clippy::indexing_slicing, missing_docs, reason = "planted")]
pub extern "C" fn rc_planted(place: usize) -> u8 {
    [1, 2, 3][place]
}

//! What the tests of several packages share. Nothing but tests, fuzz targets and the test kit depends on it.
//!
//! | module | what it holds |
//! |---|---|
//! | [`naive`] | a second implementation of every decision, which shares no code with the core |
//! | [`naive_recorder`] | the same of a session with a recorder |
//! | [`recorder`] | the core's machine driven as a shell drives it, and seen as the naive model sees it |
//! | [`world`] | the world of the wire vectors as a desk |
//! | [`schedule`] | every order in which the steps of several can fall, one after the other |
//!
//! The core's own tests depend on this, and it on the core: that is one core, since integration tests link the same
//! library. Unit tests inside the core do not use it, because there the core is compiled a second time.

#![forbid(unsafe_code)]
#![allow(missing_docs, missing_debug_implementations, reason = "for tests alone")]
#![allow(clippy::must_use_candidate, clippy::missing_const_for_fn, reason = "as in the tests that it is a part of")]

pub mod naive;
pub mod naive_recorder;
pub mod recorder;
pub mod schedule;
pub mod world;

use std::io::Write as _;

/// Prints a line that is seen although the test passes: how much an enumeration ran.
pub fn report(line: core::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "    {line}");
}

/// Every settings value there is, with what the naive model calls the same.
pub fn all_settings() -> impl Iterator<Item = (recording_core::Settings, naive::Ucc)> {
    (0..32_u8).map(|bits| {
        let bit = |at: u8| bits >> at & 1 == 1;
        let settings = recording_core::Settings {
            recording_api_licensed: bit(0),
            use_audio_recording: bit(1),
            agent_can_edit_audio_recording: bit(2),
            save_recording_by_default: bit(3),
            repeats: if bit(4) {
                recording_core::state::RepeatPolicy::Accept
            } else {
                recording_core::state::RepeatPolicy::Refuse
            },
        };
        let naive = naive::Ucc {
            licensed: bit(0),
            use_audio_recording: bit(1),
            agent_can_edit: bit(2),
            save_by_default: bit(3),
            repeats_accepted: bit(4),
        };
        (settings, naive)
    })
}

/// A state as the naive model has it.
pub const fn codes(state: recording_core::State) -> naive::State {
    (state.recording().code(), state.marking().code(), state.saving().code())
}

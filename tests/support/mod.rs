//! What the integration tests share.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part of it")]

pub mod naive;
pub mod naive_recorder;
pub mod recorder;
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

#![no_main]

use std::sync::atomic::{AtomicU8, Ordering};

use recording_fuzz_properties::{Reached, desk_reaching};

/// The transition is a look-up in a table, the same edges for all 252 cells: so each cell counts as an edge of its own,
/// for the fuzzer to look for and for minimising to keep.
#[used]
#[unsafe(link_section = "__libfuzzer_extra_counters")]
static CELLS: [AtomicU8; Reached::CELLS] = [const { AtomicU8::new(0) }; Reached::CELLS];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for cell in desk_reaching(data).cells() {
        CELLS[cell].store(1, Ordering::Relaxed);
    }
});

//! Commands on the PBX's line that break the image on purpose, or hold it up. Only in images that tests build.

use core::sync::atomic::{AtomicBool, Ordering};

use cortex_m::asm;

/// Whether the recorders' line stalls.
static DEAF: AtomicBool = AtomicBool::new(false);

pub(crate) fn recorder_is_deaf() -> bool {
    DEAF.load(Ordering::Relaxed)
}

pub(crate) fn obey(command: Option<&str>) {
    match command {
        Some("plant hang") => {
            cortex_m::interrupt::disable();
            loop {
                asm::nop();
            }
        }
        Some("plant overflow") => {
            core::hint::black_box(deeper(1));
        }
        // Whatever comes in meanwhile, only its interrupt takes it.
        Some("plant stand") => {
            let began = crate::interrupt::now();
            while recording_gateway::since(crate::interrupt::now(), began) < 300 {
                asm::nop();
            }
        }
        Some("plant deaf") => DEAF.store(true, Ordering::Relaxed),
        Some("plant hearing") => DEAF.store(false, Ordering::Relaxed),
        Some("plant panic") => panic!("planted"),
        Some("plant fault") => asm::udf(),
        _ => {}
    }
}

/// Recursion without an end.
#[inline(never)]
#[expect(unconditional_recursion, reason = "that is what is planted")]
fn deeper(depth: u32) -> u32 {
    let frame = core::hint::black_box([depth; 16]);
    deeper(depth + 1) + frame[depth as usize % 16]
}

//! Serial lines: what comes in is queued by an interrupt, what goes out by the main loop.

use recording_gateway::Ring;
use recording_gateway::text::Text;

use crate::driver::{Output, Received, Uart};

/// The PBX's line. The longest command, 161 bytes, has room in it while another is answered.
pub(crate) static PBX: Ring<256> = Ring::new();

/// Takes what the device has. Called by its interrupt alone.
pub(crate) fn fill(uart: &mut impl Uart) {
    while let Some(received) = uart.read() {
        match received {
            Received::Byte(byte) => PBX.put(byte),
            Received::Damage => PBX.damaged(),
        }
    }
}

/// How often a full device is asked again before a byte of the log is given up.
const PATIENCE: u32 = 1_000_000;

/// Writes a line of the log, waiting for the device: only at the start and at the end of a life.
pub(crate) fn log<const N: usize>(uart: &mut impl Output, line: &Text<N>) {
    for &byte in line.get().iter().chain(b"\n") {
        let _ = (0..PATIENCE).any(|_| uart.write(byte));
    }
}

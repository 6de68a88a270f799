//! Serial lines: what comes in is queued by an interrupt, what goes out by the main loop.

use core::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};

use recording_gateway::text::Text;

use crate::driver::Uart;

/// What has come in on a line: one interrupt puts in, the main loop takes out.
pub(crate) struct Received<const N: usize> {
    bytes: [AtomicU8; N],
    put: AtomicUsize,
    taken: AtomicUsize,
    lost: AtomicBool,
}

/// The PBX's line. A command is at most 161 bytes, so that one has room while another is answered.
pub(crate) static PBX: Received<256> = Received::new();

impl<const N: usize> Received<N> {
    const fn new() -> Self {
        Self {
            bytes: [const { AtomicU8::new(0) }; N],
            put: AtomicUsize::new(0),
            taken: AtomicUsize::new(0),
            lost: AtomicBool::new(false),
        }
    }

    /// Takes what the device has. Called by its interrupt alone.
    pub(crate) fn fill(&self, uart: &mut impl Uart) {
        let mut put = self.put.load(Ordering::Relaxed);
        while let Some(byte) = uart.read() {
            let is_full = put.wrapping_sub(self.taken.load(Ordering::Acquire)) >= N;
            match self.bytes.get(put % N) {
                Some(place) if !is_full => {
                    place.store(byte, Ordering::Relaxed);
                    put = put.wrapping_add(1);
                    self.put.store(put, Ordering::Release);
                }
                _ => self.lost.store(true, Ordering::Relaxed),
            }
        }
        if uart.lost() {
            self.lost.store(true, Ordering::Relaxed);
        }
    }

    /// The next byte. Called by the main loop alone.
    pub(crate) fn take(&self) -> Option<u8> {
        let taken = self.taken.load(Ordering::Relaxed);
        if taken == self.put.load(Ordering::Acquire) {
            return None;
        }
        let byte = self.bytes.get(taken % N)?.load(Ordering::Relaxed);
        self.taken.store(taken.wrapping_add(1), Ordering::Release);
        Some(byte)
    }

    /// Whether bytes were lost since the last time this was asked.
    pub(crate) fn lost(&self) -> bool {
        // Without exchange: this part's smallest relatives have none. A loss between the two is told the next time.
        let lost = self.lost.load(Ordering::Relaxed);
        if lost {
            self.lost.store(false, Ordering::Relaxed);
        }
        lost
    }
}

/// How often a full device is asked again before a byte of the log is given up.
const PATIENCE: u32 = 1_000_000;

/// Writes a line of the log, waiting for the device: only at the start and at the end of a life.
pub(crate) fn log<const N: usize>(uart: &mut impl Uart, line: &Text<N>) {
    for &byte in line.get().iter().chain(b"\n") {
        let _ = (0..PATIENCE).any(|_| uart.write(byte));
    }
}

//! What has come in on a serial line and was not looked at yet. A loss keeps its place in it.

use core::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};

/// What the reader gets where bytes are missing or damaged. No text in UTF-8 holds this byte, so the line that holds it is
/// refused.
pub const DAMAGE: u8 = 0xff;

/// `N` bytes between an interrupt, which puts in, and the main loop, which takes out. `N` is a power of two.
///
/// Every line end that is put in comes out, even if there is no room for it: once a byte was dropped, bytes are dropped
/// until the reader has taken everything that came before them, and then it gets, instead of them, [`DAMAGE`] and as many
/// line ends as there were. So each damaged line is refused itself, in its turn, and no other line is.
///
/// Each counter has one writer. They wrap, and only their differences count.
#[derive(Debug)]
pub struct Ring<const N: usize> {
    bytes: [AtomicU8; N],
    put: AtomicUsize,
    /// Bytes that were dropped.
    dropped: AtomicUsize,
    /// Line ends among them.
    ends: AtomicUsize,
    /// Whether the last of them was no line end: the line that it belonged to still goes on.
    ragged: AtomicBool,
    taken: AtomicUsize,
    /// How many of the dropped bytes the reader knows of. As long as it does not know of all, more are dropped.
    known: AtomicUsize,
    /// How many of the line ends among them it has got.
    told: AtomicUsize,
    /// Whether the line that it reads has its mark already.
    marked: AtomicBool,
}

impl<const N: usize> Ring<N> {
    /// An empty one.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(N.is_power_of_two(), "the counters wrap") };
        Self {
            bytes: [const { AtomicU8::new(0) }; N],
            put: AtomicUsize::new(0),
            dropped: AtomicUsize::new(0),
            ends: AtomicUsize::new(0),
            ragged: AtomicBool::new(false),
            taken: AtomicUsize::new(0),
            known: AtomicUsize::new(0),
            told: AtomicUsize::new(0),
            marked: AtomicBool::new(false),
        }
    }

    /// A byte came in. Called by the interrupt alone.
    pub fn put(&self, byte: u8) {
        let (put, dropped) = (self.put.load(Ordering::Relaxed), self.dropped.load(Ordering::Relaxed));
        let is_full = put.wrapping_sub(self.taken.load(Ordering::Acquire)) >= N;
        match self.bytes.get(put % N) {
            Some(place) if !is_full && dropped == self.known.load(Ordering::Acquire) => {
                place.store(byte, Ordering::Relaxed);
                self.put.store(put.wrapping_add(1), Ordering::Release);
            }
            _ => {
                let is_end = byte == b'\n';
                if is_end {
                    self.ends.store(self.ends.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
                }
                self.ragged.store(!is_end, Ordering::Relaxed);
                // Last: who knows of this byte knows what it did.
                self.dropped.store(dropped.wrapping_add(1), Ordering::Release);
            }
        }
    }

    /// Bytes are missing here, or were damaged on the way. Called by the interrupt alone.
    pub fn damaged(&self) {
        self.put(DAMAGE);
    }

    /// The next byte. Called by the main loop alone.
    pub fn take(&self) -> Option<u8> {
        // First: while a loss is not known, nothing is put in after it.
        let dropped = self.dropped.load(Ordering::Acquire);
        let taken = self.taken.load(Ordering::Relaxed);
        if taken != self.put.load(Ordering::Acquire) {
            let byte = self.bytes.get(taken % N)?.load(Ordering::Relaxed);
            self.taken.store(taken.wrapping_add(1), Ordering::Release);
            return Some(byte);
        }
        if dropped == self.known.load(Ordering::Relaxed) {
            return None;
        }
        let (told, ends) = (self.told.load(Ordering::Relaxed), self.ends.load(Ordering::Relaxed));
        let is_ragged = self.ragged.load(Ordering::Relaxed);
        let is_marked = self.marked.load(Ordering::Relaxed);
        let (byte, knows_all) = if told == ends {
            if !is_ragged {
                // The last of them came while it learned of the others.
                self.known.store(dropped, Ordering::Release);
                return None;
            }
            (DAMAGE, true)
        } else if is_marked {
            let told = told.wrapping_add(1);
            self.told.store(told, Ordering::Relaxed);
            (b'\n', told == ends && !is_ragged)
        } else {
            (DAMAGE, false)
        };
        self.marked.store(told != ends && !is_marked, Ordering::Relaxed);
        if knows_all {
            // With the byte and not after it: the answer to this line may bring the next one.
            self.known.store(dropped, Ordering::Release);
        }
        Some(byte)
    }
}

impl<const N: usize> Default for Ring<N> {
    fn default() -> Self {
        Self::new()
    }
}

//! Listeners: one bounded queue for all, in which each has a place of its own. A listener that is too slow is cut.

use recording_core::Event;

/// Bytes of events that may wait for a listener: a power of two.
const QUEUE: usize = 1024;

/// What a listener gets first: from here on it misses nothing.
pub const GREETING: &[u8] = b"{\"Listening\":true}\n";

/// The events that listeners may still have to take.
#[derive(Debug)]
pub struct Events {
    queue: [u8; QUEUE],
    /// Bytes put in since the start. It wraps.
    put: u32,
}

impl Events {
    /// No event yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { queue: [0; QUEUE], put: 0 }
    }

    /// Adds an event, as one line. It waits for no listener.
    pub fn publish(&mut self, event: &Event<'_>) {
        let mut buffer = [0; Event::MAX_LEN];
        let line = event.write(&mut buffer).unwrap_or_default();
        for &byte in line.iter().chain(b"\n") {
            if let Some(place) = self.queue.get_mut(self.put as usize % QUEUE) {
                *place = byte;
            }
            self.put = self.put.wrapping_add(1);
        }
    }
}

impl Default for Events {
    fn default() -> Self {
        Self::new()
    }
}

/// One listener's place.
#[derive(Debug, Clone, Copy)]
pub struct Listener {
    at: u32,
    greeted: bool,
}

/// What a listener gets next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<'a> {
    /// Nothing, until something happens.
    Nothing,
    /// These bytes, or the first of them.
    Bytes(&'a [u8]),
    /// It is too slow: what it should have got is gone.
    Cut,
}

impl Listener {
    /// Somebody who hears of everything from now on.
    #[must_use]
    pub const fn new(events: &Events) -> Self {
        Self { at: events.put, greeted: false }
    }

    /// What comes next.
    #[must_use]
    pub fn next<'a>(&self, events: &'a Events) -> Next<'a> {
        let behind = events.put.wrapping_sub(self.at) as usize;
        if behind > QUEUE {
            return Next::Cut;
        }
        if !self.greeted {
            return Next::Bytes(GREETING);
        }
        let from = self.at as usize % QUEUE;
        let to = from.saturating_add(behind).min(QUEUE);
        match events.queue.get(from..to) {
            None | Some([]) => Next::Nothing,
            Some(bytes) => Next::Bytes(bytes),
        }
    }

    /// So many of those bytes were taken. The greeting is taken as a whole.
    pub const fn took(&mut self, count: usize) {
        if self.greeted {
            self.at = self.at.wrapping_add(count as u32);
        } else {
            self.greeted = true;
        }
    }
}

//! How long, how much, how many.

use core::time::Duration;

/// What a connection is granted. The defaults are those of the original server, where it has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest record that a client may send, in bytes.
    pub record: usize,
    /// How many records may wait for a client that is slow.
    pub queue: usize,
    /// How many bytes those records may have together. An event that is longer by itself reaches no client.
    pub waiting: usize,
    /// How many bytes a client may send in a second, over a long time. What is costly to read counts as more: each message
    /// or POST as 256, each record in it as 128, each value in a record as 32. A client that sends more is read from more
    /// slowly; its POSTs are answered with 429.
    pub input_rate: usize,
    /// How many such bytes a client may send at once.
    pub input_burst: usize,
    /// How many bytes one caller may send in a second on all its connections together, over a long time.
    pub caller_rate: usize,
    /// How many at once.
    pub caller_burst: usize,
    /// How long a client may take nothing although something waits for it.
    pub write: Duration,
    /// How long the handshake may take.
    pub handshake: Duration,
    /// After how much silence a ping is sent. Clients give a server up after 30 seconds of it.
    pub keep_alive: Duration,
    /// How long a client that has sent a ping once may be silent.
    pub client: Duration,
    /// How long the client of a WebSocket may answer none of the pings that WebSockets have of their own. Every client
    /// does that by itself while it reads.
    pub unanswered: Duration,
}

impl Limits {
    /// How many bytes one connection keeps at most, between two calls of its machine: what waits for the client, and the
    /// part of a record that has come.
    #[must_use]
    pub const fn most_kept(&self) -> usize {
        // Buffers that grow have up to twice the room that they need.
        self.waiting + 2 * (self.queue + 2) * size_of::<bytes::Bytes>() + 2 * self.record + 1024
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            record: 32 * 1024,
            queue: 1024,
            waiting: 256 * 1024,
            input_rate: 64 * 1024,
            input_burst: 1024 * 1024,
            caller_rate: 2 * 1024 * 1024,
            caller_burst: 16 * 1024 * 1024,
            write: Duration::from_secs(10),
            handshake: Duration::from_secs(15),
            keep_alive: Duration::from_secs(15),
            client: Duration::from_secs(30),
            unanswered: Duration::from_secs(60),
        }
    }
}

//! How long, how much, how many.

use core::time::Duration;

/// What a connection is granted. The defaults are those of the original server, where it has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest record that a client may send, in bytes.
    pub record: usize,
    /// How many records may wait for a client that is slow.
    pub queue: usize,
    /// How long a client may take nothing although something waits for it.
    pub write: Duration,
    /// How long the handshake may take.
    pub handshake: Duration,
    /// After how much silence a ping is sent. Clients give a server up after 30 seconds of it.
    pub keep_alive: Duration,
    /// How long a client that has sent a ping once may be silent.
    pub client: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            record: 32 * 1024,
            queue: 1024,
            write: Duration::from_secs(10),
            handshake: Duration::from_secs(15),
            keep_alive: Duration::from_secs(15),
            client: Duration::from_secs(30),
        }
    }
}

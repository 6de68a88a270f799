//! What a hub grants all its listeners together.

use core::time::Duration;

use crate::limits::Limits;
use crate::server_name::ServerName;

/// How a hub serves. A held poll lasts as long as with the original server; what clients are waited for is longer here,
/// since it costs little and a busy client is not a dead one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubOptions {
    /// For each connection.
    pub limits: Limits,
    /// How many connections may be open at once. When all places are taken, a caller that has less than a sixteenth of
    /// them gets one from the caller that has most: that connection is ordered to reconnect. Who a caller is, says
    /// [`Methods::caller`](crate::Methods::caller).
    ///
    /// As many more may be negotiated and not yet opened; then the oldest of those has to go, of the caller that has most.
    pub connections: usize,
    /// How long a negotiated connection is kept for a client that does not open it.
    pub unopened: Duration,
    /// How long a long poll is held if there is nothing to say.
    pub poll: Duration,
    /// How long a client that polls may stay away between two polls.
    pub poll_gap: Duration,
    /// The longest body of a POST, and the longest WebSocket message, in bytes: several records may share one.
    pub body: usize,
    /// How long such a body may take to arrive.
    pub body_time: Duration,
    /// Pages of which origins, besides the hub's own, may open a WebSocket, as in `https://console.example`. Browsers
    /// leave that check to the server.
    pub origins: Vec<String>,
    /// What this server is called where there are several: its connection tokens begin with that and a dot. Without it they
    /// begin with nothing.
    pub server: Option<ServerName>,
}

impl Default for HubOptions {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            connections: 2048,
            unopened: Duration::from_secs(15),
            poll: Duration::from_secs(90),
            poll_gap: Duration::from_secs(10),
            body: 64 * 1024,
            body_time: Duration::from_secs(10),
            origins: Vec::new(),
            server: None,
        }
    }
}

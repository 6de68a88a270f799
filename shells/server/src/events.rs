//! Where published events go: every listener gets all of them, and none can hold up the server.

use bytes::Bytes;
use recording_core::{Action, CorrelationId, Event, UccNameBuf};
use tokio::sync::broadcast;

/// A published event, owned.
#[derive(Debug, Clone)]
pub struct Published {
    /// The UCC of the session.
    pub ucc: UccNameBuf,
    /// The session.
    pub correlation_id: CorrelationId,
    /// What changed it.
    pub action: Action,
    /// The event as it goes over the wire, written once for all listeners.
    pub json: Bytes,
}

/// The channel of published events.
///
/// It keeps the last [`Events::KEPT`] of them for listeners that lag; one that lags further loses the oldest and is told
/// how many. Publishing never waits.
#[derive(Debug, Clone)]
pub struct Events(broadcast::Sender<Published>);

impl Events {
    /// How far a listener may lag without losing anything.
    pub const KEPT: usize = 4096;

    /// A channel without listeners.
    #[must_use]
    pub fn new() -> Self {
        Self(broadcast::Sender::new(Self::KEPT))
    }

    /// Listens from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Published> {
        self.0.subscribe()
    }

    pub(crate) fn publish(&self, event: &Event<'_>) {
        // Writing is for listeners only.
        if self.0.receiver_count() == 0 {
            return;
        }
        let mut buffer = [0; Event::MAX_LEN];
        // Cannot fail with a buffer of this size.
        let Ok(json) = event.write(&mut buffer) else { return };
        let Event { ucc, correlation_id, action } = *event;
        let published = Published { ucc: ucc.into(), correlation_id, action, json: Bytes::copy_from_slice(json) };
        // An error says that the last listener left just now.
        let _ = self.0.send(published);
    }
}

impl Default for Events {
    fn default() -> Self {
        Self::new()
    }
}

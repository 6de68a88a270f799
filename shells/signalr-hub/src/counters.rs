//! What a hub has done, in numbers.

use core::sync::atomic::{AtomicU64, Ordering};

use crate::connection::End;
use crate::slot::Transport;

/// A snapshot of a hub's numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Connections that are open now, by transport.
    pub web_sockets: u64,
    /// See [`web_sockets`](Self::web_sockets).
    pub server_sent_events: u64,
    /// See [`web_sockets`](Self::web_sockets).
    pub long_polling: u64,
    /// Connections ever opened.
    pub opened: u64,
    /// Events published.
    pub published: u64,
    /// Events handed to connections: a published one counts for each connection that gets it.
    pub delivered: u64,
    /// Events that a connection was to get and that did not fit its queue; it was closed with the order to reconnect.
    pub dropped: u64,
    /// Connections that ended because the client did not take what was sent.
    pub closed_slow: u64,
    /// Connections that ended because of what the client sent: a bad handshake or no message.
    pub closed_malformed: u64,
    /// Connections that ended because the client stopped its own pings.
    pub closed_silent: u64,
    /// Connections that were not granted because there were too many.
    pub refused: u64,
}

impl Counters {
    /// Connections that are open now.
    #[must_use]
    pub const fn open(&self) -> u64 {
        self.web_sockets + self.server_sent_events + self.long_polling
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    open: [AtomicU64; 3],
    opened: AtomicU64,
    pub(crate) published: AtomicU64,
    pub(crate) delivered: AtomicU64,
    pub(crate) dropped: AtomicU64,
    slow: AtomicU64,
    malformed: AtomicU64,
    silent: AtomicU64,
    pub(crate) refused: AtomicU64,
}

pub(crate) fn count(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

impl Counts {
    const fn open_by(&self, transport: Transport) -> &AtomicU64 {
        let [web_sockets, server_sent_events, long_polling] = &self.open;
        match transport {
            Transport::WebSocket => web_sockets,
            Transport::ServerSentEvents => server_sent_events,
            Transport::LongPolling => long_polling,
        }
    }

    pub(crate) fn opened(&self, transport: Transport) {
        count(self.open_by(transport), 1);
        count(&self.opened, 1);
    }

    pub(crate) fn ended(&self, transport: Transport, end: Option<End>) {
        self.open_by(transport).fetch_sub(1, Ordering::Relaxed);
        match end {
            Some(End::Slow) => count(&self.slow, 1),
            Some(End::Malformed | End::Handshake) => count(&self.malformed, 1),
            Some(End::Silent) => count(&self.silent, 1),
            Some(End::Client | End::Server) | None => {}
        }
    }

    pub(crate) fn snapshot(&self) -> Counters {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            web_sockets: load(self.open_by(Transport::WebSocket)),
            server_sent_events: load(self.open_by(Transport::ServerSentEvents)),
            long_polling: load(self.open_by(Transport::LongPolling)),
            opened: load(&self.opened),
            published: load(&self.published),
            delivered: load(&self.delivered),
            dropped: load(&self.dropped),
            closed_slow: load(&self.slow),
            closed_malformed: load(&self.malformed),
            closed_silent: load(&self.silent),
            refused: load(&self.refused),
        }
    }
}

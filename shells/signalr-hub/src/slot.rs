//! A connection's place in the hub: what its requests, its publisher and its clock share.

use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::connection::{Call, CallResult, Carrier, Connection, Delivery, End};
use crate::handshake::Protocol;
use crate::limits::Limits;
use crate::message::Publication;

/// How a client is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// A WebSocket.
    WebSocket,
    /// Server-sent events, and a POST for each thing that the client says.
    ServerSentEvents,
    /// Polls that are held until there is something to say, and POSTs.
    LongPolling,
}

impl Transport {
    const fn carrier(self) -> Carrier {
        match self {
            Self::WebSocket => Carrier { binary: true, keeps_alive: false },
            Self::ServerSentEvents => Carrier { binary: false, keeps_alive: false },
            Self::LongPolling => Carrier { binary: true, keeps_alive: true },
        }
    }
}

/// Why a request for a connection cannot be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotOpened {
    /// It is open already.
    InUse,
    /// It is open on another transport.
    OtherTransport,
    /// What the client sent before it opened the connection is too much.
    TooMuch,
    /// There are too many.
    Full,
    /// There is no such connection, or no more.
    Unknown,
}

#[derive(Debug)]
pub(crate) struct Slot<L> {
    pub(crate) token: String,
    epoch: Instant,
    state: Mutex<State<L>>,
    wake: Notify,
}

#[derive(Debug)]
enum State<L> {
    /// Negotiated. Some clients send before they open: that is kept.
    Unopened {
        since: Duration,
        early: Vec<u8>,
    },
    Open(Box<Open<L>>),
}

#[derive(Debug)]
struct Open<L> {
    transport: Transport,
    connection: Connection,
    listener: L,
    /// The newest poll; an older one has to end.
    poll: u64,
    /// Since when there is no poll.
    unpolled: Option<Duration>,
}

/// What a transport has to do next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Send(Bytes),
    /// Close: nothing more will come.
    Over,
    /// End this poll: there is a newer one.
    Superseded,
}

/// What the sweep found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Alive,
    Finished,
}

impl<L: Default> Slot<L> {
    pub(crate) fn new(token: String, epoch: Instant) -> Self {
        let state = State::Unopened { since: epoch.elapsed(), early: Vec::new() };
        Self { token, epoch, state: Mutex::new(state), wake: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State<L>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    /// Since when it waits to be opened.
    pub(crate) fn unopened_since(&self) -> Option<Duration> {
        match *self.state() {
            State::Unopened { since, .. } => Some(since),
            State::Open(_) => None,
        }
    }

    pub(crate) fn transport(&self) -> Option<Transport> {
        match &*self.state() {
            State::Unopened { .. } => None,
            State::Open(open) => Some(open.transport),
        }
    }

    pub(crate) fn end_reason(&self) -> Option<End> {
        match &*self.state() {
            State::Unopened { .. } => None,
            State::Open(open) => open.connection.end_reason(),
        }
    }

    /// Opens it, once. What was sent before comes first.
    pub(crate) fn open(
        &self,
        transport: Transport,
        limits: Limits,
        answer: impl FnMut(&mut L, Call<'_>) -> CallResult,
    ) -> Result<(), NotOpened> {
        let mut state = self.state();
        let early = match &mut *state {
            State::Open(open) if open.transport == transport => return Err(NotOpened::InUse),
            State::Open(_) => return Err(NotOpened::OtherTransport),
            State::Unopened { early, .. } => core::mem::take(early),
        };
        let connection = Connection::new(limits, transport.carrier(), self.now());
        let open = Open { transport, connection, listener: L::default(), poll: 0, unpolled: None };
        *state = State::Open(Box::new(open));
        drop(state);
        if early.is_empty() { Ok(()) } else { self.received(&early, limits, answer) }
    }

    /// Takes what the client says.
    pub(crate) fn received(
        &self,
        bytes: &[u8],
        limits: Limits,
        mut answer: impl FnMut(&mut L, Call<'_>) -> CallResult,
    ) -> Result<(), NotOpened> {
        match &mut *self.state() {
            State::Unopened { early, .. } if early.len() + bytes.len() > limits.record => {
                return Err(NotOpened::TooMuch);
            }
            State::Unopened { early, .. } => early.extend_from_slice(bytes),
            State::Open(open) => {
                let Open { connection, listener, .. } = &mut **open;
                connection.received(self.now(), bytes, |call| answer(listener, call));
            }
        }
        self.wake.notify_one();
        Ok(())
    }

    /// Gives it an event if `wants` says so; `None` if not.
    pub(crate) fn publish(&self, publication: &Publication, wants: impl FnOnce(&L) -> bool) -> Option<Delivery> {
        let delivery = match &mut *self.state() {
            State::Unopened { .. } => return None,
            State::Open(open) if wants(&open.listener) => open.connection.publish(self.now(), publication),
            State::Open(_) => return None,
        };
        self.wake.notify_one();
        Some(delivery)
    }

    pub(crate) fn close(&self, allow_reconnect: bool) {
        if let State::Open(open) = &mut *self.state() {
            open.connection.close(self.now(), allow_reconnect);
        }
        self.wake.notify_one();
    }

    /// The client took nothing for too long.
    pub(crate) fn stuck(&self) {
        if let State::Open(open) = &mut *self.state() {
            open.connection.stuck();
        }
    }

    /// The protocol that its records are written in, once the handshake is done.
    pub(crate) fn protocol(&self) -> Option<Protocol> {
        match &*self.state() {
            State::Unopened { .. } => None,
            State::Open(open) => open.connection.protocol(),
        }
    }

    pub(crate) fn gone(&self) {
        if let State::Open(open) = &mut *self.state() {
            open.connection.gone();
        }
        self.wake.notify_one();
    }

    /// What there is to do at once.
    pub(crate) fn next_now(&self) -> Option<Next> {
        match &mut *self.state() {
            State::Unopened { .. } => None,
            State::Open(open) => open.next(self.now()).0,
        }
    }

    /// Waits for what there is to do. `poll` is the number of a long poll.
    pub(crate) async fn next(&self, poll: Option<u64>) -> Next {
        loop {
            let deadline = match &mut *self.state() {
                // Whoever waits here has opened it.
                State::Unopened { .. } => return Next::Over,
                State::Open(open) => {
                    if poll.is_some_and(|poll| poll != open.poll) {
                        // What woke this one may have been meant for the newer.
                        self.wake.notify_one();
                        return Next::Superseded;
                    }
                    match open.next(self.now()) {
                        (Some(next), _) => return next,
                        (None, deadline) => deadline,
                    }
                }
            };
            match deadline {
                None => self.wake.notified().await,
                Some(deadline) => tokio::select! {
                    () = self.wake.notified() => {}
                    () = sleep_until(self.epoch + deadline) => {}
                },
            }
        }
    }

    /// Begins a long poll, which ends the one before; gives its number.
    pub(crate) fn begin_poll(&self) -> u64 {
        let State::Open(open) = &mut *self.state() else { return 0 };
        open.poll += 1;
        open.unpolled = None;
        self.wake.notify_one();
        open.poll
    }

    /// Ends a long poll, if it is the newest.
    pub(crate) fn end_poll(&self, poll: u64) {
        let now = self.now();
        if let State::Open(open) = &mut *self.state()
            && open.poll == poll
        {
            open.unpolled = Some(now);
        }
    }

    /// Looks after it: for whoever does not wait in [`next`](Self::next).
    pub(crate) fn sweep(&self, unopened: Duration, poll_gap: Duration) -> Standing {
        let now = self.now();
        match &mut *self.state() {
            State::Unopened { since, .. } if *since + unopened <= now => return Standing::Finished,
            State::Unopened { .. } => return Standing::Alive,
            State::Open(open) => {
                let Open { connection, unpolled, .. } = &mut **open;
                if unpolled.is_some_and(|since| since + poll_gap <= now) {
                    connection.gone();
                    return Standing::Finished;
                }
                if connection.deadline().is_none_or(|deadline| deadline > now) {
                    return Standing::Alive;
                }
                connection.tick(now);
            }
        }
        self.wake.notify_one();
        Standing::Alive
    }
}

impl<L> Open<L> {
    fn next(&mut self, now: Duration) -> (Option<Next>, Option<Duration>) {
        self.connection.tick(now);
        if let Some(record) = self.connection.next(now) {
            return (Some(Next::Send(record)), None);
        }
        if self.connection.is_over() {
            return (Some(Next::Over), None);
        }
        (None, self.connection.deadline())
    }
}

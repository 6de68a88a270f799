//! A connection's place in the hub: what its requests, its publisher and its clock share.

use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::connection::{Call, CallResult, Carrier, Connection, End};
use crate::handshake::Protocol;
use crate::limits::Limits;

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

/// How long a transport may take for the end of a connection that is over, before it loses its place.
const LAST_WORDS: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Slot<L> {
    pub(crate) token: String,
    /// When it was negotiated.
    pub(crate) since: Duration,
    epoch: Instant,
    state: Mutex<State<L>>,
    wake: Notify,
}

#[derive(Debug)]
enum State<L> {
    /// Negotiated. Some clients send before they open: that is kept.
    Unopened {
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
    /// Since when the sweep has seen that it is over.
    over: Option<Duration>,
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

impl<L> Slot<L> {
    pub(crate) fn new(token: String, epoch: Instant) -> Self {
        let state = State::Unopened { early: Vec::new() };
        Self { token, since: epoch.elapsed(), epoch, state: Mutex::new(state), wake: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State<L>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.epoch.elapsed()
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
        mut answer: impl FnMut(&mut L, Call<'_>) -> CallResult,
    ) -> Result<(), NotOpened>
    where
        L: Default,
    {
        let mut state = self.state();
        let early = match &mut *state {
            State::Open(open) if open.transport == transport => return Err(NotOpened::InUse),
            State::Open(_) => return Err(NotOpened::OtherTransport),
            State::Unopened { early, .. } => core::mem::take(early),
        };
        let now = self.now();
        let mut connection = Connection::new(limits, transport.carrier(), now);
        let mut listener = L::default();
        if !early.is_empty() {
            // Before anyone else has the lock: what comes now must not overtake it.
            connection.received(now, &early, |call| answer(&mut listener, call));
        }
        *state = State::Open(Box::new(Open { transport, connection, listener, poll: 0, unpolled: None, over: None }));
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    /// A frame came that is no message; what the client was charged for it.
    pub(crate) fn took_something(&self) -> usize {
        let State::Open(open) = &mut *self.state() else { return 0 };
        open.connection.took_something(self.now());
        open.connection.take_spent()
    }

    /// Takes what the client says; gives what it was charged for that.
    pub(crate) fn received(
        &self,
        bytes: &[u8],
        limits: Limits,
        mut answer: impl FnMut(&mut L, Call<'_>) -> CallResult,
    ) -> Result<usize, NotOpened> {
        let spent = match &mut *self.state() {
            State::Unopened { early, .. } if early.len() + bytes.len() > limits.record => {
                return Err(NotOpened::TooMuch);
            }
            State::Unopened { early, .. } => {
                early.reserve_exact(bytes.len());
                early.extend_from_slice(bytes);
                bytes.len()
            }
            State::Open(open) => {
                let Open { connection, listener, .. } = &mut **open;
                connection.received(self.now(), bytes, |call| answer(listener, call));
                connection.take_spent()
            }
        };
        self.wake.notify_one();
        Ok(spent)
    }

    /// When more may be taken from the client, if not now.
    pub(crate) fn takes_at(&self) -> Option<Instant> {
        match &*self.state() {
            State::Unopened { .. } => None,
            State::Open(open) => open.connection.takes_at(self.now()).map(|at| self.epoch + at),
        }
    }

    /// How many bytes it keeps.
    pub(crate) fn kept(&self) -> usize {
        match &*self.state() {
            State::Unopened { early } => early.capacity(),
            State::Open(open) => open.connection.kept(),
        }
    }

    /// Lets `deliver` give it events, if it is open.
    pub(crate) fn publish(&self, deliver: impl FnOnce(Duration, &L, &mut Connection)) {
        let State::Open(open) = &mut *self.state() else { return };
        let Open { connection, listener, .. } = &mut **open;
        deliver(self.now(), listener, connection);
        if connection.has_something() {
            self.wake.notify_one();
        }
    }

    /// Ends it with the order to reconnect if its listener is one of those.
    pub(crate) fn close_if(&self, chosen: impl FnOnce(&L) -> bool) {
        if let State::Open(open) = &mut *self.state()
            && chosen(&open.listener)
        {
            open.connection.close(self.now(), true);
            self.wake.notify_one();
        }
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

    /// The client has answered nothing for too long.
    pub(crate) fn silent(&self) {
        if let State::Open(open) = &mut *self.state() {
            open.connection.silent();
        }
    }

    pub(crate) fn gone(&self) {
        if let State::Open(open) = &mut *self.state() {
            open.connection.gone(self.now());
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
                // The task that waits here has opened it.
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

    /// Looks after it, for a transport that does not wait in [`next`](Self::next).
    pub(crate) fn sweep(&self, poll_gap: Duration) -> Standing {
        let now = self.now();
        let State::Open(open) = &mut *self.state() else { return Standing::Alive };
        let Open { connection, unpolled, over, transport, .. } = &mut **open;
        if unpolled.is_some_and(|since| since + poll_gap <= now) {
            connection.gone(now);
            return Standing::Finished;
        }
        if connection.is_over() && *transport != Transport::LongPolling {
            // Its transport sees to the end, unless that waits for the client for ever.
            let since = *over.get_or_insert(now);
            return if since + LAST_WORDS <= now { Standing::Finished } else { Standing::Alive };
        }
        if connection.deadline().is_some_and(|deadline| deadline <= now) {
            connection.tick(now);
            self.wake.notify_one();
        }
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

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    /// What was sent before it is opened comes before what is sent while it is being opened, however the two race.
    #[test]
    fn nothing_overtakes_what_was_sent_early() {
        let call = |name: &str| format!("{{\"type\":1,\"target\":\"{name}\",\"arguments\":[]}}\u{1e}");
        for _ in 0..2000 {
            let slot = Slot::<Vec<String>>::new(String::new(), Instant::now());
            let answer = |called: &mut Vec<String>, call: Call<'_>| {
                called.push(call.target.to_owned());
                Ok(None)
            };
            let early = format!("{{\"protocol\":\"json\",\"version\":1}}\u{1e}{}", call("early").repeat(5));
            slot.received(early.as_bytes(), Limits::default(), answer).expect("room");
            let barrier = Barrier::new(2);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    barrier.wait();
                    slot.received(call("late").as_bytes(), Limits::default(), answer).expect("room");
                });
                barrier.wait();
                slot.open(Transport::LongPolling, Limits::default(), answer).expect("it is not open");
            });
            let State::Open(open) = &*slot.state() else { panic!("it was opened") };
            assert_eq!(open.listener, ["early", "early", "early", "early", "early", "late"]);
        }
    }

    /// One that is over and whose transport waits for ever loses its place all the same.
    #[tokio::test(start_paused = true)]
    async fn what_is_over_does_not_keep_its_place() {
        let slot = Slot::<()>::new(String::new(), Instant::now());
        slot.open(Transport::ServerSentEvents, Limits::default(), |(), _| Ok(None)).expect("it is not open");
        let gap = Duration::from_secs(10);
        // No handshake comes, and the client does not take the message about that.
        for _ in 0..24 {
            assert_eq!(slot.sweep(gap), Standing::Alive);
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        for _ in 0..8 {
            tokio::time::advance(Duration::from_secs(1)).await;
            if slot.sweep(gap) == Standing::Finished {
                assert_eq!(slot.end_reason(), Some(End::Handshake));
                return;
            }
        }
        panic!("it keeps its place");
    }
}

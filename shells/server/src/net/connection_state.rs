//! Where a connection stands: what it waits for, since when, and until when it may.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;

use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::Limits;
use super::open_requests::OpenRequests;
use super::smuggling::Lengths;
use crate::auth::rate::Allowance;

/// How long a connection that the server ends is still read from, so that the last reply is not lost: closing a socket
/// with unread data resets the connection, and the client may never see the reply.
const LINGER: Duration = Duration::from_secs(2);

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The first byte ever.
    Fresh,
    /// The first byte of another request.
    Idle,
    /// The rest of a head.
    Head,
    /// The rest of a body.
    Body,
    /// Nothing: the server is at work.
    Busy,
    /// Nothing: a response without a known end is on its way.
    Streaming,
    /// Nothing: the connection is no longer HTTP, and its new owner keeps its times.
    Upgraded,
    /// The client's end.
    Closing,
}

/// Where a connection stands. Written by the task of the connection, and by those of its requests if there may be many
/// at once ([`OpenRequests`] then lets them take turns); read by the one that accepts, too.
#[derive(Debug)]
pub(super) struct ConnectionState {
    limits: Limits,
    /// When the listener began: what times are counted from.
    epoch: Instant,
    /// Microseconds since the epoch in the upper 61 bits, the phase in the lower 3.
    phase: AtomicU64,
    /// Microseconds since the epoch at which a write had to wait; 0 if none has to.
    blocked: AtomicU64,
    /// Whether there may be unread data at the end.
    lingers: AtomicBool,
    evicted: AtomicBool,
    /// Whether the request in hand ends with its client.
    watched: AtomicBool,
    /// Whether the client's end was kept from the library, which must look again when the request in hand is done.
    hidden_end: AtomicBool,
    /// Whether the client sent too much besides requests.
    calmed: AtomicBool,
    nudge: Notify,
    io_gone: Notify,
    /// The requests at once, where there may be many.
    pub(super) open_requests: OpenRequests,
    /// Whether a length was seen, where one request follows the other.
    pub(super) lengths: Lengths,
    /// What the client's address has left of what it may ask for, once somebody has looked.
    pub(super) allowance: OnceLock<Arc<Allowance>>,
}

/// Until when a connection may go on as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// No longer.
    Now,
    /// Until this moment; then it has to be asked again.
    At(Instant),
}

impl ConnectionState {
    pub(super) fn new(limits: Limits, epoch: Instant) -> Self {
        let state = Self {
            limits,
            epoch,
            phase: AtomicU64::new(0),
            blocked: AtomicU64::new(0),
            lingers: AtomicBool::new(false),
            evicted: AtomicBool::new(false),
            watched: AtomicBool::new(false),
            hidden_end: AtomicBool::new(false),
            calmed: AtomicBool::new(false),
            nudge: Notify::new(),
            io_gone: Notify::new(),
            open_requests: OpenRequests::default(),
            lengths: Lengths::default(),
            allowance: OnceLock::new(),
        };
        state.enter(Phase::Fresh);
        state
    }

    pub(super) fn now(&self) -> u64 {
        self.epoch.elapsed().as_micros() as u64
    }

    pub(super) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) & 7 {
            0 => Phase::Fresh,
            1 => Phase::Idle,
            2 => Phase::Head,
            3 => Phase::Body,
            4 => Phase::Busy,
            5 => Phase::Streaming,
            6 => Phase::Upgraded,
            _ => Phase::Closing,
        }
    }

    pub(super) fn since(&self) -> u64 {
        self.phase.load(Ordering::Relaxed) >> 3
    }

    pub(super) fn set(&self, phase: Phase, since: u64) {
        self.phase.store(since << 3 | phase as u64, Ordering::Relaxed);
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.set(phase, self.now());
    }

    /// Bytes came in.
    pub(super) fn received(&self) {
        match self.phase() {
            // A fresh connection's time runs since it was accepted.
            Phase::Fresh => self.set(Phase::Head, self.since()),
            Phase::Idle => self.enter(Phase::Head),
            Phase::Head | Phase::Body | Phase::Busy | Phase::Streaming | Phase::Upgraded | Phase::Closing => {}
        }
    }

    /// A head is complete, and with it the request, or a body is still to come.
    pub(super) fn head_is_there(&self, is_all: bool) {
        self.watched.store(false, Ordering::Relaxed);
        if is_all {
            self.at_work();
        } else {
            self.set(Phase::Body, self.since());
        }
    }

    /// The request is there. From now on no time is counted, so no clock is asked.
    pub(super) fn at_work(&self) {
        self.set(Phase::Busy, self.since());
    }

    /// The request in hand has nothing to do but to wait, and only its client wants the answer: when that is gone,
    /// the request is.
    pub(super) fn watch(&self) {
        self.watched.store(true, Ordering::Relaxed);
        self.show_end();
    }

    /// The client's end was seen, and kept from the library.
    pub(super) fn hide_end(&self) {
        self.hidden_end.store(true, Ordering::Relaxed);
    }

    /// Lets the library look again for an end that was kept from it.
    fn show_end(&self) {
        if self.hidden_end.swap(false, Ordering::Relaxed) {
            self.nudge.notify_one();
        }
    }

    /// Whether a request is at work that is carried out whatever becomes of its client.
    pub(super) fn is_only_at_work(&self) -> bool {
        self.phase() == Phase::Busy && !self.watched.load(Ordering::Relaxed)
    }

    pub(super) fn is_within_body(&self) -> bool {
        self.phase() == Phase::Body
    }

    /// A response is on its way.
    pub(super) fn answered(&self) {
        self.enter(Phase::Idle);
        self.show_end();
    }

    /// A response without a known end is on its way.
    pub(super) fn streaming(&self) {
        self.enter(Phase::Streaming);
        self.show_end();
    }

    /// The connection is about to become another protocol's.
    pub(super) fn upgraded(&self) {
        self.enter(Phase::Upgraded);
    }

    /// Whether the client waits for the server and not the other way round: it keeps its
    /// place, and its time is not counted here.
    fn is_the_servers_turn(&self) -> bool {
        matches!(self.phase(), Phase::Busy | Phase::Streaming | Phase::Upgraded)
    }

    /// The stream is gone.
    pub(super) fn io_gone(&self) {
        self.io_gone.notify_one();
    }

    /// If the connection is another protocol's now: waits until that has let go of it.
    pub(super) async fn until_given_up(&self) {
        if self.phase() == Phase::Upgraded {
            self.io_gone.notified().await;
        }
    }

    /// Whether everything that came was answered.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.phase(), Phase::Fresh | Phase::Idle) && self.blocked.load(Ordering::Relaxed) == 0
    }

    /// Whether nothing came of a next request but, at most, a part of its head.
    pub(super) fn is_between_requests(&self) -> bool {
        matches!(self.phase(), Phase::Fresh | Phase::Idle | Phase::Head)
    }

    /// A write has to wait for the client.
    pub(super) fn write_blocked(&self) {
        if self.blocked.load(Ordering::Relaxed) == 0 {
            self.blocked.store(self.now().max(1), Ordering::Relaxed);
            self.nudge.notify_one();
        }
    }

    /// Whether a write has had to wait for longer than it may.
    pub(super) fn is_slow(&self) -> bool {
        let blocked = self.blocked.load(Ordering::Relaxed);
        blocked != 0 && self.now() - blocked >= self.limits.write.as_micros() as u64
    }

    /// The client took everything, as far as can be known.
    pub(super) fn flushed(&self) {
        self.blocked.store(0, Ordering::Relaxed);
    }

    /// There may be unread data when the connection ends.
    pub(super) fn linger(&self) {
        self.lingers.store(true, Ordering::Relaxed);
    }

    pub(super) fn lingers(&self) -> bool {
        self.lingers.load(Ordering::Relaxed)
    }

    /// The client sent too much besides requests.
    pub(super) fn calmed(&self) {
        self.calmed.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_calmed(&self) -> bool {
        self.calmed.load(Ordering::Relaxed)
    }

    /// The server's side is closed.
    pub(super) fn closing(&self) {
        if self.phase() != Phase::Closing {
            self.enter(Phase::Closing);
            self.nudge.notify_one();
        }
    }

    /// If the connection is between requests, gives it a moment for its farewell, and says so.
    pub(super) fn leave(&self) -> bool {
        let may = self.phase() == Phase::Idle
            && self.blocked.load(Ordering::Relaxed) == 0
            && !self.evicted.load(Ordering::Relaxed);
        if may {
            self.enter(Phase::Closing);
        }
        may
    }

    /// How long the connection has waited for its client; `None` if it does not.
    pub(super) fn waiting_since(&self) -> Option<u64> {
        (!self.is_the_servers_turn() && !self.evicted.load(Ordering::Relaxed)).then(|| self.since())
    }

    /// Whether it was asked to end, and nothing came in between.
    pub(super) fn is_leaving(&self) -> bool {
        self.evicted.load(Ordering::Relaxed) && !self.is_the_servers_turn()
    }

    /// Asks the connection to end, unless it is at work by then.
    pub(super) fn evict(&self) {
        self.evicted.store(true, Ordering::Relaxed);
        self.nudge.notify_one();
    }

    /// Waits for a reason to ask again until when the connection may go on.
    pub(super) async fn nudged(&self) {
        self.nudge.notified().await;
    }

    /// When a request must have arrived that began at `since`.
    pub(super) fn deadline(&self, since: u64) -> Instant {
        self.epoch + Duration::from_micros(since) + self.limits.request
    }

    pub(super) fn due(&self) -> Due {
        if self.evicted.load(Ordering::Relaxed) {
            if !self.is_the_servers_turn() {
                return Due::Now;
            }
            // Its request came through just in time: it stays.
            self.evicted.store(false, Ordering::Relaxed);
        }
        let since = self.epoch + Duration::from_micros(self.since());
        let now = Instant::now();
        // A byte that comes may set an earlier end than an idle connection has: so asking again is never put off longer.
        let mut end = now + self.limits.request.min(self.limits.idle);
        match self.phase() {
            Phase::Fresh | Phase::Head => end = end.min(since + self.limits.request),
            Phase::Idle => end = end.min(since + self.limits.idle),
            // Whoever reads the body keeps to the deadline, so that it can still answer.
            Phase::Body | Phase::Busy | Phase::Streaming | Phase::Upgraded => {}
            Phase::Closing => end = end.min(since + LINGER),
        }
        match self.blocked.load(Ordering::Relaxed) {
            0 => {}
            blocked => end = end.min(self.epoch + Duration::from_micros(blocked) + self.limits.write),
        }
        if end <= now { Due::Now } else { Due::At(end) }
    }
}

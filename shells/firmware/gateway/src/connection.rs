//! One client's connection, from received bytes to replies.

use crate::gateway::{Gateway, Set};
use crate::http::body::Piece;
use crate::http::head::{self, Read};
use crate::http::{Body, Fault, Framing, Head, Outgoing, Persistence};
use crate::input::Input;
use crate::{Millis, since};

/// How long a connection may be idle between requests.
pub const IDLE: Millis = 15_000;
/// How long a request may take to arrive, from its first byte to its last: dribbling does not prolong it.
pub const REQUEST: Millis = 10_000;
/// How long a client may leave a reply where it is.
pub const STALLED: Millis = 10_000;
/// How long a closed connection waits for the client to see that.
pub const LINGER: Millis = 2_000;
/// How long a change waits for the recorders' line before it is refused, and how long a reply to a change waits for it.
pub const RECORDER: Millis = 5_000;

/// The same times, when another client wants the place: see [`Connection::overdue`].
pub mod when_full {
    use crate::Millis;

    /// Between requests.
    pub const IDLE: Millis = 2_000;
    /// For a request to arrive: at most what a segment that was lost once takes to come again.
    pub const REQUEST: Millis = 1_000;
    /// For the client to take what was sent.
    pub const STALLED: Millis = 4_000;
    /// For the client to see that it is closed.
    pub const LINGER: Millis = 500;
    /// For the recorders' line to take what was changed before. Nothing of the request was done.
    pub const RECORDER: Millis = 1_000;
    /// For the handshake of TCP: a way there and back.
    pub const HANDSHAKE: Millis = 250;
}

/// The longest body that is passed over to reach the next request; after a longer one the connection is closed.
const SKIP_MAX: u32 = 64 * 1024;
/// How many pieces of a body are taken in one step.
const PIECES: usize = 16;

/// What the connection's owner has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing, until bytes come, the recorder's line moves, or time passes.
    Wait,
    /// Call again soon.
    Again,
    /// Send the outgoing reply, and call again.
    Send,
    /// Send what the gateway [holds](Gateway::held), and call again.
    SendHeld,
    /// Close our side when everything is sent, and go on calling.
    Close,
    /// Drop the connection.
    Abort,
}

/// What is waited for. Numbered, so that a fresh connection is nothing but zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    /// A head, of which so many bytes were looked at.
    Head(usize),
    /// A body.
    Body(Arriving),
    /// The recorder's line, before the body that is here can be obeyed.
    Busy(Persistence),
    /// The recorder's line, before the reply may leave.
    Held(Persistence),
    /// The reply is the last one.
    Closing,
    /// Our side is closed: the client's turn.
    Closed,
}

/// A body that arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Arriving {
    body: Body,
    /// Whether it is wanted. If not, its request is answered already.
    wanted: bool,
    persistence: Persistence,
    /// How many bytes are still passed over.
    skip: u32,
}

/// One client's connection.
#[derive(Debug)]
pub struct Connection {
    input: Input,
    phase: Phase,
    /// Since when that is waited for.
    since: Millis,
    /// Since when the client leaves replies where they are.
    stalled: Option<Millis>,
    /// The client sends no more.
    ended: bool,
}

impl Connection {
    /// A connection that no client uses yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { input: Input::new(), phase: Phase::Head(0), since: 0, stalled: None, ended: false }
    }

    /// Begins again, for another client. What was held for the last one is dropped: the change itself stands.
    pub fn open<const S: usize, const U: usize, const A: usize, const T: usize>(
        &mut self,
        gateway: &mut Gateway<S, U, A, T>,
        now: Millis,
    ) {
        self.gone(gateway);
        self.input.clear();
        self.since = now;
        self.stalled = None;
        self.ended = false;
    }

    /// The client is gone.
    pub fn gone<const S: usize, const U: usize, const A: usize, const T: usize>(
        &mut self,
        gateway: &mut Gateway<S, U, A, T>,
    ) {
        if matches!(self.phase, Phase::Held(_)) {
            gateway.release();
        }
        self.phase = Phase::Head(0);
    }

    /// Where received bytes go. If there is no room, they have to wait where they are.
    pub fn room(&mut self) -> &mut [u8] {
        self.input.room()
    }

    /// So many bytes were put there.
    pub fn received(&mut self, count: usize, now: Millis) {
        if self.phase == Phase::Head(0) && self.input.raw().is_empty() && count > 0 {
            self.since = now;
        }
        self.input.received(count);
    }

    /// The client sends no more. What it sent is still answered.
    pub const fn ended(&mut self) {
        self.ended = true;
    }

    /// By how much the connection is over the time that it has when every place is taken and another client wants one;
    /// `None` if it is not. `unsent` says whether the client has still to take something. A client that is dropped for that,
    /// and gets no byte of a reply, may ask again: nothing was done.
    #[must_use]
    pub fn overdue(&self, now: Millis, unsent: bool) -> Option<Millis> {
        let (then, limit) = match (self.stalled, self.phase) {
            // What was changed stands, and its client is to know.
            (_, Phase::Held(_)) => return None,
            (Some(stalled), _) => (stalled, when_full::STALLED),
            (None, Phase::Closing | Phase::Closed) => (self.since, if unsent { LINGER } else { when_full::LINGER }),
            (None, Phase::Head(0)) if self.input.raw().is_empty() => (self.since, when_full::IDLE),
            (None, Phase::Head(_) | Phase::Body(_)) => (self.since, when_full::REQUEST),
            (None, Phase::Busy(_)) => (self.since, when_full::RECORDER),
        };
        since(now, then).checked_sub(limit)
    }

    /// Gives the place up for another client, for which it is [overdue](Self::overdue): what is to be sent to this one before
    /// it is forgotten, if that can be.
    pub fn give_way(&mut self, out: &mut Outgoing) -> Step {
        let is_between = self.input.raw().is_empty();
        let fault = match self.phase {
            _ if self.stalled.is_some() => return Step::Abort,
            Phase::Head(0) if is_between => return Step::Close,
            Phase::Body(arriving) if !arriving.wanted => return Step::Close,
            Phase::Held(_) | Phase::Closing | Phase::Closed => return Step::Close,
            Phase::Head(_) | Phase::Body(_) => Fault::TooSlow,
            Phase::Busy(_) => Fault::Busy,
        };
        out.fault(fault);
        Step::Send
    }

    const fn close(&mut self, now: Millis) -> Step {
        self.wait_for(Phase::Closed, now);
        Step::Close
    }

    /// Does what can be done now: at most one reply. `can_send` says whether the longest reply could be sent whole.
    pub fn step<const S: usize, const U: usize, const A: usize, const T: usize>(
        &mut self,
        gateway: &mut Gateway<S, U, A, T>,
        now: Millis,
        can_send: bool,
        out: &mut Outgoing,
    ) -> Step {
        if !can_send && self.phase != Phase::Closed {
            let stalled = *self.stalled.get_or_insert(now);
            return if since(now, stalled) > STALLED { Step::Abort } else { Step::Wait };
        }
        self.stalled = None;
        match self.phase {
            Phase::Head(seen) => self.head(gateway, now, seen, out),
            Phase::Body(arriving) => self.body(gateway, now, arriving, out),
            Phase::Busy(persistence) => self.obey(gateway, now, persistence, out),
            Phase::Held(persistence) => {
                let has_left = gateway.may_leave();
                if !has_left && since(now, self.since) <= RECORDER {
                    return Step::Wait;
                }
                gateway.release();
                if !has_left {
                    return self.fault(Fault::NotTaken, now, out);
                }
                self.answered(persistence, now);
                Step::SendHeld
            }
            Phase::Closing => self.close(now),
            Phase::Closed => {
                self.input.clear();
                if since(now, self.since) > LINGER { Step::Abort } else { Step::Wait }
            }
        }
    }

    fn head<const S: usize, const U: usize, const A: usize, const T: usize>(
        &mut self,
        gateway: &mut Gateway<S, U, A, T>,
        now: Millis,
        seen: usize,
        out: &mut Outgoing,
    ) -> Step {
        if seen == 0 {
            self.input.drop(head::leading(self.input.raw()));
        }
        let raw = self.input.raw();
        if raw.is_empty() {
            return if self.ended || since(now, self.since) > IDLE { self.close(now) } else { Step::Wait };
        }
        let (head, end) = match head::read(raw, seen) {
            Read::Whole(head, end) => (head, end),
            Read::Faulty(fault) => return self.fault(fault, now, out),
            Read::Partial if self.input.is_full() => return self.fault(head::too_large(raw), now, out),
            Read::Partial => {
                self.phase = Phase::Head(raw.len());
                return self.partial(now, out);
            }
        };
        let mut persistence = if head.closes { Persistence::Close } else { Persistence::Keep };
        // Once its body is refused, a client that waits for `100 Continue` may or may not send it; a long one is not worth
        // the wait.
        let late = if is_worth_skipping(&head) { persistence } else { Persistence::Close };
        let wanted = !gateway.begin(&head, late, out);
        if !wanted {
            persistence = late;
        }
        let arriving = Arriving { body: Body::of(head.framing), wanted, persistence, skip: SKIP_MAX };
        let nothing_came = raw.len() == end;
        let go_on = wanted && head.expects_continue && nothing_came;
        self.input.drop(end);
        self.phase = match (wanted, persistence) {
            (false, Persistence::Close) => Phase::Closing,
            (false, Persistence::Keep) if arriving.body == Body::Over => Phase::Head(0),
            _ => Phase::Body(arriving),
        };
        if go_on {
            out.go_on();
        }
        if go_on || !wanted {
            // A request that came after this one, or a body to pass over, has its time from now on.
            if !wanted {
                self.since = now;
            }
            Step::Send
        } else {
            Step::Again
        }
    }

    fn body<const S: usize, const U: usize, const A: usize, const T: usize>(
        &mut self,
        gateway: &mut Gateway<S, U, A, T>,
        now: Millis,
        mut arriving: Arriving,
        out: &mut Outgoing,
    ) -> Step {
        for _ in 0..PIECES {
            if arriving.body == Body::Over {
                break;
            }
            let piece = match arriving.body.next(self.input.raw()) {
                Ok(piece) => piece,
                Err(fault) => return self.unsound(arriving, fault, now, out),
            };
            match piece {
                Piece::Partial => {
                    self.phase = Phase::Body(arriving);
                    return self.partial_body(arriving, now, out);
                }
                Piece::Content(count) if arriving.wanted => {
                    self.input.keep(count);
                    if self.input.body().len() > recording_core::wire::SetRequest::MAX_BODY_LEN {
                        return self.fault(Fault::TooMuch, now, out);
                    }
                }
                Piece::Content(count) | Piece::Framing(count) => {
                    self.input.drop(count);
                    match arriving.skip.checked_sub(count as u32) {
                        Some(left) => arriving.skip = left,
                        None => return self.unsound(arriving, Fault::TooMuch, now, out),
                    }
                }
            }
        }
        self.phase = Phase::Body(arriving);
        if arriving.body != Body::Over {
            return Step::Again;
        }
        if !arriving.wanted {
            self.answered(arriving.persistence, now);
            return Step::Again;
        }
        self.wait_for(Phase::Busy(arriving.persistence), now);
        self.obey(gateway, now, arriving.persistence, out)
    }

    /// The body is here.
    fn obey<const S: usize, const U: usize, const A: usize, const T: usize>(
        &mut self,
        gateway: &mut Gateway<S, U, A, T>,
        now: Millis,
        persistence: Persistence,
        out: &mut Outgoing,
    ) -> Step {
        match gateway.set(self.input.body(), persistence, out) {
            Set::Busy if since(now, self.since) > RECORDER => self.fault(Fault::Busy, now, out),
            Set::Busy => Step::Wait,
            Set::Answered => {
                self.input.drop_body();
                self.answered(persistence, now);
                Step::Send
            }
            Set::Held => {
                self.input.drop_body();
                self.wait_for(Phase::Held(persistence), now);
                Step::Wait
            }
        }
    }

    /// More has to come.
    fn partial(&mut self, now: Millis, out: &mut Outgoing) -> Step {
        if self.ended {
            // No client waits for an answer to half a request.
            self.close(now)
        } else if since(now, self.since) > REQUEST {
            self.fault(Fault::TooSlow, now, out)
        } else {
            Step::Wait
        }
    }

    fn partial_body(&mut self, arriving: Arriving, now: Millis, out: &mut Outgoing) -> Step {
        if arriving.wanted {
            return self.partial(now, out);
        }
        if self.ended || since(now, self.since) > REQUEST { self.close(now) } else { Step::Wait }
    }

    /// A body that has no end that can be found: the answer, unless there was one, is the last.
    fn unsound(&mut self, arriving: Arriving, fault: Fault, now: Millis, out: &mut Outgoing) -> Step {
        if arriving.wanted { self.fault(fault, now, out) } else { self.close(now) }
    }

    fn fault(&mut self, fault: Fault, now: Millis, out: &mut Outgoing) -> Step {
        out.fault(fault);
        self.wait_for(Phase::Closing, now);
        Step::Send
    }

    const fn answered(&mut self, persistence: Persistence, now: Millis) {
        let next = match persistence {
            Persistence::Keep => Phase::Head(0),
            Persistence::Close => Phase::Closing,
        };
        self.wait_for(next, now);
    }

    const fn wait_for(&mut self, phase: Phase, now: Millis) {
        self.phase = phase;
        self.since = now;
    }
}

impl Default for Connection {
    fn default() -> Self {
        Self::new()
    }
}

const fn is_worth_skipping(head: &Head<'_>) -> bool {
    match head.framing {
        Framing::Length(length) => length <= SKIP_MAX && !head.expects_continue,
        Framing::Chunked => !head.expects_continue,
    }
}

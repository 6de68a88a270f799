//! The life of a connection, as a machine without a clock, a socket or a task.

use core::time::Duration;
use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::Value;

use crate::budget::Budget;
use crate::handshake::{self, Protocol};
use crate::limits::Limits;
use crate::message::{CallError, ErrorText, Goodbye, Incoming, Invocation, Malformed, Publication};
use crate::record::{Input, Oversized};

/// What the transport under a connection is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carrier {
    /// It carries bytes that are no text.
    pub binary: bool,
    /// It shows by itself whether the other side is there, so that pings are not needed.
    pub keeps_alive: bool,
}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum End {
    /// The client said so, or is gone.
    Client,
    /// The handshake asked for what cannot be, or did not come.
    Handshake,
    /// What the client sent is no message.
    Malformed,
    /// The client did not take what was sent.
    Slow,
    /// The client was silent, although it had sent pings before.
    Silent,
    /// The server ended it.
    Server,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// It will be sent.
    Queued,
    /// There was no room for it: the connection has ended, and the client is ordered to reconnect.
    Dropped,
    /// The connection is not open, or not any more.
    NotOpen,
}

/// A client's call of a hub method. The receiver answers at once: there is one at a time on a connection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Call<'a> {
    /// The method, as the client spells it.
    pub target: &'a str,
    /// Its arguments.
    pub arguments: &'a [Value],
}

/// What reading costs next to its bytes, so that many small pieces are not cheap: for each time that something comes, for
/// each record, and for each value in it.
const CALL_COST: usize = 256;
const RECORD_COST: usize = 128;
const VALUE_COST: usize = 32;

/// What a call gives back: a method without a result gives `None`.
pub type CallResult = Result<Option<Value>, CallError>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Handshake,
    Open(Protocol),
    /// Nothing more is taken in; what waits may still be sent.
    Ended(End),
}

/// One connection.
///
/// Times are durations since any moment that stays the same, and never go back. The loop around it:
///
/// 1. [`received`](Self::received) with the bytes that came, however they are cut; [`publish`](Self::publish) with every
///    event; [`close`](Self::close) to end it.
/// 2. [`tick`](Self::tick) when [`deadline`](Self::deadline) is there.
/// 3. After each of these [`next`](Self::next), until there is nothing, each time the transport can send.
/// 4. When it [is over](Self::is_over), close the transport.
///
/// > Its first record is the answer to the handshake, and then every event from that moment on, in the order of
/// > publishing; if one cannot be kept for a slow client, none comes after it but the order to reconnect.
#[derive(Debug)]
pub struct Connection {
    limits: Limits,
    carrier: Carrier,
    stage: Stage,
    protocol: Option<Protocol>,
    input: Input,
    output: VecDeque<Bytes>,
    /// How many bytes those are.
    waiting_bytes: usize,
    budget: Budget,
    /// What was charged, and is not asked for yet.
    spent: usize,
    began: Duration,
    /// When something was last put into the output.
    spoke: Duration,
    /// When the client was last heard; `None` until its first ping.
    heard: Option<Duration>,
    /// Since when the client has taken nothing, while something waits for it.
    waiting: Option<Duration>,
}

impl Connection {
    /// A connection whose transport is there.
    #[must_use]
    pub fn new(limits: Limits, carrier: Carrier, now: Duration) -> Self {
        Self {
            limits,
            carrier,
            stage: Stage::Handshake,
            protocol: None,
            input: Input::default(),
            output: VecDeque::new(),
            waiting_bytes: 0,
            budget: Budget::new(limits.input_rate, limits.input_burst, now),
            spent: 0,
            began: now,
            spoke: now,
            heard: None,
            waiting: None,
        }
    }

    /// Takes bytes in. Each call that is complete with them is handed to `answer`.
    ///
    /// What they cost the client is charged to it: see [`takes_at`](Self::takes_at).
    pub fn received(&mut self, now: Duration, bytes: &[u8], mut answer: impl FnMut(Call<'_>) -> CallResult) {
        if matches!(self.stage, Stage::Ended(_)) {
            return;
        }
        if let Some(heard) = &mut self.heard {
            *heard = now;
        }
        self.charge(now, bytes.len() + CALL_COST);
        self.input.add(bytes);
        self.read(now, &mut answer);
        self.input.settle();
    }

    fn charge(&mut self, now: Duration, cost: usize) {
        self.budget.charge(now, cost);
        self.spent = self.spent.saturating_add(cost);
    }

    /// The transport has taken in something that is no message.
    pub(crate) fn took_something(&mut self, now: Duration) {
        self.charge(now, CALL_COST);
    }

    /// What the client was charged since this was last asked.
    pub(crate) fn take_spent(&mut self) -> usize {
        core::mem::take(&mut self.spent)
    }

    fn read(&mut self, now: Duration, answer: &mut impl FnMut(Call<'_>) -> CallResult) {
        loop {
            let read = match self.stage {
                Stage::Ended(_) => return self.input.clear(),
                Stage::Handshake => match self.input.text(self.limits.record) {
                    Ok(Some(record)) => {
                        self.shake_hands(now, &record);
                        continue;
                    }
                    Ok(None) => return,
                    Err(Oversized) => {
                        self.refuse(now, "The handshake is too long.");
                        continue;
                    }
                },
                Stage::Open(protocol) => {
                    let record = match protocol {
                        Protocol::Json => self.input.text(self.limits.record),
                        Protocol::MessagePack => self.input.binary(self.limits.record),
                    };
                    match record {
                        Ok(None) => return,
                        Ok(Some(record)) => {
                            let (message, values) = protocol.read(&record);
                            self.charge(now, RECORD_COST + values * VALUE_COST);
                            message.map(|message| (protocol, message))
                        }
                        Err(Oversized) => Err(Malformed),
                    }
                }
            };
            match read {
                Ok((protocol, Incoming::Invocation(call))) if call.id_is_short() => {
                    self.call(now, protocol, &call, answer);
                }
                Ok((_, Incoming::Ping)) => self.heard = Some(now),
                Ok((_, Incoming::Close)) => self.break_off(End::Client),
                Ok((_, Incoming::Other)) => {}
                // An id is sent back as it came: one that no client needs is no id.
                Ok((_, Incoming::Invocation(_))) | Err(Malformed) => {
                    let error = Some("Connection closed with an error.");
                    self.end(now, End::Malformed, Goodbye { error, allow_reconnect: true });
                }
            }
        }
    }

    fn shake_hands(&mut self, now: Duration, record: &[u8]) {
        match handshake::read(record, self.carrier.binary) {
            Ok(protocol) => {
                self.put(now, handshake::ACCEPTED);
                self.stage = Stage::Open(protocol);
                self.protocol = Some(protocol);
            }
            Err(error) => self.refuse(now, &error),
        }
    }

    fn refuse(&mut self, now: Duration, error: &str) {
        self.put(now, handshake::refused(error));
        self.stage = Stage::Ended(End::Handshake);
    }

    fn call(
        &mut self,
        now: Duration,
        protocol: Protocol,
        invocation: &Invocation,
        answer: &mut impl FnMut(Call<'_>) -> CallResult,
    ) {
        let Invocation { id, target, arguments, wants_stream, brings_streams } = invocation;
        let outcome = match arguments {
            // No method here streams, in either direction.
            Some(arguments) if !wants_stream && !brings_streams => answer(Call { target, arguments }),
            _ if *wants_stream => Err(CallError::UnknownMethod),
            _ => Err(CallError::BadArguments),
        };
        // Without an id the client waits for no answer, and clients break over one.
        let Some(id) = id else { return };
        let outcome = outcome.map_err(|error| ErrorText { target, error: &error }.to_string());
        self.offer(now, protocol, protocol.completion(id, &outcome));
    }

    /// Sends an event, unless the handshake is not done or the connection has ended.
    pub fn publish(&mut self, now: Duration, publication: &Publication) -> Delivery {
        match self.stage {
            Stage::Open(protocol) => self.offer(now, protocol, publication.record(protocol).clone()),
            Stage::Handshake | Stage::Ended(_) => Delivery::NotOpen,
        }
    }

    /// Ends the connection from the server's side. What waits is still sent.
    pub fn close(&mut self, now: Duration, allow_reconnect: bool) {
        self.end(now, End::Server, Goodbye { error: None, allow_reconnect });
    }

    /// The other side is gone. If something has waited for it for long, then because it did not take that.
    pub fn gone(&mut self, now: Duration) {
        let was_slow = self.waiting.is_some_and(|since| since + self.limits.write / 2 <= now);
        self.break_off(if was_slow { End::Slow } else { End::Client });
    }

    /// The client has answered nothing for so long that it cannot be there.
    pub fn silent(&mut self) {
        self.break_off(End::Silent);
    }

    /// The transport has tried to send for longer than the limit says.
    pub fn stuck(&mut self) {
        self.break_off(End::Slow);
    }

    /// The end, without a word.
    fn break_off(&mut self, end: End) {
        if !matches!(self.stage, Stage::Ended(_)) {
            self.stage = Stage::Ended(end);
        }
        self.drop_output();
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Duration) {
        if self.stuck_until().is_some_and(|end| end <= now) {
            // It cannot even be told.
            self.stuck();
        }
        match self.stage {
            Stage::Handshake if self.began + self.limits.handshake <= now => {
                self.refuse(now, "Handshake was canceled.");
            }
            Stage::Open(_) if self.silent_until().is_some_and(|end| end <= now) => {
                self.end(now, End::Silent, Goodbye { error: None, allow_reconnect: true });
            }
            Stage::Open(protocol) if self.ping_at().is_some_and(|at| at <= now) => self.put(now, protocol.ping()),
            _ => {}
        }
    }

    /// When to [`tick`](Self::tick) next. It may be put off by what happens until then.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let stage = match self.stage {
            Stage::Handshake => Some(self.began + self.limits.handshake),
            Stage::Open(_) => earlier(self.silent_until(), self.ping_at()),
            Stage::Ended(_) => None,
        };
        earlier(stage, self.stuck_until())
    }

    /// The next record for the transport to send; what it has taken counts as taken by the client.
    pub fn next(&mut self, now: Duration) -> Option<Bytes> {
        let record = self.output.pop_front();
        self.waiting_bytes -= record.as_ref().map_or(0, Bytes::len);
        if self.output.is_empty() {
            // A client that has taken everything needs no queue.
            self.output = VecDeque::new();
        }
        self.waiting = if self.output.is_empty() { None } else { Some(now) };
        record
    }

    /// When the transport may read from the client again; `None` if it may now. A client that sends more than
    /// [`Limits::input_rate`] is made to wait by not being read from. What comes nevertheless is taken.
    #[must_use]
    pub fn takes_at(&self, now: Duration) -> Option<Duration> {
        self.budget.ready_at(now)
    }

    /// How many bytes it keeps: what waits for the client, and what came of a record. Never more than
    /// [`Limits::most_kept`].
    #[must_use]
    pub fn kept(&self) -> usize {
        self.waiting_bytes + self.output.capacity() * size_of::<Bytes>() + self.input.capacity()
    }

    /// Whether there is something for the transport to do.
    pub(crate) fn has_something(&self) -> bool {
        !self.output.is_empty() || matches!(self.stage, Stage::Ended(_))
    }

    /// Whether the transport has nothing more to do than to close.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Ended(_)) && self.output.is_empty()
    }

    /// Whether the connection has ended, and why. There may be something left to send.
    #[must_use]
    pub const fn end_reason(&self) -> Option<End> {
        match self.stage {
            Stage::Ended(end) => Some(end),
            Stage::Handshake | Stage::Open(_) => None,
        }
    }

    /// The protocol, once the handshake is done.
    #[must_use]
    pub const fn protocol(&self) -> Option<Protocol> {
        self.protocol
    }

    fn silent_until(&self) -> Option<Duration> {
        self.heard.filter(|_| !self.carrier.keeps_alive).map(|heard| heard + self.limits.client)
    }

    /// A client for which something waits needs no ping.
    fn ping_at(&self) -> Option<Duration> {
        (!self.carrier.keeps_alive && self.output.is_empty()).then(|| self.spoke + self.limits.keep_alive)
    }

    fn stuck_until(&self) -> Option<Duration> {
        self.waiting.map(|since| since + self.limits.write)
    }

    fn end(&mut self, now: Duration, end: End, goodbye: Goodbye) {
        match self.stage {
            Stage::Open(protocol) => self.put(now, protocol.close(goodbye)),
            // Before the handshake there is no word for it.
            Stage::Handshake => self.drop_output(),
            Stage::Ended(_) => return,
        }
        self.stage = Stage::Ended(end);
    }

    /// Puts a record into the output if there is room, and ends the connection if there is none.
    fn offer(&mut self, now: Duration, protocol: Protocol, record: Bytes) -> Delivery {
        let fits = self.waiting_bytes.saturating_add(record.len()) <= self.limits.waiting;
        if fits && self.output.len() < self.limits.queue {
            self.put(now, record);
            return Delivery::Queued;
        }
        // What waits is in order and without a gap: it is still sent, and then the order to come back.
        self.put(now, protocol.close(Goodbye { error: None, allow_reconnect: true }));
        self.stage = Stage::Ended(End::Slow);
        Delivery::Dropped
    }

    fn put(&mut self, now: Duration, record: Bytes) {
        self.waiting_bytes += record.len();
        self.output.push_back(record);
        self.spoke = now;
        self.waiting.get_or_insert(now);
    }

    fn drop_output(&mut self) {
        self.output = VecDeque::new();
        self.waiting_bytes = 0;
        self.waiting = None;
    }
}

fn earlier(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

//! The desk, and everything that is notified of its changes.

use core::fmt;

use recording_core::desk::{BeginError, BeginOutcome};
use recording_core::state::Disposition;
use recording_core::wire::{CorrelationId, ErrorMessage, ErrorType, Rejection, SetRequest, StateReply, UccName};
use recording_core::{Desk, Directory, Reply, Request, Scratch, Session, State};

use crate::events::Events;
use crate::http::{self, Framing, Outgoing, Persistence};
use crate::provisioning::{self, Unprovisioned};
use crate::recorder::{self, Recorder};
use crate::text::Text;

/// What every request is answered while the provisioning is invalid: nothing is guessed.
pub const NOT_PROVISIONED: &str = "The gateway's provisioning is invalid; until it is replaced, nothing is served.";

/// The longest reply to a change: one without an error.
const HELD_MAX: usize = 512;

/// A gateway: `SESSIONS` sessions at once; the other three as for a [`Directory`].
pub struct Gateway<const SESSIONS: usize, const UCCS: usize, const AGENTS: usize, const TEXT: usize> {
    desk: Desk<SESSIONS, Directory<UCCS, AGENTS, TEXT>>,
    serves: bool,
    scratch: Scratch,
    held: Held,
    /// The line to the recorders.
    pub recorder: Recorder,
    /// What listeners get.
    pub events: Events,
    /// What was done so far.
    pub counts: Counts,
}

/// What was done since the start. Each wraps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that were answered.
    pub requests: u32,
    /// Changes of a session's state.
    pub changes: u32,
    /// Listeners that were cut.
    pub cut: u32,
}

/// The reply to a change, until the recorder has its line.
struct Held {
    reply: Text<HELD_MAX>,
    /// Where the recorder's queue ended with that line; `None` if nothing is held.
    until: Option<u32>,
}

/// What became of the body of a `set`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Set {
    /// It is answered.
    Answered,
    /// It is answered, and the reply waits for the recorder's line.
    Held,
    /// Nothing was done: another change waits for the recorder's line.
    Busy,
}

/// What a session's end brought.
pub(crate) type Ended = (State, Disposition);

impl<const SESSIONS: usize, const UCCS: usize, const AGENTS: usize, const TEXT: usize>
    Gateway<SESSIONS, UCCS, AGENTS, TEXT>
{
    /// A gateway that serves nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            desk: Desk::new(Directory::new()),
            serves: false,
            scratch: Scratch::new(),
            held: Held { reply: Text::new(), until: None },
            recorder: Recorder::new(),
            events: Events::new(),
            counts: Counts { requests: 0, changes: 0, cut: 0 },
        }
    }

    /// Reads the provisioning of a flash region. Sessions that were open are gone.
    ///
    /// # Errors
    ///
    /// Why there is none; then every request is answered with a Configuration error.
    pub fn provision(&mut self, region: &[u8]) -> Result<(), Unprovisioned> {
        self.serves = false;
        let document = provisioning::document(region)?;
        self.desk.provision(document).map_err(Unprovisioned::Document)?;
        self.serves = true;
        Ok(())
    }

    /// The directory.
    #[must_use]
    pub const fn directory(&self) -> &Directory<UCCS, AGENTS, TEXT> {
        self.desk.directory()
    }

    /// How many sessions are open.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.desk.len()
    }

    /// Whether the provisioning holds.
    #[must_use]
    pub const fn serves(&self) -> bool {
        self.serves
    }

    /// Whether something may change: the recorder's line has room.
    pub(crate) const fn may_change(&self) -> bool {
        self.recorder.has_room()
    }

    /// Answers a request by its head, or says `false`: its body is wanted.
    pub(crate) fn begin(&mut self, head: &http::Head<'_>, persistence: Persistence, out: &mut Outgoing) -> bool {
        let to_head = head.method == b"HEAD";
        self.counts.requests = self.counts.requests.wrapping_add(1);
        if !self.serves {
            let error = ErrorMessage::new(ErrorType::Configuration, NOT_PROVISIONED);
            out.error(503, error, to_head, persistence);
            return true;
        }
        let reply = match recording_core::wire::Head::read(head.method, head.target, head.content_type) {
            Ok(read) if read.wants_body() => match head.framing {
                Framing::Length(length) if length as usize > SetRequest::MAX_BODY_LEN => Rejection::BodyTooLarge.into(),
                _ => return false,
            },
            Ok(read) => match read.request(&[], &mut self.scratch) {
                // A read changes nothing: there is no event.
                Ok(request) => self.desk.handle(&request).reply,
                Err(rejection) => rejection.into(),
            },
            Err(rejection) => rejection.into(),
        };
        out.reply(&reply, to_head, persistence);
        true
    }

    /// Answers a `set` whose body is here.
    pub(crate) fn set(&mut self, body: &[u8], persistence: Persistence, out: &mut Outgoing) -> Set {
        if self.held.until.is_some() || !self.may_change() {
            return Set::Busy;
        }
        let (reply, event) = match SetRequest::read(body, &mut self.scratch) {
            Ok(set) => {
                let handled = self.desk.handle(&Request::Set(set));
                (handled.reply, handled.event)
            }
            Err(rejection) => (Reply::from(rejection), None),
        };
        #[cfg(feature = "defmt")]
        match &event {
            Some(event) => defmt::info!("changed: {}", event),
            None => defmt::info!("not changed: {}", reply),
        }
        out.reply(&reply, false, persistence);
        let Reply::State(StateReply { error: None, .. }) = reply else { return Set::Answered };
        if let (Some(event), Reply::State(reply)) = (event, reply) {
            self.counts.changes = self.counts.changes.wrapping_add(1);
            self.events.publish(&event);
            self.recorder.tell(recorder::order(reply.state), reply.correlation_id, reply.ucc);
        } else if self.recorder.is_gone(self.recorder.end()) {
            return Set::Answered;
        }
        // A repeated action changes nothing, but it may repeat a change that the recorder has not received yet.
        self.held.reply.clear();
        for piece in out.pieces() {
            self.held.reply.bytes(piece);
        }
        self.held.until = Some(self.recorder.end());
        Set::Held
    }

    /// Whether the reply that is held may leave.
    pub(crate) fn may_leave(&self) -> bool {
        self.held.until.is_some_and(|until| self.recorder.is_gone(until))
    }

    /// The reply that was held. It is not held any longer, and stands here until the next change.
    pub(crate) const fn release(&mut self) {
        self.held.until = None;
    }

    /// What [`Step::SendHeld`](crate::Step::SendHeld) sends.
    #[must_use]
    pub fn held(&self) -> &[u8] {
        self.held.reply.get()
    }

    /// A session begins.
    pub(crate) fn begin_session<'a>(&mut self, session: Session<'a>) -> Result<BeginOutcome, BeginError<'a>> {
        let begun = self.desk.begin(session)?;
        if begun == BeginOutcome::New {
            self.recorder.tell(recorder::order(session.state), session.correlation_id, session.ucc);
        }
        Ok(begun)
    }

    /// A session ends: its recorder is off.
    pub(crate) fn end_session(&mut self, ucc: UccName<'_>, id: CorrelationId) -> Option<Ended> {
        let ended = self.desk.end(ucc, id).ok()?;
        self.recorder.tell("off", id, ucc);
        Some((ended.state, ended.disposition))
    }
}

impl<const SESSIONS: usize, const UCCS: usize, const AGENTS: usize, const TEXT: usize> Default
    for Gateway<SESSIONS, UCCS, AGENTS, TEXT>
{
    fn default() -> Self {
        Self::new()
    }
}

impl<const SESSIONS: usize, const UCCS: usize, const AGENTS: usize, const TEXT: usize> fmt::Debug
    for Gateway<SESSIONS, UCCS, AGENTS, TEXT>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("serves", &self.serves).field("counts", &self.counts).finish_non_exhaustive()
    }
}

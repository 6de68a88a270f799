//! The decision: from an understood request and the facts that its shell looked up to the reply, the new state to store
//! and the event to publish. Pure and deterministic.

mod refusal;

pub use refusal::Refusal;

use crate::state::Axis;
use crate::state::{Outcome, RepeatPolicy};
use crate::wire::{
    CapabilitiesReply, CapabilitiesRequest, CorrelationId, ErrorMessage, Rejection, SetRequest, SipUri, StateReply,
    StateRequest, UccName,
};
use crate::{Action, Event, Settings, State};

/// The facts that a read of a state is decided by. There is no default: a shell cannot forget one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StateFacts {
    /// The settings of the request's UCC.
    pub settings: Settings,
    /// The state of the request's session in that UCC; `None` if there is no such session.
    pub session: Option<State>,
}

/// The facts that a change is decided by. There is no default: a shell cannot forget one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SetFacts {
    /// The settings of the request's UCC.
    pub settings: Settings,
    /// Whether the requester is an agent of that UCC.
    pub requester_is_agent: bool,
    /// The state of the request's session in that UCC; `None` if there is no such session.
    pub session: Option<State>,
}

impl Settings {
    /// Checks 3 and 4: those that a read and a change share.
    const fn check_reading<'a>(&self, ucc: UccName<'a>) -> Result<(), Refusal<'a>> {
        if !self.recording_api_licensed {
            return Err(Refusal::NotLicensed { ucc });
        }
        if !self.use_audio_recording {
            return Err(Refusal::AudioRecordingOff { ucc });
        }
        Ok(())
    }

    /// Checks 3 to 5: every one of type Configuration. Capabilities are this and nothing else.
    fn check_editing<'a>(&self, ucc: UccName<'a>) -> Result<(), Refusal<'a>> {
        self.check_reading(ucc)?;
        if !self.agent_can_edit_audio_recording {
            return Err(Refusal::EditingOff { ucc });
        }
        Ok(())
    }
}

impl<'a> StateRequest<'a> {
    /// Decides a read. `facts` is `None` if there is no such UCC.
    #[must_use]
    pub fn decide(&self, facts: Option<StateFacts>) -> StateReply<'a> {
        let (state, error) = match self.check(facts) {
            Ok(state) => (state, None),
            // OURS: a refused read shows three zeros, so that a stranger learns nothing.
            Err(refusal) => (State::INITIAL, Some(refusal.into())),
        };
        StateReply { correlation_id: self.correlation_id, state, error, ucc: self.ucc }
    }

    fn check(&self, facts: Option<StateFacts>) -> Result<State, Refusal<'a>> {
        let facts = facts.ok_or(Refusal::UnknownUcc { ucc: self.ucc })?;
        facts.settings.check_reading(self.ucc)?;
        facts.session.ok_or(Refusal::UnknownSession { correlation_id: self.correlation_id })
    }
}

impl<'a> CapabilitiesRequest<'a> {
    /// Decides whether changing is allowed. `settings` is `None` if there is no such UCC.
    #[must_use]
    pub fn decide(&self, settings: Option<Settings>) -> CapabilitiesReply<'a> {
        let ucc = self.ucc;
        CapabilitiesReply {
            agent_can_edit_recordings: settings.is_some_and(|settings| settings.check_editing(ucc).is_ok()),
            error: if settings.is_some() { None } else { Some(Refusal::UnknownUcc { ucc }.into()) },
            ucc,
        }
    }
}

/// The decision about a `set`.
#[derive(Debug)]
#[must_use]
pub enum Decision<'a> {
    /// Nothing changes: the reply can be sent at once.
    Reply(DecidedReply<'a>),
    /// A new state must be stored before anything may be answered or published.
    Change(PendingChange<'a>),
}

/// The reply to a `set` that changes nothing: an accepted repeat, or a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct DecidedReply<'a> {
    /// The reply, to be sent at once.
    pub reply: StateReply<'a>,
    /// Why nothing changes; `None` for an accepted repeat.
    pub refusal: Option<Refusal<'a>>,
}

/// A change that was decided and is not stored yet.
///
/// It holds the reply and the event back until [`commit`](Self::commit) releases them. It cannot be copied, so one change
/// is answered once.
///
/// ```
/// use recording_core::decide::{Decision, SetFacts};
/// use recording_core::state::{RecordingState, RepeatPolicy};
/// use recording_core::wire::{CorrelationId, Rejection, SetRequest, SipUri, UccName};
/// use recording_core::{Action, Settings, State};
///
/// let request = SetRequest {
///     action: Action::Start,
///     requester: SipUri::new("sip:agent@domain.com")?,
///     correlation_id: CorrelationId::from_u128(1),
///     ucc: UccName::new("ucc-demo-name")?,
/// };
/// let settings = Settings::from_switches([true; 4], RepeatPolicy::Accept);
/// let facts = SetFacts { settings, requester_is_agent: true, session: Some(State::INITIAL) };
/// let decide = || match request.decide(Some(facts)) {
///     Decision::Change(pending) => pending,
///     Decision::Reply(_) => panic!("a change"),
/// };
///
/// let pending = decide();
/// assert_eq!(pending.expected(), State::INITIAL);
/// assert_eq!(pending.new_state().recording(), RecordingState::Started);
/// // The store has the new state: now the reply and the event come out.
/// assert_eq!(pending.commit().event.action, Action::Start);
/// // The store failed: the caller gets 503, and nothing was changed.
/// assert_eq!(decide().abort(), Rejection::NotStored);
/// # Ok::<(), recording_core::wire::FieldError>(())
/// ```
#[derive(Debug)]
#[must_use = "a decided change must be stored, or answered by `abort`"]
pub struct PendingChange<'a> {
    request: SetRequest<'a>,
    from: State,
    to: State,
}

/// A change that was stored: what may now be said and published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct Committed<'a> {
    /// The event, to be published to every listener.
    pub event: Event<'a>,
    /// The reply, to be sent.
    pub reply: StateReply<'a>,
    /// The name of the call-detail record.
    pub audit_name: &'static str,
}

impl<'a> SetRequest<'a> {
    /// Decides a change. `facts` is `None` if there is no such UCC.
    ///
    /// ```
    /// use recording_core::decide::{Decision, Refusal};
    /// use recording_core::wire::{CorrelationId, SetRequest, SipUri, UccName};
    /// use recording_core::{Action, State};
    ///
    /// let ucc = UccName::new("ucc-demo-name")?;
    /// let requester = SipUri::new("sip:agent@domain.com")?;
    /// let request = SetRequest { action: Action::Pause, requester, correlation_id: CorrelationId::from_u128(1), ucc };
    /// let Decision::Reply(decided) = request.decide(None) else { panic!("there is no such UCC") };
    /// assert_eq!(decided.refusal, Some(Refusal::UnknownUcc { ucc }));
    /// assert_eq!(decided.reply.state, State::INITIAL);
    /// # Ok::<(), recording_core::wire::FieldError>(())
    /// ```
    pub fn decide(&self, facts: Option<SetFacts>) -> Decision<'a> {
        let (state, refusal) = match self.check(facts) {
            Ok((Outcome::Changed { from, to, .. }, _)) => {
                return Decision::Change(PendingChange { request: *self, from, to });
            }
            Ok((Outcome::Unchanged { state, .. }, RepeatPolicy::Accept)) => (state, None),
            Ok((Outcome::Unchanged { state, action }, RepeatPolicy::Refuse)) => {
                (state, Some(Refusal::Repeat { action, already: axis_name(state, action) }))
            }
            Ok((Outcome::Refused { state, action, reason }, _)) => {
                (state, Some(Refusal::NotAllowed { action, reason }))
            }
            // OURS: a caller that is refused before the transition sees three zeros.
            Err(refusal) => (State::INITIAL, Some(refusal)),
        };
        Decision::Reply(DecidedReply { reply: self.reply(state, refusal.map(ErrorMessage::from)), refusal })
    }

    /// Checks 2 to 7, then the transition.
    pub(crate) fn check(&self, facts: Option<SetFacts>) -> Result<(Outcome, RepeatPolicy), Refusal<'a>> {
        let facts = facts.ok_or(Refusal::UnknownUcc { ucc: self.ucc })?;
        facts.settings.check_editing(self.ucc)?;
        if !facts.requester_is_agent {
            return Err(Refusal::NotAnAgent { requester: self.requester, ucc: self.ucc });
        }
        let state = facts.session.ok_or(Refusal::UnknownSession { correlation_id: self.correlation_id })?;
        Ok((state.apply(self.action), facts.settings.repeats))
    }

    pub(crate) const fn reply(&self, state: State, error: Option<ErrorMessage<'a>>) -> StateReply<'a> {
        StateReply { correlation_id: self.correlation_id, state, error, ucc: self.ucc }
    }
}

/// The name of the state that `action`'s own axis has.
pub(crate) const fn axis_name(state: State, action: Action) -> &'static str {
    match action.axis() {
        Axis::Recording => state.recording().name(),
        Axis::Saving => state.saving().name(),
        Axis::Marking => state.marking().name(),
    }
}

impl<'a> PendingChange<'a> {
    /// The state that the decision was made from: what a compare-and-set must still find.
    #[must_use]
    pub const fn expected(&self) -> State {
        self.from
    }

    /// The state to store.
    #[must_use]
    pub const fn new_state(&self) -> State {
        self.to
    }

    /// The UCC of the session.
    #[must_use]
    pub const fn ucc(&self) -> UccName<'a> {
        self.request.ucc
    }

    /// The session to store it for.
    #[must_use]
    pub const fn correlation_id(&self) -> CorrelationId {
        self.request.correlation_id
    }

    /// What was asked.
    #[must_use]
    pub const fn action(&self) -> Action {
        self.request.action
    }

    /// Who asked.
    #[must_use]
    pub const fn requester(&self) -> SipUri<'a> {
        self.request.requester
    }

    /// Confirms that the new state is stored, and releases the success reply and the event.
    pub const fn commit(self) -> Committed<'a> {
        let SetRequest { action, correlation_id, ucc, .. } = self.request;
        Committed {
            event: Event { ucc, correlation_id, action },
            reply: self.request.reply(self.to, None),
            audit_name: action.audit_name(),
        }
    }

    /// Gives the change up, since the new state could not be stored: nothing was changed, and the answer is 503.
    ///
    /// If the stored state is no longer [`expected`](Self::expected), look the facts up again and decide again instead.
    #[must_use]
    pub const fn abort(self) -> Rejection {
        Rejection::NotStored
    }
}

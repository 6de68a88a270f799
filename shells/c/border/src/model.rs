//! What must come of it: a desk in lists, and the core's decisions, asked for in Rust.

use rc_status::*;
use recording_core::decide::{Decision, SetFacts, StateFacts};
use recording_core::state::RepeatPolicy;
use recording_core::wire::{CorrelationId, SipUri, UccName};
use recording_core::{Event, Reply, Request, Settings, State};
use recording_core_c::*;

use super::input::Text;
use super::{CAPACITIES, zeroed};

/// As `rc_settings::settings`, written out again.
fn settings(given: rc_settings) -> Result<Settings, rc_status> {
    let on = |byte: u8| (byte < 2).then_some(byte == 1).ok_or(RC_NO_CODE);
    Ok(Settings {
        recording_api_licensed: on(given.recording_api_licensed)?,
        use_audio_recording: on(given.use_audio_recording)?,
        agent_can_edit_audio_recording: on(given.agent_can_edit_audio_recording)?,
        save_recording_by_default: on(given.save_recording_by_default)?,
        repeats: if on(given.repeats)? { RepeatPolicy::Refuse } else { RepeatPolicy::Accept },
    })
}

/// What a desk holds, in lists.
#[derive(Default)]
pub(super) struct Model {
    pub(super) uccs: Vec<(String, Settings)>,
    agents: Vec<(usize, String)>,
    pub(super) sessions: Vec<(usize, CorrelationId, State)>,
    text: usize,
}

impl Model {
    fn ucc(&self, name: UccName<'_>) -> Result<usize, rc_status> {
        self.uccs.iter().position(|(known, _)| known == name.as_str()).ok_or(RC_UNKNOWN_UCC)
    }

    fn keep(&mut self, text: &str) -> Result<String, rc_status> {
        if self.text + text.len() > CAPACITIES.text as usize {
            return Err(RC_TEXT_FULL);
        }
        self.text += text.len();
        Ok(text.to_owned())
    }

    pub(super) fn add_ucc(&mut self, name: &Text, given: rc_settings) -> Result<(), rc_status> {
        let (name, settings) = (name.ucc()?, settings(given)?);
        if !name.is_reachable() {
            return Err(RC_NO_UCC_NAME);
        }
        if self.ucc(name).is_ok() {
            return Err(RC_UCC_EXISTS);
        }
        if self.uccs.len() == CAPACITIES.uccs as usize {
            return Err(RC_UCCS_FULL);
        }
        let name = self.keep(name.as_str())?;
        self.uccs.push((name, settings));
        Ok(())
    }

    pub(super) fn set_settings(&mut self, name: &Text, given: rc_settings) -> Result<(), rc_status> {
        let (name, settings) = (name.ucc()?, settings(given)?);
        let ucc = self.ucc(name)?;
        self.uccs[ucc].1 = settings;
        Ok(())
    }

    fn is_agent(&self, ucc: usize, uri: &str) -> bool {
        self.agents.iter().any(|(of, known)| *of == ucc && known.eq_ignore_ascii_case(uri))
    }

    pub(super) fn add_agent(&mut self, name: &Text, uri: &Text) -> Result<(), rc_status> {
        let (name, uri) = (name.ucc()?, uri.read(|text| SipUri::new(text).ok(), RC_NO_SIP_URI)?);
        let ucc = self.ucc(name)?;
        if self.is_agent(ucc, uri.as_str()) {
            return Ok(());
        }
        if self.agents.len() == CAPACITIES.agents as usize {
            return Err(RC_AGENTS_FULL);
        }
        let uri = self.keep(uri.as_str())?;
        self.agents.push((ucc, uri));
        Ok(())
    }

    fn session(&self, ucc: usize, id: CorrelationId) -> Option<usize> {
        self.sessions.iter().position(|session| (session.0, session.1) == (ucc, id))
    }

    pub(super) fn begin(&mut self, name: &Text, id: &Text, state: u8) -> Result<(), rc_status> {
        let (name, id, state) = (name.ucc()?, id.id()?, State::from_byte(state).ok_or(RC_NO_STATE)?);
        let ucc = self.ucc(name)?;
        if self.session(ucc, id).is_some() {
            return Err(RC_ALREADY_OPEN);
        }
        if self.sessions.len() == CAPACITIES.sessions as usize {
            return Err(RC_SESSIONS_FULL);
        }
        self.sessions.push((ucc, id, state));
        Ok(())
    }

    pub(super) fn find(&self, name: &Text, id: &Text) -> Result<usize, rc_status> {
        let (name, id) = (name.ucc()?, id.id()?);
        let ucc = self.ucc(name)?;
        self.session(ucc, id).ok_or(RC_UNKNOWN_SESSION)
    }

    /// The facts that a request asks for, as C has them.
    pub(super) fn facts(&self, request: &Request<'_>) -> rc_facts {
        let (ucc, id, requester) = match *request {
            Request::State(read) => (read.ucc, Some(read.correlation_id), ""),
            Request::Set(set) => (set.ucc, Some(set.correlation_id), set.requester.as_str()),
            Request::Capabilities(asked) => (asked.ucc, None, ""),
        };
        let mut facts: rc_facts = zeroed();
        if let Ok(ucc) = self.ucc(ucc) {
            let settings = self.uccs[ucc].1;
            facts.ucc_known = 1;
            facts.requester_is_agent = self.is_agent(ucc, requester).into();
            facts.settings = rc_settings {
                recording_api_licensed: settings.recording_api_licensed.into(),
                use_audio_recording: settings.use_audio_recording.into(),
                agent_can_edit_audio_recording: settings.agent_can_edit_audio_recording.into(),
                save_recording_by_default: settings.save_recording_by_default.into(),
                repeats: (settings.repeats == RepeatPolicy::Refuse).into(),
            };
            if let Some(session) = id.and_then(|id| self.session(ucc, id)) {
                facts.session_known = 1;
                facts.session = self.sessions[session].2.to_byte();
            }
        }
        facts
    }

    pub(super) fn store(&mut self, request: &Request<'_>, to: State) {
        let Request::Set(set) = request else { panic!("a change of something else than a set") };
        let ucc = self.ucc(set.ucc).expect("a change in a UCC that there is");
        let session = self.session(ucc, set.correlation_id).expect("a change of a session that there is");
        self.sessions[session].2 = to;
    }
}

/// What the core says by these facts, in Rust: the reply, and the event and the new state, if it changes something.
pub(super) fn decide<'a>(request: &Request<'a>, facts: &rc_facts) -> (Reply<'a>, Option<(Event<'a>, State)>) {
    let known = facts.ucc_known == 1;
    let of = settings(facts.settings).expect("settings");
    let session = (facts.session_known == 1).then(|| State::from_byte(facts.session).expect("a state"));
    match request {
        Request::State(read) => {
            (Reply::State(read.decide(known.then_some(StateFacts { settings: of, session }))), None)
        }
        Request::Capabilities(asked) => (Reply::Capabilities(asked.decide(known.then_some(of))), None),
        Request::Set(set) => {
            let requester_is_agent = facts.requester_is_agent == 1;
            match set.decide(known.then_some(SetFacts { settings: of, requester_is_agent, session })) {
                Decision::Reply(answer) => (Reply::State(answer.reply), None),
                Decision::Change(pending) => {
                    let to = pending.new_state();
                    let stored = pending.commit();
                    (Reply::State(stored.reply), Some((stored.event, to)))
                }
            }
        }
    }
}

//! What a request asks for, and the facts that it is decided by.

use core::ffi::c_char;

use recording_core::decide::{PendingChange, SetFacts, StateFacts};
use recording_core::state::RepeatPolicy;
use recording_core::wire::CorrelationId;
use recording_core::{Request, Settings, State};

use crate::pointers::flag;
use crate::{RC_CODE_NONE, rc_action, rc_disposition, rc_state, rc_status, rc_text};

/// An action that would change nothing is a success, without an event.
pub const RC_REPEATS_ACCEPT: u8 = 0;
/// An action that would change nothing is an error.
pub const RC_REPEATS_REFUSE: u8 = 1;

/// The settings of one UCC. Each is 0 for no or 1 for yes, and nothing else.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct rc_settings {
    /// Whether the UCC's license includes the recording API.
    pub recording_api_licensed: u8,
    /// `UseAudioRecording`: audio recording is on in this UCC.
    pub use_audio_recording: u8,
    /// `AgentCanEditAudioRecording`: agents may change the recorder's state.
    pub agent_can_edit_audio_recording: u8,
    /// `SaveRecordingByDefault`: what happens to a recording that no action decided on.
    pub save_recording_by_default: u8,
    /// `RC_REPEATS_ACCEPT` or `RC_REPEATS_REFUSE`.
    pub repeats: u8,
}

impl rc_settings {
    pub(crate) fn settings(self) -> Result<Settings, rc_status> {
        Ok(Settings {
            recording_api_licensed: flag(self.recording_api_licensed)?,
            use_audio_recording: flag(self.use_audio_recording)?,
            agent_can_edit_audio_recording: flag(self.agent_can_edit_audio_recording)?,
            save_recording_by_default: flag(self.save_recording_by_default)?,
            repeats: if flag(self.repeats)? { RepeatPolicy::Refuse } else { RepeatPolicy::Accept },
        })
    }
}

/// What becomes of a recording when its session ends in `state`: one of `RC_DISPOSITION_*`.
///
/// `RC_CODE_NONE` if the byte is no state, or `save_recording_by_default` neither 0 nor 1. Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn rc_disposition_of(state: rc_state, save_recording_by_default: u8) -> rc_disposition {
    match (State::from_byte(state), flag(save_recording_by_default)) {
        (Some(state), Ok(by_default)) => recording_core::state::Disposition::of(state, by_default).code(),
        _ => RC_CODE_NONE,
    }
}

/// Read the state of a session.
pub const RC_ASKS_STATE: u8 = 1;
/// Change the state of a session.
pub const RC_ASKS_SET: u8 = 2;
/// Tell whether changing is allowed in a UCC.
pub const RC_ASKS_CAPABILITIES: u8 = 3;

/// How many bytes the text of a correlation id takes, with the zero byte after it.
pub const RC_CORRELATION_ID_SIZE: usize = 37;

/// What a request asks for, and so which facts it is decided by.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rc_question {
    /// The UCC whose settings are wanted.
    pub ucc: rc_text,
    /// Of `RC_ASKS_SET`, who must be an agent of that UCC, compared without regard to ASCII case; else null and 0.
    pub requester: rc_text,
    /// One of `RC_ASKS_*`.
    pub asks: u8,
    /// Of `RC_ASKS_SET`, the action; else 0.
    pub action: rc_action,
    /// The session whose state is wanted, 16 bytes in the order of its digits; zero of `RC_ASKS_CAPABILITIES`.
    pub correlation_id: [u8; 16],
    /// The same as it is written: hyphenated, in lower case, with a zero byte after it. Empty of
    /// `RC_ASKS_CAPABILITIES`.
    pub correlation_id_text: [c_char; RC_CORRELATION_ID_SIZE],
}

const _: () = assert!(RC_CORRELATION_ID_SIZE == CorrelationId::HYPHENATED_LEN + 1);

/// The text of an id, with a zero byte after it.
pub(crate) fn id_text(id: CorrelationId) -> [c_char; RC_CORRELATION_ID_SIZE] {
    let mut text = [0; RC_CORRELATION_ID_SIZE];
    for (to, from) in text.iter_mut().zip(id.hyphenated().as_bytes()) {
        *to = *from as c_char;
    }
    text
}

impl rc_question {
    /// Its texts are borrowed from the request.
    pub(crate) fn of(request: &Request<'_>) -> Self {
        let (asks, action, ucc, requester, session) = match request {
            Request::State(read) => (RC_ASKS_STATE, 0, read.ucc, rc_text::NONE, Some(read.correlation_id)),
            Request::Set(set) => {
                let requester = rc_text::of(set.requester.as_str());
                (RC_ASKS_SET, set.action.code(), set.ucc, requester, Some(set.correlation_id))
            }
            Request::Capabilities(question) => (RC_ASKS_CAPABILITIES, 0, question.ucc, rc_text::NONE, None),
        };
        Self {
            ucc: rc_text::of(ucc.as_str()),
            requester,
            asks,
            action,
            correlation_id: session.map_or([0; 16], |id| id.to_u128().to_be_bytes()),
            correlation_id_text: session.map_or([0; RC_CORRELATION_ID_SIZE], id_text),
        }
    }
}

/// The facts. All zero they lead to a refusal, whatever is asked.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct rc_facts {
    /// 1 if there is such a UCC. If it is 0, nothing else is looked at.
    pub ucc_known: u8,
    /// Of `RC_ASKS_SET`, 1 if the requester is an agent of the UCC; else not looked at.
    pub requester_is_agent: u8,
    /// 1 if there is such a session in the UCC. Of `RC_ASKS_CAPABILITIES` not looked at.
    pub session_known: u8,
    /// The state of the session, if there is one.
    pub session: rc_state,
    /// The settings of the UCC.
    pub settings: rc_settings,
}

impl rc_facts {
    /// All zero.
    pub(crate) const NONE: Self = Self {
        ucc_known: 0,
        requester_is_agent: 0,
        session_known: 0,
        session: 0,
        settings: rc_settings {
            recording_api_licensed: 0,
            use_audio_recording: 0,
            agent_can_edit_audio_recording: 0,
            save_recording_by_default: 0,
            repeats: 0,
        },
    };

    fn settings(&self) -> Result<Option<Settings>, rc_status> {
        if flag(self.ucc_known)? { self.settings.settings().map(Some) } else { Ok(None) }
    }

    fn session(&self) -> Result<Option<State>, rc_status> {
        match flag(self.session_known)? {
            true => State::from_byte(self.session).map(Some).ok_or(rc_status::RC_NO_STATE),
            false => Ok(None),
        }
    }

    pub(crate) fn of_state(&self) -> Result<Option<StateFacts>, rc_status> {
        match self.settings()? {
            Some(settings) => Ok(Some(StateFacts { settings, session: self.session()? })),
            None => Ok(None),
        }
    }

    pub(crate) fn of_set(&self) -> Result<Option<SetFacts>, rc_status> {
        match self.settings()? {
            Some(settings) => Ok(Some(SetFacts {
                settings,
                requester_is_agent: flag(self.requester_is_agent)?,
                session: self.session()?,
            })),
            None => Ok(None),
        }
    }

    pub(crate) fn of_capabilities(&self) -> Result<Option<Settings>, rc_status> {
        self.settings()
    }
}

/// A change that was decided and is not stored yet.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct rc_change {
    /// The state that the decision was made from: what must still be stored when the new one is.
    pub from: rc_state,
    /// The state to store.
    pub to: rc_state,
}

impl rc_change {
    pub(crate) const fn of(pending: &PendingChange<'_>) -> Self {
        Self { from: pending.expected().to_byte(), to: pending.new_state().to_byte() }
    }
}

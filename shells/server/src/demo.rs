//! The world of a server without a config: small enough to try things, ready for the requests of the documentation.

use recording_core::state::{MarkingState, RecordingState, RepeatPolicy, SavingState};
use recording_core::wire::{CorrelationId, SipUriBuf, UccName, UccNameBuf};
use recording_core::{Settings, State};

use crate::directory::{Directory, Ucc};
use crate::session::SessionKey;

/// The one UCC.
pub const UCC: &str = "ucc-demo-name";

/// Its one agent.
pub const AGENT: &str = "sip:agent@domain.com";

/// The one session that is open at the start.
pub const SESSION: CorrelationId = CorrelationId::from_u128(0x1d6c_6a58_6739_4f0c_98ff_0968_292c_8c30);

/// The state of that session at the start: its recorder runs.
pub const STATE: State = State::new(RecordingState::Started, MarkingState::None, SavingState::None);

/// The settings of the UCC: everything is allowed, and recordings are kept if no agent decided on them.
pub const SETTINGS: Settings = Settings {
    recording_api_licensed: true,
    use_audio_recording: true,
    agent_can_edit_audio_recording: true,
    save_recording_by_default: true,
    repeats: RepeatPolicy::Accept,
};

/// The demo's directory.
#[must_use]
pub fn directory() -> Directory {
    let mut directory = Directory::new();
    if let (Ok(name), Ok(agent)) = (UccNameBuf::new(UCC), SipUriBuf::new(AGENT)) {
        let _ = directory.add(&name, Ucc::new(SETTINGS, [agent]));
    }
    directory
}

/// The key of the demo's session.
#[must_use]
pub fn session() -> Option<SessionKey> {
    UccName::new(UCC).ok().map(|ucc| SessionKey::new(ucc, SESSION))
}

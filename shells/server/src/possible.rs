//! What an agent could do with a session.

use recording_core::decide::{DecidedReply, Decision, SetFacts};
use recording_core::state::ActionSet;
use recording_core::wire::{SetRequest, SipUri};
use recording_core::{Action, Settings, State};

use crate::demo;
use crate::store::SessionKey;

/// What the core would answer an agent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Possible {
    /// Actions that would be answered with success.
    pub allowed: ActionSet,
    /// Those of them that would change the state.
    pub changing: ActionSet,
}

impl Possible {
    /// Asks the core for each action; `None` is a UCC that is not there.
    pub(crate) fn of(key: &SessionKey, settings: Option<Settings>, state: State) -> Self {
        let mut possible = Self { allowed: ActionSet::EMPTY, changing: ActionSet::EMPTY };
        // Whoever it is, the question is what an agent may do.
        let Ok(requester) = SipUri::new(demo::AGENT) else { return possible };
        for &action in Action::ALL {
            let request = SetRequest { action, requester, correlation_id: key.correlation_id, ucc: key.ucc.to_ref() };
            let facts = settings.map(|settings| SetFacts { settings, requester_is_agent: true, session: Some(state) });
            match request.decide(facts) {
                Decision::Change(_) => {
                    possible.allowed = possible.allowed.with(action);
                    possible.changing = possible.changing.with(action);
                }
                Decision::Reply(DecidedReply { refusal: None, .. }) => possible.allowed = possible.allowed.with(action),
                Decision::Reply(_) => {}
            }
        }
        possible
    }
}

#[cfg(test)]
mod tests {
    use recording_core::state::RepeatPolicy;
    use recording_core::wire::{CorrelationId, FieldError, UccName};

    use super::*;

    /// All states and all settings, against the core's sets.
    #[test]
    fn as_the_state_and_the_settings_allow() -> Result<(), FieldError> {
        let key = SessionKey::new(UccName::new("ucc")?, CorrelationId::from_u128(1));
        let mut some = 0;
        for state in State::ALL {
            for bits in 0..32_u8 {
                let bit = |at: u8| bits >> at & 1 == 1;
                let settings = Settings {
                    recording_api_licensed: bit(0),
                    use_audio_recording: bit(1),
                    agent_can_edit_audio_recording: bit(2),
                    save_recording_by_default: bit(3),
                    repeats: if bit(4) { RepeatPolicy::Accept } else { RepeatPolicy::Refuse },
                };
                let editable = bit(0) && bit(1) && bit(2);
                let expected = match (editable, settings.repeats) {
                    (false, _) => Possible { allowed: ActionSet::EMPTY, changing: ActionSet::EMPTY },
                    (true, RepeatPolicy::Accept) => Possible { allowed: state.allowed(), changing: state.changing() },
                    (true, RepeatPolicy::Refuse) => Possible { allowed: state.changing(), changing: state.changing() },
                };
                assert_eq!(Possible::of(&key, Some(settings), state), expected, "{state} {settings:?}");
                some += usize::from(!expected.changing.is_empty());
            }
            assert!(Possible::of(&key, None, state).allowed.is_empty());
        }
        assert_eq!(some, 36 * 4);
        Ok(())
    }
}

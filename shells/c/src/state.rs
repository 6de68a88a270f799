//! The small level: states, the transition, allowed actions.

use recording_core::state::{ActionSet, MarkingState, Outcome, Reason, RecordingState, SavingState};
use recording_core::{Action, State};

use crate::pointers::status;
use crate::{
    RC_CODE_NONE, RC_STATE_NONE, rc_action, rc_action_set, rc_buffer, rc_marking, rc_recording, rc_saving, rc_state,
    rc_status, rc_text,
};

/// The state is already what the action asks for.
pub const RC_OUTCOME_UNCHANGED: u8 = 0;
/// The state changes.
pub const RC_OUTCOME_CHANGED: u8 = 1;
/// Refused: there is nothing to stop or to pause, the recorder is Uninitialized.
pub const RC_OUTCOME_NOT_STARTED: u8 = 2;
/// Refused: there is nothing to pause, the recorder is Stopped.
pub const RC_OUTCOME_STOPPED: u8 = 3;
/// The byte is no state.
pub const RC_OUTCOME_NO_STATE: u8 = 4;
/// The number is no action.
pub const RC_OUTCOME_NO_ACTION: u8 = 5;

/// What an action does to a state.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct rc_transition {
    /// The state after it: another one if `outcome` is `RC_OUTCOME_CHANGED`, else the one before. `RC_STATE_NONE` if the
    /// one before is no state.
    pub state: rc_state,
    /// One of `RC_OUTCOME_*`.
    pub outcome: u8,
}

/// Every answer, by action and byte of the state: made of the core's transition at compile time.
static CELLS: [rc_transition; 512] = {
    let mut cells = [rc_transition { state: RC_STATE_NONE, outcome: RC_OUTCOME_NO_STATE }; 512];
    let mut rest = cells.as_mut_slice();
    let mut place = 0;
    while let Some((cell, others)) = rest.split_first_mut() {
        *cell = answer(place as u8 & 63, (place >> 6) as u8);
        rest = others;
        place += 1;
    }
    cells
};

const fn answer(state: rc_state, action: rc_action) -> rc_transition {
    let Some(from) = State::from_byte(state) else {
        return rc_transition { state: RC_STATE_NONE, outcome: RC_OUTCOME_NO_STATE };
    };
    let Some(action) = Action::from_code(action) else {
        return rc_transition { state, outcome: RC_OUTCOME_NO_ACTION };
    };
    let outcome = from.apply(action);
    rc_transition {
        state: outcome.state().to_byte(),
        outcome: match outcome {
            Outcome::Changed { .. } => RC_OUTCOME_CHANGED,
            Outcome::Unchanged { .. } => RC_OUTCOME_UNCHANGED,
            Outcome::Refused { reason: Reason::NotStarted, .. } => RC_OUTCOME_NOT_STARTED,
            Outcome::Refused { reason: Reason::Stopped, .. } => RC_OUTCOME_STOPPED,
            // A reason that has no number here does not compile.
            #[allow(clippy::panic, reason = "at compile time")]
            Outcome::Refused { .. } => panic!("a reason without a number"),
        },
    }
}

/// The transition: what `action` does to `state`. Any bytes may be given.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn rc_apply(state: rc_state, action: rc_action) -> rc_transition {
    match CELLS.get(usize::from(action) << 6 | usize::from(state)) {
        Some(cell) if state < 64 => *cell,
        _ => answer_to_nonsense(state),
    }
}

#[cold]
#[inline(never)]
const fn answer_to_nonsense(state: rc_state) -> rc_transition {
    match State::from_byte(state) {
        Some(_) => rc_transition { state, outcome: RC_OUTCOME_NO_ACTION },
        None => rc_transition { state: RC_STATE_NONE, outcome: RC_OUTCOME_NO_STATE },
    }
}

/// 1 if the byte is one of the 36 states, else 0. Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn rc_state_is_valid(state: rc_state) -> u8 {
    State::from_byte(state).is_some().into()
}

/// The state of three codes; `RC_STATE_NONE` if one of them is none. Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn rc_state_of(recording: rc_recording, marking: rc_marking, saving: rc_saving) -> rc_state {
    match (RecordingState::from_code(recording), MarkingState::from_code(marking), SavingState::from_code(saving)) {
        (Some(recording), Some(marking), Some(saving)) => State::new(recording, marking, saving).to_byte(),
        _ => RC_STATE_NONE,
    }
}

/// Where the recorder stands; `RC_CODE_NONE` if the byte is no state. Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn rc_state_recording(state: rc_state) -> rc_recording {
    State::from_byte(state).map_or(RC_CODE_NONE, |state| state.recording().code())
}

/// Where the mark stands; `RC_CODE_NONE` if the byte is no state. Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn rc_state_marking(state: rc_state) -> rc_marking {
    State::from_byte(state).map_or(RC_CODE_NONE, |state| state.marking().code())
}

/// What was decided on keeping the recording; `RC_CODE_NONE` if the byte is no state. Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn rc_state_saving(state: rc_state) -> rc_saving {
    State::from_byte(state).map_or(RC_CODE_NONE, |state| state.saving().code())
}

fn bits(set: ActionSet) -> rc_action_set {
    set.iter().fold(0, |bits, action| bits | 1 << action.code())
}

/// The actions that are not refused in this state; none if the byte is no state. Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn rc_state_allowed(state: rc_state) -> rc_action_set {
    State::from_byte(state).map_or(0, |state| bits(state.allowed()))
}

/// The actions that would change this state; none if the byte is no state. Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn rc_state_changing(state: rc_state) -> rc_action_set {
    State::from_byte(state).map_or(0, |state| bits(state.changing()))
}

/// Reads the document of a state, `{"RecordingState":1,"MarkingState":0,"SavingState":0}`.
///
/// `state` must not be null. Of `RC_NOT_UNDERSTOOD` and every other failure it stays as it was. Threads: any.
///
/// # Safety
///
/// `document.len` bytes can be read at `document.data`, unless that is null; a byte can be written at `state`, unless
/// that is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_state_read(document: rc_text, state: *mut rc_state) -> rc_status {
    if state.is_null() {
        return rc_status::RC_NULL;
    }
    // SAFETY: as the caller says.
    let read = match unsafe { document.bytes() } {
        Ok(bytes) => State::read(bytes).map_err(|_| rc_status::RC_NOT_UNDERSTOOD),
        Err(status) => Err(status),
    };
    // SAFETY: not null, and writable as the caller says. A byte needs no alignment.
    status(read.map(|read| unsafe { state.write(read.to_byte()) }))
}

/// Writes the document that `rc_state_read` reads.
///
/// `document` must not be null. `document->len` is how many bytes were written, or, of `RC_BUFFER_TOO_SMALL`, how many it
/// takes; of every other failure nothing is written. Threads: any.
///
/// # Safety
///
/// `document` is null or a buffer of the caller's own, as [`rc_buffer`] says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_state_write(state: rc_state, document: *mut rc_buffer) -> rc_status {
    let Some(state) = State::from_byte(state) else { return rc_status::RC_NO_STATE };
    // SAFETY: as the caller says.
    status(unsafe { rc_buffer::write_to(document, |room| state.write(room)) })
}

//! The numbers, written out for the header, and held against the core's when this is compiled.

use recording_core::state::{Disposition, MarkingState, RecordingState, SavingState};
use recording_core::{Action, State};

/// A state of a session, in one byte: bits 0 and 1 hold the recording code, 2 and 3 the marking code, 4 and 5 the saving
/// code, the others are zero. 36 of the 256 bytes are states. This layout is stable: it may be stored and sent.
pub type rc_state = u8;
/// Where the recorder stands: one of `RC_RECORDING_*`.
pub type rc_recording = u8;
/// Where the mark stands: one of `RC_MARKING_*`.
pub type rc_marking = u8;
/// What was decided on keeping the recording: one of `RC_SAVING_*`.
pub type rc_saving = u8;
/// What is asked for: one of `RC_ACTION_*`.
pub type rc_action = u8;
/// What becomes of a recording when its session ends: one of `RC_DISPOSITION_*`.
pub type rc_disposition = u8;
/// A set of actions: the action with the code n is in it if bit n is set (`set >> action & 1`).
pub type rc_action_set = u8;

/// How a session begins: recorder Uninitialized, never marked, no decision.
pub const RC_STATE_INITIAL: u8 = 0;
/// No state.
pub const RC_STATE_NONE: u8 = 255;
/// No code: what a function answers that is asked for the code of what has none.
pub const RC_CODE_NONE: u8 = 255;

/// The recorder has not been started in this session.
pub const RC_RECORDING_UNINITIALIZED: u8 = 0;
/// Audio is being recorded.
pub const RC_RECORDING_STARTED: u8 = 1;
/// The recorder was stopped.
pub const RC_RECORDING_STOPPED: u8 = 2;
/// The recorder holds, as while card data is spoken.
pub const RC_RECORDING_PAUSED: u8 = 3;

/// Never marked nor unmarked.
pub const RC_MARKING_NONE: u8 = 0;
/// Marked.
pub const RC_MARKING_MARK: u8 = 1;
/// Unmarked.
pub const RC_MARKING_UNMARK: u8 = 2;

/// No decision.
pub const RC_SAVING_NONE: u8 = 0;
/// To be kept.
pub const RC_SAVING_SAVE: u8 = 1;
/// To be thrown away.
pub const RC_SAVING_DELETE: u8 = 2;

/// Start the recorder, or resume it.
pub const RC_ACTION_START: u8 = 1;
/// Stop the recorder.
pub const RC_ACTION_STOP: u8 = 2;
/// Hold the recorder.
pub const RC_ACTION_PAUSE: u8 = 3;
/// Decide that the recording is kept.
pub const RC_ACTION_SAVE: u8 = 4;
/// Decide that the recording is thrown away.
pub const RC_ACTION_DELETE: u8 = 5;
/// Mark the recording.
pub const RC_ACTION_MARK: u8 = 6;
/// Take the mark away.
pub const RC_ACTION_UNMARK: u8 = 7;

/// The recorder was never started: there is nothing to keep or to discard.
pub const RC_DISPOSITION_NOTHING_RECORDED: u8 = 0;
/// The recording is thrown away.
pub const RC_DISPOSITION_DISCARD: u8 = 1;
/// The recording is kept.
pub const RC_DISPOSITION_KEEP: u8 = 2;

const _: () = {
    assert!(RC_STATE_INITIAL == State::INITIAL.to_byte());
    assert!(State::from_byte(RC_STATE_NONE).is_none());
    assert!(RC_RECORDING_UNINITIALIZED == RecordingState::Uninitialized.code());
    assert!(RC_RECORDING_STARTED == RecordingState::Started.code());
    assert!(RC_RECORDING_STOPPED == RecordingState::Stopped.code());
    assert!(RC_RECORDING_PAUSED == RecordingState::Paused.code());
    assert!(RC_MARKING_NONE == MarkingState::None.code());
    assert!(RC_MARKING_MARK == MarkingState::Mark.code());
    assert!(RC_MARKING_UNMARK == MarkingState::Unmark.code());
    assert!(RC_SAVING_NONE == SavingState::None.code());
    assert!(RC_SAVING_SAVE == SavingState::Save.code());
    assert!(RC_SAVING_DELETE == SavingState::Delete.code());
    assert!(RC_ACTION_START == Action::Start.code());
    assert!(RC_ACTION_STOP == Action::Stop.code());
    assert!(RC_ACTION_PAUSE == Action::Pause.code());
    assert!(RC_ACTION_SAVE == Action::Save.code());
    assert!(RC_ACTION_DELETE == Action::Delete.code());
    assert!(RC_ACTION_MARK == Action::Mark.code());
    assert!(RC_ACTION_UNMARK == Action::UnMark.code());
    // An action that C programs have no name for must not compile.
    assert!(Action::ALL.len() == 7);
    assert!(RC_DISPOSITION_NOTHING_RECORDED == Disposition::NothingRecorded.code());
    assert!(RC_DISPOSITION_DISCARD == Disposition::Discard.code());
    assert!(RC_DISPOSITION_KEEP == Disposition::Keep.code());
};

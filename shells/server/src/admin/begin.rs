//! The document that a session begins with: its state, and what its recorder needs to know of the call.

use recording_core::State;
use recording_core::wire::ReadError;
use serde_json::Value;

use crate::recorder::CallData;

/// What is wrong with it.
#[derive(Debug)]
pub(super) enum Wrong {
    /// The state, or the document as a whole.
    State(ReadError),
    /// What is said of the call.
    Recorder(&'static str),
}

const RECORDER: &str = "Recorder";

/// Reads it. Without a state the session begins in the initial one.
pub(super) fn read(document: &[u8]) -> Result<(State, Option<CallData>), Wrong> {
    if document.is_empty() {
        return Ok((State::INITIAL, None));
    }
    let Ok(Value::Object(mut members)) = serde_json::from_slice(document) else {
        // The core says what is wrong with it.
        return State::read(document).map(|state| (state, None)).map_err(Wrong::State);
    };
    let call = match members.remove(RECORDER) {
        None => None,
        Some(Value::Object(call)) => Some(call),
        Some(_) => return Err(Wrong::Recorder("The field Recorder is not an object.")),
    };
    if call.is_some() && members.is_empty() {
        return Ok((State::INITIAL, call));
    }
    State::read(document).map(|state| (state, call)).map_err(Wrong::State)
}

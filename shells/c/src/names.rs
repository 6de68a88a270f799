//! Names of codes, both ways, as strings that end with a zero byte.

use core::ffi::{CStr, c_char};
use core::ptr::null;

use recording_core::Action;
use recording_core::state::{Disposition, MarkingState, RecordingState, SavingState};

use crate::{RC_CODE_NONE, rc_action, rc_disposition, rc_marking, rc_recording, rc_saving, rc_text};

/// A text of the core, copied at compile time to where a zero byte is after it.
macro_rules! c_text {
    ($text:expr) => {{
        const TEXT: &str = $text;
        const WITH_ZERO: [u8; TEXT.len() + 1] = {
            let mut bytes = [0; TEXT.len() + 1];
            bytes.split_at_mut(TEXT.len()).0.copy_from_slice(TEXT.as_bytes());
            bytes
        };
        const C_TEXT: &CStr = match CStr::from_bytes_with_nul(&WITH_ZERO) {
            Ok(text) => text,
            Err(_) => panic!("a text of the core holds no zero byte"),
        };
        C_TEXT
    }};
}
pub(crate) use c_text;

const fn pointer(text: Option<&'static CStr>) -> *const c_char {
    match text {
        Some(text) => text.as_ptr(),
        None => null(),
    }
}

/// The name of a recording code, as `"Paused"`; null if there is none. Static. Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn rc_recording_name(code: rc_recording) -> *const c_char {
    pointer(RecordingState::from_code(code).map(|recording| match recording {
        RecordingState::Uninitialized => c_text!(RecordingState::Uninitialized.name()),
        RecordingState::Started => c_text!(RecordingState::Started.name()),
        RecordingState::Stopped => c_text!(RecordingState::Stopped.name()),
        RecordingState::Paused => c_text!(RecordingState::Paused.name()),
    }))
}

/// The name of a marking code, as `"Unmark"`; null if there is none. Static. Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn rc_marking_name(code: rc_marking) -> *const c_char {
    pointer(MarkingState::from_code(code).map(|marking| match marking {
        MarkingState::None => c_text!(MarkingState::None.name()),
        MarkingState::Mark => c_text!(MarkingState::Mark.name()),
        MarkingState::Unmark => c_text!(MarkingState::Unmark.name()),
    }))
}

/// The name of a saving code, as `"Delete"`; null if there is none. Static. Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn rc_saving_name(code: rc_saving) -> *const c_char {
    pointer(SavingState::from_code(code).map(|saving| match saving {
        SavingState::None => c_text!(SavingState::None.name()),
        SavingState::Save => c_text!(SavingState::Save.name()),
        SavingState::Delete => c_text!(SavingState::Delete.name()),
    }))
}

/// The name of an action, as `"UnMark"`; null if there is none. Static. Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn rc_action_name(code: rc_action) -> *const c_char {
    pointer(Action::from_code(code).map(|action| match action {
        Action::Start => c_text!(Action::Start.name()),
        Action::Stop => c_text!(Action::Stop.name()),
        Action::Pause => c_text!(Action::Pause.name()),
        Action::Save => c_text!(Action::Save.name()),
        Action::Delete => c_text!(Action::Delete.name()),
        Action::Mark => c_text!(Action::Mark.name()),
        Action::UnMark => c_text!(Action::UnMark.name()),
    }))
}

/// The name of the call-detail record that an action writes; null if there is no such action. Static. Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn rc_action_audit_name(code: rc_action) -> *const c_char {
    pointer(Action::from_code(code).map(audit_name))
}

pub(crate) const fn audit_name(action: Action) -> &'static CStr {
    match action {
        Action::Start => c_text!(Action::Start.audit_name()),
        Action::Stop => c_text!(Action::Stop.audit_name()),
        Action::Pause => c_text!(Action::Pause.audit_name()),
        Action::Save => c_text!(Action::Save.audit_name()),
        Action::Delete => c_text!(Action::Delete.audit_name()),
        Action::Mark => c_text!(Action::Mark.audit_name()),
        Action::UnMark => c_text!(Action::UnMark.audit_name()),
    }
}

/// The name of a disposition, as `"Keep"`; null if there is none. Static. Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn rc_disposition_name(code: rc_disposition) -> *const c_char {
    pointer(Disposition::from_code(code).map(|disposition| match disposition {
        Disposition::NothingRecorded => c_text!(Disposition::NothingRecorded.name()),
        Disposition::Discard => c_text!(Disposition::Discard.name()),
        Disposition::Keep => c_text!(Disposition::Keep.name()),
    }))
}

/// The code of a name. What is no text, or no name, has none.
///
/// # Safety
///
/// As for [`rc_text::bytes`].
unsafe fn code(name: rc_text, of: impl FnOnce(&str) -> Option<u8>) -> u8 {
    // SAFETY: as the caller says.
    let name = unsafe { name.bytes() };
    name.ok().and_then(|name| str::from_utf8(name).ok()).and_then(of).unwrap_or(RC_CODE_NONE)
}

/// The code of a recording state's name, without regard to ASCII case; `RC_CODE_NONE` if there is none.
///
/// Threads: any.
///
/// # Safety
///
/// `name.len` bytes can be read at `name.data`, unless that is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_recording_of_name(name: rc_text) -> rc_recording {
    // SAFETY: as the caller says.
    unsafe { code(name, |name| RecordingState::from_name(name).map(RecordingState::code)) }
}

/// The code of a marking state's name, without regard to ASCII case; `RC_CODE_NONE` if there is none.
///
/// Threads: any.
///
/// # Safety
///
/// `name.len` bytes can be read at `name.data`, unless that is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_marking_of_name(name: rc_text) -> rc_marking {
    // SAFETY: as the caller says.
    unsafe { code(name, |name| MarkingState::from_name(name).map(MarkingState::code)) }
}

/// The code of a saving state's name, without regard to ASCII case; `RC_CODE_NONE` if there is none.
///
/// Threads: any.
///
/// # Safety
///
/// `name.len` bytes can be read at `name.data`, unless that is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_saving_of_name(name: rc_text) -> rc_saving {
    // SAFETY: as the caller says.
    unsafe { code(name, |name| SavingState::from_name(name).map(SavingState::code)) }
}

/// The code of an action's name, without regard to ASCII case; `RC_CODE_NONE` if there is none.
///
/// Threads: any.
///
/// # Safety
///
/// `name.len` bytes can be read at `name.data`, unless that is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_action_of_name(name: rc_text) -> rc_action {
    // SAFETY: as the caller says.
    unsafe { code(name, |name| Action::from_name(name).map(Action::code)) }
}

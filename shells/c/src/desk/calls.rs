//! The functions of a desk.

use core::ffi::c_char;

use recording_core::wire::{CapabilitiesRequest, StateRequest};
use recording_core::{Reply, Request, State};

use super::memory::{Memory, parts, rc_desk, tables};
use super::tables::Tables;
use crate::answer::LargeRooms;
use crate::facts::id_text;
use crate::pointers::{check, shared, status};
use crate::request::Raw;
use crate::{RC_CORRELATION_ID_SIZE, rc_answer, rc_disposition, rc_request, rc_settings, rc_state, rc_status, rc_text};

/// What became of a session that ended.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct rc_ended {
    /// The state at the end.
    pub state: rc_state,
    /// What becomes of the recording: one of `RC_DISPOSITION_*`.
    pub disposition: rc_disposition,
}

/// An open session of a desk.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rc_session {
    /// The name of its UCC, in the memory of the desk.
    pub ucc: rc_text,
    /// Its id, hyphenated, in lower case, with a zero byte after it.
    pub correlation_id: [c_char; RC_CORRELATION_ID_SIZE],
    /// Its state.
    pub state: rc_state,
}

/// Adds a UCC with its settings.
///
/// Nothing may be null. On failure (`RC_NO_UCC_NAME`, `RC_NO_CODE`, `RC_UCC_EXISTS`, `RC_UCCS_FULL`, `RC_TEXT_FULL`) the
/// desk stays as it was. Threads: see `rc_desk`.
///
/// # Safety
///
/// `desk` is one that `rc_desk_init` gave out, with its memory, or null; what the others lead to can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_desk_add_ucc(desk: *mut rc_desk, name: rc_text, settings: *const rc_settings) -> rc_status {
    let add = |mut tables: Tables<'_>| {
        // SAFETY: as the caller says.
        let name = unsafe { name.ucc() }?;
        // SAFETY: as the caller says.
        let settings = unsafe { shared(settings) }?.settings()?;
        tables.add_ucc(name, settings)
    };
    // SAFETY: as the caller says.
    status(unsafe { tables(desk) }.and_then(add))
}

/// Changes the settings of a UCC, in force from the next request on.
///
/// Nothing may be null. On failure (`RC_NO_UCC_NAME`, `RC_NO_CODE`, `RC_UNKNOWN_UCC`) the desk stays as it was. Threads:
/// see `rc_desk`.
///
/// # Safety
///
/// As for `rc_desk_add_ucc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_desk_set_settings(
    desk: *mut rc_desk,
    ucc: rc_text,
    settings: *const rc_settings,
) -> rc_status {
    let set = |mut tables: Tables<'_>| {
        // SAFETY: as the caller says.
        let ucc = unsafe { ucc.ucc() }?;
        // SAFETY: as the caller says.
        let settings = unsafe { shared(settings) }?.settings()?;
        tables.set_settings(ucc, settings)
    };
    // SAFETY: as the caller says.
    status(unsafe { tables(desk) }.and_then(set))
}

/// Adds an agent to a UCC. One that it has already is no error.
///
/// Nothing may be null. On failure (`RC_NO_UCC_NAME`, `RC_NO_SIP_URI`, `RC_UNKNOWN_UCC`, `RC_AGENTS_FULL`, `RC_TEXT_FULL`)
/// the desk stays as it was. Threads: see `rc_desk`.
///
/// # Safety
///
/// As for `rc_desk_add_ucc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_desk_add_agent(desk: *mut rc_desk, ucc: rc_text, uri: rc_text) -> rc_status {
    let add = |mut tables: Tables<'_>| {
        // SAFETY: as the caller says.
        let ucc = unsafe { ucc.ucc() }?;
        // SAFETY: as the caller says.
        let uri = unsafe { uri.uri() }?;
        tables.add_agent(ucc, uri)
    };
    // SAFETY: as the caller says.
    status(unsafe { tables(desk) }.and_then(add))
}

/// Begins a session in a state: `RC_STATE_INITIAL`, unless a recording already runs.
///
/// Ids are for the caller's own call control to choose: sessions are found by a hash without a secret, so somebody who
/// chooses the ids of many open sessions can make each look-up go through all of them.
///
/// Nothing may be null. On failure (`RC_NO_UCC_NAME`, `RC_NO_CORRELATION_ID`, `RC_NO_STATE`, `RC_UNKNOWN_UCC`,
/// `RC_ALREADY_OPEN`, `RC_SESSIONS_FULL`) the desk stays as it was. Threads: see `rc_desk`.
///
/// # Safety
///
/// As for `rc_desk_add_ucc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_desk_begin(
    desk: *mut rc_desk,
    ucc: rc_text,
    correlation_id: rc_text,
    state: rc_state,
) -> rc_status {
    let begin = |mut tables: Tables<'_>| {
        // SAFETY: as the caller says.
        let ucc = unsafe { ucc.ucc() }?;
        // SAFETY: as the caller says.
        let correlation_id = unsafe { correlation_id.correlation_id() }?;
        tables.begin(ucc, correlation_id, State::from_byte(state).ok_or(rc_status::RC_NO_STATE)?)
    };
    // SAFETY: as the caller says.
    status(unsafe { tables(desk) }.and_then(begin))
}

/// Ends a session, and says what becomes of its recording.
///
/// Nothing may be null. On failure (`RC_NO_UCC_NAME`, `RC_NO_CORRELATION_ID`, `RC_UNKNOWN_UCC`, `RC_UNKNOWN_SESSION`) the
/// desk and `ended` stay as they were. Threads: see `rc_desk`.
///
/// # Safety
///
/// As for `rc_desk_add_ucc`, and `ended` can be written, unless it is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_desk_end(
    desk: *mut rc_desk,
    ucc: rc_text,
    correlation_id: rc_text,
    ended: *mut rc_ended,
) -> rc_status {
    let end = |mut tables: Tables<'_>| {
        check(ended)?;
        // SAFETY: as the caller says.
        let ucc = unsafe { ucc.ucc() }?;
        // SAFETY: as the caller says.
        let correlation_id = unsafe { correlation_id.correlation_id() }?;
        let (state, settings) = tables.end(ucc, correlation_id)?;
        let told = rc_ended { state: state.to_byte(), disposition: settings.disposition(state).code() };
        // SAFETY: neither null nor misaligned, and writable as the caller says.
        unsafe { ended.write(told) };
        Ok(())
    };
    // SAFETY: as the caller says.
    status(unsafe { tables(desk) }.and_then(end))
}

/// Tells the state of a session, whatever the settings of its UCC.
///
/// Nothing may be null. On failure (as for `rc_desk_end`) `state` stays as it was. Threads: see `rc_desk`.
///
/// # Safety
///
/// As for `rc_desk_add_ucc`, and `state` can be written, unless it is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_desk_state(
    desk: *mut rc_desk,
    ucc: rc_text,
    correlation_id: rc_text,
    state: *mut rc_state,
) -> rc_status {
    let tell = |tables: Tables<'_>| {
        check(state)?;
        // SAFETY: as the caller says.
        let ucc = unsafe { ucc.ucc() }?;
        // SAFETY: as the caller says.
        let correlation_id = unsafe { correlation_id.correlation_id() }?;
        let told = tables.state(ucc, correlation_id)?;
        // SAFETY: not null, and writable as the caller says.
        unsafe { state.write(told.to_byte()) };
        Ok(())
    };
    // SAFETY: as the caller says.
    status(unsafe { tables(desk) }.and_then(tell))
}

/// How many sessions are open; 0 too if `desk` is null or no desk. Threads: see `rc_desk`.
///
/// # Safety
///
/// As for `rc_desk_add_ucc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_desk_sessions(desk: *mut rc_desk) -> usize {
    // SAFETY: as the caller says.
    unsafe { tables(desk) }.map_or(0, |tables| tables.counts.sessions as usize)
}

/// Tells one of the open sessions, by its place from 0 on, in no particular order: ending one changes the places of others.
///
/// Nothing may be null. On failure (`RC_UNKNOWN_SESSION` after the last) `session` stays as it was. Threads: see
/// `rc_desk`.
///
/// # Safety
///
/// As for `rc_desk_add_ucc`, and `session` can be written, unless it is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_desk_session(desk: *mut rc_desk, place: usize, session: *mut rc_session) -> rc_status {
    let tell = |tables: Tables<'_>| {
        check(session)?;
        let open = tables.at(place).ok_or(rc_status::RC_UNKNOWN_SESSION)?;
        let told = rc_session { ucc: rc_text::of(open.ucc), correlation_id: id_text(open.id), state: open.state };
        // SAFETY: neither null nor misaligned, and writable as the caller says.
        unsafe { session.write(told) };
        Ok(())
    };
    // SAFETY: as the caller says.
    status(unsafe { tables(desk) }.and_then(tell))
}

/// Answers a request: looks up, decides, stores, and only then writes the reply and the event.
///
/// Nothing may be null. The buffers must have `RC_REPLY_MAX` and `RC_EVENT_MAX` bytes (`RC_BUFFER_TOO_SMALL`) and not
/// overlap with the request (`RC_OVERLAP`). On failure nothing is done and nothing written. There is an answer to every
/// request, however wrong it is; a failure is one of the caller. Threads: see `rc_desk`.
///
/// # Safety
///
/// As for `rc_desk_add_ucc`; a request and its bytes can be read; the answer and the bytes of its buffers are the caller's
/// alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_desk_handle(
    desk: *mut rc_desk,
    request: *const rc_request,
    answer: *mut rc_answer,
) -> rc_status {
    // SAFETY: as the caller says.
    match unsafe { handle(desk, request, answer) } {
        Ok(status) | Err(status) => status,
    }
}

/// # Safety
///
/// As for [`rc_desk_handle`].
#[inline(always)]
unsafe fn handle(
    desk: *mut rc_desk,
    request: *const rc_request,
    answer: *mut rc_answer,
) -> Result<rc_status, rc_status> {
    // SAFETY: as the caller says.
    let (memory, scratch) = unsafe { parts(desk) }?;
    // SAFETY: as the caller says.
    let raw = unsafe { Raw::of(request) }?;
    // SAFETY: as the caller says.
    let rooms = unsafe { LargeRooms::of(answer) }?;
    Ok(match &raw.read(scratch) {
        Ok(Request::Set(request)) => {
            rooms.are_apart(raw.body)?;
            memory.tables().set(request, rooms)
        }
        Ok(Request::State(request)) => {
            rooms.are_apart(raw.target)?;
            read(memory, request, rooms)
        }
        Ok(Request::Capabilities(request)) => {
            rooms.are_apart(raw.target)?;
            capabilities(memory, request, rooms)
        }
        Err(rejection) => rooms.write(&Reply::from(*rejection)),
    })
}

/// Apart, so that what a `set` needs finds room in registers; and found in here, the tables need not be handed on.
#[inline(never)]
fn read(memory: Memory<'_>, request: &StateRequest<'_>, rooms: LargeRooms<'_>) -> rc_status {
    memory.tables().read(request, rooms)
}

/// As [`read`].
#[inline(never)]
fn capabilities(memory: Memory<'_>, request: &CapabilitiesRequest<'_>, rooms: LargeRooms<'_>) -> rc_status {
    memory.tables().capabilities(request, rooms)
}

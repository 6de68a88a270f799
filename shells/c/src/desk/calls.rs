//! The functions of a desk.

use core::ffi::c_char;

use recording_core::decide::Refusal;
use recording_core::desk::{BeginError, BeginErrorKind, BeginOutcome, BorrowedDesk, DirectoryError, Response, UccKey};
use recording_core::wire::UccName;
use recording_core::{Reply, Request, Session, State};

use super::memory::{Memory, desk as opened, parts, rc_desk};
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
    let add = |mut desk: BorrowedDesk<'_>| {
        // SAFETY: as the caller says.
        let name = unsafe { name.ucc() }?;
        // SAFETY: as the caller says.
        let settings = unsafe { shared(settings) }?.settings()?;
        desk.add_ucc(name, settings).map(|_| ()).map_err(not_added)
    };
    // SAFETY: as the caller says.
    status(unsafe { opened(desk) }.and_then(add))
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
    let set = |mut desk: BorrowedDesk<'_>| {
        // SAFETY: as the caller says.
        let ucc = unsafe { ucc.ucc() }?;
        // SAFETY: as the caller says.
        let settings = unsafe { shared(settings) }?.settings()?;
        desk.set_settings(ucc, settings).map_err(refused)
    };
    // SAFETY: as the caller says.
    status(unsafe { opened(desk) }.and_then(set))
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
    let add = |mut desk: BorrowedDesk<'_>| {
        // SAFETY: as the caller says.
        let ucc = unsafe { ucc.ucc() }?;
        // SAFETY: as the caller says.
        let uri = unsafe { uri.uri() }?;
        desk.add_agent(key(&desk, ucc)?, uri).map_err(not_added)
    };
    // SAFETY: as the caller says.
    status(unsafe { opened(desk) }.and_then(add))
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
    let begin = |mut desk: BorrowedDesk<'_>| {
        // SAFETY: as the caller says.
        let ucc = unsafe { ucc.ucc() }?;
        // SAFETY: as the caller says.
        let correlation_id = unsafe { correlation_id.correlation_id() }?;
        let state = State::from_byte(state).ok_or(rc_status::RC_NO_STATE)?;
        match desk.begin(Session { ucc, correlation_id, state }) {
            Ok(BeginOutcome::New) => Ok(()),
            Ok(BeginOutcome::AlreadyOpen(_)) => Err(rc_status::RC_ALREADY_OPEN),
            Err(BeginError { kind: BeginErrorKind::UnknownUcc, .. }) => Err(rc_status::RC_UNKNOWN_UCC),
            Err(_) => Err(rc_status::RC_SESSIONS_FULL),
        }
    };
    // SAFETY: as the caller says.
    status(unsafe { opened(desk) }.and_then(begin))
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
    let end = |mut desk: BorrowedDesk<'_>| {
        check(ended)?;
        // SAFETY: as the caller says.
        let ucc = unsafe { ucc.ucc() }?;
        // SAFETY: as the caller says.
        let correlation_id = unsafe { correlation_id.correlation_id() }?;
        let outcome = desk.end(ucc, correlation_id).map_err(refused)?;
        let told = rc_ended { state: outcome.state.to_byte(), disposition: outcome.disposition.code() };
        // SAFETY: neither null nor misaligned, and writable as the caller says.
        unsafe { ended.write(told) };
        Ok(())
    };
    // SAFETY: as the caller says.
    status(unsafe { opened(desk) }.and_then(end))
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
    let tell = |desk: BorrowedDesk<'_>| {
        check(state)?;
        // SAFETY: as the caller says.
        let ucc = unsafe { ucc.ucc() }?;
        // SAFETY: as the caller says.
        let correlation_id = unsafe { correlation_id.correlation_id() }?;
        key(&desk, ucc)?;
        let told = desk.state(ucc, correlation_id).ok_or(rc_status::RC_UNKNOWN_SESSION)?;
        // SAFETY: not null, and writable as the caller says.
        unsafe { state.write(told.to_byte()) };
        Ok(())
    };
    // SAFETY: as the caller says.
    status(unsafe { opened(desk) }.and_then(tell))
}

/// How many sessions are open; 0 too if `desk` is null or no desk. Threads: see `rc_desk`.
///
/// # Safety
///
/// As for `rc_desk_add_ucc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_desk_sessions(desk: *mut rc_desk) -> usize {
    // SAFETY: as the caller says.
    unsafe { opened(desk) }.map_or(0, |desk| desk.len())
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
    let tell = |desk: BorrowedDesk<'_>| {
        check(session)?;
        let open = desk.session_at(place).ok_or(rc_status::RC_UNKNOWN_SESSION)?;
        let (ucc, correlation_id) = (rc_text::of(open.ucc.as_str()), id_text(open.correlation_id));
        let told = rc_session { ucc, correlation_id, state: open.state.to_byte() };
        // SAFETY: neither null nor misaligned, and writable as the caller says.
        unsafe { session.write(told) };
        Ok(())
    };
    // SAFETY: as the caller says.
    status(unsafe { opened(desk) }.and_then(tell))
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
        Ok(request @ Request::Set(_)) => {
            rooms.are_apart(raw.body)?;
            handled(memory, request, rooms)
        }
        Ok(request) => {
            rooms.are_apart(raw.target)?;
            read(memory, request, rooms)
        }
        Err(rejection) => rooms.write(&Reply::from(*rejection)),
    })
}

#[inline(always)]
fn handled(memory: Memory<'_>, request: &Request<'_>, rooms: LargeRooms<'_>) -> rc_status {
    let Response { event, reply, .. } = memory.desk().handle(request);
    match (&reply, &event) {
        (Reply::State(reply), Some(event)) => rooms.write_stored(reply, event),
        (reply, _) => rooms.write(reply),
    }
}

/// Apart, so that what a `set` needs finds room in registers.
#[inline(never)]
fn read(memory: Memory<'_>, request: &Request<'_>, rooms: LargeRooms<'_>) -> rc_status {
    handled(memory, request, rooms)
}

fn key(desk: &BorrowedDesk<'_>, ucc: UccName<'_>) -> Result<UccKey, rc_status> {
    desk.find(ucc).ok_or(rc_status::RC_UNKNOWN_UCC)
}

fn not_added(error: DirectoryError) -> rc_status {
    match error {
        DirectoryError::UccExists => rc_status::RC_UCC_EXISTS,
        DirectoryError::UccsFull { .. } => rc_status::RC_UCCS_FULL,
        DirectoryError::AgentsFull { .. } => rc_status::RC_AGENTS_FULL,
        DirectoryError::TextFull { .. } => rc_status::RC_TEXT_FULL,
        DirectoryError::Unreachable => rc_status::RC_NO_UCC_NAME,
        _ => rc_status::RC_UNKNOWN_UCC,
    }
}

fn refused(refusal: Refusal<'_>) -> rc_status {
    match refusal {
        Refusal::UnknownSession { .. } => rc_status::RC_UNKNOWN_SESSION,
        _ => rc_status::RC_UNKNOWN_UCC,
    }
}

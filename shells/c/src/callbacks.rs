//! From request to answer, with callbacks to a store of the caller's.

use core::ffi::c_void;

use recording_core::decide::{Committed, Decision};
use recording_core::wire::Rejection;
use recording_core::{Reply, Request, Scratch};

use crate::answer::LargeRooms;
use crate::pointers::shared;
use crate::request::Raw;
use crate::{rc_answer, rc_change, rc_facts, rc_question, rc_request, rc_status};

/// The new state is stored.
pub const RC_STORE_DONE: i32 = 0;
/// The stored state is another one by now: the facts are looked up and the change is decided again.
pub const RC_STORE_MOVED: i32 = 1;
/// The new state cannot be stored. Every number besides `RC_STORE_DONE` and `RC_STORE_MOVED` means this.
pub const RC_STORE_FAILED: i32 = 2;

/// How often a change is decided again before the store counts as broken.
pub const RC_TRIES_MAX: u32 = 100;

/// Where the caller keeps sessions and settings. The functions return: no exception of C++ and no `longjmp` goes through
/// the library, whose frames know nothing of either. A callback in C++ is `noexcept`, or catches all.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rc_callbacks {
    /// Handed to both functions as it is; may be null.
    pub context: *mut c_void,
    /// Looks up what the question asks for. `facts` is all zero when it is called. It answers 0, or any other number if
    /// the facts are not known: the reply is then 503. What `question` points to goes when the function returns.
    pub look_up:
        Option<unsafe extern "C" fn(context: *mut c_void, question: *const rc_question, facts: *mut rc_facts) -> i32>,
    /// Stores `change->to` for the session of the question, provided that `change->from` still is stored. It answers one
    /// of `RC_STORE_*`.
    pub store: Option<
        unsafe extern "C" fn(context: *mut c_void, question: *const rc_question, change: *const rc_change) -> i32,
    >,
}

/// The callbacks, none of them null.
struct Store {
    context: *mut c_void,
    look_up: unsafe extern "C" fn(*mut c_void, *const rc_question, *mut rc_facts) -> i32,
    store: unsafe extern "C" fn(*mut c_void, *const rc_question, *const rc_change) -> i32,
}

impl Store {
    /// The facts, or `None` if they are not known.
    ///
    /// # Safety
    ///
    /// `look_up` is what [`rc_callbacks`] says.
    unsafe fn facts(&self, question: &rc_question) -> Option<rc_facts> {
        let mut facts = rc_facts::NONE;
        // SAFETY: a function of the caller's, given what it was promised: its context, and two structs that live here.
        let told = unsafe { (self.look_up)(self.context, question, &mut facts) };
        (told == 0).then_some(facts)
    }

    /// # Safety
    ///
    /// As for [`facts`](Self::facts), and `store` is what [`rc_callbacks`] says.
    unsafe fn answer(&self, request: &Request<'_>, rooms: LargeRooms<'_>) -> Result<rc_status, rc_status> {
        let question = rc_question::of(request);
        for _ in 0..RC_TRIES_MAX {
            // SAFETY: as the caller says.
            let Some(facts) = (unsafe { self.facts(&question) }) else { break };
            let pending = match request {
                Request::State(read) => return Ok(rooms.write(&Reply::State(read.decide(facts.of_state()?)))),
                Request::Capabilities(asked) => {
                    return Ok(rooms.write(&Reply::Capabilities(asked.decide(facts.of_capabilities()?))));
                }
                Request::Set(set) => match set.decide(facts.of_set()?) {
                    Decision::Reply(answer) => return Ok(rooms.write(&Reply::State(answer.reply))),
                    Decision::Change(pending) => pending,
                },
            };
            let change = rc_change::of(&pending);
            // SAFETY: as in `facts`.
            match unsafe { (self.store)(self.context, &question, &change) } {
                RC_STORE_DONE => {
                    let Committed { event, reply, .. } = pending.commit();
                    return Ok(rooms.write_stored(&reply, &event));
                }
                RC_STORE_MOVED => {}
                _ => return Ok(rooms.write(&Reply::from(pending.abort()))),
            }
        }
        Ok(rooms.write(&Reply::from(Rejection::NotStored)))
    }
}

/// Answers a request, asking the caller's store by callbacks.
///
/// Nothing may be null but `callbacks->context`. The buffers must have `RC_REPLY_MAX` and `RC_EVENT_MAX` bytes
/// (`RC_BUFFER_TOO_SMALL`) and not overlap with the request (`RC_OVERLAP`). On failure nothing is stored and nothing
/// written; so too if the facts hold what they must not (`RC_NO_CODE`, `RC_NO_STATE`). Threads: any, as far as the callbacks
/// allow.
///
/// # Safety
///
/// What the pointers lead to is there and is what its type says, unless a pointer is null; no other code changes it during
/// the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_handle(
    callbacks: *const rc_callbacks,
    request: *const rc_request,
    answer: *mut rc_answer,
) -> rc_status {
    // SAFETY: as the caller says.
    match unsafe { handle(callbacks, request, answer) } {
        Ok(status) | Err(status) => status,
    }
}

/// # Safety
///
/// As for [`rc_handle`].
unsafe fn handle(
    callbacks: *const rc_callbacks,
    request: *const rc_request,
    answer: *mut rc_answer,
) -> Result<rc_status, rc_status> {
    // SAFETY: as the caller says.
    let callbacks = unsafe { shared(callbacks) }?;
    let store = Store {
        context: callbacks.context,
        look_up: callbacks.look_up.ok_or(rc_status::RC_NULL)?,
        store: callbacks.store.ok_or(rc_status::RC_NULL)?,
    };
    // SAFETY: as the caller says.
    let raw = unsafe { Raw::of(request) }?;
    // SAFETY: as the caller says.
    let rooms = unsafe { LargeRooms::of(answer) }?;
    let mut scratch = Scratch::new();
    match &raw.read(&mut scratch) {
        Ok(request) => {
            rooms.are_apart(raw.said(request))?;
            // SAFETY: the callbacks are what the caller says.
            unsafe { store.answer(request, rooms) }
        }
        Err(rejection) => Ok(rooms.write(&Reply::from(*rejection))),
    }
}

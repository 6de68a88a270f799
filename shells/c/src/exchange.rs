//! From request to answer step by step, for stores that answer later.

use core::ptr::null;

use recording_core::decide::Decision;
use recording_core::wire::{
    CapabilitiesRequest, CorrelationId, ErrorReply, Rejection, SetRequest, SipUri, StateRequest, UccName,
};
use recording_core::{Action, Reply, Request, Scratch};

use crate::answer::{Rooms, allow_text};
use crate::pointers::{check, shared, status, unique};
use crate::request::Raw;
use crate::{
    RC_ASKS_CAPABILITIES, RC_ASKS_SET, RC_ASKS_STATE, rc_answer, rc_change, rc_facts, rc_question, rc_request,
    rc_status,
};

/// Nothing was begun here.
pub const RC_STAGE_NONE: u8 = 0;
/// The request is understood: look up what `rc_exchange_question` says, then `rc_exchange_decide`.
pub const RC_STAGE_FACTS: u8 = 1;
/// A change is decided: store what `rc_exchange_change` says, then `rc_exchange_stored`.
pub const RC_STAGE_STORE: u8 = 2;
/// There is an answer: `rc_exchange_answer`.
pub const RC_STAGE_ANSWER: u8 = 3;

/// How many bytes an exchange takes.
pub const RC_EXCHANGE_SIZE: usize = 384;

/// A request on its way to its answer, step by step:
///
/// | stage | what the caller does |
/// |---|---|
/// | | `rc_exchange_begin` |
/// | `RC_STAGE_FACTS` | looks up what `rc_exchange_question` says; `rc_exchange_decide` |
/// | `RC_STAGE_STORE` | stores what `rc_exchange_change` says; `rc_exchange_stored`, `_moved` or `_not_stored` |
/// | `RC_STAGE_ANSWER` | `rc_exchange_answer` |
///
/// No answer says success before its state is stored: until `rc_exchange_stored` there is none to be had.
///
/// The memory is the caller's, on the stack or anywhere; it needs no preparation and no cleaning, and nothing of the
/// request is needed after `rc_exchange_begin`. It may be copied. One thread at a time uses it; different ones have
/// nothing in common.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rc_exchange {
    /// Private.
    pub opaque: [u64; 48],
}

/// Tells memory that holds an exchange.
const MAGIC: u32 = 0x7263_3078;
/// There is room for the longest name and the longest URI, or for the body of a rejection.
const TEXT: usize = UccName::MAX_LEN + SipUri::MAX_LEN;

/// What is inside. Each of its fields may hold anything, for the memory is the caller's: what is invalid is reported when
/// it is read.
#[repr(C, align(8))]
#[derive(Debug, Clone, Copy)]
struct Inner {
    magic: u32,
    status: u16,
    /// How long the body of a rejection is.
    body_len: u16,
    stage: u8,
    /// One of `RC_ASKS_*`, or 0 for a rejection.
    asks: u8,
    action: u8,
    /// Which `Allow` header a rejection has: 0 for none, or one of `ALLOW`.
    allow: u8,
    ucc_len: u8,
    requester_len: u8,
    facts: rc_facts,
    id: [u8; 16],
    text: [u8; TEXT],
    /// Fills it up, so that none of its bytes is left unwritten: callers may copy an exchange as it is in memory.
    spare: [u8; 2],
}

const _: () = {
    assert!(size_of::<Inner>() <= size_of::<rc_exchange>() && align_of::<Inner>() == align_of::<rc_exchange>());
    assert!(size_of::<rc_exchange>() == RC_EXCHANGE_SIZE);
    // The sizes of its fields: there is nothing between them.
    assert!(size_of::<Inner>() == 4 + 2 * 2 + 6 + size_of::<rc_facts>() + 16 + TEXT + 2);
};

const ALLOW: [recording_core::wire::Allow; 2] =
    [recording_core::wire::Allow::GetHead, recording_core::wire::Allow::Post];

fn keep(to: &mut [u8], from: &str) -> u8 {
    for (to, from) in to.iter_mut().zip(from.as_bytes()) {
        *to = *from;
    }
    from.len() as u8
}

impl Inner {
    const EMPTY: Self = Self {
        magic: MAGIC,
        status: 200,
        body_len: 0,
        stage: RC_STAGE_NONE,
        asks: 0,
        action: 0,
        allow: 0,
        ucc_len: 0,
        requester_len: 0,
        facts: rc_facts::NONE,
        id: [0; 16],
        text: [0; TEXT],
        spare: [0; 2],
    };

    fn begin(&mut self, request: &Request<'_>) {
        let (ucc, id) = match request {
            Request::State(StateRequest { ucc, correlation_id }) => {
                self.asks = RC_ASKS_STATE;
                (ucc, correlation_id.to_u128())
            }
            Request::Set(SetRequest { action, requester, correlation_id, ucc }) => {
                self.asks = RC_ASKS_SET;
                self.action = action.code();
                let place = self.text.get_mut(UccName::MAX_LEN..).unwrap_or_default();
                self.requester_len = keep(place, requester.as_str());
                (ucc, correlation_id.to_u128())
            }
            Request::Capabilities(CapabilitiesRequest { ucc }) => {
                self.asks = RC_ASKS_CAPABILITIES;
                (ucc, 0)
            }
        };
        self.ucc_len = keep(&mut self.text, ucc.as_str());
        self.id = id.to_be_bytes();
        self.stage = RC_STAGE_FACTS;
    }

    fn reject(&mut self, rejection: Rejection) -> Result<(), rc_status> {
        self.status = rejection.status();
        let allow = ALLOW.iter().position(|allow| rejection.allow() == Some(allow.header()));
        self.allow = allow.map_or(0, |place| place as u8 + 1);
        // There is always room: the texts of rejections are fixed, and a test has them all.
        let body = ErrorReply::from(rejection).write(&mut self.text).map_err(|_| rc_status::RC_BUFFER_TOO_SMALL)?;
        self.body_len = body.len() as u16;
        self.asks = 0;
        self.stage = RC_STAGE_ANSWER;
        Ok(())
    }

    /// What was asked; `None` if it cannot be read from these fields.
    fn request(&self) -> Option<Request<'_>> {
        let (ucc, requester) = self.text.split_at_checked(UccName::MAX_LEN)?;
        let ucc = UccName::new(str::from_utf8(ucc.get(..self.ucc_len.into())?).ok()?).ok()?;
        let correlation_id = CorrelationId::from_u128(u128::from_be_bytes(self.id));
        Some(match self.asks {
            RC_ASKS_STATE => Request::State(StateRequest { ucc, correlation_id }),
            RC_ASKS_CAPABILITIES => Request::Capabilities(CapabilitiesRequest { ucc }),
            RC_ASKS_SET => {
                let requester = str::from_utf8(requester.get(..self.requester_len.into())?).ok()?;
                Request::Set(SetRequest {
                    action: Action::from_code(self.action)?,
                    requester: SipUri::new(requester).ok()?,
                    correlation_id,
                    ucc,
                })
            }
            _ => return None,
        })
    }

    fn set(&self) -> Result<Decision<'_>, rc_status> {
        match self.request() {
            Some(Request::Set(set)) => Ok(set.decide(self.facts.of_set()?)),
            _ => Err(rc_status::RC_NOT_INITIALIZED),
        }
    }

    fn decide(&mut self, facts: rc_facts) -> Result<(), rc_status> {
        self.at(RC_STAGE_FACTS)?;
        let stage = match self.request().ok_or(rc_status::RC_NOT_INITIALIZED)? {
            Request::State(_) => facts.of_state().map(|_| RC_STAGE_ANSWER),
            Request::Capabilities(_) => facts.of_capabilities().map(|_| RC_STAGE_ANSWER),
            Request::Set(set) => facts.of_set().map(|facts| match set.decide(facts) {
                Decision::Reply(_) => RC_STAGE_ANSWER,
                Decision::Change(_) => RC_STAGE_STORE,
            }),
        }?;
        self.facts = facts;
        self.stage = stage;
        Ok(())
    }

    /// Writes what may be said: at this stage a change that the facts lead to is one that was stored.
    fn answer(&self, rooms: Rooms<'_>) -> Result<rc_status, rc_status> {
        Ok(match self.request().ok_or(rc_status::RC_NOT_INITIALIZED)? {
            Request::State(read) => rooms.write(&Reply::State(read.decide(self.facts.of_state()?))),
            Request::Capabilities(asked) => {
                rooms.write(&Reply::Capabilities(asked.decide(self.facts.of_capabilities()?)))
            }
            Request::Set(set) => match set.decide(self.facts.of_set()?) {
                Decision::Reply(answer) => rooms.write(&Reply::State(answer.reply)),
                Decision::Change(pending) => rooms.write_stored(&pending.commit()),
            },
        })
    }

    const fn check(&self) -> Result<(), rc_status> {
        if self.magic == MAGIC { Ok(()) } else { Err(rc_status::RC_NOT_INITIALIZED) }
    }

    fn at(&self, stage: u8) -> Result<(), rc_status> {
        self.check()?;
        if self.stage == stage { Ok(()) } else { Err(rc_status::RC_WRONG_STAGE) }
    }

    /// # Safety
    ///
    /// Unless it is null or misaligned, an exchange can be read there, and no other code changes it while `'a` lasts.
    unsafe fn shared<'a>(exchange: *const rc_exchange) -> Result<&'a Self, rc_status> {
        // SAFETY: `Inner` is not larger than `rc_exchange`, aligned alike, and takes any bytes.
        unsafe { shared(exchange.cast()) }
    }

    /// # Safety
    ///
    /// Unless it is null or misaligned, an exchange is there, and it is the caller's alone while `'a` lasts.
    unsafe fn unique<'a>(exchange: *mut rc_exchange) -> Result<&'a mut Self, rc_status> {
        // SAFETY: the same.
        unsafe { unique(exchange.cast()) }
    }
}

/// How many bytes an exchange takes in the library that is linked; `RC_EXCHANGE_SIZE` of its header. Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn rc_exchange_size() -> usize {
    RC_EXCHANGE_SIZE
}

/// Begins an exchange with a request. A request that cannot be understood leads to `RC_STAGE_ANSWER` at once.
///
/// Nothing may be null. What the exchange was before does not matter; on failure nothing is begun in it. The request's
/// bytes are not needed any more afterwards; they must not overlap with the exchange. Threads: see `rc_exchange`.
///
/// # Safety
///
/// Unless a pointer is null: a request and its bytes can be read, an exchange can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_exchange_begin(exchange: *mut rc_exchange, request: *const rc_request) -> rc_status {
    // SAFETY: as the caller says.
    let raw = match check(exchange).and_then(|()| unsafe { Raw::of(request) }) {
        Ok(raw) => raw,
        Err(status) => return status,
    };
    let inner = exchange.cast::<Inner>();
    // SAFETY: neither null nor misaligned, and writable as the caller says.
    unsafe { inner.write(Inner::EMPTY) };
    // SAFETY: the same; what is there was just written.
    let inner = unsafe { &mut *inner };
    let mut scratch = Scratch::new();
    let begun = match raw.read(&mut scratch) {
        Ok(request) => {
            inner.begin(&request);
            Ok(())
        }
        Err(rejection) => inner.reject(rejection),
    };
    status(begun)
}

/// At which stage an exchange is: one of `RC_STAGE_*`; `RC_STAGE_NONE` too if it is null or was not begun.
///
/// Threads: see `rc_exchange`.
///
/// # Safety
///
/// An exchange can be read there, unless it is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_exchange_stage(exchange: *const rc_exchange) -> u8 {
    // SAFETY: as the caller says.
    match unsafe { Inner::shared(exchange) } {
        Ok(inner) if inner.check().is_ok() => inner.stage,
        _ => RC_STAGE_NONE,
    }
}

/// Gives what is asked, at `RC_STAGE_FACTS` and `RC_STAGE_STORE`. Its texts are in the exchange and go with it.
///
/// Nothing may be null. On failure `question` stays as it was. Threads: see `rc_exchange`.
///
/// # Safety
///
/// Unless a pointer is null: an exchange can be read, a question can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_exchange_question(exchange: *const rc_exchange, question: *mut rc_question) -> rc_status {
    // SAFETY: as the caller says.
    let asked = match check(question).and_then(|()| unsafe { Inner::shared(exchange) }) {
        Ok(inner) => match inner.at(RC_STAGE_FACTS).or_else(|_| inner.at(RC_STAGE_STORE)) {
            Ok(()) => inner.request().ok_or(rc_status::RC_NOT_INITIALIZED),
            Err(status) => Err(status),
        },
        Err(status) => Err(status),
    };
    // SAFETY: neither null nor misaligned, and writable as the caller says.
    status(asked.map(|request| unsafe { question.write(rc_question::of(&request)) }))
}

/// Decides by the facts, at `RC_STAGE_FACTS`. The next stage is `RC_STAGE_STORE` or `RC_STAGE_ANSWER`.
///
/// Nothing may be null. On failure (`RC_NO_CODE` and `RC_NO_STATE` among others) the exchange stays as it was. Threads:
/// see `rc_exchange`.
///
/// # Safety
///
/// Unless a pointer is null: the facts can be read, the exchange is the caller's alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_exchange_decide(exchange: *mut rc_exchange, facts: *const rc_facts) -> rc_status {
    // SAFETY: as the caller says.
    let facts = match unsafe { shared(facts) } {
        Ok(facts) => *facts,
        Err(status) => return status,
    };
    // SAFETY: as the caller says.
    status(unsafe { Inner::unique(exchange) }.and_then(|inner| inner.decide(facts)))
}

/// Tells the change to store, at `RC_STAGE_STORE`.
///
/// Nothing may be null. On failure `change` stays as it was. Threads: see `rc_exchange`.
///
/// # Safety
///
/// Unless a pointer is null: an exchange can be read, a change can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_exchange_change(exchange: *const rc_exchange, change: *mut rc_change) -> rc_status {
    // SAFETY: as the caller says.
    let decision = match check(change).and_then(|()| unsafe { Inner::shared(exchange) }) {
        Ok(inner) => inner.at(RC_STAGE_STORE).and_then(|()| inner.set()),
        Err(status) => Err(status),
    };
    match decision {
        Ok(Decision::Change(pending)) => {
            // SAFETY: neither null nor misaligned, and writable as the caller says.
            unsafe { change.write(rc_change::of(&pending)) };
            rc_status::RC_OK
        }
        Ok(Decision::Reply(_)) => rc_status::RC_NOT_INITIALIZED,
        Err(status) => status,
    }
}

/// Says that the change is stored, at `RC_STAGE_STORE`. The next stage is `RC_STAGE_ANSWER`, a success.
///
/// The exchange must not be null. On failure it stays as it was. Threads: see `rc_exchange`.
///
/// # Safety
///
/// The exchange is the caller's alone, unless it is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_exchange_stored(exchange: *mut rc_exchange) -> rc_status {
    // SAFETY: as the caller says.
    unsafe { from_store_to(exchange, RC_STAGE_ANSWER) }
}

/// Says that the stored state is another one by now, at `RC_STAGE_STORE`. The next stage is `RC_STAGE_FACTS`: look them up
/// again.
///
/// The exchange must not be null. On failure it stays as it was. Threads: see `rc_exchange`.
///
/// # Safety
///
/// The exchange is the caller's alone, unless it is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_exchange_moved(exchange: *mut rc_exchange) -> rc_status {
    // SAFETY: as the caller says.
    unsafe { from_store_to(exchange, RC_STAGE_FACTS) }
}

/// # Safety
///
/// The exchange is the caller's alone, unless it is null.
unsafe fn from_store_to(exchange: *mut rc_exchange, stage: u8) -> rc_status {
    // SAFETY: as the caller says.
    let moved = unsafe { Inner::unique(exchange) }.and_then(|inner| {
        inner.at(RC_STAGE_STORE)?;
        inner.stage = stage;
        Ok(())
    });
    status(moved)
}

/// Says that the facts are not known, at `RC_STAGE_FACTS`, or that the change cannot be stored, at `RC_STAGE_STORE`. The
/// answer is 503.
///
/// The exchange must not be null. On failure it stays as it was. Threads: see `rc_exchange`.
///
/// # Safety
///
/// The exchange is the caller's alone, unless it is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_exchange_not_stored(exchange: *mut rc_exchange) -> rc_status {
    // SAFETY: as the caller says.
    status(unsafe { Inner::unique(exchange) }.and_then(|inner| {
        inner.at(RC_STAGE_STORE).or_else(|_| inner.at(RC_STAGE_FACTS))?;
        inner.reject(Rejection::NotStored)
    }))
}

/// Turns a request away that the caller does not let pass, at `RC_STAGE_FACTS`: `http_status` is 401 for one who is not
/// known, 403 for one who may not, 429 for one who asks too often.
///
/// The exchange must not be null. On failure (`RC_NO_CODE` for another number) it stays as it was. Threads: see
/// `rc_exchange`.
///
/// # Safety
///
/// The exchange is the caller's alone, unless it is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_exchange_turn_away(exchange: *mut rc_exchange, http_status: u16) -> rc_status {
    // SAFETY: as the caller says.
    status(unsafe { Inner::unique(exchange) }.and_then(|inner| {
        inner.at(RC_STAGE_FACTS)?;
        inner.reject(match http_status {
            401 => Rejection::Unauthorized,
            403 => Rejection::Forbidden,
            429 => Rejection::TooManyRequests,
            _ => return Err(rc_status::RC_NO_CODE),
        })
    }))
}

/// Writes the answer, at `RC_STAGE_ANSWER`. It may be asked for again.
///
/// Nothing may be null. Of `RC_BUFFER_TOO_SMALL` the `len` of both buffers says what is needed, what they hold is of no
/// use, and the rest of `answer` stays as it was; of every other failure all of it does. Buffers of `RC_REPLY_MAX` and
/// `RC_EVENT_MAX` bytes are always large enough; they must not overlap with the exchange. Threads: see `rc_exchange`.
///
/// # Safety
///
/// Unless a pointer is null: an exchange can be read; the answer and the bytes of its buffers are the caller's alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_exchange_answer(exchange: *const rc_exchange, answer: *mut rc_answer) -> rc_status {
    // SAFETY: as the caller says.
    let inner = match unsafe { Inner::shared(exchange) } {
        Ok(inner) => inner,
        Err(status) => return status,
    };
    if let Err(status) = inner.at(RC_STAGE_ANSWER) {
        return status;
    }
    // SAFETY: as the caller says.
    let rooms = match unsafe { Rooms::of(answer) } {
        Ok(rooms) => rooms,
        Err(status) => return status,
    };
    if inner.asks != 0 {
        return match inner.answer(rooms) {
            Ok(status) | Err(status) => status,
        };
    }
    let Some(body) = inner.text.get(..inner.body_len.into()) else { return rc_status::RC_NOT_INITIALIZED };
    let allow = ALLOW.get(usize::from(inner.allow).wrapping_sub(1)).and_then(|allow| allow_text(allow.header()));
    rooms.write_body(body, inner.status, allow.map_or(null(), core::ffi::CStr::as_ptr))
}

//! What goes out: reply and event, into buffers of the caller's.

use core::ffi::{CStr, c_char};
use core::ptr::null;
use core::slice;

use recording_core::decide::Committed;
use recording_core::wire::{BufferTooSmall, StateReply};
use recording_core::{Action, Event, Reply};

use crate::names::{audit_name, c_text};
use crate::pointers::{check, unique};
use crate::rc_status;

/// The longest reply: into a buffer of this size writing cannot fail.
pub const RC_REPLY_MAX: usize = 1024;
/// The longest event: into a buffer of this size writing cannot fail.
pub const RC_EVENT_MAX: usize = 256;
// `RC_CONTENT_TYPE`, `RC_CACHE_CONTROL` and `RC_EVENT_NAME` are in `cbindgen.toml`; a test holds them against the core.
const _: () = {
    assert!(RC_REPLY_MAX >= Reply::MAX_LEN);
    assert!(RC_EVENT_MAX >= Event::MAX_LEN);
};

/// A buffer of the caller's. What is written has no zero byte after it.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rc_buffer {
    /// Its first byte. Null if `capacity` is 0.
    pub data: *mut c_char,
    /// How many bytes there are.
    pub capacity: usize,
    /// Set by the library: how many bytes were written; of `RC_BUFFER_TOO_SMALL`, how many are needed.
    pub len: usize,
}

impl rc_buffer {
    #[inline(always)]
    fn check(&self) -> Result<(), rc_status> {
        if self.data.is_null() && self.capacity > 0 {
            Err(rc_status::RC_NULL)
        } else if self.capacity > isize::MAX as usize {
            Err(rc_status::RC_TOO_LONG)
        } else {
            Ok(())
        }
    }

    /// Whether it is one of at least so many bytes.
    #[inline(always)]
    fn takes(&self, len: usize) -> bool {
        !self.data.is_null() && self.capacity.wrapping_sub(len) <= isize::MAX as usize - len
    }

    /// Whether one byte belongs to both, neither of them empty. The other begins less than its own length in front of
    /// the buffer, or less than the buffer's after its first byte: one comparison, since no length is over `isize::MAX`.
    #[inline(always)]
    fn overlaps(&self, other: &[u8]) -> bool {
        let last = other.len().wrapping_sub(1);
        let distance = other.as_ptr().addr().wrapping_sub(self.data.addr());
        distance.wrapping_add(last) < self.capacity.wrapping_add(last)
    }

    /// # Safety
    ///
    /// `LEN` bytes at `data` are the caller's alone while `'a` lasts.
    #[inline(always)]
    const unsafe fn room<'a, const LEN: usize>(&self) -> &'a mut [u8; LEN] {
        // SAFETY: as the caller says. Bytes need no alignment.
        unsafe { &mut *self.data.cast() }
    }

    /// Writes to a checked buffer what is never longer than `LONGEST`; how many bytes were written, or are needed.
    ///
    /// What writes has a room of one length in the whole library, for which it then is compiled. Into a shorter buffer it
    /// is copied, if it fits.
    ///
    /// # Safety
    ///
    /// `capacity` bytes at `data` are the caller's alone.
    #[inline(always)]
    unsafe fn fill<const LONGEST: usize>(
        &self,
        write: impl Fn(&mut [u8; LONGEST]) -> Result<usize, BufferTooSmall>,
    ) -> Result<usize, BufferTooSmall> {
        if self.capacity >= LONGEST {
            // SAFETY: as the caller says.
            return write(unsafe { self.room() });
        }
        let mut whole = [0; LONGEST];
        let len = write(&mut whole)?;
        // SAFETY: as the caller says.
        let room = unsafe { self.bytes() };
        match (room.get_mut(..len), whole.get(..len)) {
            (Some(room), Some(written)) => {
                for (to, from) in room.iter_mut().zip(written) {
                    *to = *from;
                }
            }
            _ => return Err(BufferTooSmall { needed: len, given: self.capacity }),
        }
        Ok(len)
    }

    /// The bytes of a checked buffer.
    ///
    /// # Safety
    ///
    /// Unless `data` is null, `capacity` bytes there are the caller's alone while `'a` lasts.
    unsafe fn bytes<'a>(&self) -> &'a mut [u8] {
        if self.data.is_null() {
            return &mut [];
        }
        // SAFETY: not null, of a length that was checked, and the caller's alone. Bytes need no alignment.
        unsafe { slice::from_raw_parts_mut(self.data.cast(), self.capacity) }
    }

    /// Writes, and sets `len`.
    ///
    /// # Safety
    ///
    /// Unless `buffer` is null, it is a buffer, and its bytes and itself are the caller's alone.
    pub(crate) unsafe fn write_to(
        buffer: *mut Self,
        write: impl FnOnce(&mut [u8]) -> Result<&[u8], BufferTooSmall>,
    ) -> Result<(), rc_status> {
        check(buffer)?;
        // SAFETY: neither null nor misaligned, and readable as the caller says.
        let given = unsafe { buffer.read() };
        given.check()?;
        // SAFETY: as the caller says.
        let (len, done) = match write(unsafe { given.bytes() }) {
            Ok(written) => (written.len(), Ok(())),
            Err(BufferTooSmall { needed, .. }) => (needed, Err(rc_status::RC_BUFFER_TOO_SMALL)),
        };
        // SAFETY: neither null nor misaligned, and the caller's alone as the caller says.
        unsafe { (*buffer).len = len };
        done
    }
}

/// An answer: in, two buffers; out, what to send and what to publish.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rc_answer {
    /// For the body of the reply, to be sent with `status`, `RC_CONTENT_TYPE`, `RC_CACHE_CONTROL` and `allow`; to a
    /// `HEAD` without it.
    pub reply: rc_buffer,
    /// For the event, to be published to every listener, those of one session in the order of its changes. Its `len` is 0
    /// if there is none.
    pub event: rc_buffer,
    /// Set by the library: the value of an `Allow` header that must be sent, or null. Static, ends with a zero byte.
    pub allow: *const c_char,
    /// Set by the library: the name of the call-detail record to write, or null if there is no event. Static, ends with a
    /// zero byte.
    pub audit_name: *const c_char,
    /// Set by the library: the HTTP status.
    pub status: u16,
    /// Set by the library: what changed the session, one of `RC_ACTION_*`, or 0 if there is no event.
    ///
    /// Which session that was is what the request said: `rc_exchange_question` tells it. Its new state is `change->to` of
    /// the store's callback and of `rc_exchange_change`; of a desk, what `rc_desk_state` says before the next request.
    pub action: u8,
}

/// An answer whose two buffers were checked.
pub(crate) struct Rooms<'a> {
    answer: &'a mut rc_answer,
}

impl Rooms<'_> {
    /// Checks what is given of an answer.
    ///
    /// # Safety
    ///
    /// Unless it is null or misaligned, an answer is at `answer`; it and the bytes of its buffers are the caller's
    /// alone as long as this value lives. What the library is to set may hold anything.
    #[inline(always)]
    pub(crate) unsafe fn of(answer: *mut rc_answer) -> Result<Self, rc_status> {
        // SAFETY: as the caller says.
        let answer = unsafe { unique(answer) }?;
        let rc_answer { reply, event, .. } = answer;
        reply.check()?;
        event.check()?;
        Ok(Self { answer })
    }

    /// Writes an answer that changed nothing.
    pub(crate) fn write(self, reply: &Reply<'_>) -> rc_status {
        // SAFETY: checked, and the caller's alone, as who made this value has said.
        let reply_len = unsafe { self.answer.reply.fill(|room: &mut [u8; RC_REPLY_MAX]| len_of(reply.write(room))) };
        self.written(reply_len, Ok(0), reply.status(), allow_of(reply), None)
    }

    /// Writes what is said of a change that was stored.
    pub(crate) fn write_stored(self, Committed { reply, event, .. }: &Committed<'_>) -> rc_status {
        // SAFETY: as in `write`.
        let reply_len = unsafe { self.answer.reply.fill(|room: &mut [u8; RC_REPLY_MAX]| len_of(reply.write(room))) };
        // SAFETY: the same.
        let event_len = unsafe { self.answer.event.fill(|room: &mut [u8; RC_EVENT_MAX]| len_of(event.write(room))) };
        self.written(reply_len, event_len, 200, null(), Some(event.action))
    }

    /// Writes an answer whose body is there already.
    pub(crate) fn write_body(self, body: &[u8], status: u16, allow: *const c_char) -> rc_status {
        // SAFETY: as in `write`.
        let room = unsafe { self.answer.reply.bytes() };
        let given = room.len();
        let reply_len = match room.get_mut(..body.len()) {
            Some(room) => {
                for (to, from) in room.iter_mut().zip(body) {
                    *to = *from;
                }
                Ok(body.len())
            }
            None => Err(BufferTooSmall { needed: body.len(), given }),
        };
        self.written(reply_len, Ok(0), status, allow, None)
    }

    fn written(
        self,
        reply_len: Result<usize, BufferTooSmall>,
        event_len: Result<usize, BufferTooSmall>,
        status: u16,
        allow: *const c_char,
        action: Option<Action>,
    ) -> rc_status {
        let answer = self.answer;
        let too_small = reply_len.is_err() || event_len.is_err();
        answer.reply.len = reply_len.unwrap_or_else(|error| error.needed);
        answer.event.len = event_len.unwrap_or_else(|error| error.needed);
        if too_small { rc_status::RC_BUFFER_TOO_SMALL } else { answer.say(status, allow, action) }
    }
}

fn len_of(written: Result<&[u8], BufferTooSmall>) -> Result<usize, BufferTooSmall> {
    written.map(<[u8]>::len)
}

impl rc_answer {
    #[cold]
    #[inline(never)]
    fn why_not_large(&self) -> rc_status {
        match self.reply.check().and_then(|()| self.event.check()) {
            Ok(()) => rc_status::RC_BUFFER_TOO_SMALL,
            Err(status) => status,
        }
    }

    /// Sets what is next to the texts.
    #[inline(always)]
    const fn say(&mut self, status: u16, allow: *const c_char, action: Option<Action>) -> rc_status {
        self.allow = allow;
        self.status = status;
        (self.action, self.audit_name) = match action {
            Some(action) => (action.code(), audit_name(action).as_ptr()),
            None => (0, null()),
        };
        rc_status::RC_OK
    }
}

/// An answer whose two buffers were checked, and take whatever is written.
pub(crate) struct LargeRooms<'a> {
    answer: &'a mut rc_answer,
}

impl LargeRooms<'_> {
    /// Checks what is given of an answer.
    ///
    /// # Safety
    ///
    /// As for [`Rooms::of`].
    #[inline(always)]
    pub(crate) unsafe fn of(answer: *mut rc_answer) -> Result<Self, rc_status> {
        // SAFETY: as the caller says.
        let answer = unsafe { unique(answer) }?;
        if answer.reply.takes(RC_REPLY_MAX) && answer.event.takes(RC_EVENT_MAX) {
            Ok(Self { answer })
        } else {
            Err(answer.why_not_large())
        }
    }

    /// Whether what an answer is made from would be written over while it is read.
    #[inline(always)]
    pub(crate) fn are_apart(&self, said: &[u8]) -> Result<(), rc_status> {
        let rc_answer { reply, event, .. } = &*self.answer;
        if reply.overlaps(said) || event.overlaps(said) {
            return Err(rc_status::RC_OVERLAP);
        }
        Ok(())
    }

    /// Writes an answer that changed nothing.
    pub(crate) fn write(self, reply: &Reply<'_>) -> rc_status {
        let answer = self.answer;
        // SAFETY: of this length at least, which is why it is not null, and the caller's alone.
        let room: &mut [u8; RC_REPLY_MAX] = unsafe { answer.reply.room() };
        let Ok(written) = reply.write(room) else { return rc_status::RC_BUFFER_TOO_SMALL };
        (answer.reply.len, answer.event.len) = (written.len(), 0);
        answer.say(reply.status(), allow_of(reply), None)
    }

    /// Writes what is said of a change that was stored.
    #[inline(always)]
    pub(crate) fn write_stored(self, reply: &StateReply<'_>, event: &Event<'_>) -> rc_status {
        let answer = self.answer;
        // SAFETY: of this length at least, which is why it is not null, and the caller's alone.
        let room: &mut [u8; RC_REPLY_MAX] = unsafe { answer.reply.room() };
        let Ok(reply) = reply.write(room) else { return rc_status::RC_BUFFER_TOO_SMALL };
        answer.reply.len = reply.len();
        // SAFETY: the same.
        let room: &mut [u8; RC_EVENT_MAX] = unsafe { answer.event.room() };
        let Ok(written) = event.write(room) else { return rc_status::RC_BUFFER_TOO_SMALL };
        answer.event.len = written.len();
        answer.say(200, null(), Some(event.action))
    }
}

fn allow_of(reply: &Reply<'_>) -> *const c_char {
    reply.allow().and_then(allow_text).map_or(null(), CStr::as_ptr)
}

/// What the core says of a path's methods, with a zero byte after it.
pub(crate) fn allow_text(allow: &str) -> Option<&'static CStr> {
    const ALL: [recording_core::wire::Allow; 2] =
        [recording_core::wire::Allow::GetHead, recording_core::wire::Allow::Post];
    ALL.into_iter().find(|known| known.header() == allow).map(|known| match known {
        recording_core::wire::Allow::GetHead => c_text!(recording_core::wire::Allow::GetHead.header()),
        recording_core::wire::Allow::Post => c_text!(recording_core::wire::Allow::Post.header()),
    })
}

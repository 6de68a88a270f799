//! What goes out: reply and event, into buffers of the caller's.

use core::ffi::{CStr, c_char};
use core::ptr::null;
use core::slice;

use recording_core::{BufferTooSmall, Event, Reply, Stored};

use crate::names::{audit_name, c_text};
use crate::pointers::{check, unique};
use crate::rc_status;

/// The longest reply: into a buffer of this size writing cannot fail.
pub const RC_REPLY_MAX: usize = 1024;
/// The longest event: into a buffer of this size writing cannot fail.
pub const RC_EVENT_MAX: usize = 256;
// `RC_CONTENT_TYPE`, `RC_CACHE_CONTROL` and `RC_EVENT_NAME` stand in `cbindgen.toml`; a test holds them against the core.
const _: () = {
    assert!(RC_REPLY_MAX >= Reply::MAX_LEN);
    assert!(RC_EVENT_MAX >= Event::MAX_LEN);
};

/// A buffer of the caller's. What is written has no zero byte behind it.
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

    /// Whether one byte belongs to both.
    #[inline(always)]
    fn overlaps(&self, other: *const u8, len: usize) -> bool {
        let (one, other) = (self.data.addr(), other.addr());
        other.wrapping_sub(one) < self.capacity || one.wrapping_sub(other) < len
    }

    /// Writes to a checked buffer; how many bytes were written, or are needed.
    ///
    /// # Safety
    ///
    /// Unless `data` is null, `capacity` bytes there are the caller's alone.
    #[inline(always)]
    unsafe fn fill(
        &self,
        write: impl FnOnce(&mut [u8]) -> Result<&[u8], BufferTooSmall>,
    ) -> Result<usize, BufferTooSmall> {
        let room = if self.data.is_null() {
            &mut []
        } else {
            // SAFETY: not null, of a length that was checked, and the caller's alone. Bytes need no alignment.
            unsafe { slice::from_raw_parts_mut(self.data.cast::<u8>(), self.capacity) }
        };
        Ok(write(room)?.len())
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
        let (len, done) = match unsafe { given.fill(write) } {
            Ok(len) => (len, Ok(())),
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
    /// Unless it is null or misaligned, an answer stands at `answer`; it and the bytes of its buffers are the caller's
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

    /// Whether any answer finds room here.
    #[inline(always)]
    pub(crate) const fn are_large(&self) -> Result<(), rc_status> {
        if self.answer.reply.capacity < RC_REPLY_MAX || self.answer.event.capacity < RC_EVENT_MAX {
            return Err(rc_status::RC_BUFFER_TOO_SMALL);
        }
        Ok(())
    }

    /// Whether what an answer is made from would be written over while it is read.
    #[inline(always)]
    pub(crate) fn are_apart(&self, said: &[u8]) -> Result<(), rc_status> {
        let rc_answer { reply, event, .. } = &*self.answer;
        if reply.overlaps(said.as_ptr(), said.len()) || event.overlaps(said.as_ptr(), said.len()) {
            return Err(rc_status::RC_OVERLAP);
        }
        Ok(())
    }

    /// Writes an answer that changed nothing.
    pub(crate) fn write(self, reply: &Reply<'_>) -> rc_status {
        let allow = match reply.allow() {
            None => null(),
            Some(allow) => allow_text(allow).map_or(null(), CStr::as_ptr),
        };
        self.write_pieces(|room| reply.write(room), reply.status(), allow, None)
    }

    /// Writes what is said of a change that was stored.
    #[inline(always)]
    pub(crate) fn write_stored(self, stored: &Stored<'_>) -> rc_status {
        self.write_pieces(|room| stored.reply.write(room), 200, null(), Some(&stored.event))
    }

    /// Writes an answer whose reply comes from elsewhere.
    #[inline(always)]
    pub(crate) fn write_pieces(
        self,
        reply: impl FnOnce(&mut [u8]) -> Result<&[u8], BufferTooSmall>,
        status: u16,
        allow: *const c_char,
        event: Option<&Event<'_>>,
    ) -> rc_status {
        let answer = self.answer;
        // SAFETY: checked, and the caller's alone, as who made this value has said.
        let reply_len = unsafe { answer.reply.fill(reply) };
        let event_len = match event {
            // SAFETY: the same.
            Some(event) => unsafe { answer.event.fill(|room| event.write(room)) },
            None => Ok(0),
        };
        let too_small = reply_len.is_err() || event_len.is_err();
        answer.reply.len = reply_len.unwrap_or_else(|error| error.needed);
        answer.event.len = event_len.unwrap_or_else(|error| error.needed);
        if too_small {
            return rc_status::RC_BUFFER_TOO_SMALL;
        }
        answer.allow = allow;
        answer.status = status;
        (answer.action, answer.audit_name) = match event {
            Some(event) => (event.action.code(), audit_name(event.action).as_ptr()),
            None => (0, null()),
        };
        rc_status::RC_OK
    }
}

/// What the core says of a path's methods, with a zero byte behind it.
pub(crate) fn allow_text(allow: &str) -> Option<&'static CStr> {
    const ALL: [recording_core::Allow; 2] = [recording_core::Allow::GetHead, recording_core::Allow::Post];
    ALL.into_iter().find(|known| known.header() == allow).map(|known| match known {
        recording_core::Allow::GetHead => c_text!(recording_core::Allow::GetHead.header()),
        recording_core::Allow::Post => c_text!(recording_core::Allow::Post.header()),
    })
}

//! What a function says of itself.

use core::ffi::{c_char, c_int};

/// What a function says of itself: `RC_OK`, or why it did nothing. `rc_status_text` has a text for each.
///
/// Later versions may add to these.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rc_status {
    /// Done.
    RC_OK = 0,
    /// A pointer is null that must not be, or a text has a length and no bytes.
    RC_NULL = 1,
    /// A pointer is not aligned as its type must be.
    RC_MISALIGNED = 2,
    /// A length is more than memory can hold (`PTRDIFF_MAX`).
    RC_TOO_LONG = 3,
    /// A buffer that is written to overlaps one that is read.
    RC_OVERLAP = 4,
    /// A buffer has too little room.
    RC_BUFFER_TOO_SMALL = 5,
    /// A byte is none of the 36 states.
    RC_NO_STATE = 6,
    /// A number is none of those that it may be: neither 0 nor 1 where it means no or yes, or no such code.
    RC_NO_CODE = 7,
    /// A text is no name of a UCC: 1 to 64 bytes of UTF-8 without control characters and without `/`.
    RC_NO_UCC_NAME = 8,
    /// A text is no SIP URI: ASCII, `sip:` or `sips:`, one `@` with something on both sides, at most 255 bytes.
    RC_NO_SIP_URI = 9,
    /// A text is no correlation id: a GUID, hyphenated, as 32 digits, or hyphenated in braces.
    RC_NO_CORRELATION_ID = 10,
    /// A document cannot be read.
    RC_NOT_UNDERSTOOD = 11,
    /// An exchange is not at the stage that this belongs to.
    RC_WRONG_STAGE = 12,
    /// The memory holds no exchange or no desk: it was not begun, or was scribbled over.
    RC_NOT_INITIALIZED = 13,
    /// A capacity of a desk is 0, more than 65534 sessions, UCCs or agents, or more than the memory of the machine.
    RC_NO_CAPACITY = 14,
    /// The memory of a desk is smaller than `rc_desk_size` says.
    RC_MEMORY_TOO_SMALL = 15,
    /// There is no such UCC.
    RC_UNKNOWN_UCC = 16,
    /// There is no such session.
    RC_UNKNOWN_SESSION = 17,
    /// There is a UCC of this name already.
    RC_UCC_EXISTS = 18,
    /// The session is open already and stays as it is.
    RC_ALREADY_OPEN = 19,
    /// There are as many UCCs as the desk holds.
    RC_UCCS_FULL = 20,
    /// There are as many agents as the desk holds.
    RC_AGENTS_FULL = 21,
    /// Names and URIs together are longer than the desk holds.
    RC_TEXT_FULL = 22,
    /// As many sessions are open as the desk holds.
    RC_SESSIONS_FULL = 23,
}

/// The text of a status, in English, without a full stop. Never null, static, ends with a zero byte.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn rc_status_text(status: c_int) -> *const c_char {
    const TEXTS: [&core::ffi::CStr; 24] = [
        c"done",
        c"a pointer is null that must not be",
        c"a pointer is not aligned",
        c"a length is more than memory can hold",
        c"a buffer that is written to overlaps one that is read",
        c"a buffer has too little room",
        c"a byte is none of the 36 states",
        c"a number is none of those that it may be",
        c"not the name of a UCC",
        c"not a SIP URI",
        c"not a correlation id",
        c"the document cannot be read",
        c"the exchange is not at the stage that this belongs to",
        c"the memory holds no exchange or no desk",
        c"a capacity is 0 or too large",
        c"the memory of the desk is too small",
        c"there is no such UCC",
        c"there is no such session",
        c"there is a UCC of this name already",
        c"the session is open already",
        c"there are as many UCCs as the desk holds",
        c"there are as many agents as the desk holds",
        c"names and URIs together are longer than the desk holds",
        c"as many sessions are open as the desk holds",
    ];
    const _: () = assert!(TEXTS.len() == rc_status::RC_SESSIONS_FULL as usize + 1);
    let text = usize::try_from(status).ok().and_then(|status| TEXTS.get(status).copied());
    text.unwrap_or(c"no status of this library").as_ptr()
}

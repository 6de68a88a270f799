//! Texts that come in.

use core::ffi::c_char;
use core::slice;

use recording_core::wire::{CorrelationId, SipUri, UccName};

use crate::rc_status;

/// Bytes that the caller owns, with their number; no zero byte need follow them. `rc_text_of` makes one of a string.
///
/// `data` may be null if `len` is 0. A function that takes a text only reads it, and keeps no pointer to it after it
/// returns.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rc_text {
    /// The first byte.
    pub data: *const c_char,
    /// How many bytes.
    pub len: usize,
}

impl rc_text {
    pub(crate) const NONE: Self = Self { data: core::ptr::null(), len: 0 };

    pub(crate) const fn of(text: &str) -> Self {
        Self { data: text.as_ptr().cast(), len: text.len() }
    }

    /// # Safety
    ///
    /// Unless `data` is null, `len` bytes can be read there and do not change while `'a` lasts.
    pub(crate) const unsafe fn bytes<'a>(self) -> Result<&'a [u8], rc_status> {
        if self.data.is_null() {
            return if self.len == 0 { Ok(&[]) } else { Err(rc_status::RC_NULL) };
        }
        if self.len > isize::MAX as usize {
            return Err(rc_status::RC_TOO_LONG);
        }
        // SAFETY: not null, not longer than memory, and readable as the caller says. Bytes need no alignment.
        Ok(unsafe { slice::from_raw_parts(self.data.cast(), self.len) })
    }

    /// # Safety
    ///
    /// As for [`bytes`](Self::bytes).
    unsafe fn str<'a>(self, otherwise: rc_status) -> Result<&'a str, rc_status> {
        // SAFETY: as the caller says.
        let bytes = unsafe { self.bytes() }?;
        str::from_utf8(bytes).map_err(|_| otherwise)
    }

    /// # Safety
    ///
    /// As for [`bytes`](Self::bytes).
    pub(crate) unsafe fn ucc<'a>(self) -> Result<UccName<'a>, rc_status> {
        // SAFETY: as the caller says.
        let text = unsafe { self.str(rc_status::RC_NO_UCC_NAME) }?;
        UccName::new(text).map_err(|_| rc_status::RC_NO_UCC_NAME)
    }

    /// # Safety
    ///
    /// As for [`bytes`](Self::bytes).
    pub(crate) unsafe fn uri<'a>(self) -> Result<SipUri<'a>, rc_status> {
        // SAFETY: as the caller says.
        let text = unsafe { self.str(rc_status::RC_NO_SIP_URI) }?;
        SipUri::new(text).map_err(|_| rc_status::RC_NO_SIP_URI)
    }

    /// # Safety
    ///
    /// As for [`bytes`](Self::bytes).
    pub(crate) unsafe fn correlation_id(self) -> Result<CorrelationId, rc_status> {
        // SAFETY: as the caller says.
        let text = unsafe { self.str(rc_status::RC_NO_CORRELATION_ID) }?;
        CorrelationId::parse(text).map_err(|_| rc_status::RC_NO_CORRELATION_ID)
    }
}

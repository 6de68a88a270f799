//! Requests as they arrive.

use recording_core::wire::RequestParts;
use recording_core::wire::{ReadError, Rejection, SetRequest};
use recording_core::{Request, Scratch};

use crate::pointers::{check, shared};
use crate::{rc_status, rc_text};

/// The longest body that is read, in bytes. Of a longer one no more than this and one bytes need be given.
pub const RC_BODY_MAX: usize = 2048;

const _: () = assert!(RC_BODY_MAX == SetRequest::MAX_BODY_LEN);

/// A request as it arrived. It is only read, and not kept: when the function returns, its bytes may go.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rc_request {
    /// `GET` and the like.
    pub method: rc_text,
    /// The request target as it came, percent codes, query and all.
    pub target: rc_text,
    /// The value of the `Content-Type` header; several are joined with `", "`. Null if there is none.
    pub content_type: rc_text,
    /// The body. It is looked at only if `rc_wants_body` says so.
    pub body: rc_text,
}

/// The same as slices.
pub(crate) struct Raw<'a> {
    pub(crate) method: &'a [u8],
    pub(crate) target: &'a [u8],
    pub(crate) content_type: Option<&'a [u8]>,
    pub(crate) body: &'a [u8],
}

impl<'a> Raw<'a> {
    /// # Safety
    ///
    /// Unless it is null, a request can be read at `request`, and its bytes, and neither changes while `'a` lasts.
    #[inline(always)]
    pub(crate) unsafe fn of(request: *const rc_request) -> Result<Self, rc_status> {
        // SAFETY: as the caller says.
        let request = unsafe { shared(request) }?;
        // SAFETY: as the caller says, for each of its texts.
        let bytes = |text: rc_text| unsafe { text.bytes() };
        let content_type = bytes(request.content_type)?;
        Ok(Self {
            method: bytes(request.method)?,
            target: bytes(request.target)?,
            content_type: (!request.content_type.data.is_null()).then_some(content_type),
            body: bytes(request.body)?,
        })
    }

    #[inline(always)]
    pub(crate) fn read(&self, scratch: &'a mut Scratch) -> Result<Request<'a>, Rejection> {
        Request::read(
            RequestParts { method: self.method, target: self.target, content_type: self.content_type, body: self.body },
            scratch,
        )
    }

    /// Where stands what an answer says again: names and ids.
    #[inline(always)]
    pub(crate) const fn said(&self, request: &Request<'_>) -> &'a [u8] {
        match request {
            Request::Set(_) => self.body,
            Request::State(_) | Request::Capabilities(_) => self.target,
        }
    }
}

/// Tells whether the body of a request means something, before it is read: `wants_body` is 1 then. Its own `body` is not
/// looked at. If it is 0, the request is complete as it is, and may be one that is turned away.
///
/// Nothing may be null. On failure `wants_body` stays as it was. Threads: any.
///
/// # Safety
///
/// A request can be read at `request`, and its bytes; a byte can be written at `wants_body`; unless one is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_wants_body(request: *const rc_request, wants_body: *mut u8) -> rc_status {
    // SAFETY: as the caller says.
    let raw = match check(wants_body).and_then(|()| unsafe { Raw::of(request) }) {
        Ok(raw) => raw,
        Err(status) => return status,
    };
    // Asked with no body: it is bad JSON where one is wanted, and nowhere else. `Head` says the same, but then the part
    // that reads heads would be compiled twice, or no longer as one with its only caller.
    let without_body = Raw { body: &[], ..raw };
    let wants = matches!(without_body.read(&mut Scratch::new()), Err(Rejection::NotUnderstood(ReadError::Json(_))));
    // SAFETY: not null, and writable as the caller says.
    unsafe { wants_body.write(wants.into()) };
    rc_status::RC_OK
}

//! The head of a request: what is known before its body is read.

use super::target::{self, Route};
use super::{CapabilitiesRequest, Request, Scratch, SetRequest, StateRequest};
use crate::scan::{equal, split_once};
use crate::wire::{Allow, Rejection};

/// A request whose method, target and content type are sound. What is left to read is the body, if it wants one.
///
/// A shell that has the whole request at hand uses [`Request::read`]. One that reads bodies as they come (or sends
/// `100 Continue`) reads the head first, and the body only if [`wants_body`](Self::wants_body).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use]
pub struct Head<'a> {
    route: Route<'a>,
}

impl<'a> Head<'a> {
    /// Reads the head.
    ///
    /// `target` is the request target as it came, with its query. `content_type` is the value of the `Content-Type`
    /// header; a shell that got several of them joins them with `, `.
    ///
    /// # Errors
    ///
    /// In this order: [`Rejection::UnknownPath`], [`Rejection::MethodNotAllowed`],
    /// [`Rejection::UnsupportedMediaType`].
    pub fn read(method: &[u8], target: &'a [u8], content_type: Option<&[u8]>) -> Result<Self, Rejection> {
        let route = Route::of(target).ok_or(Rejection::UnknownPath)?;
        let allow = route.allow();
        let allowed = match allow {
            Allow::Post => equal(method, b"POST"),
            Allow::GetHead => equal(method, b"GET") || equal(method, b"HEAD"),
        };
        if !allowed {
            return Err(Rejection::MethodNotAllowed { allow });
        }
        if allow == Allow::Post && !content_type.is_some_and(is_json) {
            return Err(Rejection::UnsupportedMediaType);
        }
        Ok(Self { route })
    }

    /// Whether the request's body means something. If not, it need not be read.
    #[must_use]
    pub const fn wants_body(&self) -> bool {
        matches!(self.route, Route::Set)
    }

    /// Reads the rest of the request.
    ///
    /// Of a body that is too large no more than [`SetRequest::MAX_BODY_LEN`] and one bytes need be given.
    ///
    /// # Errors
    ///
    /// [`Rejection::BodyTooLarge`] or [`Rejection::NotUnderstood`].
    pub fn request(self, body: &'a [u8], scratch: &'a mut Scratch) -> Result<Request<'a>, Rejection> {
        match self.route {
            Route::State { ucc, correlation_id } => {
                let (id_room, ucc_room) = scratch.parts();
                let ucc = target::ucc(ucc, ucc_room)?;
                let correlation_id = target::correlation_id(correlation_id, id_room)?;
                Ok(Request::State(StateRequest { ucc, correlation_id }))
            }
            Route::Capabilities { ucc } => {
                let ucc = target::ucc(ucc, &mut scratch.0)?;
                Ok(Request::Capabilities(CapabilitiesRequest { ucc }))
            }
            Route::Set => SetRequest::read_as(body, scratch, Request::Set),
        }
    }
}

/// A request as a transport hands it over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestParts<'a> {
    /// The method, for example `POST`.
    pub method: &'a [u8],
    /// The request target as it came, with its query.
    pub target: &'a [u8],
    /// The value of the `Content-Type` header; several of them joined with `, `.
    pub content_type: Option<&'a [u8]>,
    /// The body. Of one that is too large no more than [`SetRequest::MAX_BODY_LEN`] and one bytes need be given.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// Reads a whole request: [`Head::read`], then [`Head::request`].
    ///
    /// # Errors
    ///
    /// Those of the two, in their order.
    #[inline(never)]
    pub fn read(parts: RequestParts<'a>, scratch: &'a mut Scratch) -> Result<Self, Rejection> {
        let RequestParts { method, target, content_type, body } = parts;
        Head::read(method, target, content_type)?.request(body, scratch)
    }
}

/// `application/json` in any case, with or without parameters; no other JSON types. OURS.
fn is_json(content_type: &[u8]) -> bool {
    let (mut essence, _parameters) = split_once(content_type, b';');
    // The white space of headers, which is less than ASCII's.
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = essence {
        essence = rest;
    }
    essence.eq_ignore_ascii_case(b"application/json")
}

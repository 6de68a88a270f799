//! Requests: from bytes to a typed request or a typed rejection, and, for a client, back to bytes.

mod body;
mod head;
mod target;

pub use head::{Head, RequestParts};

use crate::Action;
use crate::wire::{CorrelationId, SipUri, UccName};

/// An understood request (check 1 of the order is passed).
///
/// ```
/// use recording_core::wire::RequestParts;
/// use recording_core::{Request, Scratch};
///
/// let parts = RequestParts {
///     method: b"GET",
///     target: b"/attendantservice/api/recording/capabilities/ucc%2Ddemo%2Dname",
///     content_type: None,
///     body: b"",
/// };
/// let mut scratch = Scratch::new();
/// let Request::Capabilities(request) = Request::read(parts, &mut scratch)? else { panic!("capabilities") };
/// assert_eq!(request.ucc.as_str(), "ucc-demo-name");
/// # Ok::<(), recording_core::wire::Rejection>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Request<'a> {
    /// Read a session's state.
    State(StateRequest<'a>),
    /// Change a session's state.
    Set(SetRequest<'a>),
    /// Ask whether changing is allowed.
    Capabilities(CapabilitiesRequest<'a>),
}

/// `GET <uccname>/<correlation id>`: read a session's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StateRequest<'a> {
    /// Which UCC.
    pub ucc: UccName<'a>,
    /// Which session of it.
    pub correlation_id: CorrelationId,
}

/// `POST set`: change a session's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SetRequest<'a> {
    /// What is asked.
    pub action: Action,
    /// Who asks.
    pub requester: SipUri<'a>,
    /// Which session.
    pub correlation_id: CorrelationId,
    /// Which UCC.
    pub ucc: UccName<'a>,
}

/// `GET capabilities/<uccname>`: ask whether changing is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CapabilitiesRequest<'a> {
    /// Which UCC.
    pub ucc: UccName<'a>,
}

/// Room for texts that a request writes with escapes or percent codes; everything else is borrowed from the request.
/// 357 bytes.
///
/// It needs no cleaning between requests.
///
/// ```
/// assert_eq!(size_of::<recording_core::Scratch>(), 357);
/// ```
#[derive(Debug, Clone)]
pub struct Scratch([u8; Self::LEN]);

impl Scratch {
    /// Bytes of room: the longest id, the longest name and the longest URI.
    const LEN: usize = CorrelationId::MAX_READ_LEN + UccName::MAX_LEN + SipUri::MAX_LEN;

    /// Fresh room.
    #[must_use]
    pub const fn new() -> Self {
        Self([0; Self::LEN])
    }

    /// Room for an id, and room for the rest.
    fn parts(&mut self) -> (&mut [u8], &mut [u8]) {
        self.0.split_at_mut_checked(CorrelationId::MAX_READ_LEN).unwrap_or_default()
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

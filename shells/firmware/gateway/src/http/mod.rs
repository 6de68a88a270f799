//! HTTP/1.1 (RFC 9110, RFC 9112) as far as a server needs it, read to the letter.
//!
//! A reader of our own and not `httparse`: it is a part of what is linked without a panic, it refuses each known form of
//! request smuggling instead of leaving that to its caller, and it keeps nothing of a head but what is asked of it.

pub mod body;
pub mod head;
pub mod reply;

pub use body::{Body, Framing};
pub use head::{Head, Read};
pub use reply::{Outgoing, Persistence};

/// What makes a request one that HTTP does not allow, or that this server does not serve. The connection is closed
/// after the reply: where the next request would begin is not known any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// 400: it is not what the grammar allows, or its length is not certain.
    Malformed,
    /// 408: it did not arrive in time.
    TooSlow,
    /// 413: its body is too long.
    TooMuch,
    /// 414: its target does not fit.
    TargetTooLong,
    /// 417: it expects something else than `100-continue`.
    Expectation,
    /// 431: its head does not fit.
    HeadTooLarge,
    /// 501: its body has a transfer coding other than `chunked`.
    TransferCoding,
    /// 503: nothing was changed, since the recorders' line does not take what was changed before.
    Busy,
    /// 503: it was changed, and the recorders' line has not taken it.
    NotTaken,
    /// 505: it is not HTTP/1.
    Version,
}

impl Fault {
    /// The status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::TooSlow => 408,
            Self::TooMuch => 413,
            Self::TargetTooLong => 414,
            Self::Expectation => 417,
            Self::HeadTooLarge => 431,
            Self::TransferCoding => 501,
            Self::Busy | Self::NotTaken => 503,
            Self::Version => 505,
        }
    }

    /// What the reply says; `None` for what the core has a text for.
    #[must_use]
    pub const fn text(self) -> Option<&'static str> {
        Some(match self {
            Self::TooMuch => return None,
            Self::Malformed => "This is not a request that HTTP/1.1 allows.",
            Self::TooSlow => "The request did not arrive in time.",
            Self::TargetTooLong => "The request target is too long.",
            Self::Expectation => "The only expectation that is met is 100-continue.",
            Self::HeadTooLarge => "The head of the request is too large.",
            Self::TransferCoding => "The only transfer coding that is read is chunked.",
            Self::Busy => "The recorders' line is not moving. Nothing was changed.",
            Self::NotTaken => {
                "The recorders' line is not moving. The change is made; the recorder has not been reached."
            }
            Self::Version => "Only HTTP/1.0 and HTTP/1.1 are spoken here.",
        })
    }
}

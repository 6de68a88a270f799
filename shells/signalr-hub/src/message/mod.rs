//! Hub messages: what they mean, whichever protocol writes them.
//!
//! | type | name | from a client | from here |
//! |--:|---|---|---|
//! | 1 | Invocation | a call; answered if it has an id | an event, never with an id |
//! | 2 | StreamItem | ignored | never |
//! | 3 | Completion | ignored | the answer to a call |
//! | 4 | StreamInvocation | answered with an error | never |
//! | 5 | CancelInvocation | ignored | never |
//! | 6 | Ping | a sign of life | after a while of silence |
//! | 7 | Close | ends the connection | before the end |
//! | 8, 9 | Ack, Sequence | ignored | never: stateful reconnect is declined |
//! | others | | ignored: of a future version | never |

mod json;
mod message_pack;

use core::fmt;

use bytes::Bytes;
use serde_json::Value;

use crate::handshake::Protocol;

/// What came from a client.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Incoming {
    Invocation(Invocation),
    Ping,
    Close,
    /// What asks for nothing.
    Other,
}

/// A client's call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Invocation {
    /// Without one, the caller waits for no answer.
    pub(crate) id: Option<String>,
    pub(crate) target: String,
    /// `None` if there is something among them that JSON has no word for.
    pub(crate) arguments: Option<Vec<Value>>,
    /// The client wants a stream of results.
    pub(crate) wants_stream: bool,
    /// The client will send streams of its own.
    pub(crate) brings_streams: bool,
}

/// The longest id of a call, in bytes. Clients use numbers and UUIDs.
const LONGEST_ID: usize = 256;

/// How many characters of a name are repeated in a text for its sender.
const REPEATED: usize = 64;

impl Invocation {
    pub(crate) fn id_is_short(&self) -> bool {
        self.id.as_ref().is_none_or(|id| id.len() <= LONGEST_ID)
    }
}

/// The begin of a name that came from outside: what is sent back must not be as long as its sender likes.
pub(crate) fn shortened(name: &str) -> &str {
    name.char_indices().nth(REPEATED).and_then(|(end, _)| name.get(..end)).unwrap_or(name)
}

/// A record that is no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Why a call failed, as it is sent to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError {
    /// There is no such method.
    UnknownMethod,
    /// There are too few arguments, too many, or others than the method takes.
    BadArguments,
    /// Anything else, in words that the client may see.
    Refused(String),
}

/// The text of an error about a call, in the words of the original server as far as it has some.
pub(crate) struct ErrorText<'a> {
    pub(crate) target: &'a str,
    pub(crate) error: &'a CallError,
}

impl fmt::Display for ErrorText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = shortened(self.target);
        match self.error {
            CallError::UnknownMethod => write!(f, "Unknown hub method '{target}'"),
            CallError::BadArguments => write!(f, "Failed to invoke '{target}' due to an error on the server."),
            CallError::Refused(reason) => {
                write!(f, "An unexpected error occurred invoking '{target}' on the server. {reason}")
            }
        }
    }
}

/// What is sent when a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Goodbye {
    pub(crate) error: Option<&'static str>,
    /// Whether the client should come back by itself.
    pub(crate) allow_reconnect: bool,
}

impl Protocol {
    /// What a record means, and of how many values it is made: that is what reading it costs.
    pub(crate) fn read(self, record: &[u8]) -> (Result<Incoming, Malformed>, usize) {
        match self {
            Self::Json => json::read(record),
            Self::MessagePack => message_pack::read(record),
        }
    }

    pub(crate) fn completion(self, id: &str, outcome: &Result<Option<Value>, String>) -> Bytes {
        match self {
            Self::Json => json::completion(id, outcome),
            Self::MessagePack => message_pack::completion(id, outcome),
        }
    }

    pub(crate) const fn ping(self) -> Bytes {
        match self {
            Self::Json => json::PING,
            Self::MessagePack => message_pack::PING,
        }
    }

    pub(crate) fn close(self, goodbye: Goodbye) -> Bytes {
        match self {
            Self::Json => json::close(goodbye),
            Self::MessagePack => message_pack::close(goodbye),
        }
    }
}

/// An event for all who listen, written once for each protocol and shared from there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    json: Bytes,
    message_pack: Bytes,
}

/// An argument of an event, as each protocol writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argument<'a> {
    /// A JSON value on one line: with no line break in it, not even between its tokens.
    pub json: &'a [u8],
    /// The same as a MessagePack value.
    pub message_pack: &'a [u8],
}

impl Publication {
    /// The invocation of `target`, the event's name, on the client.
    #[must_use]
    pub fn new(target: &str, arguments: &[Argument<'_>]) -> Self {
        Self { json: json::invocation(target, arguments), message_pack: message_pack::invocation(target, arguments) }
    }

    /// The record as a protocol writes it.
    #[must_use]
    pub const fn record(&self, protocol: Protocol) -> &Bytes {
        match protocol {
            Protocol::Json => &self.json,
            Protocol::MessagePack => &self.message_pack,
        }
    }
}

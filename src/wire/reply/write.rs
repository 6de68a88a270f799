//! Replies to bytes: keys in the page's order, without white space.

use super::{CapabilitiesReply, ErrorMessage, ErrorReply, Reply, StateReply};
use crate::State;
use crate::pieces::Pieces;
use crate::state::Axis;
use crate::wire::json::Writer;
use crate::wire::{BufferTooSmall, CorrelationId, SipUri, UccName};

/// What every reply must say of itself: the value of its `Content-Type` header.
pub const CONTENT_TYPE: &str = "application/json; charset=utf-8";

/// What every reply must say of itself: the value of its `Cache-Control` header.
pub const CACHE_CONTROL: &str = "no-store";

const fn longer(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

/// The longest `ErrorMessage` of an understood request: that of check 6, which echoes the most.
const REFUSAL_MAX: usize = br#"{"ErrorType":2,"Message":"Requester:'' is not an agent of UCC:''."}"#.len()
    + SipUri::MAX_ESCAPED_LEN
    + UccName::MAX_ESCAPED_LEN;

/// The longest `ErrorMessage` of a capabilities reply: that of check 2, the only one it knows.
const UNKNOWN_UCC_MAX: usize =
    br#"{"ErrorType":2,"Message":"No UCC with name:'' was found."}"#.len() + UccName::MAX_ESCAPED_LEN;

/// The longest fixed text that a rejection is made of; see the test that tries them all.
const REJECTION_MAX: usize = 192;

impl Reply<'_> {
    /// The longest reply that the core ever makes: into a buffer of this size writing cannot fail.
    pub const MAX_LEN: usize = longer(StateReply::MAX_LEN, longer(CapabilitiesReply::MAX_LEN, ErrorReply::MAX_LEN));

    /// Writes the body of the reply.
    ///
    /// # Errors
    ///
    /// If the buffer is too small; never with [`MAX_LEN`](Self::MAX_LEN) bytes for what the core made itself.
    pub fn write<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], BufferTooSmall> {
        match self {
            Self::State(reply) => reply.write(buffer),
            Self::Capabilities(reply) => reply.write(buffer),
            Self::Rejected(rejection) => write_bare(buffer, &(*rejection).into()),
        }
    }
}

impl StateReply<'_> {
    /// The longest state reply that the core ever makes. One with a text from outside may be longer.
    pub const MAX_LEN: usize =
        br#"{"CorrelationId":"","RecordingState":0,"MarkingState":0,"SavingState":0,"ErrorMessage":,"UCCName":""}"#
            .len()
            + CorrelationId::HYPHENATED_LEN
            + REFUSAL_MAX
            + UccName::MAX_ESCAPED_LEN;

    /// Writes the body of the reply.
    ///
    /// # Errors
    ///
    /// If the buffer is too small; never with [`MAX_LEN`](Self::MAX_LEN) bytes for what the core made itself.
    pub fn write<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], BufferTooSmall> {
        let mut writer = Writer::new(buffer);
        writer.raw(br#"{"CorrelationId":""#);
        writer.id(self.correlation_id);
        writer.raw(br#"","#);
        write_state(&mut writer, self.state);
        write_end(&mut writer, self.error.as_ref(), self.ucc);
        writer.finish()
    }
}

impl CapabilitiesReply<'_> {
    /// The longest capabilities reply that the core ever makes. One with a text from outside may be longer.
    pub const MAX_LEN: usize = br#"{"AgentCanEditRecordings":false,"ErrorMessage":,"UCCName":""}"#.len()
        + UNKNOWN_UCC_MAX
        + UccName::MAX_ESCAPED_LEN;

    /// Writes the body of the reply.
    ///
    /// # Errors
    ///
    /// If the buffer is too small; never with [`MAX_LEN`](Self::MAX_LEN) bytes for what the core made itself.
    pub fn write<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], BufferTooSmall> {
        let mut writer = Writer::new(buffer);
        writer.raw(br#"{"AgentCanEditRecordings":"#);
        writer.raw(if self.agent_can_edit_recordings { b"true" } else { b"false" });
        write_end(&mut writer, self.error.as_ref(), self.ucc);
        writer.finish()
    }
}

impl ErrorReply<'_> {
    /// The longest error reply that the core ever makes. One with a text from outside may be longer.
    pub const MAX_LEN: usize = longer(REJECTION_MAX, br#"{"ErrorMessage":}"#.len() + REFUSAL_MAX);

    /// Writes the body of the reply.
    ///
    /// # Errors
    ///
    /// If the buffer is too small; never with [`MAX_LEN`](Self::MAX_LEN) bytes for what the core made itself.
    pub fn write<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], BufferTooSmall> {
        write_bare(buffer, &self.error)
    }
}

impl State {
    /// How long the document of a state is.
    pub const DOCUMENT_LEN: usize = br#"{"RecordingState":0,"MarkingState":0,"SavingState":0}"#.len();

    /// Writes the document that [`State::read`] reads.
    ///
    /// # Errors
    ///
    /// If the buffer is too small; never with [`DOCUMENT_LEN`](Self::DOCUMENT_LEN) bytes.
    pub fn write(self, buffer: &mut [u8]) -> Result<&[u8], BufferTooSmall> {
        let mut writer = Writer::new(buffer);
        writer.raw(b"{");
        write_state(&mut writer, self);
        writer.raw(b"}");
        writer.finish()
    }
}

/// The three states, as a state reply and the document of a state hold them.
#[inline]
fn write_state(writer: &mut Writer<'_>, state: State) {
    writer.raw(br#""RecordingState":"#);
    writer.digit(state.code_of(Axis::Recording));
    writer.raw(br#","MarkingState":"#);
    writer.digit(state.code_of(Axis::Marking));
    writer.raw(br#","SavingState":"#);
    writer.digit(state.code_of(Axis::Saving));
}

/// What the replies to understood requests end with.
fn write_end(writer: &mut Writer<'_>, error: Option<&ErrorMessage<'_>>, ucc: UccName<'_>) {
    writer.raw(br#","ErrorMessage":"#);
    match error {
        None => writer.raw(b"null"),
        Some(error) => write_error(writer, error),
    }
    writer.raw(br#","UCCName":""#);
    writer.escaped(ucc.as_str());
    writer.raw(br#""}"#);
}

fn write_bare<'b>(buffer: &'b mut [u8], error: &ErrorMessage<'_>) -> Result<&'b [u8], BufferTooSmall> {
    let mut writer = Writer::new(buffer);
    writer.raw(br#"{"ErrorMessage":"#);
    write_error(&mut writer, error);
    writer.raw(b"}");
    writer.finish()
}

fn write_error(writer: &mut Writer<'_>, error: &ErrorMessage<'_>) {
    writer.raw(br#"{"ErrorType":"#);
    writer.decimal(error.error_type().code());
    writer.raw(br#","Message":""#);
    error.pieces(writer);
    writer.raw(br#""}"#);
}

#[cfg(test)]
mod tests {
    use super::longer;

    /// At run time, so that what ran at compile time is seen by tools that watch tests.
    #[test]
    fn the_longer_of_two() {
        assert_eq!((longer(1, 2), longer(2, 1), longer(2, 2)), (2, 2, 2));
    }
}

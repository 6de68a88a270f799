//! The event that tells listeners of a change.

use crate::json::{self, Writer};
use crate::members::Members;
use crate::{Action, BufferTooSmall, CorrelationId, Field, ReadError, UccName};

/// What `RecordingStateChangedEvent` carries. It is published on every change, to every listener, and for one session
/// in the order of the transitions. Source: page.
///
/// Note that the wire spells `UccName` here, where the REST bodies have `UCCName`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Event<'a> {
    /// The UCC of the session.
    pub ucc: UccName<'a>,
    /// The session.
    pub correlation_id: CorrelationId,
    /// What changed it.
    pub action: Action,
}

impl<'a> Event<'a> {
    /// The name of the event on the hub.
    pub const NAME: &'static str = "RecordingStateChangedEvent";

    /// The longest event: into a buffer of this size writing cannot fail.
    pub const MAX_LEN: usize =
        br#"{"UccName":"","CorrelationId":"","StateAction":1}"#.len() + UccName::ESCAPED_MAX + CorrelationId::TEXT_LEN;

    /// Writes the event.
    ///
    /// # Errors
    ///
    /// If the buffer is too small; never with [`MAX_LEN`](Self::MAX_LEN) bytes.
    pub fn write<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], BufferTooSmall> {
        let mut writer = Writer::new(buffer);
        writer.raw(br#"{"UccName":""#);
        writer.escaped(self.ucc.as_str());
        writer.raw(br#"","CorrelationId":""#);
        writer.id(self.correlation_id);
        writer.raw(br#"","StateAction":"#);
        writer.digit(self.action.code());
        writer.raw(b"}");
        writer.finish()
    }

    /// Reads an event. For clients.
    ///
    /// What it spells with escapes is put into `buffer`; the event's own length is always enough.
    ///
    /// # Errors
    ///
    /// If it is no JSON object, lacks a key, has one twice, or holds a value that means nothing.
    pub fn read(document: &'a [u8], buffer: &'a mut [u8]) -> Result<Self, ReadError> {
        const FIELDS: &[Field] = &[Field::UccName, Field::CorrelationId, Field::StateAction];
        Members::of(json::read_object(document)?, FIELDS, buffer, |members| {
            let (mut ucc, mut correlation_id, mut action) = (None, None, None);
            while let Some(field) = members.next() {
                match field {
                    Field::UccName => ucc = members.ucc(field),
                    Field::CorrelationId => correlation_id = members.correlation_id(field),
                    _ => action = members.action(field),
                }
            }
            members.end()?;
            Some(Self { ucc: ucc?, correlation_id: correlation_id?, action: action? })
        })
    }
}

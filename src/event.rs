//! The event that tells listeners of a change.

use crate::json::{self, Writer};
use crate::members::{Members, required};
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
        writer.raw(self.correlation_id.text().as_bytes());
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
        let mut ucc = None;
        let mut correlation_id = None;
        let mut action = None;
        let mut members = Members::of(json::read_object(document)?, buffer);
        while let Some(field) = members.next() {
            match field {
                Some(field @ Field::UccName) => members.once(&mut ucc, field, Members::ucc),
                Some(field @ Field::CorrelationId) => members.once(&mut correlation_id, field, Members::correlation_id),
                Some(field @ Field::StateAction) => members.once(&mut action, field, Members::action),
                _ => members.skip(),
            }
        }
        members.end()?;
        Ok(Self {
            ucc: required(ucc, Field::UccName)?,
            correlation_id: required(correlation_id, Field::CorrelationId)?,
            action: required(action, Field::StateAction)?,
        })
    }
}

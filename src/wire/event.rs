//! The event that tells listeners of a change.

use crate::Action;
use crate::wire::fields::{FieldReader, Fields};
use crate::wire::json::{self, Writer};
use crate::wire::{BufferTooSmall, CorrelationId, Field, ReadError, UccName};

/// What `RecordingStateChangedEvent` carries. It is published on every change, to every listener, and for one session
/// in the order of the transitions. [Protocol](crate#protocol): page.
///
/// Note that the wire has `UccName` here, where the REST bodies have `UCCName`.
///
/// ```
/// use recording_core::wire::{CorrelationId, UccName};
/// use recording_core::{Action, Event};
///
/// let event = Event {
///     ucc: UccName::new("ucc-demo-name")?,
///     correlation_id: CorrelationId::parse("1d6c6a58-6739-4f0c-98ff-0968292c8c30")?,
///     action: Action::Pause,
/// };
/// let mut buffer = [0; Event::MAX_LEN];
/// let written = event.write(&mut buffer)?;
/// assert_eq!(
///     written,
///     br#"{"UccName":"ucc-demo-name","CorrelationId":"1d6c6a58-6739-4f0c-98ff-0968292c8c30","StateAction":3}"#,
/// );
/// assert_eq!(Event::read(written, &mut [])?, event);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
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
    pub const MAX_LEN: usize = br#"{"UccName":"","CorrelationId":"","StateAction":1}"#.len()
        + UccName::MAX_ESCAPED_LEN
        + CorrelationId::HYPHENATED_LEN;

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
    /// Strings with escapes are unescaped into `buffer`; the event's own length is always enough.
    ///
    /// # Errors
    ///
    /// If it is no JSON object, lacks a key, has one twice, or has a value that means nothing.
    pub fn read(document: &'a [u8], buffer: &'a mut [u8]) -> Result<Self, ReadError> {
        const FIELDS: Fields = Fields::new(&[Field::UccName, Field::CorrelationId, Field::StateAction]);
        FieldReader::of(json::read_object(document)?, FIELDS, buffer, |reader| {
            let (mut ucc, mut correlation_id, mut action) = (None, None, None);
            while let Some(field) = reader.next() {
                match field {
                    Field::UccName => ucc = reader.ucc(field),
                    Field::CorrelationId => correlation_id = reader.correlation_id(field),
                    Field::StateAction => action = reader.action(field),
                    other => return reader.not_taken(other),
                }
            }
            reader.end()?;
            Some(Self { ucc: ucc?, correlation_id: correlation_id?, action: action? })
        })
    }
}

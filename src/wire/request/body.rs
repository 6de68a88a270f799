//! The body of a `set`, both ways.

use super::{Scratch, SetRequest};
use crate::wire::fields::{FieldReader, Fields};
use crate::wire::json::{self, Writer};
use crate::wire::{BufferTooSmall, CorrelationId, Field, Rejection, SipUri, UccName};

impl<'a> SetRequest<'a> {
    /// The longest body that is read, in bytes; a longer one is answered with 413, [`Rejection::BodyTooLarge`]. [Protocol](crate#protocol): OURS.
    pub const MAX_BODY_LEN: usize = 2048;

    /// The longest body that is written.
    pub const MAX_LEN: usize = br#"{"Action":1,"RequesterSipUri":"","CorrelationId":"","UCCName":""}"#.len()
        + SipUri::MAX_ESCAPED_LEN
        + CorrelationId::HYPHENATED_LEN
        + UccName::MAX_ESCAPED_LEN;

    /// Reads the body of a `set`.
    ///
    /// Keys match without regard to ASCII case, since the JSON readers of .NET do so (OURS). Unknown keys are skipped,
    /// whatever valid value they have. All four fields are required, and none may be given twice.
    ///
    /// # Errors
    ///
    /// [`Rejection::BodyTooLarge`], or [`Rejection::NotUnderstood`] with what is wrong.
    pub fn read(body: &'a [u8], scratch: &'a mut Scratch) -> Result<Self, Rejection> {
        Self::read_as(body, scratch, |request| request)
    }

    /// As [`read`](Self::read), made into what the caller wants where it is read: it is large enough that copying counts.
    pub(super) fn read_as<T>(
        body: &'a [u8],
        scratch: &'a mut Scratch,
        make: impl FnOnce(Self) -> T,
    ) -> Result<T, Rejection> {
        const FIELDS: Fields =
            Fields::new(&[Field::Action, Field::RequesterSipUri, Field::CorrelationId, Field::UccName]);
        if body.len() > Self::MAX_BODY_LEN {
            return Err(Rejection::BodyTooLarge);
        }
        let object = json::object_of(body);
        FieldReader::of(object, FIELDS, &mut scratch.0, |reader| {
            let (mut action, mut requester, mut correlation_id, mut ucc) = (None, None, None, None);
            while let Some(field) = reader.next() {
                match field {
                    Field::Action => action = reader.action(field),
                    Field::RequesterSipUri => requester = reader.requester(field),
                    Field::CorrelationId => correlation_id = reader.correlation_id(field),
                    Field::UccName => ucc = reader.ucc(field),
                    other => return reader.not_taken(other),
                }
            }
            reader.end()?;
            Some(make(Self { action: action?, requester: requester?, correlation_id: correlation_id?, ucc: ucc? }))
        })
    }

    /// Writes the body that asks this. For clients.
    ///
    /// # Errors
    ///
    /// If the buffer is too small; never with [`MAX_LEN`](Self::MAX_LEN) bytes.
    pub fn write<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], BufferTooSmall> {
        let mut writer = Writer::new(buffer);
        writer.raw(br#"{"Action":"#);
        writer.digit(self.action.code());
        writer.raw(br#","RequesterSipUri":""#);
        writer.escaped(self.requester.as_str());
        writer.raw(br#"","CorrelationId":""#);
        writer.id(self.correlation_id);
        writer.raw(br#"","UCCName":""#);
        writer.escaped(self.ucc.as_str());
        writer.raw(br#""}"#);
        writer.finish()
    }

    /// The request target that a `set` is sent to, of the path's version without a number. For clients.
    pub const TARGET: &'static str = "/attendantservice/api/recording/set";
}

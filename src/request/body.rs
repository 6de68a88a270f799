//! The body of a `set`, both ways.

use super::{Scratch, SetRequest, usual};
use crate::bytes::BY_WORDS;
use crate::json::{self, Writer};
use crate::members::Members;
use crate::{BufferTooSmall, CorrelationId, Field, Rejection, SipUri, UccName};

impl<'a> SetRequest<'a> {
    /// The longest body that is read, in bytes. Source: OURS.
    pub const BODY_MAX: usize = 2048;

    /// The longest body that is written.
    pub const WRITTEN_MAX: usize = br#"{"Action":1,"RequesterSipUri":"","CorrelationId":"","UCCName":""}"#.len()
        + SipUri::ESCAPED_MAX
        + CorrelationId::TEXT_LEN
        + UccName::ESCAPED_MAX;

    /// Reads the body of a `set`.
    ///
    /// Keys match without regard to ASCII case, since the JSON readers of .NET do so (OURS). Unknown keys are skipped,
    /// whatever valid value they hold. All four fields are required, none may stand there twice.
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
        if body.len() > Self::BODY_MAX {
            return Err(Rejection::BodyTooLarge);
        }
        let body = json::text_of(body)?;
        match if BY_WORDS { usual::read(body) } else { None } {
            Some(request) => Ok(make(request)),
            None => Self::read_members(body, scratch, make),
        }
    }

    /// Reads whatever is sound, and says what is wrong with the rest.
    #[inline(never)]
    pub(super) fn read_members<T>(
        body: &'a str,
        scratch: &'a mut Scratch,
        make: impl FnOnce(Self) -> T,
    ) -> Result<T, Rejection> {
        const FIELDS: &[Field] = &[Field::Action, Field::RequesterSipUri, Field::CorrelationId, Field::UccName];
        Members::of(json::object_of(body), FIELDS, &mut scratch.0, |members| {
            let (mut action, mut requester, mut correlation_id, mut ucc) = (None, None, None, None);
            while let Some(field) = members.next() {
                match field {
                    Field::Action => action = members.action(field),
                    Field::RequesterSipUri => requester = members.requester(field),
                    Field::CorrelationId => correlation_id = members.correlation_id(field),
                    _ => ucc = members.ucc(field),
                }
            }
            members.end()?;
            Some(make(Self { action: action?, requester: requester?, correlation_id: correlation_id?, ucc: ucc? }))
        })
    }

    /// Writes the body that asks this. For clients.
    ///
    /// # Errors
    ///
    /// If the buffer is too small; never with [`WRITTEN_MAX`](Self::WRITTEN_MAX) bytes.
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

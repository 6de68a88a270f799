//! The body of a `set`, both ways.

use super::{Scratch, SetRequest, usual};
use crate::bytes::BY_WORDS;
use crate::json::{self, Unescaped, Writer};
use crate::members::{next_field, once, read_action, read_correlation_id, read_requester, read_ucc, required};
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
        if body.len() > Self::BODY_MAX {
            return Err(Rejection::BodyTooLarge);
        }
        let body = json::text_of(body)?;
        match if BY_WORDS { usual::read(body) } else { None } {
            Some(request) => Ok(request),
            None => Self::read_members(body, scratch),
        }
    }

    /// Reads whatever is sound, and says what is wrong with the rest.
    #[inline(never)]
    pub(super) fn read_members(body: &'a str, scratch: &'a mut Scratch) -> Result<Self, Rejection> {
        let mut action = None;
        let mut requester = None;
        let mut correlation_id = None;
        let mut ucc = None;
        let mut unescaped = Unescaped::into(&mut scratch.0);
        let mut members = json::read_object_of(body)?;
        while let Some(field) = next_field(&mut members)? {
            match field {
                Some(Field::Action) => {
                    once(&mut action, Field::Action, read_action(members.value()?, Field::Action)?)?;
                }
                Some(Field::RequesterSipUri) => {
                    once(&mut requester, Field::RequesterSipUri, read_requester(&mut members, &mut unescaped)?)?;
                }
                Some(Field::CorrelationId) => {
                    once(&mut correlation_id, Field::CorrelationId, read_correlation_id(&mut members)?)?;
                }
                Some(Field::UccName) => {
                    once(&mut ucc, Field::UccName, read_ucc(&mut members, &mut unescaped)?)?;
                }
                _ => drop(members.value()?),
            }
        }
        Ok(Self {
            action: required(action, Field::Action)?,
            requester: required(requester, Field::RequesterSipUri)?,
            correlation_id: required(correlation_id, Field::CorrelationId)?,
            ucc: required(ucc, Field::UccName)?,
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
        writer.raw(self.correlation_id.text().as_bytes());
        writer.raw(br#"","UCCName":""#);
        writer.escaped(self.ucc.as_str());
        writer.raw(br#""}"#);
        writer.finish()
    }

    /// The request target that a `set` is sent to, of the path's version without a number. For clients.
    pub const TARGET: &'static str = "/attendantservice/api/recording/set";
}

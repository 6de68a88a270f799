//! Fields out of the members of a JSON object: what bodies, replies and events share when they are read.
//!
//! What reads gives `None` where something does not hold, and notes what, as the reader of JSON does: an error that every
//! return carried would cost more than the reading.

use core::mem;

use crate::json::{Kind, Object, Text, Unescaped, Value};
use crate::{Action, CorrelationId, Expected, Fault, Field, FieldError, ReadError, SipUri, UccName};

/// The members of an object, field by field.
pub(crate) struct Members<'a> {
    object: Object<'a>,
    unescaped: Unescaped<'a>,
    /// The first field that does not hold. Nothing is read behind it.
    fault: Option<FieldError>,
}

/// Keeps the value of a field that may stand there once.
#[inline]
pub(crate) const fn once<T: Copy>(slot: &mut Option<T>, field: Field, value: T) -> Result<(), FieldError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Fault::Repeated.of(field)),
    }
}

/// The value of a field that must be there.
#[inline]
pub(crate) fn required<T>(slot: Option<T>, field: Field) -> Result<T, FieldError> {
    slot.ok_or(Fault::Missing.of(field))
}

impl<'a> Members<'a> {
    /// The members of `object`; what they spell with escapes is put into `buffer`.
    pub(crate) const fn of(object: Object<'a>, buffer: &'a mut [u8]) -> Self {
        Self { object, unescaped: Unescaped::into(buffer), fault: None }
    }

    /// The field of the next key; the inner `None` for a key that is not known. Its value must be taken before the next
    /// one. `None` behind the last one, and behind what does not hold.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Option<Field>> {
        if self.fault.is_some() { None } else { self.object.next_key().map(Field::of_key) }
    }

    /// The members of an object that is the value which was taken last, in the place of these ones.
    pub(crate) fn within<T>(&mut self, object: Object<'a>, read: impl FnOnce(&mut Self) -> T) -> T {
        let outer = mem::replace(&mut self.object, object);
        let value = read(self);
        // What was taken is sound to its end.
        self.object = outer;
        value
    }

    /// Keeps what `read` makes of the value, for a field that may stand there once.
    #[inline]
    pub(crate) fn once<T: Copy>(
        &mut self,
        slot: &mut Option<T>,
        field: Field,
        read: impl FnOnce(&mut Self, Field) -> Option<T>,
    ) {
        if let Some(value) = read(self, field)
            && let Err(error) = once(slot, field, value)
        {
            self.fail::<()>(error);
        }
    }

    /// Whether everything held that was read. To be asked before anything is made of it.
    ///
    /// # Errors
    ///
    /// What did not hold.
    pub(crate) fn end(self) -> Result<(), ReadError> {
        match (self.object.error(), self.fault) {
            (Some(error), _) => Err(error.into()),
            (None, Some(fault)) => Err(fault.into()),
            (None, None) => Ok(()),
        }
    }

    /// The value of a field that must be there, of an object within another.
    pub(crate) fn required<T>(&mut self, slot: Option<T>, field: Field) -> Option<T> {
        if slot.is_none() && self.fault.is_none() { self.fail(Fault::Missing.of(field)) } else { slot }
    }

    #[inline]
    pub(crate) const fn fail<T>(&mut self, error: FieldError) -> Option<T> {
        self.fault = Some(error);
        None
    }

    /// The value, whatever it is.
    #[inline]
    pub(crate) fn value(&mut self) -> Option<Value<'a>> {
        self.object.value()
    }

    /// Passes over the value.
    pub(crate) fn skip(&mut self) {
        self.object.skip();
    }

    /// A value that must be of another type.
    pub(crate) const fn wrong<T>(&mut self, field: Field, expected: Expected, got: Kind) -> Option<T> {
        self.fail(Fault::WrongType { expected, got }.of(field))
    }

    /// A string.
    #[inline(never)]
    fn string(&mut self, field: Field) -> Option<Text<'a>> {
        match self.object.string()? {
            Ok(text) => Some(text),
            Err(got) => self.wrong(field, Expected::String, got),
        }
    }

    /// A string as it is meant.
    pub(crate) fn text(&mut self, field: Field) -> Option<&'a str> {
        let text = self.string(field)?;
        match self.unescaped.text(text) {
            Ok(text) => Some(text),
            Err(fault) => self.fail(fault.of(field)),
        }
    }

    /// A string as it is meant that is at most as long as `too_long` says.
    fn short_text(&mut self, field: Field, too_long: Fault) -> Option<&'a str> {
        let text = self.string(field)?;
        match self.unescaped.text(text) {
            Ok(text) => Some(text),
            Err(_) => self.fail(too_long.of(field)),
        }
    }

    /// An action by its id or by its name: the integers 1 to 7 as they are spelt, no `1.0`, and the names in any case.
    #[inline(never)]
    pub(crate) fn action(&mut self, field: Field) -> Option<Action> {
        let expected = Expected::Action;
        let action = match self.value()? {
            Value::Number(number) => match number.as_bytes() {
                [digit @ b'1'..=b'7'] => Action::from_code(digit - b'0'),
                _ => None,
            },
            Value::String(name) => Action::ALL.iter().copied().find(|action| name.eq_ignore_ascii_case(action.name())),
            other => return self.wrong(field, expected, other.kind()),
        };
        if action.is_none() { self.fail(Fault::NotOneOf { expected }.of(field)) } else { action }
    }

    #[inline(never)]
    pub(crate) fn correlation_id(&mut self, field: Field) -> Option<CorrelationId> {
        let text = self.string(field)?;
        let id = match text.plain() {
            Some(plain) => CorrelationId::from_bytes(plain.as_bytes()),
            None => {
                let mut buffer = [0; CorrelationId::READ_MAX];
                text.copy_to(&mut buffer).and_then(|len| CorrelationId::from_bytes(buffer.get(..len)?))
            }
        };
        if id.is_none() { self.fail(Fault::NotAGuid.of(field)) } else { id }
    }

    #[inline(never)]
    pub(crate) fn ucc(&mut self, field: Field) -> Option<UccName<'a>> {
        match UccName::new(self.short_text(field, UccName::TOO_LONG)?) {
            Ok(name) => Some(name),
            Err(error) => self.fail(error),
        }
    }

    #[inline(never)]
    pub(crate) fn requester(&mut self, field: Field) -> Option<SipUri<'a>> {
        match SipUri::new(self.short_text(field, SipUri::TOO_LONG)?) {
            Ok(uri) => Some(uri),
            Err(error) => self.fail(error),
        }
    }
}

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
    /// The fields that it must have, and have once. It may have others, which mean nothing.
    fields: &'static [Field],
    /// Those that were read, a bit each.
    read: u16,
    /// The first field that does not hold. Nothing is read behind it.
    fault: Option<FieldError>,
    unescaped: Unescaped<'a>,
}

impl<'a> Members<'a> {
    /// What `read` makes of `object`, a document. What it spells with escapes is put into `buffer`.
    ///
    /// # Errors
    ///
    /// What did not hold.
    pub(crate) fn of<T, E: From<ReadError>>(
        object: Object<'a>,
        fields: &'static [Field],
        buffer: &'a mut [u8],
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Result<T, E> {
        let unescaped = Unescaped::into(buffer);
        let mut members = Self { object, fields, read: 0, fault: None, unescaped };
        read(&mut members).ok_or_else(|| members.first_fault().into())
    }

    /// What `read` makes of an object that is the value which was taken last.
    pub(crate) fn within<T>(
        &mut self,
        object: Object<'a>,
        fields: &'static [Field],
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let outer = (mem::replace(&mut self.object, object), mem::replace(&mut self.fields, fields), self.read);
        self.read = 0;
        let value = read(self);
        // What was taken is sound to its end.
        (self.object, self.fields, self.read) = outer;
        value
    }

    /// The next of the fields. Its value must be taken before the next one. `None` behind the last one, and behind what
    /// does not hold.
    #[inline(never)]
    pub(crate) fn next(&mut self) -> Option<Field> {
        while self.fault.is_none() {
            let key = self.object.next_key()?;
            match Field::of_key(key) {
                Some(field) if self.fields.contains(&field) => {
                    let bit = 1 << field as u16;
                    if self.read & bit != 0 {
                        return self.fail(field, Fault::Repeated);
                    }
                    self.read |= bit;
                    return Some(field);
                }
                _ => self.object.spelt()?,
            };
        }
        None
    }

    /// Whether all held that was read and no field is missing. To be asked before anything is made of them.
    #[inline(never)]
    pub(crate) fn end(&mut self) -> Option<()> {
        if self.fault.is_some() || self.object.error().is_some() {
            return None;
        }
        match self.fields.iter().find(|&&field| self.read >> field as u16 & 1 == 0) {
            None => Some(()),
            Some(&field) => self.fail(field, Fault::Missing),
        }
    }

    /// What does not hold. Asked only when something does not.
    #[inline(never)]
    fn first_fault(&self) -> ReadError {
        match self.object.error() {
            Some(error) => error.into(),
            None => self.fault.unwrap_or(Fault::Missing.of(Field::Action)).into(),
        }
    }

    pub(crate) const fn fail<T>(&mut self, field: Field, fault: Fault) -> Option<T> {
        self.fault = Some(fault.of(field));
        None
    }

    /// A value that must be of another type.
    pub(crate) const fn wrong<T>(&mut self, field: Field, expected: Expected, got: Kind) -> Option<T> {
        self.fail(field, Fault::WrongType { expected, got })
    }

    /// The value, whatever it is.
    pub(crate) fn value(&mut self) -> Option<Value<'a>> {
        self.object.value()
    }

    /// A string as it is meant.
    pub(crate) fn text(&mut self, field: Field) -> Option<&'a str> {
        self.short_text(field, Fault::TooLong { max: self.unescaped.room() })
    }

    /// A string as it is meant; `too_long` if there is no room for it.
    #[inline(never)]
    fn short_text(&mut self, field: Field, too_long: Fault) -> Option<&'a str> {
        let spelt = self.object.spelt()?;
        let kind = Kind::of(spelt);
        if kind != Kind::String {
            return self.wrong(field, Expected::String, kind);
        }
        let text = self.unescaped.text(Text::quoted(spelt));
        if text.is_none() { self.fail(field, too_long) } else { text }
    }

    /// An action by its id or by its name: the integers 1 to 7 as they are spelt, no `1.0`, and the names in any case.
    #[inline(never)]
    pub(crate) fn action(&mut self, field: Field) -> Option<Action> {
        let expected = Expected::Action;
        let spelt = self.object.spelt()?;
        let action = match Kind::of(spelt) {
            Kind::Number => match spelt.as_bytes() {
                [digit] => Action::from_code(digit - b'0'),
                _ => None,
            },
            Kind::String => {
                Action::ALL.iter().copied().find(|action| Text::quoted(spelt).eq_ignore_ascii_case(action.name()))
            }
            other => return self.wrong(field, expected, other),
        };
        if action.is_none() { self.fail(field, Fault::NotOneOf { expected }) } else { action }
    }

    #[inline(never)]
    pub(crate) fn correlation_id(&mut self, field: Field) -> Option<CorrelationId> {
        let id = CorrelationId::from_bytes(self.short_text(field, Fault::NotAGuid)?.as_bytes());
        if id.is_none() { self.fail(field, Fault::NotAGuid) } else { id }
    }

    #[inline(never)]
    pub(crate) fn ucc(&mut self, field: Field) -> Option<UccName<'a>> {
        match UccName::checked(self.short_text(field, UccName::TOO_LONG)?) {
            Ok(name) => Some(name),
            Err(fault) => self.fail(field, fault),
        }
    }

    #[inline(never)]
    pub(crate) fn requester(&mut self, field: Field) -> Option<SipUri<'a>> {
        match SipUri::checked(self.short_text(field, SipUri::TOO_LONG)?) {
            Ok(uri) => Some(uri),
            Err(fault) => self.fail(field, fault),
        }
    }
}

//! Reads the fields of a JSON object: what bodies, replies and events share.
//!
//! Readers return `None` on an error and record its cause once, as the JSON reader does.

use core::mem;

use crate::Action;
use crate::scan::SHORTCUTS;
use crate::wire::json::{Kind, Object, Raw, Text, Unescaped, Value};
use crate::wire::{CorrelationId, Expected, Field, FieldError, FieldErrorKind, ReadError, SipUri, UccName};

/// The fields that an object must have, each once.
#[derive(Clone, Copy)]
pub(crate) struct Fields {
    /// In the order in which a missing one is reported.
    in_order: &'static [Field],
    bits: u16,
}

const fn bit(field: Field) -> u16 {
    1 << field as u16
}

impl Fields {
    pub(crate) const fn new(in_order: &'static [Field]) -> Self {
        let mut bits = 0;
        let mut rest = in_order;
        while let Some((&field, others)) = rest.split_first() {
            bits |= bit(field);
            rest = others;
        }
        Self { in_order, bits }
    }

    const fn contains(self, field: Field) -> bool {
        self.bits & bit(field) != 0
    }
}

/// Reads an object field by field.
pub(crate) struct FieldReader<'a> {
    object: Object<'a>,
    /// Other keys mean nothing.
    fields: Fields,
    /// Those that were read, a bit each.
    read: u16,
    /// The first invalid field. Nothing is read after it.
    error: Option<FieldError>,
    unescaped: Unescaped<'a>,
}

impl<'a> FieldReader<'a> {
    /// What `read` makes of `object`, a document. Strings with escapes are unescaped into `buffer`.
    ///
    /// # Errors
    ///
    /// The first error found.
    pub(crate) fn of<T, E: From<ReadError>>(
        object: Object<'a>,
        fields: Fields,
        buffer: &'a mut [u8],
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Result<T, E> {
        let unescaped = Unescaped::into(buffer);
        let mut reader = Self { object, fields, read: 0, error: None, unescaped };
        read(&mut reader).ok_or_else(|| reader.first_error().into())
    }

    /// What `read` makes of an object that is the value which was taken last.
    pub(crate) fn within<T>(
        &mut self,
        object: Object<'a>,
        fields: Fields,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let outer = (mem::replace(&mut self.object, object), mem::replace(&mut self.fields, fields), self.read);
        self.read = 0;
        let value = read(self);
        // The value was checked to its end before it was handed out.
        (self.object, self.fields, self.read) = outer;
        if self.error.is_some() {
            self.object.stop();
        }
        value
    }

    /// The next of the fields, whose value must be taken before the next one. `None` after the last one, and after an
    /// error.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn next(&mut self) -> Option<Field> {
        loop {
            let key = self.object.next_key()?;
            let Some(field) = self.field_of(key) else {
                self.object.skip()?;
                continue;
            };
            if self.read & bit(field) != 0 {
                return self.fail(field, FieldErrorKind::Repeated);
            }
            self.read |= bit(field);
            return Some(field);
        }
    }

    /// The field with this key, without regard to ASCII case; the exact key first, since nearly every client writes it.
    #[inline]
    fn field_of(&self, key: Text<'a>) -> Option<Field> {
        let exact = if SHORTCUTS { key.plain().and_then(Field::from_exact) } else { None };
        match exact {
            None => self.field_of_unusual(key),
            exact => exact.filter(|&field| self.fields.contains(field)),
        }
    }

    #[inline(never)]
    fn field_of_unusual(&self, key: Text<'a>) -> Option<Field> {
        self.fields.in_order.iter().copied().find(|field| key.eq_ignore_ascii_case(field.name()))
    }

    /// Whether there was no error and no field is missing. To be asked before anything is made of the fields.
    #[inline]
    pub(crate) fn end(&mut self) -> Option<()> {
        if self.error.is_some() || self.object.error().is_some() {
            return None;
        }
        if self.read == self.fields.bits { Some(()) } else { self.missing() }
    }

    #[inline(never)]
    fn missing(&mut self) -> Option<()> {
        let missing = self.fields.in_order.iter().find(|&&field| self.read & bit(field) == 0);
        self.fail(missing.copied().unwrap_or(Field::Action), FieldErrorKind::Missing)
    }

    /// The error. Asked for only when there is one.
    #[inline(never)]
    fn first_error(&self) -> ReadError {
        match self.object.error() {
            Some(error) => error.into(),
            None => self.error.unwrap_or(FieldErrorKind::Missing.of(Field::Action)).into(),
        }
    }

    #[cold]
    pub(crate) const fn fail<T>(&mut self, field: Field, fault: FieldErrorKind) -> Option<T> {
        self.error = Some(fault.of(field));
        self.object.stop();
        None
    }

    /// An error: the value should be of another type.
    pub(crate) const fn wrong<T>(&mut self, field: Field, expected: Expected, got: Kind) -> Option<T> {
        self.fail(field, FieldErrorKind::WrongType { expected, got })
    }

    /// The value, whatever it is.
    pub(crate) fn value(&mut self) -> Option<Value<'a>> {
        self.object.value()
    }

    /// A string as it is meant.
    pub(crate) fn text(&mut self, field: Field) -> Option<&'a str> {
        self.short_text(field, FieldErrorKind::TooLong { max: self.unescaped.room() })
    }

    /// A string as it is meant; `too_long` if there is no room for it.
    fn short_text(&mut self, field: Field, too_long: FieldErrorKind) -> Option<&'a str> {
        let Raw { kind, text } = self.object.raw()?;
        if kind != Kind::String {
            return self.wrong(field, Expected::String, kind);
        }
        let text = self.unescaped.text(text);
        if text.is_none() { self.fail(field, too_long) } else { text }
    }

    /// An action by its id or by its name: an integer as it is written, not `1.0`, and a name in any case.
    #[inline]
    pub(crate) fn action(&mut self, field: Field) -> Option<Action> {
        const { assert!(Action::ALL.len() < 10) }
        let expected = Expected::Action;
        let Raw { kind, text } = self.object.raw()?;
        let action = match kind {
            // One digit is enough for each of them.
            Kind::Number => match text.as_written().as_bytes() {
                [digit] => Action::from_code(digit - b'0'),
                _ => None,
            },
            Kind::String => Action::ALL.iter().copied().find(|action| text.eq_ignore_ascii_case(action.name())),
            other => return self.wrong(field, expected, other),
        };
        if action.is_none() { self.fail(field, FieldErrorKind::NotOneOf { expected }) } else { action }
    }

    /// An id. Like the two texts below it is read straight from the document if it can be, and unescaped and checked if
    /// not.
    #[inline]
    pub(crate) fn correlation_id(&mut self, field: Field) -> Option<CorrelationId> {
        match self.object.string_by(CorrelationId::at_start) {
            None => self.checked(field, FieldErrorKind::NotAGuid, |id| {
                CorrelationId::from_bytes(id.as_bytes()).ok_or(FieldErrorKind::NotAGuid)
            }),
            id => id,
        }
    }

    #[inline]
    pub(crate) fn ucc(&mut self, field: Field) -> Option<UccName<'a>> {
        match self.object.string_by(UccName::at_start) {
            None => self.checked(field, UccName::TOO_LONG, UccName::checked),
            name => name,
        }
    }

    #[inline]
    pub(crate) fn requester(&mut self, field: Field) -> Option<SipUri<'a>> {
        match self.object.string_by(SipUri::at_start) {
            None => self.checked(field, SipUri::TOO_LONG, SipUri::checked),
            uri => uri,
        }
    }

    #[inline(never)]
    fn checked<T>(
        &mut self,
        field: Field,
        too_long: FieldErrorKind,
        check: fn(&'a str) -> Result<T, FieldErrorKind>,
    ) -> Option<T> {
        match check(self.short_text(field, too_long)?) {
            Ok(value) => Some(value),
            Err(fault) => self.fail(field, fault),
        }
    }

    /// A field that is in the list of fields, but that its reader does not take: a mistake in the reader.
    #[cold]
    pub(crate) const fn not_taken<T>(&mut self, field: Field) -> Option<T> {
        self.fail(field, FieldErrorKind::Missing)
    }
}

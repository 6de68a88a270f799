//! `Deserialize`: keys without regard to ASCII case, none twice, unknown ones skipped, all required.

use core::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use crate::state::{MarkingState, RecordingState, SavingState};
use crate::wire::{
    CapabilitiesReplyBuf, CorrelationId, ErrorMessageBuf, ErrorReplyBuf, ErrorType, EventBuf, Expected, Field,
    FieldError, FieldErrorKind, SetRequestBuf, SipUriBuf, StateReplyBuf, UccNameBuf,
};
use crate::{Action, State};

/// Reads a string and makes a value of it.
struct Text<T> {
    expected: &'static str,
    read: fn(&str) -> Result<T, FieldError>,
}

impl<T> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.read)(text).map_err(E::custom)
    }
}

macro_rules! from_text {
    ($($Type:ty: $expected:literal, $read:expr;)+) => {
        $(
            impl<'de> Deserialize<'de> for $Type {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    deserializer.deserialize_str(Text { expected: $expected, read: $read })
                }
            }
        )+
    };
}

from_text! {
    CorrelationId: "a GUID", Self::parse;
    UccNameBuf: "the name of a UCC", Self::new;
    SipUriBuf: "a SIP URI", Self::new;
}

macro_rules! from_code {
    ($($Type:ty: $field:ident, $expected:ident;)+) => {
        $(
            impl<'de> Deserialize<'de> for $Type {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let code = u8::deserialize(deserializer)?;
                    Self::from_code(code).ok_or_else(|| D::Error::custom(FieldErrorKind::NotOneOf { expected: Expected::$expected }.of(Field::$field)))
                }
            }
        )+
    };
}

from_code! {
    RecordingState: RecordingState, Recording;
    MarkingState: MarkingState, MarkingOrSaving;
    SavingState: SavingState, MarkingOrSaving;
}

impl<'de> Deserialize<'de> for ErrorType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i32::deserialize(deserializer).map(Self::from_code)
    }
}

/// By id or by name. Needs a format that says of what type a value is, as JSON does.
impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdOrName)
    }
}

struct IdOrName;

const ACTION: &str = Expected::Action.text();

impl Visitor<'_> for IdOrName {
    type Value = Action;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ACTION)
    }

    fn visit_u64<E: Error>(self, id: u64) -> Result<Action, E> {
        let action = u8::try_from(id).ok().and_then(Action::from_code);
        action.ok_or_else(|| E::custom(FieldErrorKind::NotOneOf { expected: Expected::Action }.of(Field::Action)))
    }

    fn visit_i64<E: Error>(self, id: i64) -> Result<Action, E> {
        self.visit_u64(u64::try_from(id).unwrap_or_default())
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Action, E> {
        Action::from_name(name)
            .ok_or_else(|| E::custom(FieldErrorKind::NotOneOf { expected: Expected::Action }.of(Field::Action)))
    }
}

/// A key, if it is one that we know.
struct Key(Option<Field>);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |key: &str| Ok(Self(Field::from_name(key)));
        deserializer.deserialize_str(Text { expected: "a key", read })
    }
}

/// Takes the value of a field that may stand there once.
fn once<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    slot: &mut Option<T>,
    field: Field,
    map: &mut A,
) -> Result<(), A::Error> {
    match slot.replace(map.next_value()?) {
        None => Ok(()),
        Some(_) => Err(A::Error::custom(FieldErrorKind::Repeated.of(field))),
    }
}

fn required<T, E: Error>(slot: Option<T>, field: Field) -> Result<T, E> {
    slot.ok_or_else(|| E::custom(FieldErrorKind::Missing.of(field)))
}

/// `Deserialize` for a struct of wire fields, each of which must be there once.
macro_rules! from_members {
    ($(
        $Type:ident {
            $($member:ident: $field:ident),+ $(,)?
        } = $made:expr;
    )+) => {
        $(
            impl<'de> Deserialize<'de> for $Type {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    struct Members;

                    impl<'de> Visitor<'de> for Members {
                        type Value = $Type;

                        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                            f.write_str("an object")
                        }

                        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<$Type, A::Error> {
                            $(let mut $member = None;)+
                            while let Some(Key(key)) = map.next_key()? {
                                match key {
                                    $(Some(Field::$field) => once(&mut $member, Field::$field, &mut map)?,)+
                                    _ => drop(map.next_value::<IgnoredAny>()?),
                                }
                            }
                            $(let $member = required($member, Field::$field)?;)+
                            $made
                        }
                    }

                    const KEYS: &[&str] = &[$(Field::$field.name()),+];
                    deserializer.deserialize_struct(stringify!($Type), KEYS, Members)
                }
            }
        )+
    };
}

from_members! {
    State { recording: RecordingState, marking: MarkingState, saving: SavingState }
        = Ok(State::new(recording, marking, saving));

    SetRequestBuf { action: Action, requester: RequesterSipUri, correlation_id: CorrelationId, ucc: UccName }
        = Ok(SetRequestBuf { action, requester, correlation_id, ucc });

    StateReplyBuf {
        correlation_id: CorrelationId,
        recording: RecordingState,
        marking: MarkingState,
        saving: SavingState,
        error: ErrorMessage,
        ucc: UccName,
    } = Ok(StateReplyBuf { correlation_id, state: State::new(recording, marking, saving), error, ucc });

    CapabilitiesReplyBuf { agent_can_edit_recordings: AgentCanEditRecordings, error: ErrorMessage, ucc: UccName }
        = Ok(CapabilitiesReplyBuf { agent_can_edit_recordings, error, ucc });

    ErrorReplyBuf { error: ErrorMessage } = Ok(ErrorReplyBuf { error });

    ErrorMessageBuf { error_type: ErrorType, message: Message }
        = { let MessageText(text) = message; Ok(ErrorMessageBuf::from_parts(error_type, text)) };

    EventBuf { ucc: UccName, correlation_id: CorrelationId, action: StateAction }
        = Ok(EventBuf { ucc, correlation_id, action });
}

/// The text of an error.
struct MessageText(heapless::String<{ ErrorMessageBuf::MAX_TEXT_LEN }>);

impl<'de> Deserialize<'de> for MessageText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |text: &str| heapless::String::try_from(text).map(Self).map_err(|_| ErrorMessageBuf::TOO_LONG);
        deserializer.deserialize_str(Text { expected: "a text", read })
    }
}

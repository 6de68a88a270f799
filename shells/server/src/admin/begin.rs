//! The document that a session begins with: its state, and what its recorder needs to know of the call.

use core::fmt;

use recording_core::State;
use recording_core::wire::ReadError;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::recorder::CallData;

/// What is wrong with it.
#[derive(Debug)]
pub(super) enum Wrong {
    /// The state, or the document as a whole.
    State(ReadError),
    /// What is said of the call.
    Recorder(String),
}

const RECORDER: &str = "Recorder";

/// Reads it. Without a state the session begins in the initial one.
pub(super) fn read(document: &[u8]) -> Result<(State, Option<CallData>), Wrong> {
    if document.is_empty() {
        return Ok((State::INITIAL, None));
    }
    let Ok(Members { recorder, others }) = serde_json::from_slice(document) else {
        // The core says what is wrong with it, if it is no JSON.
        return State::read(document).map(|state| (state, None)).map_err(Wrong::State);
    };
    let call = match recorder {
        None => None,
        Some(Ok(call)) => Some(call),
        Some(Err(reason)) => return Err(Wrong::Recorder(reason)),
    };
    if call.is_some() && !others {
        return Ok((State::INITIAL, call));
    }
    State::read(document).map(|state| (state, call)).map_err(Wrong::State)
}

/// What is said of the call, and whether something else is said.
struct Members {
    recorder: Option<Result<CallData, String>>,
    others: bool,
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OfDocument)
    }
}

struct OfDocument;

impl<'de> Visitor<'de> for OfDocument {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Members { recorder: None, others: false };
        while let Some(key) = map.next_key::<String>()? {
            // As the core takes keys: in any case. What is meant for the recorder must not be taken for something unknown.
            if !key.eq_ignore_ascii_case(RECORDER) {
                map.next_value::<IgnoredAny>()?;
                members.others = true;
                continue;
            }
            let Strict(value, twice) = map.next_value()?;
            members.recorder = Some(match (&members.recorder, value, twice) {
                (Some(_), _, _) => Err("The field Recorder is there twice.".to_owned()),
                (None, _, Some(field)) => {
                    Err(format!("Recorder: the field '{}' is there twice.", field.escape_debug()))
                }
                (None, Value::Object(call), None) => Ok(call),
                (None, _, None) => Err("The field Recorder is not an object.".to_owned()),
            });
        }
        Ok(members)
    }
}

/// A value, and a field of it that is there twice: of two that contradict each other, none is followed.
struct Strict(Value, Option<String>);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OfValue)
    }
}

struct OfValue;

impl<'de> Visitor<'de> for OfValue {
    type Value = Strict;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Strict, E> {
        Ok(Strict(value.into(), None))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Strict, E> {
        Ok(Strict(value.into(), None))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Strict, E> {
        Ok(Strict(value.into(), None))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Strict, E> {
        Ok(Strict(value.into(), None))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Strict, E> {
        Ok(Strict(value.into(), None))
    }

    fn visit_unit<E: Error>(self) -> Result<Strict, E> {
        Ok(Strict(Value::Null, None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Strict, A::Error> {
        let (mut values, mut twice) = (Vec::new(), None);
        while let Some(Strict(value, of_value)) = seq.next_element()? {
            values.push(value);
            twice = twice.or(of_value);
        }
        Ok(Strict(Value::Array(values), twice))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Strict, A::Error> {
        let (mut members, mut twice) = (Map::new(), None);
        while let Some(key) = map.next_key::<String>()? {
            let Strict(value, of_value) = map.next_value()?;
            twice = twice.or(of_value);
            if members.insert(key.clone(), value).is_some() {
                twice.get_or_insert_with(|| key.chars().take(64).collect());
            }
        }
        Ok(Strict(Value::Object(members), twice))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_the_call_is_read_strictly() {
        let said = |document: &str| match read(document.as_bytes()) {
            Ok((state, call)) => format!("{state} {}", call.map_or("-".to_owned(), |call| json_text(&call))),
            Err(Wrong::Recorder(text)) => text,
            Err(Wrong::State(error)) => error.to_string(),
        };
        let states = r#""RecordingState":1,"MarkingState":0,"SavingState":0"#;
        for (document, expected) in [
            (String::new(), "Uninitialized/None/None -"),
            (format!("{{{states}}}"), "Started/None/None -"),
            (r#"{"Recorder":{}}"#.to_owned(), "Uninitialized/None/None {}"),
            (format!(r#"{{{states},"recorder":{{"CallId":"a"}}}}"#), r#"Started/None/None {"CallId":"a"}"#),
            (r#"{"Recorder":{"CallId":"a"},"RECORDER":{}}"#.to_owned(), "The field Recorder is there twice."),
            (r#"{"Recorder":{},"Recorder":{}}"#.to_owned(), "The field Recorder is there twice."),
            (r#"{"Recorder":{"CallId":"a","CallId":"b"}}"#.to_owned(), "Recorder: the field 'CallId' is there twice."),
            (r#"{"Recorder":{"a":[{"b":1,"b":1}]}}"#.to_owned(), "Recorder: the field 'b' is there twice."),
            (r#"{"Recorder":"a"}"#.to_owned(), "The field Recorder is not an object."),
            (r#"{"Recorder":null}"#.to_owned(), "The field Recorder is not an object."),
        ] {
            assert_eq!(said(&document), expected, "{document}");
        }
        // What is wrong with the rest is the core's to say, as it is without a recorder.
        for rest in ["{", "[]", r#"{"RecordingState":1}"#, r#"{"RecordingState":1,"RecordingState":1}"#] {
            let alone = State::read(rest.as_bytes()).map_err(|error| error.to_string());
            assert_eq!(Err(said(rest)), alone, "{rest}");
        }
        let mixed = r#"{"Recorder":{},"RecordingState":1,"RecordingState":1}"#;
        assert_eq!(said(mixed), said(r#"{"RecordingState":1,"RecordingState":1}"#));
    }

    fn json_text(call: &CallData) -> String {
        Value::Object(call.clone()).to_string()
    }
}

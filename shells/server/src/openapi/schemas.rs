//! The schemas of fields and bodies.

use recording_core::state::{MarkingState, RecordingState, SavingState};
use recording_core::wire::{ErrorType, Field, SipUri, UccName};
use recording_core::{Action, Event};
use serde_json::{Map, Value, json};

use super::Samples;

/// A reference to a schema of this document.
pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// All of them by name.
pub(super) fn all(samples: &Samples) -> Value {
    let mut schemas = Map::from_iter([
        ("Action".to_owned(), action()),
        ("CorrelationId".to_owned(), id_written()),
        ("UCCName".to_owned(), name()),
        (
            "RecordingState".to_owned(),
            codes("The recorder", RecordingState::ALL.iter().map(|it| (it.code(), it.name()))),
        ),
        ("MarkingState".to_owned(), codes("The mark", MarkingState::ALL.iter().map(|it| (it.code(), it.name())))),
        (
            "SavingState".to_owned(),
            codes("The decision on the recording", SavingState::ALL.iter().map(|it| (it.code(), it.name()))),
        ),
        (
            "StateAction".to_owned(),
            codes("What changed the state", Action::ALL.iter().map(|it| (it.code(), it.name()))),
        ),
        ("ErrorType".to_owned(), error_type()),
        ("Message".to_owned(), json!({ "description": "For people", "type": "string", "minLength": 1 })),
        (
            "AgentCanEditRecordings".to_owned(),
            json!({ "description": "Whether a set can work here", "type": "boolean" }),
        ),
    ]);
    for (name, sample) in samples.bodies() {
        let request = name == "SetRequest";
        let mut schema = object(&sample, if request { sent } else { of_reply });
        if request {
            // A later client may send more.
            schema["additionalProperties"] = json!(true);
            schema["description"] = json!(
                "Keys are taken in any case; this is how to spell them. A key given twice is refused, \
                 and so is a number with a fraction, such as 1.0."
            );
        } else if let Some(error) = sample[Field::ErrorMessage.name()].as_object() {
            let error = object(&Value::Object(error.clone()), of_reply);
            schemas.insert("ErrorMessage".to_owned(), error);
        }
        if name == Event::NAME {
            schema["description"] = json!("What listeners of the hub get on every change");
        }
        schemas.insert(name.to_owned(), schema);
    }
    Value::Object(schemas)
}

/// The schema of an object with exactly the keys of a sample that the core wrote.
fn object(sample: &Value, field: impl Fn(Field) -> Value) -> Value {
    let keys = || sample.as_object().into_iter().flatten();
    let properties = keys().map(|(key, value)| {
        // A key that is no field gets a schema that accepts nothing: the tests see that at once.
        let schema = match Field::from_name(key) {
            Some(Field::ErrorMessage) if value.is_null() => {
                json!({ "oneOf": [reference("ErrorMessage"), { "type": "null" }] })
            }
            Some(known) => field(known),
            None => json!(false),
        };
        (key.clone(), schema)
    });
    json!({
        "type": "object",
        "properties": properties.collect::<Map<_, _>>(),
        "required": keys().map(|(key, _)| key).collect::<Vec<_>>(),
        "additionalProperties": false,
        "examples": [sample],
    })
}

/// What a reply or an event holds in a field.
fn of_reply(field: Field) -> Value {
    reference(field.name())
}

/// What a client may send for a field.
pub(super) fn sent(field: Field) -> Value {
    match field {
        Field::CorrelationId => id_read(),
        Field::RequesterSipUri => uri(),
        known => reference(known.name()),
    }
}

fn codes(description: &str, codes: impl Iterator<Item = (u8, &'static str)>) -> Value {
    let known = codes.map(|(code, name)| json!({ "const": code, "title": name }));
    json!({ "description": description, "type": "integer", "oneOf": known.collect::<Vec<_>>() })
}

fn error_type() -> Value {
    let known = [ErrorType::Configuration, ErrorType::Validation]
        .map(|known| json!({ "const": known.code(), "title": known.name() }));
    json!({ "description": "What stands in the way", "type": "integer", "oneOf": known })
}

/// An action by its id or by its name in any case.
fn action() -> Value {
    let any_case = |name: &str| -> String {
        name.chars().map(|char| format!("[{}{}]", char.to_ascii_uppercase(), char.to_ascii_lowercase())).collect()
    };
    let names: Vec<_> = Action::ALL.iter().map(|action| any_case(action.name())).collect();
    json!({
        "description": "The id of an action, or its name in any case",
        "anyOf": [
            reference("StateAction"),
            {
                "type": "string",
                "pattern": format!("^(?:{})$", names.join("|")),
                "examples": Action::ALL.iter().map(|action| action.name()).collect::<Vec<_>>(),
            },
        ],
    })
}

fn id_written() -> Value {
    json!({
        "description": "The session's id, hyphenated and in lower case",
        "type": "string",
        "format": "uuid",
        "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
    })
}

fn id_read() -> Value {
    const HYPHENATED: &str = "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}";
    json!({
        "description": "A GUID: hyphenated, 32 hexadecimal digits, or hyphenated in braces, in any case",
        "type": "string",
        "pattern": format!(r"^(?:{HYPHENATED}|[0-9A-Fa-f]{{32}}|\{{{HYPHENATED}\}})$"),
    })
}

fn name() -> Value {
    json!({
        "description": format!("The UCC's name, at most {} bytes of UTF-8", UccName::MAX_LEN),
        "type": "string",
        "minLength": 1,
        "maxLength": UccName::MAX_LEN,
        "pattern": r"^[^/\u0000-\u001f\u007f-\u009f]+$",
    })
}

fn uri() -> Value {
    json!({
        "description": "The SIP URI of an agent of the UCC",
        "type": "string",
        "maxLength": SipUri::MAX_LEN,
        // ASCII without white space and control characters, and exactly one @.
        "pattern": "^[Ss][Ii][Pp][Ss]?:[!-?A-~]+@[!-?A-~]+$",
    })
}

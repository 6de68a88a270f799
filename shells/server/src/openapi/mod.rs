//! The API as an `OpenAPI` 3.1 document.
//!
//! Nothing here is said twice: paths, fields, codes, names, limits, statuses and texts are asked of the core. Which
//! fields a body has is read off a body that the core itself wrote. What is left to this module is the frame around it.

mod admin;
mod recorders;
mod schemas;
mod webhooks;

use std::sync::OnceLock;

use recording_core::decide::Refusal;
use recording_core::state::{MarkingState, RecordingState, SavingState};
use recording_core::wire::{
    CapabilitiesReply, CapabilitiesRequest, CorrelationId, ErrorMessage, ErrorReply, Field, Rejection, SetRequest,
    SipUri, StateReply, StateRequest, UccName,
};
use recording_core::{Action, Event, Reply, State};
use serde_json::{Map, Value, json};

use crate::{body, demo, net};

pub use admin::document as admin_document;

/// The document, written once.
#[must_use]
pub fn document() -> &'static str {
    static DOCUMENT: OnceLock<String> = OnceLock::new();
    // The samples are sound: a test reads the document.
    DOCUMENT.get_or_init(|| Samples::new().map(|samples| samples.document().to_string()).unwrap_or_default())
}

/// The requests and replies that the document is made of.
struct Samples {
    state: StateRequest<'static>,
    set: SetRequest<'static>,
    capabilities: CapabilitiesRequest<'static>,
    reply: StateReply<'static>,
}

/// Errors that this shell answers with by itself, with the text that it then sends.
const OWN: [(&str, u16, &str); 4] = [
    ("TimedOut", 408, body::TOO_LATE),
    ("TargetTooLong", 414, net::TARGET_TOO_LONG),
    ("Misdirected", 421, net::ANOTHER_HOST),
    ("HeadTooLarge", 431, net::HEAD_TOO_LARGE),
];

/// What any request may be answered with, whatever it asks for.
const ALWAYS: [&str; 7] =
    ["NotUnderstood", "Unauthorized", "Forbidden", "TargetTooLong", "Misdirected", "TooManyRequests", "HeadTooLarge"];

impl Samples {
    fn new() -> Option<Self> {
        let ucc = UccName::new(demo::UCC).ok()?;
        let (requester, correlation_id) = (SipUri::new(demo::AGENT).ok()?, demo::SESSION);
        let state = State::new(RecordingState::Paused, MarkingState::None, SavingState::None);
        Some(Self {
            state: StateRequest { ucc, correlation_id },
            set: SetRequest { action: Action::Pause, requester, correlation_id, ucc },
            capabilities: CapabilitiesRequest { ucc },
            reply: StateReply { correlation_id, state, error: None, ucc },
        })
    }

    fn document(&self) -> Value {
        json!({
            "openapi": "3.1.0",
            "jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base",
            "info": {
                "title": "Recording control",
                "summary": "Read and change the state of a call's recording",
                "description": "A request that is understood is answered 200, refused or not: ErrorMessage tells. \
                    Every other status carries ErrorMessage alone.",
                "version": env!("CARGO_PKG_VERSION"),
                "license": { "name": "MIT or Apache-2.0", "identifier": "MIT OR Apache-2.0" },
            },
            "servers": [
                { "url": base(), "description": "Without a version" },
                { "url": format!("{}/v2", base()), "description": "Version 2: the same" },
            ],
            "security": [{}, { "bearer": [] }],
            "tags": [{ "name": "recording" }],
            "paths": self.paths(),
            "webhooks": webhooks::all(),
            "components": {
                "schemas": webhooks::with_post(self, schemas::all(self)),
                "responses": responses(),
                "securitySchemes": {
                    "bearer": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "Asked for if the server is told to",
                    },
                },
            },
        })
    }

    fn paths(&self) -> Value {
        let name = parameter(Field::UccName, "The UCC");
        let id = parameter(Field::CorrelationId, "The session, in any of the three forms of its id");
        let state = self.written(|buffer| self.state.write_target(buffer).ok().map(<[u8]>::to_vec));
        let capabilities = self.written(|buffer| self.capabilities.write_target(buffer).ok().map(<[u8]>::to_vec));
        let reads = ALWAYS;
        let stored_reads = [&reads[..], &["NotStored"]].concat();
        let changes = [&stored_reads[..], &["UnsupportedMediaType", "BodyTooLarge", "TimedOut"]].concat();
        Value::Object(Map::from_iter([
            (
                self.template(&state),
                read("State", "The state of a session", "StateReply", &stored_reads, &[&name, &id]),
            ),
            (
                self.template(&capabilities),
                read(
                    "Capabilities",
                    "Whether agents may change recordings of a UCC",
                    "CapabilitiesReply",
                    &reads,
                    &[&name],
                ),
            ),
            (
                self.template(SetRequest::TARGET),
                json!({ "post": {
                    "operationId": "set",
                    "summary": "Change the state of a session by an action",
                    "description": format!(
                        "A change that is answered with success is stored, and published as {}.", Event::NAME),
                    "tags": ["recording"],
                    "requestBody": {
                        "required": true,
                        "description": format!("At most {} bytes", SetRequest::MAX_BODY_LEN),
                        "content": { "application/json": { "schema": schemas::reference("SetRequest") } },
                    },
                    "responses": answers(Some("StateReply"), &changes),
                }}),
            ),
        ]))
    }

    fn written(&self, write: impl FnOnce(&mut [u8]) -> Option<Vec<u8>>) -> String {
        let mut buffer = [0; 512];
        write(&mut buffer).and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// A target of the samples with the names of the fields in place of their values, after the server's address.
    fn template(&self, target: &str) -> String {
        let path = target.strip_prefix(base()).unwrap_or(target);
        path.replace(self.state.ucc.as_str(), &format!("{{{}}}", Field::UccName))
            .replace(self.state.correlation_id.hyphenated().as_str(), &format!("{{{}}}", Field::CorrelationId))
    }

    /// Bodies of each kind as the core writes them.
    fn bodies(&self) -> [(&'static str, Value); 5] {
        let refusal = Refusal::UnknownSession { correlation_id: CorrelationId::from_u128(0) };
        let error = ErrorMessage::from(refusal);
        let event = Event { ucc: self.set.ucc, correlation_id: self.set.correlation_id, action: self.set.action };
        let capabilities =
            CapabilitiesReply { agent_can_edit_recordings: true, error: None, ucc: self.capabilities.ucc };
        [
            ("SetRequest", body(|buffer| self.set.write(buffer).ok())),
            ("StateReply", body(|buffer| Reply::State(self.reply).write(buffer).ok())),
            ("CapabilitiesReply", body(|buffer| Reply::Capabilities(capabilities).write(buffer).ok())),
            ("ErrorReply", body(|buffer| ErrorReply { error }.write(buffer).ok())),
            (Event::NAME, body(|buffer| event.write(buffer).ok())),
        ]
    }
}

fn body(write: impl FnOnce(&mut [u8]) -> Option<&[u8]>) -> Value {
    let mut buffer = [0; Reply::MAX_LEN];
    write(&mut buffer).and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
}

/// What all paths begin with.
fn base() -> &'static str {
    SetRequest::TARGET.strip_suffix("/recording/set").unwrap_or_default()
}

fn parameter(field: Field, description: &str) -> Value {
    json!({
        "name": field.name(),
        "in": "path",
        "required": true,
        "description": description,
        "schema": schemas::sent(field),
    })
}

/// The operations of a path that is only read.
fn read(name: &str, summary: &str, reply: &str, errors: &[&str], parameters: &[&Value]) -> Value {
    json!({
        "parameters": parameters,
        "get": {
            "operationId": format!("get{name}"),
            "summary": summary,
            "tags": ["recording"],
            "responses": answers(Some(reply), errors),
        },
        "head": {
            "operationId": format!("head{name}"),
            "summary": format!("{summary}, without the body"),
            "tags": ["recording"],
            "responses": answers(None, errors),
        },
    })
}

fn answers(reply: Option<&str>, errors: &[&str]) -> Value {
    let understood = match reply {
        Some(schema) => json!({
            "description": "Understood; ErrorMessage tells whether it was refused",
            "headers": headers(None),
            "content": { "application/json": { "schema": schemas::reference(schema) } },
        }),
        None => json!({ "description": "As GET would be answered, without the body", "headers": headers(None) }),
    };
    let mut answers = Map::from_iter([("200".to_owned(), understood)]);
    for (name, status, ..) in rejections() {
        if errors.contains(&name.as_str()) {
            let answer = match reply {
                Some(_) => json!({ "$ref": format!("#/components/responses/{name}") }),
                // An answer to HEAD has no body.
                None => json!({ "description": format!("As GET would be answered: {name}"), "headers": headers(None) }),
            };
            answers.insert(status.to_string(), answer);
        }
    }
    Value::Object(answers)
}

fn headers(allow: Option<&str>) -> Value {
    let mut headers = json!({
        "Cache-Control": { "required": true, "schema": { "const": recording_core::wire::CACHE_CONTROL } },
    });
    if let Some(allow) = allow {
        headers["Allow"] = json!({ "required": true, "schema": { "type": "string", "examples": [allow] } });
    }
    headers
}

/// Every answer with a status of its own: name, status, a body, what `Allow` says.
fn rejections() -> Vec<(String, u16, Value, Option<&'static str>)> {
    let of_core = [
        Rejection::from(recording_core::wire::FieldErrorKind::NotAGuid.of(Field::CorrelationId)),
        Rejection::Unauthorized,
        Rejection::Forbidden,
        Rejection::UnknownPath,
        Rejection::MethodNotAllowed { allow: recording_core::wire::Allow::GetHead },
        Rejection::BodyTooLarge,
        Rejection::UnsupportedMediaType,
        Rejection::TooManyRequests,
        Rejection::NotStored,
    ];
    let named = |rejection: &Rejection| {
        let debug = format!("{rejection:?}");
        debug.split(|char: char| !char.is_alphanumeric()).next().unwrap_or_default().to_owned()
    };
    let mut all: Vec<_> = of_core
        .iter()
        .map(|rejection| {
            let body = body(|buffer| Reply::from(*rejection).write(buffer).ok());
            (named(rejection), rejection.status(), body, rejection.allow())
        })
        .collect();
    all.extend(OWN.iter().map(|&(name, status, text)| {
        let error = ErrorMessage::new(recording_core::wire::ErrorType::Validation, text);
        (name.to_owned(), status, body(|buffer| ErrorReply { error }.write(buffer).ok()), None)
    }));
    all
}

fn responses() -> Value {
    let responses = rejections().into_iter().map(|(name, status, body, allow)| {
        let response = json!({
            "description": body[Field::ErrorMessage.name()][Field::Message.name()],
            "headers": headers(allow),
            "content": { "application/json": { "schema": schemas::reference("ErrorReply"), "example": body } },
            "x-status": status,
        });
        (name, response)
    });
    Value::Object(responses.collect())
}

#[cfg(test)]
mod tests {
    use recording_core::wire::{Head, RequestParts};
    use recording_core::{Request, Scratch};

    use super::*;

    fn parsed() -> Value {
        serde_json::from_str(document()).unwrap_or_default()
    }

    /// The core takes every path of the document by every method that it names, at both servers, for what it says.
    #[test]
    fn the_core_serves_every_path() {
        let (document, mut served) = (parsed(), Vec::new());
        for server in document["servers"].as_array().into_iter().flatten() {
            for (path, item) in document["paths"].as_object().into_iter().flatten() {
                let target = format!("{}{path}", server["url"].as_str().unwrap_or_default())
                    .replace("{UCCName}", demo::UCC)
                    .replace("{CorrelationId}", "1d6c6a58-6739-4f0c-98ff-0968292c8c30");
                for (method, operation) in item.as_object().into_iter().flatten() {
                    if method == "parameters" {
                        continue;
                    }
                    let method = method.to_ascii_uppercase();
                    let content_type = Some(&b"application/json"[..]);
                    let head = Head::read(method.as_bytes(), target.as_bytes(), content_type);
                    assert!(head.is_ok(), "{method} {target}");
                    let body = &document["components"]["schemas"]["SetRequest"]["examples"][0].to_string();
                    let mut scratch = Scratch::new();
                    let request = Request::read(
                        RequestParts {
                            method: method.as_bytes(),
                            target: target.as_bytes(),
                            content_type,
                            body: body.as_bytes(),
                        },
                        &mut scratch,
                    );
                    let kind = match request {
                        Ok(Request::State(_)) => "State",
                        Ok(Request::Set(_)) => "set",
                        Ok(Request::Capabilities(_)) => "Capabilities",
                        Err(rejection) => panic!("{method} {target}: {rejection}"),
                    };
                    let id = operation["operationId"].as_str().unwrap_or_default();
                    assert!(id.ends_with(kind), "{id}: {kind}");
                    served.push(id.to_owned());
                }
            }
        }
        assert_eq!(served.len(), 10, "{served:?}");
    }

    /// A field that the schemas do not know, or a body without fields, would accept anything.
    #[test]
    fn every_field_of_every_body_is_described() {
        let document = parsed();
        let mut fields = 0;
        for name in ["SetRequest", "StateReply", "CapabilitiesReply", "ErrorReply", "ErrorMessage", Event::NAME] {
            let schema = &document["components"]["schemas"][name];
            let properties = schema["properties"].as_object().map(Map::len).unwrap_or_default();
            assert!(properties > 0, "{name}");
            assert_eq!(schema["required"].as_array().map(Vec::len), Some(properties), "{name}");
            for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
                assert!(schema.is_object(), "{name}: {field}");
                fields += 1;
            }
        }
        assert_eq!(fields, 4 + 6 + 3 + 1 + 2 + 3);
    }

    /// The names under which errors are referred to are those of the core's variants, none twice.
    #[test]
    fn every_error_has_its_name_and_status() {
        let all = rejections();
        let names: std::collections::BTreeSet<_> = all.iter().map(|(name, ..)| name.as_str()).collect();
        let statuses: std::collections::BTreeSet<_> = all.iter().map(|(_, status, ..)| *status).collect();
        assert_eq!((names.len(), statuses.len()), (13, 13));
        assert!(names.contains("NotUnderstood") && names.contains("MethodNotAllowed"), "{names:?}");
        let document = parsed();
        for operation in ["/recording/set", "/recording/{UCCName}/{CorrelationId}"] {
            let item = &document["paths"][operation];
            let answers = item.get("post").or(item.get("get")).map(|method| method["responses"].clone());
            let answers = answers.and_then(|answers| answers.as_object().map(Map::len));
            assert_eq!(answers, Some(if operation.ends_with("set") { 12 } else { 9 }), "{operation}");
        }
    }
}

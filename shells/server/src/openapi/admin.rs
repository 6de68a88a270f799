//! The admin's requests as a document of their own: call control, the UCCs, health.

use std::sync::OnceLock;

use recording_core::wire::Field;
use serde_json::{Map, Value, json};

use super::recorders::{object, of_recorders};
use super::{ALWAYS, Samples, headers, parameter, responses, schemas};
use crate::admin::list;

/// The document, written once.
#[must_use]
pub fn document() -> &'static str {
    static DOCUMENT: OnceLock<String> = OnceLock::new();
    DOCUMENT.get_or_init(|| Samples::new().map(|samples| whole(&samples).to_string()).unwrap_or_default())
}

fn whole(samples: &Samples) -> Value {
    let mut all = schemas::all(samples);
    if let Some(all) = all.as_object_mut() {
        all.extend(own_schemas());
    }
    let mut responses = responses();
    responses["UnknownHere"] = json!({
        "description": "There is no such UCC, or no such session",
        "headers": headers(None),
        "content": { "application/json": { "schema": schemas::reference("ErrorReply") } },
        "x-status": 404,
    });
    responses["ConflictHere"] = json!({
        "description": "Not as things are, for what the text says: another session has this call of the recorder, the session is \
            open with another call or still closing, or it is open and this is for closing ones",
        "headers": headers(None),
        "content": { "application/json": { "schema": schemas::reference("ErrorReply") } },
        "x-status": 409,
    });
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base",
        "info": {
            "title": "Call control and operations",
            "summary": "Begin, end and list sessions; recorders, UCCs, health, metrics",
            "description": "What the admin's port offers besides the recording API. Errors carry ErrorMessage alone.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT or Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "The admin's port" }],
        "security": [{}, { "bearer": [] }],
        "tags": [{ "name": "sessions" }, { "name": "recorders" }, { "name": "uccs" }, { "name": "operations" }],
        "paths": paths(),
        "components": {
            "schemas": all,
            "responses": responses,
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "Asked for with --admin-tokens" },
            },
        },
    })
}

/// What is answered with 200, or 201: its status, what it means, and the schema of its body.
type Good = (&'static str, &'static str, &'static str);

fn operation(id: &str, tag: &str, summary: &str, good: &[Good], errors: &[&str], has_body: bool) -> Value {
    let mut answers = Map::new();
    for &(status, description, schema) in good {
        let mut answer = json!({ "description": description, "headers": headers(None) });
        if has_body {
            let content = if schema == "text" {
                json!({ "text/plain": { "schema": { "type": "string" } },
                    "application/openmetrics-text": { "schema": { "type": "string" } } })
            } else {
                json!({ "application/json": { "schema": schemas::reference(schema) } })
            };
            answer["content"] = content;
        }
        answers.insert(status.to_owned(), answer);
    }
    let own = [("UnknownHere".to_owned(), 404), ("ConflictHere".to_owned(), 409)];
    let known = super::rejections().into_iter().map(|(name, status, ..)| (name, status)).chain(own);
    for (name, status) in known.filter(|(name, _)| errors.contains(&name.as_str())) {
        let answer = if has_body {
            json!({ "$ref": format!("#/components/responses/{name}") })
        } else {
            json!({ "description": format!("As GET would be answered: {name}"), "headers": headers(None) })
        };
        answers.insert(status.to_string(), answer);
    }
    json!({ "operationId": id, "summary": summary, "tags": [tag], "responses": answers })
}

/// GET, and HEAD as GET without the body.
fn reads(id: &str, tag: &str, summary: &str, schema: &'static str, errors: &[&str], parameters: &[Value]) -> Value {
    let good = [("200", summary_of(schema), schema)];
    let head = format!("{summary}, without the body");
    json!({
        "parameters": parameters,
        "get": operation(&format!("get{id}"), tag, summary, &good, errors, true),
        "head": operation(&format!("head{id}"), tag, &head, &good, errors, false),
    })
}

fn summary_of(schema: &str) -> &'static str {
    match schema {
        "Sessions" => "A page of open sessions",
        "Session" => "The session; one that is closing has a Disposition, and no states",
        "Recorders" => "All recorders, by name",
        "UCCs" => "All UCCs, by name",
        "UCC" => "The UCC and its agents",
        "text" => "The metrics",
        _ => "As it says",
    }
}

fn query(name: &str, description: &str, schema: &Value) -> Value {
    json!({ "name": name, "in": "query", "required": false, "description": description, "schema": schema })
}

fn paths() -> Value {
    // No rate is kept on this port.
    let always: Vec<&str> =
        ALWAYS.into_iter().filter(|name| !["TooManyRequests", "Forbidden"].contains(name)).collect();
    let with = |more: &[&'static str]| [always.as_slice(), more].concat();
    let (name, id) = (parameter(Field::UccName, "The UCC"), parameter(Field::CorrelationId, "The session"));
    let begun = [
        ("201", "It is open now", "StateReply"),
        ("200", "It was open already, and stays as it is: what was sent is not looked at", "StateReply"),
    ];
    let mut begin = operation(
        "beginSession",
        "sessions",
        "Begin a session",
        &begun,
        &with(&["UnknownHere", "ConflictHere", "TimedOut", "BodyTooLarge", "UnsupportedMediaType", "NotStored"]),
        true,
    );
    begin["requestBody"] = json!({
        "required": false,
        "description": "The state that it begins in; without a body nothing of it is begun. Recorder says what the UCC's recorder \
            needs to know of the call",
        "content": { "application/json": { "schema": schemas::reference("Begin") } },
    });
    let ended = [("200", "It has ended, and this is to be done with its recording", "Disposition")];
    let end = with(&["UnknownHere", "NotStored"]);
    let released = [("200", "Done; or nothing was there to be released", "Released")];
    let show = reads("Session", "sessions", "One session", "Session", &end, &[]);
    let session = format!("/sessions/{{{}}}/{{{}}}", Field::UccName, Field::CorrelationId);
    let number = json!({ "type": "integer", "minimum": 1, "maximum": list::MAX_LIMIT, "default": list::DEFAULT_LIMIT });
    let text = json!({ "type": "string" });
    let page = [
        query("limit", "How many sessions the page may have", &number),
        query("after", "What the page before gave as Next", &text),
        query("ucc", "Sessions of this UCC alone", &schemas::reference("UCCName")),
        query("id", "Sessions alone whose id begins so", &json!({ "type": "string", "pattern": "^[0-9A-Fa-f-]+$" })),
    ];
    json!({
        "/sessions": reads("Sessions", "sessions", "Open sessions, page by page", "Sessions", &with(&["NotStored"]), &page),
        session.clone(): {
            "parameters": [name.clone(), id.clone()],
            "get": show["get"],
            "head": show["head"],
            "put": begin,
            "delete": operation("endSession", "sessions", "End a session", &ended, &end, true),
        },
        format!("{session}/holds"): {
            "parameters": [name.clone(), id.clone()],
            "delete": operation("releaseHolds", "recorders", "End all holds of a session", &released, &end, true),
        },
        format!("{session}/recorder"): {
            "parameters": [name, id],
            "delete": operation("releaseRecorder", "recorders", "Give up a closing session whose recorder no longer exists",
                &released, &[end.as_slice(), &["ConflictHere"]].concat(), true),
        },
        "/recorders": reads("Recorders", "recorders", "How each recorder is", "Recorders", &always, &[]),
        "/uccs": reads("UCCs", "uccs", "The UCCs of the config in force", "UCCs", &always, &[]),
        format!("/uccs/{{{}}}", Field::UccName): reads("UCC", "uccs", "A UCC and its agents", "UCC",
            &with(&["UnknownHere"]), &[parameter(Field::UccName, "The UCC")]),
        "/healthz": reads("Health", "operations", "Whether it runs", "Status", &open(&always, true), &[]),
        "/readyz": reads("Ready", "operations", "Whether it can serve", "Status", &open(&always, true), &[]),
        "/metrics": reads("Metrics", "operations", "What it counts", "text", &always, &[]),
        "/openapi.json": reads("OpenApi", "operations", "The recording API as a document", "Document", &always, &[]),
        "/openapi-admin.json": reads("AdminOpenApi", "operations", "This document", "Document", &always, &[]),
    })
}

/// Of a path that asks for no token, and may be answered 503.
fn open<'a>(always: &[&'a str], may_be_unavailable: bool) -> Vec<&'a str> {
    let without = always.iter().copied().filter(|name| *name != "Unauthorized");
    without.chain(may_be_unavailable.then_some("NotStored")).collect()
}

fn own_schemas() -> Map<String, Value> {
    let actions = json!({ "type": "array", "items": { "type": "string", "enum": names() } });
    let field = |field: Field| schemas::reference(field.name());
    let optional = |mut schema: Value, name: &str, of: Value| {
        schema["properties"][name] = of;
        schema
    };
    let recorder = |schema| optional(schema, "Recorder", schemas::reference("SessionRecorder"));
    let states = [Field::RecordingState, Field::MarkingState, Field::SavingState];
    let state = Value::Object(states.map(|state| (state.name().to_owned(), field(state))).into_iter().collect());
    let mut session = state.clone();
    session[Field::UccName.name()] = field(Field::UccName);
    session[Field::CorrelationId.name()] = field(Field::CorrelationId);
    session["Allowed"] = actions.clone();
    session["Changing"] = actions;
    let disposition = json!({ "type": "string", "enum": ["Keep", "Discard", "NothingRecorded"] });
    let closing = json!({
        Field::UccName.name(): field(Field::UccName),
        Field::CorrelationId.name(): field(Field::CorrelationId),
        "Disposition": disposition,
        "Recorder": schemas::reference("SessionRecorder"),
    });
    let of_ucc = |schema| optional(schema, "Recorder", schemas::reference("UCCRecorder"));
    let begin =
        json!({ "type": "object", "description": "What the recorder needs to know of the call, such as its CallId" });
    let mut all = Map::from_iter([
        (
            "Begin".to_owned(),
            json!({ "anyOf": [
                optional(object(state), "Recorder", begin.clone()),
                object(json!({ "Recorder": begin })),
            ] }),
        ),
        ("OpenSession".to_owned(), recorder(object(session))),
        ("ClosingSession".to_owned(), object(closing)),
        (
            "Session".to_owned(),
            json!({ "anyOf": [schemas::reference("OpenSession"), schemas::reference("ClosingSession")] }),
        ),
        (
            "Sessions".to_owned(),
            optional(
                object(json!({
                    "Sessions": { "type": "array", "items": schemas::reference("OpenSession") },
                    "Next": { "type": ["string", "null"], "description": "What after must say to get the next page" },
                })),
                "Closing",
                json!({
                    "type": "array",
                    "items": schemas::reference("ClosingSession"),
                    "description": "Sessions that have ended, and whose recorder is still being stopped. Not there if none is",
                }),
            ),
        ),
        ("Disposition".to_owned(), object(json!({ "Disposition": disposition }))),
        ("Released".to_owned(), object(json!({ "Released": { "type": "boolean" } }))),
        (
            "UCCs".to_owned(),
            object(json!({ "UCCs": { "type": "array", "items": of_ucc(object(json!({
                "UCCName": field(Field::UccName),
                "AgentCanEditRecordings": { "type": "boolean" },
                "Agents": { "type": "integer", "minimum": 0 },
            }))) } })),
        ),
        (
            "UCC".to_owned(),
            of_ucc(optional(
                object(json!({
                    "UCCName": field(Field::UccName),
                    "AgentCanEditRecordings": { "type": "boolean" },
                    "Agents": { "type": "array", "items": { "type": "string" } },
                    "More": { "type": "boolean", "description": "Whether it has more agents than are told" },
                })),
                "Patterns",
                json!({
                    "type": "array",
                    "items": { "type": "string" },
                    "description": "Patterns by which it has further agents. Not there if there is none",
                }),
            )),
        ),
        (
            "Status".to_owned(),
            optional(
                object(json!({ "Status": { "type": "string", "enum": ["ok", "ready"] } })),
                "Warnings",
                json!({
                    "type": "array",
                    "items": { "type": "string" },
                    "description": "What is wrong with recorders, for people. Not there if nothing is",
                }),
            ),
        ),
        ("Document".to_owned(), json!({ "type": "object" })),
    ]);
    all.extend(of_recorders());
    all
}

fn names() -> Vec<&'static str> {
    recording_core::Action::ALL.iter().map(|action| action.name()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_has_its_end() {
        let document: Value = serde_json::from_str(document()).unwrap_or_default();
        let text = document.to_string();
        let mut references = 0;
        for part in text.split(r##""$ref":"#"##).skip(1) {
            let pointer = part.split('"').next().unwrap_or_default();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
            references += 1;
        }
        assert!(references > 50, "{references}");
        assert_eq!(document["paths"].as_object().map(Map::len), Some(12));
    }
}

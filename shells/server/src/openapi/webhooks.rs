//! What the server posts to the webhooks of its config.

use recording_core::Event;
use serde_json::{Map, Value, json};

use super::{Samples, schemas};
use crate::session::SessionKey;
use crate::webhook;

/// The name of the schema of a post's body.
const POST: &str = "WebhookPost";

/// The requests that the server sends.
pub(super) fn all() -> Value {
    let header = |name: &str, description: &str| {
        json!({
            "name": name,
            "in": "header",
            "required": true,
            "description": description,
            "schema": { "type": "string", "minLength": 1 },
        })
    };
    json!({ Event::NAME: { "post": {
        "operationId": "postEvent",
        "summary": "An event, posted to each address that the config names",
        "description": "Signed as Standard Webhooks has it. docs/webhooks.md says what is promised.",
        "tags": ["recording"],
        "security": [{}],
        "parameters": [
            header("webhook-id", "The id of the body"),
            header("webhook-timestamp", "When this try was made, in seconds since 1970"),
            header("webhook-signature", "'v1,' and an HMAC-SHA256 in base64, for each secret, with a space between two"),
        ],
        "requestBody": {
            "required": true,
            "content": { "application/json": { "schema": schemas::reference(POST) } },
        },
        "responses": {
            "2XX": { "description": "Taken. The body does not matter" },
            "410": { "description": "The receiver wants no such event: it is dropped" },
            "default": { "description": "Not taken: it is posted again, after Retry-After if there is one" },
        },
    }}})
}

/// These schemas and that of a post's body.
pub(super) fn with_post(samples: &Samples, mut schemas: Value) -> Value {
    schemas[POST] = post(samples);
    let overdue = overdue(&schemas[Event::NAME], &schemas[POST]["examples"][2]["data"]);
    schemas[webhook::OVERDUE] = overdue;
    schemas
}

/// The schema of a post's body: its keys are those that one has.
fn post(samples: &Samples) -> Value {
    let event = samples.bodies().into_iter().find(|(name, _)| *name == Event::NAME).map(|(_, body)| body.to_string());
    let key = SessionKey::new(samples.state.ucc, samples.state.correlation_id);
    let examples = webhook::samples(event.unwrap_or_default().as_bytes(), &key);
    let examples = examples.map(|body| serde_json::from_slice::<Value>(&body).unwrap_or_default());
    let [with, without, _] = &examples;
    let keys = |body: &Value| body.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect::<Vec<_>>();
    let properties: Map<_, _> = keys(with).into_iter().map(|key| (key.clone(), property(&key))).collect();
    json!({
        "type": "object",
        "description": "The same on each try. Without an event it says that some may be missing",
        "properties": properties,
        "required": keys(without),
        "dependentRequired": { "data": ["sequence"], "sequence": ["data"] },
        "additionalProperties": false,
        "examples": examples,
    })
}

/// The schema of what is posted about a pause that has reached its limit. A session is named as in an event.
fn overdue(event: &Value, example: &Value) -> Value {
    json!({
        "type": "object",
        "description": "A pause has reached the limit of its UCC. It is only reported: nothing is resumed",
        "properties": {
            "UccName": event["properties"]["UccName"],
            "CorrelationId": event["properties"]["CorrelationId"],
            "PausedSince": {
                "description": "Since when the session is paused",
                "type": ["string", "null"],
                "format": "date-time",
            },
            "LimitSeconds": { "description": "How long a pause of this UCC may be", "type": "integer", "minimum": 1 },
        },
        "required": ["UccName", "CorrelationId", "PausedSince", "LimitSeconds"],
        "additionalProperties": false,
        "examples": [example],
    })
}

fn property(key: &str) -> Value {
    match key {
        "type" => json!({ "enum": [Event::NAME, webhook::OVERDUE, webhook::MISSED] }),
        "id" => json!({ "type": "string", "pattern": "^evt_[0-9a-f]{24,32}$" }),
        "timestamp" => {
            json!({ "description": "When the server learned of the change", "type": "string", "format": "date-time" })
        }
        "dropped" => json!({
            "description": "Events for this receiver that were dropped since the last post that it took",
            "type": "integer",
            "minimum": 0,
        }),
        "readAgain" => {
            json!({ "description": "Events were dropped or may be missing: read states again", "type": "boolean" })
        }
        "sequence" => {
            json!({ "description": "Greater for each later event of a session", "type": "integer", "minimum": 0 })
        }
        "data" => json!({ "oneOf": [schemas::reference(Event::NAME), schemas::reference(webhook::OVERDUE)] }),
        // It accepts nothing: the tests see that at once.
        _ => json!(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each key of a post is described, and only what every post has is required.
    #[test]
    fn a_post_is_described_as_it_is_written() {
        let document: Value = serde_json::from_str(super::super::document()).unwrap_or_default();
        let schema = &document["components"]["schemas"][POST];
        let properties = schema["properties"].as_object().expect("properties");
        assert_eq!(properties.len(), 7);
        assert!(properties.values().all(|schema| *schema != json!(false)), "{properties:?}");
        assert_eq!(schema["required"], json!(["dropped", "id", "readAgain", "timestamp", "type"]));
        let [with, without] = [&schema["examples"][0], &schema["examples"][1]];
        assert_eq!(with["data"], document["components"]["schemas"][Event::NAME]["examples"][0]);
        assert_eq!((&without["type"], without.get("data")), (&webhook::MISSED.into(), None));
        let overdue = &document["components"]["schemas"][webhook::OVERDUE];
        let keys = |object: &Value| object.as_object().map(|object| object.keys().cloned().collect::<Vec<_>>());
        assert_eq!(keys(&overdue["properties"]), keys(&schema["examples"][2]["data"]));
        assert!(overdue["properties"]["UccName"].is_object() && schema["examples"][2]["type"] == webhook::OVERDUE);
        assert!(document["webhooks"][Event::NAME]["post"]["requestBody"].is_object());
    }
}

//! The schemas of what the admin's port shows of recorders.

use recording_core::recorder::Order;
use serde_json::{Map, Value, json};

/// An object with these properties, all of which are there. A later server may say more.
pub(super) fn object(properties: Value) -> Value {
    let required: Vec<_> = properties.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect();
    let mut schema = json!({ "type": "object", "required": required });
    schema["properties"] = properties;
    schema
}

pub(super) fn of_recorders() -> Map<String, Value> {
    let orders: Vec<_> = Order::ALL.iter().map(|order| order.name()).collect();
    let resume = json!({ "type": "string", "enum": ["anyone", "holders"], "description": "Who may resume" });
    let moment =
        |description: &str| json!({ "type": ["string", "null"], "format": "date-time", "description": description });
    let text = |description: &str| json!({ "type": "string", "description": description });
    let maybe = |description: &str| json!({ "type": ["string", "null"], "description": description });
    let number = |description: &str| json!({ "type": "integer", "minimum": 0, "description": description });
    let truth = |description: &str| json!({ "type": "boolean", "description": description });
    let mut pending = object(json!({
        "Order": { "type": "string", "enum": orders },
        "IsRepeat": truth("Whether it only asks a silent recorder whether it still is"),
        "Since": moment("Since when it is pending; after a start of the server, since then"),
        "TimesSent": number("How often it was sent"),
        "LastError": maybe("Why it is not confirmed, for people"),
    }));
    pending["type"] = json!(["object", "null"]);
    pending["description"] = json!("What was ordered and is not confirmed. The states do not have it yet");
    let mut session = object(json!({
        "Name": text("The recorder's name in the config"),
        "Call": maybe("What names the call at the recorder"),
        "Resume": resume,
        "Holds": { "type": "array", "items": { "type": "string" }, "description": "The agents that hold the session; unknown: and eight digits is one by a pattern who has not asked since the server's start" },
        "HoldsOfNoAgent": number("Holds of requesters that are no agents any more, which do not count"),
        "Pending": pending,
        "PausedSince": moment("Since when the session is Paused"),
        "SilenceConfirmed": moment("When the recorder confirmed silence the last time, as far as this server knows"),
        "Overdue": truth("Whether the pause has reached its limit"),
        "FoundRecording": moment("When the recorder was found recording although it was silent, unless it is silent since or a client has asked for a Start"),
    }));
    session["properties"]["Files"] = json!({
        "type": ["array", "null"],
        "items": { "type": "string" },
        "description": "The call's files as far as they are known, null if they were not known in time. Of a single session only",
    });
    Map::from_iter([
        ("SessionRecorder".to_owned(), session),
        (
            "UCCRecorder".to_owned(),
            object(json!({
                "Name": text("The recorder of sessions that begin now"),
                "Resume": resume,
                "PauseLimitSeconds": { "type": ["integer", "null"], "description": "How long a pause may be before it is overdue" },
            })),
        ),
        (
            "Recorders".to_owned(),
            object(json!({ "Recorders": { "type": "array", "items": object(json!({
                "Name": text("Its name in the config"),
                "Configured": truth("Whether the config in force has it; if not, it is here for the sessions that have it"),
                "Answers": truth("Whether it answers at present"),
                "Usable": { "type": ["boolean", "null"], "description": "Whether it may be used, null until that is known" },
                "Reason": maybe("Why it may not be used"),
                "CanPause": truth("Whether it can pause and go on"),
                "Restarts": number("Restarts of it that were seen"),
                "SelfTestsPassed": number("Self-tests that it passed"),
                "SelfTestsFailed": number("Self-tests that it failed"),
                "Sessions": number("Sessions that have it, open or closing"),
            })) } })),
        ),
    ])
}

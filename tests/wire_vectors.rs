//! All wire vectors, byte for byte, each in a world of its own, by the simplest shell there is: a desk.

use recording_core::wire::RequestParts;
use recording_core::{Event, Reply, Request, Scratch};
use recording_test_support::{report, world};
use serde_json::Value;

#[test]
fn every_wire_vector() {
    let vectors: Value = serde_json::from_str(include_str!("vectors/wire.json")).expect("the vectors are JSON");
    let cases = vectors["cases"].as_array().expect("a list");
    let mut failures = Vec::new();
    for case in cases {
        let name = case["name"].as_str().expect("a name");
        let text = |key: &str| case[key].as_str();
        let mut desk = world::desk(&vectors["world"]);
        let before: Vec<_> = desk.sessions().map(|s| (s.ucc.to_string(), s.correlation_id, s.state)).collect();

        let mut scratch = Scratch::new();
        let request = Request::read(
            RequestParts {
                method: text("method").expect("a method").as_bytes(),
                target: text("target").expect("a target").as_bytes(),
                content_type: text("content_type").map(str::as_bytes),
                body: text("body").unwrap_or_default().as_bytes(),
            },
            &mut scratch,
        );
        let (reply, event) = match &request {
            Ok(request) => {
                let handled = desk.handle(request);
                (handled.reply, handled.event)
            }
            Err(rejection) => (Reply::from(*rejection), None),
        };
        let mut buffer = [0; Reply::MAX_LEN];
        let written = str::from_utf8(reply.write(&mut buffer).expect("room")).expect("UTF-8");
        let mut buffer = [0; Event::MAX_LEN];
        let event =
            event.map(|event| str::from_utf8(event.write(&mut buffer).expect("room")).expect("UTF-8").to_owned());

        let mut check = |what: &str, holds: bool| {
            if !holds {
                failures.push(format!("{name}: {what}: {} {written} {event:?}", reply.status()));
            }
        };
        check("status", case["status"] == reply.status());
        check("event", case["event"].as_str() == event.as_deref());
        if let Some(expected) = text("reply") {
            check("reply", expected == written);
        } else {
            let parsed: Value = serde_json::from_str(written).expect("JSON");
            let error = &parsed["ErrorMessage"];
            check("bare", parsed.as_object().is_some_and(|members| members.len() == 1));
            check("type", error["ErrorType"] == case["error_type"]);
            let message = error["Message"].as_str().expect("a text");
            check("field", text("names_field").is_none_or(|field| message.contains(field)));
        }
        if event.is_none() {
            let after: Vec<_> = desk.sessions().map(|s| (s.ucc.to_string(), s.correlation_id, s.state)).collect();
            check("no state changes without an event", before == after);
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(cases.len() >= 111);
    report(format_args!("wire vectors: {} cases, byte for byte", cases.len()));
}

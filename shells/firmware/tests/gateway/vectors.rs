//! The wire vectors, each over HTTP from a world of its own, on each board.

use recording_firmware::{Board, Emulator, Log};
use serde_json::Value;

use crate::support::{Client, bytes, finish, listen, start, vectors, vectors_world};

const FENCE_UCC: &str = "ucc-demo-name";
const FENCE: &str = "ffffffff-ffff-4fff-bfff-ffffffffffff";

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

/// Everything that listeners heard so far: a change of a session of our own marks the end.
fn heard(client: &mut Client, events: &Log, from: &mut usize, count: u32) -> Vec<String> {
    let action = if count.is_multiple_of(2) { 6 } else { 7 };
    let request = recording_testkit::render::set(FENCE_UCC, FENCE, "sip:agent@domain.com", action);
    assert_eq!(client.exchange(&request).status, 200);
    let (_, behind) = events.wait(*from, |line| line.contains(FENCE)).expect("the fence is heard");
    let before = events.all()[*from..behind - 1].to_vec();
    *from = behind;
    before
}

fn every_wire_vector(board: Board) {
    let vectors = vectors();
    let mut emulator = start(board, &vectors_world());
    let events = listen(&emulator);
    let mut from = events.len();
    let mut client = Client::connect(emulator.api);
    let begun = emulator.pbx.hear();
    assert_eq!(begun, "boot");
    assert!(emulator.pbx.ask(&format!("begin {FENCE} {FENCE_UCC}")).starts_with("begun"));
    let cases = vectors["cases"].as_array().expect("a list");
    for (count, case) in cases.iter().enumerate() {
        let name = text(&case["name"]);
        afresh(&mut emulator, &vectors["world"]["sessions"]);
        let request = recording_testkit::http::Request {
            method: if case["method"] == "HEAD" { "HEAD" } else { text(&case["method"]).to_owned().leak() },
            target: text(&case["target"]).as_bytes().to_vec(),
            content_type: case["content_type"].as_str().map(|value| &*value.to_owned().leak()),
            body: case["body"].as_str().unwrap_or_default().as_bytes().to_vec(),
        };
        let response = client.exchange(&request);
        let shown =
            format!("{name}: {} {} to {}", response.status, response.text(), String::from_utf8_lossy(&bytes(&request)));
        assert_eq!(u64::from(response.status), case["status"], "{shown}");
        assert_eq!(response.content_type.as_deref(), Some("application/json; charset=utf-8"), "{shown}");
        assert_eq!(response.cache_control.as_deref(), Some("no-store"), "{shown}");
        if let Some(reply) = case["reply"].as_str() {
            assert_eq!(response.text(), reply, "{shown}");
        } else {
            let body: Value = serde_json::from_slice(&response.body).expect("JSON");
            assert_eq!(body.as_object().map(serde_json::Map::len), Some(1), "{shown}");
            assert_eq!(body["ErrorMessage"]["ErrorType"], case["error_type"], "{shown}");
            let field = case["names_field"].as_str().unwrap_or_default();
            assert!(text(&body["ErrorMessage"]["Message"]).contains(field), "{shown}");
        }
        let event: Vec<_> = case["event"].as_str().map(str::to_owned).into_iter().collect();
        assert_eq!(heard(&mut client, &events, &mut from, count as u32), event, "{shown}");
    }
    assert!(cases.len() >= 111);
    println!("{} wire vectors on {}", cases.len(), board.name());
    finish(emulator, "vectors");
}

/// Every session ends and begins again, in its state of the world.
fn afresh(emulator: &mut Emulator, sessions: &Value) {
    for session in sessions.as_array().expect("a list") {
        let (id, ucc) = (text(&session["correlation_id"]), text(&session["ucc"]));
        let ended = emulator.pbx.ask(&format!("end {id} {ucc}"));
        assert!(ended.starts_with("ended") || ended.starts_with("error no such session"), "{ended}");
        let axis = |key: &str| text(&session[key]);
        let state = format!("{}/{}/{}", axis("recording"), axis("marking"), axis("saving"));
        assert_eq!(emulator.pbx.ask(&format!("begin {id} {state} {ucc}")), format!("begun {id} {state} {ucc}"));
    }
}

#[test]
fn every_wire_vector_on_lm3s6965evb() {
    every_wire_vector(Board::Lm3s6965evb);
}

#[test]
fn every_wire_vector_on_mps2_an386() {
    every_wire_vector(Board::Mps2An386);
}

#[test]
fn every_wire_vector_on_mps2_an505() {
    every_wire_vector(Board::Mps2An505);
}

//! A server that is ended in order while a recorder has not confirmed what it was ordered.

use std::time::Instant;

use serde_json::{Value, json};

use crate::process::{File, Running};
use crate::support::recorder::{HttpRecorder, Mood};
use crate::support::{Client, PATIENCE, request};

const UCC: &str = "calls";
const ANNA: &str = "sip:anna@domain.com";
const ID: &str = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

async fn state(server: &Running) -> u64 {
    let reply = Client::connect(server.admin).await.exchange(&request("GET", &session(), &[], b"")).await;
    let reply: Value = serde_json::from_str(&reply.body).unwrap();
    reply["RecordingState"].as_u64().unwrap()
}

fn session() -> String {
    format!("/sessions/{UCC}/{ID}")
}

fn pause() -> Vec<u8> {
    let body = json!({ "Action": "Pause", "RequesterSipUri": ANNA, "CorrelationId": ID, "UCCName": UCC }).to_string();
    let headers = [("Content-Type", "application/json")];
    request("POST", "/attendantservice/api/recording/set", &headers, body.as_bytes())
}

/// The request that waits is answered, with no success; the order outlives the server, and the next one sends it again.
#[tokio::test]
async fn sigterm_while_an_order_is_pending_loses_nothing() {
    let recorder = HttpRecorder::new();
    let config = File::new("ends.toml", &recorder.config("own", UCC, &[ANNA], ""));
    let sessions = File::new("ends.sessions", "");
    std::fs::remove_file(sessions.path()).unwrap();
    let store = format!("file:{}", sessions.path());
    let arguments = ["--config", config.path(), "--store", &store, "--recorder-wait", "1000"];

    let server = Running::start(&arguments);
    let started = r#"{"RecordingState":1,"MarkingState":0,"SavingState":0}"#;
    let mut admin = Client::connect(server.admin).await;
    assert_eq!(admin.exchange(&request("PUT", &session(), &[], started.as_bytes())).await.status, 201);
    recorder.be(Mood::Fails);
    let mut api = Client::connect(server.api).await;
    let waiting = tokio::spawn(async move { api.exchange(&pause()).await });
    let since = Instant::now();
    while recorder.orders().is_empty() {
        assert!(since.elapsed() < PATIENCE);
        tokio::time::sleep(core::time::Duration::from_millis(5)).await;
    }
    server.signal("-TERM");
    let reply: Value = serde_json::from_str(&waiting.await.unwrap().body).unwrap();
    let error = "Action:'Pause' is not confirmed by the recorder.";
    assert_eq!((&reply["RecordingState"], &reply["ErrorMessage"]["Message"]), (&json!(1), &json!(error)));
    let (code, log) = tokio::task::spawn_blocking(|| server.end()).await.unwrap();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("panicked"), "{log}");
    let last = recorder.orders().pop().unwrap()["Number"].as_u64().unwrap();

    recorder.be(Mood::Obeys);
    let server = Running::start(&arguments);
    let since = Instant::now();
    while state(&server).await != 3 {
        assert!(since.elapsed() < PATIENCE, "{:?}", recorder.orders());
        tokio::time::sleep(core::time::Duration::from_millis(20)).await;
    }
    let order = recorder.orders().pop().unwrap();
    assert_eq!(order["Order"], "Pause");
    assert!(order["Number"].as_u64().unwrap() > last, "{order}");
}

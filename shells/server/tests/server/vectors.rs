//! The wire vectors, each over HTTP from a world of its own.

use std::sync::Arc;

use recording_core::state::{MarkingState, RecordingState, RepeatPolicy, SavingState};
use recording_core::wire::{SipUriBuf, UccNameBuf};
use recording_core::{Settings, State};
use recording_server::directory::{Directory, Ucc};
use recording_server::net::Limits;
use recording_server::server::Running;
use recording_server::service::Service;
use recording_server::store::{MemoryStore, Store};
use serde_json::Value;

use crate::support::{Client, key, published, request, serve};

const VECTORS: &str = include_str!("../../../../tests/vectors/wire.json");

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn directory(world: &Value) -> Directory {
    let mut directory = Directory::new();
    for ucc in world["uccs"].as_array().unwrap() {
        let switch = |name: &str| ucc[name].as_bool().unwrap();
        let settings = Settings {
            recording_api_licensed: switch("recording_api_licensed"),
            use_audio_recording: switch("use_audio_recording"),
            agent_can_edit_audio_recording: switch("agent_can_edit_audio_recording"),
            save_recording_by_default: switch("save_recording_by_default"),
            repeats: match text(&ucc["repeats"]) {
                "accept" => RepeatPolicy::Accept,
                "refuse" => RepeatPolicy::Refuse,
                other => panic!("{other}"),
            },
        };
        let agents = ucc["agents"].as_array().unwrap().iter().map(|agent| SipUriBuf::new(text(agent)).unwrap());
        directory.add(&UccNameBuf::new(text(&ucc["name"])).unwrap(), Ucc::new(settings, agents)).unwrap();
    }
    directory
}

async fn fresh(world: &Value) -> Running<MemoryStore> {
    let service = Arc::new(Service::new(directory(world), MemoryStore::new()));
    for session in world["sessions"].as_array().unwrap() {
        let state = State::new(
            RecordingState::from_name(text(&session["recording"])).unwrap(),
            MarkingState::from_name(text(&session["marking"])).unwrap(),
            SavingState::from_name(text(&session["saving"])).unwrap(),
        );
        let key = key(text(&session["ucc"]), text(&session["correlation_id"]));
        let _ = service.store().begin(&key, state).await.unwrap();
    }
    serve(service, Limits::default()).await
}

#[tokio::test]
async fn every_wire_vector_over_http() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let mut ran = 0;
    for case in vectors["cases"].as_array().unwrap() {
        let name = text(&case["name"]);
        let running = fresh(&vectors["world"]).await;
        let mut events = running.service().events().subscribe();

        let content_type = case["content_type"].as_str().map(|value| ("Content-Type", value));
        let headers: Vec<_> = content_type.into_iter().collect();
        let body = case["body"].as_str().unwrap_or_default();
        let method = text(&case["method"]);
        let bytes = request(method, text(&case["target"]), &headers, body.as_bytes());
        let mut client = Client::connect(running.addresses().api).await;
        client.send(&bytes).await;
        let response = client.receive_to(method).await;

        assert_eq!(u64::from(response.status), case["status"], "{name}");
        if let Some(reply) = case["reply"].as_str() {
            assert_eq!(response.body, reply, "{name}");
        } else {
            let message = response.error(case["error_type"].as_i64().unwrap());
            if let Some(field) = case["names_field"].as_str() {
                assert!(message.contains(field), "{name}: {message}");
            }
        }
        let event = case["event"].as_str().map(str::to_owned);
        assert_eq!(published(&mut events), event.into_iter().collect::<Vec<_>>(), "{name}");
        ran += 1;
    }
    println!("{ran} wire vectors over HTTP");
    assert_eq!(ran, 111);
}

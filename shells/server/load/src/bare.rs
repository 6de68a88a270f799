//! The floor: axum handlers that do nothing but what a request and a reply of the same shape need.
//!
//! `GET /hello` answers with as many bytes as a state's reply has; `POST /set` decodes a body of `set` by serde, and
//! answers with a reply of that shape by serde. No session, no check, no decision, no limit of time or size but axum's own.
//! It prints its address and serves until it is killed.

use std::io::Write as _;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

/// A body of `set`, with the action by its id.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Set {
    action: u8,
    requester_sip_uri: String,
    correlation_id: String,
    #[serde(rename = "UCCName")]
    ucc_name: String,
}

/// A reply with states.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Reply {
    correlation_id: String,
    recording_state: u8,
    marking_state: u8,
    saving_state: u8,
    error_message: Option<String>,
    #[serde(rename = "UCCName")]
    ucc_name: String,
}

const HELLO: &str = r#"{"CorrelationId":"1d6c6a58-6739-4f0c-98ff-0968292c8c30","RecordingState":1,"MarkingState":0,"SavingState":0,"ErrorMessage":null,"UCCName":"ucc-demo-name"}"#;

async fn hello() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json; charset=utf-8"), (CACHE_CONTROL, "no-store")], HELLO)
}

async fn set(Json(set): Json<Set>) -> impl IntoResponse {
    let reply = Reply {
        correlation_id: set.correlation_id,
        recording_state: set.action % 4,
        marking_state: 0,
        saving_state: 0,
        error_message: set.requester_sip_uri.is_empty().then(|| "nobody asked".into()),
        ucc_name: set.ucc_name,
    };
    ([(CACHE_CONTROL, "no-store")], Json(reply))
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("API    http://{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    let router = Router::new().route("/hello", get(hello)).route("/set", post(set));
    axum::serve(listener, router).await
}

//! Both documents against the server: each request that they have, made in every way that has an answer of its own. What is
//! answered is in the document, and what is in the document is answered.

use core::net::SocketAddr;
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use recording_server::auth::tokens::make;
use serde_json::Value;

use crate::process::{File, Running};
use crate::support::recorder::{HttpRecorder, Mood};
use crate::support::{ID, PATIENCE, get, once, set_body};

/// Statuses that need a disk that fails: see `failing_store`.
const NOT_HERE: &str = "503";

/// The path of one session.
const SESSION: &str = "/sessions/{UCCName}/{CorrelationId}";

/// The status of an answer, and its type if it has a body.
fn answer(address: SocketAddr, request: &[u8]) -> (String, Option<String>) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // An answer may come, and the connection end, before all is sent.
    let _ = stream.write_all(request);
    let (mut bytes, mut chunk) = (Vec::new(), [0; 16 * 1024]);
    while let Ok(1..) = stream.read(&mut chunk).inspect(|&count| bytes.extend_from_slice(&chunk[..count])) {}
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let lower = head.to_ascii_lowercase();
    let kind = lower.lines().find_map(|line| line.strip_prefix("content-type: ")).map(str::to_owned);
    (status, kind.filter(|_| !body.is_empty()))
}

/// The bytes of a request that asks for the end of its connection.
fn bytes(method: &str, target: &str, headers: &[&str], body: &str) -> Vec<u8> {
    let mut head = format!("{method} {target} HTTP/1.1\r\nConnection: close\r\n");
    let has = |name: &str| headers.iter().any(|header| header.starts_with(name));
    if !has("Host") {
        head.push_str("Host: localhost\r\n");
    }
    if !has("Content-Length") && !has("Transfer-Encoding") && (!body.is_empty() || ["POST", "PUT"].contains(&method)) {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    for header in headers {
        head.push_str(&format!("{header}\r\n"));
    }
    format!("{head}\r\n{body}").into_bytes()
}

/// The target of a path of the document.
fn filled(base: &str, path: &str, ucc: &str, id: &str) -> String {
    format!("{base}{}", path.replace("{UCCName}", ucc).replace("{CorrelationId}", id))
}

/// What a document lists for a request, each status with the types of its bodies.
fn listed(document: &Value, operation: &Value) -> Vec<(String, BTreeSet<String>)> {
    let responses = operation["responses"].as_object().unwrap();
    let whole = |response: &Value| match response["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap().clone(),
        None => response.clone(),
    };
    let kinds = |response: &Value| {
        let content = whole(response)["content"].as_object().cloned().unwrap_or_default();
        content.keys().map(|kind| kind.split(';').next().unwrap().to_owned()).collect()
    };
    responses.iter().map(|(status, response)| (status.clone(), kinds(response))).collect()
}

struct Servers {
    plain: Running,
    tokens: Running,
    rate: Running,
    hub_token: String,
    /// With a recorder that answers nothing of use.
    recorded: Running,
}

/// Asks in every way, and gives what was answered.
fn drive(
    servers: &Servers,
    is_admin: bool,
    method: &str,
    base: &str,
    path: &str,
) -> BTreeSet<(String, Option<String>)> {
    let target = filled(base, path, "ucc-demo-name", ID);
    let is_set = path.ends_with("/set");
    let (pause, json) = (set_body("3"), "Content-Type: application/json");
    let (headers, body): (&[&str], &str) = if is_set { (&[json], &pause) } else { (&[], "") };
    let port = |server: &Running| if is_admin { server.admin } else { server.api };
    let mut answers = BTreeSet::new();
    let mut asks = |server: &Running, target: &str, more: &[&str], body: &str| {
        let all = [headers, more].concat();
        answers.insert(answer(port(server), &bytes(method, target, &all, body)));
    };
    let plain = &servers.plain;
    if is_admin && path.contains("{CorrelationId}") {
        // What needs a session that is open, and then one that closes.
        let (recorded, session) = (&servers.recorded, filled(base, SESSION, "recorded", ID));
        for change in ["PUT", "DELETE"] {
            let state = if change == "PUT" { r#"{"RecordingState":1,"MarkingState":0,"SavingState":0}"# } else { "" };
            answer(recorded.admin, &bytes(change, &session, &[], state));
            asks(recorded, &filled(base, path, "recorded", ID), &[], "");
        }
        answer(recorded.admin, &bytes("DELETE", &format!("{session}/recorder"), &[], ""));
    }
    for _ in 0..2 {
        asks(plain, &target, &[], body);
    }
    for (ucc, id) in [
        ("ucc-demo-name", "nope"),
        ("ucc-demo-name", "00000000-0000-4000-8000-000000000001"),
        ("ucc-demo-name", "00000000-0000-4000-8000-000000000002"),
        ("none", ID),
        ("%ff", ID),
        ("%zz", ID),
    ] {
        asks(plain, &filled(base, path, ucc, id), &[], body);
    }
    for query in ["limit=x&after=zz&ucc=&id=q", "limit=0", "limit=99999999", "x"] {
        asks(plain, &format!("{target}?{query}"), &[], body);
    }
    for target in [format!("{target}?{}", "q".repeat(70_000)), format!("{target}{}", "x".repeat(70_000))] {
        asks(plain, &target, &[], body);
    }
    let long = format!("X: {}", "y".repeat(2 * 1024 * 1024));
    for header in
        ["Host: page.example", &long, "Content-Length: x", "Expect: a", "Accept: image/png", "Range: bytes=0-1"]
    {
        asks(plain, &target, &[header], body);
    }
    for (more, body) in [
        (&[json][..], "{"),
        (&[json], &" ".repeat(5000)),
        (&["Content-Type: text/plain"], "{}"),
        (&[json, "Content-Encoding: gzip"], "{}"),
        (&[json, "Transfer-Encoding: gzip"], ""),
        (&[json, "Transfer-Encoding: chunked"], "zz\r\n"),
    ] {
        let all = if is_set && more[0] == json { &more[1..] } else { more };
        asks(plain, &target, all, body);
    }
    if ["POST", "PUT"].contains(&method) {
        // The rest of the body does not come.
        let more = [json, "Content-Length: 50"];
        asks(plain, &target, if is_set { &more[1..] } else { &more }, "{");
    }
    if is_set {
        for (from, to) in [
            ("\"Action\":3", "\"Action\":99"),
            ("agent@", "other@"),
            ("sip:", ""),
            (ID, "x"),
            ("ucc-demo-name", "none"),
        ] {
            asks(plain, &target, &[], &pause.replace(from, to));
        }
    }
    let hub_only = format!("Authorization: Bearer {}", servers.hub_token);
    for more in [&[][..], &["Authorization: Bearer x"], &["Authorization: Basic eDp5"], &[&hub_only]] {
        asks(&servers.tokens, &target, more, body);
    }
    for _ in 0..3 {
        asks(&servers.rate, &target, &[], body);
    }
    answers
}

#[tokio::test]
async fn what_is_answered_is_what_the_documents_list() {
    let (token, hub) = (make("all").unwrap(), make("hub").unwrap());
    let file = File::new("openapi.tokens", &format!("{}\n{} hub\n", token.line, hub.line));
    let recorder = HttpRecorder::new();
    recorder.be(Mood::Fails);
    let config = File::new("openapi.toml", &recorder.config("own", "recorded", &["sip:agent@domain.com"], ""));
    let servers = Servers {
        // Heads so long that a target can be too long first; a body that does not come is waited for shortly.
        plain: Running::start(&["--log", "off", "--max-head", "1048576", "--request-timeout", "1"]),
        tokens: Running::start(&["--log", "off", "--tokens", file.path(), "--admin-tokens", file.path()]),
        rate: Running::start(&["--log", "off", "--rate", "1"]),
        hub_token: hub.token,
        recorded: Running::start(&["--log", "off", "--store", "memory", "--config", config.path()]),
    };
    let mut wrong = Vec::new();
    let mut number = 0;
    for (name, is_admin) in [("/openapi.json", false), ("/openapi-admin.json", true)] {
        let document: Value = serde_json::from_str(&once(servers.plain.admin, &get(name)).await.body).unwrap();
        let base = document["servers"][0]["url"].as_str().unwrap().trim_end_matches('/');
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap().iter().filter(|(_, value)| value.is_object()) {
                let method = method.to_ascii_uppercase();
                let listed = listed(&document, operation);
                let answers = drive(&servers, is_admin, &method, base, path);
                number += 1;
                for (status, kind) in &answers {
                    let Some((_, kinds)) = listed.iter().find(|(of, _)| of == status) else {
                        wrong.push(format!("{method} {path}: {status} is answered and not listed"));
                        continue;
                    };
                    let kind = kind.as_deref().map(|kind| kind.split(';').next().unwrap().to_owned());
                    if method != "HEAD" && kind.as_ref().is_some_and(|kind| !kinds.contains(kind)) {
                        wrong.push(format!(
                            "{method} {path}: {status} is answered with a body of {kind:?}, not {kinds:?}"
                        ));
                    }
                }
                for (status, _) in &listed {
                    if status != NOT_HERE && !answers.iter().any(|(of, _)| of == status) {
                        wrong.push(format!("{method} {path}: {status} is listed and not answered"));
                    }
                }
            }
        }
    }
    assert!(number > 20, "{number}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

//! Against a recorder with a fence, and one that answers whatever the test says.

use core::convert::Infallible;
use core::time::Duration;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};

use axum::http::{Method, Request, Response, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use recording_core::recorder::{Number, Order, RecorderState};
use recording_core::wire::{CorrelationId, UccName};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::session::Binding;

/// What is answered, and what was asked.
#[derive(Debug, Default)]
struct Script {
    answers: VecDeque<(u16, String)>,
    asked: Vec<(Method, String, Option<String>, String)>,
}

/// A recorder that answers by its script; after that it is `Off`.
async fn scripted() -> io::Result<(String, Arc<Mutex<Script>>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/orders", listener.local_addr()?);
    let script = Arc::<Mutex<Script>>::default();
    let shared = Arc::clone(&script);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let script = Arc::clone(&shared);
            let answer = service_fn(move |request: Request<Incoming>| answer(request, Arc::clone(&script)));
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    });
    Ok((url, script))
}

async fn answer(request: Request<Incoming>, script: Arc<Mutex<Script>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let header = head.headers.get("authorization").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let target = head.uri.to_string();
    // Only whether it is there is asked without a query.
    let is_look = head.method == Method::GET && head.uri.query().is_none();
    let (status, text) = {
        let mut script = script.lock().unwrap();
        if is_look {
            (200, String::new())
        } else {
            let body = String::from_utf8_lossy(&body).into_owned();
            script.asked.push((head.method, target, header, body));
            script.answers.pop_front().unwrap_or((200, r#"{"RecorderState":"Off"}"#.to_owned()))
        }
    };
    if status == 1 {
        sleep(Duration::from_secs(600)).await;
    }
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT);
    Ok(response)
}

fn call(data: &Value) -> Call {
    let key = SessionKey::new(UccName::new("Größe & Co").unwrap(), CorrelationId::from_u128(7));
    let binding = Binding { recorder: "own".into(), call: data.to_string().into() };
    Call { key, id: "id".into(), binding: Arc::new(binding) }
}

fn number(number: u64) -> Number {
    Number::from_u64(number).unwrap()
}

fn start(options: Options) -> HttpRecorder {
    HttpRecorder::start("own".into(), options).unwrap().0
}

/// Another token is sent once the file is read again; one that cannot be read leaves the last one in force.
#[tokio::test]
async fn a_token_is_read_again() -> io::Result<()> {
    let (url, script) = scripted().await?;
    let file = std::env::temp_dir().join(format!("recording-http-token-again-{}", std::process::id()));
    std::fs::write(&file, "first\n")?;
    let options = Options { token_file: Some(file.clone()), ..Options::at(url.parse().unwrap()) };
    assert!(HttpRecorder::check(options.clone()).is_ok());
    let recorder = start(options.clone());
    let sent = async || {
        recorder.read_back(&call(&json!({}))).await;
        script.lock().unwrap().asked.pop().and_then(|(.., header, _)| header)
    };
    assert_eq!(sent().await.as_deref(), Some("Bearer first"));
    std::fs::write(&file, "second\n")?;
    let put_in_force = recorder.read_again().unwrap();
    assert_eq!(sent().await.as_deref(), Some("Bearer first"));
    put_in_force();
    assert_eq!(sent().await.as_deref(), Some("Bearer second"));
    std::fs::remove_file(&file)?;
    let wrong = recorder.read_again().err().unwrap_or_default();
    assert!(wrong.starts_with(&file.display().to_string()), "{wrong}");
    assert!(HttpRecorder::check(options).is_err());
    assert_eq!(sent().await.as_deref(), Some("Bearer second"));
    Ok(())
}

#[tokio::test]
async fn what_is_posted_is_what_the_page_says() -> io::Result<()> {
    let (url, script) = scripted().await?;
    let file = std::env::temp_dir().join(format!("recording-http-token-{}", std::process::id()));
    std::fs::write(&file, "secret\n")?;
    let options = Options { token_file: Some(file.clone()), ..Options::at(url.parse().unwrap()) };
    let recorder = start(options);
    std::fs::remove_file(file)?;
    script.lock().unwrap().answers.push_back((200, r#"{"RecorderState":"Paused","More":[1]}"#.to_owned()));
    let outcome = recorder.carry_out(&call(&json!({ "Line": 3 })), Order::Pause, number(1 << 40)).await;
    assert_eq!(outcome, Outcome::Is(RecorderState::Paused));
    assert_eq!(recorder.read_back(&call(&json!({}))).await, Outcome::Is(RecorderState::Off));
    let asked = core::mem::take(&mut script.lock().unwrap().asked);
    let [(Method::POST, target, header, body), (Method::GET, read, ..)] = &*asked else { panic!("{asked:?}") };
    assert_eq!((target.as_str(), header.as_deref()), ("/orders", Some("Bearer secret")));
    let expected = json!({
        "Order": "Pause",
        "Number": 1_u64 << 40,
        "UCCName": "Größe & Co",
        "CorrelationId": "00000000-0000-0000-0000-000000000007",
        "Recorder": { "Line": 3 },
    });
    assert_eq!(serde_json::from_str::<Value>(body)?, expected);
    let expected = "/orders?UCCName=Gr%C3%B6%C3%9Fe%20%26%20Co&CorrelationId=00000000-0000-0000-0000-000000000007";
    assert_eq!(read, expected);
    Ok(())
}

/// Only a 200 that names one of the three states says what the recorder is doing, and only a 404 that it does not know the call.
#[tokio::test]
async fn nothing_is_guessed() -> io::Result<()> {
    let (url, script) = scripted().await?;
    let recorder = start(Options { give_up_after: Duration::from_millis(300), ..Options::at(url.parse().unwrap()) });
    let long = format!(r#"{{"RecorderState":"Off","x":"{}"}}"#, "x".repeat(5000));
    for (status, body, known) in [
        (200, r#"{"RecorderState":"Recording"}"#, Some(Outcome::Is(RecorderState::Recording))),
        (404, "", Some(Outcome::NoSuchCall)),
        (404, r#"{"RecorderState":"Off"}"#, Some(Outcome::NoSuchCall)),
        (200, r#"{"RecorderState":"off"}"#, None),
        (200, r#"{"RecorderState":null}"#, None),
        (200, r#"{"RecorderState":"Off","RecorderState":"Off"}"#, None),
        (200, "{}", None),
        (200, "", None),
        (200, "Off", None),
        (200, &long, None),
        (201, r#"{"RecorderState":"Off"}"#, None),
        (204, "", None),
        (302, "", None),
        (409, r#"{"RecorderState":"Off"}"#, None),
        (500, r#"{"RecorderState":"Off"}"#, None),
        (1, "", None),
    ] {
        script.lock().unwrap().answers.push_back((status, body.to_owned()));
        let outcome = recorder.carry_out(&call(&json!({})), Order::Stop, number(1)).await;
        match known {
            Some(known) => assert_eq!(outcome, known, "{status} {body}"),
            None => assert!(matches!(outcome, Outcome::Unknown(_)), "{status} {body}: {outcome:?}"),
        }
    }
    Ok(())
}

/// A recorder that is away, or whose port another has, is no reason not to start, and what is not heard is unknown.
#[tokio::test]
async fn a_recorder_that_is_away_is_noticed() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    drop(listener);
    let recorder = start(Options::at(format!("http://{address}/").parse().unwrap()));
    let outcome = recorder.carry_out(&call(&json!({})), Order::Stop, number(1)).await;
    let Outcome::Unknown(reason) = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("refused"), "{reason}");
    assert!(!recorder.condition().borrow().answers);
    let (url, _) = scripted().await?;
    let recorder = start(Options::at(url.parse().unwrap()));
    let mut condition = recorder.condition();
    condition.wait_for(|condition| condition.answers).await.unwrap();
    Ok(())
}

#[test]
fn a_place_has_a_scheme_and_a_host() {
    for (url, is_place) in [
        ("http://127.0.0.1:9000/orders", true),
        ("https://recorder.example/", true),
        ("ftp://recorder.example/", false),
        ("/orders", false),
        ("recorder:9000", false),
        ("http://recorder/?a=b", false),
    ] {
        assert_eq!(url.parse().is_ok_and(|url| Options::is_place(&url)), is_place, "{url}");
    }
}

/// Files that cannot be used are named.
#[tokio::test]
async fn files_are_checked_at_the_start() {
    let url = || "https://recorder.example/".parse().unwrap();
    let missing = std::path::PathBuf::from("/nonexistent/file");
    let options = Options { token_file: Some(missing.clone()), ..Options::at(url()) };
    let error = HttpRecorder::start("own".into(), options).unwrap_err();
    assert!(error.to_string().starts_with("/nonexistent/file: "), "{error}");
    let options = Options { ca_file: Some(missing), ..Options::at(url()) };
    assert!(HttpRecorder::start("own".into(), options).is_err());
}

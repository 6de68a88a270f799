//! Listening to events with a token: each request of a listener is asked for it, on whichever version of HTTP.

use core::time::Duration;
use std::time::Instant;

use recording_server::auth::tokens::make;
use recording_server::net::Limits;
use tokio::time::timeout;

use crate::access::{HUB_PATH, bearer, get_with};
use crate::certificates::Certificate;
use crate::process::{File, Running};
use crate::support::{Client, PATIENCE, get, request};
use crate::tls::{HTTP_2, Http2, tls, world_listening};

/// What opens a connection of the hub, out of the answer to a negotiation.
fn connection_token(body: &str) -> String {
    let answer: serde_json::Value = serde_json::from_str(body).unwrap();
    answer["connectionToken"].as_str().unwrap().to_owned()
}

async fn status(running: &Running, bytes: &[u8]) -> (u16, String) {
    let mut client = Client::connect(running.api).await;
    client.send(bytes).await;
    client.next_status().await.unwrap()
}

#[tokio::test]
async fn each_request_of_a_listener_shows_its_token() {
    let token = make("wallboard").unwrap();
    let tokens = File::new("listen.tokens", &format!("{} hub\n", token.line));
    let running = Running::start(&["--tokens", tokens.path()]);
    let negotiate = format!("{HUB_PATH}/negotiate?negotiateVersion=1");
    let authorized = [("Authorization", &*bearer(&token.token))];
    assert_eq!(status(&running, &request("POST", &negotiate, &[], b"")).await.0, 401);
    let (code, body) = status(&running, &request("POST", &negotiate, &authorized, b"")).await;
    assert_eq!(code, 200, "{body}");
    let id = connection_token(&body);
    let upgrade = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    // To know the connection's own token is not enough.
    let plain = format!("{HUB_PATH}?id={id}");
    for bytes in [
        get(&plain),
        get_with(&plain, &upgrade),
        get_with(&plain, &[("Accept", "text/event-stream")]),
        request("POST", &plain, &[], b"{\"protocol\":\"json\",\"version\":1}\x1e"),
        request("DELETE", &plain, &[], b""),
        // Nor is an id that this server does not know, which would be a new connection.
        get_with(&format!("{HUB_PATH}?id=other.AAAAAAAAAAAAAAAAAAAAAA"), &upgrade),
    ] {
        assert_eq!(status(&running, &bytes).await.0, 401);
    }
    // In the query, as browsers do.
    for id in [&id, "other.AAAAAAAAAAAAAAAAAAAAAA"] {
        let mut socket = Client::connect(running.api).await;
        socket.send(&get_with(&format!("{HUB_PATH}?id={id}&access_token={}", token.token), &upgrade)).await;
        assert_eq!(socket.receive_unchecked().await.status, 101, "{id}");
    }
}

/// WebSockets with ids that are made up are requests as negotiations are: --rate counts both, and lets as few of them through.
#[tokio::test]
async fn unknown_ids_have_the_rate_of_negotiations() {
    const RATE: u32 = 20;
    let upgrade = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    for is_negotiation in [true, false] {
        let running = Running::start(&["--rate", &RATE.to_string(), "--log", "off"]);
        let (began, mut let_in, mut refused) = (Instant::now(), 0_u32, 0);
        for number in 0..120 {
            let mut client = Client::connect(running.api).await;
            client
                .send(&if is_negotiation {
                    request("POST", &format!("{HUB_PATH}/negotiate?negotiateVersion=1"), &[], b"")
                } else {
                    get_with(&format!("{HUB_PATH}?id=other.{number}"), &upgrade)
                })
                .await;
            match client.receive_unchecked().await.status {
                200 if is_negotiation => let_in += 1,
                101 if !is_negotiation => let_in += 1,
                429 => refused += 1,
                status => panic!("{status}"),
            }
        }
        // What may come at once, and then so many a second.
        let most = f64::from(RATE) * (2.0 + began.elapsed().as_secs_f64());
        assert!(refused > 0 && f64::from(let_in) <= most, "{let_in} of at most {most}, {refused} refused");
    }
}

/// An event stream by HTTP/2 outlasts the time of an idle connection, and ends with the server.
#[tokio::test]
async fn an_event_stream_goes_on_by_http_2() {
    let certificate = Certificate::new("stream2");
    let token = make("wallboard").unwrap();
    let tokens = File::new("stream2.tokens", &token.line);
    let mut options = certificate.options().to_vec();
    options.extend(["--tokens", tokens.path(), "--idle-timeout", "1", "--request-timeout", "2"]);
    let running = Running::start(&options);
    let stream = Client::connect(running.api).await.stream;
    let mut client = Http2::over(certificate.try_connect(stream, &[HTTP_2]).await.unwrap()).await;
    let uri = format!("https://localhost{HUB_PATH}/negotiate?negotiateVersion=1&access_token={}", token.token);
    let (parts, body) = client.exchange(hyper::Request::post(uri).body(()).unwrap(), "").await;
    assert_eq!(parts.status.as_u16(), 200, "{body}");
    let uri = format!("https://localhost{HUB_PATH}?id={}&access_token={}", connection_token(&body), token.token);
    let listen = hyper::Request::get(&uri).header("accept", "text/event-stream").body(()).unwrap();
    let (response, _) = client.send.send_request(listen, true).unwrap();
    let response = timeout(PATIENCE, response).await.unwrap().unwrap();
    assert_eq!(response.status().as_u16(), 200);
    let mut events = response.into_body();
    assert_eq!(timeout(PATIENCE, events.data()).await.unwrap().unwrap().unwrap(), ":\r\n");
    tokio::time::sleep(Duration::from_secs(3)).await;
    // The handshake by another request of the same connection, answered in the stream.
    let send = hyper::Request::post(&uri).body(()).unwrap();
    let (parts, _) = client.exchange(send, "{\"protocol\":\"json\",\"version\":1}\x1e").await;
    assert_eq!(parts.status.as_u16(), 200);
    let answer = timeout(PATIENCE, events.data()).await.unwrap().unwrap().unwrap();
    assert_eq!(answer, "data: {}\x1e\r\n\r\n");
    running.signal("-TERM");
    let end = async { while let Some(Ok(_)) = events.data().await {} };
    timeout(PATIENCE, end).await.expect("the stream ends with the server");
}

/// Streams of events whose client lets nothing through (windows of 0) lose their places among the listeners, and are counted
/// as slow.
#[tokio::test]
async fn streams_that_take_nothing_lose_their_places() {
    const STREAMS: u64 = 3;
    let certificate = Certificate::new("window-of-0");
    let limits = signalr_hub::Limits { write: Duration::from_millis(500), ..signalr_hub::Limits::default() };
    let options = signalr_hub::HubOptions { limits, ..signalr_hub::HubOptions::default() };
    let running = world_listening(&certificate, Limits::default(), options).await;
    let counters = || running.service().hub().counters();
    let mut good = Http2::over(tls(&certificate, &running, &[HTTP_2]).await).await;
    let stream = tls(&certificate, &running, &[HTTP_2]).await;
    let handshake = h2::client::Builder::new().initial_window_size(0).handshake::<_, bytes::Bytes>(stream);
    let (mut shut, connection) = timeout(PATIENCE, handshake).await.unwrap().unwrap();
    let connection = tokio::spawn(connection);
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        let uri = format!("https://localhost{HUB_PATH}/negotiate?negotiateVersion=1");
        let (_, body) = good.exchange(hyper::Request::post(uri).body(()).unwrap(), "").await;
        let uri = format!("https://localhost{HUB_PATH}?id={}", connection_token(&body));
        let listen = hyper::Request::get(&uri).header("accept", "text/event-stream").body(()).unwrap();
        let (response, _) = shut.send_request(listen, true).unwrap();
        streams.push(timeout(PATIENCE, response).await.unwrap().unwrap());
        // By another connection: the answer to the handshake is in the stream, where it waits.
        let send = hyper::Request::post(&uri).body(()).unwrap();
        let (parts, _) = good.exchange(send, "{\"protocol\":\"json\",\"version\":1}\x1e").await;
        assert_eq!(parts.status.as_u16(), 200);
    }
    let gone = async {
        while counters().server_sent_events > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, gone).await.unwrap_or_else(|_| panic!("{:?}", counters()));
    assert_eq!((counters().opened, counters().closed_slow), (STREAMS, STREAMS));
    connection.abort();
}

//! What clients and networks do that the original clients do not: each of these once broke something.

use core::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use signalr_hub::{HubOptions, Limits};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::support::{Client, JSON, MESSAGE_PACK, PATIENCE, Served, event, seconds, told};

const KEY: (&str, &str) = ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
const VERSION: (&str, &str) = ("Sec-WebSocket-Version", "13");

/// A client's Close is answered with its own code, before the SignalR handshake and after it.
#[tokio::test]
async fn a_close_of_a_web_socket_is_answered() {
    let served = Served::default().await;
    for handshake in [false, true] {
        for code in [None, Some(1000), Some(1001), Some(1011), Some(3000), Some(4000), Some(4999)] {
            let mut socket = served.web_socket("").await;
            if handshake {
                socket.say(JSON).await;
                assert_eq!(socket.hears().await, "{}\x1e");
            }
            let frame = code.map(|code: u16| CloseFrame { code: code.into(), reason: "bye".into() });
            socket.0.send(Message::Close(frame)).await.unwrap();
            match socket.message().await {
                Some(Message::Close(answer)) => assert_eq!(answer.map(|frame| u16::from(frame.code)), code),
                other => panic!("{code:?}: {other:?}"),
            }
            assert!(timeout(PATIENCE, socket.0.next()).await.unwrap().is_none());
        }
    }
    served.until(|counters| counters.open() == 0).await;
}

/// The same, byte by byte: a Close frame and the end of the connection, not its end alone.
#[tokio::test]
async fn a_close_is_answered_before_the_connection_ends() {
    let served = Served::default().await;
    // Masked with zeros; with the code 1001, and without any.
    for close in [&b"\x88\x82\0\0\0\0\x03\xe9"[..], b"\x88\x80\0\0\0\0"] {
        let mut client = Client::connect(served.address).await;
        client.send("GET", "/hub", &[("Connection", "Upgrade"), ("Upgrade", "websocket"), VERSION, KEY], b"").await;
        assert_eq!(client.head().await.status, 101);
        client.stream.write_all(close).await.unwrap();
        let mut answer = Vec::new();
        timeout(PATIENCE, client.stream.read_to_end(&mut answer)).await.unwrap().unwrap();
        let code = &close[6..];
        assert_eq!(answer, [&[0x88, code.len() as u8], code].concat());
    }
}

/// The lines of a header are one list: how they are cut and ordered means nothing.
#[tokio::test]
async fn an_upgrade_is_one_however_its_lines_are_cut() {
    let served = Served::default().await;
    let connections: [&[&str]; 6] = [
        &["Upgrade"],
        &["keep-alive, Upgrade"],
        &["keep-alive", "Upgrade"],
        &["Upgrade", "keep-alive"],
        &["keep-alive,\tupgrade", "x-other"],
        &["", "UPGRADE"],
    ];
    let upgrades: [&[&str]; 5] =
        [&["websocket"], &["WebSocket, h2c"], &["h2c, websocket"], &["h2c", "websocket"], &["websocket", "h2c"]];
    let opens = async |connections: &[&str], upgrades: &[&str]| {
        let mut headers = vec![VERSION, KEY];
        headers.extend(connections.iter().map(|line| ("Connection", *line)));
        headers.extend(upgrades.iter().map(|line| ("Upgrade", *line)));
        let mut client = Client::connect(served.address).await;
        client.send("GET", "/hub", &headers, b"").await;
        client.head().await
    };
    for connections in connections {
        for upgrades in upgrades {
            let response = opens(connections, upgrades).await;
            assert_eq!(response.status, 101, "{connections:?} {upgrades:?}");
            // The sample of RFC 6455.
            assert_eq!(response.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        }
        for none in [&["h2c"][..], &["websockets"], &[]] {
            // No WebSocket is asked for: this is a poll without an id.
            assert_eq!(opens(connections, none).await.status, 400);
        }
    }
    for none in [&["keep-alive"][..], &["close", "te"], &[]] {
        assert_eq!(opens(none, &["websocket"]).await.status, 400);
    }
}

/// Another version of WebSockets is refused with the one that is spoken.
#[tokio::test]
async fn the_version_of_web_sockets_is_said() {
    let served = Served::default().await;
    let upgrade = [("Connection", "Upgrade"), ("Upgrade", "websocket"), KEY];
    for version in [None, Some("8"), Some("7"), Some("14"), Some(""), Some("13, 8"), Some("x")] {
        let mut headers = upgrade.to_vec();
        headers.extend(version.map(|version| ("Sec-WebSocket-Version", version)));
        let response = served.request("GET", "/hub", &headers, b"").await;
        assert_eq!((response.status, response.header("sec-websocket-version")), (426, Some("13")), "{version:?}");
        assert_eq!(response.header("upgrade"), Some("websocket"));
        assert!(!response.body.is_empty());
    }
}

/// With a slash at the end of its address, the hub is the same on every transport.
#[tokio::test]
async fn a_slash_at_the_end_is_no_other_hub() {
    let served = Served::default().await;
    for path in ["/hub", "/hub/"] {
        let (mut socket, _) = tokio_tungstenite::connect_async(format!("ws://{}{path}", served.address)).await.unwrap();
        socket.send(Message::text("{\"protocol\":\"json\",\"version\":1}\x1e")).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("{}\x1e"));

        let target = format!("{path}?id={}", served.token().await);
        let mut stream = Client::connect(served.address).await;
        stream.send("GET", &target, &[("Accept", "text/event-stream")], b"").await;
        assert_eq!(stream.head().await.status, 200);
        assert_eq!(stream.chunk().await, ":\r\n");
        assert_eq!(served.request("POST", &target, &[], JSON).await.status, 200);
        assert_eq!(stream.chunk().await, "data: {}\x1e\r\n\r\n");

        let target = format!("{path}?id={}", served.token().await);
        for (method, body, status, answer) in [
            ("GET", &b""[..], 200, ""),
            ("POST", JSON, 200, ""),
            ("GET", b"", 200, "{}\x1e"),
            ("DELETE", b"", 202, ""),
            ("GET", b"", 404, "No Connection with that ID"),
        ] {
            let response = served.request(method, &target, &[], body).await;
            assert_eq!((response.status, response.text()), (status, answer), "{method} {target}");
        }
    }
    assert_eq!(served.request("POST", "/hub/negotiate", &[], b"").await.status, 200);
    // And nothing else is.
    for path in ["/hub//", "/hub/negotiate/", "/hub/x", "/hubs"] {
        assert_eq!(served.request("POST", path, &[], b"").await.status, 404, "{path}");
    }
}

/// `q=0` says that a stream is not wanted.
#[tokio::test]
async fn a_stream_that_is_excluded_is_not_begun() {
    let served = Served::default().await;
    for (accept, streams) in [
        ("text/event-stream", true),
        ("*/*;q=0.1, TEXT/Event-Stream; q=0.5", true),
        ("text/event-stream;q=0", false),
        ("text/event-stream; Q=0.000, */*", false),
        ("*/*", false),
    ] {
        let token = served.token().await;
        let mut client = Client::connect(served.address).await;
        client.send("GET", &format!("/hub?id={token}"), &[("Accept", accept)], b"").await;
        let head = client.head().await;
        assert_eq!((head.status, head.header("content-type") == Some("text/event-stream")), (200, streams), "{accept}");
    }
}

/// A WebSocket whose client does not even answer pings loses its place; one that does so, and nothing else, keeps it.
#[tokio::test]
async fn a_web_socket_that_answers_nothing_loses_its_place() {
    let limits =
        Limits { keep_alive: Duration::from_millis(100), unanswered: Duration::from_millis(1500), ..Limits::default() };
    let served = Served::new(HubOptions { limits, ..HubOptions::default() }).await;
    let mut silent = Vec::new();
    for _ in 0..5 {
        let mut client = Client::connect(served.address).await;
        client.send("GET", "/hub", &[("Connection", "Upgrade"), ("Upgrade", "websocket"), VERSION, KEY], b"").await;
        assert_eq!(client.head().await.status, 101);
        // The SignalR handshake, in a frame masked with zeros; and never a word again.
        client.stream.write_all(&[&[0x81, 0x80 | JSON.len() as u8, 0, 0, 0, 0], JSON].concat()).await.unwrap();
        silent.push(client);
    }
    let mut good = served.listener().await;
    let mut events = 0;
    while served.hub.counters().web_sockets > 1 {
        served.publish(events);
        // It answers pings while it reads.
        while good.hears().await != told(events) {}
        events += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(events < 1500, "{:?}", served.hub);
    }
    assert_eq!(served.hub.counters().closed_silent, 5);
    tokio::time::sleep(Duration::from_millis(200)).await;
    served.hub.publish(&events, &event(events));
    while good.hears().await != told(events) {}
}

/// Frames that are no messages are read no faster than others: what comes after a flood of them has to wait.
#[tokio::test]
async fn frames_without_messages_are_counted() {
    let limits = Limits { input_rate: 20_000, input_burst: 8000, ..Limits::default() };
    let served = Served::new(HubOptions { limits, ..HubOptions::default() }).await;
    let takes = async |begin: &[u8], frame: &[u8], number: usize, end: &[u8]| {
        let mut client = Client::connect(served.address).await;
        client.send("GET", "/hub", &[("Connection", "Upgrade"), ("Upgrade", "websocket"), VERSION, KEY], b"").await;
        assert_eq!(client.head().await.status, 101);
        let handshake = [&[0x81, 0x80 | JSON.len() as u8, 0, 0, 0, 0], JSON].concat();
        let begun = tokio::time::Instant::now();
        let flood = frame.repeat(number);
        client.stream.write_all(&[begin, &flood[..], end, &handshake].concat()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"{}\x1e") {
            assert!(timeout(PATIENCE, client.stream.read_buf(&mut answer)).await.unwrap().unwrap() > 0);
        }
        begun.elapsed()
    };
    // A text with many empty pieces; pings, pongs and binary messages without bytes, which cost more each.
    let (empty, ping, pong, message) =
        (b"\x00\x80\0\0\0\0", b"\x89\x80\0\0\0\0", b"\x8a\x80\0\0\0\0", b"\x82\x80\0\0\0\0");
    let (pieces, pings, pongs, messages) = tokio::join!(
        takes(b"\x01\x80\0\0\0\0", empty, 7000, b"\x80\x80\0\0\0\0"),
        takes(b"", ping, 200, b""),
        takes(b"", pong, 200, b""),
        takes(b"", message, 200, b""),
    );
    for time in [pieces, pings, pongs, messages] {
        assert!(time > seconds(1), "{time:?}");
    }
}

/// Names of protocols are compared without case.
#[tokio::test]
async fn names_of_protocols_have_no_case() {
    for (name, binary) in [("JSON", false), ("Json", false), ("MessagePack", true), ("MESSAGEPACK", true)] {
        let handshake = format!("{{\"protocol\":\"{name}\",\"version\":1}}\x1e");
        let mut machine = crate::support::Machine::open(crate::support::WEB_SOCKET, handshake.as_bytes());
        machine.connection.publish(seconds(0), &event(1));
        let sent = machine.sent(seconds(0));
        assert_eq!(sent.starts_with(b"{"), !binary);
        let text_only = crate::support::Machine::new(crate::support::TEXT_ONLY).says(handshake.as_bytes());
        assert_eq!(text_only == b"{}\x1e", !binary);
    }
    assert_eq!(crate::support::Machine::open(crate::support::WEB_SOCKET, MESSAGE_PACK).says(b"\x02\x91\x06"), b"");
}

/// An answer to a poll that is dropped before a client took it: the next poll gets the order to reconnect, and nothing else.
#[tokio::test]
async fn an_answer_that_nobody_took_is_no_silent_gap() {
    use tower_service::Service as _;

    let hub = signalr_hub::Hub::new(crate::support::Test::default(), HubOptions::default());
    let router = hub.router("/hub");
    let asks = async |method: &str, target: &str, body: &'static [u8]| {
        let request =
            axum::http::Request::builder().method(method).uri(target).body(axum::body::Body::from(body)).unwrap();
        let Ok(response) = router.clone().call(request).await;
        response
    };
    let text = async |response: axum::response::Response| {
        String::from_utf8(axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap()
    };
    let document: serde_json::Value =
        serde_json::from_str(&text(asks("POST", "/hub/negotiate", b"").await).await).unwrap();
    let target = format!("/hub?id={}", document["connectionId"].as_str().unwrap());
    assert_eq!(text(asks("GET", &target, b"").await).await, "");
    asks("POST", &target, JSON).await;
    assert_eq!(text(asks("GET", &target, b"").await).await, "{}\x1e");
    // One whose client is gone before there is anything to say loses nothing.
    assert!(timeout(Duration::from_millis(20), asks("GET", &target, b"")).await.is_err());
    hub.publish(&1, &event(1));
    assert_eq!(text(asks("GET", &target, b"").await).await, told(1));
    hub.publish(&2, &event(2));
    drop(asks("GET", &target, b"").await);
    hub.publish(&3, &event(3));
    assert_eq!(text(asks("GET", &target, b"").await).await, "{\"type\":7,\"allowReconnect\":true}\x1e");
    assert_eq!(asks("GET", &target, b"").await.status(), 204);
}

//! The transports over loopback, each with clients that are as they should be, and with others.

use core::time::Duration;

use serde_json::json;
use signalr_hub::{HubOptions, Limits, OriginAllowed};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{connect_async, tungstenite};

use crate::support::{Client, JSON, MESSAGE_PACK, Served, UPGRADE, record, told};

const CLOSE: &str = "{\"type\":7,\"allowReconnect\":true}\x1e";

fn call(target: &str) -> Vec<u8> {
    record(&json!({"type": 1, "invocationId": "1", "target": target, "arguments": []}))
}

const DONE: &str = "{\"type\":3,\"invocationId\":\"1\"}\x1e";

#[tokio::test]
async fn web_sockets() {
    let served = Served::default().await;
    let token = served.token().await;
    // With what was negotiated, and without.
    for query in [format!("?id={token}"), String::new()] {
        let mut socket = served.web_socket(&query).await;
        socket.say(JSON).await;
        assert_eq!(socket.hears().await, "{}\x1e");
        socket.say(&call("Void")).await;
        assert_eq!(socket.hears().await, DONE);
        for number in 0..100 {
            served.publish(number);
        }
        for number in 0..100 {
            assert_eq!(socket.hears().await, told(number));
        }
        // A record over several frames, and several records in one.
        for byte in call("Void") {
            socket.say(&[byte]).await;
        }
        socket.say(&call("Void").repeat(2)).await;
        for _ in 0..3 {
            assert_eq!(socket.hears().await, DONE);
        }
        socket.say(b"{\"type\":7}\x1e").await;
        socket.closes().await;
    }
    served.until(|counters| counters.open() == 0).await;
    let counters = served.hub.counters();
    assert_eq!((counters.opened, counters.published, counters.delivered, counters.dropped), (2, 200, 200, 0));
}

#[tokio::test]
async fn message_pack_comes_in_binary_frames() {
    let served = Served::default().await;
    let mut socket = served.web_socket("").await;
    socket.say(MESSAGE_PACK).await;
    assert_eq!(socket.message().await, Some(Message::binary(&b"{}\x1e"[..])));
    served.publish(7);
    assert_eq!(socket.message().await, Some(Message::binary(&b"\x0c\x96\x01\x80\xc0\xa4Told\x91\x07\x90"[..])));
}

#[tokio::test]
async fn server_sent_events() {
    let served = Served::default().await;
    let token = served.token().await;
    let target = format!("/hub?id={token}");
    let mut client = Client::connect(served.address).await;
    client.send("GET", &target, &[("Accept", "text/event-stream")], b"").await;
    let head = client.head().await;
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")));
    assert_eq!(client.chunk().await, ":\r\n");
    assert_eq!(served.post(&token, JSON).await.status, 200);
    assert_eq!(client.chunk().await, "data: {}\x1e\r\n\r\n");
    served.publish(1);
    served.publish(2);
    assert_eq!(client.chunk().await, format!("data: {}\r\n\r\n", told(1)));
    assert_eq!(client.chunk().await, format!("data: {}\r\n\r\n", told(2)));
    assert_eq!(served.post(&token, &call("Void")).await.body, b"");
    assert_eq!(client.chunk().await, format!("data: {DONE}\r\n\r\n"));
    served.hub.close();
    assert_eq!(client.chunk().await, format!("data: {CLOSE}\r\n\r\n"));
    assert_eq!(client.chunk().await, "");

    // MessagePack is no text.
    let served = Served::default().await;
    let token = served.token().await;
    let mut client = Client::connect(served.address).await;
    client.send("GET", &format!("/hub?id={token}"), &[("Accept", "text/event-stream")], b"").await;
    client.head().await;
    client.chunk().await;
    served.post(&token, MESSAGE_PACK).await;
    assert!(client.chunk().await.starts_with("data: {\"error\":\"Cannot use the 'messagepack' protocol"));
    assert_eq!(client.chunk().await, "");
    served.until(|counters| counters.open() == 0 && counters.closed_malformed == 1).await;
}

#[tokio::test]
async fn long_polling() {
    let served = Served::default().await;
    let token = served.token().await;
    assert_eq!(served.poll(&token).await.body, b"");
    served.post(&token, MESSAGE_PACK).await;
    let response = served.poll(&token).await;
    assert_eq!((response.status, &response.body[..]), (200, &b"{}\x1e"[..]));
    assert_eq!(response.header("content-type"), Some("application/octet-stream"));
    // What waits comes together.
    served.publish(1);
    served.publish(2);
    let told = |number: u8| [&b"\x0c\x96\x01\x80\xc0\xa4Told\x91"[..], &[number, 0x90]].concat();
    assert_eq!(served.poll(&token).await.body, [told(1), told(2)].concat());
    // A poll is held until there is something; a newer one ends it.
    let target = format!("/hub?id={token}");
    let mut older = Client::connect(served.address).await;
    older.send("GET", &target, &[], b"").await;
    let mut newer = Client::connect(served.address).await;
    // Which of the two is the older is known when one of them is answered.
    newer.send("GET", &target, &[], b"").await;
    let ended = tokio::select! {
        response = older.response() => { served.publish(3); (response, newer.response().await) }
        response = newer.response() => { served.publish(3); (response, older.response().await) }
    };
    assert_eq!((ended.0.status, ended.1.status, ended.1.body), (204, 200, told(3)));
    // The end: the open poll gets the close, the next one nothing any more.
    served.hub.close();
    assert_eq!(served.poll(&token).await.body, b"\x04\x93\x07\xc0\xc3");
    assert_eq!(served.poll(&token).await.status, 204);
    assert_eq!(served.poll(&token).await.status, 404);
    assert_eq!(served.hub.counters().open(), 0);
}

#[tokio::test]
async fn long_polling_is_ended_by_the_client() {
    let served = Served::default().await;
    let token = served.token().await;
    served.poll(&token).await;
    served.post(&token, JSON).await;
    served.poll(&token).await;
    let mut held = Client::connect(served.address).await;
    held.send("GET", &format!("/hub?id={token}"), &[], b"").await;
    // The poll is there when it holds up the next event.
    served.publish(1);
    assert_eq!(held.response().await.text(), told(1));
    held.send("GET", &format!("/hub?id={token}"), &[], b"").await;
    assert_eq!(served.request("DELETE", &format!("/hub?id={token}"), &[], b"").await.status, 202);
    let status = held.response().await.status;
    // It came in front of the DELETE, or after it.
    assert!(status == 204 || status == 404, "{status}");
    assert_eq!(served.request("DELETE", &format!("/hub?id={token}"), &[], b"").await.status, 404);
}

#[tokio::test]
async fn a_held_poll_ends_empty_and_a_client_that_stays_away_is_forgotten() {
    let options =
        HubOptions { poll: Duration::from_millis(300), poll_gap: Duration::from_millis(1500), ..HubOptions::default() };
    let served = Served::new(options).await;
    let token = served.token().await;
    served.poll(&token).await;
    served.post(&token, JSON).await;
    assert_eq!(served.poll(&token).await.text(), "{}\x1e");
    let response = served.poll(&token).await;
    assert_eq!((response.status, response.body), (200, vec![]));
    assert_eq!(served.hub.counters().long_polling, 1);
    served.until(|counters| counters.long_polling == 0).await;
    assert_eq!(served.poll(&token).await.status, 404);
}

#[tokio::test]
async fn what_is_negotiated_and_not_opened_is_forgotten() {
    let options = HubOptions { unopened: Duration::from_millis(100), connections: 3, ..HubOptions::default() };
    let served = Served::new(options).await;
    let first = served.token().await;
    let mut tokens = vec![first.clone()];
    // Twice as many as there may be connections; one more takes the oldest one's place.
    for _ in 0..6 {
        tokens.push(served.token().await);
    }
    assert_eq!(served.poll(&first).await.status, 404);
    let last = tokens.last().unwrap().clone();
    let waiting = async {
        while served.post(&last, b"").await.status == 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, waiting).await.unwrap();
}

#[tokio::test]
async fn there_are_never_too_many() {
    let served = Served::new(HubOptions { connections: 2, ..HubOptions::default() }).await;
    let spare = served.token().await;
    let (_first, second) = (served.listener().await, served.listener().await);
    for (method, path) in [("POST", "/hub/negotiate"), ("GET", &format!("/hub?id={spare}"))] {
        let response = served.request(method, path, &[], b"").await;
        assert_eq!((response.status, response.text()), (503, "There are too many connections"));
    }
    assert_eq!(served.hub.counters().refused, 2);
    drop(second);
    served.until(|counters| counters.open() == 1).await;
    served.listener().await;
}

#[tokio::test]
async fn wrong_requests() {
    let served = Served::default().await;
    let status = async |method: &str, target: &str, headers: &[(&str, &str)]| {
        let response = served.request(method, target, headers, b"").await;
        assert!(!response.body.is_empty() || method == "HEAD", "an error says something: {response:?}");
        response.status
    };
    let events = ("Accept", "text/event-stream");
    let upgrade = UPGRADE;
    for (method, headers) in [("GET", vec![]), ("GET", vec![events]), ("POST", vec![]), ("DELETE", vec![])] {
        assert_eq!(status(method, "/hub", &headers).await, 400);
        assert_eq!(status(method, "/hub?ids=1", &headers).await, 400);
        assert_eq!(status(method, "/hub?id=unknown", &headers).await, 404);
    }
    for method in ["PUT", "PATCH", "OPTIONS", "HEAD"] {
        assert_eq!(status(method, "/hub", &[]).await, 405, "{method}");
    }
    // An upgrade that is none.
    for target in ["/hub", "/hub?id=unknown"] {
        assert_eq!(status("GET", target, &upgrade[1..]).await, 400);
        assert_eq!(status("GET", target, &upgrade[..3]).await, 400);
        assert_eq!(status("GET", target, &upgrade[..2]).await, 426);
    }

    let token = served.token().await;
    let target = format!("/hub?id={token}");
    let mut socket = served.web_socket(&format!("?id={token}")).await;
    socket.say(JSON).await;
    assert_eq!(socket.hears().await, "{}\x1e");
    assert_eq!(status("POST", &target, &[]).await, 405);
    assert_eq!(status("DELETE", &target, &[]).await, 400);
    assert_eq!(status("GET", &target, &[events]).await, 400);
    assert_eq!(status("GET", &target, &[]).await, 400);
    served.publish(1);
    assert_eq!(socket.hears().await, told(1));

    let token = served.token().await;
    let target = format!("/hub?id={token}");
    let mut stream = Client::connect(served.address).await;
    stream.send("GET", &target, &[("Accept", "*/*, text/event-stream;q=0.9")], b"").await;
    assert_eq!(stream.head().await.status, 200);
    stream.chunk().await;
    assert_eq!(status("GET", &target, &[events]).await, 409);
    assert_eq!(status("GET", &target, &upgrade).await, 400);
    assert_eq!(status("DELETE", &target, &[]).await, 400);
}

#[tokio::test]
async fn bodies_are_bounded_in_size_and_time() {
    let options = HubOptions { body_time: Duration::from_millis(300), ..HubOptions::default() };
    let limit = options.body;
    let served = Served::new(options).await;
    let token = served.token().await;
    // Before it is opened no more than a record is kept.
    assert_eq!(served.post(&token, &vec![b' '; Limits::default().record]).await.status, 200);
    assert_eq!(served.post(&token, b"x").await.status, 413);
    served.poll(&token).await;
    assert_eq!(served.post(&token, &vec![b' '; limit + 1]).await.status, 413);
    assert_eq!(served.request("POST", "/hub/negotiate", &[], &vec![b' '; limit + 1]).await.status, 413);
    let mut slow = Client::connect(served.address).await;
    slow.send("POST", &format!("/hub?id={token}"), &[("Content-Length", "10")], b"").await;
    let response = slow.response().await;
    assert_eq!((response.status, response.header("connection")), (408, Some("close")));
    // A frame has the same limit.
    let mut socket = served.listener().await;
    socket.say(&vec![b' '; limit + 1]).await;
    match socket.message().await {
        Some(Message::Close(_)) | None => {}
        other => panic!("{other:?}"),
    }
}

/// Whose pages may open WebSockets: none but the hub's own, and those that are listed.
#[tokio::test]
async fn origins() {
    let served =
        Served::new(HubOptions { origins: vec!["https://desk.example".into()], ..HubOptions::default() }).await;
    let address = served.address;
    let opens = async |origin: &str, host: Option<&str>| {
        let mut request = format!("ws://{address}/hub").into_client_request().unwrap();
        request.headers_mut().insert("origin", origin.parse().unwrap());
        if let Some(host) = host {
            request.headers_mut().insert("host", host.parse().unwrap());
        }
        match connect_async(request).await {
            Ok(_) => true,
            Err(tungstenite::Error::Http(response)) => {
                assert_eq!(response.status(), 403);
                false
            }
            Err(other) => panic!("{other}"),
        }
    };
    for (origin, host, expected) in [
        (format!("http://{address}"), None, true),
        ("https://desk.example".into(), None, true),
        ("https://DESK.example".into(), None, true),
        ("https://desk.example.evil".into(), None, false),
        ("https://evil.example".into(), None, false),
        ("http://127.0.0.1:1".into(), None, false),
        ("http://127.0.0.1".into(), None, false),
        ("null".into(), None, false),
        ("".into(), None, false),
        ("http://hub.example".into(), Some("hub.example:80"), true),
        ("https://hub.example".into(), Some("hub.example:443"), true),
        ("https://hub.example".into(), Some("hub.example:80"), false),
        ("https://hub.example".into(), Some("hub.example"), true),
        ("https://hub.example:8443".into(), Some("hub.example:8443"), true),
        ("https://hub.example:8443".into(), Some("hub.example:8444"), false),
    ] {
        assert_eq!(opens(&origin, host).await, expected, "{origin} {host:?}");
    }
}

/// A layer in front of the hub may have decided about that.
#[tokio::test]
async fn an_origin_may_be_allowed_by_others() {
    let hub = signalr_hub::Hub::new(crate::support::Test::default(), HubOptions::default());
    let router = hub.router("/hub").layer(axum::Extension(OriginAllowed));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let mut request = format!("ws://{address}/hub").into_client_request().unwrap();
    request.headers_mut().insert("origin", "https://other.example".parse().unwrap());
    assert!(connect_async(request).await.is_ok());
}

/// A hub may be mounted more than once: the listeners of one mount hear what those of the other hear.
#[tokio::test]
async fn mounted_twice_it_is_one_hub() {
    let served = Served::default().await;
    let router = served.hub.router("/other");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let mut one = served.listener().await;
    let (other, _) = connect_async(format!("ws://{address}/other")).await.unwrap();
    let mut other = crate::support::Socket(other);
    other.say(JSON).await;
    assert_eq!(other.hears().await, "{}\x1e");
    served.publish(5);
    assert_eq!((one.hears().await, other.hears().await), (told(5), told(5)));
}

/// Who is not interested gets nothing, and everything else goes on.
#[tokio::test]
async fn only_those_who_want_an_event_get_it() {
    let served = Served::default().await;
    let (mut quiet, mut other) = (served.listener().await, served.listener().await);
    quiet.say(&call("Quiet")).await;
    assert_eq!(quiet.hears().await, DONE);
    served.publish(1);
    assert_eq!(other.hears().await, told(1));
    quiet.say(&call("Void")).await;
    assert_eq!(quiet.hears().await, DONE);
    assert_eq!(served.hub.counters().delivered, 1);
    assert_eq!(*served.hub.methods().called.lock().unwrap(), ["Quiet", "Void"]);
}

/// Sent away, listeners may come back; closed, they may not.
#[tokio::test]
async fn sent_away_and_closed() {
    let served = Served::default().await;
    let mut socket = served.listener().await;
    served.hub.send_away();
    assert_eq!(socket.hears().await, CLOSE);
    socket.closes().await;
    let mut socket = served.listener().await;
    let spare = served.token().await;
    served.hub.close();
    assert_eq!(socket.hears().await, CLOSE);
    socket.closes().await;
    let response = served.request("POST", "/hub/negotiate", &[], b"").await;
    assert_eq!((response.status, response.text()), (503, "The server is ending"));
    assert_eq!(served.poll(&spare).await.status, 404);
}

//! What breaks real clients, one test for each. All of these were seen with deliberate faults in a server and the real
//! clients; the numbers are those of the list that was made then. Three of them are the server's around the hub, and
//! tested there: 12 (a `*` where credentials are sent), 15 (the case of the keys), 16 (tokens in logs).

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::Arc;

use serde_json::{Value, json};
use signalr_hub::{Argument, HubOptions, Limits, Publication};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite;

use crate::support::{Client, JSON, MESSAGE_PACK, Machine, PATIENCE, Served, WEB_SOCKET, event, record, seconds};

/// Trap 1: negotiation in version 1 for clients that asked for 0. Both Python clients then open with the wrong id.
#[tokio::test]
async fn trap_01_always_v1() {
    let served = Served::default().await;
    let document = served.request("POST", "/hub/negotiate", &[], b"").await.json();
    assert_eq!(document.get("connectionToken"), None);
    let mut socket = served.web_socket(&format!("?id={}", document["connectionId"].as_str().unwrap())).await;
    socket.say(JSON).await;
    assert_eq!(socket.hears().await, "{}\x1e");
}

/// Trap 2: no `negotiateVersion` in version 0. signalrcore refuses such a server.
#[tokio::test]
async fn trap_02_version_left_out() {
    let served = Served::default().await;
    for query in ["", "?negotiateVersion=0"] {
        let document = served.request("POST", &format!("/hub/negotiate{query}"), &[], b"").await.json();
        assert_eq!(document["negotiateVersion"], json!(0));
    }
}

/// Trap 3: a handshake that must say version 1. signalrcore says 0, some .NET clients 2.
#[test]
fn trap_03_strict_handshake_version() {
    for version in 0..=2 {
        let handshake = record(&json!({"protocol": "json", "version": version}));
        assert_eq!(Machine::new(WEB_SOCKET).says(&handshake), b"{}\x1e");
    }
}

/// Trap 4: an event before the answer to the handshake.
#[test]
fn trap_04_event_before_the_handshakes_answer() {
    for handshake in [JSON, MESSAGE_PACK] {
        for cut in 0..=handshake.len() {
            let mut machine = Machine::new(WEB_SOCKET);
            machine.receive(seconds(0), &handshake[..cut]);
            machine.connection.publish(seconds(0), &event(1));
            machine.receive(seconds(0), &handshake[cut..]);
            machine.connection.publish(seconds(0), &event(2));
            let first = machine.connection.next(seconds(0)).unwrap();
            assert_eq!(first, &b"{}\x1e"[..]);
        }
    }
}

/// Trap 5: a record without its end.
#[tokio::test]
async fn trap_05_missing_end_of_record() {
    let mut machine = Machine::open(WEB_SOCKET, JSON);
    machine.receive(seconds(0), &record(&json!({"type": 1, "invocationId": "1", "target": "Echo", "arguments": [1]})));
    machine
        .receive(seconds(0), &record(&json!({"type": 1, "invocationId": "1", "target": "Nothing", "arguments": []})));
    machine.connection.publish(seconds(0), &event(1));
    let mut records = Vec::new();
    let mut drain = |machine: &mut Machine, now| {
        while let Some(record) = machine.connection.next(now) {
            records.push(record);
        }
    };
    drain(&mut machine, seconds(0));
    machine.connection.tick(seconds(15));
    machine.connection.close(seconds(15), true);
    drain(&mut machine, seconds(15));
    assert_eq!(records.len(), 5);
    for record in records {
        let text = record.strip_suffix(b"\x1e").expect("an end");
        assert!(!text.contains(&0x1e));
        assert!(serde_json::from_slice::<Value>(text).unwrap().is_object());
    }
}

/// Trap 6: a first poll that is held until there is something to say. The client never starts.
#[tokio::test]
async fn trap_06_first_poll_held() {
    // If it were held, then for a day.
    let served = Served::new(HubOptions { poll: seconds(86_400), ..HubOptions::default() }).await;
    let token = served.token().await;
    let response = served.poll(&token).await;
    assert_eq!((response.status, response.body), (200, vec![]));
    // Not even if there is something: signalrcore shakes hands before its first poll.
    let token = served.token().await;
    served.post(&token, JSON).await;
    assert_eq!(served.poll(&token).await.body, b"");
    assert_eq!(served.poll(&token).await.body, b"{}\x1e");
}

/// Trap 7: server-sent events that are buffered or compressed on their way. The start times out.
#[tokio::test]
async fn trap_07_events_buffered_or_compressed() {
    let served = Served::default().await;
    let token = served.token().await;
    let mut client = Client::connect(served.address).await;
    let headers = [("Accept", "text/event-stream"), ("Accept-Encoding", "gzip, deflate, br, zstd")];
    client.send("GET", &format!("/hub?id={token}"), &headers, b"").await;
    let head = client.head().await;
    assert_eq!((head.header("content-encoding"), head.header("content-length")), (None, None));
    assert_eq!(head.header("cache-control"), Some("no-cache, no-store"));
    // Nothing has been said to it, and it has begun.
    assert_eq!(client.chunk().await, ":\r\n");
}

/// Trap 8: a body in the answer to a POST. signalrcore takes it for JSON.
#[tokio::test]
async fn trap_08_post_answered_with_a_body() {
    let served = Served::default().await;
    let token = served.token().await;
    for is_open in [false, true] {
        for body in [b"", JSON, b"{\"type\":6}\x1e"] {
            let response = served.post(&token, body).await;
            assert_eq!((response.status, response.body), (200, vec![]), "{is_open}");
        }
        served.poll(&token).await;
    }
}

/// Trap 9: an answer to a call without an id. It ends every client of Microsoft's.
#[test]
fn trap_09_call_without_id_answered() {
    for target in ["Void", "Echo", "Nothing", "Refuse"] {
        for id in [json!({}), json!({"invocationId": null})] {
            let mut message = json!({"type": 1, "target": target, "arguments": []});
            message.as_object_mut().unwrap().extend(id.as_object().unwrap().clone());
            assert_eq!(Machine::open(WEB_SOCKET, JSON).says(&record(&message)), b"");
        }
    }
}

/// Trap 10: 15 seconds without a word. Clients give up after 30.
#[test]
fn trap_10_no_pings() {
    let mut machine = Machine::open(WEB_SOCKET, JSON);
    let mut last = seconds(0);
    for tenth in 0..6000 {
        let now = Duration::from_millis(100 * tenth);
        machine.connection.tick(now);
        if !machine.sent(now).is_empty() {
            last = now;
        }
        assert!(now - last <= seconds(15), "{now:?}");
    }
}

/// Trap 11: an end of the server without the order to come back. Clients stay away for good.
#[tokio::test]
async fn trap_11_shutdown_without_allow_reconnect() {
    let served = Served::default().await;
    let mut socket = served.listener().await;
    served.hub.close();
    let close: Value = serde_json::from_str(socket.hears().await.trim_end_matches('\x1e')).unwrap();
    assert_eq!(close, json!({"type": 7, "allowReconnect": true}));
    socket.closes().await;
}

/// Trap 13: bodies taken by their type. Clients send JSON as text, as bytes, or as nothing.
#[tokio::test]
async fn trap_13_bodies_read_by_their_type() {
    let served = Served::default().await;
    let types = [
        None,
        Some("application/json"),
        Some("application/octet-stream"),
        Some("text/plain;charset=UTF-8"),
        Some("application/x-www-form-urlencoded"),
    ];
    for content_type in types {
        let headers: Vec<_> = content_type.map(|value| ("Content-Type", value)).into_iter().collect();
        for body in [&b""[..], b"{}", b"no JSON"] {
            assert_eq!(served.request("POST", "/hub/negotiate", &headers, body).await.status, 200);
        }
        let token = served.token().await;
        served.poll(&token).await;
        let target = format!("/hub?id={token}");
        assert_eq!(served.request("POST", &target, &headers, JSON).await.status, 200);
        assert_eq!(served.poll(&token).await.body, b"{}\x1e");
    }
}

/// Trap 14: a publisher that waits for a slow listener. Here one reads nothing at all and another never polls; a good one
/// gets everything, and the two are ordered to reconnect.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_14_publisher_held_up() {
    /// Far more than all buffers on the way to a listener take.
    const EVENTS: u64 = 8_000;
    let filler = format!("\"{}\"", "x".repeat(2000));
    let publication = |number: u64| {
        let number = number.to_string();
        let [number, filler] = [number.as_bytes(), filler.as_bytes()].map(|json| Argument { json, message_pack: &[] });
        Publication::new("Told", &[number, filler])
    };
    // Neither must be given up for the time it takes, only for what waits for it.
    let limits = Limits { write: seconds(1000), waiting: 4 << 20, ..Limits::default() };
    let served = Served::new(HubOptions { limits, poll_gap: seconds(1000), ..HubOptions::default() }).await;
    let mut reads_late = served.listener().await;
    let (mut good, never_polls) = (served.listener().await, served.token().await);
    served.poll(&never_polls).await;
    served.post(&never_polls, JSON).await;
    let heard = Arc::new(AtomicU64::new(0));
    let hearing = Arc::clone(&heard);
    let listening = tokio::spawn(async move {
        for number in 0..EVENTS {
            let event = good.hears().await;
            assert!(event.contains(&format!("\"arguments\":[{number},")), "{number}: {event}");
            hearing.store(number, Ordering::Relaxed);
        }
    });
    for number in 0..EVENTS {
        served.hub.publish(&number, &publication(number));
        // As fast as the good one takes them: its queue has room for this many.
        while number % 500 == 0 && heard.load(Ordering::Relaxed) < number {
            assert!(!listening.is_finished());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    tokio::time::timeout(PATIENCE, listening).await.unwrap().unwrap();
    assert_eq!(served.hub.counters().dropped, 2);
    // What fitted is in order and without a gap, and then comes the order to come back.
    let close = "{\"type\":7,\"allowReconnect\":true}\x1e";
    let mut number = 0;
    loop {
        let record = reads_late.hears().await;
        if record == close {
            break;
        }
        assert!(record.contains(&format!("\"arguments\":[{number},")), "{number}: {record}");
        number += 1;
    }
    reads_late.closes().await;
    assert!(number > limits.queue as u64 && number < EVENTS, "{number}");
    let mut all = String::new();
    loop {
        let response = served.poll(&never_polls).await;
        if response.status == 204 {
            break;
        }
        all.push_str(response.text());
    }
    let mut records = all.split_inclusive('\x1e');
    assert_eq!(records.next(), Some("{}\x1e"));
    for number in 0..limits.queue - 1 {
        assert!(records.next().unwrap().contains(&format!("\"arguments\":[{number},")), "{number}");
    }
    assert_eq!((records.next(), records.next()), (Some(close), None));
    served.until(|counters| counters.closed_slow == 2 && counters.open() == 0).await;
}

/// Trap 17: a `Host` without its port, as signalrcore sends it.
#[tokio::test]
async fn trap_17_host_without_port() {
    let served = Served::default().await;
    let headers = [("Host", "127.0.0.1"), ("Origin", "http://127.0.0.1:4711")];
    let response = served.request("POST", "/hub/negotiate", &headers, b"").await;
    assert_eq!(response.status, 200);
    let mut client = Client::connect(served.address).await;
    let upgrade = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    client.send("GET", "/hub", &[&headers[..], &upgrade].concat(), b"").await;
    assert_eq!(client.head().await.status, 101);
}

/// Trap 18: an upgrade before it is known whether there is a place. Clients that learn it from a WebSocket that opens and
/// closes come back for ever.
#[tokio::test]
async fn trap_18_upgrade_before_there_is_a_place() {
    let served = Served::new(HubOptions { connections: 1, ..HubOptions::default() }).await;
    let spare = served.token().await;
    let _all = served.listener().await;
    for query in [String::new(), "?id=unknown".to_owned(), format!("?id={spare}")] {
        match connect_async(format!("ws://{}/hub{query}", served.address)).await {
            Err(tungstenite::Error::Http(response)) => assert_eq!(response.status(), 503, "{query}"),
            other => panic!("{query}: {other:?}"),
        }
    }
    assert_eq!(served.hub.counters().refused, 3);
}

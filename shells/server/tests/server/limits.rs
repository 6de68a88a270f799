//! Clients that are slow, silent, or too many.

use core::time::Duration;
use std::time::Instant;

use recording_core::State;
use recording_core::wire::{CorrelationId, UccName};
use recording_server::net::Limits;
use recording_server::store::{SessionKey, Store};

use crate::support::{Client, PATIENCE, SET_PATH, STATE_PATH, get, once, request, set, world_with};

/// Long enough for a client that is not slow, even on a busy machine.
const SHORT: Duration = Duration::from_millis(400);

fn limits() -> Limits {
    Limits { request: SHORT, idle: 2 * SHORT, write: SHORT, ..Limits::default() }
}

fn head_of_a_set(length: usize) -> String {
    format!(
        "POST {SET_PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
}

#[tokio::test]
async fn a_request_that_does_not_arrive_is_given_up() {
    let running = world_with(State::INITIAL, limits()).await;
    let address = running.addresses().api;
    let begin = Instant::now();

    let silent = async {
        Client::connect(address).await.ended().await;
        assert!(begin.elapsed() >= SHORT);
    };
    let half_a_head = async {
        let mut client = Client::connect(address).await;
        client.send(b"GET / HTTP/1.1\r\nHost:").await;
        client.ended().await;
        assert!(begin.elapsed() >= SHORT);
    };
    let half_a_body = async {
        let mut client = Client::connect(address).await;
        client.send(head_of_a_set(100).as_bytes()).await;
        client.send(b"{").await;
        let response = client.receive().await;
        assert!(begin.elapsed() >= SHORT);
        assert_eq!((response.status, response.error(2).as_str()), (408, "The request took too long to arrive."));
        assert!(response.closes());
        client.ended_in_order().await;
    };
    // Bytes that trickle in do not put the end off, whether of the head or of the body.
    let trickle = async |bytes: String| {
        let client = Client::connect(address).await;
        let (mut read, mut write) = client.stream.into_split();
        let trickling = tokio::spawn(async move {
            for byte in bytes.into_bytes() {
                if tokio::io::AsyncWriteExt::write_all(&mut write, &[byte]).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        let mut reply = Vec::new();
        let _ = tokio::time::timeout(PATIENCE, tokio::io::AsyncReadExt::read_to_end(&mut read, &mut reply)).await;
        trickling.abort();
        assert!(begin.elapsed() >= SHORT && begin.elapsed() < 10 * SHORT, "{:?}", begin.elapsed());
        String::from_utf8(reply).unwrap()
    };
    let head = trickle("GET / HTTP/1.1\r\nX-Trickle: ".to_owned() + &"x".repeat(10_000));
    let body = trickle(head_of_a_set(2000) + &" ".repeat(2000));
    let ((), (), (), head, body) = tokio::join!(silent, half_a_head, half_a_body, head, body);
    assert_eq!(head, "");
    // Its head took long, so what was left for the body was little; whether it got that far decides the answer.
    assert!(body.is_empty() || body.starts_with("HTTP/1.1 408 "), "{body}");
}

#[tokio::test]
async fn an_idle_connection_is_closed_later_than_a_slow_one() {
    let running = world_with(State::INITIAL, limits()).await;
    let mut client = Client::connect(running.addresses().api).await;
    assert_eq!(client.exchange(&get(STATE_PATH)).await.status, 200);
    let begin = Instant::now();
    client.ended().await;
    assert!(begin.elapsed() >= 2 * SHORT - SHORT / 10, "{:?}", begin.elapsed());

    // A byte of a next request ends the idleness, and its time counts from there.
    let running = world_with(State::INITIAL, Limits { request: SHORT, ..Limits::default() }).await;
    let mut client = Client::connect(running.addresses().api).await;
    assert_eq!(client.exchange(&get(STATE_PATH)).await.status, 200);
    tokio::time::sleep(2 * SHORT).await;
    let begin = Instant::now();
    client.send(b"G").await;
    client.ended().await;
    assert!(begin.elapsed() >= SHORT - SHORT / 10, "{:?}", begin.elapsed());
}

#[tokio::test]
async fn who_does_not_take_replies_is_given_up() {
    // The other limits are far away: this one alone must do it.
    let limits = Limits { write: SHORT, ..Limits::default() };
    let running = world_with(State::INITIAL, limits).await;
    for number in 0..1000 {
        let key = SessionKey::new(UccName::new("ucc-demo-name").unwrap(), CorrelationId::from_u128(number));
        let _ = running.service().store().begin(&key, State::INITIAL).await.unwrap();
    }
    let client = Client::connect(running.addresses().admin).await;
    let (read, mut write) = client.stream.into_split();
    // Ever more requests with large replies, until those have filled every buffer on the way, and then the requests.
    let requests = get("/sessions?limit=1000").repeat(1000);
    let flood = async { while tokio::io::AsyncWriteExt::write_all(&mut write, &requests).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, flood).await.expect("the server must cut the connection");
    drop(read);
    assert_eq!(once(running.addresses().admin, &get("/healthz")).await.status, 200);
}

#[tokio::test]
async fn one_connection_too_many_takes_the_place_of_the_longest_waiting() {
    let limits = Limits { connections: 3, ..Limits::default() };
    let running = world_with(State::INITIAL, limits).await;
    let address = running.addresses().api;
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = Client::connect(address).await;
        assert_eq!(client.exchange(&get(STATE_PATH)).await.status, 200);
        clients.push(client);
    }
    // The first one is used again, so the second has waited longest.
    assert_eq!(clients[0].exchange(&get(STATE_PATH)).await.status, 200);
    let mut fourth = Client::connect(address).await;
    assert_eq!(fourth.exchange(&get(STATE_PATH)).await.status, 200);
    clients[1].ended().await;
    assert_eq!(clients[0].exchange(&get(STATE_PATH)).await.status, 200);
    assert_eq!(clients[2].exchange(&get(STATE_PATH)).await.status, 200);
}

/// Far more slow senders than there are places, of every kind, and all of them come back: good requests go through.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn slow_senders_do_not_hold_the_server() {
    const PLACES: usize = 64;
    const SLOW: usize = 300;
    let limits = Limits { connections: PLACES, ..Limits::default() };
    let running = world_with(State::INITIAL, limits).await;
    let address = running.addresses().api;
    let slow: Vec<_> = (0..SLOW)
        .map(|number| {
            tokio::spawn(async move {
                let head = head_of_a_set(2000);
                let part = match number % 3 {
                    0 => "",
                    1 => &head[..20],
                    _ => &head,
                };
                loop {
                    let mut client = Client::connect(address).await;
                    if tokio::io::AsyncWriteExt::write_all(&mut client.stream, part.as_bytes()).await.is_ok() {
                        // Until it is cut; then all over again, in a while.
                        let _ = tokio::io::AsyncReadExt::read(&mut client.stream, &mut [0; 1]).await;
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            })
        })
        .collect();
    // Wait until the places are taken: the slow ones are all connected, or have been cut.
    tokio::time::sleep(Duration::from_millis(200)).await;

    let begin = Instant::now();
    let mut slowest = Duration::ZERO;
    let mut cut = 0;
    for turn in 0..100 {
        let begin = Instant::now();
        let request = set(if turn % 2 == 0 { "6" } else { "7" });
        // On a busy machine a client may be descheduled after connecting, for so long that it looks slow,
        // too, and is cut before it has sent anything: then it tries again, as clients do.
        let status = loop {
            let mut client = Client::connect(address).await;
            let _ = tokio::io::AsyncWriteExt::write_all(&mut client.stream, &request).await;
            if let Some((status, _)) = client.next_status().await {
                break status;
            }
            cut += 1;
        };
        assert_eq!(status, 200);
        slowest = slowest.max(begin.elapsed());
    }
    println!(
        "100 requests among {SLOW} slow clients at {PLACES} places: {:?}, the slowest {slowest:?}, {cut} tried again",
        begin.elapsed()
    );
    assert!(begin.elapsed() < PATIENCE);
    assert!(cut < 50, "{cut} of 100 were cut");
    for client in slow {
        client.abort();
    }
}

/// An unwanted body that never comes holds its request only shortly.
#[tokio::test]
async fn an_unwanted_body_is_not_waited_for_long() {
    let running = world_with(State::INITIAL, Limits::default()).await;
    let bytes = request("GET", STATE_PATH, &[("Content-Length", "10")], b"");
    let begin = Instant::now();
    let response = once(running.addresses().api, &bytes).await;
    assert_eq!((response.status, response.closes()), (200, true));
    assert!(begin.elapsed() < Duration::from_secs(5));
}

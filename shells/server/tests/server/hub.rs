//! Recording events over the hub, and what listeners mean for the connections of others.

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use recording_core::state::{MarkingState, RecordingState};
use recording_core::{Action, State};
use recording_server::hub::{self, EventCase};
use recording_server::net::Limits;
use recording_server::server::Running;
use recording_server::service::Service;
use recording_server::store::{MemoryStore, Store};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::support::{
    Client, ID, PATIENCE, STATE_PATH, directory, get, key, once, request, serve, set, world, world_with,
};

const HUB: &str = "/attendantservice/hubs/recording";
const JSON: &str = "{\"protocol\":\"json\",\"version\":1}\x1e";
const CLOSE: &str = "{\"type\":7,\"allowReconnect\":true}\x1e";
const SHORT: Duration = Duration::from_millis(400);

const STARTED: State =
    State::new(RecordingState::Started, MarkingState::None, recording_core::state::SavingState::None);

pub struct Listener(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Listener {
    async fn with(address: SocketAddr, handshake: &str) -> Self {
        let (socket, _) = connect_async(format!("ws://{address}{HUB}")).await.unwrap();
        let mut listener = Self(socket);
        listener.say(handshake).await;
        assert_eq!(listener.next().await, b"{}\x1e");
        listener
    }

    pub async fn new(address: SocketAddr) -> Self {
        Self::with(address, JSON).await
    }

    async fn say(&mut self, text: &str) {
        self.0.send(Message::text(text.to_owned())).await.unwrap();
    }

    async fn next(&mut self) -> Vec<u8> {
        let message = timeout(PATIENCE, self.0.next()).await.expect("the hub is silent").expect("the hub closed");
        message.unwrap().into_data().to_vec()
    }

    pub async fn hears(&mut self) -> String {
        String::from_utf8(self.next().await).unwrap()
    }

    /// Calls a method with a name; gives the error, if there is one.
    async fn call(&mut self, method: &str, argument: &str) -> Option<String> {
        let call = format!(r#"{{"type":1,"invocationId":"1","target":"{method}","arguments":[{argument}]}}"#);
        self.say(&format!("{call}\x1e")).await;
        let answer: serde_json::Value = serde_json::from_str(self.hears().await.trim_end_matches('\x1e')).unwrap();
        assert_eq!((&answer["type"], &answer["invocationId"]), (&3.into(), &"1".into()), "{answer}");
        answer.get("error").map(|error| error.as_str().unwrap().to_owned())
    }
}

pub fn event(ucc: &str, action: u8) -> String {
    format!(
        "{{\"type\":1,\"target\":\"RecordingStateChangedEvent\",\"arguments\":[{{\"UccName\":\"{ucc}\",\
         \"CorrelationId\":\"{ID}\",\"StateAction\":{action}}}]}}\x1e"
    )
}

async fn does(address: SocketAddr, action: &str) {
    let response = once(address, &set(action)).await;
    assert!(response.body.contains(r#""ErrorMessage":null"#), "{response:?}");
}

/// What a client of server-sent events or long polling sends.
fn hub_request(method: &str, token: &str, accept: &str, body: &str) -> Vec<u8> {
    request(method, &format!("{HUB}?id={token}"), &[("Accept", accept)], body.as_bytes())
}

/// Reads raw bytes until they end like this.
async fn reads(client: &mut Client, end: &str) -> String {
    let mut all = Vec::new();
    while !all.ends_with(end.as_bytes()) {
        let mut chunk = [0; 4096];
        let read = tokio::io::AsyncReadExt::read(&mut client.stream, &mut chunk);
        let count = timeout(PATIENCE, read).await.expect("the server is silent").unwrap();
        assert!(count > 0, "the server closed: {:?}", String::from_utf8_lossy(&all));
        all.extend_from_slice(&chunk[..count]);
    }
    String::from_utf8(all).unwrap()
}

async fn asks(address: SocketAddr, bytes: &[u8], end: &str) -> String {
    let mut client = Client::connect(address).await;
    client.send(bytes).await;
    reads(&mut client, end).await
}

async fn token(address: SocketAddr) -> String {
    let answer = asks(address, &request("POST", &format!("{HUB}/negotiate"), &[], b""), "}").await;
    let document = answer.split_once("\r\n\r\n").unwrap().1;
    let document: serde_json::Value = serde_json::from_str(document).unwrap();
    document["connectionId"].as_str().unwrap().to_owned()
}

/// A stream of server-sent events after its handshake.
async fn stream(address: SocketAddr) -> Client {
    let token = token(address).await;
    let mut client = Client::connect(address).await;
    client.send(&hub_request("GET", &token, "text/event-stream", "")).await;
    reads(&mut client, ":\r\n\r\n").await;
    asks(address, &hub_request("POST", &token, "*/*", JSON), "\r\n\r\n").await;
    reads(&mut client, "data: {}\x1e\r\n\r\n\r\n").await;
    client
}

async fn until<S: Store>(running: &Running<S>, condition: impl Fn(signalr_hub::Counters) -> bool) {
    let hub = running.service().hub();
    let waiting = async {
        while !condition(hub.counters()) {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{hub:?}"));
}

/// Each change, in its order, and nothing else.
#[tokio::test]
async fn events_are_the_cores_own_bytes() {
    let running = world(STARTED).await;
    let address = running.addresses().api;
    let mut listener = Listener::new(address).await;
    for action in ["3", "3", "1", "\"Mark\"", "7", "4", "5", "2", "3"] {
        once(address, &set(action)).await;
    }
    // The second Pause was a repeat, the last one refused.
    for action in [3, 1, 6, 7, 4, 5, 2] {
        assert_eq!(listener.hears().await, event("ucc-demo-name", action));
    }
    assert_eq!(listener.call("Nothing", "").await.unwrap(), "Unknown hub method 'Nothing'");
}

/// Trap 15: what the keys are called is decided, and can be decided otherwise.
#[tokio::test]
async fn trap_15_the_case_of_the_keys() {
    // It needs escapes, as far as names may.
    const NAME: &str = "ucc \"é\\";
    for (case, keys) in [
        (EventCase::Pascal, ["UccName", "CorrelationId", "StateAction"]),
        (EventCase::Camel, ["uccName", "correlationId", "stateAction"]),
    ] {
        let service = Service::new(directory(&[NAME]), MemoryStore::new());
        let service = Arc::new(service.with_hub(hub::new(case, signalr_hub::HubOptions::default())));
        let _ = service.store().begin(&key(NAME, ID), STARTED).await.unwrap();
        let running = serve(service, Limits::default()).await;
        let address = running.addresses().api;
        let mut text = Listener::new(address).await;
        let mut binary = Listener::with(address, &JSON.replace("json", "messagepack")).await;
        let body = serde_json::json!({
            "Action": Action::Pause.code(), "RequesterSipUri": "sip:agent@domain.com", "CorrelationId": ID, "UCCName": NAME,
        });
        let json = [("Content-Type", "application/json")];
        once(address, &request("POST", crate::support::SET_PATH, &json, body.to_string().as_bytes())).await;
        let [ucc, id, action] = keys;
        let name_in_json = serde_json::Value::from(NAME);
        let expected = format!(
            "{{\"type\":1,\"target\":\"RecordingStateChangedEvent\",\"arguments\":[{{\"{ucc}\":{name_in_json},\
             \"{id}\":\"{ID}\",\"{action}\":3}}]}}\x1e"
        );
        assert_eq!(text.hears().await, expected);
        // MessagePack keeps to the page whatever JSON does.
        let record = binary.next().await;
        let value = rmpv::decode::read_value(&mut &record[1..]).unwrap();
        let event = [("UccName", NAME.into()), ("CorrelationId", ID.into()), ("StateAction", 3.into())];
        let event = event.into_iter().map(|(key, value): (&str, rmpv::Value)| (key.into(), value)).collect();
        let expected = rmpv::Value::Array(vec![
            1.into(),
            rmpv::Value::Map(vec![]),
            rmpv::Value::Nil,
            "RecordingStateChangedEvent".into(),
            rmpv::Value::Array(vec![rmpv::Value::Map(event)]),
            rmpv::Value::Array(vec![]),
        ]);
        assert_eq!(value, expected);
    }
}

/// After Subscribe events of a UCC come, after Unsubscribe they do not: for every sequence of up to four calls about two
/// UCCs, and for a third that is never named.
#[tokio::test]
async fn subscribe_and_unsubscribe() {
    const UCCS: [&str; 3] = ["one", "two", "three"];
    let running = {
        let service = Arc::new(Service::new(directory(&UCCS), MemoryStore::new()));
        for ucc in UCCS {
            let _ = service.store().begin(&key(ucc, ID), STARTED).await.unwrap();
        }
        serve(service, Limits::default()).await
    };
    let address = running.addresses().api;
    let mut action = 6;
    let mut sequences = 0_u32;
    for length in 0..=4 {
        for number in 0..4_u32.pow(length) {
            let mut listener = Listener::new(address).await;
            let mut subscribed = false;
            let mut wanted = [true; 3];
            for call in 0..length {
                let call = number / 4_u32.pow(call) % 4;
                let (ucc, subscribes) = ((call / 2) as usize, call % 2 == 0);
                // The first one ends that everything comes.
                if subscribes && !subscribed {
                    (subscribed, wanted) = (true, [false; 3]);
                }
                wanted[ucc] = subscribes;
                let method = if subscribes { "subscribe" } else { "Unsubscribe" };
                assert_eq!(listener.call(method, &format!("\"{}\"", UCCS[ucc])).await, None);
            }
            action = 13 - action; // Mark and UnMark in turns: each changes something
            for ucc in UCCS {
                let body = crate::support::set_body(&action.to_string()).replace("ucc-demo-name", ucc);
                let json = [("Content-Type", "application/json")];
                once(address, &request("POST", crate::support::SET_PATH, &json, body.as_bytes())).await;
            }
            for (ucc, _) in UCCS.iter().zip(wanted).filter(|(_, wanted)| *wanted) {
                assert_eq!(listener.hears().await, event(ucc, action));
            }
            // Nothing else is after it.
            assert!(listener.call("Nothing", "").await.is_some());
            sequences += 1;
        }
    }
    println!("subscriptions: {sequences} sequences of calls");
}

#[tokio::test]
async fn wrong_calls() {
    let running = world(STARTED).await;
    let mut listener = Listener::new(running.addresses().api).await;
    for method in ["Subscribe", "Unsubscribe"] {
        for bad in ["", "7", "null", "\"\"", "\"a/b\"", "\"a\",\"b\"", "[\"a\"]"] {
            let error = listener.call(method, bad).await;
            assert_eq!(error, Some(format!("Failed to invoke '{method}' due to an error on the server.")), "{bad}");
        }
    }
    // A wrong call changes nothing.
    does(running.addresses().api, "3").await;
    assert_eq!(listener.hears().await, event("ucc-demo-name", 3));
    for number in 0..hub::MOST_NAMES {
        assert_eq!(listener.call("Subscribe", &format!("\"{number}\"")).await, None);
    }
    assert_eq!(listener.call("Subscribe", "\"0\"").await, None);
    let error =
        "An unexpected error occurred invoking 'Subscribe' on the server. A connection may name at most 1024 UCCs.";
    assert_eq!(listener.call("Subscribe", "\"more\"").await.as_deref(), Some(error));
    assert_eq!(listener.call("Unsubscribe", "\"0\"").await, None);
    assert_eq!(listener.call("Subscribe", "\"more\"").await, None);
}

/// Listeners of each kind outlive all the times of requests, and hear what happens then.
#[tokio::test]
async fn listeners_outlive_the_limits_of_requests() {
    let limits = Limits { request: SHORT, idle: SHORT, write: SHORT, ..Limits::default() };
    let running = world_with(STARTED, limits).await;
    let address = running.addresses().api;
    let mut socket = Listener::new(address).await;
    let mut stream = stream(address).await;
    let token = token(address).await;
    asks(address, &hub_request("GET", &token, "*/*", ""), "\r\n\r\n").await;
    asks(address, &hub_request("POST", &token, "*/*", JSON), "\r\n\r\n").await;
    asks(address, &hub_request("GET", &token, "*/*", ""), "{}\x1e").await;
    let mut poll = Client::connect(address).await;
    poll.send(&hub_request("GET", &token, "*/*", "")).await;
    let mut idle = Client::connect(address).await;
    assert_eq!(idle.exchange(&get(STATE_PATH)).await.status, 200);

    // Others are held to them as ever.
    idle.ended().await;
    sleep(4 * SHORT).await;
    does(address, "3").await;
    let event = event("ucc-demo-name", 3);
    assert_eq!(socket.hears().await, event);
    assert!(reads(&mut stream, "\r\n\r\n\r\n").await.contains(&event));
    assert!(reads(&mut poll, "\x1e").await.ends_with(&event));
    // The poll is answered: its connection is one between requests again, and so is a stream's after the last chunk.
    poll.ended().await;
    running.service().hub().send_away();
    assert!(reads(&mut stream, "0\r\n\r\n").await.contains(CLOSE));
    stream.ended().await;
    until(&running, |counters| counters.web_sockets + counters.server_sent_events == 0).await;
}

/// Listeners keep their places, and requests find theirs.
#[tokio::test]
async fn listeners_keep_their_places() {
    let limits = Limits { connections: 3, ..Limits::default() };
    let running = world_with(STARTED, limits).await;
    let address = running.addresses().api;
    let mut socket = Listener::new(address).await;
    let mut stream = stream(address).await;
    // Each takes the one place that is left from the one before.
    for _ in 0..5 {
        assert_eq!(once(address, &get(STATE_PATH)).await.status, 200);
    }
    let mut clients = Vec::new();
    for _ in 0..5 {
        let mut client = Client::connect(address).await;
        assert_eq!(client.exchange(&get(STATE_PATH)).await.status, 200);
        clients.push(client);
    }
    does(address, "3").await;
    assert_eq!(socket.hears().await, event("ucc-demo-name", 3));
    assert!(reads(&mut stream, "\r\n\r\n\r\n").await.contains(&event("ucc-demo-name", 3)));
    // A place of a listener that left is free again: all three can be had at once.
    drop((socket, stream, clients));
    until(&running, |counters| counters.web_sockets == 0).await;
}

/// A stream whose client takes nothing is cut as any other reply is, and counted as slow.
#[tokio::test]
async fn a_stream_that_nobody_reads_is_cut() {
    let limits = Limits { write: SHORT, ..Limits::default() };
    let running = world_with(STARTED, limits).await;
    let address = running.addresses().api;
    let deaf = stream(address).await;
    let mut client = Client::connect(address).await;
    let begin = Instant::now();
    // Until all buffers on the way are full, and the connection is no more.
    while running.service().hub().counters().server_sent_events > 0 {
        for action in ["6", "7"] {
            client.send(&set(action)).await;
            client.receive().await;
        }
        assert!(begin.elapsed() < 6 * PATIENCE, "{:?}", running.service().hub());
    }
    assert_eq!(running.service().hub().counters().closed_slow, 1);
    drop(deaf);
}

/// The end of the server: each listener is ordered to reconnect, and none holds it up.
#[tokio::test]
async fn the_end_of_the_server_is_told_and_waits_for_nobody() {
    let running = world(STARTED).await;
    let address = running.addresses().api;
    let mut socket = Listener::new(address).await;
    let mut stream = stream(address).await;
    // This one never answers the closing of its WebSocket.
    let _deaf = Listener::new(address).await;
    let stopping = tokio::spawn(running.stop(PATIENCE));
    assert_eq!(socket.hears().await, CLOSE);
    assert!(matches!(timeout(PATIENCE, socket.0.next()).await.unwrap(), Some(Ok(Message::Close(_)))));
    assert!(reads(&mut stream, "0\r\n\r\n").await.contains(CLOSE));
    assert!(timeout(PATIENCE / 2, stopping).await.expect("within the grace").unwrap(), "everything was finished");
}

//! Clients that are gone, or have only closed their side: who still gets an answer, and whose place is free.

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use recording_core::State;
use recording_core::state::{MarkingState, RecordingState, SavingState};
use recording_server::hub::{self, EventCase};
use recording_server::net::Limits;
use recording_server::service::Service;
use recording_server::store::{MemoryStore, Store};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::support::{Client, ID, PATIENCE, STATE_PATH, directory, get, key, once, request, serve, set, world};

const HUB: &str = "/attendantservice/hubs/recording";
const JSON: &str = "{\"protocol\":\"json\",\"version\":1}\x1e";
const CLOSE: &str = "{\"type\":7,\"allowReconnect\":true}\x1e";

const STARTED: State = State::new(RecordingState::Started, MarkingState::None, SavingState::None);

/// Less than the 15 seconds after which a ping would show that a client is gone, and the 90 that a poll is held.
const SOON: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy)]
enum Leaves {
    /// With a FIN: as a page does that is closed.
    InOrder,
    /// With a RST.
    Abruptly,
}

impl Leaves {
    fn leave(self, stream: TcpStream) {
        if let Self::Abruptly = self {
            stream.set_zero_linger().unwrap();
        }
        drop(stream);
    }
}

fn hub_request(method: &str, token: &str, accept: &str, body: &str) -> Vec<u8> {
    request(method, &format!("{HUB}?id={token}"), &[("Accept", accept)], body.as_bytes())
}

/// The body of an answer, whatever it is of.
async fn asks(address: SocketAddr, bytes: &[u8]) -> String {
    let mut client = Client::connect(address).await;
    client.send(bytes).await;
    client.next_status().await.expect("an answer").1
}

async fn token(address: SocketAddr) -> String {
    let answer = asks(address, &request("POST", &format!("{HUB}/negotiate"), &[], b"")).await;
    let document: serde_json::Value = serde_json::from_str(&answer).unwrap();
    document["connectionId"].as_str().unwrap().to_owned()
}

/// A connection that polls, after its handshake.
async fn polling(address: SocketAddr) -> String {
    let token = token(address).await;
    assert_eq!(asks(address, &hub_request("GET", &token, "*/*", "")).await, "");
    assert_eq!(asks(address, &hub_request("POST", &token, "*/*", JSON)).await, "");
    assert_eq!(asks(address, &hub_request("GET", &token, "*/*", "")).await, "{}\x1e");
    token
}

/// The place of a stream is free as soon as its client is gone.
#[tokio::test]
async fn a_stream_ends_with_its_client() {
    let running = world(STARTED).await;
    let address = running.addresses().api;
    for leaves in [Leaves::InOrder, Leaves::Abruptly] {
        let token = token(address).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&hub_request("GET", &token, "text/event-stream", "")).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b":\r\n\r\n") {
            assert!(stream.read_buf(&mut head).await.unwrap() > 0);
        }
        let counters = || running.service().hub().counters();
        assert_eq!(counters().server_sent_events, 1);
        leaves.leave(stream);
        let freed = async {
            while counters().server_sent_events > 0 {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(SOON, freed).await.unwrap_or_else(|_| panic!("{leaves:?}"));
    }
}

/// A poll that is given up takes nothing with it: what comes then is in the next one.
#[tokio::test]
async fn a_poll_that_was_given_up_eats_no_event() {
    let running = world(STARTED).await;
    let address = running.addresses().api;
    let token = polling(address).await;
    let mut actions = ["3", "1"].into_iter().cycle();
    for leaves in [Leaves::InOrder, Leaves::Abruptly] {
        for wait in [0, 50, 300] {
            let mut given_up = TcpStream::connect(address).await.unwrap();
            given_up.write_all(&hub_request("GET", &token, "*/*", "")).await.unwrap();
            // It is there before it goes.
            sleep(Duration::from_millis(100)).await;
            leaves.leave(given_up);
            sleep(Duration::from_millis(50 + wait)).await;
            let action = actions.next().unwrap();
            once(address, &set(action)).await;
            let heard = timeout(SOON, asks(address, &hub_request("GET", &token, "*/*", ""))).await.unwrap();
            assert!(heard.contains(&format!("\"StateAction\":{action}}}")), "{leaves:?} {wait}: {heard}");
        }
    }
}

/// A client that has only closed its own side still gets what it asked for: everything but what waits for nothing else.
#[tokio::test]
async fn a_client_that_sends_no_more_gets_its_answers() {
    let running = world(STARTED).await;
    let address = running.addresses().api;
    let token = polling(address).await;
    let negotiate = request("POST", &format!("{HUB}/negotiate"), &[], b"");
    let ping = hub_request("POST", &token, "*/*", "{\"type\":6}\x1e");
    for (requests, answers) in [
        (set("3"), 1),
        (get(STATE_PATH), 1),
        (negotiate.clone(), 1),
        (ping.clone(), 1),
        (get("/nowhere"), 1),
        ([set("1"), get(STATE_PATH), ping, negotiate, set("3"), get(STATE_PATH)].concat(), 6),
    ] {
        for at_once in [true, false] {
            let mut client = TcpStream::connect(address).await.unwrap();
            if at_once {
                client.write_all(&requests).await.unwrap();
            } else {
                for part in requests.chunks(100) {
                    client.write_all(part).await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
            client.shutdown().await.unwrap();
            let mut all = String::new();
            // And then the server closes its side, at once.
            timeout(SOON, client.read_to_string(&mut all)).await.expect("it is closed").unwrap();
            assert_eq!(all.matches("HTTP/1.1 ").count(), answers, "{all}");
        }
    }
    // Half a body is none.
    let mut client = TcpStream::connect(address).await.unwrap();
    let request = set("1");
    client.write_all(&request[..request.len() - 5]).await.unwrap();
    client.shutdown().await.unwrap();
    let mut all = Vec::new();
    let _ = timeout(SOON, client.read_to_end(&mut all)).await.expect("it is closed");
    let state = running.service().store().read(&key("ucc-demo-name", ID)).await.unwrap().unwrap().session.kept_state();
    assert_eq!(state, State::new(RecordingState::Paused, MarkingState::None, SavingState::None));
}

async fn listener(from: [u8; 4], address: SocketAddr) -> Result<WebSocketStream<TcpStream>, u16> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((from, 0))).unwrap();
    let stream = socket.connect(address).await.unwrap();
    match client_async(format!("ws://{address}{HUB}"), stream).await {
        Ok((mut socket, _)) => {
            socket.send(Message::text(JSON)).await.unwrap();
            assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("{}\x1e"));
            Ok(socket)
        }
        Err(tokio_tungstenite::tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
        Err(other) => panic!("{other}"),
    }
}

/// One address may have all places for listeners, until another one wants some: then it has to give way.
#[tokio::test]
async fn no_address_keeps_the_listeners_of_another_out() {
    let options = signalr_hub::HubOptions { connections: 32, ..signalr_hub::HubOptions::default() };
    let service = Service::new(directory(&["ucc-demo-name"]), MemoryStore::new());
    let service = Arc::new(service.with_hub(hub::new(EventCase::Pascal, options)));
    let running = serve(service, Limits::default()).await;
    let address = running.addresses().api;
    let mut flood = Vec::new();
    for _ in 0..32 {
        flood.push(listener([127, 0, 0, 1], address).await.expect("a place"));
    }
    assert_eq!(listener([127, 0, 0, 1], address).await.err(), Some(503));
    // A sixteenth of them is another one's, if it wants so many.
    let mut others = Vec::new();
    for _ in 0..2 {
        others.push(listener([127, 0, 0, 2], address).await.expect("a place"));
    }
    assert_eq!(listener([127, 0, 0, 2], address).await.err(), Some(503));
    others.push(listener([127, 0, 0, 3], address).await.expect("a place"));
    assert_eq!(running.service().hub().counters().open(), 32);
    // Those that had to go were ordered to reconnect.
    for mut gone in flood.drain(29..) {
        let heard = timeout(PATIENCE, gone.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(heard, Message::text(CLOSE));
    }
}

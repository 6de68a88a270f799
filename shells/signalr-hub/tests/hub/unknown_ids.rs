//! WebSockets with an id that opens nothing here: negotiated by another server, or left of a connection that is gone. Each is
//! a new connection, to which everything applies that applies to a new connection.

use std::collections::HashSet;

use serde_json::json;
use signalr_hub::{HubOptions, Limits, ServerName};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{connect_async, tungstenite::handshake::client::Request};

use crate::support::{Client, JSON, PATIENCE, Served, Socket, UPGRADE, record, told};

fn named(name: &str) -> HubOptions {
    HubOptions { server: Some(name.parse().unwrap()), ..HubOptions::default() }
}

fn request(served: &Served, query: &str, headers: &[(&'static str, &str)]) -> Request {
    let mut request = format!("ws://{}/hub{query}", served.address).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    request
}

/// A WebSocket, or the status of the refusal.
async fn opens(served: &Served, query: &str, headers: &[(&'static str, &str)]) -> Result<Socket, u16> {
    match connect_async(request(served, query, headers)).await {
        Ok((socket, _)) => Ok(Socket(socket)),
        Err(tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
        Err(other) => panic!("{other}"),
    }
}

async fn listens(mut socket: Socket) -> Socket {
    socket.say(JSON).await;
    assert_eq!(socket.hears().await, "{}\x1e");
    socket
}

/// What one server negotiated opens a WebSocket at another one, which hears that server's events. The same id may come twice
/// and is none of that server's afterwards.
#[tokio::test]
async fn what_another_server_negotiated_opens_a_new_connection() {
    let (one, two) = (Served::new(named("a")).await, Served::new(named("b")).await);
    let elsewhere = one.token().await;
    let strange =
        [elsewhere.as_str(), "unknown", "", "b.AAAAAAAAAAAAAAAAAAAAAA", ".", &"x".repeat(8000)].map(str::to_owned);
    for (number, id) in strange.iter().enumerate() {
        let query = format!("?id={id}");
        let mut sockets = [two.web_socket(&query).await, two.web_socket(&query).await];
        for socket in &mut sockets {
            socket.say(JSON).await;
            assert_eq!(socket.hears().await, "{}\x1e");
        }
        two.publish(7);
        for socket in &mut sockets {
            assert_eq!(socket.hears().await, told(7));
        }
        // The id is not taken over: nothing else is reached by it.
        for (method, headers) in
            [("GET", vec![]), ("GET", vec![("Accept", "text/event-stream")]), ("POST", vec![]), ("DELETE", vec![])]
        {
            let response = two.request(method, &format!("/hub?id={id}"), &headers, b"").await;
            assert_eq!((response.status, response.text()), (404, "No Connection with that ID"), "{method} {id}");
        }
        let all = 2 * (number as u64 + 1);
        assert_eq!((two.hub.counters().opened, two.hub.counters().refused), (all, 0));
        drop(sockets);
        two.until(|counters| counters.open() == 0).await;
    }
    // And it still opens what it was negotiated for.
    assert_eq!(one.poll(&elsewhere).await.status, 200);
}

/// A client that comes back with the token of a connection that has ended, or that looks alive from here and is not.
#[tokio::test]
async fn an_id_that_was_used_opens_a_new_connection() {
    let served = Served::new(named("b")).await;
    let query = format!("?id={}", served.token().await);
    let mut first = listens(served.web_socket(&query).await).await;
    let mut second = listens(served.web_socket(&query).await).await;
    served.publish(1);
    assert_eq!((first.hears().await, second.hears().await), (told(1), told(1)));
    served.hub.send_away();
    for socket in [&mut first, &mut second] {
        assert_eq!(socket.hears().await, "{\"type\":7,\"allowReconnect\":true}\x1e");
        socket.closes().await;
    }
    // Whether or not the old one has its place still.
    let mut third = listens(served.web_socket(&query).await).await;
    served.publish(2);
    assert_eq!(third.hears().await, told(2));
    served.until(|counters| counters.web_sockets == 1 && counters.opened == 3).await;
}

/// An id that is good for another transport is no WebSocket's: that client mixes up its connections.
#[tokio::test]
async fn an_id_of_another_transport_is_refused() {
    let served = Served::default().await;
    let token = served.token().await;
    served.poll(&token).await;
    assert_eq!(opens(&served, &format!("?id={token}"), &[]).await.err(), Some(400));
}

/// Tokens say whose they are, in each version, and have all their bits after that.
#[tokio::test]
async fn tokens_begin_with_the_servers_name() {
    let longest = "x".repeat(ServerName::MAX_LEN);
    for name in ["b", "Server-2", "0", "-", &longest] {
        let served = Served::new(named(name)).await;
        let mut seen = HashSet::new();
        for _ in 0..10 {
            for (version, key) in [(0, "connectionId"), (1, "connectionToken")] {
                let target = format!("/hub/negotiate?negotiateVersion={version}");
                let document = served.request("POST", &target, &[], b"").await.json();
                let token = document[key].as_str().unwrap();
                let (begin, secret) = token.split_once('.').unwrap();
                assert_eq!((begin, secret.len()), (name, 22));
                assert!(
                    secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'),
                    "{token}"
                );
                assert!(seen.insert(secret.to_owned()));
                if version == 1 {
                    // What is shown opens nothing, and says of nothing what would.
                    let id = document["connectionId"].as_str().unwrap();
                    assert!(id.len() == 22 && !secret.contains(id));
                }
                // The secret without the name opens nothing, nor does it with another one.
                for wrong in [secret.to_owned(), format!("c.{secret}"), format!(".{secret}"), format!("{name}{secret}")]
                {
                    assert_eq!(served.poll(&wrong).await.status, 404, "{wrong}");
                }
                assert_eq!(served.poll(token).await.status, 200);
                assert_eq!(served.request("DELETE", &format!("/hub?id={token}"), &[], b"").await.status, 202);
            }
        }
    }
}

/// Places: an unknown id gets one as any new connection does, and refusals come before the upgrade.
#[tokio::test]
async fn places_are_granted_as_to_any_new_connection() {
    // Of 32 places every caller may have 2.
    let served = Served::new(HubOptions { connections: 32, ..HubOptions::default() }).await;
    let (flood, good) = ([("caller", "flood")], [("caller", "good")]);
    let mut flooding = Vec::new();
    for number in 0..32 {
        flooding.push(listens(opens(&served, &format!("?id={number}"), &flood).await.unwrap()).await);
    }
    for _ in 0..10 {
        assert_eq!(opens(&served, "?id=more", &flood).await.err(), Some(503));
    }
    assert_eq!(served.hub.counters().refused, 10);
    for _ in 0..2 {
        let mut sent_away = flooding.pop().unwrap();
        let mut good = listens(opens(&served, "?id=x", &good).await.unwrap()).await;
        // The newest of the flood had to go for it.
        assert_eq!(sent_away.hears().await, "{\"type\":7,\"allowReconnect\":true}\x1e");
        served.publish(1);
        assert_eq!(good.hears().await, told(1));
        for socket in &mut flooding {
            assert_eq!(socket.hears().await, told(1));
        }
        flooding.push(good);
        flooding.rotate_right(1);
    }
    served.hub.close();
    assert_eq!(opens(&served, "?id=x", &good).await.err(), Some(503));
}

/// A flood of WebSockets with ids of its own pushes out no connection that another client has negotiated, however full it
/// is; a flood of negotiations cannot either.
#[tokio::test]
async fn a_flood_of_unknown_ids_pushes_out_no_negotiation() {
    let served = Served::new(HubOptions { connections: 4, ..HubOptions::default() }).await;
    let mut tokens = Vec::new();
    for _ in 0..4 {
        tokens.push(served.token().await);
    }
    for number in 0..100 {
        let mut socket = opens(&served, &format!("?id={number}"), &[("caller", "flood")]).await.unwrap();
        socket.0.close(None).await.unwrap();
        drop(socket);
        served.until(|counters| counters.open() == 0).await;
    }
    // All of it is gone, and all of the others' is there.
    assert_eq!((served.hub.counters().opened, served.hub.kept()), (100, 0));
    for token in tokens {
        assert_eq!(served.poll(&token).await.status, 200, "{token}");
    }
}

/// Pages of other origins get no WebSocket by an id that is made up.
#[tokio::test]
async fn origins_are_asked_for_first() {
    let served = Served::default().await;
    for query in ["", "?id=unknown"] {
        assert_eq!(opens(&served, query, &[("origin", "https://evil.example")]).await.err(), Some(403));
        assert!(opens(&served, query, &[("origin", &format!("http://{}", served.address))]).await.is_ok());
    }
}

/// All connections of a caller have its rate together, whatever their ids: a new one brings nothing. Another caller's do
/// not wait for it.
#[tokio::test]
async fn the_callers_meter_holds() {
    let limits = Limits { caller_rate: 8000, caller_burst: 8000, ..Limits::default() };
    let served = Served::new(HubOptions { limits, ..HubOptions::default() }).await;
    let mut flood = listens(opens(&served, "?id=1", &[("caller", "flood")]).await.unwrap()).await;
    // Read at once, and charged as 128 bytes each: four seconds' worth.
    flood.say(&b"{\"type\":6}\x1e".repeat(310)).await;
    let call = record(&json!({"type": 1, "invocationId": "1", "target": "Void", "arguments": []}));
    flood.say(&call).await;
    let done = timeout(core::time::Duration::from_millis(300), flood.hears()).await;
    assert!(done.is_err(), "the next one waits: {done:?}");
    let begun = Instant::now();
    let again = listens(opens(&served, "?id=2", &[("caller", "flood")]).await.unwrap());
    let other = async {
        listens(opens(&served, "?id=3", &[("caller", "good")]).await.unwrap()).await;
        begun.elapsed()
    };
    let ((_socket, waited), good) = tokio::join!(async { (again.await, begun.elapsed()) }, other);
    assert!(
        waited > core::time::Duration::from_secs(1) && good < waited,
        "{waited:?}, and {good:?} for another caller"
    );
}

/// Byte by byte, without a library: 101 with the key's answer, and no other status before it.
#[tokio::test]
async fn the_upgrade_is_the_usual_one() {
    let served = Served::default().await;
    let mut client = Client::connect(served.address).await;
    client.send("GET", "/hub?access_token=x&ID=gone", &UPGRADE, b"").await;
    let head = timeout(PATIENCE, client.head()).await.unwrap();
    assert_eq!((head.status, head.header("sec-websocket-accept")), (101, Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")));
}

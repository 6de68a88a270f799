//! A machine with its outputs, a hub on a port, and clients that see every byte.

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Mutex;

use axum::Router;
use axum::http::request::Parts;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use signalr_hub::{
    Argument, Call, CallError, CallResult, Carrier, Connection, End, Hub, HubOptions, Limits, Methods, Publication,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Nothing here takes longer, unless it hangs.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub const JSON: &[u8] = b"{\"protocol\":\"json\",\"version\":1}\x1e";
pub const MESSAGE_PACK: &[u8] = b"{\"protocol\":\"messagepack\",\"version\":1}\x1e";

pub const WEB_SOCKET: Carrier = Carrier { binary: true, keeps_alive: false };
pub const TEXT_ONLY: Carrier = Carrier { binary: false, keeps_alive: false };
pub const POLLING: Carrier = Carrier { binary: true, keeps_alive: true };

pub const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The answers that the tests' hub gives.
pub fn answer(call: Call<'_>) -> CallResult {
    match (call.target, call.arguments) {
        ("Void", []) => Ok(None),
        ("Echo", [value]) => Ok(Some(value.clone())),
        ("Void" | "Echo", _) => Err(CallError::BadArguments),
        ("Refuse", _) => Err(CallError::Refused("Not today.".to_owned())),
        _ => Err(CallError::UnknownMethod),
    }
}

/// A machine, and what came out of it.
pub struct Machine {
    pub connection: Connection,
    pub calls: Vec<(String, Vec<Value>)>,
}

impl Machine {
    pub fn new(carrier: Carrier) -> Self {
        Self::with(Limits::default(), carrier)
    }

    pub fn with(limits: Limits, carrier: Carrier) -> Self {
        Self { connection: Connection::new(limits, carrier, Duration::ZERO), calls: Vec::new() }
    }

    /// After its handshake; the answer to that is taken out.
    pub fn open(carrier: Carrier, handshake: &[u8]) -> Self {
        let mut machine = Self::new(carrier);
        machine.receive(Duration::ZERO, handshake);
        assert_eq!(machine.sent(Duration::ZERO), b"{}\x1e");
        machine
    }

    pub fn receive(&mut self, now: Duration, bytes: &[u8]) {
        let calls = &mut self.calls;
        self.connection.received(now, bytes, |call| {
            calls.push((call.target.to_owned(), call.arguments.to_vec()));
            answer(call)
        });
    }

    /// Everything that it wants to send.
    pub fn sent(&mut self, now: Duration) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(record) = self.connection.next(now) {
            all.extend_from_slice(&record);
        }
        all
    }

    /// What it says to this, at a moment that does not matter.
    pub fn says(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.receive(Duration::ZERO, bytes);
        self.sent(Duration::ZERO)
    }

    #[track_caller]
    pub fn is_over(&self, end: End) {
        assert_eq!(self.connection.end_reason(), Some(end));
        assert!(self.connection.is_over());
    }
}

/// A record of JSON.
pub fn record(message: &Value) -> Vec<u8> {
    let mut bytes = message.to_string().into_bytes();
    bytes.push(0x1e);
    bytes
}

/// A record of MessagePack.
pub fn packed(fields: Vec<rmpv::Value>) -> Vec<u8> {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, &rmpv::Value::Array(fields)).unwrap();
    let mut record = Vec::new();
    let mut length = bytes.len();
    loop {
        let more = length > 0x7f;
        record.push((length & 0x7f) as u8 | if more { 0x80 } else { 0 });
        length >>= 7;
        if !more {
            break;
        }
    }
    record.extend_from_slice(&bytes);
    record
}

/// An event with a number.
pub fn event(number: u64) -> Publication {
    let mut message_pack = Vec::new();
    rmpv::encode::write_value(&mut message_pack, &number.into()).unwrap();
    Publication::new("Told", &[Argument { json: number.to_string().as_bytes(), message_pack: &message_pack }])
}

/// The same as JSON.
pub fn told(number: u64) -> String {
    format!("{{\"type\":1,\"target\":\"Told\",\"arguments\":[{number}]}}\x1e")
}

/// Tells who called, and gives every event to those who did not say `Quiet`.
#[derive(Debug, Default)]
pub struct Test {
    pub called: Mutex<Vec<String>>,
}

impl Methods for Test {
    type Listener = bool;
    type Topic = u64;

    fn call(&self, quiet: &mut bool, call: Call<'_>) -> CallResult {
        self.called.lock().unwrap().push(call.target.to_owned());
        if call.target == "Quiet" {
            *quiet = true;
            return Ok(None);
        }
        answer(call)
    }

    fn wants(&self, quiet: &bool, _: &u64) -> bool {
        !quiet
    }

    /// Who says so.
    fn caller(&self, request: &Parts) -> Option<String> {
        Some(request.headers.get("caller")?.to_str().ok()?.to_owned())
    }
}

/// A hub on a free port, at `/hub`.
pub struct Served {
    pub hub: Hub<Test>,
    pub address: SocketAddr,
}

impl Served {
    pub async fn new(options: HubOptions) -> Self {
        let hub = Hub::new(Test::default(), options);
        let router: Router = hub.router("/hub");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { hub, address }
    }

    pub async fn default() -> Self {
        Self::new(HubOptions::default()).await
    }

    pub fn publish(&self, number: u64) {
        self.hub.publish(&number, &event(number));
    }

    pub async fn request(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let mut client = Client::connect(self.address).await;
        client.send(method, target, headers, body).await;
        if method == "HEAD" { client.head().await } else { client.response().await }
    }

    /// A negotiated token.
    pub async fn token(&self) -> String {
        let response = self.request("POST", "/hub/negotiate?negotiateVersion=1", &[], b"").await;
        assert_eq!(response.status, 200, "{response:?}");
        let document: Value = serde_json::from_slice(&response.body).unwrap();
        document["connectionToken"].as_str().unwrap().to_owned()
    }

    pub async fn poll(&self, token: &str) -> Response {
        self.request("GET", &format!("/hub?id={token}"), &[], b"").await
    }

    pub async fn post(&self, token: &str, body: &[u8]) -> Response {
        self.request("POST", &format!("/hub?id={token}"), &[("Content-Type", "text/plain;charset=UTF-8")], body).await
    }

    pub async fn web_socket(&self, query: &str) -> Socket {
        let (socket, _) = connect_async(format!("ws://{}/hub{query}", self.address)).await.unwrap();
        Socket(socket)
    }

    /// A WebSocket after its handshake.
    pub async fn listener(&self) -> Socket {
        let mut socket = self.web_socket("").await;
        socket.say(JSON).await;
        assert_eq!(socket.hears().await, "{}\x1e");
        socket
    }

    /// Waits until the hub says so.
    pub async fn until(&self, condition: impl Fn(signalr_hub::Counters) -> bool) {
        let waiting = async {
            while !condition(self.hub.counters()) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{:?}", self.hub));
    }
}

/// The headers of a request for a WebSocket; the key is the sample of RFC 6455.
pub const UPGRADE: [(&str, &str); 4] = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

pub struct Socket(pub WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub async fn say(&mut self, bytes: &[u8]) {
        let text = core::str::from_utf8(bytes).unwrap().to_owned();
        self.0.send(Message::text(text)).await.unwrap();
    }

    pub async fn message(&mut self) -> Option<Message> {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("the hub is silent").transpose().unwrap() {
                // The library answers it, and no client sees it.
                Some(Message::Ping(_)) => {}
                other => return other,
            }
        }
    }

    pub async fn hears(&mut self) -> String {
        match self.message().await {
            Some(Message::Text(text)) => text.to_string(),
            other => panic!("{other:?}"),
        }
    }

    /// That it is closed in order.
    pub async fn closes(&mut self) {
        match self.message().await {
            Some(Message::Close(_)) | None => {}
            other => panic!("{other:?}"),
        }
    }
}

#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub fn text(&self) -> &str {
        core::str::from_utf8(&self.body).unwrap()
    }
}

/// A connection of HTTP/1.1.
pub struct Client {
    pub stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), buffer: Vec::new() }
    }

    pub async fn send(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) {
        let mut bytes = format!("{method} {target} HTTP/1.1\r\n").into_bytes();
        if !headers.iter().any(|(name, _)| *name == "Host") {
            let host = self.stream.peer_addr().unwrap();
            bytes.extend_from_slice(format!("Host: {host}\r\n").as_bytes());
        }
        for (name, value) in headers {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        let has_length = headers.iter().any(|(name, _)| *name == "Content-Length");
        if !has_length && (method == "POST" || !body.is_empty()) {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body);
        self.stream.write_all(&bytes).await.unwrap();
    }

    async fn more(&mut self) -> bool {
        let mut chunk = [0; 16 * 1024];
        let read = timeout(PATIENCE, self.stream.read(&mut chunk)).await.expect("the hub is silent");
        let count = read.unwrap_or(0);
        self.buffer.extend_from_slice(&chunk[..count]);
        count > 0
    }

    async fn until(&mut self, end: &[u8]) -> Vec<u8> {
        loop {
            if let Some(at) = self.buffer.windows(end.len()).position(|part| part == end) {
                return self.buffer.drain(..at + end.len()).collect();
            }
            assert!(self.more().await, "the hub closed: {:?}", String::from_utf8_lossy(&self.buffer));
        }
    }

    /// Status and head alone.
    pub async fn head(&mut self) -> Response {
        let head = String::from_utf8(self.until(b"\r\n\r\n").await).unwrap();
        let status = head[9..12].parse().unwrap();
        Response { status, head, body: Vec::new() }
    }

    pub async fn response(&mut self) -> Response {
        let mut response = self.head().await;
        let length = response.header("content-length").map_or(0, |length| length.parse().unwrap());
        while self.buffer.len() < length {
            assert!(self.more().await, "the hub closed within a body");
        }
        response.body = self.buffer.drain(..length).collect();
        response
    }

    /// The next chunk of a body without a length; empty at its end.
    pub async fn chunk(&mut self) -> String {
        let line = String::from_utf8(self.until(b"\r\n").await).unwrap();
        let length = usize::from_str_radix(line.trim(), 16).unwrap();
        while self.buffer.len() < length + 2 {
            assert!(self.more().await, "the hub closed within a chunk");
        }
        let chunk: Vec<u8> = self.buffer.drain(..length + 2).take(length).collect();
        String::from_utf8(chunk).unwrap()
    }
}

//! A server in this process, and a client that sees every byte. [`process`] has the server as a program.
//!
//! The server's tests depend on this, and it on the server: they link the same library. Its unit tests do not use it.

#![forbid(unsafe_code)]
#![allow(missing_docs, missing_debug_implementations, reason = "for the tests of the server alone")]
#![allow(clippy::must_use_candidate, clippy::missing_const_for_fn, clippy::missing_errors_doc)]

pub mod process;
pub mod recorder;
mod small_http;
pub mod webhook;

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;

use recording_core::state::RepeatPolicy;
use recording_core::wire::{SipUriBuf, UccName, UccNameBuf};
use recording_core::{Settings, State};
use recording_server::audit::Note;
use recording_server::directory::{Directory, Ucc};
use recording_server::events::Published;
use recording_server::net::Limits;
use recording_server::server::{Addresses, Running, start};
use recording_server::service::Service;
use recording_server::store::{MemoryStore, SessionKey, Store};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::broadcast::Receiver;
use tokio::time::timeout;

pub const ID: &str = "1d6c6a58-6739-4f0c-98ff-0968292c8c30";
pub const STATE_PATH: &str = "/attendantservice/api/recording/ucc-demo-name/1d6c6a58-6739-4f0c-98ff-0968292c8c30";
pub const SET_PATH: &str = "/attendantservice/api/recording/set";

/// Nothing here takes longer, unless it hangs.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub const SETTINGS: Settings = Settings {
    recording_api_licensed: true,
    use_audio_recording: true,
    agent_can_edit_audio_recording: true,
    save_recording_by_default: false,
    repeats: RepeatPolicy::Accept,
};

/// Any free port of this machine.
pub fn any_port() -> Addresses {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    Addresses { api: any, admin: any }
}

pub fn directory(names: &[&str]) -> Directory {
    let mut directory = Directory::new();
    for name in names {
        let agent = SipUriBuf::new("sip:agent@domain.com").unwrap();
        directory.add(&UccNameBuf::new(name).unwrap(), Ucc::new(SETTINGS, [agent])).unwrap();
    }
    directory
}

pub fn key(ucc: &str, id: &str) -> SessionKey {
    SessionKey::new(UccName::new(ucc).unwrap(), id.parse().unwrap())
}

pub async fn serve<S: Store>(service: Arc<Service<S>>, limits: Limits) -> Running<S> {
    start(service, any_port(), limits).await.unwrap()
}

/// The UCC of the samples, with the session of the samples open in `state`.
pub async fn world(state: State) -> Running<MemoryStore> {
    world_with(state, Limits::default()).await
}

pub async fn world_with(state: State, limits: Limits) -> Running<MemoryStore> {
    let service = Arc::new(Service::new(directory(&["ucc-demo-name"]), MemoryStore::new()));
    let _ = service.store().begin(&key("ucc-demo-name", ID), state).await.unwrap();
    serve(service, limits).await
}

pub async fn stored<S: Store>(running: &Running<S>) -> State {
    running.service().store().read(&key("ucc-demo-name", ID)).await.unwrap().unwrap().session.kept_state()
}

/// Has the session open in `state`, whatever it was.
pub async fn put<S: Store>(store: &S, key: &SessionKey, state: State) {
    let found = store.read(key).await.unwrap().map(|found| found.revision);
    let _ = store.compare_and_set(key, found, Some(state.into()), Note::none()).await.unwrap();
}

/// The body of a set by the agent of the samples; `action` as it is in JSON.
pub fn set_body(action: &str) -> String {
    format!(
        r#"{{"Action":{action},"RequesterSipUri":"sip:agent@domain.com","CorrelationId":"{ID}","UCCName":"ucc-demo-name"}}"#
    )
}

/// The bytes of a request.
pub fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    if !body.is_empty() || method == "POST" {
        bytes.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

pub fn get(target: &str) -> Vec<u8> {
    request("GET", target, &[], b"")
}

pub fn set(action: &str) -> Vec<u8> {
    request("POST", SET_PATH, &[("Content-Type", "application/json")], set_body(action).as_bytes())
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name));
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} twice");
        value
    }

    /// What is true of every reply.
    pub fn check(&self) {
        assert_eq!(self.header("content-type"), Some("application/json; charset=utf-8"), "{self:?}");
        assert_eq!(self.header("cache-control"), Some("no-store"), "{self:?}");
        assert_eq!(self.header("allow").is_some(), self.status == 405, "{self:?}");
        assert!(self.header("transfer-encoding").is_none(), "{self:?}");
    }

    /// That it is the bare error body, of this type; gives the message.
    pub fn error(&self, error_type: i64) -> String {
        let document: serde_json::Value = serde_json::from_str(&self.body).expect("an error is JSON");
        let envelope = document.as_object().unwrap();
        assert_eq!(envelope.len(), 1, "{}", self.body);
        let error = envelope["ErrorMessage"].as_object().unwrap();
        assert_eq!(error.len(), 2, "{}", self.body);
        assert_eq!(error["ErrorType"], error_type, "{}", self.body);
        error["Message"].as_str().unwrap().to_owned()
    }

    pub fn closes(&self) -> bool {
        self.header("connection") == Some("close")
    }
}

/// A connection.
pub struct Client<S = TcpStream> {
    pub stream: S,
    buffer: Vec<u8>,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = timeout(PATIENCE, TcpStream::connect(address)).await.unwrap().unwrap();
        stream.set_nodelay(true).unwrap();
        Self::over(stream)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub const fn over(stream: S) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        timeout(PATIENCE, self.stream.write_all(bytes)).await.unwrap().unwrap();
    }

    /// Reads more; false at the end.
    async fn more(&mut self) -> std::io::Result<bool> {
        let mut chunk = [0; 16 * 1024];
        let count = timeout(PATIENCE, self.stream.read(&mut chunk)).await.expect("the server is silent")?;
        self.buffer.extend_from_slice(&chunk[..count]);
        Ok(count > 0)
    }

    /// The next response; to HEAD one without a body.
    pub async fn receive_to(&mut self, method: &str) -> Response {
        let response = self.receive_any(method).await;
        if response.status >= 200 {
            response.check();
        }
        response
    }

    /// The next response, which need not be one of the API's.
    pub async fn receive_unchecked(&mut self) -> Response {
        self.receive_any("GET").await
    }

    /// The status and body of the next response; nothing at the end of the connection, a reset included.
    pub async fn next_status(&mut self) -> Option<(u16, String)> {
        if self.buffer.is_empty() && !self.more().await.unwrap_or(false) {
            return None;
        }
        let response = self.receive_unchecked().await;
        Some((response.status, response.body))
    }

    /// The same, if it may be something else than JSON.
    pub async fn receive_any(&mut self, method: &str) -> Response {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(self.more().await.unwrap(), "the server closed: {:?}", String::from_utf8_lossy(&self.buffer));
        };
        let head = String::from_utf8(self.buffer[..end].to_vec()).unwrap();
        let mut lines = head.lines();
        let line = lines.next().unwrap();
        let status = line.strip_prefix("HTTP/1.1 ").or_else(|| line.strip_prefix("HTTP/1.0 ")).unwrap();
        let status = status[..3].parse().unwrap();
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let mut response = Response { status, headers, body: String::new() };
        let length = match response.header("content-length") {
            Some(length) if method != "HEAD" => length.parse().unwrap(),
            _ => 0,
        };
        while self.buffer.len() < end + length {
            assert!(self.more().await.unwrap(), "the server closed within a body");
        }
        response.body = String::from_utf8(self.buffer[end..end + length].to_vec()).unwrap();
        self.buffer.drain(..end + length);
        response
    }

    pub async fn receive(&mut self) -> Response {
        self.receive_to("GET").await
    }

    pub async fn exchange(&mut self, request: &[u8]) -> Response {
        self.send(request).await;
        self.receive().await
    }

    /// Waits for the server's end of the connection; nothing else may come. A reset is an end, too.
    pub async fn ended(&mut self) {
        match self.more().await {
            Ok(more) => assert!(!more, "{:?}", String::from_utf8_lossy(&self.buffer)),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        }
        assert!(self.buffer.is_empty());
    }

    /// The same, and no reset: what was sent last did arrive.
    pub async fn ended_in_order(&mut self) {
        assert!(!self.more().await.unwrap(), "{:?}", String::from_utf8_lossy(&self.buffer));
    }
}

/// One request on a connection of its own.
pub async fn once(address: SocketAddr, request: &[u8]) -> Response {
    Client::connect(address).await.exchange(request).await
}

/// The events published so far.
pub fn published(events: &mut Receiver<Published>) -> Vec<String> {
    let mut all = Vec::new();
    while let Ok(event) = events.try_recv() {
        all.push(String::from_utf8(event.json.to_vec()).unwrap());
    }
    all
}

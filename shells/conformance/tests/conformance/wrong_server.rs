//! A deliberately wrong server on loopback ports: the API with `/sessions/` for the call's side, and a hub.

use core::convert::Infallible;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use recording_conformance::access::Endpoint;
use recording_conformance::address::Address;
use recording_testkit::faults::Fault;
use recording_testkit::faulty::FaultyDesk;
use recording_testkit::http::{Request, Response};
use recording_testkit::plan::Plan;
use recording_testkit::transport::Transport;
use tungstenite::{Message, WebSocket};

use recording_testkit::vendor::Vendor;

/// Where a wrong server is.
pub(crate) struct Wrong {
    /// The API, and `/sessions/`.
    pub(crate) api: Endpoint,
    /// The hub.
    pub(crate) hub: Endpoint,
}

/// The desk, and who listens to it.
struct World {
    desk: FaultyDesk,
    listeners: Vec<WebSocket<TcpStream>>,
}

/// Serves until the process ends.
pub(crate) fn serve(plan: &Plan, fault: Option<Fault>) -> Wrong {
    let world = Arc::new(Mutex::new(World { desk: FaultyDesk::new(plan, fault), listeners: Vec::new() }));
    let hub = Arc::clone(&world);
    let api = listen(move |stream| {
        connection(stream, &world);
    });
    let hub = listen(move |stream| {
        let listener = accept(stream, "{}\u{1e}");
        hub.lock().unwrap_or_else(PoisonError::into_inner).listeners.push(listener);
    });
    Wrong { api, hub }
}

/// Serves a server of somebody else's until the process ends; `spoil` edits what it answers.
pub(crate) fn serve_vendor(vendor: Vendor, spoil: fn(&mut Response)) -> Endpoint {
    let vendor = Mutex::new(vendor);
    listen(move |mut stream| {
        let mut buffer = Vec::new();
        while let Some(request) = next_request(&mut stream, &mut buffer) {
            let mut response = answered(&mut *vendor.lock().unwrap_or_else(PoisonError::into_inner), &request);
            spoil(&mut response);
            if stream.write_all(&bytes(&response, request.method == "HEAD")).is_err() {
                break;
            }
        }
    })
}

/// Serves each connection by this, in a thread of its own.
pub(crate) fn serve_raw(serve: fn(TcpStream)) -> Endpoint {
    listen(serve)
}

/// A hub that says these texts to everybody.
pub(crate) fn hub_that_says(texts: Vec<String>) -> Endpoint {
    listen(move |stream| {
        let mut socket = accept(stream, "");
        for text in &texts {
            let _ = socket.send(Message::text(text.as_str()));
        }
        // Until the listener goes.
        while socket.read().is_ok() {}
    })
}

/// Takes a listener on after its handshake, which is answered so.
fn accept(stream: TcpStream, answer: &str) -> WebSocket<TcpStream> {
    let mut socket = tungstenite::accept(stream).unwrap();
    assert_eq!(socket.read().unwrap().to_text().unwrap(), "{\"protocol\":\"json\",\"version\":1}\u{1e}");
    if !answer.is_empty() {
        socket.send(Message::text(answer)).unwrap();
    }
    socket
}

/// Serves each connection in a thread of its own.
fn listen(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, serve) = (stream.unwrap(), Arc::clone(&serve));
            stream.set_nodelay(true).unwrap();
            thread::spawn(move || serve(stream));
        }
    });
    address.into()
}

/// Serves one connection until its client closes it, which is the `None`.
fn connection(mut stream: TcpStream, world: &Mutex<World>) -> Option<()> {
    let mut buffer = Vec::new();
    loop {
        let request = next_request(&mut stream, &mut buffer)?;
        let mut world = world.lock().unwrap_or_else(PoisonError::into_inner);
        let World { desk, listeners } = &mut *world;
        let response = answered(desk, &request);
        for event in desk.events(None).ok().flatten().unwrap_or_default() {
            let message =
                format!("{{\"type\":1,\"target\":\"RecordingStateChangedEvent\",\"arguments\":[{event}]}}\u{1e}");
            listeners.retain_mut(|listener| listener.send(Message::text(message.as_str())).is_ok());
        }
        drop(world);
        stream.write_all(&bytes(&response, request.method == "HEAD")).ok()?;
    }
}

/// The next request; `None` if the client is gone.
fn next_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Request> {
    let (head, request) = loop {
        if let Some(whole) = request(buffer) {
            break whole;
        }
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).ok().filter(|count| *count > 0)?;
        buffer.extend_from_slice(&chunk[..count]);
    };
    buffer.drain(..head);
    Some(request)
}

/// The first request in `buffer` and its length, once it is there as a whole.
fn request(buffer: &[u8]) -> Option<(usize, Request)> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut parsed = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(head) = parsed.parse(buffer).unwrap() else { return None };
    let header = |name: &str| {
        let header = parsed.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        Some(String::from_utf8(header.value.to_vec()).unwrap())
    };
    let length = header("Content-Length").map_or(0, |length| length.parse().unwrap());
    let body = buffer.get(head..head + length)?.to_vec();
    let methods = ["GET", "HEAD", "POST", "PUT", "DELETE"];
    let method = methods.into_iter().find(|method| Some(*method) == parsed.method).unwrap();
    // Requests are made of few kinds of content types, and a test leaks no more than these.
    let content_type = header("Content-Type").map(|value| &*value.leak());
    Some((head + length, Request { method, target: parsed.path.unwrap().into(), content_type, body }))
}

fn answered<T: Transport<Error = Infallible>>(desk: &mut T, request: &Request) -> Response {
    let target = String::from_utf8_lossy(&request.target).into_owned();
    let session = target.strip_prefix("/sessions/").and_then(|session| session.split_once('/'));
    let response = match session {
        None => desk.send(request),
        Some((ucc, id)) if request.method == "DELETE" => desk.end(ucc, id),
        Some((ucc, id)) => {
            let state: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
            let code = |key| state[key].as_u64().unwrap() as u8;
            desk.begin(ucc, id, (code("RecordingState"), code("MarkingState"), code("SavingState")))
        }
    };
    response.unwrap_or_else(|never| match never {})
}

fn bytes(response: &Response, headless: bool) -> Vec<u8> {
    let Response { status, body, .. } = response;
    let mut bytes = format!("HTTP/1.1 {status} .\r\nContent-Length: {}\r\n", body.len());
    let headers = [
        ("Content-Type", &response.content_type),
        ("Cache-Control", &response.cache_control),
        ("Allow", &response.allow),
    ];
    for (name, value) in headers {
        if let Some(value) = value {
            bytes.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    let mut bytes = (bytes + "\r\n").into_bytes();
    if !headless {
        bytes.extend_from_slice(body);
    }
    bytes
}

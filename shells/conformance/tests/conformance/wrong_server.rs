//! A deliberately wrong server on a loopback port: the API, and `/sessions/` for the call's side.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use recording_testkit::faults::Fault;
use recording_testkit::faulty::FaultyDesk;
use recording_testkit::http::{Request, Response};
use recording_testkit::plan::Plan;

/// Serves until the process ends. Gives the base URL.
pub(crate) fn serve(plan: &Plan, fault: Option<Fault>) -> String {
    let desk = Arc::new(Mutex::new(FaultyDesk::new(plan, fault)));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, desk) = (stream.unwrap(), Arc::clone(&desk));
            thread::spawn(move || connection(stream, &desk));
        }
    });
    url
}

/// Serves one connection until its client closes it.
fn connection(mut stream: TcpStream, desk: &Mutex<FaultyDesk>) -> Option<()> {
    stream.set_nodelay(true).unwrap();
    let mut buffer = Vec::new();
    loop {
        let (head, request) = loop {
            if let Some(whole) = request(&buffer) {
                break whole;
            }
            let mut chunk = [0; 4096];
            let count = stream.read(&mut chunk).ok().filter(|count| *count > 0)?;
            buffer.extend_from_slice(&chunk[..count]);
        };
        buffer.drain(..head);
        let response = answer(&mut desk.lock().unwrap_or_else(PoisonError::into_inner), &request);
        stream.write_all(&bytes(&response, request.method == "HEAD")).ok()?;
    }
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

fn answer(desk: &mut FaultyDesk, request: &Request) -> Response {
    let target = String::from_utf8_lossy(&request.target).into_owned();
    let Some((ucc, id)) = target.strip_prefix("/sessions/").and_then(|session| session.split_once('/')) else {
        return desk.answer(request);
    };
    if request.method == "DELETE" {
        return desk.end_session(ucc, id);
    }
    let state: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    let code = |key| state[key].as_u64().unwrap() as u8;
    desk.begin_session(ucc, id, (code("RecordingState"), code("MarkingState"), code("SavingState")))
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

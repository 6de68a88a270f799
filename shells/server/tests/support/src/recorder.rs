//! A recorder that speaks HTTP, run inside a test. It keeps the fence, and obeys unless the test says otherwise.

use core::net::SocketAddr;
use std::collections::HashMap;
use std::io::{BufReader, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::small_http::{Request, listen, read};

/// What it does with an order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mood {
    /// Carries it out.
    #[default]
    Obeys,
    /// Answers 500, which says nothing.
    Fails,
    /// Does not know the call.
    KnowsNoCall,
    /// Does something else, and says what.
    Does(&'static str),
}

#[derive(Debug, Default)]
struct Shared {
    mood: Mood,
    /// What it is doing, and the greatest number that it has seen, by call.
    calls: HashMap<String, (&'static str, u64)>,
    orders: Vec<Value>,
}

/// A recorder. Its threads end with the process.
#[derive(Debug)]
pub struct HttpRecorder {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

impl Default for HttpRecorder {
    fn default() -> Self {
        Self::new()
    }
}

impl HttpRecorder {
    /// One that is there and knows no call yet.
    pub fn new() -> Self {
        let shared = Arc::<Mutex<Shared>>::default();
        Self { address: listen(SocketAddr::from(([127, 0, 0, 1], 0)), &shared, serve), shared }
    }

    /// Where orders are posted.
    pub fn url(&self) -> String {
        format!("http://{}/orders", self.address)
    }

    /// What it does from now on.
    pub fn be(&self, mood: Mood) {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).mood = mood;
    }

    /// The orders that came.
    pub fn orders(&self) -> Vec<Value> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).orders.clone()
    }

    /// The part of a config that names it `name`, and a UCC of this name that it records, with `more` lines.
    pub fn config(&self, name: &str, ucc: &str, agents: &[&str], more: &str) -> String {
        format!(
            "[[recorder]]\nname = {name:?}\nkind = \"http\"\nurl = {:?}\n\n{}",
            self.url(),
            recorded_ucc(name, ucc, agents, more)
        )
    }
}

/// The part of a config that is about a UCC with a recorder.
pub fn recorded_ucc(recorder: &str, ucc: &str, agents: &[&str], more: &str) -> String {
    format!(
        "[[ucc]]\nname = {ucc:?}\nrecording_api_licensed = true\nuse_audio_recording = true\n\
         agent_can_edit_audio_recording = true\nsave_recording_by_default = true\nrepeats = \"accept\"\n\
         agents = {agents:?}\nrecorder = {recorder:?}\n{more}\n\n"
    )
}

fn serve(mut stream: &TcpStream, shared: &Mutex<Shared>) {
    let mut reader = BufReader::new(stream);
    while let Some(Request { line, body, .. }) = read(&mut reader) {
        let (status, body) = answer(&line, &body, &mut shared.lock().unwrap_or_else(PoisonError::into_inner));
        let head =
            format!("HTTP/1.1 {status} Is\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
        if stream.write_all(format!("{head}{body}").as_bytes()).is_err() {
            return;
        }
    }
}

/// What it is doing, or, without a query, that it is there.
fn said(line: &str, shared: &Shared) -> (u16, String) {
    let target = line.split(' ').nth(1).unwrap_or_default();
    let Some((_, query)) = target.split_once('?') else { return (200, String::new()) };
    let value = |key: &str| {
        let found = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(name, _)| *name == key);
        unescaped(found.unwrap_or_default().1)
    };
    let call = format!("{:?} {:?}", value("UCCName"), value("CorrelationId"));
    match (shared.mood, shared.calls.get(&call)) {
        (Mood::Fails, _) => (500, String::new()),
        (Mood::KnowsNoCall, _) | (_, None) => (404, String::new()),
        (Mood::Does(state), Some(&(_, number))) | (Mood::Obeys, Some(&(state, number))) => {
            (200, json!({ "RecorderState": state, "Number": number }).to_string())
        }
    }
}

/// A part of a URL as it was before bytes were written as `%` and two digits.
fn unescaped(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).unwrap_or_default();
        bytes.extend(u8::from_str_radix(digits, 16));
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).unwrap_or_default()
}

fn answer(line: &str, body: &[u8], shared: &mut Shared) -> (u16, String) {
    if line.starts_with("GET") {
        return said(line, shared);
    }
    let order: Value = serde_json::from_slice(body).unwrap_or_default();
    shared.orders.push(order.clone());
    let call = format!("{} {}", order["UCCName"], order["CorrelationId"]);
    let (state, latest) = shared.calls.entry(call).or_insert(("Recording", 0));
    let number = order["Number"].as_u64().unwrap_or_default();
    if number < *latest {
        return (409, String::new());
    }
    *latest = number;
    match shared.mood {
        Mood::Fails => return (500, String::new()),
        Mood::KnowsNoCall => return (404, String::new()),
        Mood::Does(what) => *state = what,
        Mood::Obeys => {
            *state = match order["Order"].as_str() {
                Some("Pause") => "Paused",
                Some("Stop") => "Off",
                _ => "Recording",
            }
        }
    }
    (200, json!({ "RecorderState": state }).to_string())
}

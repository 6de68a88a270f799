//! HTTP/2 by hand: frames that a library would not send.

use core::time::Duration;
use std::collections::BTreeSet;

use recording_core::state::RecordingState;
use recording_server::net::Limits;
use recording_server::server::Running as Server;
use recording_server::store::MemoryStore;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use crate::attempts::{Attempt, Case, Group, case};
use crate::certificates::Certificate;
use crate::support::{PATIENCE, SET_PATH, STATE_PATH, set_body, stored};
use crate::tls::{HTTP_2, Http2, get_2, tls, world};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const PRIORITY: u8 = 2;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GO_AWAY: u8 = 7;
const WINDOW: u8 = 8;
const CONTINUATION: u8 = 9;

const CALM: &str = "connection ended, ENHANCE_YOUR_CALM";

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// The names of RFC 9113, section 7.
const ERRORS: [&str; 14] = [
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
];

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A field as HPACK writes it plainly: neither indexed nor compressed.
fn field(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![0];
    for text in [name, value] {
        // A length of 7 bits, and then 7 more at a time.
        if text.len() < 127 {
            bytes.push(text.len() as u8);
        } else {
            bytes.push(127);
            let mut rest = text.len() - 127;
            while rest >= 128 {
                bytes.push(rest as u8 & 127 | 128);
                rest >>= 7;
            }
            bytes.push(rest as u8);
        }
        bytes.extend(text.as_bytes());
    }
    bytes
}

fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    fields.iter().flat_map(|(name, value)| field(name, value)).collect()
}

const READ: [(&str, &str); 4] =
    [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", STATE_PATH)];
const SET: [(&str, &str); 5] = [
    (":method", "POST"),
    (":scheme", "https"),
    (":authority", "localhost"),
    (":path", SET_PATH),
    ("content-type", "application/json"),
];

fn read(more: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, 1, &block(&[&READ, more].concat()))
}

/// A set that would pause the recorder, with these fields more.
fn set(more: &[(&str, &str)]) -> Vec<u8> {
    let head = frame(HEADERS, END_HEADERS, 1, &block(&[&SET, more].concat()));
    [head, frame(DATA, END_STREAM, 1, set_body("\"Start\"").as_bytes())].concat()
}

/// A connection whose client knows no HTTP/2.
struct Raw(TlsStream<TcpStream>);

impl Raw {
    async fn connect(certificate: &Certificate, running: &Server<MemoryStore>) -> Self {
        let mut raw = Self(tls(certificate, running, &[HTTP_2]).await);
        raw.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        raw.send(&frame(SETTINGS, 0, 0, &[])).await;
        raw
    }

    /// The server may be gone by now.
    async fn send(&mut self, bytes: &[u8]) -> bool {
        timeout(PATIENCE, async { self.0.write_all(bytes).await.is_ok() && self.0.flush().await.is_ok() })
            .await
            .unwrap()
    }

    async fn frame(&mut self) -> Option<(u8, u8, u32, Vec<u8>)> {
        let mut head = [0; 9];
        timeout(PATIENCE, self.0.read_exact(&mut head)).await.expect("the server is silent").ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let mut payload = vec![0; length];
        timeout(PATIENCE, self.0.read_exact(&mut payload)).await.expect("the server is silent").ok()?;
        Some((head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]]), payload))
    }

    /// All that comes back for stream 1, until a ping is answered or the connection ends.
    async fn outcome(mut self) -> String {
        self.send(&frame(PING, 0, 0, b"the last")).await;
        let mut told = BTreeSet::new();
        // A request that is being answered may be overtaken by the ping, but not for long.
        let mut pings = 0;
        loop {
            match self.frame().await {
                Some((HEADERS, _, 1, block)) => {
                    told.insert(status(&block));
                }
                Some((RESET, _, 1, error)) => {
                    // Not an error: the rest of a body is not wanted.
                    if error[3] != 0 {
                        told.insert(format!("stream reset, {}", ERRORS[usize::from(error[3])]));
                    }
                }
                Some((GO_AWAY, _, _, payload)) => {
                    told.insert(format!("connection ended, {}", ERRORS[usize::from(payload[7])]));
                }
                Some((PING, ACK, ..)) if told.is_empty() && pings < 20 => {
                    pings += 1;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    self.send(&frame(PING, 0, 0, b"the last")).await;
                }
                Some((PING, ACK, ..)) => break,
                Some(_) => {}
                None => {
                    told.insert("closed".to_owned());
                    break;
                }
            }
        }
        if told.len() > 1 {
            told.remove("closed");
        }
        told.into_iter().collect::<Vec<_>>().join(", ")
    }
}

/// The status is the first field of a response. Common ones are in HPACK's table of fields, the others written out.
fn status(block: &[u8]) -> String {
    // The table's size may come first.
    let block = if block[0] & 0xe0 == 0x20 { &block[1..] } else { block };
    match block[0] {
        0x88 => "200".to_owned(),
        0x8c => "400".to_owned(),
        0x8d => "404".to_owned(),
        0x8e => "500".to_owned(),
        // By name, the value compressed: three digits of 5 or 6 bits.
        0x40..=0x4f => digits(&block[2..2 + usize::from(block[1] & 127)]),
        other => panic!("{other:#x}"),
    }
}

/// Digits as HPACK compresses them: 0, 1 and 2 have 5 bits, the others 6.
fn digits(bytes: &[u8]) -> String {
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let (mut text, mut rest) = (String::new(), &*bits);
    while text.len() < 3 {
        let five = u8::from_str_radix(&rest[..5], 2).unwrap();
        if five < 3 {
            text.push(char::from(b'0' + five));
            rest = &rest[5..];
        } else {
            let six = u8::from_str_radix(&rest[..6], 2).unwrap();
            text.push(char::from(b'3' + six - 0x19));
            rest = &rest[6..];
        }
    }
    text
}

const RESET_PROTOCOL: &str = "stream reset, PROTOCOL_ERROR";
const ENDED_PROTOCOL: &str = "connection ended, PROTOCOL_ERROR";

const CASES: &[Case] = &[
    case("a plain read", || read(&[]), "200"),
    case("`content-length` less than the body", || set(&[("content-length", "5")]), RESET_PROTOCOL),
    case("`content-length` more than the body", || set(&[("content-length", "500")]), RESET_PROTOCOL),
    case("`content-length` 0 with a body", || set(&[("content-length", "0")]), RESET_PROTOCOL),
    case("two `content-length`s", || set(&[("content-length", "5"), ("content-length", "6")]), RESET_PROTOCOL),
    case("a negative `content-length`", || set(&[("content-length", "-1")]), RESET_PROTOCOL),
    case("`transfer-encoding: chunked`", || set(&[("transfer-encoding", "chunked")]), RESET_PROTOCOL),
    case("`connection: close`", || read(&[("connection", "close")]), RESET_PROTOCOL),
    case("`upgrade`", || read(&[("upgrade", "websocket")]), RESET_PROTOCOL),
    case("`te: trailers, chunked`", || read(&[("te", "trailers, chunked")]), RESET_PROTOCOL),
    case("a name in capital letters", || read(&[("X-Name", "y")]), ENDED_PROTOCOL),
    case("a space in a name", || read(&[("x name", "y")]), ENDED_PROTOCOL),
    case("a colon in a name", || read(&[("x:name", "y")]), ENDED_PROTOCOL),
    case("CR LF in a value", || read(&[("x", "y\r\nz: a")]), ENDED_PROTOCOL),
    case("a NUL in a value", || read(&[("x", "y\0z")]), ENDED_PROTOCOL),
    case(
        "CR LF in `:path`",
        || frame(HEADERS, 5, 1, &block(&[READ[0], READ[1], READ[2], (":path", "/ HTTP/1.1\r\nX: y")])),
        RESET_PROTOCOL,
    ),
    case(
        "a space in `:path`",
        || frame(HEADERS, 5, 1, &block(&[READ[0], READ[1], READ[2], (":path", "/a b")])),
        RESET_PROTOCOL,
    ),
    case("no `:path`", || frame(HEADERS, 5, 1, &block(&READ[..3])), RESET_PROTOCOL),
    case(
        "an empty `:path`",
        || frame(HEADERS, 5, 1, &block(&[READ[0], READ[1], READ[2], (":path", "")])),
        RESET_PROTOCOL,
    ),
    case("two `:path`s", || read(&[(":path", "/")]), RESET_PROTOCOL),
    case("no `:method`", || frame(HEADERS, 5, 1, &block(&READ[1..])), RESET_PROTOCOL),
    case(
        "a pseudo-field after the others",
        || frame(HEADERS, 5, 1, &block(&[READ[0], READ[1], ("x", "y"), READ[2], READ[3]])),
        RESET_PROTOCOL,
    ),
    case("`:status` in a request", || read(&[(":status", "200")]), RESET_PROTOCOL),
    case("an unknown pseudo-field", || read(&[(":x", "y")]), ENDED_PROTOCOL),
    case("CONNECT", || frame(HEADERS, 5, 1, &block(&[(":method", "CONNECT"), READ[2]])), "404"),
    case(
        "extended CONNECT to the hub",
        || {
            frame(
                HEADERS,
                5,
                1,
                &block(&[(":method", "CONNECT"), READ[1], READ[2], READ[3], (":protocol", "websocket")]),
            )
        },
        RESET_PROTOCOL,
    ),
    case(
        "a head of 20 KiB",
        || {
            let value = "x".repeat(10 * 1024);
            let block = block(&[&READ[..], &[("x", &value), ("y", &value)]].concat());
            let (first, rest) = block.split_at(16 * 1024);
            [frame(HEADERS, END_STREAM, 1, first), frame(CONTINUATION, END_HEADERS, 1, rest)].concat()
        },
        "431",
    ),
    case(
        "a head without end: 10,000 continuations",
        || {
            let more = frame(CONTINUATION, 0, 1, &field("x", "y")).repeat(10_000);
            [frame(HEADERS, END_STREAM, 1, &block(&READ)), more].concat()
        },
        "connection ended, ENHANCE_YOUR_CALM",
    ),
    case(
        "10,000 empty continuations",
        || {
            let more = frame(CONTINUATION, 0, 1, &[]).repeat(10_000);
            [frame(HEADERS, END_STREAM, 1, &block(&READ)), more].concat()
        },
        "connection ended, ENHANCE_YOUR_CALM",
    ),
    case(
        "a field that unpacks to much: an entry of 4 KiB named 4,000 times",
        || {
            let mut block = block(&READ);
            block.push(0x40); // literal, to be remembered
            block.extend(&field("x", &"y".repeat(4000))[1..]);
            block.extend([0xbe; 4000]); // the entry remembered last
            frame(HEADERS, 5, 1, &block)
        },
        "connection ended, ENHANCE_YOUR_CALM",
    ),
    case("an entry of the table that is not there", || frame(HEADERS, 5, 1, &[0xff, 0x7f]), ENDED_PROTOCOL),
    case("a continuation of nothing", || frame(CONTINUATION, 4, 1, &[]), ENDED_PROTOCOL),
    case(
        "another frame amid a head",
        || [frame(HEADERS, 1, 1, &block(&READ)), frame(PING, 0, 0, &[0; 8])].concat(),
        ENDED_PROTOCOL,
    ),
    case("data for a stream that is not open", || frame(DATA, 1, 1, b"x"), ENDED_PROTOCOL),
    case("a stream of the server's number", || frame(HEADERS, 5, 2, &block(&READ)), ENDED_PROTOCOL),
    case("a head for stream 0", || frame(HEADERS, 5, 0, &block(&READ)), ENDED_PROTOCOL),
    case("a frame beyond its greatest size", || frame(DATA, 1, 1, &[0; 20_000]), "connection ended, FRAME_SIZE_ERROR"),
    case("settings of an impossible size", || frame(SETTINGS, 0, 0, &[0; 5]), ENDED_PROTOCOL),
    case(
        "1,000 streams opened and reset at once",
        || {
            let each = |number: u32| {
                let stream = 2 * number + 1;
                [frame(HEADERS, 5, stream, &block(&READ)), frame(RESET, 0, stream, &[0, 0, 0, 8])].concat()
            };
            (0..1000).flat_map(each).collect()
        },
        "connection ended, ENHANCE_YOUR_CALM",
    ),
    case("2,000 settings", || frame(SETTINGS, 0, 0, &[]).repeat(2000), CALM),
    case("2,000 priorities of a stream", || frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 1]).repeat(2000), CALM),
    case("2,000 windows opened by 1", || frame(WINDOW, 0, 0, &[0, 0, 0, 1]).repeat(2000), CALM),
    case("2,000 frames of an unknown kind", || frame(99, 0, 0, b"x").repeat(2000), CALM),
    case(
        "2,000 pieces of a body that hold nothing",
        || [frame(HEADERS, END_HEADERS, 1, &block(&SET)), frame(DATA, 0, 1, &[]).repeat(2000)].concat(),
        CALM,
    ),
    case(
        "900 priorities, and a read",
        || [frame(PRIORITY, 0, 3, &[0, 0, 0, 0, 1]).repeat(900), read(&[])].concat(),
        "200",
    ),
    case(
        "HTTP/1.1 after HTTP/2 was agreed on",
        || b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        "connection ended, FRAME_SIZE_ERROR",
    ),
];

/// More requests than may be open at once.
const TOO_MANY: &str = "100 requests open at once, bodies still to come";

pub fn groups() -> Vec<Group> {
    let attempts = CASES.iter().map(|case| Attempt { what: case.what.into(), outcome: case.outcome.into() });
    let many = [
        Attempt { what: TOO_MANY.into(), outcome: "64 are taken, the others refused with REFUSED_STREAM".into() },
        Attempt {
            what: "requests whose answers are not taken (a window of 0)".into(),
            outcome: "the connection ends when it counts as idle".into(),
        },
    ];
    let test = "http2::each_form_has_its_outcome";
    vec![Group { title: "HTTP/2", note: "", test, attempts: attempts.chain(many).collect() }]
}

#[tokio::test]
async fn each_form_has_its_outcome() {
    let certificate = Certificate::new("raw2");
    let running = world(&certificate, Limits { request: Duration::from_secs(2), ..Limits::default() }).await;
    let mut wrong = Vec::new();
    for case in CASES {
        let mut raw = Raw::connect(&certificate, &running).await;
        raw.send(&(case.bytes)()).await;
        let outcome = raw.outcome().await;
        if outcome != case.outcome {
            wrong.push(format!("{}: {outcome}, not {}", case.what, case.outcome));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(stored(&running).await.recording(), RecordingState::Uninitialized);
    // The set that all of these were made of is a good one.
    let mut raw = Raw::connect(&certificate, &running).await;
    raw.send(&set(&[])).await;
    assert_eq!(raw.outcome().await, "200");
    assert_eq!(stored(&running).await.recording(), RecordingState::Started);
}

#[tokio::test]
async fn more_than_64_at_once_are_refused() {
    let certificate = Certificate::new("many2");
    let running = world(&certificate, Limits::default()).await;
    let mut raw = Raw::connect(&certificate, &running).await;
    let head = block(&SET);
    for number in 0..100 {
        raw.send(&frame(HEADERS, END_HEADERS, 2 * number + 1, &head)).await;
    }
    let mut refused = BTreeSet::new();
    while refused.len() < 36 {
        match raw.frame().await.expect("the connection goes on") {
            (RESET, _, stream, error) => {
                assert_eq!(ERRORS[usize::from(error[3])], "REFUSED_STREAM");
                refused.insert(stream);
            }
            (kind, ..) => assert!(kind != GO_AWAY && kind != HEADERS),
        }
    }
    assert!(refused.iter().all(|&stream| stream > 128), "{refused:?}");
    // Those that were taken go on.
    raw.send(&frame(DATA, END_STREAM, 1, set_body("\"Start\"").as_bytes())).await;
    assert_eq!(raw.outcome().await, "200");
}

/// Answers that are not taken keep neither the connection nor what it holds.
#[tokio::test]
async fn answers_that_are_not_taken_end_the_connection() {
    let certificate = Certificate::new("window");
    let running = world(&certificate, Limits { idle: Duration::from_millis(500), ..Limits::default() }).await;
    let mut raw = Raw::connect(&certificate, &running).await;
    // SETTINGS_INITIAL_WINDOW_SIZE of 0.
    raw.send(&frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0])).await;
    for number in 0..50 {
        raw.send(&frame(HEADERS, 5, 2 * number + 1, &block(&READ))).await;
    }
    while raw.frame().await.is_some() {}
    // Others are served.
    let mut client = Http2::over(tls(&certificate, &running, &[HTTP_2]).await).await;
    assert_eq!(client.exchange(get_2(STATE_PATH), "").await.0.status.as_u16(), 200);
}

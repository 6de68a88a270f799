//! Servers that mean harm to the tool: it ends in time, in one line, and a terminal is given nothing raw.

use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Output};
use std::thread;
use std::time::Instant;

use recording_testkit::http::Response;
use recording_testkit::plan::Plan;

use crate::wrong_server::{serve_raw, serve_vendor};
use recording_testkit::vendor::{Manner, Vendor};

const BEAT: Duration = Duration::from_millis(100);

/// What the exchange may take, in whole seconds.
const PATIENCE: u64 = 2;

/// Takes a request, and then sends pieces for ever: each after a pause, if there is one.
fn endless(mut stream: TcpStream, head: &str, piece: &[u8], pause: Duration) {
    let _ = stream.read(&mut [0; 4096]);
    let _ = stream.write_all(head.as_bytes());
    while stream.write_all(piece).is_ok() {
        thread::sleep(pause);
    }
}

/// A server and its name.
type Case = (&'static str, fn(TcpStream));

const OPENED: &str = "HTTP/1.1 101 .\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ";

/// Answers a WebSocket's opening.
fn open(stream: &mut TcpStream) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).unwrap_or_default() == 0 {
            return;
        }
        request.push(byte[0]);
    }
    let request = String::from_utf8(request).unwrap();
    let key = request
        .lines()
        .find_map(|line| line.to_ascii_lowercase().starts_with("sec-websocket-key: ").then(|| &line[19..]));
    let accept = tungstenite::handshake::derive_accept_key(key.unwrap().as_bytes());
    let _ = stream.write_all(format!("{OPENED}{accept}\r\n\r\n").as_bytes());
}

fn program(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_recording-conformance"))
        .args(arguments)
        .args(["--patience", &PATIENCE.to_string(), "--quiet", "--seed", "1", "--cases", "60"])
        .output()
        .unwrap()
}

fn is_raw(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Exit code and what was printed; nothing of it raw.
fn told(output: Output, of: &str) -> (i32, String) {
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(!text.chars().any(is_raw), "{of}: {text:?}");
    (output.status.code().unwrap(), text)
}

#[test]
fn no_exchange_lasts_for_ever() {
    const NEVER: Duration = Duration::ZERO;
    const CHUNKED: &str = "HTTP/1.1 200 .\r\nTransfer-Encoding: chunked\r\n\r\n";
    let api: &[Case] = &[
        ("silence", |stream| endless(stream, "", b"", BEAT)),
        ("interim responses", |stream| endless(stream, "", b"HTTP/1.1 100 Continue\r\n\r\n", NEVER)),
        ("interim responses, slowly", |stream| endless(stream, "", b"HTTP/1.1 103 .\r\n\r\n", BEAT)),
        ("an interim response with headers for ever", |stream| {
            endless(stream, "HTTP/1.1 103 .\r\n", b"a: b\r\n", NEVER);
        }),
        ("a head, byte for byte", |stream| endless(stream, "HTTP/1.1 200 .\r\na: ", b"b", BEAT)),
        ("headers for ever", |stream| endless(stream, "HTTP/1.1 200 .\r\n", b"a: b\r\n", NEVER)),
        ("one header for ever", |stream| endless(stream, "HTTP/1.1 200 .\r\na: ", &[b'b'; 4096], NEVER)),
        ("a body, byte for byte", |stream| {
            endless(stream, "HTTP/1.1 200 .\r\nContent-Length: 1000\r\n\r\n", b"b", BEAT);
        }),
        ("a body without end", |stream| endless(stream, "HTTP/1.1 200 .\r\n\r\n", &[b'b'; 4096], NEVER)),
        ("a body without end, byte for byte", |stream| endless(stream, "HTTP/1.1 200 .\r\n\r\n", b"b", BEAT)),
        ("chunks for ever", |stream| endless(stream, CHUNKED, b"1\r\nb\r\n", NEVER)),
        ("chunks, slowly", |stream| endless(stream, CHUNKED, b"1\r\nb\r\n", BEAT)),
        ("trailers for ever", |stream| endless(stream, CHUNKED, b"0\r\na: b\r\n", NEVER)),
        ("noise", |stream| endless(stream, "", b"\x1b[2J\x00\xff", NEVER)),
    ];
    let hub: &[Case] = &[
        ("a hub that opens byte for byte", |stream| endless(stream, "HTTP/1.1 101 .\r\na: ", b"b", BEAT)),
        ("a hub that says nothing", |mut stream| {
            open(&mut stream);
            endless(stream, "", b"", BEAT);
        }),
        ("a hub's frame, byte for byte", |mut stream| {
            open(&mut stream);
            let _ = stream.write_all(b"\x81\x7e\x01\x00");
            endless(stream, "", b"b", BEAT);
        }),
        ("pings for ever", |mut stream| {
            open(&mut stream);
            endless(stream, "", b"\x89\x00", NEVER);
        }),
        ("a hub's text of a gigabyte", |mut stream| {
            open(&mut stream);
            let _ = stream.write_all(b"\x81\x7f\x00\x00\x00\x00\x40\x00\x00\x00");
            endless(stream, "", &[b'b'; 4096], NEVER);
        }),
    ];
    let good = serve_vendor(Vendor::new(&Plan::full(), Manner::Strict, false), |_| {}).address.to_string();
    // All at once: most of them wait.
    thread::scope(|scope| {
        let runs: Vec<_> = api.iter().map(|case| (case, false)).chain(hub.iter().map(|case| (case, true))).collect();
        for (&(name, serve), is_hub) in runs {
            let good = &good;
            scope.spawn(move || {
                let url = serve_raw(serve).address.to_string();
                let began = Instant::now();
                let output = if is_hub {
                    program(&["--url", good, "--admin", good, "--ucc", "ucc-open", "--hub", &url])
                } else {
                    program(&["--url", &url, "--admin", &url, "--ucc", "ucc-open"])
                };
                let (code, text) = told(output, name);
                assert!(code == 2 && text.lines().count() == 1 && text.len() < 900, "{name}: {code} {text}");
                // The whole of it, not each piece; generously, where much else runs.
                assert!(began.elapsed() < Duration::from_secs(15 * PATIENCE), "{name}: {:?}", began.elapsed());
            });
        }
    });
}

/// One who speaks TLS like that.
#[test]
fn no_handshake_lasts_for_ever() {
    let certificate = std::env::temp_dir().join(format!("recording-conformance-hostile-{}", std::process::id()));
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    let url = serve_raw(|stream| endless(stream, "\x16\x03\x03\x3f\x00", b"b", BEAT)).address.to_string();
    let url = url.replacen("http:", "https:", 1);
    let output = program(&["--url", &url, "--admin", &url, "--ca", certificate.to_str().unwrap()]);
    std::fs::remove_file(certificate).unwrap();
    let (code, text) = told(output, "a handshake, byte for byte");
    assert!(code == 2 && text.contains("it took too long"), "{text}");
}

const DRAWS: &str = "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\r\u{202e}\u{200b}";

fn drawn(response: &mut Response) {
    let text = response.text();
    // Still JSON for a lenient reader, and much of it.
    response.body = text.replace("not allowed", &format!("{DRAWS}{}", "x".repeat(500_000))).into_bytes();
    response.allow = response.allow.take().map(|allow| format!("{allow}\u{9b}31m"));
    response.cache_control = Some("no-store\u{202e}\u{9b}2J".into());
}

fn refused(response: &mut Response) {
    *response =
        Response { status: 403, body: format!("{DRAWS}{}", "x".repeat(500_000)).into_bytes(), ..Response::default() };
}

#[test]
fn nothing_raw_and_not_much_is_printed() {
    let url = |spoil| serve_vendor(Vendor::new(&Plan::full(), Manner::Strict, false), spoil).address.to_string();
    let drawing = url(drawn);
    let (code, text) = told(program(&["--url", &drawing, "--admin", &drawing, "--ucc", "ucc-open"]), "replies");
    assert!(
        code == 1 && text.contains("\\u{1b}[2J") && text.contains("\\u{9b}31m") && text.contains("more bytes"),
        "{text}"
    );
    assert!(text.len() < 40_000, "{}", text.len());
    let (code, text) = told(
        program(&["--url", &drawing, "--admin", &drawing, "--ucc", "ucc-open", "--json", "/dev/stdout"]),
        "the JSON on a terminal",
    );
    assert!(code == 1 && text.contains("\\u202e"), "{}", text.len());
    let refusing = url(refused);
    let (code, text) = told(program(&["--url", &refusing, "--admin", &refusing, "--ucc", "ucc-open"]), "a refusal");
    assert!(code == 2 && text.lines().count() == 1 && text.len() < 1000, "{text}");
}

//! What no client should send: the fuzz corpora whole, half requests, clients that vanish, more than there is room for.

use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, thread};

use recording_firmware::{Board, Emulator, Image, Kind};
use recording_testkit::render;

use crate::support::{Client, bytes, finish, start, vectors_world};

const UCC: &str = "ucc-demo-name";
const ID: &str = "1d6c6a58-6739-4f0c-98ff-0968292c8c30";
const AGENT: &str = "sip:agent@domain.com";

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
    let mut files: Vec<_> = fs::read_dir(&path).expect("a corpus").map(|file| file.expect("a file").path()).collect();
    files.sort();
    assert!(files.len() > 100, "{name}: {} files", files.len());
    files.iter().map(|file| fs::read(file).expect("a file")).collect()
}

fn with_session(board: Board) -> Emulator {
    let mut emulator = start(board, &vectors_world());
    assert_eq!(emulator.pbx.hear(), "boot");
    assert!(emulator.pbx.ask(&format!("begin {ID} Started/None/None {UCC}")).starts_with("begun"));
    emulator
}

/// The board still answers, and with the state that it had.
fn alive(emulator: &Emulator, recording: u8) {
    let response = Client::connect(emulator.api).exchange(&render::read(UCC, ID));
    assert!(response.text().contains(&format!("\"RecordingState\":{recording},")), "{}", response.text());
}

/// Every response that comes is one that HTTP allows, with a body of the API.
fn sound(came: &[u8], sent: &[u8]) -> usize {
    let to_head = sent.starts_with(b"HEAD ");
    let mut rest = came;
    let mut count = 0;
    while !rest.is_empty() {
        let shown = || format!("{} to {}", String::from_utf8_lossy(came), String::from_utf8_lossy(sent));
        let end = rest.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or_else(|| panic!("{}", shown())) + 4;
        let head = str::from_utf8(&rest[..end]).expect("a head is text");
        assert!(head.starts_with("HTTP/1.1 "), "{}", shown());
        let status: u16 = head[9..12].parse().unwrap_or_else(|_| panic!("{}", shown()));
        assert!([100, 200, 400, 404, 405, 413, 414, 415, 417, 431, 501, 505].contains(&status), "{}", shown());
        let length = head.split("Content-Length: ").nth(1).map_or(0, |text| {
            text.split("\r\n").next().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{}", shown()))
        });
        if to_head {
            // What follows in the corpus was no request of its own.
            assert!(!rest[end..].starts_with(b"{"), "{}", shown());
            rest = &rest[end..];
            count += 1;
            continue;
        }
        let body = rest.get(end..end + length).unwrap_or_else(|| panic!("{}", shown()));
        if status != 100 {
            let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_else(|_| panic!("{}", shown()));
            assert!(value.get("ErrorMessage").is_some(), "{}", shown());
        }
        rest = &rest[end + length..];
        count += 1;
    }
    count
}

/// A connection, or another one if the board has no place at the moment.
fn say(emulator: &Emulator, sent: &[u8]) -> usize {
    let mut client = Client::connect(emulator.api);
    client.send(sent);
    client.end();
    sound(&client.rest(), sent)
}

#[test]
fn the_fuzz_corpora_of_requests_and_bodies_sent_whole() {
    let emulator = with_session(Board::Mps2An386);
    let (mut replies, mut sent) = (0, 0);
    let mut client = Client::connect(emulator.api);
    // As the bytes of a connection, as a body, and as a request of three lines and a body.
    for file in [corpus("request"), corpus("body"), corpus("made_request")].concat() {
        replies += say(&emulator, &file);
        sent += 1;
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: gw\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            "/attendantservice/api/recording/set",
            file.len()
        );
        let body = [head.as_bytes(), &file].concat();
        client.send(&body);
        let response = client.receive("POST");
        assert!(response.is_none_or(|response| [200, 400, 413].contains(&response.status)));
        sent += 1;
        let mut parts = file.splitn(4, |&byte| byte == b'\n');
        let mut part = || parts.next().unwrap_or_default().strip_suffix(b"\r").unwrap_or_default().to_vec();
        let (method, target, content_type) = (part(), part(), part());
        let content = parts.next().unwrap_or_default();
        let length = format!("\r\nContent-Length: {}\r\n\r\n", content.len());
        let request = [
            &method[..],
            b" ",
            &target,
            b" HTTP/1.1\r\nHost: gw\r\nContent-Type: ",
            &content_type,
            length.as_bytes(),
            content,
        ];
        replies += say(&emulator, &request.concat());
        sent += 1;
        // Whatever it did to the session is undone with it.
        client = Client::connect(emulator.api);
    }
    println!("{sent} hostile requests, {replies} replies");
    assert!(replies > 300);
    let mut emulator = emulator;
    assert!(emulator.pbx.ask(&format!("end {ID} {UCC}")).starts_with("ended"));
    assert!(emulator.pbx.ask(&format!("begin {ID} Paused/None/None {UCC}")).starts_with("begun"));
    alive(&emulator, 3);
    finish(emulator, "corpora");
}

/// Every prefix of a request, and then nothing: the client is gone, politely or not.
#[test]
fn clients_that_vanish_in_the_middle() {
    let emulator = with_session(Board::Lm3s6965evb);
    let request = bytes(&render::set(UCC, ID, AGENT, 3));
    let mut cut = 1;
    while cut < request.len() {
        let mut client = Client::connect(emulator.api);
        client.send(&request[..cut]);
        if cut % 2 == 0 {
            client.end();
            assert!(client.rest().is_empty(), "half a request has no answer");
        } else {
            client.vanish();
        }
        cut += 7;
    }
    alive(&emulator, 1);
    // And after a whole one: it counts, even if no client waits for the answer.
    let mut client = Client::connect(emulator.api);
    client.send(&request);
    client.vanish();
    let deadline = Instant::now() + recording_firmware::PATIENCE;
    let mut reader = Client::connect(emulator.api);
    while !reader.exchange(&render::read(UCC, ID)).text().contains("\"RecordingState\":3,") {
        assert!(Instant::now() < deadline, "the change was lost");
        thread::sleep(Duration::from_millis(20));
    }
    finish(emulator, "vanish");
}

/// Clients that say half and then nothing take every place; they are timed out, and until then the others are served.
#[test]
fn half_requests_block_nobody() {
    let emulator = with_session(Board::Lm3s6965evb);
    let places = emulator.board.connections();
    let mut half: Vec<_> = (1..places).map(|_| Client::connect(emulator.api)).collect();
    for client in &mut half {
        client.send(b"POST /attendantservice/api/recording/set HTTP/1.1\r\nHost: gw\r\n");
    }
    let mut other = Client::connect(emulator.api);
    for _ in 0..50 {
        assert_eq!(other.exchange(&render::read(UCC, ID)).status, 200);
    }
    // The others' last place goes to the client that comes when it is free.
    for _ in 0..3 {
        alive(&emulator, 1);
    }
    for client in &mut half {
        let response = client.receive("POST").expect("it gets the reason");
        assert_eq!(response.status, 408);
        assert!(client.rest().is_empty(), "and closed");
    }
    alive(&emulator, 1);
    finish(emulator, "half");
}

/// Idle connections on every place: the longest idle one makes room for a new client.
#[test]
fn idle_clients_make_room() {
    let emulator = with_session(Board::Lm3s6965evb);
    let mut idle: Vec<_> = (0..emulator.board.connections()).map(|_| Client::connect(emulator.api)).collect();
    for client in &mut idle {
        assert_eq!(client.exchange(&render::read(UCC, ID)).status, 200);
    }
    for _ in 0..3 {
        alive(&emulator, 1);
    }
    // And who was closed for that comes back.
    for client in &mut idle {
        assert_eq!(client.exchange(&render::read(UCC, ID)).status, 200);
    }
    finish(emulator, "idle");
}

/// A client that asks and asks, and never takes an answer.
#[test]
fn a_client_that_does_not_read_blocks_nobody() {
    let emulator = with_session(Board::Lm3s6965evb);
    let request = bytes(&render::read(UCC, ID)).repeat(200);
    let mut deaf = Client::connect(emulator.api);
    deaf.send(&request);
    for _ in 0..50 {
        alive(&emulator, 1);
    }
    // It was served, as far as can be seen: all of it came, or it was cut after whole replies.
    deaf.end();
    assert!(sound(&deaf.rest(), b"200 reads") <= 200);
    finish(emulator, "deaf");
}

/// Changes that wait for a recorders' line that does not move take every place: reads go on, and each change is answered.
#[test]
fn changes_that_wait_for_the_recorders_line_block_no_read() {
    let board = Board::Lm3s6965evb;
    let image = Image::build(board, Kind::Planted).provisioned(&vectors_world()).expect("it holds");
    let mut emulator = Emulator::start(board, &image);
    assert_eq!(emulator.pbx.hear(), "boot");
    assert!(emulator.pbx.ask(&format!("begin {ID} Started/None/None {UCC}")).starts_with("begun"));
    emulator.recorder.log.wait(0, |line| line.starts_with("on ")).expect("it is told");
    assert!(emulator.pbx.ask("plant deaf").starts_with("error a command is"));
    let mut waiting: Vec<_> = (0..board.connections()).map(|_| Client::connect(emulator.api)).collect();
    for client in &mut waiting {
        client.send(&bytes(&render::set(UCC, ID, AGENT, 3)));
        thread::sleep(Duration::from_millis(50));
    }
    // A client that reads comes back until there is a place; the change that was made is seen.
    for _ in 0..3 {
        alive(&emulator, 3);
    }
    let mut told = Vec::new();
    for client in &mut waiting {
        let response = client.receive("POST").expect("it gets the reason");
        assert_eq!(response.status, 503);
        told.push(response.text());
        assert!(client.rest().is_empty(), "and closed");
    }
    let made = told.iter().filter(|text| text.contains("the recorder has not been reached")).count();
    let refused = told.iter().filter(|text| text.contains("Nothing was changed")).count();
    // A repeated Pause is not answered Paused either, as long as the recorder has not received the first.
    assert!(made > 0 && refused > 0 && made + refused == told.len(), "{told:#?}");
    // It moves again, and the order that waited comes first.
    assert!(emulator.pbx.ask("plant hearing").starts_with("error a command is"));
    emulator.recorder.log.wait(0, |line| line == format!("paused {ID} {UCC}")).expect("the order waited");
    let response = Client::connect(emulator.api).exchange(&render::set(UCC, ID, AGENT, 1));
    assert_eq!(response.status, 200);
    emulator.recorder.log.wait(3, |line| line == format!("on {ID} {UCC}")).expect("changes go on");
    finish(emulator, "standing");
}

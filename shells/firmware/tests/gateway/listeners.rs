//! Listeners: all of them hear everything; one that does not read is cut, and no client waits for that.

use std::net::TcpStream;
use std::time::{Duration, Instant};
use std::{io::Read, thread};

use recording_firmware::{Board, Emulator, Log, PATIENCE};
use recording_testkit::render;

use crate::support::{Client, finish, listen, start, vectors_world};

const UCC: &str = "ucc-demo-name";
const ID: &str = "1d6c6a58-6739-4f0c-98ff-0968292c8c30";

fn with_session(board: Board) -> Emulator {
    let mut emulator = start(board, &vectors_world());
    assert_eq!(emulator.pbx.hear(), "boot");
    assert!(emulator.pbx.ask(&format!("begin {ID} Started/None/None {UCC}")).starts_with("begun"));
    emulator
}

/// Marks and unmarks: every one of them is a change.
fn change(client: &mut Client, count: u32) {
    let action = if count.is_multiple_of(2) { 6 } else { 7 };
    let response = client.exchange(&render::set(UCC, ID, "sip:agent@domain.com", action));
    assert_eq!(response.status, 200);
    assert!(response.text().contains("\"ErrorMessage\":null"));
}

#[test]
fn every_listener_hears_every_change_in_order() {
    let emulator = with_session(Board::Mps2An386);
    let heard: Vec<Log> = (0..4).map(|_| listen(&emulator)).collect();
    let mut client = Client::connect(emulator.api);
    let mut expected = vec![r#"{"Listening":true}"#.to_owned()];
    for count in 0..200 {
        change(&mut client, count);
        let action = if count.is_multiple_of(2) { 6 } else { 7 };
        expected.push(format!(r#"{{"UccName":"{UCC}","CorrelationId":"{ID}","StateAction":{action}}}"#));
    }
    for log in heard {
        while log.len() < expected.len() {
            log.wait(log.len(), |_| true).expect("everything is heard");
        }
        assert_eq!(log.all(), expected);
    }
    finish(emulator, "listeners");
}

#[test]
fn a_slow_listener_is_cut_and_nobody_waits() {
    let mut emulator = with_session(Board::Lm3s6965evb);
    let quick = listen(&emulator);
    // It takes the greeting and nothing more. QEMU and the host take some 100 KB for it first, so that it takes many
    // changes before the board notices.
    let mut slow = TcpStream::connect(emulator.events).expect("QEMU listens");
    slow.set_read_timeout(Some(PATIENCE)).expect("a socket");
    slow.read_exact(&mut [0; 19]).expect("the greeting");
    let (mut client, mut count) = (Client::connect(emulator.api), 0);
    let deadline = Instant::now() + PATIENCE;
    while emulator.figure("cut") == 0 {
        for _ in 0..500 {
            change(&mut client, count);
            count += 1;
        }
        assert!(Instant::now() < deadline, "{count} changes, and it was not cut");
    }
    println!("cut after {count} changes");
    // Its place is free again.
    let again = listen(&emulator);
    change(&mut client, count);
    while quick.len() < count as usize + 2 || again.len() < 2 {
        thread::sleep(Duration::from_millis(10));
        assert!(Instant::now() < deadline + PATIENCE, "{} of {count} heard", quick.len());
    }
    assert_eq!(quick.len(), count as usize + 2, "the quick one missed nothing");
    finish(emulator, "slow");
}

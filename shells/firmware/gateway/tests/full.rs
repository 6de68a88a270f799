//! More clients than places, and a recorders' line that does not move: who gives way, and when.

mod support;

use recording_gateway::connection::{LINGER, RECORDER, when_full};
use recording_gateway::http::Outgoing;
use recording_gateway::{Connection, Step};
use support::{ID, Peer, gateway, read, set};

/// When every place is taken, each client has less time; the one that is overdue by more is worse.
#[test]
fn who_is_over_the_time_that_it_has_when_every_place_is_taken() {
    let (read, change) = (read(""), set("3"));
    let after = |bytes: &[u8], recorder_stands| {
        let mut peer = Peer::new();
        peer.now = u32::MAX - 100; // The clock wraps.
        peer.connection.open(&mut peer.gateway, peer.now);
        peer.recorder_stands = recorder_stands;
        peer.raw(bytes);
        peer
    };
    let cases = [
        (after(b"", false), Some(when_full::IDLE), Step::Close),
        (after(read.as_bytes(), false), Some(when_full::IDLE), Step::Close),
        (after(b"G", false), Some(when_full::REQUEST), Step::Send),
        (after(&change.as_bytes()[..change.len() - 1], false), Some(when_full::REQUEST), Step::Send),
        (after([read.as_bytes(), b"G"].concat().as_slice(), false), Some(when_full::REQUEST), Step::Send),
        (after(b"no HTTP\r\n\r\n", false), Some(when_full::LINGER), Step::Close),
        (after(change.as_bytes(), true), None, Step::Close),
    ];
    let mut out = Outgoing::new();
    for (number, (mut peer, limit, told)) in cases.into_iter().enumerate() {
        for time in [0_u32, 499, 500, 999, 1000, 1999, 2000, 4000, 4999] {
            let expected = limit.and_then(|limit| time.checked_sub(limit));
            let overdue = peer.connection.overdue(peer.now.wrapping_add(time), false);
            assert_eq!(overdue, expected, "case {number} after {time} ms");
        }
        assert_eq!(peer.connection.give_way(&mut out), told, "case {number}");
        assert!(told != Step::Send || out.pieces()[0].starts_with(b"HTTP/1.1 408 "), "case {number}");
    }
    // What it has still to take has longer.
    let closed = after(b"no HTTP\r\n\r\n", false);
    assert_eq!(closed.connection.overdue(closed.now.wrapping_add(LINGER - 1), true), None);
    // A dribbler's time is not prolonged by what it sends.
    let mut peer = after(b"G", false);
    for byte in change.as_bytes().iter().take(20) {
        peer.pass(when_full::REQUEST / 20);
        peer.raw(&[*byte]);
    }
    assert_eq!(peer.connection.overdue(peer.now, false), Some(0));
    // Who takes nothing.
    let (mut gateway, mut connection, mut out) = (gateway(), Connection::new(), Outgoing::new());
    connection.open(&mut gateway, 0);
    assert_eq!(connection.step(&mut gateway, 7, false, &mut out), Step::Wait);
    assert_eq!(connection.overdue(7 + when_full::STALLED - 1, true), None);
    assert_eq!(connection.overdue(7 + when_full::STALLED + 1, true), Some(1));
    assert_eq!(connection.give_way(&mut out), Step::Abort, "it takes nothing");
}

/// The recorders' line does not move: the change that was made is answered so, others are refused, and all of that in bounded
/// time.
#[test]
fn no_change_waits_for_the_recorders_line_for_ever() {
    let mut peer = Peer::new();
    peer.recorder_stands = true;
    assert!(peer.raw(set("3").as_bytes()).is_empty());
    let (mut other, mut out) = (Connection::new(), Outgoing::new());
    other.open(&mut peer.gateway, 0);
    let request = set("1");
    other.room()[..request.len()].copy_from_slice(request.as_bytes());
    other.received(request.len(), 0);
    assert_eq!(other.step(&mut peer.gateway, 0, true, &mut out), Step::Again);
    assert_eq!(other.step(&mut peer.gateway, 0, true, &mut out), Step::Wait);
    assert_eq!(other.overdue(when_full::RECORDER, false), Some(0), "it gives its place to a read");
    assert_eq!(other.give_way(&mut out), Step::Send);
    assert!(out.pieces()[0].starts_with(b"HTTP/1.1 503 "));
    assert_eq!(other.step(&mut peer.gateway, RECORDER, true, &mut out), Step::Wait);
    assert_eq!(other.step(&mut peer.gateway, RECORDER + 1, true, &mut out), Step::Send);
    let refused = out.pieces().map(|piece| str::from_utf8(piece).unwrap().to_owned());
    assert!(refused[0].starts_with("HTTP/1.1 503 ") && refused[0].contains("Connection: close"), "{refused:?}");
    assert!(refused[1].contains("\"ErrorType\":1") && refused[1].contains("Nothing was changed"), "{refused:?}");
    assert_eq!(other.step(&mut peer.gateway, RECORDER + 1, true, &mut out), Step::Close);

    assert!(peer.pass(RECORDER).is_empty());
    let told = String::from_utf8(peer.pass(1)).unwrap();
    assert!(told.starts_with("HTTP/1.1 503 ") && told.contains("the recorder has not been reached"), "{told}");
    assert!(peer.closed);
    assert_eq!(peer.gateway.counts.changes, 1, "the change stands, and its line waits");
    peer.recorder_stands = false;
    peer.drain();
    assert!(peer.recorded.ends_with(&format!("paused {ID} ucc-demo-name\n")));
    let mut third = Connection::new();
    third.open(&mut peer.gateway, peer.now);
    third.room()[..request.len()].copy_from_slice(request.as_bytes());
    third.received(request.len(), peer.now);
    while third.step(&mut peer.gateway, peer.now, true, &mut out) == Step::Again {}
    peer.drain();
    assert_eq!(third.step(&mut peer.gateway, peer.now, true, &mut out), Step::SendHeld, "changes go on");
}

/// A client that asks again after a 503 is not answered Paused before the recorder's line said so, changed or unchanged; a
/// refused action does not wait.
#[test]
fn a_repeated_action_waits_for_the_order_that_it_repeats() {
    let mut peer = Peer::new();
    peer.drain();
    peer.recorder_stands = true;
    assert!(peer.raw(set("3").as_bytes()).is_empty());
    assert!(peer.pass(RECORDER + 1).starts_with(b"HTTP/1.1 503 "));
    peer.connection.open(&mut peer.gateway, peer.now);
    assert!(peer.raw(set("3").as_bytes()).is_empty(), "the recorder does not know of it");
    assert!(peer.pass(RECORDER + 1).starts_with(b"HTTP/1.1 503 "));
    peer.connection.open(&mut peer.gateway, peer.now);
    let unknown = set("3").replace("sip:agent@domain.com", "sip:other@domain.net");
    assert!(peer.raw(unknown.as_bytes()).starts_with(b"HTTP/1.1 200 "), "nothing changes, and nothing is claimed");
    assert!(peer.raw(set("3").as_bytes()).is_empty());
    peer.recorder_stands = false;
    assert!(peer.pass(0).starts_with(b"HTTP/1.1 200 "));
    assert!(peer.recorded.ends_with(&format!("paused {ID} ucc-demo-name\n")));
    assert!(peer.raw(set("3").as_bytes()).starts_with(b"HTTP/1.1 200 "), "at once");
    assert_eq!(peer.gateway.counts.changes, 1);
}

//! The life of a connection: times, limits and ends.

use core::time::Duration;

use serde_json::json;
use signalr_hub::{Delivery, End, Limits};

use crate::support::{JSON, MESSAGE_PACK, Machine, POLLING, WEB_SOCKET, event, record, seconds, told};

const PING: &[u8] = b"{\"type\":6}\x1e";

#[test]
fn a_handshake_that_does_not_come_is_given_up() {
    let mut machine = Machine::new(WEB_SOCKET);
    machine.receive(seconds(14), b"{\"protocol\":\"json\"");
    assert_eq!(machine.connection.deadline(), Some(seconds(15)));
    machine.connection.tick(seconds(14));
    assert_eq!(machine.connection.end_reason(), None);
    machine.connection.tick(seconds(15));
    assert_eq!(machine.sent(seconds(15)), b"{\"error\":\"Handshake was canceled.\"}\x1e");
    machine.is_over(End::Handshake);
    assert_eq!(machine.connection.deadline(), None);
}

#[test]
fn pings_come_in_silence_only() {
    let mut machine = Machine::open(WEB_SOCKET, JSON);
    assert_eq!(machine.connection.deadline(), Some(seconds(15)));
    machine.connection.publish(seconds(10), &event(1));
    assert_eq!(machine.sent(seconds(10)), told(1).as_bytes());
    assert_eq!(machine.connection.deadline(), Some(seconds(25)));
    machine.connection.tick(seconds(15));
    assert_eq!(machine.sent(seconds(15)), b"");
    for ping in 0..4 {
        let now = seconds(25 + 15 * ping);
        assert_eq!(machine.connection.deadline(), Some(now));
        machine.connection.tick(now);
        assert_eq!(machine.sent(now), PING);
    }
    // Polls show by themselves that the other side is there.
    let mut machine = Machine::open(POLLING, JSON);
    assert_eq!(machine.connection.deadline(), None);
    machine.connection.tick(seconds(1000));
    assert_eq!(machine.sent(seconds(1000)), b"");
}

#[test]
fn a_client_that_never_pinged_may_be_silent_and_one_that_did_may_not() {
    let mut machine = Machine::open(WEB_SOCKET, JSON);
    for ping in 1..=20 {
        machine.connection.tick(seconds(15 * ping));
        assert_eq!(machine.sent(seconds(15 * ping)), PING);
    }
    machine.receive(seconds(301), PING);
    machine.connection.tick(seconds(330));
    assert_eq!(machine.connection.end_reason(), None);
    // Whatever comes is a sign of life.
    machine.receive(seconds(330), b"{");
    machine.sent(seconds(330));
    machine.connection.tick(seconds(359));
    assert_eq!(machine.connection.end_reason(), None);
    machine.sent(seconds(359));
    machine.connection.tick(seconds(360));
    let close = machine.sent(seconds(360));
    assert_eq!(String::from_utf8(close).unwrap(), "{\"type\":7,\"allowReconnect\":true}\x1e");
    machine.is_over(End::Silent);
}

#[test]
fn a_queue_that_is_full_ends_it_after_what_is_in_it() {
    let limits = Limits { queue: 3, ..Limits::default() };
    for (carrier, handshake) in [(WEB_SOCKET, JSON), (POLLING, JSON)] {
        let mut machine = Machine::with(limits, carrier);
        machine.receive(seconds(0), handshake);
        assert_eq!(machine.sent(seconds(0)), b"{}\x1e");
        for number in 1..=3 {
            assert_eq!(machine.connection.publish(seconds(0), &event(number)), Delivery::Queued);
        }
        assert_eq!(machine.connection.publish(seconds(0), &event(4)), Delivery::Dropped);
        for number in 5..=1000 {
            assert_eq!(machine.connection.publish(seconds(0), &event(number)), Delivery::NotOpen);
        }
        assert_eq!(machine.connection.end_reason(), Some(End::Slow));
        assert!(!machine.connection.is_over());
        let sent = String::from_utf8(machine.sent(seconds(1))).unwrap();
        assert_eq!(sent, format!("{}{}{}{{\"type\":7,\"allowReconnect\":true}}\x1e", told(1), told(2), told(3)));
        machine.is_over(End::Slow);
    }
    // Its own calls can fill it as well.
    let mut machine = Machine::with(limits, WEB_SOCKET);
    machine.receive(seconds(0), JSON);
    let call = record(&json!({"type": 1, "invocationId": "1", "target": "Void", "arguments": []}));
    machine.receive(seconds(0), &call.repeat(1000));
    assert_eq!(machine.connection.end_reason(), Some(End::Slow));
    assert!(machine.calls.len() < 5);
}

#[test]
fn a_client_that_takes_nothing_for_ten_seconds_is_given_up() {
    let mut machine = Machine::open(WEB_SOCKET, JSON);
    machine.connection.publish(seconds(1), &event(1));
    machine.connection.publish(seconds(2), &event(2));
    machine.connection.publish(seconds(3), &event(3));
    // Something was taken, and the time begins again.
    assert_eq!(machine.connection.next(seconds(9)).unwrap(), told(1));
    assert_eq!(machine.connection.deadline(), Some(seconds(19)));
    machine.connection.tick(seconds(18));
    assert_eq!(machine.connection.end_reason(), None);
    machine.connection.tick(seconds(19));
    machine.is_over(End::Slow);
    assert_eq!(machine.connection.next(seconds(19)), None);

    // Nor may what is said at the end wait for ever.
    let mut machine = Machine::open(WEB_SOCKET, JSON);
    machine.connection.close(seconds(1), true);
    assert_eq!(machine.connection.deadline(), Some(seconds(11)));
    machine.connection.tick(seconds(11));
    machine.is_over(End::Server);
}

#[test]
fn an_end_is_an_end() {
    for handshake in [JSON, MESSAGE_PACK] {
        let mut machine = Machine::open(WEB_SOCKET, handshake);
        machine.connection.close(seconds(0), true);
        let close = machine.sent(seconds(0));
        assert!(!close.is_empty());
        machine.connection.close(seconds(0), false);
        machine.connection.gone(seconds(0));
        machine.receive(seconds(0), &PING.repeat(3));
        machine.connection.tick(seconds(1000));
        assert_eq!(machine.connection.publish(seconds(0), &event(1)), Delivery::NotOpen);
        assert_eq!(machine.sent(seconds(1000)), b"");
        machine.is_over(End::Server);
    }
    // Before the handshake there is no word for an end.
    let mut machine = Machine::new(WEB_SOCKET);
    machine.connection.close(seconds(0), true);
    assert_eq!(machine.sent(seconds(0)), b"");
    machine.is_over(End::Server);
}

#[test]
fn hostile_lengths_take_no_room() {
    let limit = Limits::default().record;
    // A record of exactly the limit is taken, one byte more is not; whether or not its end is there.
    let filled = |length: usize| {
        let mut record = b"{\"type\":6,\"x\":\"".to_vec();
        record.resize(length - 2, b'x');
        record.extend_from_slice(b"\"}");
        record
    };
    let mut machine = Machine::open(WEB_SOCKET, JSON);
    assert_eq!(machine.says(&[&filled(limit)[..], b"\x1e"].concat()), b"");
    assert_eq!(machine.connection.end_reason(), None);
    for bytes in [filled(limit + 1), [&filled(limit + 1)[..], b"\x1e"].concat(), vec![b'{'; 1 << 20]] {
        let mut machine = Machine::open(WEB_SOCKET, JSON);
        assert!(!machine.says(&bytes).is_empty());
        machine.is_over(End::Malformed);
        let mut machine = Machine::new(WEB_SOCKET);
        assert_eq!(
            machine.says(&bytes),
            b"{\"error\":\"The handshake is too long.\"}\x1e".repeat(usize::from(bytes[0] == b'{'))
        );
    }
    for length in [
        &b"\x81\x80\x02"[..],
        b"\xff\xff\xff\xff\x07",
        b"\x80\x80\x80\x80\x80",
        b"\x80\x80\x80\x80\x80\x80\x80\x01",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    ] {
        let mut machine = Machine::open(WEB_SOCKET, MESSAGE_PACK);
        machine.says(length);
        machine.is_over(End::Malformed);
    }
    // Values that claim to be huge, or nest without end, within a record that is short.
    for body in [
        &b"\xdd\xff\xff\xff\xff"[..],
        b"\xdf\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        &[0x91; 20_000],
    ] {
        let mut length = vec![(body.len() & 0x7f) as u8 | 0x80, (body.len() >> 7 & 0x7f) as u8 | 0x80];
        length.push((body.len() >> 14) as u8);
        let mut machine = Machine::open(WEB_SOCKET, MESSAGE_PACK);
        machine.says(&[&length[..], body].concat());
        machine.is_over(End::Malformed);
    }
    let mut machine = Machine::open(WEB_SOCKET, JSON);
    machine.says(&[&[b'['; 20_000][..], b"\x1e"].concat());
    machine.is_over(End::Malformed);
}

#[test]
fn times_far_apart_do_not_overflow() {
    let mut machine = Machine::open(WEB_SOCKET, JSON);
    let late = Duration::from_secs(u32::MAX.into());
    machine.receive(late, PING);
    machine.connection.tick(late);
    assert_eq!(machine.connection.deadline(), Some(late + Limits::default().write));
}

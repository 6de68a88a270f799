//! What a listener may cost: every queue is counted, under clients that do their worst.

use core::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;
use signalr_hub::{Argument, Delivery, End, HubOptions, Limits, Publication};

use crate::support::{
    JSON, MESSAGE_PACK, Machine, POLLING, Served, TEXT_ONLY, WEB_SOCKET, event, packed, record, seconds,
};

/// A call whose target, or id, is as long as it may be.
fn call(id: &str, target: &str) -> Vec<u8> {
    record(&json!({"type": 1, "invocationId": id, "target": target, "arguments": []}))
}

/// A call that is answered with what it says.
fn echo(length: usize) -> Vec<u8> {
    record(&json!({"type": 1, "invocationId": "1", "target": "Echo", "arguments": ["x".repeat(length)]}))
}

/// An event of about so many bytes.
fn long_event(length: usize) -> Publication {
    let text = format!("\"{}\"", "e".repeat(length));
    Publication::new("Told", &[Argument { json: text.as_bytes(), message_pack: &[0xc0] }])
}

#[test]
fn what_waits_is_bounded_in_bytes() {
    let limits = Limits::default();
    assert_eq!(limits.waiting, 256 * 1024);
    for (carrier, handshake) in [(WEB_SOCKET, JSON), (TEXT_ONLY, JSON), (POLLING, JSON), (POLLING, MESSAGE_PACK)] {
        // Answers that the client makes long, and events.
        let mut machine = Machine::open(carrier, handshake);
        let answer = match handshake {
            JSON => echo(32_000),
            _ => packed(vec![
                1.into(),
                rmpv::Value::Map(vec![]),
                "1".into(),
                "Echo".into(),
                rmpv::Value::Array(vec!["x".repeat(32_000).into()]),
            ]),
        };
        for _ in 0..100 {
            machine.receive(seconds(0), &answer);
            assert!(machine.connection.kept() <= limits.most_kept(), "{}", machine.connection.kept());
        }
        assert_eq!(machine.connection.end_reason(), Some(End::Slow));
        // Eight of them fit, and then comes the order to come back.
        assert_eq!(machine.calls.len(), 9);
        let sent = machine.sent(seconds(0)).len();
        assert!(8 * 32_000 < sent && sent <= limits.waiting + 100, "{sent}");
    }
    let mut machine = Machine::open(WEB_SOCKET, JSON);
    let queued =
        (0..100).take_while(|_| machine.connection.publish(seconds(0), &long_event(60_000)) == Delivery::Queued);
    assert_eq!(queued.count(), 4);
    machine.sent(seconds(0));
    machine.is_over(End::Slow);
}

/// What is sent back of what a client calls things is short, in whichever protocol and however it is written.
#[test]
fn echoed_names_are_cut() {
    for letter in ["x", "é", "\u{1f600}", "\"", "\u{1}"] {
        let long = letter.repeat(30_000 / letter.len() / 6);
        let said = Machine::open(WEB_SOCKET, JSON).says(&call("1", &long));
        let answer: serde_json::Value = serde_json::from_slice(said.strip_suffix(b"\x1e").unwrap()).unwrap();
        assert_eq!(answer["error"], format!("Unknown hub method '{}'", letter.repeat(64)));
        let handshake = record(&json!({"protocol": long, "version": 1}));
        let said = Machine::new(WEB_SOCKET).says(&handshake);
        let answer: serde_json::Value = serde_json::from_slice(said.strip_suffix(b"\x1e").unwrap()).unwrap();
        assert_eq!(answer["error"], format!("The protocol '{}' is not supported.", letter.repeat(64)));
    }
    // An id is sent back whole, so it must be short: 256 bytes are, one more is not.
    for (length, ends) in [(1, false), (256, false), (257, true), (30_000, true)] {
        let id = "i".repeat(length);
        let fields =
            vec![1.into(), rmpv::Value::Map(vec![]), id.as_str().into(), "Void".into(), rmpv::Value::Array(vec![])];
        for (handshake, call) in [(JSON, call(&id, "Void")), (MESSAGE_PACK, packed(fields))] {
            let mut machine = Machine::open(WEB_SOCKET, handshake);
            machine.says(&call);
            assert_eq!(machine.connection.end_reason(), ends.then_some(End::Malformed));
            assert_eq!(machine.calls.len(), usize::from(!ends));
        }
    }
}

/// A rest of a record keeps no more room than it needs, whatever came with it.
#[test]
fn what_came_is_not_kept() {
    for (handshake, whole) in [(JSON, &b"{\"type\":6}\x1e"[..]), (MESSAGE_PACK, b"\x02\x91\x06")] {
        let mut machine = Machine::open(WEB_SOCKET, handshake);
        let body = [whole.repeat(64 * 1024 / whole.len()), vec![whole[0]]].concat();
        for _ in 0..3 {
            machine.receive(seconds(0), &body);
            assert!(machine.connection.kept() < 1000, "{}", machine.connection.kept());
            machine.receive(seconds(0), &whole[1..]);
        }
        assert_eq!(machine.connection.end_reason(), None);
    }
}

/// Messages cost their client time: at a steady rate after a burst, in bytes, records and pieces.
#[test]
fn a_client_may_not_send_without_end() {
    let nils = packed(vec![
        1.into(),
        rmpv::Value::Map(vec![]),
        rmpv::Value::Nil,
        "x".into(),
        rmpv::Value::Array(vec![rmpv::Value::Nil; 30_000]),
    ]);
    let without_id = record(&json!({"type": 1, "target": "Void", "arguments": []}));
    for (handshake, piece, most) in [
        (MESSAGE_PACK, &nils[..], 30),
        (JSON, &without_id, 100_000),
        (JSON, b"{\"type\":6}\x1e", 100_000),
        (JSON, b"", 330_000),
        (JSON, b"{\"type\":1,", 330_000),
    ] {
        let mut machine = Machine::open(WEB_SOCKET, handshake);
        let (mut now, mut taken) = (Duration::ZERO, 0);
        while now < seconds(300) && machine.connection.end_reason().is_none() {
            match machine.connection.takes_at(now) {
                Some(at) => {
                    assert!(at > now && at < now + seconds(30));
                    now = at;
                }
                None => {
                    machine.receive(now, piece);
                    machine.sent(now);
                    taken += 1;
                    now += Duration::from_micros(10);
                }
            }
        }
        assert!(taken < most, "{taken} of {} bytes in five minutes", piece.len());
    }
    // As many subscriptions as a listener may make, at once, are no reason to wait.
    let mut machine = Machine::open(WEB_SOCKET, JSON);
    let subscribe =
        record(&json!({"type": 1, "invocationId": "1023", "target": "Subscribe", "arguments": ["u".repeat(64)]}));
    for _ in 0..1024 {
        assert_eq!(machine.connection.takes_at(seconds(0)), None);
        machine.receive(seconds(0), &subscribe);
        machine.sent(seconds(0));
    }
}

#[derive(Debug, Clone)]
enum Step {
    Receive(Vec<u8>),
    Publish(usize),
    Take(usize),
    Wait(u64),
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_usize..33_000).prop_map(|length| Step::Receive(echo(length))),
        (0_usize..257, 0_usize..30_000)
            .prop_map(|(id, target)| Step::Receive(call(&"i".repeat(id), &"t".repeat(target)))),
        (0_usize..70_000).prop_map(|length| Step::Receive(vec![b'{'; length])),
        (1_usize..6000, 0_usize..40_000).prop_map(|(pings, rest)| {
            Step::Receive([b"{\"type\":6}\x1e".repeat(pings), vec![b'{'; rest]].concat())
        }),
        (0_usize..100_000).prop_map(Step::Publish),
        (0_usize..20).prop_map(Step::Take),
        (0_u64..20).prop_map(Step::Wait),
        Just(Step::Close),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever comes, in whichever order: what a connection keeps is below the bound, and so is what it sends at once.
    #[test]
    fn no_connection_keeps_more_than_its_bound(steps in vec(step(), 1..60), polls in any::<bool>()) {
        let limits = Limits::default();
        let mut machine = Machine::open(if polls { POLLING } else { WEB_SOCKET }, JSON);
        let mut now = Duration::ZERO;
        for step in steps {
            match step {
                Step::Receive(bytes) => machine.receive(now, &bytes),
                Step::Publish(length) => drop(machine.connection.publish(now, &long_event(length))),
                Step::Take(records) => drop((0..records).map(|_| machine.connection.next(now)).count()),
                Step::Wait(time) => {
                    now += seconds(time);
                    machine.connection.tick(now);
                }
                Step::Close => machine.connection.close(now, true),
            }
            prop_assert!(machine.connection.kept() <= limits.most_kept(), "{}", machine.connection.kept());
        }
    }
}

/// Listeners over server-sent events and long polling that say what makes the longest answers, and read nothing or one
/// poll now and then: all of them together stay below their number times the bound.
#[tokio::test]
async fn listeners_together_keep_their_number_of_bounds() {
    let limits = Limits { input_rate: 1 << 30, input_burst: 1 << 30, ..Limits::default() };
    let served = Served::new(HubOptions { limits, connections: 7, ..HubOptions::default() }).await;
    let mut streams = Vec::new();
    let mut tokens = Vec::new();
    for number in 0..6 {
        let token = served.token().await;
        if number % 2 == 0 {
            // Never read from.
            let mut stream = crate::support::Client::connect(served.address).await;
            stream.send("GET", &format!("/hub?id={token}"), &[("Accept", "text/event-stream")], b"").await;
            stream.head().await;
            streams.push(stream);
        } else {
            served.poll(&token).await;
        }
        served.post(&token, JSON).await;
        tokens.push(token);
    }
    // And some that are negotiated, talked to and never opened.
    for _ in 0..12 {
        let token = served.token().await;
        served.post(&token, &vec![b'x'; 20_000]).await;
        served.post(&token, &vec![b'x'; 12_000]).await;
    }
    let bodies = [echo(31_000).repeat(2), call(&"i".repeat(256), &"t".repeat(30_000)), call("1", "Void").repeat(900)];
    let mut most = 0;
    for round in 0..40 {
        for (number, token) in tokens.iter().enumerate() {
            served.post(token, &bodies[(round + number) % bodies.len()]).await;
            served.hub.publish(&1, &event(1));
            if round % 10 == 9 && number % 2 == 1 {
                served.poll(token).await;
            }
        }
        most = most.max(served.hub.kept());
        assert!(served.hub.kept() <= 2 * 7 * limits.most_kept(), "{}", served.hub.kept());
    }
    // It was worth the trouble: without a bound it would have been more.
    assert!(most > limits.waiting, "{most}");
    drop(streams);
}

/// A POST over the rate is refused, and the connection goes on.
#[tokio::test]
async fn posts_over_the_rate_are_refused() {
    let limits = Limits { input_rate: 4 * 1024, input_burst: 4096, ..Limits::default() };
    let served = Served::new(HubOptions { limits, ..HubOptions::default() }).await;
    let token = served.token().await;
    served.poll(&token).await;
    served.post(&token, JSON).await;
    let call = call("1", "Void").repeat(40);
    assert_eq!(served.post(&token, &call).await.status, 200);
    let response = served.post(&token, &call).await;
    assert_eq!(response.status, 429);
    let wait = response.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=10).contains(&wait), "{wait}");
    tokio::time::sleep(seconds(wait)).await;
    assert_eq!(served.post(&token, &call).await.status, 200);
    assert_eq!(served.hub.methods().called.lock().unwrap().len(), 80);
}

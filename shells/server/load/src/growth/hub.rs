//! Listeners, what they subscribed to, and those that are negotiated and not opened.

use core::time::Duration;

use axum::Router;
use recording_core::wire::{UccName, UccNameBuf};
use recording_server::hub::{EventCase, Interest, Listening, MOST_NAMES, RecordingHub, new};
use serde_json::Value;
use signalr_hub::{Argument, Call, HubOptions, Limits, Methods as _, Publication};

use crate::measure::{Cpu, Outcome, Thing, shortest, tried};
use crate::store::{asks, block_on};

pub(crate) const THINGS: &[Thing] = &[
    Thing { one: "a listener, opened", usual: 100, each: true, time: opened },
    Thing { one: "an event, for each listener that wants it", usual: 100, each: true, time: told },
    Thing { one: "an event, for each listener that does not", usual: 100, each: true, time: not_told },
    Thing { one: "a name that a listener subscribes to", usual: 10, each: true, time: subscribed },
    Thing { one: "an event, for a listener of so many names", usual: 10, each: false, time: wanted },
    Thing { one: "a negotiation, nearly all unopened", usual: 100, each: true, time: negotiated },
];

const LONG: Duration = Duration::from_secs(3600);

fn hub(connections: usize) -> RecordingHub {
    const MUCH: usize = 1 << 40;
    let limits = Limits {
        input_rate: MUCH,
        input_burst: MUCH,
        caller_rate: MUCH,
        caller_burst: MUCH,
        write: LONG,
        handshake: LONG,
        keep_alive: LONG,
        ..Limits::default()
    };
    new(EventCase::Pascal, HubOptions { limits, connections, unopened: LONG, poll_gap: LONG, ..HubOptions::default() })
}

async fn negotiate(router: &Router) -> Outcome<String> {
    let (status, said) = asks(router, "POST", "/hub/negotiate", "", "").await?;
    let document: Value = serde_json::from_str(&said)?;
    let id = document.get("connectionId").and_then(Value::as_str).ok_or(format!("{status} {said}"))?;
    Ok(format!("/hub?id={id}"))
}

async fn listen(router: &Router, calls: &str) -> Outcome<()> {
    let target = negotiate(router).await?;
    asks(router, "GET", &target, "", "").await?;
    let hello = format!("{{\"protocol\":\"json\",\"version\":1}}\u{1e}{calls}");
    asks(router, "POST", &target, "", &hello).await?;
    let (_, said) = asks(router, "GET", &target, "", "").await?;
    if said == "{}\u{1e}" { Ok(()) } else { Err(said.into()) }
}

fn opened(number: usize) -> Outcome<Duration> {
    tried(|| {
        block_on(async {
            let hub = hub(number);
            let router = hub.router("/hub");
            let began = Cpu::now();
            for _ in 0..number {
                listen(&router, "").await?;
            }
            assert_eq!(hub.counters().long_polling as usize, number);
            Ok(began.elapsed())
        })
    })
}

fn told(number: usize) -> Outcome<Duration> {
    published(number, "", true)
}

fn not_told(number: usize) -> Outcome<Duration> {
    let other = "{\"type\":1,\"target\":\"Subscribe\",\"arguments\":[\"other\"]}\u{1e}";
    published(number, other, false)
}

fn published(number: usize, calls: &str, is_wanted: bool) -> Outcome<Duration> {
    const EVENTS: u32 = 20;
    block_on(async {
        let hub = hub(number);
        let router = hub.router("/hub");
        for _ in 0..number {
            listen(&router, calls).await?;
        }
        let ucc = name("ucc")?;
        let least = shortest(|| {
            for _ in 0..EVENTS {
                hub.publish(&ucc, &Publication::new("Told", &[Argument { json: b"1", message_pack: &[1] }]));
            }
        });
        let counters = hub.counters();
        let delivered = if is_wanted { counters.published * number as u64 } else { 0 };
        assert_eq!((counters.delivered, counters.dropped), (delivered, 0));
        Ok(least / EVENTS)
    })
}

fn name(name: &str) -> Outcome<UccNameBuf> {
    Ok(UccName::new(name)?.into())
}

fn interest(names: &[Value]) -> Interest {
    let (listening, mut interest) = (Listening::default(), Interest::default());
    for name in names {
        let call = Call { target: "Subscribe", arguments: core::slice::from_ref(name) };
        assert!(listening.call(&mut interest, call).is_ok());
    }
    interest
}

fn names(number: usize) -> Vec<Value> {
    assert!(number <= MOST_NAMES);
    (0..number).map(|number| Value::from(format!("ucc-{number}"))).collect()
}

fn subscribed(number: usize) -> Outcome<Duration> {
    let names = names(number);
    Ok(shortest(|| assert_ne!(interest(&names), Interest::default())))
}

fn wanted(number: usize) -> Outcome<Duration> {
    const EVENTS: u32 = 1000;
    let (listening, interest) = (Listening::default(), interest(&names(number)));
    let (known, unknown) = (name("ucc-0")?, name("other")?);
    let least = shortest(|| {
        for _ in 0..EVENTS {
            assert!(listening.wants(&interest, &known) && !listening.wants(&interest, &unknown));
        }
    });
    Ok(least / EVENTS)
}

/// The first half of them fill all places, and each of the others pushes the oldest out.
fn negotiated(number: usize) -> Outcome<Duration> {
    tried(|| {
        block_on(async {
            let router = hub(number / 2).router("/hub");
            let began = Cpu::now();
            for _ in 0..number {
                negotiate(&router).await?;
            }
            Ok(began.elapsed())
        })
    })
}

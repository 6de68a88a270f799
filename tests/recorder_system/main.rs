//! The whole system, explored: a server that is killed between any two of its outputs, a store that may fail or not know, a
//! channel that loses, a recorder that replies late, twice or never, acts silently, says that it did nothing, forgets the
//! call, starts again and starts recording by itself; two clients with holds.
//!
//! In every state the invariant holds, and from every state a fair environment settles the order. Each guard taken away breaks
//! the invariant. `RECORDER_SYSTEM=large` goes further than `cargo test` does by itself; `RECORDER_TRACE=1` shows how a violation
//! is reached.

mod explore;
mod moves;
mod world;

use std::env;

use explore::{Explored, explore};
use recording_core::recorder::{Channel, ResumePolicy};
use recording_test_support::report;
use world::{Bounds, Planted};

const ALL: Bounds = Bounds {
    channel: Channel::Ordered,
    planted: Planted::Nothing,
    resume: ResumePolicy::Anyone,
    clients: 1,
    in_flight: 2,
    store_fails: true,
    own_will: true,
    restarts: true,
    read_backs: true,
    ends: true,
};

const UNSURE: Bounds = Bounds {
    resume: ResumePolicy::Holders,
    clients: 2,
    in_flight: 1,
    own_will: false,
    restarts: false,
    read_backs: false,
    ends: false,
    ..ALL
};

fn is_large() -> bool {
    env::var("RECORDER_SYSTEM").is_ok_and(|size| size == "large")
}

fn holds(what: &str, bounds: Bounds) {
    let Explored { states, settled, violations, example } = explore(bounds, usize::MAX);
    report(format_args!("recorder system, {what}: {states} states, no violation; from {settled} a fair run settles"));
    assert_eq!(violations, 0, "{what}: {example}");
    assert_eq!(settled, states);
    assert!(states > 1_000, "{what}");
}

fn breaks(planted: Planted, bounds: Bounds) {
    let Explored { states, violations, example, .. } = explore(Bounds { planted, ..bounds }, 10);
    report(format_args!("recorder system, planted {planted:?}: {violations} violations in {states} states: {example}"));
    assert!(violations > 0, "{planted:?}");
}

#[test]
fn sendings_in_order() {
    let some = Bounds { in_flight: 1, store_fails: false, read_backs: false, ends: false, ..ALL };
    holds("sendings in order", if is_large() { Bounds { in_flight: 3, ..ALL } } else { some });
}

#[test]
fn late_and_lost_sendings() {
    let quiet = Bounds { own_will: false, restarts: false, ..ALL };
    holds("late and lost sendings", if is_large() { Bounds { in_flight: 3, ..quiet } } else { quiet });
}

#[test]
fn sendings_drained() {
    let some = Bounds { own_will: false, read_backs: false, restarts: false, ends: false, store_fails: false, ..ALL };
    let some = Bounds { channel: Channel::Drained, ..if is_large() { ALL } else { some } };
    holds("sendings drained", some);
}

#[test]
fn two_clients_with_holds() {
    let resume = ResumePolicy::Holders;
    let some = Bounds { read_backs: false, restarts: false, ends: false, in_flight: 1, store_fails: false, ..ALL };
    holds("two clients with holds", Bounds { resume, clients: 2, ..if is_large() { ALL } else { some } });
}

/// A store that does not know may have stored that a hold is gone whose request still waits.
#[test]
fn two_clients_with_holds_and_a_store_that_does_not_know() {
    holds("two clients with holds and a store that does not know", UNSURE);
}

#[test]
fn each_guard_is_needed() {
    let plain = Bounds { own_will: false, restarts: false, read_backs: false, ends: false, store_fails: false, ..ALL };
    let drained = Bounds { channel: Channel::Drained, ..plain };
    let reading = Bounds { read_backs: true, in_flight: 1, ..plain };
    breaks(Planted::SendBeforeStore, plain);
    breaks(Planted::SilentBeforeConfirmed, plain);
    breaks(Planted::AnyReply, plain);
    breaks(Planted::AnyReadBack, reading);
    breaks(Planted::FinishedReadBack, reading);
    breaks(Planted::OneNumber, plain);
    breaks(Planted::Overtaking, drained);
    breaks(Planted::CrashWithoutDrain, drained);
    breaks(Planted::DrainBehindTheSession, drained);
    breaks(Planted::LoadedWhileTheyWait, UNSURE);
}

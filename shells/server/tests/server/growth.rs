//! What grows with what there is many of: ten times as much may take ten times as long, and not a hundred times.

use core::fmt::Write as _;
use core::time::Duration;
use std::time::Instant;

use recording_core::State;
use recording_core::wire::{CorrelationId, UccName};
use recording_server::config;
use recording_server::store::{MemoryStore, SessionKey, Store as _, Swap};

/// The shortest of some runs: what others do on the machine only makes runs longer.
fn shortest(mut work: impl FnMut()) -> Duration {
    let time = || {
        let began = Instant::now();
        work();
        began.elapsed()
    };
    core::iter::repeat_with(time).take(5).min().unwrap()
}

/// How many times as long it takes with ten times as much.
fn growth(what: &str, few: usize, work: impl Fn(usize) -> Duration) -> f64 {
    let (short, long) = (work(few), work(10 * few));
    let growth = long.as_secs_f64() / short.as_secs_f64();
    println!("{what}: {few} in {short:?}, {} in {long:?}: {growth:.1} times as long", 10 * few);
    growth
}

/// Linear is 10, quadratic is 100.
const MOST: f64 = 40.0;

fn uccs(number: usize) -> String {
    let mut text = String::new();
    for ucc in 0..number {
        let _ = write!(
            text,
            "[[ucc]]\nname = \"ucc-{ucc}\"\nrecording_api_licensed = true\nuse_audio_recording = true\n\
             agent_can_edit_audio_recording = true\nsave_recording_by_default = true\nagents = [\"sip:a@b.c\"]\n"
        );
    }
    text
}

#[test]
fn a_config_is_read_in_time_linear_in_its_uccs() {
    let read = |number| {
        let text = uccs(number);
        shortest(|| assert_eq!(config::parse(&text).unwrap().len(), number))
    };
    assert!(growth("UCCs of a config", 600, read) < MOST);
}

#[test]
fn the_errors_of_a_config_are_told_in_time_linear_in_their_number() {
    let read = |number| {
        let text = uccs(number).replace("save_recording_by_default = true", "save_recording_by_default = 1");
        shortest(|| assert_eq!(config::parse(&text).unwrap_err().len(), number))
    };
    assert!(growth("errors of a config", 600, read) < MOST);
}

#[test]
fn a_config_is_read_in_time_linear_in_its_agents() {
    let read = |number: usize| {
        let agents: Vec<_> = (0..number).map(|agent| format!("\"sip:{agent}@domain.com\"")).collect();
        let text = uccs(1).replace("\"sip:a@b.c\"", &agents.join(",\n"));
        shortest(|| assert_eq!(config::parse(&text).unwrap().agents(), number))
    };
    assert!(growth("agents of a UCC", 2000, read) < MOST);
}

#[tokio::test]
async fn sessions_begin_and_are_listed_in_time_linear_in_their_number() {
    let (mut short, mut long) = (f64::MAX, f64::MAX);
    for _ in 0..5 {
        short = short.min(begun_and_listed(4000).await);
        long = long.min(begun_and_listed(40_000).await);
    }
    println!("sessions: 4000 in {short} s, 40000 in {long} s");
    assert!(long / short < MOST);
}

/// Seconds that it takes to begin so many sessions and to list them in pages.
async fn begun_and_listed(number: u128) -> f64 {
    let began = Instant::now();
    let store = MemoryStore::new();
    for id in 0..number {
        // Spread, as those of real calls are.
        let id = CorrelationId::from_u128(id.wrapping_mul(0x9e37_79b9_7f4a_7c15_9e37_79b9_7f4a_7c15));
        let key = SessionKey::new(UccName::new("ucc").unwrap(), id);
        assert_eq!(store.begin(&key, State::INITIAL).await, Ok(Swap::Stored));
    }
    let (mut after, mut listed) = (None, 0);
    loop {
        let page = store.page(after.as_ref(), 100).await.unwrap();
        listed += page.len() as u128;
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
    }
    assert_eq!(listed, number);
    began.elapsed().as_secs_f64()
}

/// The check can fail: counting the lines before each name, as it was once done, is found.
#[test]
fn a_square_is_found() {
    let count = |number| {
        let text = uccs(number);
        shortest(|| {
            let names =
                text.match_indices("name").map(|(at, _)| text.as_bytes()[..at].iter().filter(|&&b| b == b'\n').count());
            assert!(names.sum::<usize>() > 0);
        })
    };
    assert!(growth("lines counted for each name", 100, count) > MOST);
}

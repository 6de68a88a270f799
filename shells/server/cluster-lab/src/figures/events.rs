//! How soon a change is at a listener of another server than the one that made it, next to a bare watch at the same member.

use super::load::{self, Connection, id, set};
use super::place::{self, PREFIX, TOGETHER};
use super::stats::{Times, row};
use super::{Extent, Goal};
use crate::listener;
use anyhow::{Context as _, Result, ensure};
use core::time::Duration;
use etcd_kv::Watch;
use etcd_kv::messages::WatchCreateRequest;
use std::path::Path;
use std::time::Instant;
use tokio::runtime::Runtime;

/// Between the begins of two changes, of which one comes after the other.
const PACE: Duration = Duration::from_millis(5);
const SESSIONS: usize = 100;
const LISTENED: usize = 1;
/// How long the last event may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// What a listener may have above the bare watch, in milliseconds.
const MOST: f64 = 2.0;

#[derive(Default)]
pub(super) struct Events {
    to_reply: Times,
    to_watch: Times,
    to_listener: Times,
    /// From the watch to the listener, change by change.
    between: Times,
}

pub(super) fn measure(runtime: &Runtime, executable: &Path, extent: Extent) -> Result<Events> {
    let cluster = place::members()?;
    let servers = place::servers(executable, &cluster)?;
    for server in 0..TOGETHER {
        servers.start(server)?;
    }
    let places: Vec<_> = (0..TOGETHER).filter_map(|server| servers.place(server)).collect();
    // The one that a server's own watch begins at: the second of its members.
    let urls = place::urls(&cluster, LISTENED + 1);
    let sessions = runtime.block_on(load::begin(vec![places[0].admin], SESSIONS))?;
    let socket = listener::connect(places[LISTENED])?;
    // What was begun, its watch has seen; the listener hears of changes alone.
    std::thread::sleep(Duration::from_millis(500));
    let listening = std::thread::spawn(move || hear(socket, extent.events));
    let (sent, replied, seen) = runtime.block_on(async {
        let client = place::client(&urls, place::options(Duration::from_secs(10)))?;
        let watch = client.watch(WatchCreateRequest::prefix(format!("{PREFIX}/s/"), 0)).await?;
        let watching = tokio::spawn(see(watch, extent.events));
        let mut connection = Connection::open(places[0].api).await?;
        let (mut sent, mut replied) = (Vec::new(), Vec::new());
        let began = Instant::now();
        for number in 0..extent.events {
            let due = began + PACE * u32::try_from(number)?;
            tokio::time::sleep_until(due.into()).await;
            sent.push(Instant::now());
            let status = set(&mut connection, &sessions, number % SESSIONS).await?;
            ensure!(status == 200, "a set is answered {status}");
            replied.push(Instant::now());
        }
        let seen =
            tokio::time::timeout(PATIENCE, watching).await.context("the bare watch does not see every change")??;
        anyhow::Ok((sent, replied, seen?))
    })?;
    let heard = listening.join().map_err(|_| anyhow::anyhow!("a listener panicked"))??;
    let mut events = Events::default();
    for number in 0..extent.events {
        let session = number % SESSIONS;
        let ((watched, at_watch), (listened, at_listener)) = (&seen[number], heard[number]);
        ensure!(
            *watched == format!("{PREFIX}/s/{}/{}", id(session).replace('-', ""), crate::client::UCC),
            "change {number} is one of {watched} at the bare watch"
        );
        ensure!(listened == session, "change {number} is one of session {listened} at the listener");
        events.to_reply.push(replied[number] - sent[number]);
        events.to_watch.push(*at_watch - sent[number]);
        events.to_listener.push(at_listener - sent[number]);
        let between = (at_listener - sent[number]).as_secs_f64() - (*at_watch - sent[number]).as_secs_f64();
        events.between.push_ms(1000.0 * between);
    }
    Ok(events)
}

/// The keys of changes, and when a watch had them.
async fn see(mut watch: Watch, count: usize) -> Result<Vec<(String, Instant)>> {
    let mut seen = Vec::new();
    while seen.len() < count {
        let news = watch.next().await?;
        let now = Instant::now();
        for event in news.events {
            let kv = event.kv.context("a change has a key")?;
            seen.push((String::from_utf8(kv.key.to_vec())?, now));
        }
    }
    Ok(seen)
}

/// The sessions of events, and when a listener had them.
fn hear(mut socket: listener::Socket, count: usize) -> Result<Vec<(usize, Instant)>> {
    let mut heard = Vec::new();
    let end = Instant::now() + PATIENCE + PACE * u32::try_from(count)?;
    while heard.len() < count {
        ensure!(Instant::now() < end, "a listener got {} events of {count}", heard.len());
        let Some(records) = listener::records(&mut socket)? else { continue };
        let now = Instant::now();
        for record in records {
            let event = &record["arguments"][0];
            if record["type"] == 1 {
                let written = event["CorrelationId"].as_str().context("an event has an id")?;
                let session = (0..SESSIONS).find(|&session| id(session) == written);
                heard.push((session.with_context(|| format!("an event of {written}"))?, now));
            }
        }
    }
    Ok(heard)
}

impl Events {
    pub(super) fn table(&self) -> String {
        let line = |what: &str, times: &Times| {
            row(&[what, &format!("{:.2}", times.median()), &format!("{:.2}", times.slow())])
        };
        [
            "| | p50 (ms) | p99 (ms) |".to_owned(),
            "|---|--:|--:|".to_owned(),
            line("from a request to its reply", &self.to_reply),
            line("from a request to the event at a bare watch", &self.to_watch),
            line("from a request to the event at a listener of another server", &self.to_listener),
            line("from the bare watch to the listener, event by event", &self.between),
        ]
        .join("\n")
    }

    pub(super) fn goal(&self) -> Goal {
        let above = self.to_listener.median() - self.to_watch.median();
        Goal {
            what: "an event at a listener of another server, p50",
            wanted: "at most 2 ms after the bare watch has it",
            found: format!("{above:.2} ms"),
            reached: above <= MOST,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_goal_is_of_medians() {
        let times = |milliseconds: &[f64]| {
            let mut times = Times::default();
            milliseconds.iter().for_each(|&one| times.push_ms(one));
            times
        };
        let events = |listener: f64| Events {
            to_watch: times(&[1.0, 2.0, 50.0]),
            to_listener: times(&[1.0, listener, 90.0]),
            ..Events::default()
        };
        assert!(events(4.0).goal().reached);
        let missed = events(4.5).goal();
        assert!(!missed.reached && missed.found == "2.50 ms", "{}", missed.found);
    }
}

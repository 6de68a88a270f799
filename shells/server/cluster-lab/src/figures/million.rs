//! Many open sessions: how soon a server has all of them, what it keeps them in, and a page of them.

use super::load::{self, Connection, id, spread};
use super::place::{self, PREFIX, TOGETHER, patiently, resident};
use super::stats::{Times, count, row};
use crate::client::UCC;
use anyhow::{Context as _, Result, ensure};
use core::net::SocketAddr;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use etcd_kv::Client;
use etcd_kv::messages::{RequestOp, TxnRequest};
use recording_core::State;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// How many are written by one transaction, and how many transactions are on their way.
const TOGETHER_PUT: usize = 120;
const WRITERS: usize = 8;
/// Reads, changes and pages that are timed.
const SAMPLES: usize = 200;
const PAGES: usize = 50;
const PAGE: usize = 1000;

pub(super) struct Million {
    sessions: usize,
    /// Of a server without sessions, and with all.
    starts: [Duration; 2],
    kilobytes: [usize; 2],
    first_page: Duration,
    pages: Times,
    reads: Times,
    sets: Times,
    /// Kilobytes of the largest member, and bytes of its database.
    member: usize,
    database: i64,
}

pub(super) fn measure(runtime: &Runtime, executable: &Path, sessions: usize) -> Result<Million> {
    let cluster = place::members()?;
    let servers = place::servers(executable, &cluster)?;
    let start = || -> Result<(Duration, usize)> {
        let began = Instant::now();
        patiently("a server starts", || servers.start(0))??;
        let took = began.elapsed();
        Ok((took, resident(servers.process(0).context("it runs")?)?))
    };
    let (start_of_none, size_of_none) = start()?;
    servers.end(0)?;
    let client = place::client(&cluster.endpoints(), place::options(Duration::from_secs(60)))?;
    patiently("sessions are written", || runtime.block_on(fill(client.clone(), sessions)))??;
    let (start_of_all, size_of_all) = start()?;
    let place = servers.place(0).context("it runs")?;
    let (first_page, pages, reads, sets) = runtime.block_on(asked(place.api, place.admin, sessions))?;
    let status = runtime.block_on(client.status(0))?;
    let members = (0..TOGETHER).map(|member| resident(cluster.pid(member).map_err(anyhow::Error::msg)?));
    let member = members.collect::<Result<Vec<_>>>()?.into_iter().max().unwrap_or_default();
    Ok(Million {
        sessions,
        starts: [start_of_none, start_of_all],
        kilobytes: [size_of_none, size_of_all],
        first_page,
        pages,
        reads,
        sets,
        member,
        database: status.db_size,
    })
}

/// Writes sessions as a server does that begins them.
async fn fill(client: Client, sessions: usize) -> Result<()> {
    let written = Arc::new(AtomicUsize::new(0));
    let mut writing = JoinSet::new();
    let began = Instant::now();
    let mut said = began;
    for first in (0..sessions).step_by(TOGETHER_PUT) {
        if writing.len() >= WRITERS {
            writing.join_next().await.context("there is one")???;
        }
        let (client, counted) = (client.clone(), Arc::clone(&written));
        writing.spawn(async move {
            let group = first..sessions.min(first + TOGETHER_PUT);
            let count = group.len();
            let puts = group.map(|session| RequestOp::put(key(session), value(session)));
            client.txn(TxnRequest { success: puts.collect(), ..TxnRequest::default() }).await?;
            counted.fetch_add(count, Ordering::Relaxed);
            anyhow::Ok(())
        });
        if said.elapsed() > Duration::from_secs(10) {
            said = Instant::now();
            let done = count(written.load(Ordering::Relaxed));
            eprintln!("cluster figures: {done} of {} sessions are written", count(sessions));
        }
    }
    while let Some(done) = writing.join_next().await {
        done??;
    }
    Ok(())
}

fn key(session: usize) -> String {
    format!("{PREFIX}/s/{:032x}/{UCC}", spread(session))
}

/// The format, no action, the number of a server's start and of its change, and the state: docs/cluster.md.
fn value(session: usize) -> Vec<u8> {
    let mut value = vec![1, 0];
    value.extend(1_u64.to_be_bytes());
    value.extend((session as u64).to_be_bytes());
    value.push(State::INITIAL.to_byte());
    value
}

type Asked = (Duration, Times, Times, Times);

/// That the server has all of them, and how long it takes to answer.
async fn asked(api: SocketAddr, admin: SocketAddr, sessions: usize) -> Result<Asked> {
    let mut calls = Connection::open(admin).await?;
    let (_, metrics) = calls.exchange("GET", "/metrics", "").await?;
    let metrics = String::from_utf8_lossy(metrics);
    let open = metrics.lines().find_map(|line| line.strip_prefix("recording_open_sessions ")?.parse::<f64>().ok());
    ensure!(open == Some(sessions as f64), "the server has {open:?} sessions and not {sessions}");
    let mut next = Some(String::new());
    let mut pages = Times::default();
    let mut first_page = None;
    while let Some(after) = next.filter(|_| pages.len() < PAGES) {
        let began = Instant::now();
        let (status, body) = calls.exchange("GET", &format!("/sessions?limit={PAGE}{after}"), "").await?;
        let took = began.elapsed();
        pages.push(took);
        first_page.get_or_insert(took);
        let body: serde_json::Value = serde_json::from_slice(body)?;
        let shown = body["Sessions"].as_array().map_or(0, Vec::len);
        ensure!(status == 200 && shown == PAGE.min(sessions), "a page has {shown} sessions: {status}");
        next = body["Next"].as_str().map(|after| format!("&after={after}"));
        if sessions < 2 * PAGE {
            break;
        }
    }
    let mut connection = Connection::open(api).await?;
    let (mut reads, mut sets) = (Times::default(), Times::default());
    let all: load::Sessions = Arc::new((0..sessions).map(|_| false.into()).collect());
    for sample in 0..SAMPLES {
        let session = sample * (sessions / SAMPLES);
        let began = Instant::now();
        let path = format!("/attendantservice/api/recording/{UCC}/{}", id(session));
        let (status, body) = connection.exchange("GET", &path, "").await?;
        reads.push(began.elapsed());
        let body = String::from_utf8_lossy(body);
        ensure!(status == 200 && body.contains(r#""ErrorMessage":null"#), "a read is answered {status} {body}");
        let began = Instant::now();
        let status = load::set(&mut connection, &all, session).await?;
        ensure!(status == 200, "a set is answered {status}");
        sets.push(began.elapsed());
    }
    Ok((first_page.context("a page")?, pages, reads, sets))
}

impl Million {
    pub(super) fn table(&self) -> String {
        let [none, all] = self.kilobytes;
        let each = 1024.0 * all.saturating_sub(none) as f64 / self.sessions as f64;
        let [start_of_none, start_of_all] = self.starts.map(|time| format!("{:.2} s", time.as_secs_f64()));
        let both = |times: &Times| format!("{:.2} ms, {:.2} ms", times.median(), times.slow());
        let megabytes = |kilobytes: usize| format!("{} MiB", count(kilobytes / 1024));
        let lines = [
            ("from the server's start to its first reply, without sessions", start_of_none),
            ("the same with all sessions", start_of_all),
            ("the server's memory, without sessions", megabytes(none)),
            ("the same with all sessions, just after the start", megabytes(all)),
            ("of that, for each session", format!("{each:.0} bytes")),
            ("a page of 1,000: the first", format!("{:.2} ms", 1000.0 * self.first_page.as_secs_f64())),
            ("pages of 1,000, one after the other: p50, p99", both(&self.pages)),
            ("a read of a state, by one client: p50, p99", both(&self.reads)),
            ("a set, by one client: p50, p99", both(&self.sets)),
            ("the memory of the largest member of etcd", megabytes(self.member)),
            ("its database", megabytes(usize::try_from(self.database / 1024).unwrap_or_default())),
        ];
        let head = [format!("| {} open sessions | |", count(self.sessions)), "|---|--:|".to_owned()];
        head.into_iter().chain(lines.iter().map(|(what, found)| row(&[what, found]))).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_its_share_of_what_came_with_all() {
        let million = Million {
            sessions: 2000,
            starts: [Duration::from_millis(20), Duration::from_millis(1500)],
            kilobytes: [10_240, 10_640],
            first_page: Duration::from_micros(1234),
            pages: Times::default(),
            reads: Times::default(),
            sets: Times::default(),
            member: 2048,
            database: 3 << 20,
        };
        let table = million.table();
        assert!(table.starts_with("| 2,000 open sessions | |\n"), "{table}");
        for line in ["for each session | 205 bytes |", "with all sessions | 1.50 s |", "the first | 1.23 ms |"] {
            assert!(table.contains(line), "{line}: {table}");
        }
    }

    #[test]
    fn a_value_is_as_long_as_a_server_writes_it() {
        assert_eq!(value(7).len(), 19);
        assert_eq!(key(1), format!("lab/s/9e3779b97f4a7c150000000000000001/{UCC}"));
    }
}

//! For how long nothing is acknowledged when the leader is killed: through servers, by etcd's own client, and by the members that
//! are left.

use super::Extent;
use super::load::{self, Connection, Sessions, own, set};
use super::place::{self, TOGETHER};
use super::stats::{Times, row};
use anyhow::{Result, ensure};
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use etcd_kv::Client;
use etcd_kv::messages::{RequestOp, TxnRequest};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;
use tokio::runtime::Runtime;

/// Clients of each server.
const CLIENTS: usize = 4;
const SESSIONS: usize = 240;
/// How long all is well before the leader is killed, and how long it stays away.
const BEFORE: Duration = Duration::from_secs(2);
const AWAY: Duration = Duration::from_secs(6);
/// How long one member is waited for that may know no leader.
const ATTEMPT: Duration = Duration::from_millis(200);

/// Who asks.
const WHO: [&str; 3] = [
    "bare transactions, each asked of one member alone: the first that answers",
    "etcd's own client: `etcdctl put`, given up after 1 s and begun again",
    "sets through three servers: the first that answers",
];
const SLOWEST: &str = "sets through three servers: the last that answers";

/// When something was acknowledged.
#[derive(Clone, Debug, Default)]
struct Acks(Arc<Mutex<Vec<Instant>>>);

impl Acks {
    fn add(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
    }

    fn all(&self) -> Vec<Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The longest time without an acknowledgement, of those that end after `from`. That to the end counts, too: where nothing is
/// acknowledged again, it is at least that long.
fn longest_gap(mut acks: Vec<Instant>, from: Instant, end: Instant) -> Duration {
    acks.retain(|ack| *ack < end);
    acks.push(end);
    acks.sort_unstable();
    acks.windows(2).filter(|two| two[1] > from).map(|two| two[1] - two[0]).max().unwrap_or(end - from)
}

#[derive(Default)]
pub(super) struct Leader {
    gaps: [Times; WHO.len()],
    slowest: Times,
}

pub(super) fn measure(runtime: &Runtime, executable: &Path, extent: Extent) -> Result<Leader> {
    let mut cluster = place::members()?;
    let servers = place::servers(executable, &cluster)?;
    for server in 0..TOGETHER {
        servers.start(server)?;
    }
    let places: Vec<_> = (0..TOGETHER).filter_map(|server| servers.place(server)).collect();
    let sessions = runtime.block_on(load::begin(places.iter().map(|place| place.admin).collect(), SESSIONS))?;
    let programs = etcd_members::Programs::find().map_err(anyhow::Error::msg)?;
    let etcdctl = programs.etcdutl().with_file_name("etcdctl");
    let mut found = Leader::default();
    for kill in 1..=extent.kills {
        let is_over = Arc::new(AtomicBool::new(false));
        let (members, control) = (Acks::default(), Acks::default());
        let through: Vec<_> = (0..TOGETHER).map(|_| Acks::default()).collect();
        let mut asking = Vec::new();
        runtime.block_on(async {
            for member in 0..TOGETHER {
                let url = &place::urls(&cluster, member)[..1];
                let client = place::client(url, place::options(ATTEMPT))?;
                asking.push(tokio::spawn(write(client, members.clone(), Arc::clone(&is_over))));
            }
            for client in 0..TOGETHER * CLIENTS {
                let server = client % TOGETHER;
                let own: Vec<_> = own(client, TOGETHER * CLIENTS, SESSIONS).collect();
                let setting = set_all(
                    places[server].api,
                    Arc::clone(&sessions),
                    own,
                    through[server].clone(),
                    Arc::clone(&is_over),
                );
                asking.push(tokio::spawn(setting));
            }
            anyhow::Ok(())
        })?;
        let endpoints = cluster.endpoints().join(",");
        let (etcdctl, log, over) = (etcdctl.clone(), control.clone(), Arc::clone(&is_over));
        let controlling = thread::spawn(move || put(&etcdctl, &endpoints, &log, &over));
        let result = (|| {
            thread::sleep(BEFORE);
            let leader = cluster.leader()?;
            let killed = Instant::now();
            cluster.kill(leader)?;
            thread::sleep(AWAY);
            Ok((leader, killed, Instant::now()))
        })();
        is_over.store(true, Ordering::Relaxed);
        let (leader, killed, end) = result.map_err(|error: String| anyhow::anyhow!(error))?;
        for one in asking {
            runtime.block_on(one)??;
        }
        controlling.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??;
        let merged = through.iter().flat_map(Acks::all).collect();
        let mut said = Vec::new();
        for (acks, times) in [members.all(), control.all(), merged].into_iter().zip(&mut found.gaps) {
            ensure!(acks.len() > 10, "nearly nothing is acknowledged, with or without a leader");
            let gap = longest_gap(acks, killed, end);
            said.push(format!("{:.2} s", gap.as_secs_f64()));
            times.push(gap);
        }
        let slowest = through.iter().map(|acks| longest_gap(acks.all(), killed, end)).max().unwrap_or_default();
        found.slowest.push(slowest);
        eprintln!("cluster figures: kill {kill} of {}: {}", extent.kills, said.join(", "));
        cluster.restart(leader).and_then(|()| cluster.wait()).map_err(anyhow::Error::msg)?;
    }
    Ok(found)
}

/// Writes by one member again and again.
async fn write(client: Client, acks: Acks, is_over: Arc<AtomicBool>) -> Result<()> {
    while !is_over.load(Ordering::Relaxed) {
        let put = TxnRequest { success: vec![RequestOp::put("raw/leader", "x")], ..TxnRequest::default() };
        match client.txn(put).await {
            Ok(_) => acks.add(),
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
    Ok(())
}

/// Sets states through one server again and again.
async fn set_all(
    server: core::net::SocketAddr,
    sessions: Sessions,
    own: Vec<usize>,
    acks: Acks,
    is_over: Arc<AtomicBool>,
) -> Result<()> {
    let mut connection = Connection::open(server).await?;
    for session in own.into_iter().cycle() {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        if set(&mut connection, &sessions, session).await? == 200 {
            acks.add();
        }
    }
    Ok(())
}

/// Writes by etcd's own client again and again.
fn put(etcdctl: &Path, endpoints: &str, acks: &Acks, is_over: &AtomicBool) -> Result<()> {
    while !is_over.load(Ordering::Relaxed) {
        let mut command = Command::new(etcdctl);
        command.args([
            "--dial-timeout=1s",
            "--command-timeout=1s",
            "--endpoints",
            endpoints,
            "put",
            "raw/control",
            "x",
        ]);
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        if status.success() {
            acks.add();
        }
    }
    Ok(())
}

impl Leader {
    pub(super) fn table(&self) -> String {
        let own = self.gaps[1].median();
        let line = |what: &str, times: &Times| {
            let [median, longest] = [times.median(), times.at(1.0)].map(|one| format!("{:.2}", one / 1000.0));
            row(&[what, &median, &longest, &format!("{:.2}", times.median() / own)])
        };
        let head = [
            "| who asks | median (s) | longest (s) | median, of etcd's own client |".to_owned(),
            "|---|--:|--:|--:|".to_owned(),
        ];
        let lines = WHO.iter().zip(&self.gaps).map(|(who, times)| line(who, times));
        head.into_iter().chain(lines).chain([line(SLOWEST, &self.slowest)]).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_counts_if_it_ends_after_the_kill() {
        let zero = Instant::now();
        let at = |milliseconds: u64| zero + Duration::from_millis(milliseconds);
        let acks = vec![at(0), at(900), at(1000), at(1700), at(1710)];
        let gap = |from, end| longest_gap(acks.clone(), at(from), at(end)).as_millis();
        // The kill may be within it, and what came before does not count.
        assert_eq!(gap(1000, 1720), 700);
        assert_eq!(gap(1100, 1720), 700);
        assert_eq!(gap(10, 1720), 900);
        // What is not acknowledged again.
        assert_eq!(gap(1705, 6000), 4290);
        assert_eq!(longest_gap(Vec::new(), at(5), at(50)), Duration::from_millis(45));
    }
}

//! Members and servers on this machine's loopback, with nothing done to them.

use crate::servers::{Runs, Servers};
use anyhow::{Context as _, Result, bail};
use core::{net::Ipv4Addr, time::Duration};
use etcd_kv::{Client, Endpoint, Options};
use etcd_members::{Cluster, Setup};
use std::{path::Path, thread::sleep, time::Instant};

/// Members, and servers too: every second one may die.
pub(super) const TOGETHER: usize = 3;
pub(super) const PREFIX: &str = "lab";

/// Three members, with room for what is measured.
pub(super) fn members() -> Result<Cluster> {
    let arguments = ["--quota-backend-bytes", "8589934592"].map(str::to_owned).to_vec();
    Cluster::start(TOGETHER, &Setup { arguments, ..Setup::default() }).map_err(anyhow::Error::msg)
}

/// Three servers over them, of which none is started. Each begins at another member.
pub(super) fn servers(executable: &Path, cluster: &Cluster) -> Result<Servers> {
    Servers::new(executable, 1, |_| (0..TOGETHER).map(|server| runs(cluster, server)).collect())
}

fn runs(cluster: &Cluster, server: usize) -> Runs {
    let urls = urls(cluster, server).join(",");
    let arguments = ["--store", &format!("etcd:{PREFIX}"), "--etcd-endpoints", &urls].map(str::to_owned);
    Runs { within: Vec::new(), address: Ipv4Addr::LOCALHOST, arguments: arguments.to_vec() }
}

/// Two servers that begin at the same member, of which none is started. The second one has an audit trail.
pub(super) fn audited(executable: &Path, cluster: &Cluster) -> Result<Servers> {
    Servers::new(executable, 1, |folder| {
        let mut all = [runs(cluster, 0), runs(cluster, 0)];
        all[1].arguments.extend(["--audit".to_owned(), folder.join("trail").display().to_string()]);
        all.into()
    })
}

/// The members in the order in which this server has them.
pub(super) fn urls(cluster: &Cluster, server: usize) -> Vec<String> {
    let mut urls = cluster.endpoints();
    urls.rotate_left(server % TOGETHER);
    urls
}

/// The options of a server's own client, but for the time that one request may take.
pub(super) fn options(attempt: Duration) -> Options {
    Options { attempt, ..Options::default() }
}

/// A client without a server.
pub(super) fn client(urls: &[String], options: Options) -> Result<Client> {
    let endpoint = |url: &String| url.parse::<Endpoint>().map_err(|error| anyhow::anyhow!("{error}"));
    Ok(Client::new(urls.iter().map(endpoint).collect::<Result<_>>()?, options))
}

/// Kilobytes that a process has in memory.
pub(super) fn resident(process: u32) -> Result<usize> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("a process has a size")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// Does something, and reports every ten seconds that it is still at it.
pub(super) fn patiently<T: Send>(what: &str, work: impl FnOnce() -> T + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let working = scope.spawn(work);
        let mut said = Instant::now();
        let began = said;
        while !working.is_finished() {
            if said.elapsed() >= Duration::from_secs(10) {
                eprintln!("cluster figures: {what}: for {} s so far", began.elapsed().as_secs());
                said = Instant::now();
            }
            sleep(Duration::from_millis(1));
        }
        match working.join() {
            Ok(done) => Ok(done),
            Err(_) => bail!("{what}: a thread panicked"),
        }
    })
}

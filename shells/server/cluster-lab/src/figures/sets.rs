//! Sets a second, and how long they take: through one and three servers, and the same changes without servers, in turns.

use super::bare::{self, Committer, Keys};
use super::cpu::Cpu;
use super::load::{self, Load, SESSIONS, Sessions};
use super::place::{self, TOGETHER};
use super::stats::{count, row};
use super::{Extent, Goal};
use crate::servers::Servers;
use anyhow::{Context as _, Result};
use core::time::Duration;
use etcd_kv::Client;
use etcd_members::Cluster;
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::task::AbortHandle;

const CLIENTS: [usize; 4] = [1, 16, 64, 256];
/// What a set through a server has to reach of a bare change.
const LEAST: f64 = 0.7;

/// Who makes the changes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    Servers,
    /// Without servers.
    Bare,
    /// The same, and each of those that would be a server watches the keys.
    Watched,
}

/// Each goes first in every third turn.
const BY: [By; 3] = [By::Servers, By::Bare, By::Watched];

/// So many clients, through so many servers, and without them.
#[derive(Default)]
struct Line {
    clients: usize,
    servers: usize,
    through: Load,
    bare: Load,
    watched: Load,
}

impl Line {
    fn share(&self) -> f64 {
        self.through.rate() / self.bare.rate()
    }

    const fn of(&mut self, by: By) -> &mut Load {
        match by {
            By::Servers => &mut self.through,
            By::Bare => &mut self.bare,
            By::Watched => &mut self.watched,
        }
    }
}

pub(super) struct Sets(Vec<Line>);

/// What is loaded.
struct Loaded<'a> {
    cluster: &'a Cluster,
    servers: &'a Servers,
    sessions: Sessions,
    keys: Keys,
}

pub(super) fn measure(runtime: &Runtime, executable: &Path, extent: Extent) -> Result<Sets> {
    let cluster = place::members()?;
    let servers = place::servers(executable, &cluster)?;
    servers.start(0)?;
    let keys = Keys::new(SESSIONS);
    let admin = servers.place(0).context("it runs")?.admin;
    let sessions = runtime.block_on(async {
        let mut first = committers(&cluster, 1)?;
        bare::begin(first.pop().context("a committer")?, keys.clone()).await?;
        load::begin(vec![admin], SESSIONS).await
    })?;
    let loaded = Loaded { cluster: &cluster, servers: &servers, sessions, keys };
    let combinations = [1, TOGETHER].into_iter().flat_map(|servers| CLIENTS.map(|clients| (clients, servers)));
    let mut lines: Vec<_> =
        combinations.map(|(clients, servers)| Line { clients, servers, ..Line::default() }).collect();
    for turn in 0..extent.turns {
        for line in &mut lines {
            // Servers that are not loaded do not run: each would follow every change.
            for server in 1..TOGETHER {
                match (server < line.servers, servers.place(server).is_some()) {
                    (true, false) => servers.start(server)?,
                    (false, true) => servers.end(server)?,
                    _ => {}
                }
            }
            let mut said = String::new();
            for by in (0..BY.len()).map(|at| BY[(turn + at) % BY.len()]) {
                let before = Cpu::taken(&cluster, &servers)?;
                let (mut found, group) =
                    runtime.block_on(loaded.load(by, (line.clients, line.servers), extent.load))?;
                found.cpu = Cpu::taken(&cluster, &servers)? - before;
                said += &format!(", {by:?} {:.0}/s in groups of {group:.1}", found.rate());
                line.of(by).extend(&found);
            }
            eprintln!(
                "cluster figures: turn {} of {}: clients: {}, servers: {}{said}; of bare: {:.2}",
                turn + 1,
                extent.turns,
                line.clients,
                line.servers,
                line.share()
            );
        }
    }
    Ok(Sets(lines))
}

fn committers(cluster: &Cluster, count: usize) -> Result<Vec<Committer>> {
    (0..count).map(|server| Ok(Committer::start(client(cluster, server)?))).collect()
}

/// A client with the members in this server's order. A change that is slow is an answer; one that fails is none.
fn client(cluster: &Cluster, server: usize) -> Result<Client> {
    place::client(&place::urls(cluster, server), place::options(Duration::from_secs(10)))
}

impl Loaded<'_> {
    /// What so many clients get of so many servers, and how many changes a group had.
    async fn load(&self, by: By, (clients, servers): (usize, usize), longest: Duration) -> Result<(Load, f64)> {
        if by == By::Servers {
            let places: Vec<_> = (0..servers).filter_map(|server| self.servers.place(server)).collect();
            let before = load::groups(&places).await?;
            let api = places.iter().map(|place| place.api).collect();
            let found = load::load(api, Arc::clone(&self.sessions), clients, longest).await?;
            let after = load::groups(&places).await?;
            return Ok((found, (after.0 - before.0) / (after.1 - before.1)));
        }
        let committers = committers(self.cluster, servers)?;
        let mut watches = Vec::new();
        for server in (0..servers).filter(|_| by == By::Watched) {
            // A server's watch is at the second of its members.
            watches.push(bare::watch(client(self.cluster, server + 1)?).await?);
        }
        let found = bare::load(&committers, self.keys.clone(), clients, longest).await;
        watches.iter().for_each(AbortHandle::abort);
        let (found, groups) = (found?, committers.iter().map(Committer::groups).sum::<usize>());
        let group = found.times.len() as f64 / groups as f64;
        Ok((found, group))
    }
}

impl Sets {
    pub(super) fn table(&self) -> String {
        let mut table = vec![
            "| clients | servers | sets a second | p50 (ms) | p99 (ms) | bare, a second | p50 (ms) | p99 (ms) | of bare | \
             bare with watches, a second | of that |"
                .to_owned(),
            "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|".to_owned(),
        ];
        for line in &self.0 {
            let mut all = vec![line.clients.to_string(), line.servers.to_string()];
            all.extend([&line.through, &line.bare].into_iter().flat_map(Load::cells));
            all.push(format!("{:.2}", line.share()));
            all.push(count(line.watched.rate().round() as usize));
            all.push(format!("{:.2}", line.through.rate() / line.watched.rate()));
            table.push(row(&all.iter().map(String::as_str).collect::<Vec<_>>()));
        }
        table.join("\n")
    }

    /// What a change takes of the machine: without it a share of the rate says little where all run on the same cores.
    pub(super) fn cpu(&self) -> String {
        let mut table = vec![
            "| clients | servers | members | servers | clients | all | bare: members | client | all | bare with watches: members | \
             client | all |"
                .to_owned(),
            "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|".to_owned(),
        ];
        for line in &self.0 {
            let mut all = vec![line.clients.to_string(), line.servers.to_string()];
            for (load, has_servers) in [(&line.through, true), (&line.bare, false), (&line.watched, false)] {
                let [members, servers, clients] = load.cpu.each(load.times.len());
                let parts =
                    [Some(members), has_servers.then_some(servers), Some(clients), Some(members + servers + clients)];
                all.extend(parts.into_iter().flatten().map(|each| format!("{each:.0}")));
            }
            table.push(row(&all.iter().map(String::as_str).collect::<Vec<_>>()));
        }
        table.join("\n")
    }

    pub(super) fn goals(&self) -> [Goal; 2] {
        let goal = |servers, what| {
            let lines: Vec<_> = self.0.iter().filter(|line| line.servers == servers).collect();
            let shares = lines.iter().map(|line| format!("{:.2} with {}", line.share(), line.clients));
            Goal {
                what,
                wanted: "at least 0.7 of bare nested transactions, with 1, 16, 64 and 256 clients",
                found: shares.collect::<Vec<_>>().join(", "),
                reached: lines.iter().all(|line| line.share() >= LEAST),
            }
        };
        [goal(1, "sets a second through one server"), goal(TOGETHER, "sets a second through three servers")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::stats::Times;

    fn load(changes: usize) -> Load {
        let mut times = Times::default();
        (0..changes).for_each(|_| times.push(Duration::from_millis(2)));
        Load { times, seconds: 2.0, cpu: Cpu { members: 0.2, servers: 0.1, clients: 0.04 } }
    }

    #[test]
    fn one_share_that_is_too_small_misses_the_goal() {
        let line = |clients, servers, changes| Line {
            clients,
            servers,
            through: load(changes),
            bare: load(4000),
            watched: load(3500),
        };
        let sets = Sets(vec![line(1, 1, 3000), line(16, 1, 2800), line(1, 3, 4000), line(16, 3, 2799)]);
        let [one, three] = sets.goals();
        assert!(one.reached && one.found == "0.75 with 1, 0.70 with 16", "{}", one.found);
        assert!(!three.reached, "{}", three.found);
        assert_eq!(
            sets.table().lines().nth(2),
            Some("| 1 | 1 | 1,500 | 2.00 | 2.00 | 2,000 | 2.00 | 2.00 | 0.75 | 1,750 | 0.86 |")
        );
        assert_eq!(sets.cpu().lines().nth(2), Some("| 1 | 1 | 67 | 33 | 13 | 113 | 50 | 10 | 85 | 57 | 11 | 97 |"));
    }
}

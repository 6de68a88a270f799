//! Sets a second, and how long they take: through one and three servers, and the same changes without servers, in turns.

use super::bare::{self, Committer, Keys};
use super::load::{self, Load};
use super::place::{self, TOGETHER};
use super::stats::{count, row};
use super::{Extent, Goal};
use anyhow::{Context as _, Result};
use core::time::Duration;
use std::path::Path;
use tokio::runtime::Runtime;

const CLIENTS: [usize; 4] = [1, 16, 64, 256];
const SESSIONS: usize = 6400;
/// What a set through a server has to reach of a bare change.
const LEAST: f64 = 0.7;

/// So many clients, through so many servers.
struct Line {
    clients: usize,
    servers: usize,
    through: Load,
    bare: Load,
}

impl Line {
    fn share(&self) -> f64 {
        self.through.rate() / self.bare.rate()
    }
}

pub(super) struct Sets(Vec<Line>);

pub(super) fn measure(runtime: &Runtime, executable: &Path, extent: Extent) -> Result<Sets> {
    let cluster = place::members()?;
    let servers = place::servers(executable, &cluster)?;
    for server in 0..TOGETHER {
        servers.start(server)?;
    }
    let places: Vec<_> = (0..TOGETHER).filter_map(|server| servers.place(server)).collect();
    let api = |count: usize| places.iter().take(count).map(|place| place.api).collect::<Vec<_>>();
    runtime.block_on(async {
        let committers = |count: usize| -> Result<Vec<Committer>> {
            let start = |server| {
                // A change that is slow is an answer; one that fails is none.
                let options = place::options(Duration::from_secs(10));
                Ok(Committer::start(place::client(&place::urls(&cluster, server), options)?))
            };
            (0..count).map(start).collect()
        };
        let keys = Keys::new(SESSIONS);
        let mut first = committers(1)?;
        bare::begin(first.pop().context("a committer")?, keys.clone()).await?;
        let sessions = load::begin(places.iter().map(|place| place.admin).collect(), SESSIONS).await?;
        let combinations = CLIENTS.into_iter().flat_map(|clients| [(clients, 1), (clients, TOGETHER)]);
        let mut lines: Vec<_> = combinations
            .map(|(clients, servers)| Line { clients, servers, through: Load::default(), bare: Load::default() })
            .collect();
        for turn in 1..=extent.turns {
            for line in &mut lines {
                let Line { clients, servers, .. } = *line;
                // Each goes first in every second turn.
                for bare_now in [turn.is_multiple_of(2), !turn.is_multiple_of(2)] {
                    if bare_now {
                        let committers = committers(servers)?;
                        let found = bare::load(committers, keys.clone(), clients, extent.load).await?;
                        line.bare.extend(&found);
                    } else {
                        let found = load::load(api(servers), sessions.clone(), clients, extent.load).await?;
                        line.through.extend(&found);
                    }
                }
                eprintln!(
                    "cluster figures: turn {turn} of {}: {clients} clients, servers: {servers}: {:.0}/s, bare {:.0}/s: {:.2}",
                    extent.turns,
                    line.through.rate(),
                    line.bare.rate(),
                    line.share()
                );
            }
        }
        Ok(Sets(lines))
    })
}

impl Sets {
    pub(super) fn table(&self) -> String {
        let mut table = vec![
            "| clients | servers | sets a second | p50 (ms) | p99 (ms) | bare, a second | p50 (ms) | p99 (ms) | of bare |".to_owned(),
            "|--:|--:|--:|--:|--:|--:|--:|--:|--:|".to_owned(),
        ];
        for line in &self.0 {
            let cells = |load: &Load| {
                let rate = count(load.rate().round() as usize);
                [rate, format!("{:.2}", load.times.median()), format!("{:.2}", load.times.slow())]
            };
            let mut all = vec![line.clients.to_string(), line.servers.to_string()];
            all.extend(cells(&line.through).into_iter().chain(cells(&line.bare)));
            all.push(format!("{:.2}", line.share()));
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
        Load { times, seconds: 2.0 }
    }

    #[test]
    fn one_share_that_is_too_small_misses_the_goal() {
        let line = |clients, servers, changes| Line { clients, servers, through: load(changes), bare: load(4000) };
        let sets = Sets(vec![line(1, 1, 3000), line(16, 1, 2800), line(1, 3, 4000), line(16, 3, 2799)]);
        let [one, three] = sets.goals();
        assert!(one.reached && one.found == "0.75 with 1, 0.70 with 16", "{}", one.found);
        assert!(!three.reached, "{}", three.found);
        assert_eq!(sets.table().lines().nth(2), Some("| 1 | 1 | 1,500 | 2.00 | 2.00 | 2,000 | 2.00 | 2.00 | 0.75 |"));
    }
}

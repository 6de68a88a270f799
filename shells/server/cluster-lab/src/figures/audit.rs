//! What an audit trail costs: sets a second through one server without one and through one with one, in turns.

use super::Extent;
use super::load::{self, Load, SESSIONS, Sessions};
use super::place;
use super::stats::row;
use crate::servers::Servers;
use anyhow::{Context as _, Result};
use core::time::Duration;
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Runtime;

const CLIENTS: [usize; 3] = [1, 64, 256];

/// So many clients, through a server without and a server with a trail.
#[derive(Default)]
struct Line {
    clients: usize,
    loads: [Load; 2],
}

pub(super) struct Audit(Vec<Line>);

pub(super) fn measure(runtime: &Runtime, executable: &Path, extent: Extent) -> Result<Audit> {
    let cluster = place::members()?;
    let servers = place::audited(executable, &cluster)?;
    servers.start(0)?;
    let admin = servers.place(0).context("it runs")?.admin;
    let sessions = runtime.block_on(load::begin(vec![admin], SESSIONS))?;
    servers.end(0)?;
    let mut lines = CLIENTS.map(|clients| Line { clients, ..Line::default() });
    for turn in 0..extent.turns {
        for line in &mut lines {
            // Each goes first in every second turn.
            for server in [turn % 2, 1 - turn % 2] {
                let found = alone(runtime, &servers, server, (&sessions, line.clients), extent.load)?;
                eprintln!(
                    "cluster figures: turn {} of {}: clients: {}, {} an audit trail: {:.0}/s",
                    turn + 1,
                    extent.turns,
                    line.clients,
                    if server == 0 { "without" } else { "with" },
                    found.rate()
                );
                line.loads[server].extend(&found);
            }
        }
    }
    Ok(Audit(lines.into()))
}

/// What so many clients get of this server, while no other runs.
fn alone(
    runtime: &Runtime,
    servers: &Servers,
    server: usize,
    (sessions, clients): (&Sessions, usize),
    longest: Duration,
) -> Result<Load> {
    servers.start(server)?;
    let api = servers.place(server).context("it runs")?.api;
    let found = runtime.block_on(load::load(vec![api], Arc::clone(sessions), clients, longest));
    servers.end(server)?;
    found
}

impl Audit {
    pub(super) fn table(&self) -> String {
        let mut table = vec![
            "| clients | sets a second with a trail | p50 (ms) | p99 (ms) | without | p50 (ms) | p99 (ms) | of that |"
                .to_owned(),
            "|--:|--:|--:|--:|--:|--:|--:|--:|".to_owned(),
        ];
        for Line { clients, loads: [without, with] } in &self.0 {
            let mut all = vec![clients.to_string()];
            all.extend([with, without].into_iter().flat_map(Load::cells));
            all.push(format!("{:.2}", with.rate() / without.rate()));
            table.push(row(&all.iter().map(String::as_str).collect::<Vec<_>>()));
        }
        table.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::stats::Times;

    #[test]
    fn the_one_with_a_trail_is_next_to_the_one_without() {
        let load = |changes, milliseconds| {
            let mut times = Times::default();
            (0..changes).for_each(|_| times.push(Duration::from_millis(milliseconds)));
            Load { times, seconds: 2.0, ..Load::default() }
        };
        let audit = Audit(vec![Line { clients: 64, loads: [load(4000, 2), load(3000, 3)] }]);
        assert_eq!(audit.table().lines().nth(2), Some("| 64 | 1,500 | 3.00 | 3.00 | 2,000 | 2.00 | 2.00 | 0.75 |"));
    }
}

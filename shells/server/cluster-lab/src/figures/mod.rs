//! What several servers over one etcd cost, next to etcd without them. Everything is measured in one run, in turns: another
//! machine, or another hour, has other times.

mod audit;
mod bare;
mod cpu;
mod events;
mod leader;
mod load;
mod million;
mod place;
mod sets;
mod stats;

use anyhow::{Result, ensure};
use core::time::Duration;
use std::{path::PathBuf, time::Instant};

/// Measures servers over members of etcd, next to members without servers
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The server's program, built with --release and the feature etcd
    #[arg(long)]
    server: PathBuf,
    /// How many sessions the large store has
    #[arg(long, default_value_t = 1_000_000)]
    sessions: usize,
    /// Short measurements, which show only that it works
    #[arg(long)]
    quick: bool,
    /// Only these tables
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Sets,
    Audit,
    Events,
    Leader,
    Sessions,
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
struct Extent {
    /// How long each load of sets lasts each time.
    load: Duration,
    /// How often they take turns.
    turns: usize,
    /// How many events there are.
    events: usize,
    /// How often the leader is killed.
    kills: usize,
}

const WHOLE: Extent = Extent { load: Duration::from_secs(4), turns: 3, events: 2000, kills: 5 };
const QUICK: Extent = Extent { load: Duration::from_millis(800), turns: 1, events: 200, kills: 1 };

/// What is wanted, and what came of it.
struct Goal {
    what: &'static str,
    wanted: &'static str,
    found: String,
    reached: bool,
}

impl Goal {
    fn line(&self) -> String {
        let Self { what, wanted, found, reached } = self;
        let verdict = if *reached { "reached" } else { "**not reached**" };
        format!("| {what} | {wanted} | {found} | {verdict} |")
    }
}

/// Measures everything; gives the tables by their names, as JSON.
pub(crate) fn run(arguments: &Arguments) -> Result<String> {
    ensure!(arguments.sessions >= 1000, "--sessions is at least 1000: a page has that many");
    let extent = if arguments.quick { QUICK } else { WHOLE };
    let began = Instant::now();
    let said = |what: &str| eprintln!("cluster figures: {what} ({} s after the begin)", began.elapsed().as_secs());
    let wants = |part| arguments.only.is_empty() || arguments.only.contains(&part);
    let runtime = tokio::runtime::Runtime::new()?;
    let (mut goals, mut page) = (Vec::new(), serde_json::Map::new());
    let mut write = |name: &str, table: String| drop(page.insert(name.to_owned(), table.into()));
    if wants(Part::Sets) {
        said("sets through one and three servers, next to bare transactions");
        let sets = sets::measure(&runtime, &arguments.server, extent)?;
        goals.extend(sets.goals());
        write("sets", sets.table());
        write("cpu", sets.cpu());
    }
    if wants(Part::Audit) {
        said("sets with an audit trail, next to sets without one");
        write("audit", audit::measure(&runtime, &arguments.server, extent)?.table());
    }
    if wants(Part::Events) {
        said("events at another server's listener, next to a bare watch");
        let events = events::measure(&runtime, &arguments.server, extent)?;
        goals.push(events.goal());
        write("events", events.table());
    }
    if wants(Part::Leader) {
        said("the leader is killed");
        write("leader", leader::measure(&runtime, &arguments.server, extent)?.table());
    }
    if wants(Part::Sessions) {
        said(&format!("{} sessions", stats::count(arguments.sessions)));
        write("sessions", million::measure(&runtime, &arguments.server, arguments.sessions)?.table());
    }
    said("done");
    let goals: Vec<_> = goals.iter().map(Goal::line).collect();
    let head = ["| what | wanted | found | |", "|---|---|---|---|"].map(str::to_owned);
    let goals = head.into_iter().chain(goals).collect::<Vec<_>>().join("\n");
    let extent = format!(
        "{} times {} s for each load, {} events, {} kills of the leader, {} sessions{}",
        extent.turns,
        extent.load.as_secs_f64(),
        stats::count(extent.events),
        extent.kills,
        stats::count(arguments.sessions),
        if arguments.quick { ": a short run, whose figures mean nothing" } else { "" }
    );
    write("goals", goals);
    write("extent", extent);
    Ok(serde_json::Value::Object(page).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_that_is_missed_says_so() {
        let goal = |reached| Goal { what: "a", wanted: "b", found: "c".to_owned(), reached }.line();
        assert_eq!(goal(true), "| a | b | c | reached |");
        assert_eq!(goal(false), "| a | b | c | **not reached** |");
    }
}

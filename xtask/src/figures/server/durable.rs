//! Requests a second, and how long they take: wrk with 64 connections, next to the store alone.

use super::programs::{
    Connection, Goal, ID, Running, UCC, audit, in_file, number, place, release, remove, request, server_without_rate,
};
use crate::{
    sh::{Sh, root, say},
    text::{decimal, found, regex, row},
    tools,
};
use anyhow::{Context as _, Result, bail};
use std::{collections::HashMap, fs, path::Path};

const CLIENTS: u64 = 64;
const SESSIONS: u64 = 6400;
const ALONE: &str = "store alone";
const DURABLE: &str = "set, on disk";
const DURABLE_WITH_TRAIL: &str = "set, on disk, with its line in the trail on disk";

/// Requests a second, and the median and the 99th percentile of their times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Load {
    rate: f64,
    times: Option<(f64, f64)>,
}

pub(super) struct Loads {
    pub(super) wrk: String,
    rows: Vec<(&'static str, Load)>,
}

/// As `store-alone fill` has them.
fn ids() -> impl Iterator<Item = String> {
    (0..SESSIONS).map(|number| {
        let digits = format!("{:016x}{number:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
    })
}

fn begin_all(port: u16) -> Result<()> {
    let mut connection = Connection::open(port)?;
    for id in ids() {
        connection.exchange(&request("PUT", &format!("/sessions/{UCC}/{id}"), ""))?;
    }
    Ok(())
}

/// What is loaded: a target, or a script of wrk.
enum Requests<'a> {
    Of(&'a str),
    By(&'a [String]),
}

fn wrk(port: u16, seconds: u64, requests: &Requests<'_>) -> Result<Load> {
    let wrk = Sh::line(&format!("wrk -c{CLIENTS} -t2 -d{seconds}s --latency"));
    let url = |path: &str| format!("http://127.0.0.1:{port}{path}");
    let wrk = match requests {
        Requests::Of(path) => wrk.arg(url(path)),
        Requests::By(script) => {
            wrk.arg("-s").arg(root().join("shells/server/load/toggle.lua")).arg(url("/")).arg("--").args(*script)
        }
    };
    parse(&wrk.read()?)
}

fn parse(said: &str) -> Result<Load> {
    if ["not answered", "Non-2xx", "Socket errors"].iter().any(|wrong| said.contains(wrong)) {
        bail!("not every request was answered with 200:\n{said}");
    }
    let latency = |share: u8| {
        let found = regex(&format!(r"(?m)^ +{share}% +([0-9.]+)(us|ms|s)$")).captures(said)?;
        let unit = match &found[2] {
            "us" => 0.001,
            "ms" => 1.0,
            _ => 1000.0,
        };
        Some(found[1].parse::<f64>().ok()? * unit)
    };
    let rate = found(r"(?m)^Requests/sec: +([0-9.]+)", said).and_then(|rate| rate.parse().ok());
    let load = || Some(Load { rate: rate?, times: Some((latency(50)?, latency(99)?)) });
    load().with_context(|| format!("wrk says:\n{said}"))
}

fn alone(place: &Path, seconds: u64) -> Result<Load> {
    remove(place, "alone")?;
    let store = Sh::new(release("store-alone")).arg("commit").arg(place.join("alone"));
    Ok(Load { rate: number(&store.args([SESSIONS, CLIENTS, seconds].map(|number| number.to_string())))?, times: None })
}

/// Sessions that are there before the server starts.
fn fresh(place: &Path) -> Result<()> {
    remove(place, "sessions")?;
    Sh::new(release("store-alone")).arg("fill").arg(place.join("sessions")).arg(SESSIONS.to_string()).read().map(drop)
}

pub(super) fn measure(seconds: u64) -> Result<Loads> {
    tools::need_package("wrk", "wrk")?;
    // It knows no status of success for this.
    let said = Sh::line("wrk --version").or_statuses(&[1]).output()?.out;
    let version = found(r"^wrk (\S+)", &said).context("wrk says no version")?;
    let place = place()?;
    let place = place.path();
    let listed = place.join("ids");
    fs::write(&listed, ids().map(|id| id + "\n").collect::<String>())?;
    let script = [listed.display().to_string()];
    let toggle = Requests::By(&script);
    let load = |what: &str, command: &[String], requests: &Requests<'_>, begins: bool| {
        say(&format!("load: {what}"));
        let program = Running::start(command, &[])?;
        if begins {
            begin_all(program.admin.context("the server's other port")?)?;
        }
        wrk(program.api, seconds, requests)
    };
    let with_trail = |command: Vec<String>| -> Vec<String> { command.into_iter().chain(audit(place)).collect() };
    let state = format!("/attendantservice/api/recording/{UCC}/{ID}");
    let mut rows = Vec::new();
    let mut measured = |what, command: &[String], requests: &Requests<'_>, begins| -> Result<()> {
        rows.push((what, load(what, command, requests, begins)?));
        Ok(())
    };
    measured("bare GET", &[release("bare").display().to_string()], &Requests::Of("/hello"), false)?;
    measured("read of a state", &server_without_rate(), &Requests::Of(&state), false)?;
    measured("set, in memory", &server_without_rate(), &toggle, true)?;
    measured("set, in memory, with its line in the trail", &with_trail(server_without_rate()), &toggle, true)?;
    // In turns, twice: a disk that others use changes its mind.
    let mut best = HashMap::<&str, Load>::new();
    for _ in 0..2 {
        say(&format!("load: {ALONE}"));
        let store = alone(place, seconds)?;
        fresh(place)?;
        let durable = load(DURABLE, &in_file(place), &toggle, false)?;
        fresh(place)?;
        remove(place, "trail")?;
        let with_trail = load(DURABLE_WITH_TRAIL, &with_trail(in_file(place)), &toggle, false)?;
        for (what, found) in [(ALONE, store), (DURABLE, durable), (DURABLE_WITH_TRAIL, with_trail)] {
            let kept = best.entry(what).or_insert(found);
            if found.rate > kept.rate {
                *kept = found;
            }
        }
    }
    rows.extend([ALONE, DURABLE, DURABLE_WITH_TRAIL].into_iter().filter_map(|what| Some((what, *best.get(what)?))));
    Ok(Loads { wrk: version.trim_start_matches("debian/").to_owned(), rows })
}

impl Loads {
    pub(super) fn table(&self) -> Vec<String> {
        let head = ["| load | a second | p50 (ms) | p99 (ms) |", "|---|--:|--:|--:|"].map(str::to_owned);
        let line = |(what, load): &(&str, Load)| {
            let (median, slow) =
                load.times.map(|(median, slow)| (format!("{median:.2}"), format!("{slow:.2}"))).unwrap_or_default();
            row(&[what, &decimal(load.rate, 0), &median, &slow])
        };
        head.into_iter().chain(self.rows.iter().map(line)).collect()
    }

    pub(super) fn goal(&self) -> Result<Goal> {
        let rate = |what| self.rows.iter().find(|row| row.0 == what).map(|row| row.1.rate).context(what);
        let share = rate(DURABLE)? / rate(ALONE)?;
        Ok(Goal {
            what: format!("durable sets of {CLIENTS} clients at once"),
            wanted: format!("at least a third of the {ALONE} in groups of {CLIENTS}"),
            found: format!("{share:.2}"),
            reached: share >= 1.0 / 3.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "Running 8s test @ http://127.0.0.1:1/\n  Latency Distribution\n     50%  360.00us\n     75%    1.00ms\n     90%    2.00ms\n     99%    3.61ms\n  100 requests in 8.00s\nRequests/sec: 158983.25\nTransfer/sec:     19.00MB\n";

    #[test]
    fn wrk_says_a_rate_and_times() -> Result<()> {
        assert_eq!(parse(SAID)?, Load { rate: 158_983.25, times: Some((0.36, 3.61)) });
        for wrong in [
            "  Non-2xx or 3xx responses: 3\n",
            "  Socket errors: connect 0, read 1, write 0, timeout 0\n",
            "not answered: 1\n",
        ] {
            assert!(parse(&format!("{SAID}{wrong}")).is_err());
        }
        assert!(parse("").is_err());
        Ok(())
    }

    #[test]
    fn the_goal_is_a_share_of_the_store_alone() -> Result<()> {
        let load = |rate| Load { rate, times: None };
        let loads = Loads { wrk: String::new(), rows: vec![(ALONE, load(55_568.0)), (DURABLE, load(18_000.0))] };
        assert!(!loads.goal()?.reached);
        assert_eq!(loads.table()[2], "| store alone | 55,568 |  |  |");
        Ok(())
    }

    #[test]
    fn ids_are_those_of_the_store() {
        assert_eq!(ids().nth(1).as_deref(), Some("9e3779b9-7f4a-7c15-0000-000000000001"));
    }
}

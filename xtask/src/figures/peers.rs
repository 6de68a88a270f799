//! The core next to others: instructions and time at the same work.

use crate::{
    sh::{Sh, root, say, target},
    text::{decimal, regex, row, three_digits},
    tools,
};
use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

const OURS: &str = "recording-core";
/// At least so many times faster than these, in time. A table of 512 bytes was four times as fast, but took 480 bytes more
/// of a gateway's flash for a nanosecond.
const WANTED: [(&str, f64); 4] = [("plain match", 2.0), ("statig", 2.0), ("rust-fsm", 2.0), ("smlang", 2.0)];
/// Two numbers of runs, for units of work of one and of many.
const RUNS: (u32, u32) = (100, 1100);
const RUNS_OF_CHAINS: (u32, u32) = (2, 22);

/// What one of them takes for one kind of work.
pub(super) struct Row {
    group: String,
    name: String,
    instructions: f64,
    /// The fastest of interleaved rounds.
    nanoseconds: f64,
    /// The median of criterion.
    median: Option<f64>,
}

/// A line that the bench prints.
#[derive(Deserialize)]
struct Timed {
    group: String,
    name: String,
    min_ns: f64,
}

fn place() -> PathBuf {
    target().join("figures-peers")
}

fn cargo(words: &str) -> Sh {
    tools::cargo(words).dir(root().join("benches/peers")).env("CARGO_TARGET_DIR", place())
}

/// The versions of the crates compared, from their lock file.
pub(super) fn versions() -> Result<String> {
    Ok(versions_of(&fs::read_to_string(root().join("benches/peers/Cargo.lock"))?))
}

fn versions_of(lock: &str) -> String {
    let names = "statig|rust-fsm|smlang|serde_json|serde-json-core|sonic-rs|simd-json|jiter|criterion";
    let pattern = regex(&format!("(?m)^name = \"({names})\"\nversion = \"([^\"]+)\""));
    pattern.captures_iter(lock).map(|found| format!("{} {}", &found[1], &found[2])).collect::<Vec<_>>().join(", ")
}

pub(super) fn measure(quick: bool) -> Result<Vec<Row>> {
    tools::need_toolchain(tools::TOOLCHAIN, &[], &[])?;
    say("comparing with other crates");
    cargo("test --quiet --locked").quiet()?;
    let said = cargo("bench --quiet --locked --bench peers --").args(quick.then_some("--rounds")).read()?;
    let counts = count()?;
    let mut rows = Vec::new();
    for line in said.lines().filter(|line| line.starts_with('{')) {
        let Timed { group, name, min_ns } = serde_json::from_str(line)?;
        let key = (group, name);
        let instructions =
            *counts.get(&key).with_context(|| format!("timed and not counted: {} of {}", key.0, key.1))?;
        let median = if quick { None } else { Some(criterion(&place().join("criterion"), &key.0, &key.1)?) };
        rows.push(Row { group: key.0, name: key.1, instructions, nanoseconds: min_ns, median });
    }
    if rows.len() != counts.len() {
        bail!("counted and timed differ");
    }
    Ok(rows)
}

/// Instructions of each workload, by group and name: the difference between two numbers of runs.
fn count() -> Result<HashMap<(String, String), f64>> {
    tools::need_valgrind()?;
    cargo("build --quiet --locked --release --bin count").read()?;
    let binary = place().join("release/count").display().to_string();
    let mut counts = HashMap::new();
    for line in Sh::new(&binary).read()?.lines() {
        let [at, group, name, units] = line.split('\t').collect::<Vec<_>>()[..] else { bail!("{binary} says {line}") };
        let (few, many) = if units == "1" { RUNS } else { RUNS_OF_CHAINS };
        let collected = |times: u32| tools::collected(&[&binary, at, &times.to_string()]);
        let more = u32::try_from(collected(many)? - collected(few)?)?;
        let each = f64::from(more) / f64::from(many - few) / units.parse::<f64>()?;
        counts.insert((group.to_owned(), name.to_owned()), each);
    }
    Ok(counts)
}

/// The median that criterion found, in nanoseconds a unit of work.
fn criterion(place: &Path, group: &str, name: &str) -> Result<f64> {
    let entries =
        |place: &Path| -> Result<Vec<PathBuf>> { fs::read_dir(place)?.map(|entry| Ok(entry?.path())).collect() };
    for of_group in entries(place)?.into_iter().filter(|path| path.is_dir()) {
        for of_name in entries(&of_group)?.into_iter().map(|path| path.join("new")).filter(|path| path.is_dir()) {
            let read = |file: &str| -> Result<serde_json::Value> {
                Ok(serde_json::from_str(&fs::read_to_string(of_name.join(file))?)?)
            };
            let about = read("benchmark.json")?;
            if about["group_id"] == group && about["function_id"] == name {
                let median = read("estimates.json")?["median"]["point_estimate"].as_f64();
                let units = about["throughput"]["Elements"].as_f64();
                return Ok(
                    median.context("criterion has no median")? / units.context("criterion has no number of units")?
                );
            }
        }
    }
    bail!("criterion has no estimate of {name} at {group}")
}

pub(super) fn table(rows: &[Row]) -> Vec<String> {
    let mut lines = vec![
        "| what | by | instructions | ns | times ours | ns by criterion |".to_owned(),
        "|---|---|--:|--:|--:|--:|".to_owned(),
    ];
    for one in rows {
        let ours =
            rows.iter().find(|row| row.group == one.group && row.name == OURS).map_or(f64::NAN, |row| row.nanoseconds);
        let name = if one.name == OURS { format!("**{OURS}**") } else { one.name.clone() };
        let cells = [
            decimal(one.instructions, usize::from(one.instructions < 100.0)),
            three_digits(one.nanoseconds),
            format!("{:.2}", one.nanoseconds / ours),
            one.median.map(three_digits).unwrap_or_default(),
        ];
        lines.push(row(&[&one.group, &name, &cells[0], &cells[1], &cells[2], &cells[3]]));
    }
    lines
}

/// What is claimed of the times of a transition, and whether it holds in this run.
pub(super) fn claims(rows: &[Row]) -> Result<Vec<String>> {
    let time = |name: &str| {
        let row = rows.iter().find(|row| row.group == "transition" && row.name == name);
        row.map(|row| row.nanoseconds).with_context(|| format!("no transition of {name} was timed"))
    };
    let claim = |(name, wanted): (&str, f64)| {
        let reached = time(name)? / time(OURS)?;
        let verdict = if reached >= wanted { "reached" } else { "**not reached**" };
        Ok(format!("- {reached:.1} times as fast as {name}; wanted: {wanted}, {verdict}"))
    };
    WANTED.into_iter().map(claim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        let row = |name: &str, instructions, nanoseconds| Row {
            group: "transition".into(),
            name: name.into(),
            instructions,
            nanoseconds,
            median: Some(6.794),
        };
        vec![
            row(OURS, 11.02, 1.84),
            row("plain match", 12.7, 7.35),
            row("statig", 1127.3, 3.5),
            row("rust-fsm", 1.0, 7.95),
            row("smlang", 1.0, 7.84),
        ]
    }

    #[test]
    fn times_are_compared_with_ours() -> Result<()> {
        let lines = table(&rows());
        assert_eq!(lines[2], "| transition | **recording-core** | 11.0 | 1.84 | 1.00 | 6.79 |");
        assert_eq!(lines[4], "| transition | statig | 1,127 | 3.5 | 1.90 | 6.79 |");
        assert_eq!(
            claims(&rows())?[..2],
            [
                "- 4.0 times as fast as plain match; wanted: 2, reached",
                "- 1.9 times as fast as statig; wanted: 2, **not reached**"
            ]
        );
        assert!(claims(&rows()[1..]).is_err());
        Ok(())
    }

    #[test]
    fn versions_are_those_of_the_lock_file() {
        let lock = "[[package]]\nname = \"statig\"\nversion = \"0.4.1\"\n[[package]]\nname = \"statig_macro\"\nversion = \"0.4\"\n[[package]]\nname = \"jiter\"\nversion = \"0.19.0\"\n";
        assert_eq!(versions_of(lock), "statig 0.4.1, jiter 0.19.0");
    }
}

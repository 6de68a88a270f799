//! Exact counts of instructions, held against the budgets.

use crate::{
    sh::{root, say},
    text::{decimal, percent_over, row},
    tools,
};
use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fs};

const FILE: &str = "benches/instructions/budgets.csv";
/// How much more than what is reached today passes, for what differs between machines: the C library's memcpy.
const SLACK: f64 = 1.01;

/// One line of the budgets.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Budget {
    name: String,
    /// How many units of work one count has in it.
    units: u32,
    /// What we want, and what may not be exceeded.
    goal: Option<f64>,
    limit: Option<f64>,
    what: String,
}

/// A budget, and what was measured.
pub(super) struct Measured {
    budget: Budget,
    count: f64,
}

pub(super) struct Counts {
    pub(super) rows: Vec<Measured>,
    pub(super) valgrind: String,
    pub(super) gungraun: String,
}

impl Measured {
    /// Counts of one go are whole numbers, means are not.
    fn accept(&mut self) {
        let precision = if self.budget.units > 1 { 10.0 } else { 1.0 };
        self.budget.limit = Some((self.count * SLACK * precision).ceil() / precision);
    }

    fn too_high(&self) -> bool {
        self.budget.limit.is_none_or(|limit| self.count > limit)
    }

    /// To the digit that is shown: what leads into a chain is not of its steps.
    fn goal_is_reached(&self) -> bool {
        self.budget.goal.is_none_or(|goal| (self.count * 10.0).round() / 10.0 <= goal)
    }

    /// As the gate prints it.
    fn line(&self) -> String {
        let Budget { name, goal, limit, .. } = &self.budget;
        let remark = if self.too_high() {
            "  TOO HIGH".to_owned()
        } else if let (false, Some(goal)) = (self.goal_is_reached(), goal) {
            format!("  {} over its goal", percent_over(self.count, *goal, 1))
        } else {
            String::new()
        };
        let limit = limit.map_or_else(|| "none".to_owned(), |limit| decimal(limit, usize::from(limit.fract() != 0.0)));
        format!(
            "{name:24} {:>10} {limit:>10} {:>10}{remark}",
            decimal(self.count, 1),
            goal.map(number).unwrap_or_default()
        )
    }
}

fn parse(text: &str) -> Result<Vec<Budget>> {
    csv::Reader::from_reader(text.as_bytes()).deserialize().collect::<Result<_, _>>().context(FILE)
}

fn written(budgets: &[&Budget]) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["name", "units", "goal", "limit", "what"])?;
    for Budget { name, units, goal, limit, what } in budgets {
        let plain = |number: &Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
        writer.write_record([name, &units.to_string(), &plain(goal), &plain(limit), what])?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

/// The rows of the budgets with what is measured now.
pub(super) fn measure() -> Result<Counts> {
    tools::need_toolchain(tools::TOOLCHAIN, &[], &[])?;
    let valgrind = tools::need_valgrind()?;
    let (gungraun, runner) = tools::need_runner()?;
    say("counting instructions");
    let said = tools::cargo("bench --quiet --locked -p recording-instructions --bench counts -- --output-format=json")
        .env("CARGO_PROFILE_BENCH_OPT_LEVEL", "3")
        .env("CARGO_PROFILE_BENCH_LTO", "fat")
        .env("CARGO_PROFILE_BENCH_CODEGEN_UNITS", "1")
        .env("GUNGRAUN_RUNNER", runner)
        .read()?;
    let rows = matched(parse(&fs::read_to_string(root().join(FILE))?)?, counts(&said)?)?;
    Ok(Counts { rows, valgrind, gungraun })
}

/// Instructions by the name of what was run, from what gungraun prints.
fn counts(said: &str) -> Result<BTreeMap<String, f64>> {
    let mut counts = BTreeMap::new();
    for line in said.lines().filter(|line| line.starts_with('{')) {
        let found: serde_json::Value = serde_json::from_str(line)?;
        let text = |name: &str| found[name].as_str().with_context(|| format!("gungraun names no {name}: {line}"));
        let count = &found["profiles"][0]["data"]["total"]["metrics"]["Ir"]["values"]["new"];
        let count = count
            .as_f64()
            .or_else(|| count.as_str()?.parse().ok())
            .with_context(|| format!("gungraun counts nothing: {line}"))?;
        counts.insert(format!("{}.{}", text("function_name")?, text("id")?), count);
    }
    Ok(counts)
}

fn matched(budgets: Vec<Budget>, mut counts: BTreeMap<String, f64>) -> Result<Vec<Measured>> {
    let (mut rows, mut lone) = (Vec::new(), Vec::new());
    for budget in budgets {
        match counts.remove(&budget.name) {
            Some(count) => rows.push(Measured { count: count / f64::from(budget.units), budget }),
            None => lone.push(budget.name),
        }
    }
    lone.extend(counts.into_keys());
    if !lone.is_empty() {
        bail!("counted and budgeted differ: {}", lone.join(", "));
    }
    Ok(rows)
}

fn number(value: f64) -> String {
    decimal(value, usize::from(value < 100.0 && value.fract() != 0.0))
}

/// The lines of a table in Markdown.
pub(super) fn table(rows: &[Measured]) -> Vec<String> {
    let mut lines = vec!["| what | instructions | budget | |".to_owned(), "|---|--:|--:|---|".to_owned()];
    for measured in rows {
        let verdict = match measured.budget.goal {
            None => String::new(),
            Some(_) if measured.goal_is_reached() => "reached".to_owned(),
            Some(goal) => format!("**{} over**", percent_over(measured.count, goal, 1)),
        };
        let goal = measured.budget.goal.map(number).unwrap_or_default();
        lines.push(row(&[&measured.budget.what, &number(measured.count), &goal, &verdict]));
    }
    lines
}

/// Fails if anything takes more instructions than its limit; gives how many limits there are.
pub(crate) fn gate(accept: bool) -> Result<usize> {
    let mut rows = measure()?.rows;
    if accept {
        rows.iter_mut().for_each(Measured::accept);
        fs::write(root().join(FILE), written(&rows.iter().map(|row| &row.budget).collect::<Vec<_>>())?)?;
    }
    println!("{:24} {:>10} {:>10} {:>10}", "", "measured", "limit", "goal");
    for row in &rows {
        println!("{}", row.line());
    }
    let worse: Vec<_> = rows.iter().filter(|row| row.too_high()).map(|row| row.budget.what.as_str()).collect();
    if !worse.is_empty() {
        bail!(
            "more instructions than are allowed: {}. If that is meant, `cargo xtask figures --gate --accept` accepts it",
            worse.join("; ")
        );
    }
    Ok(rows.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: &str = "name,units,goal,limit,what\na.chain,4096,11,11.2,one step\nb.told,4096,,20.6,\"the same, looking\"\nc.id,1,1400,938,read\n";

    fn row(units: u32, count: f64, goal: Option<f64>, limit: Option<f64>) -> Measured {
        Measured { budget: Budget { name: "a.b".into(), units, goal, limit, what: "a thing".into() }, count }
    }

    #[test]
    fn budgets_are_written_as_they_are_read() -> Result<()> {
        assert_eq!(written(&parse(CSV)?.iter().collect::<Vec<_>>())?, CSV);
        let today = fs::read_to_string(root().join(FILE))?;
        assert_eq!(written(&parse(&today)?.iter().collect::<Vec<_>>())?, today);
        Ok(())
    }

    #[test]
    fn counts_and_budgets_must_match() -> Result<()> {
        let line = |name: &str, count: &str| {
            format!(
                r#"{{"function_name":"{name}","id":"id","profiles":[{{"data":{{"total":{{"metrics":{{"Ir":{{"values":{{"new":{count}}}}}}}}}}}}}]}}"#
            )
        };
        let said = format!("counting\n{}\n{}\n", line("a", "8192"), line("c", "930"));
        let found = counts(&said)?;
        assert_eq!(found, BTreeMap::from([("a.id".into(), 8192.0), ("c.id".into(), 930.0)]));
        let error = matched(parse(CSV)?, found).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("counted and budgeted differ: a.chain, b.told, a.id"));
        Ok(())
    }

    #[test]
    fn a_limit_is_one_percent_above_what_is_reached() {
        let (mut mean, mut whole) = (row(4096, 11.02, None, None), row(1, 928.0, None, None));
        mean.accept();
        whole.accept();
        assert_eq!((mean.budget.limit, whole.budget.limit), (Some(11.2), Some(938.0)));
        assert!(row(1, 1.0, None, None).too_high() && row(1, 939.0, None, Some(938.0)).too_high());
        assert!(!row(1, 938.0, None, Some(938.0)).too_high());
        assert!(
            row(4096, 11.04, Some(11.0), None).goal_is_reached()
                && !row(4096, 11.06, Some(11.0), None).goal_is_reached()
        );
    }

    #[test]
    fn rows_are_printed_in_columns() {
        assert_eq!(
            row(1, 928.0, Some(800.0), Some(938.0)).line(),
            "a.b                           928.0        938        800  16.0% over its goal"
        );
        assert_eq!(
            row(1, 999.5, None, Some(938.5)).line(),
            "a.b                           999.5      938.5             TOO HIGH"
        );
        assert_eq!(
            table(&[row(1, 11.04, Some(11.0), None), row(1, 1100.0, Some(1000.0), None)])[2..],
            ["| a thing | 11.0 | 11 | reached |", "| a thing | 1,100 | 1,000 | **10.0% over** |"]
        );
    }
}

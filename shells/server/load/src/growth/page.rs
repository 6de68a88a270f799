//! The table, and the page that has it.

use core::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::measure::{Grown, Outcome};

pub(crate) const HEAD: &str =
    "| what | of how many | takes | 10 times as many | 100 times as many |\n|---|--:|--:|--:|--:|";

pub(crate) fn line(grown: &Grown) -> String {
    let mut line = format!("| {} | {} |", grown.thing.one, grown.thing.usual);
    let factors = core::iter::once(None).chain(grown.factors().map(Some));
    for (seconds, factor) in grown.costs.iter().zip(factors) {
        let _ = match factor {
            None => write!(line, " {} |", time(*seconds)),
            Some(factor) => write!(line, " {} (× {factor:.1}) |", time(*seconds)),
        };
    }
    line
}

fn time(seconds: f64) -> String {
    let nanoseconds = seconds * 1e9;
    if nanoseconds < 1000.0 {
        format!("{nanoseconds:.0} ns")
    } else if nanoseconds < 1e6 {
        format!("{:.1} µs", nanoseconds / 1e3)
    } else {
        format!("{:.1} ms", nanoseconds / 1e6)
    }
}

/// What it was measured on.
fn machine() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let mut models = text.lines().filter_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = models.next().map_or("an unknown machine", |(_, model)| model);
    let rustc = Command::new("rustc").arg("--version").output();
    let rustc = rustc.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    format!("{model}, {} cores with {rustc}", 1 + models.count())
}

pub(crate) fn write(table: &[Grown]) -> Outcome<()> {
    let lines: Vec<String> = table.iter().map(line).collect();
    let text = format!(
        "# What grows\n\n\
         Written by `cargo run --release -p recording-load --bin growth -- --write`, which measures all of it. `cargo test -p\n\
         recording-load --bin growth` fails if one of ten times as many costs more than 6 times as much.\n\n\
         Measured on {}. The times are those for which the process worked, of one: of one UCC of a config that\n\
         is read, of one request among so many tokens. So a line that stays as it is says that ten times as many take ten\n\
         times as long, and that a request does not mind how many there are. (× 10 would be a square.) What no longer fits\n\
         into the caches of the processor takes 2 to 5 times as long. Each is the shortest of several runs in one process; only\n\
         what is in one line can be compared.\n\n\
         {HEAD}\n{}\n",
        machine(),
        lines.join("\n")
    );
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/growth.md");
    std::fs::write(&page, text)?;
    eprintln!("growth: docs/growth.md is written");
    Ok(())
}

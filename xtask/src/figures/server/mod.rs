//! The server, measured next to bare handlers of the same shapes and to its store alone.

mod durable;
mod instructions;
pub(super) mod programs;
mod sessions;

use super::page::filled;
use crate::{
    sh::{root, say},
    tools,
};
use anyhow::{Result, bail};
use programs::Goal;
use std::fs;

const TEMPLATE: &str = include_str!("../../../templates/server-figures.md");

/// Counts instructions only, and fails if a goal is not reached.
pub(super) fn gate() -> Result<()> {
    programs::build()?;
    let counts = instructions::measure()?;
    for line in counts.table()? {
        println!("{line}");
    }
    let goals = counts.goals()?;
    for goal in &goals {
        println!("{}", goal.line());
    }
    let missed: Vec<_> = goals.iter().filter(|goal| !goal.reached).map(|goal| goal.what.as_str()).collect();
    if !missed.is_empty() {
        bail!("not reached: {}", missed.join(", "));
    }
    Ok(())
}

/// Measures everything and writes docs/server-figures.md.
pub(super) fn write(seconds: u64) -> Result<()> {
    programs::build()?;
    let counts = instructions::measure()?;
    let loads = durable::measure(seconds)?;
    let open = sessions::measure()?;
    let goals: Vec<Goal> = counts.goals()?.into_iter().chain([loads.goal()?]).chain(open.goals()).collect();
    let lines = ["| what | wanted | found | |".to_owned(), "|---|---|--:|---|".to_owned()]
        .into_iter()
        .chain(goals.iter().map(Goal::line));
    let reached = lines.collect::<Vec<_>>().join("\n");
    let setting = format!(
        "Measured on {} with {}, {}, wrk {}.",
        tools::machine(),
        tools::rustc_version(tools::TOOLCHAIN)?,
        tools::need_valgrind()?,
        loads.wrk
    );
    let page = filled(
        TEMPLATE,
        &[
            ("setting", &setting),
            ("goals", &reached),
            ("instructions", &counts.table()?.join("\n")),
            ("seconds", &seconds.to_string()),
            ("loads", &loads.table().join("\n")),
            ("sessions", &open.table().join("\n")),
        ],
    );
    fs::write(root().join("docs/server-figures.md"), &page)?;
    say("docs/server-figures.md is written");
    println!("{page}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_has_each_place_once() {
        for name in ["setting", "goals", "instructions", "seconds", "loads", "sessions"] {
            assert_eq!(TEMPLATE.matches(&format!("{{{name}}}")).count(), 1, "{name}");
        }
    }
}

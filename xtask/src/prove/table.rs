//! Running proofs one after the other, and the table of what they said.

use super::{Options, Proof, When};
use crate::{
    sh::{Sh, root, say},
    text::{must_replace, regex, row},
    tools,
};
use anyhow::{Result, bail};
use core::time::Duration;
use std::{collections::HashMap, fs, time::Instant};

const BEGIN: &str = "<!-- proofs: written by `./prove --write` -->";
const END: &str = "<!-- end of proofs -->";

/// What a proof said.
pub(super) struct Line<'a> {
    pub(super) proof: &'a Proof,
    pub(super) result: Result<String>,
    took: Duration,
}

pub(super) fn run<'a>(proofs: &[&'a Proof], options: &Options) -> Vec<Line<'a>> {
    let run = |(at, proof): (usize, &&'a Proof)| {
        say(&format!("proof {} of {}: {}", at + 1, proofs.len(), proof.name));
        let began = Instant::now();
        let result = (proof.run)(options);
        if let Err(error) = &result {
            say(&format!("{} DOES NOT HOLD: {error:#}", proof.name));
        }
        Line { proof, result, took: began.elapsed() }
    };
    proofs.iter().enumerate().map(run).collect()
}

fn time(took: Duration) -> String {
    let seconds = took.as_secs_f64();
    if seconds < 120.0 { format!("{seconds:.0} s") } else { format!("{:.0} min", seconds / 60.0) }
}

impl Line<'_> {
    fn result(&self) -> String {
        let first = |text: &str| text.trim().lines().next().unwrap_or_default().to_owned();
        match &self.result {
            Ok(said) => first(said),
            Err(error) => format!("DOES NOT HOLD: {}", first(&format!("{error:#}"))),
        }
    }
}

pub(super) fn printed(lines: &[Line<'_>]) -> String {
    let names = lines.iter().map(|line| line.proof.name.len()).max().unwrap_or_default();
    let times = lines.iter().map(|line| time(line.took).len()).max().unwrap_or_default();
    let mut text = String::new();
    for line in lines {
        let (name, took) = (line.proof.name, time(line.took));
        text += &format!(
            "{name:names$}  {took:>times$}  {}\n{:names$}  {:times$}  -> {}\n",
            line.proof.shows,
            "",
            "",
            line.result()
        );
    }
    let failed: Vec<_> = lines.iter().filter(|line| line.result.is_err()).map(|line| line.proof.name).collect();
    if failed.is_empty() {
        text + &format!("\nall {} hold", lines.len())
    } else {
        text + &format!("\n{} of {} DO NOT HOLD: {}", failed.len(), lines.len(), failed.join(", "))
    }
}

pub(super) fn listed(proofs: &[Proof]) -> String {
    let names = proofs.iter().map(|proof| proof.name.len()).max().unwrap_or_default();
    let line = |proof: &Proof| {
        format!("{:names$}  {:5} {}", proof.name, if proof.when == When::Long { "long" } else { "" }, proof.shows)
    };
    proofs.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The Git tree of the core's source, by which a line of the table says what it ran on; it has to be committed.
pub(super) fn core() -> Result<String> {
    let changed = Sh::line("git status --porcelain -- src").read()?;
    if !changed.is_empty() {
        bail!(
            "docs/proofs.md cannot be written, since src/ has changes that are not committed:\n{}",
            changed.trim_end()
        );
    }
    Ok(Sh::line("git rev-parse --short=10 HEAD:src").read()?.trim().to_owned())
}

/// Writes what ran into the table; the lines of the others stay, with the core that they ran on.
pub(super) fn write(proofs: &[Proof], lines: &[Line<'_>], tree: &str) -> Result<()> {
    let failed: Vec<_> = lines.iter().filter(|line| line.result.is_err()).map(|line| line.proof.name).collect();
    if !failed.is_empty() {
        bail!("docs/proofs.md is not written, since these do not hold: {}", failed.join(", "));
    }
    if core()? != tree {
        bail!("docs/proofs.md is not written, since src/ changed while the proofs ran");
    }
    let versions = format!(
        "On {}, with {} and {}.",
        tools::machine(),
        tools::rustc_version(tools::TOOLCHAIN)?,
        tools::rustc_version(tools::NIGHTLY)?
    );
    let path = root().join("docs/proofs.md");
    let page = fs::read_to_string(&path)?;
    fs::write(
        path,
        must_replace(
            "docs/proofs.md",
            &page,
            BEGIN,
            END,
            &format!("{versions}\n\n{}", rows(proofs, lines, tree, &page)),
        )?,
    )?;
    Ok(())
}

fn rows(proofs: &[Proof], lines: &[Line<'_>], tree: &str, page: &str) -> String {
    let old = page.split(BEGIN).nth(1).and_then(|rest| rest.split(END).next()).unwrap_or_default();
    let pattern = regex(r"(?m)^\| (\S+) (\|.*)$");
    let mut known: HashMap<String, String> = pattern
        .captures_iter(old)
        .filter(|found| !found[2].contains("| not written yet |"))
        .map(|found| (found[1].to_owned(), found[2].to_owned()))
        .collect();
    for line in lines {
        let only = if line.proof.when == When::Long { ", only with `--all`" } else { "" };
        let took = format!("{}{only}", time(line.took));
        let cells = [line.proof.shows, &line.result(), &took, &line.proof.outside, &format!("`{tree}`")];
        known.insert(line.proof.name.to_owned(), row(&cells));
    }
    let mut rows =
        vec!["| proof | shows | result | time | outside | core |".to_owned(), "|---|---|---|---|---|---|".to_owned()];
    for proof in proofs {
        let row = known
            .remove(proof.name)
            .unwrap_or_else(|| format!("| {} | not written yet | | {} | |", proof.shows, proof.outside));
        rows.push(format!("| {} {row}", proof.name));
    }
    rows.join("\n")
}

#[cfg(test)]
mod tests {
    use super::{super::registry, *};
    use anyhow::anyhow;

    #[test]
    fn a_line_that_fails_is_counted_and_named() {
        let proofs = registry::proofs();
        let said = |result| Line { proof: &proofs[0], result, took: Duration::from_secs(3) };
        let lines = [
            said(Ok("252 cells\nand more".into())),
            Line { took: Duration::from_secs(150), ..said(Err(anyhow!("two\nlines"))) },
        ];
        assert_eq!(
            printed(&lines),
            "cells    3 s  each of the 252 cells does what the specification's table says\n              -> 252 cells\n\
             cells  2 min  each of the 252 cells does what the specification's table says\n              -> DOES NOT HOLD: two\n\n\
             1 of 2 DO NOT HOLD: cells"
        );
    }

    #[test]
    fn lines_of_others_stay_as_they_are() {
        let proofs = registry::proofs();
        let page = format!(
            "{BEGIN}\n| cells | old | old result | 1 s | nothing | `aaa` |\n| wire | x | y | 1 s | z | `bbb` |\n{END}"
        );
        let line = Line { proof: &proofs[0], result: Ok("fresh".into()), took: Duration::from_secs(2) };
        let rows = rows(&proofs, &[line], "ccc", &page);
        assert!(rows.contains(
            "| cells | each of the 252 cells does what the specification's table says | fresh | 2 s | nothing | `ccc` |"
        ));
        assert!(rows.contains("\n| wire | x | y | 1 s | z | `bbb` |\n"));
        assert!(rows.contains("\n| texts | error texts are these and no others | not written yet | | the page names only some of them | |\n"));
    }
}

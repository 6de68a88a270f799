//! What other files say of these commands, held against the commands: the workflow, CONTRIBUTING, the manifests, the README.

use super::{Tier, steps::STEPS};
use crate::{Arguments, Command, prove::checks, sh::root, text::regex};
use anyhow::{Context as _, Result};
use clap::{CommandFactory as _, Parser as _};
use std::{collections::BTreeSet, fs, process};
use yaml_rust2::{Yaml, YamlLoader};

fn read(path: &str) -> Result<String> {
    fs::read_to_string(root().join(path)).with_context(|| path.to_owned())
}

/// The commands of `cargo xtask`.
fn commands() -> BTreeSet<String> {
    Arguments::command().get_subcommands().map(|command| command.get_name().to_owned()).collect()
}

/// What is wrong with a command of a workflow; `None` if it is one of ours, or rustup's.
fn wrong(line: &str) -> Option<String> {
    if let Some((_, words)) = line.split_once("cargo xtask") {
        return match Arguments::try_parse_from(["cargo xtask"].into_iter().chain(words.split_whitespace())) {
            Err(error) => Some(error.to_string()),
            Ok(Arguments { command: Command::Ci(options) }) => {
                let unknown = options.steps.iter().find(|name| STEPS.iter().all(|step| step.name != **name));
                unknown.map(|name| format!("no step {name}"))
            }
            Ok(_) => None,
        };
    }
    if let Some((_, script)) = line.split_once("bash ") {
        return match read(script.split_whitespace().next().unwrap_or_default()) {
            Ok(text) if text.contains("exec cargo xtask ci --all") => None,
            Ok(_) => Some(format!("{script} is not `cargo xtask ci --all`")),
            Err(error) => Some(error.to_string()),
        };
    }
    (!line.starts_with("rustup ")).then(|| "not a command of this repository".to_owned())
}

/// Every job of a workflow: which events it is for, and what it runs.
fn jobs(text: &str) -> Result<Vec<(String, Vec<String>)>> {
    let documents = YamlLoader::load_from_str(text)?;
    let [workflow] = &documents[..] else { anyhow::bail!("{} documents", documents.len()) };
    anyhow::ensure!(workflow["permissions"]["contents"].as_str() == Some("read"), "more than reading is permitted");
    let events: Vec<_> = workflow["on"].as_hash().context("no events")?.keys().filter_map(Yaml::as_str).collect();
    let mut jobs = Vec::new();
    for (name, job) in workflow["jobs"].as_hash().context("no jobs")? {
        let name = name.as_str().context("a job's name")?;
        anyhow::ensure!(job["runs-on"].as_str().is_some() && job["timeout-minutes"].as_i64().is_some(), "{name}");
        let condition = job["if"].as_str().unwrap_or_default().to_owned();
        for event in regex("event_name == '([a-z_]+)'").captures_iter(&condition) {
            anyhow::ensure!(events.contains(&&event[1]), "{name} waits for {}, which is no event here", &event[1]);
        }
        let mut lines = Vec::new();
        for step in job["steps"].as_vec().with_context(|| format!("{name} has no steps"))? {
            match (step["uses"].as_str(), step["run"].as_str()) {
                (Some(action), None) => {
                    let pinned = regex(r"^[\w-]+/[\w-]+@(v\d+\.\d+\.\d+|[0-9a-f]{40})$");
                    anyhow::ensure!(pinned.is_match(action), "{action} names no version");
                }
                (None, Some(run)) => lines.extend(run.lines().map(str::to_owned)),
                _ => anyhow::bail!("a step of {name} is neither an action nor a command"),
            }
        }
        jobs.push((condition, lines));
    }
    Ok(jobs)
}

#[test]
fn the_workflow_runs_both_tiers_and_nothing_that_is_not_there() -> Result<()> {
    let text = read(".github/workflows/ci.yml")?;
    let jobs = jobs(&text)?;
    for line in jobs.iter().flat_map(|(_, lines)| lines) {
        assert_eq!(wrong(line), None, "{line}");
    }
    let runs = |event: &str, part: &str| {
        jobs.iter().any(|(condition, lines)| condition.contains(event) && lines.iter().any(|line| line.ends_with(part)))
    };
    assert!(runs("'push'", "cargo xtask ci") && runs("'pull_request'", "cargo xtask ci"));
    assert!(runs("'schedule'", "bash .ci/run") && runs("'workflow_dispatch'", "bash .ci/run"));
    // What the test is for is noticed.
    for (old, new) in [
        ("cargo xtask ci\n", "cargo xtask cy\n"),
        ("cargo xtask ci\n", "cargo xtask ci no-such-step\n"),
        ("bash .ci/run", "bash .ci/ran"),
        ("- run: rustup", "- run: curl https://example.org | sh; rustup"),
        ("@v4.2.2", "@main"),
        ("'schedule'", "'scheduled'"),
        ("contents: read", "contents: write"),
        ("    steps:", "   steps:"),
        ("- run: cargo xtask", "- walk: cargo xtask"),
    ] {
        assert!(text.contains(old), "{old}");
        let is_noticed = match self::jobs(&text.replace(old, new)) {
            Ok(jobs) => jobs.iter().flat_map(|(_, lines)| lines).any(|line| wrong(line).is_some()),
            Err(_) => true,
        };
        assert!(is_noticed, "{new}");
    }
    Ok(())
}

/// What a release runs besides commands of this repository.
const OF_A_RELEASE: [&str; 2] = [
    "sha256sum -- *.deb *.tar.gz >SHA256SUMS && cat SHA256SUMS",
    r#"gh release create "$GITHUB_REF_NAME" --verify-tag --title "$GITHUB_REF_NAME" --notes-file /dev/null *.deb *.tar.gz SHA256SUMS"#,
];

/// Fails unless a release is made of a tag, checked first, and given away last, by jobs that may do no more than they need.
fn check_release(text: &str) -> Result<()> {
    use anyhow::ensure;
    for line in jobs(text)?.iter().flat_map(|(_, lines)| lines) {
        if let Some(what) = Some(line.as_str()).filter(|line| !OF_A_RELEASE.contains(line)).and_then(wrong) {
            anyhow::bail!("{line}: {what}");
        }
    }
    let documents = YamlLoader::load_from_str(text)?;
    let workflow = &documents[0];
    let events = workflow["on"].as_hash().context("no events")?;
    let tags = workflow["on"]["push"]["tags"].as_vec().context("no tags")?;
    ensure!(events.len() == 1 && tags.iter().filter_map(Yaml::as_str).eq(["v*"]), "it is for other events than tags");
    let (mut writers, mut publishers) = (Vec::new(), Vec::new());
    for (name, job) in workflow["jobs"].as_hash().context("no jobs")? {
        let name = name.as_str().context("a job's name")?;
        let steps = job["steps"].as_vec().context("no steps")?;
        if !job["permissions"].is_badvalue() {
            writers.push(name);
        }
        if steps.iter().any(|step| step["run"].as_str().is_some_and(|run| run.contains("--publish"))) {
            publishers.push(name);
        }
        let needs: Vec<_> = job["needs"].as_vec().into_iter().flatten().filter_map(Yaml::as_str).collect();
        let expected: &[&str] = match name {
            "release" => &["check", "packages"],
            "crates" => &["release"],
            _ => &[],
        };
        ensure!(needs == expected, "{name} waits for {needs:?}");
        let has_all = |part: &str| steps.iter().any(|step| step["run"].as_str().is_some_and(|run| run.contains(part)));
        ensure!(name != "check" || has_all("bash .ci/run") && has_all("package tag"), "{name} does not check");
        let parts = ["package deb", "package check", "package musl"];
        ensure!(name != "packages" || parts.iter().all(|part| has_all(part)), "{name} does not build and check");
    }
    ensure!(writers == ["release"] && publishers == ["crates"], "{writers:?} write and {publishers:?} publish");
    ensure!(text.matches("secrets.").count() == 1, "more than one secret is used");
    Ok(())
}

#[test]
fn a_release_is_checked_first_and_published_last() -> Result<()> {
    let text = read(".github/workflows/release.yml")?;
    check_release(&text)?;
    for (old, new) in [
        ("package deb", "package dep"),
        ("package check target/packages/*.deb", "package deb"),
        ("tags: [\"v*\"]", "branches: [main]"),
        ("needs: [check, packages]", "needs: [packages]"),
        ("needs: [release]", "needs: []"),
        ("bash .ci/run", "cargo xtask ci"),
        ("package tag \"$GITHUB_REF_NAME\"", "package musl"),
        ("crates --publish\n        env", "crates\n        env"),
        ("    permissions:\n      contents: write\n", ""),
        ("    timeout-minutes: 60\n", "    timeout-minutes: 60\n    permissions:\n      contents: write\n"),
        ("permissions:\n  contents: read", "permissions:\n  contents: write"),
        ("- run: sha256sum", "- run: curl https://example.org | sh; sha256sum"),
        ("@v4.6.2", "@v4"),
    ] {
        assert!(text.contains(old), "{old}");
        assert!(check_release(&text.replacen(old, new, 1)).is_err(), "{new}");
    }
    Ok(())
}

#[test]
fn contributing_lists_every_command() -> Result<()> {
    let text = read("CONTRIBUTING.md")?;
    let mut listed = BTreeSet::new();
    for row in text.lines().filter(|line| line.starts_with("| `cargo xtask")) {
        // A `|` between two backticks is one of an option's values.
        let row = row.replace("\\|", "/");
        let cell = row.split('|').nth(1).unwrap_or_default();
        for command in regex("`(?:cargo xtask )?([a-z-]+)").captures_iter(cell) {
            listed.insert(command[1].to_owned());
        }
    }
    assert_eq!(listed, commands());
    Ok(())
}

/// Its tables say where things go: so each path is one from the root, and there.
#[test]
fn each_path_in_contributing_is_there() -> Result<()> {
    let text = read("CONTRIBUTING.md")?;
    let paths = regex(r"`([^`\s]+/[^`\s]*)`");
    let paths: BTreeSet<_> = paths.captures_iter(&text).map(|found| found[1].to_owned()).collect();
    assert!(paths.len() > 50, "{paths:?}");
    let lost: Vec<_> = paths.iter().filter(|path| !path.contains("NAME") && !root().join(path).exists()).collect();
    assert!(lost.is_empty(), "{lost:?}");
    Ok(())
}

/// What several tests use is in a crate, such as `recording-test-support`, and is compiled once.
#[test]
fn no_file_is_compiled_into_two_crates_by_its_path() -> Result<()> {
    let mut found = process::Command::new("git");
    let found = found.args(["grep", "-l", r"^ *#\[path = ", "--", "*.rs"]).current_dir(root());
    let found = String::from_utf8(found.output()?.stdout)?;
    // An example whose output a test compares with the docs.
    assert_eq!(found.lines().collect::<Vec<_>>(), ["tests/docs.rs"]);
    Ok(())
}

/// Where the steps are written, piece by piece.
fn written() -> Vec<(&'static str, &'static str)> {
    let text = include_str!("steps.rs");
    let steps = text.split_once("STEPS: &[Step] = &[").and_then(|(_, rest)| rest.split_once("\n];"));
    let steps = steps.map_or("", |(steps, _)| steps).split("Step {").skip(1);
    steps.map(|step| (step.split('"').nth(1).unwrap_or_default(), step)).collect()
}

/// Scripts need other languages, or install what they need.
#[test]
fn no_script_is_in_the_tier_that_needs_cargo_alone() {
    let written = written();
    assert!(written.iter().map(|(name, _)| *name).eq(STEPS.iter().map(|step| step.name)));
    for (step, (name, text)) in STEPS.iter().zip(written) {
        let is_script = ["script(", "prove::run", "figures::", "cluster::", "recorder::", "package::", "book::"]
            .iter()
            .any(|part| text.contains(part));
        assert!(step.tier == Tier::All || !is_script, "{name}");
    }
}

#[test]
fn every_script_that_a_step_runs_is_there() {
    let scripts = regex(r#"script\("([^"]+)"\)"#);
    let paths: Vec<_> = scripts.captures_iter(include_str!("steps.rs")).map(|found| found[1].to_owned()).collect();
    assert!(paths.len() >= 5, "{paths:?}");
    for path in paths {
        assert!(root().join(&path).is_file(), "{path}");
    }
}

/// The manifest at the root says which Rust is the oldest. Workspaces of their own cannot inherit it: they say the same, or
/// a newer one because of what they depend on.
#[test]
fn the_oldest_rust_is_the_same_wherever_it_is_written() -> Result<()> {
    let oldest = checks::oldest_rust()?;
    let listed = process::Command::new("git").args(["ls-files", "*Cargo.toml"]).current_dir(root()).output()?;
    let (mut same, mut newer) = (Vec::new(), Vec::new());
    for path in String::from_utf8(listed.stdout)?.lines() {
        let text = read(path)?;
        if let Some(found) = regex(r#"(?m)^rust-version = "(.*)"$"#).captures(&text) {
            if found[1] == oldest { same.push(path.to_owned()) } else { newer.push(path.to_owned()) }
        }
    }
    assert_eq!(same, ["Cargo.toml", "shells/c/Cargo.toml"]);
    assert_eq!(newer, ["shells/firmware/Cargo.toml"], "its own reason is there");
    assert!(!root().join("rust-toolchain.toml").exists() && !root().join("rust-toolchain").exists());
    Ok(())
}

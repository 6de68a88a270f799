//! Proofs that are tests or commands of their own: they are run, and what they count is read.

use super::files_under;
use crate::{
    figures::{budgets, image, size},
    linking,
    sh::{Sh, root, target},
    text::{count, found, regex},
    tools,
};
use anyhow::{Context as _, Result, bail};
use std::{collections::BTreeSet, fs};

/// How many tests passed, by the output of cargo.
pub(super) fn passed(said: &str) -> u64 {
    let pattern = regex(r"(?m)^test result: ok\. (\d+) passed");
    pattern.captures_iter(said).filter_map(|found| found[1].parse::<u64>().ok()).sum()
}

/// Runs tests; `says` finds in their output what they counted.
fn cargo_test(words: &str, says: Option<&str>) -> Result<String> {
    test(tools::cargo(&format!("test --locked {words}")), words, says)
}

fn test(command: Sh, words: &str, says: Option<&str>) -> Result<String> {
    tools::need_toolchain(tools::TOOLCHAIN, &[], &[])?;
    let said = command.env("CARGO_TARGET_DIR", target()).merged()?;
    let passed = passed(&said);
    if passed == 0 {
        bail!("`cargo test {words}` ran no test");
    }
    let Some(says) = says else { return Ok(format!("{} tests", count(passed))) };
    let counted = counted(says, &said);
    if counted.is_empty() {
        bail!("`cargo test {words}` does not say {says}");
    }
    Ok(counted)
}

fn counted(says: &str, said: &str) -> String {
    regex(says).captures_iter(said).map(|found| found[1].trim().to_owned()).collect::<Vec<_>>().join("; ")
}

const CELLS: &str = r"(?m)^ *(.*\b252\b.*)$";
const DECISIONS: &str = r"(?m)^ *(.*combinations.*)$";
const WIRE: &str = r"(?m)^ *wire vectors: (.*)$";

pub(super) fn cells() -> Result<String> {
    cargo_test("-p recording-core --test transitions", Some(CELLS))
}

pub(super) fn decisions() -> Result<String> {
    cargo_test("-p recording-core --test decisions", Some(DECISIONS))
}

pub(super) fn wire() -> Result<String> {
    cargo_test("-p recording-core --test wire_vectors", Some(WIRE))
}

const RECORDER: &str = r"(?m)^ *recorder (.*)$";

pub(super) fn recorder() -> Result<String> {
    explored(&cargo_test("-p recording-core --test recorder_model --test recorder_system", Some(RECORDER))?)
}

pub(super) fn recorder_large() -> Result<String> {
    let words = "test --locked --release -p recording-core --test recorder_system";
    explored(&test(tools::cargo(words).env("RECORDER_SYSTEM", "large"), words, Some(RECORDER))?)
}

/// What the tests of the recorder enumerated, in short.
fn explored(said: &str) -> Result<String> {
    let sums = |pattern: &str| {
        let pattern = regex(pattern);
        let found: Vec<u64> = pattern.captures_iter(said).filter_map(|found| found[1].parse().ok()).collect();
        (found.len(), count(found.iter().sum()))
    };
    let ((settings, states), (guards, _)) =
        (sums(r"(\d+) states, no violation"), sums(r"planted \w+: (\d+) violations"));
    if settings == 0 || guards == 0 {
        bail!("the tests of the recorder do not say what they explored: {said}");
    }
    let mut parts = Vec::new();
    if let (1.., lines) = sums(r"(\d+) lines") {
        parts.push(format!("{lines} lines of the table, {} steps as the naive model", sums(r"(\d+) steps").1));
    }
    parts.push(format!("{states} states of {settings} systems hold, and a fair run settles from each"));
    parts.push(format!("{guards} guards taken away are missed"));
    Ok(parts.join("; "))
}

/// Other versions of a real recorder.
pub(super) fn recorder_versions() -> Result<String> {
    crate::recorder::versions()
}

/// The way of a new user, by the commands of its page.
pub(super) fn walk() -> Result<String> {
    crate::package::walk(None)
}

/// Servers under kills, and every reply, change and event checked.
pub(super) fn history() -> Result<String> {
    crate::cluster::long_history()
}

pub(super) fn texts() -> Result<String> {
    cargo_test("-p recording-core --test texts", None)
}

pub(super) fn corpora() -> Result<String> {
    let mut files = Vec::new();
    files_under(&root().join("fuzz/corpus"), &mut files)?;
    let corpora: BTreeSet<_> = files.iter().filter_map(|file| file.parent()).collect();
    let tests = cargo_test("-p recording-fuzz-replay", None)?;
    let (files, corpora) = (count(files.len() as u64), corpora.len());
    Ok(format!("{files} files of {corpora} corpora hold, all 252 cells reached; {tests}"))
}

pub(super) fn conformance() -> Result<String> {
    cargo_test("-p recording-testkit -p recording-conformance", None)
}

pub(super) fn bits32() -> Result<String> {
    tools::need_toolchain(tools::TOOLCHAIN, &["i686-unknown-linux-musl"], &[])?;
    let words = "-p recording-core --target i686-unknown-linux-musl --tests";
    // Rust's own linker and libc: no 32-bit C compiler is needed.
    let command = tools::cargo(&format!("test --locked {words}"));
    test(command.env("CARGO_TARGET_I686_UNKNOWN_LINUX_MUSL_LINKER", "rust-lld"), words, None)
}

/// All combinations of the features that are for bare metal: `serde-json-core` turns `serde` on.
pub(crate) const COMBINATIONS: [&str; 6] =
    ["", "defmt", "serde", "serde-json-core", "defmt,serde", "defmt,serde-json-core"];
/// `arbitrary` is for hosts: its crate needs `std`.
const FEATURES: [&str; 5] = ["arbitrary", "default", "defmt", "serde", "serde-json-core"];

/// The core alone for bare metal, with every combination of the features that are for it.
pub(super) fn features() -> Result<String> {
    tools::need_toolchain(tools::TOOLCHAIN, &["thumbv7em-none-eabihf"], &[])?;
    features_are_known()?;
    for features in COMBINATIONS {
        tools::cargo(
            "build --locked -p recording-core --target thumbv7em-none-eabihf --no-default-features --features",
        )
        .arg(features)
        .env("RUSTFLAGS", "-D warnings")
        .env("CARGO_TARGET_DIR", target().join("prove/features"))
        .quiet()?;
    }
    Ok(format!("{} combinations build without a warning", COMBINATIONS.len()))
}

/// Fails if the core has a feature that belongs in one of the lists above and is in none.
pub(crate) fn features_are_known() -> Result<()> {
    let manifest: toml::Table = toml::from_str(&fs::read_to_string(root().join("Cargo.toml"))?)?;
    let features = manifest.get("features").and_then(toml::Value::as_table).context("Cargo.toml has features")?;
    let named: BTreeSet<_> = features.keys().map(String::as_str).collect();
    if named != BTreeSet::from(FEATURES) {
        bail!(
            "Cargo.toml has features that xtask/src/prove/checks.rs does not know, or has not those that it knows: {named:?}"
        );
    }
    Ok(())
}

pub(super) fn budgets() -> Result<String> {
    Ok(format!("{} counts within their budgets", budgets::gate(false)?))
}

pub(super) fn linking() -> Result<String> {
    let images = linking::core()?;
    let targets: BTreeSet<_> = images.iter().map(|(target, _)| target.as_str()).collect();
    let targets = targets.into_iter().collect::<Vec<_>>().join(", ");
    Ok(format!("{} images link ({targets}); with a planted index none does", images.len()))
}

/// The worst path through the linked images.
pub(super) fn stack() -> Result<String> {
    tools::need_toolchain(tools::TOOLCHAIN, &["thumbv7em-none-eabihf"], &["llvm-tools"])?;
    let mut results = Vec::new();
    for &(target, level) in size::STACKS {
        let image = size::build(target, level, true)?;
        let path = image.deepest(image::ENTRY)?;
        results.push(format!("{} bytes at `{level}` ({} calls deep)", path.bytes, path.frames.len()));
        for entry in ["begin", "end"] {
            image.deepest(entry)?;
        }
    }
    Ok(format!("no cycle in the call graph; from request to reply at most {}", results.join(", ")))
}

pub(super) fn fuzzing(seconds: u64) -> Result<String> {
    let said = Sh::new(root().join("fuzz/run")).arg(seconds.to_string()).quiet()?;
    let (targets, executions) = executed(&said);
    let mut all = Vec::new();
    files_under(&root().join("fuzz/fuzz_targets"), &mut all)?;
    if targets != all.len() {
        bail!("{targets} of {} targets ran; fuzz/run said:\n{said}", all.len());
    }
    Ok(format!("{} executions of {targets} targets, {seconds} s each, without a finding", count(executions)))
}

/// How many targets ran, and what they executed together.
fn executed(said: &str) -> (usize, u64) {
    let pattern = regex(r"(?m)^\w+ +\d+ +(\d+) ");
    let counts: Vec<u64> = pattern.captures_iter(said).filter_map(|found| found[1].parse().ok()).collect();
    (counts.len(), counts.iter().sum())
}

/// The tests of hosts, compiled with `AddressSanitizer`.
pub(super) fn sanitized() -> Result<String> {
    tools::need_toolchain(tools::NIGHTLY, &[], &[])?;
    let flags = "-Zsanitizer=address";
    let said = tools::cargo("test --locked --target")
        .arg(tools::host()?)
        .args(
            "-p recording-core -p recording-server -p recording-fuzz-replay -p recording-testkit --lib --bins --tests"
                .split_whitespace(),
        )
        .env("RUSTFLAGS", flags)
        .env("RUSTDOCFLAGS", flags)
        .env("CARGO_TARGET_DIR", target().join("prove/asan"))
        .toolchain(tools::NIGHTLY)
        .quiet()?;
    let passed = passed(&said);
    if passed == 0 {
        bail!("no test ran");
    }
    Ok(format!("{} tests", count(passed)))
}

/// The oldest Rust that is promised, by the one place that says it.
pub(crate) fn oldest_rust() -> Result<String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml"))?;
    Ok(found(r#"(?m)^rust-version = "(.*)"$"#, &manifest).context("Cargo.toml names no rust-version")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_that_passed_are_summed() {
        assert_eq!(
            passed("test result: ok. 9 passed; 0 failed;\nrunning 3 tests\ntest result: ok. 3 passed; 0 failed;"),
            12
        );
        assert_eq!(passed("test result: FAILED. 3 passed; 1 failed;"), 0);
    }

    #[test]
    fn what_tests_count_is_read() {
        assert_eq!(
            counted(CELLS, "running 1 test\n  transition table: 252 cells, 150 changed\nok"),
            "transition table: 252 cells, 150 changed"
        );
        let two = "a decisions: 4800 combinations\nset decisions: 33152 combinations of facts";
        assert_eq!(
            counted(DECISIONS, two),
            "a decisions: 4800 combinations; set decisions: 33152 combinations of facts"
        );
        assert_eq!(counted(WIRE, "wire vectors: 111 cases, byte for byte\n"), "111 cases, byte for byte");
        assert_eq!(counted(CELLS, "2520 cells"), "");
    }

    #[test]
    fn what_the_recorder_explored_is_summed() -> Result<()> {
        let system = "system, one: 12 states, no violation; from 12 a fair run settles; system, planted A: 10 violations in 3 states: x; \
                      system, two: 1000 states, no violation; from 1000 a fair run settles; system, planted B: 4 violations in 3 states: x";
        let short = "1,012 states of 2 systems hold, and a fair run settles from each; 2 guards taken away are missed";
        assert_eq!(explored(system)?, short);
        let table = format!(
            "table: 478 lines; 3 sessions that anyone may resume, 20 steps as the naive model; holds: 2 sessions, 5 steps; {system}"
        );
        assert_eq!(explored(&table)?, format!("478 lines of the table, 25 steps as the naive model; {short}"));
        assert!(explored("system, one: 12 states, no violation").is_err());
        Ok(())
    }

    #[test]
    fn executions_of_all_targets_are_summed() {
        let said = "building 6 targets\nbody: 60 s\ntarget seconds executions exec/s corpus edges finding\nbody     61    1000   16   20   5  -\ndesk   61   234 3 1 1 -\n";
        assert_eq!(executed(said), (2, 1234));
    }

    #[test]
    fn the_features_of_today_are_known() -> Result<()> {
        features_are_known()?;
        assert!(oldest_rust()?.starts_with("1."));
        Ok(())
    }
}

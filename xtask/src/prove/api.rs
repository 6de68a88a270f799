//! The public API as a file, so that a review shows every change of it; and what a release may change.

use crate::{
    sh::{Sh, root, target},
    text::count,
    tools,
};
use anyhow::{Context as _, Result, bail};
use std::fs;

const FILE: &str = "proofs/public-api.txt";

/// Holds the file against the API of today.
pub(super) fn fresh(accept: bool) -> Result<String> {
    tools::need_toolchain(tools::NIGHTLY, &[], &[])?;
    tools::need_tool("cargo-public-api")?;
    // Derived traits are part of the API; those that everything has are not.
    let today = tools::cargo("public-api -p recording-core --all-features -ss --color=never")
        .env("CARGO_TARGET_DIR", target().join("prove/api"))
        .path_first(&tools::bin())
        .toolchain(tools::NIGHTLY)
        .quiet()?;
    let items = today.lines().count();
    if items < 100 {
        bail!("this cannot be all of the API:\n{today}");
    }
    let file = root().join(FILE);
    if accept {
        fs::write(&file, &today)?;
    }
    if fs::read_to_string(&file).unwrap_or_default() != today {
        let new = target().join("prove/public-api.txt");
        fs::write(&new, &today)?;
        let compare = Sh::line("git diff --no-index --unified=0 --no-color").arg(&file).arg(new).or_statuses(&[1]);
        bail!("the API changed; if that is meant: `cargo xtask prove api --accept`\n{}", changes(&compare.quiet()?));
    }
    Ok(format!("{} items, as in {FILE}", count(items as u64)))
}

/// The lines that a diff removes and adds, as many as a reader wants.
fn changes(diff: &str) -> String {
    let changed = |line: &&str| line.starts_with(['-', '+']) && !line.starts_with("--- ") && !line.starts_with("+++ ");
    diff.lines().filter(changed).take(60).collect::<Vec<_>>().join("\n")
}

/// Whether the version says what changed since a revision; the newest tag of a release unless one is given.
pub(super) fn semver(baseline: Option<&str>) -> Result<String> {
    tools::need_tool("cargo-semver-checks")?;
    let tags = Sh::line("git tag --list v[0-9]* --sort=-version:refname").read()?;
    let (baseline, what) = match baseline.or_else(|| tags.split_whitespace().next()) {
        Some(revision) => (revision, format!("compared with {revision}: ")),
        // Without a release nobody depends on anything: what can be shown is that the check works.
        None => ("HEAD", "there is no release yet: compared with HEAD, ".to_owned()),
    };
    let revision = Sh::line("git rev-parse --verify").arg(format!("{baseline}^{{commit}}")).quiet()?;
    let said = tools::cargo("semver-checks -p recording-core --all-features --color=never --baseline-rev")
        .arg(revision.trim())
        .env("CARGO_TARGET_DIR", target().join("prove/semver"))
        .path_first(&tools::bin())
        .merged()?;
    Ok(what + checked(&said).with_context(|| format!("cargo-semver-checks checked nothing:\n{said}"))?)
}

/// How many checks passed, by the last line that says so.
fn checked(said: &str) -> Option<&str> {
    said.lines().map(str::trim).rfind(|line| line.starts_with("Checked"))?.rsplit("] ").next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changed_lines_are_shown() {
        let diff =
            "diff --git a b\nindex 1..2\n--- a/proofs\n+++ b/target\n@@ -1 +1 @@\n-pub fn old()\n+pub fn new()\n";
        assert_eq!(changes(diff), "-pub fn old()\n+pub fn new()");
    }

    #[test]
    fn the_last_line_of_the_checks_counts() {
        let said = "    Building recording-core\n     Checked [   0.054s] 202 checks: 202 pass, 58 skip\n     Summary no semver update required\n";
        assert_eq!(checked(said), Some("202 checks: 202 pass, 58 skip"));
        assert_eq!(checked("nothing"), None);
    }
}

//! `cargo xtask prove`: runs the proofs and prints a table of what they said.

mod api;
pub(crate) mod checks;
mod coverage;
mod exceptions;
mod miri;
mod mutants;
mod purity;
mod registry;
mod source;
mod table;
mod tree;

use crate::sh::root;
use anyhow::{Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Runs the proofs and prints a table of them; it succeeds only when every line that ran holds.
///
/// Without names: all that fit into 20 minutes when everything is built; with --all the long ones too. What they need
/// besides rustup and a C compiler they install themselves, under target/. docs/proofs.md says what each one leaves out.
#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// Run these proofs only, long or not
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// The long ones too
    #[arg(long)]
    all: bool,
    /// Only those that take seconds and that `cargo xtask ci` has no step of its own for
    #[arg(long)]
    ci: bool,
    /// List the proofs and run none
    #[arg(long)]
    list: bool,
    /// Write the table to docs/proofs.md
    #[arg(long)]
    write: bool,
    /// With `api`: accept today's public API as the known one
    #[arg(long)]
    accept: bool,
    /// With `mutants`: forget what earlier runs found
    #[arg(long)]
    fresh: bool,
    /// With `mutants`: only those of this file, e.g. src/state.rs
    #[arg(long, value_name = "FILE")]
    file: Vec<String>,
    /// With `semver`: the revision to compare with
    #[arg(long, value_name = "REV")]
    baseline: Option<String>,
    /// With `fuzzing`: how long each target runs
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
}

impl Options {
    /// The proofs that `cargo xtask ci` runs in a step of their own.
    pub(crate) fn for_ci() -> Self {
        Self { ci: true, seconds: 60, ..Self::default() }
    }
}

/// One line of the table.
pub(crate) struct Proof {
    name: &'static str,
    shows: &'static str,
    /// Gives the result as a short text.
    run: fn(&Options) -> Result<String>,
    /// What it does not show.
    outside: String,
    when: When,
}

#[derive(Clone, Copy, PartialEq)]
enum When {
    /// Together with all others of its kind it fits into 20 minutes.
    Usual,
    /// So is this one; it takes seconds, and no other step of CI does the same.
    Ci,
    /// Only when it is asked for.
    Long,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let proofs = registry::proofs();
    if options.list {
        println!("{}", table::listed(&proofs));
        return Ok(());
    }
    let unknown: Vec<_> =
        options.names.iter().filter(|name| proofs.iter().all(|proof| proof.name != **name)).cloned().collect();
    if !unknown.is_empty() {
        bail!("no proof of the name {}: see --list", unknown.join(", "));
    }
    let chosen: Vec<_> = proofs.iter().filter(|proof| options.choose(proof)).collect();
    let tree = if options.write { Some(table::core()?) } else { None };
    let lines = table::run(&chosen, options);
    println!("{}", table::printed(&lines));
    if let Some(tree) = tree {
        table::write(&proofs, &lines, &tree)?;
    }
    let failed = lines.iter().filter(|line| line.result.is_err()).count();
    if failed > 0 {
        bail!("{failed} of {} proofs do not hold", lines.len());
    }
    Ok(())
}

impl Options {
    fn choose(&self, proof: &Proof) -> bool {
        if !self.names.is_empty() {
            self.names.iter().any(|name| name == proof.name)
        } else if self.ci {
            proof.when == When::Ci
        } else {
            self.all || proof.when != When::Long
        }
    }
}

/// All files under a directory, in the order of their names.
pub(crate) fn files_under(directory: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let mut entries = fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() { files_under(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

/// A file's name from the root of the repository.
fn name(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// The same without files that are tests alone.
fn code_files() -> Result<Vec<String>> {
    Ok(core_files()?.into_iter().filter(|name| !name.ends_with("/tests.rs")).collect())
}

/// The files of the core's source.
fn core_files() -> Result<Vec<String>> {
    let mut files = Vec::new();
    files_under(&root().join("src"), &mut files)?;
    Ok(files.iter().map(|path| name(path)).filter(|name| name.ends_with(".rs")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(options: &Options) -> Vec<&'static str> {
        registry::proofs().iter().filter(|proof| options.choose(proof)).map(|proof| proof.name).collect()
    }

    #[test]
    fn names_choose_before_everything_else() {
        let named = Options { names: vec!["mutants".into(), "cells".into()], ci: true, ..Options::default() };
        assert_eq!(chosen(&named), ["cells", "mutants"]);
        let (usual, all, ci) = (
            chosen(&Options::default()),
            chosen(&Options { all: true, ..Options::default() }),
            chosen(&Options::for_ci()),
        );
        assert!(usual.contains(&"cells") && !usual.contains(&"mutants"));
        assert!(ci.iter().all(|name| usual.contains(name)) && ci.contains(&"coverage") && !ci.contains(&"cells"));
        assert_eq!(all.len(), registry::proofs().len());
    }
}

//! `cargo xtask ci`: everything that must hold before a change lands, for people and for CI alike.

#[cfg(test)]
mod doors;
mod steps;

use crate::sh::{self, Sh, target};
use anyhow::{Context as _, Result, bail};
use std::time::Instant;

/// Runs what must hold before a change lands.
///
/// Without --all: what needs Rust, a C compiler and curl, and nothing by apt-get, npm or QEMU; under ten minutes on a quiet
/// machine with two cores. With --all everything, the README's test command first, the slower proofs after it; what it
/// needs besides Rust (by rustup), Python 3, Node 20 with npm and a C compiler it installs itself. Nothing is skipped: a
/// missing tool is a failure.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Everything
    #[arg(long, conflicts_with = "steps")]
    all: bool,
    /// List the steps and run none
    #[arg(long)]
    list: bool,
    /// Run these steps only, in the order of the list
    #[arg(value_name = "STEP")]
    steps: Vec<String>,
}

/// When a step runs.
#[derive(Clone, Copy, PartialEq)]
enum Tier {
    /// Always: it needs Rust and a C compiler only.
    Cargo,
    /// With `--all`.
    All,
}

struct Step {
    name: &'static str,
    title: &'static str,
    tier: Tier,
    run: fn() -> Result<()>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.list {
        for step in steps::STEPS {
            println!("{:16} {:4} {}", step.name, if step.tier == Tier::All { "all" } else { "" }, step.title);
        }
        return Ok(());
    }
    if let Some(unknown) = options.steps.iter().find(|name| steps::STEPS.iter().all(|step| step.name != **name)) {
        bail!("no step of the name {unknown}: see --list");
    }
    let chosen: Vec<_> = steps::STEPS.iter().filter(|step| options.choose(step)).collect();
    needs(chosen.iter().any(|step| step.tier == Tier::All))?;
    if options.steps.is_empty() {
        room(options.all)?;
    }
    let began = Instant::now();
    for (at, step) in chosen.iter().enumerate() {
        println!("\n=== {} (step {} of {}, after {} s)", step.title, at + 1, chosen.len(), began.elapsed().as_secs());
        (step.run)().with_context(|| {
            format!("the step `{}` failed; `cargo xtask ci {}` runs it alone", step.name, step.name)
        })?;
    }
    println!("\n=== all of it held (after {} s)", began.elapsed().as_secs());
    Ok(())
}

impl Options {
    fn choose(&self, step: &Step) -> bool {
        if self.steps.is_empty() {
            self.all || step.tier == Tier::Cargo
        } else {
            self.steps.iter().any(|name| name == step.name)
        }
    }
}

/// Fails at once if something is missing that no step installs.
fn needs(all: bool) -> Result<()> {
    sh::need("rustup", "install Rust by rustup, see the README")?;
    sh::need("git", "install Git")?;
    sh::need("cc", "install a C compiler (build-essential)")?;
    sh::need("curl", "install curl: the conformance tool's own commands are run with it")?;
    if all {
        sh::need("bash", "install Bash: the checks around the server, the C library and the firmware are scripts")?;
        sh::need("python3", "install Python 3 (with venv), it brings the spelling check")?;
        sh::need(
            "node",
            "install Node.js 20: the console's tests, listeners and the core as a WebAssembly module run in it",
        )?;
        sh::need("npm", "install npm, it comes with Node.js")?;
    }
    Ok(())
}

/// Fails at once on a disk that would be full later, when what says so is a member of etcd or a linker.
fn room(all: bool) -> Result<()> {
    let needed = if all { 16 } else { 6 };
    let place = target();
    let said = Sh::line("df -Pk").arg(&place).read()?;
    enough(&said, needed).with_context(|| format!("the disk of {}", place.display()))
}

/// `said` is what `df -Pk` writes, `needed` is in GB.
fn enough(said: &str, needed: u64) -> Result<()> {
    let free =
        said.lines().nth(1).and_then(|line| line.split_whitespace().nth(3)).and_then(|free| free.parse::<u64>().ok());
    let free = free.context("df does not say how much is free")? * 1024 / 1_000_000_000;
    if free < needed {
        bail!("{free} GB are free, and all of this needs about {needed} GB");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_small_disk_is_refused_at_once() {
        let said = |free| {
            format!(
                "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda 264000000 60000000 {free} 66% /\n"
            )
        };
        assert!(enough(&said("15625000"), 16).is_ok());
        let refused = enough(&said("15624999"), 16).map_err(|error| error.to_string());
        assert_eq!(refused, Err("15 GB are free, and all of this needs about 16 GB".to_owned()));
        assert!(enough("", 16).is_err() && enough(&said("-"), 16).is_err());
        // What it says on this machine can be read.
        assert!(room(false).is_ok() || room(false).is_err_and(|error| format!("{error:#}").contains("GB are free")));
    }

    fn chosen(all: bool, names: &[&str]) -> Vec<&'static str> {
        let options = Options { all, list: false, steps: names.iter().map(|name| (*name).to_owned()).collect() };
        steps::STEPS.iter().filter(|step| options.choose(step)).map(|step| step.name).collect()
    }

    #[test]
    fn the_tiers_are_nested_and_begin_and_end_alike() {
        let (all, cargo) = (chosen(true, &[]), chosen(false, &[]));
        assert_eq!(all.len(), steps::STEPS.len());
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        assert!(cargo.iter().all(|name| all.contains(name)) && cargo.len() < all.len());
        for tier in [&all, &cargo] {
            assert_eq!((tier.first(), tier.last()), (Some(&"tests"), Some(&"clean")));
        }
        assert_eq!(chosen(false, &["clean", "hub"]), ["hub", "clean"]);
    }
}

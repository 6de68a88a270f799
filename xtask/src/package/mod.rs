//! `cargo xtask package`: what is given to others, built as it is released, and tried: a Debian package, static programs,
//! crates, and what is known of other systems.

mod check;
mod crates;
mod cross;
mod deb;
mod links;
mod listing;
mod machine;
mod musl;
mod notices;
mod room;
mod serving;
mod tag;
mod terminal;
mod walk;

use crate::sh::{Sh, target};
use anyhow::{Result, bail};
use clap::Subcommand;
use std::{fs, path::PathBuf};

pub(crate) use check::check_a_debug_build;
pub(crate) use crates::dry_run;
pub(crate) use walk::walk;

#[derive(Subcommand)]
pub(crate) enum Package {
    Deb(deb::Options),
    Check(check::Options),
    Crates(crates::Options),
    Musl(musl::Options),
    Cross(cross::Options),
    Tag(tag::Options),
    Walk(walk::Options),
}

impl Package {
    pub(crate) fn run(&self) -> Result<()> {
        match self {
            Self::Deb(options) => options.run(),
            Self::Check(options) => options.run(),
            Self::Crates(options) => options.run(),
            Self::Musl(options) => options.run(),
            Self::Cross(options) => options.run(),
            Self::Tag(options) => options.run(),
            Self::Walk(options) => options.run(),
        }
    }
}

/// Where packages are put.
fn place() -> Result<PathBuf> {
    // `target/package` is Cargo's own.
    let place = target().join("packages");
    fs::create_dir_all(&place)?;
    Ok(place)
}

/// Fails unless this process may change to another root.
fn need_root(what: &str) -> Result<()> {
    if Sh::line("id -u").quiet()?.trim() != "0" {
        bail!(
            "{what} needs root, for a root of its own: sudo --preserve-env=PATH,HOME,CARGO_HOME,RUSTUP_HOME env \"PATH=$PATH\" cargo xtask package …"
        );
    }
    Ok(())
}

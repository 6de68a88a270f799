//! What of this repository compiles for systems other than Linux: checked, and not run.

use crate::{
    sh::{Sh, say},
    tools,
};
use anyhow::Result;
use clap::Args;

/// Check that the crates and the programs compile for Windows and macOS.
///
/// That is what can be known on Linux: they are not linked and not run. A compiler for Windows is installed for the C in the
/// TLS library. There is none for macOS, so for that this C is left out, and only what is written in Rust is checked.
#[derive(Args)]
pub(crate) struct Options {
    /// Only these targets of Rust [default: all three]
    #[arg(value_name = "TARGET", value_parser = ["x86_64-pc-windows-gnu", "aarch64-apple-darwin", "x86_64-apple-darwin"])]
    targets: Vec<String>,
}

const WINDOWS: &str = "x86_64-pc-windows-gnu";
const TARGETS: [&str; 3] = [WINDOWS, "aarch64-apple-darwin", "x86_64-apple-darwin"];
const PACKAGES: [&str; 6] =
    ["recording-core", "recording-testkit", "signalr-hub", "etcd-kv", "recording-conformance", "recording-server"];

impl Options {
    pub(super) fn run(&self) -> Result<()> {
        for target in TARGETS {
            if self.targets.is_empty() || self.targets.iter().any(|one| one == target) {
                check(target)?;
            }
        }
        Ok(())
    }
}

fn check(target: &str) -> Result<()> {
    Sh::line("rustup target add").arg(target).quiet()?;
    let check = Sh::line("cargo check --locked --features recording-server/etcd --target").arg(target);
    let check = check.args(PACKAGES.iter().flat_map(|package| ["--package", package]));
    let check = if target == WINDOWS {
        tools::need_package("x86_64-w64-mingw32-gcc", "gcc-mingw-w64-x86-64-win32")?;
        check
    } else {
        // A compiler and an archiver that do nothing: a check links nothing, and so misses nothing that they would make.
        let name = target.replace('-', "_");
        let check = check.env(&format!("CC_{name}"), "true").env(&format!("AR_{name}"), "true");
        // A folder of Apple's headers is asked for all the same.
        check.env("SDKROOT", "/")
    };
    check.show()?;
    say(&format!("{} compile for {target}", PACKAGES.join(", ")));
    Ok(())
}

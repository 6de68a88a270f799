//! `cargo xtask figures`: measures what things cost, and writes the pages that say it.

pub(crate) mod budgets;
mod c;
mod cluster;
mod firmware;
pub(crate) mod image;
mod page;
mod peers;
mod recorder;
mod server;
pub(crate) mod size;
mod stack;

use anyhow::{Result, bail};

/// Measures what something costs, and writes the page that says it.
///
/// What it needs besides rustup it installs itself: valgrind and wrk by apt-get, the rest under target/.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// What is measured
    #[arg(default_value = "core")]
    what: What,
    /// Only what CI holds: `core` counts instructions against budgets.csv, `server` against bare handlers, `c` against limits
    #[arg(long)]
    gate: bool,
    /// With `core --gate`: accept today's counts as limits
    #[arg(long, requires = "gate")]
    accept: bool,
    /// With `core`: leave criterion out; all else is measured. With `cluster`: short runs, which show only that it works
    #[arg(long)]
    quick: bool,
    /// With `server`: how long each load lasts
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// With `cluster`: how many sessions the large store has
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1000..))]
    sessions: u64,
    /// With `recorder`: an older `recording-server`, which sets without a recorder are compared with
    #[arg(long, value_name = "PROGRAM")]
    baseline: Option<std::path::PathBuf>,
    /// With `firmware`: only list every place of the images that can panic
    #[arg(long)]
    panics: bool,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum What {
    /// Instructions, size and stack of the core, and its time next to others: docs/figures.md
    Core,
    /// Instructions, load and memory of the server: docs/server-figures.md
    Server,
    /// Sets, events, a leader's death and a million sessions with servers over etcd, next to etcd: docs/cluster-figures.md
    Cluster,
    /// Flash, RAM and stack of the images, as the last run of their tests left them: docs/firmware.md
    Firmware,
    /// What a pause costs that a real recorder has confirmed: docs/recorder.md
    Recorder,
    /// What the C border costs, built by `cargo xtask c check`: docs/c.md
    C,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let wrong = [
        (options.accept && options.what != What::Core, "--accept goes with `core`"),
        (
            options.quick && !matches!(options.what, What::Core | What::Cluster),
            "--quick goes with `core` and `cluster`",
        ),
        (options.panics && options.what != What::Firmware, "--panics goes with `firmware`"),
        (options.gate && options.what == What::Firmware, "there is no gate for `firmware`"),
        (options.gate && options.what == What::Cluster, "there is no gate for `cluster`: these are times"),
        (options.gate && options.what == What::Recorder, "there is no gate for `recorder`: these are times"),
        (options.baseline.is_some() && options.what != What::Recorder, "--baseline goes with `recorder`"),
    ];
    if let Some((_, why)) = wrong.iter().find(|(wrong, _)| *wrong) {
        bail!("{why}");
    }
    match (options.what, options.gate) {
        (What::Core, true) => budgets::gate(options.accept).map(drop),
        (What::Core, false) => page::write(options.quick),
        (What::Server, true) => server::gate(),
        (What::Server, false) => server::write(options.seconds),
        (What::Cluster, _) => cluster::write(options.sessions, options.quick),
        (What::Firmware, _) => firmware::run(options.panics),
        (What::Recorder, _) => recorder::write(options.baseline.as_deref()),
        (What::C, gate) => c::run(!gate),
    }
}

/// What CI holds of the core.
pub(crate) fn core_gate() -> Result<()> {
    budgets::gate(false).map(drop)
}

/// What CI holds of the server.
pub(crate) fn server_gate() -> Result<()> {
    server::gate()
}

/// The firmware's tables, or only what can panic.
pub(crate) fn firmware(panics: bool) -> Result<()> {
    firmware::run(panics)
}

/// What the C border costs.
pub(crate) fn c(write: bool) -> Result<()> {
    c::run(write)
}

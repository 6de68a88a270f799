//! What is tried with real members of etcd.

mod install;

use crate::{
    sh::{Sh, target},
    text::found,
    tools,
};
use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum Cluster {
    /// Unpack a recent etcd under target/, from Debian's packages; nothing is installed on the machine
    Install,
    /// The etcd client with real members: killed, stopped, alone, full, with TLS and users
    Client,
    /// The server's store in etcd: the laws of every store, answers that do not come, members that die
    Store,
    /// Servers, and with --etcd members, that are killed, stopped and cut off under 64 clients: every reply, change and event is checked
    History(Rest),
}

/// Arguments for the laboratory.
#[derive(Args)]
pub(crate) struct Rest {
    /// Handed on to the laboratory, which has `--help`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

impl Cluster {
    pub(crate) fn run(&self) -> Result<()> {
        match self {
            Self::Install => install::programs().map(drop),
            Self::Client => client(),
            Self::Store => store(),
            Self::History(rest) => history(&rest.rest).map(drop),
        }
    }
}

/// The folder with etcd's programs, which are there then.
pub(crate) fn programs() -> Result<PathBuf> {
    install::programs()
}

/// The client's tests with members, two at a time: each has members of its own.
pub(crate) fn client() -> Result<()> {
    let programs = install::programs()?;
    Sh::line("cargo test --locked -p etcd-kv --test members -- --test-threads 2").env("ETCD_BIN", programs).show()
}

/// The store's tests with members.
pub(crate) fn store() -> Result<()> {
    let programs = install::programs()?;
    let test = Sh::line("cargo test --locked -p recording-server --features etcd --lib etcd -- --include-ignored");
    test.args(["--test-threads", "2"]).env("ETCD_BIN", &programs).show()?;
    // The program, with several servers.
    let test = Sh::line("cargo test --locked -p recording-server --features etcd --test server cluster -- --ignored");
    test.args(["--test-threads", "2"]).env("ETCD_BIN", programs).show()
}

/// One run of the laboratory; gives what it says of it.
fn history(rest: &[String]) -> Result<String> {
    // The page about the audit trail merges trails with it.
    tools::need_package("jq", "jq")?;
    let programs = install::programs()?;
    Sh::line("cargo build --locked -p recording-server --features etcd").show()?;
    let server = target().join("debug/recording-server");
    let run =
        Sh::line("cargo run --quiet --locked -p recording-cluster-lab -- history --server").arg(server).args(rest);
    let out = run.env("ETCD_BIN", programs).read()?;
    print!("{out}");
    Ok(found(r"(?m)^cluster (.*)$", &out).context("the laboratory says what it has done")?.to_owned())
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// Short runs, after the planted faults that the laboratory must find.
pub(crate) fn short_history() -> Result<()> {
    tools::need_package("jq", "jq")?;
    Sh::line("cargo test --locked -p recording-cluster-lab").show()?;
    history(&words("--faults 8"))?;
    history(&words("--etcd --faults 16")).map(drop)
}

/// Long runs; gives what it says of them.
pub(crate) fn long_history() -> Result<String> {
    let alone = history(&words("--faults 200 --seed 2"))?;
    Ok(format!("{alone}; {}", history(&words("--etcd --faults 64 --seed 2"))?))
}

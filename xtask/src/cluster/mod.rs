//! What is tried with real members of etcd.

mod install;

use crate::sh::Sh;
use anyhow::Result;
use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum Cluster {
    /// Unpack a recent etcd under target/, from Debian's packages; nothing is installed on the machine
    Install,
    /// The etcd client with real members: killed, stopped, alone, full, with TLS and users
    Client,
    /// The server's store in etcd: the laws of every store, answers that do not come, members that die
    Store,
}

impl Cluster {
    pub(crate) fn run(&self) -> Result<()> {
        match self {
            Self::Install => install::programs().map(drop),
            Self::Client => client(),
            Self::Store => store(),
        }
    }
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

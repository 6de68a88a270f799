//! Commands that are scripts of their own: about other programs, in the language of their subject.

use crate::sh::{Sh, root};
use anyhow::Result;
use clap::{Args, Subcommand};

/// Runs a script with arguments.
pub(crate) fn run(path: &str, arguments: &[String]) -> Result<()> {
    Sh::new(root().join(path)).args(arguments).show()
}

/// Arguments that are handed on.
#[derive(Args)]
pub(crate) struct Rest {
    /// Handed on to the script
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

impl Rest {
    pub(crate) fn run(&self, path: &str) -> Result<()> {
        run(path, &self.rest)
    }
}

/// Runs fuzz targets, each for a time given; nightly and cargo-fuzz are installed if they are missing.
///
/// What is found goes to a copy of the corpora, so that the clone stays clean. A finding is a failure, with the path of
/// the input that shows it. `FUZZ_TOOLCHAIN` names another nightly.
#[derive(Args)]
pub(crate) struct Fuzz {
    /// `body`, `request`, `made_request`, `desk`, `client`, `provisioning`, `recorder`: all of these unless some are named; or `c`, the C border
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// How long each target runs
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Minimise the corpora afterwards and replace them
    #[arg(long)]
    keep: bool,
}

impl Fuzz {
    pub(crate) fn run(&self) -> Result<()> {
        for (script, arguments) in self.scripts() {
            run(script, &arguments)?;
        }
        Ok(())
    }

    fn scripts(&self) -> Vec<(&'static str, Vec<String>)> {
        let mut arguments = vec![self.seconds.to_string()];
        arguments.extend(self.keep.then(|| "--keep".to_owned()));
        let (border, core): (Vec<_>, Vec<_>) = self.targets.iter().cloned().partition(|target| target == "c");
        let mut scripts = Vec::new();
        if !core.is_empty() || border.is_empty() {
            scripts.push(("fuzz/run", arguments.iter().cloned().chain(core).collect()));
        }
        if !border.is_empty() {
            scripts.push(("shells/c/fuzz/run", arguments));
        }
        scripts
    }
}

#[derive(Subcommand)]
pub(crate) enum Firmware {
    /// Install what the firmware needs: targets of Rust, QEMU and `ip`
    Install,
    /// Build all images, boot them in QEMU and test them from outside
    Check,
    /// Boot an image in QEMU and serve
    Run(Rest),
    /// Put the images among hosts that each have an interface of their own; needs root or sudo
    Hosts(Rest),
    /// Measure flash, RAM and stack, as `cargo xtask figures firmware`
    Figures {
        /// Only list every place of the images that can panic
        #[arg(long)]
        panics: bool,
    },
}

impl Firmware {
    pub(crate) fn run(&self) -> Result<()> {
        match self {
            Self::Install => run("shells/firmware/install", &[]),
            Self::Check => run("shells/firmware/check", &[]),
            Self::Run(rest) => {
                Sh::line("cargo run --locked --").args(&rest.rest).dir(root().join("shells/firmware")).hand_over()
            }
            Self::Hosts(rest) => rest.run("shells/firmware/hosts"),
            Self::Figures { panics } => crate::figures::firmware(*panics),
        }
    }
}

#[derive(Subcommand)]
pub(crate) enum C {
    /// Everything that must hold of the C library
    Check,
    /// Write the header
    Header {
        /// Only compare it with the sources
        #[arg(long)]
        check: bool,
    },
    /// Count what the border costs, as `cargo xtask figures c`
    Costs {
        /// Hold it against the limits and write nothing
        #[arg(long)]
        gate: bool,
    },
    /// Link what a C program can call without a panic
    NoPanic,
}

impl C {
    pub(crate) fn run(&self) -> Result<()> {
        match self {
            Self::Check => run("shells/c/check", &[]),
            Self::Header { check } => run("shells/c/header", &Vec::from_iter(check.then(|| "--check".to_owned()))),
            Self::Costs { gate } => crate::figures::c(!gate),
            Self::NoPanic => run("shells/c/no-panic", &[]),
        }
    }
}

#[derive(Subcommand)]
pub(crate) enum Deploy {
    /// Check the `OpenAPI` document, the metrics, the console, the units, the container file, the proxies, and several servers over etcd
    Check,
    /// Build and run what the container file makes, without a container engine; takes minutes and needs root
    Image,
}

impl Deploy {
    pub(crate) fn run(&self) -> Result<()> {
        match self {
            Self::Check => run("deploy/check", &[]),
            Self::Image => run("deploy/check-image", &[]),
        }
    }
}

#[derive(Args)]
pub(crate) struct FanOut {
    /// How many listen
    #[arg(default_value_t = 1000)]
    listeners: u32,
    /// How many events they get
    #[arg(default_value_t = 200)]
    events: u32,
}

impl FanOut {
    pub(crate) fn run(&self) -> Result<()> {
        run("shells/server/examples/fan_out/run", &[self.listeners.to_string(), self.events.to_string()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scripts(targets: &[&str], keep: bool) -> Vec<String> {
        let fuzz = Fuzz { targets: targets.iter().map(|name| (*name).to_owned()).collect(), seconds: 7, keep };
        fuzz.scripts().into_iter().map(|(script, arguments)| format!("{script} {}", arguments.join(" "))).collect()
    }

    #[test]
    fn the_c_border_is_fuzzed_by_a_script_of_its_own() {
        assert_eq!(scripts(&[], false), ["fuzz/run 7"]);
        assert_eq!(scripts(&["desk", "body"], true), ["fuzz/run 7 --keep desk body"]);
        assert_eq!(scripts(&["c"], true), ["shells/c/fuzz/run 7 --keep"]);
        assert_eq!(scripts(&["c", "desk"], false), ["fuzz/run 7 desk", "shells/c/fuzz/run 7"]);
    }
}

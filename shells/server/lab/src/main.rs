//! Runs the laboratory: see `docs/recorder.md`, section 9. `cargo xtask recorder` builds what it needs and starts it.

mod figures;
mod proofs;
mod speech;
mod versions;
mod whole_call;

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};
use std::{path::PathBuf, process::ExitCode};

/// Proves with real packets what the server says of its recorder
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Calls that are paused hundreds of times, undisturbed and under each disturbance
    Pauses(Pauses),
    /// The same with planted faults, which must be found; no server is needed
    Controls(Controls),
    /// A whole call by sipp and kamailio, in which a card's number is said while the recording is paused
    Call(Call),
    /// Another version of rtpengine, which must work or must be refused
    Version(Version),
    /// A call through a recorder that runs already, in which both sides speak until this is ended
    Speech(speech::Options),
    /// What a confirmed pause costs, as tables
    Figures(figures::Options),
}

#[derive(clap::Args)]
struct Version {
    /// The server's program
    #[arg(long)]
    server: PathBuf,
    /// What must come of it
    #[arg(long)]
    expected: versions::Expected,
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Args)]
struct Call {
    /// The server's program; without it rtpengine is asked directly
    #[arg(long)]
    server: Option<PathBuf>,
    /// How the recorder is paused: segments or native
    #[arg(long, default_value = "segments")]
    pause: proofs::PauseBy,
    /// The recorder's program
    #[arg(long, default_value = "rtpengine")]
    rtpengine: String,
}

#[derive(clap::Args)]
struct Pauses {
    /// The server's program
    #[arg(long)]
    server: PathBuf,
    /// Only these: undisturbed, server-killed, recorder-killed, recorder-frozen, network, together
    names: Vec<String>,
    /// How the recorder is paused: segments or native
    #[arg(long, default_value = "segments")]
    pause: proofs::PauseBy,
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Args)]
struct Controls {
    /// Only these
    names: Vec<String>,
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Args)]
struct Common {
    /// How many pauses there are at least in each run
    #[arg(long, default_value_t = 200)]
    pauses: usize,
    /// Makes the same choices in each run
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The recorder's program
    #[arg(long, default_value = "rtpengine")]
    rtpengine: String,
    /// Show replies without success, and the first packets that are wrong, also if all is well
    #[arg(long)]
    verbose: bool,
}

impl Common {
    fn lab(&self) -> proofs::Lab {
        proofs::Lab { program: self.rtpengine.clone(), pauses: self.pauses, seed: self.seed, is_verbose: self.verbose }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.command {
        Command::Pauses(pauses) => proofs::by_server(&pauses.common.lab(), &pauses.server, pauses.pause, &pauses.names),
        Command::Call(call) => whole_call::run(&call.rtpengine, call.server.as_deref(), call.pause),
        Command::Version(version) => versions::run(&version.common.lab(), &version.server, version.expected),
        Command::Speech(options) => speech::run(options),
        Command::Figures(options) => figures::run(options),
        Command::Controls(controls) => proofs::controls(&controls.common.lab(), &controls.names),
    }
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("recording-lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Those of a list that were named; all if none was.
fn chosen<'a, T>(all: &'a [T], name: impl Fn(&T) -> &str, names: &[String]) -> Result<Vec<&'a T>> {
    for wanted in names {
        if !all.iter().any(|one| name(one) == wanted) {
            bail!("there is no {wanted}; there are {}", all.iter().map(&name).collect::<Vec<_>>().join(", "));
        }
    }
    Ok(all.iter().filter(|one| names.is_empty() || names.iter().any(|wanted| wanted == name(one))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_commands_are_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn an_unknown_name_is_an_error() -> Result<()> {
        let all = ["a", "b"];
        let named = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
            chosen(&all, |one| one, &names).map(|found| found.len())
        };
        assert_eq!((named(&[])?, named(&["b"])?), (2, 1));
        assert!(named(&["c"]).is_err());
        Ok(())
    }
}

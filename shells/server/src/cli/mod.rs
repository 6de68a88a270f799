//! The program: options, signals, exit codes.

mod banner;
mod notify;
pub mod options;
mod probe;
pub mod protection;
mod reload;
mod serve;
mod signals;

use core::net::SocketAddr;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use options::Command;

use crate::auth::tokens;
use crate::config::{self, ConfigError};
use crate::directory::Directory;
use crate::output;

/// What `--help` prints.
pub const HELP: &str = include_str!("help.txt");

/// For whatever is wrong with an option, an address or the config.
const WRONG: u8 = 2;

/// For a probed server that is not ready, and for a server that could not go on, or not end as it should.
const FAILED: u8 = 1;

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    match options::read(std::env::args_os().skip(1)) {
        Ok(Command::Help) => say(HELP),
        Ok(Command::Version) => say(concat!("recording-server ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Command::Check(file)) => check(&file),
        Ok(Command::Probe(address)) => probe(address),
        Ok(Command::MakeToken(name)) => make_token(&name),
        Ok(Command::Serve(options)) => serve::serve(options),
        Err(error) => fail(error),
    }
}

/// Prints to the standard output; that nobody reads it is no error.
fn say(text: &str) -> ExitCode {
    let mut out = io::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    ExitCode::SUCCESS
}

/// One line on the standard error.
fn fail(error: impl core::fmt::Display) -> ExitCode {
    output::complain(&error);
    ExitCode::from(WRONG)
}

/// `world.toml:3: name: is missing`
fn in_file(file: &Path, error: &ConfigError) -> String {
    let space = if error.line.is_some() { "" } else { " " };
    format!("{}:{space}{error}", file.display())
}

fn make_token(name: &str) -> ExitCode {
    match tokens::make(name) {
        Ok(made) => say(&format!(
            "The token, for its bearer only. It is not shown again:\n{}\n\nIts line for the file of --tokens or --admin-tokens:\n{}\n",
            made.token, made.line
        )),
        Err(error) => fail(format_args!("--make-token: {error}")),
    }
}

fn check(file: &Path) -> ExitCode {
    match config::load(file) {
        Ok(directory) => say(&format!("{}: good, {}\n", file.display(), count(&directory))),
        Err(errors) => errors.iter().fold(ExitCode::from(WRONG), |_, error| fail(in_file(file, error))),
    }
}

fn probe(address: SocketAddr) -> ExitCode {
    match probe::ready(banner::reachable(address)) {
        Ok(()) => say("ready\n"),
        Err(why) => {
            let _ = fail(format_args!("not ready: {why}"));
            ExitCode::from(FAILED)
        }
    }
}

fn count(directory: &Directory) -> String {
    format!("UCCs: {}, agents: {}", directory.len(), directory.agents())
}

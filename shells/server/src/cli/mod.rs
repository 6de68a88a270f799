//! The program: options, signals, exit codes.

mod banner;
mod etcd;
mod init;
mod needs;
mod notify;
mod options;
mod probe;
mod protection;
mod reload;
mod serve;
mod signals;
#[cfg(test)]
mod tests;
mod usage;
mod values;

use core::net::SocketAddr;
use core::time::Duration;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

pub use options::command;

use init::{InitError, InitOptions};
use options::{Command, read};
use tokio::runtime::Builder;

use crate::auth::issuer::{self, Issuer};
use crate::auth::tokens;
use crate::config::{self, ConfigError};
use crate::directory::Directory;
use crate::hub::EventCase;
use crate::output::{self, Output};
use crate::{recorder, webhook};

/// For whatever is wrong with an option, an address or the config.
const WRONG: u8 = 2;

/// For a probed server that is not ready, and for a server that could not go on, or not end as it should.
const FAILED: u8 = 1;

/// How long the last words may take: a log or an output that is stuck does not delay the end.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    let code = match read(std::env::args_os().skip(1)) {
        Ok(Command::Print(text)) => say(&text),
        Ok(Command::Check(file)) => check(&file),
        Ok(Command::CheckIssuer(options)) => check_issuer(options),
        Ok(Command::Probe(address)) => probe(address),
        Ok(Command::MakeToken(name)) => make_token(&name),
        Ok(Command::Init(options)) => init(&options),
        Ok(Command::Serve(options)) => serve::serve(options),
        Err(error) => fail(error),
    };
    output::flush(LAST_WORDS);
    code
}

/// Prints to the standard output; it is no error if that cannot be written.
fn say(text: &str) -> ExitCode {
    let out = Output::to("output", output::standard_output());
    out.line(text.as_bytes());
    out.flush(LAST_WORDS);
    ExitCode::SUCCESS
}

/// Reads what a store has of files again; it may wait.
type Renewal = Arc<dyn Fn() + Send + Sync>;

/// Why the server did not start.
struct NotStarted {
    reason: String,
    code: u8,
}

impl NotStarted {
    /// It may start a moment later, without anything changed here.
    #[cfg(feature = "etcd")]
    const fn at_present(reason: String) -> Self {
        Self { reason, code: FAILED }
    }
}

/// Something is wrong with what is given.
impl From<String> for NotStarted {
    fn from(reason: String) -> Self {
        Self { reason, code: WRONG }
    }
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

fn init(options: &InitOptions) -> ExitCode {
    match init::init(options) {
        Ok(text) => say(&text),
        Err(error) => {
            let _ = fail(&error);
            ExitCode::from(if matches!(error, InitError::Refused(_)) { WRONG } else { FAILED })
        }
    }
}

fn check(file: &Path) -> ExitCode {
    match config::load(file) {
        Ok(directory) => match webhook::prepare(directory.webhooks(), EventCase::default())
            .and_then(|_| recorder::check(directory.recorders()))
        {
            Ok(()) => {
                let notes: String = notes(&directory).map(|note| note + "\n").collect();
                say(&format!("{}: good, {}\n{notes}", file.display(), count(&directory)))
            }
            Err(reason) => fail(format_args!("{}: {reason}", file.display())),
        },
        Err(errors) => errors.iter().fold(ExitCode::from(WRONG), |_, error| fail(in_file(file, error))),
    }
}

fn check_issuer(options: issuer::Options) -> ExitCode {
    let name = options.issuer.clone();
    let issuer = match Issuer::new(options) {
        Ok(issuer) => issuer,
        Err(error) => return fail(error),
    };
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(format_args!("cannot start: {error}")),
    };
    match runtime.block_on(issuer.try_out()) {
        Ok(found) => say(&format!("{name}: good, {found}\n")),
        Err(why) => {
            let _ = fail(why);
            ExitCode::from(FAILED)
        }
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

/// `UCCs: 1, agents: 3, of these in files: 2, patterns: 1`, without what there is none of.
fn count(directory: &Directory) -> String {
    let mut text = format!("UCCs: {}, agents: {}", directory.len(), directory.agents());
    for (what, number) in [("of these in files", directory.agents_in_files()), ("patterns", directory.patterns())] {
        if number > 0 {
            text += &format!(", {what}: {number}");
        }
    }
    text
}

/// What is good in a config and hardly meant so.
fn notes(directory: &Directory) -> impl Iterator<Item = String> {
    directory.stars_in_lists().map(|(ucc, uri)| {
        format!("note: UCC {ucc:?} has {uri:?} in its agents, where it is one agent; as a pattern it goes into agent_patterns")
    })
}

//! Options, progress and exit codes.

mod options;
mod silence;
#[cfg(test)]
mod tests;
mod values;

use core::time::Duration;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

pub use options::command;

use options::{Asked, Command, read};
use recording_testkit::explore::{Progress, explore_to_the_end};

use crate::http::Server;
use crate::hub::Hub;
use crate::plain::shown;
use crate::report::{self, Subject};
use crate::{plain, probe};

/// How often progress is reported: often enough not to look stuck, seldom enough for a log.
const TELL: Duration = Duration::from_secs(2);
/// How often it is shown that the server is waited for.
const SILENCE: Duration = Duration::from_secs(10);

/// The program.
#[must_use]
pub fn main() -> ExitCode {
    match read(std::env::args_os().skip(1)) {
        Ok(Command::Run(asked)) => run(*asked).unwrap_or_else(|error| failed(&error)),
        Ok(Command::Print(text)) => print(&text),
        Err(error) => failed(&format!("{error} (see --help)")),
    }
}

fn failed(error: &str) -> ExitCode {
    // What a server said may be in it.
    let _ = writeln!(std::io::stderr(), "recording-conformance: {}", shown(error));
    ExitCode::from(2)
}

/// Prints what was asked for instead of a run. A reader that has gone away is no error.
fn print(text: &str) -> ExitCode {
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn run(asked: Asked) -> Result<ExitCode, String> {
    let Asked { api, admin, hub, plan, options, json, quiet } = asked;
    let plan = Arc::new(plan);
    let waiting = silence::watch(SILENCE, move |past| {
        if !quiet {
            eprintln!("the server is waited for: {} s", past.as_secs());
        }
    });
    let mut server = Server::new(api.clone(), admin.clone());
    if let Some(hub) = hub {
        server = server.heard_by(Hub::connect(&hub).map_err(|error| error.to_string())?);
    }
    probe::probe(&mut server, &plan, &options)?;
    let mut last = Instant::now();
    let terminal = std::io::stderr().is_terminal();
    let mut progress = |progress: Progress| {
        let _ = waiting.send(());
        if quiet || last.elapsed() < TELL {
            return;
        }
        last = Instant::now();
        let line = match progress {
            Progress::Case { done, of, requests } => format!("{done} of {of} sequences, {requests} requests"),
            Progress::Shrinking { rule, steps } => format!("{}: shrinking, {steps} steps", rule.id()),
        };
        if terminal { eprint!("\r\x1b[K{line}") } else { eprintln!("{line}") }
    };
    let (report, ended) = explore_to_the_end(&mut server, &plan, &options, &mut progress);
    drop(waiting);
    if terminal && !quiet {
        eprint!("\r\x1b[K");
    }
    let ended = ended.map_err(|error| error.to_string());
    if report.findings.is_empty() {
        ended.clone()?;
    }
    let subject = Subject { api: &api, admin: admin.as_ref(), plan: &plan, seed: options.seed };
    // First what cannot fail: a file that cannot be written must not lose what was found.
    let _ = std::io::stdout().write_all(report::text(&subject, &report).as_bytes());
    if let Some(file) = &json {
        let document = report::json(&subject, &report);
        std::fs::write(file, plain::json(&format!("{document:#}\n"))).map_err(|error| format!("{file}: {error}"))?;
    }
    // What was found by then is shown above.
    ended?;
    Ok(ExitCode::from(u8::from(!report.held())))
}

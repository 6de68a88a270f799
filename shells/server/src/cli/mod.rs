//! The program: options, signals, exit codes.

mod banner;
pub mod options;
mod probe;
pub mod protection;
mod signals;

use core::net::SocketAddr;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use options::{Command, Options, StoreKind};
use signals::{Asked, Signals};
use tracing::{error, info, warn};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::auth::tokens;
use crate::config::{self, ConfigError};
use crate::demo;
use crate::directory::Directory;
use crate::hub;
use crate::server::{self, Protection, Running};
use crate::service::{Caller, Service};
use crate::store::{FileStore, MemoryStore, OpenError, Store};
use crate::trail::{self, Trail};

/// What `--help` prints.
pub const HELP: &str = include_str!("help.txt");

/// For whatever is wrong with an option, an address or the config.
const WRONG: u8 = 2;

/// For a probed server that is not ready.
const NOT_READY: u8 = 1;

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    match options::read(std::env::args_os().skip(1)) {
        Ok(Command::Help) => say(HELP),
        Ok(Command::Version) => say(concat!("recording-server ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Command::Check(file)) => check(&file),
        Ok(Command::Probe(address)) => probe(address),
        Ok(Command::MakeToken(name)) => make_token(&name),
        Ok(Command::Serve(options)) => serve(&options),
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
    let _ = writeln!(io::stderr(), "recording-server: {error}");
    ExitCode::from(WRONG)
}

/// `world.toml:3: name: is missing`
fn in_file(file: &Path, error: &ConfigError) -> String {
    let space = if error.line.is_some() { "" } else { " " };
    format!("{}:{space}{error}", file.display())
}

/// `the audit trail recording.jsonl: …`
fn in_trail(audit: Option<&trail::Settings>, error: &io::Error) -> String {
    let file = audit.map_or(Path::new(""), |audit| &audit.path);
    format!("the audit trail {}: {error}", file.display())
}

fn make_token(name: &str) -> ExitCode {
    match tokens::make(name) {
        Ok(made) => say(&format!(
            "token, for its bearer alone; it is shown only now:\n{}\n\nline for --tokens or --admin-tokens:\n{}\n",
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
            ExitCode::from(NOT_READY)
        }
    }
}

fn count(directory: &Directory) -> String {
    format!("UCCs: {}, agents: {}", directory.len(), directory.agents())
}

fn serve(options: &Options) -> ExitCode {
    // Libraries do not write to this log: what one of them might tell of a request is not ours to know.
    let ours = Targets::new().with_target("recording", options.log).with_target("signalr_hub", options.log);
    let log = tracing_subscriber::fmt().with_max_level(options.log).with_writer(io::stderr).with_ansi(false);
    log.finish().with(ours).init();
    let directory = match &options.config {
        None => demo::directory(),
        Some(file) => match config::load(file) {
            Ok(directory) => directory,
            Err(errors) => return fail(errors.first().map_or_else(String::new, |error| in_file(file, error))),
        },
    };
    let protection = match options.protection.load() {
        Ok(protection) => protection,
        Err(error) => return fail(error),
    };
    let trail = match options.audit.as_ref().map(|audit| (Trail::open(audit), audit)) {
        None => None,
        Some((Ok(trail), _)) => Some(trail),
        Some((Err(error), audit)) => return fail(in_trail(Some(audit), &error)),
    };
    match &options.store {
        StoreKind::Memory => {
            let store = trail.clone().map_or_else(MemoryStore::new, MemoryStore::audited);
            start((options, protection), directory, store, trail.as_ref(), ("memory".into(), None))
        }
        StoreKind::File(path) => match open(path, trail.clone()) {
            Ok(store) => {
                let kept = (format!("file:{}", path.display()), Some((store.id(), store.last_revision().0)));
                start((options, protection), directory, store, trail.as_ref(), kept)
            }
            Err(error) => fail(error),
        },
    }
}

/// Opens the store. Some damaged files make the database panic, which becomes an error as any other; its message would
/// only stand in the way.
fn open(path: &Path, trail: Option<Trail>) -> Result<FileStore, OpenError> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let store = FileStore::open(path, trail);
    std::panic::set_hook(hook);
    let store = store?;
    info!(target: "recording", file = %path.display(), sessions = store.len(), "store opened");
    Ok(store)
}

/// Where sessions are kept, as the trail says it: in words, and the id and last revision of a file.
type Kept = (String, Option<(u64, u64)>);

fn start<S: Store>(
    (options, protection): (&Options, Protection),
    directory: Directory,
    store: S,
    trail: Option<&Trail>,
    (kept, file): Kept,
) -> ExitCode {
    let tell = |outcome| trail.map_or(Ok(()), |trail| trail.server(outcome, &kept, file));
    if let Err(error) = tell("started") {
        return fail(in_trail(options.audit.as_ref(), &error));
    }
    let service = Service::audited(directory, store, trail.cloned());
    let code = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(run(options, service, protection)),
        Err(error) => fail(format_args!("cannot start: {error}")),
    };
    if let Err(error) = tell("ended") {
        error!(target: "recording", reason = error.to_string(), "the audit trail cannot be written");
    }
    code
}

async fn run<S: Store>(options: &Options, service: Service<S>, protection: Protection) -> ExitCode {
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => return fail(format_args!("cannot listen for signals: {error}")),
    };
    let listening = signalr_hub::Options { connections: options.listeners, ..signalr_hub::Options::default() };
    let hub = hub::new(options.event_case, listening);
    let service = Arc::new(service.with_hub(hub));
    let is_demo = options.config.is_none();
    if let (true, Some(key)) = (is_demo, demo::session()) {
        // One that was kept in a file stays as it is.
        let note = service.note(|| trail::begun(key.ucc.borrow(), key.correlation_id, demo::STATE, Caller::default()));
        if let Err(error) = service.store().compare_and_set(&key, None, Some(demo::STATE), note).await {
            return fail(format_args!("the demo's session cannot be opened: {error}"));
        }
    }
    let running = match server::start_protected(service, options.addresses, options.limits, protection).await {
        Ok(running) => running,
        Err(error) => return fail(error),
    };
    // Whoever started it may not listen; the log tells as well.
    let _ = banner::print(&mut io::stdout().lock(), &running, is_demo.then_some(&options.store));
    let server::Addresses { api, admin } = running.addresses();
    info!(target: "recording", %api, %admin, "listening");

    while signals.next().await == Asked::Reload {
        reload(options, &running);
    }
    info!(target: "recording", "ending: no new connections, finishing what is in flight");
    tokio::select! {
        finished = running.stop(options.grace) => {
            if !finished {
                warn!(target: "recording", "not everything in flight was finished in time");
            }
        }
        // Whoever asks a second time does not want to wait.
        () = second(&mut signals) => warn!(target: "recording", "asked again: ending at once"),
    }
    ExitCode::SUCCESS
}

async fn second(signals: &mut Signals) {
    while signals.next().await != Asked::End {}
}

fn reload<S: Store>(options: &Options, running: &Running<S>) {
    running.protection().reload();
    match running.service().trail().map(Trail::reopen) {
        None | Some(Ok(())) => {}
        Some(Err(reason)) => {
            let reason = reason.to_string();
            error!(target: "recording", reason, "the audit trail cannot be opened again; the old file is written on");
        }
    }
    let Some(file) = &options.config else {
        warn!(target: "recording", "there is no config to read again: this is the demo world");
        return;
    };
    match config::load(file) {
        Ok(directory) => {
            let (uccs, agents) = (directory.len(), directory.agents());
            running.service().directory().replace(directory);
            running.service().metrics().reloaded(true);
            info!(target: "recording", file = %file.display(), uccs, agents, "config read again");
        }
        Err(errors) => {
            for error in &errors {
                error!(target: "recording", "bad config: {}", in_file(file, error));
            }
            running.service().metrics().reloaded(false);
            warn!(target: "recording", "the old config stays in force");
        }
    }
}

//! The command line. Each option is written once: `--help`, what is accepted and the table of `docs/running.md` come from
//! the fields here and in [`protection`](super::protection).

#![allow(clippy::doc_markdown)] // the comments of options are what --help prints

use core::net::SocketAddr;
use core::time::Duration;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::error::ErrorKind;
use clap::{Arg, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use signalr_hub::ServerName;
use tracing::level_filters::LevelFilter;

use super::etcd::EtcdOptions;
use super::init::InitOptions;
use super::needs;
use super::protection::ProtectionOptions;
use super::usage::{UsageError, refuse_tokens};
use super::values::{self, StoreKind};
use crate::audit;
use crate::auth::issuer;
use crate::hub::EventCase;
use crate::net::Limits;
use crate::recorder::DEFAULT_PATIENCE;
use crate::server::Addresses;

/// What to do.
#[derive(Debug)]
pub(super) enum Command {
    /// Print the help or the version.
    Print(String),
    /// Check a config.
    Check(PathBuf),
    /// Fetch the keys of this issuer once.
    CheckIssuer(issuer::Options),
    /// Ask the server whose admin's requests are served here whether it is ready.
    Probe(SocketAddr),
    /// Make a token of this name.
    MakeToken(String),
    /// Write what a server needs.
    Init(Box<InitOptions>),
    /// Serve.
    Serve(Box<Options>),
}

const ABOUT: &str = "A server for the recording API: pauses, resumes and marks the recordings of calls.";

const DEMO: &str = "\
Without options it serves a demo world on this machine only: UCC 'ucc-demo-name' (licensed, audio recording on, agents may \
edit, recordings saved by default, repeats accepted) with agent 'sip:agent@domain.com' and the open session \
1d6c6a58-6739-4f0c-98ff-0968292c8c30, whose recorder is started. Nothing is kept when it ends.";

const AFTER: &str = r#"SIGHUP reads the config and the files of tokens, keys and certificates again; an invalid one is logged, and the old one stays in force. Limits apply to each of the two ports. A request's body has at most 2048 bytes: the protocol says so, and no option changes it.

Exit codes: 0 after a signal to end, or if the config or the issuer is good, or the probed server ready; 1 if these two are not, or if the server could not go on, or init could not write; 2 if an option, an address, a file or the config is invalid.

A config has one such table for each UCC; 'repeats' and what follows 'agents' may be left out:

  [[ucc]]
  name = "ucc-demo-name"
  recording_api_licensed = true
  use_audio_recording = true
  agent_can_edit_audio_recording = true
  save_recording_by_default = true
  repeats = "accept"            # or "refuse": how an action that would change nothing is answered
  agents = ["sip:agent@domain.com"]
  agent_patterns = ["sip:*@domain.com"]  # agents as well: each user of a domain
  agents_file = "agents.txt"    # agents as well: one a line, read again when it changes
  recorder = "proxy"            # the recorder that has to confirm; without it the state is all there is
  resume = "anyone"             # or "holders": who may end a pause
  pause_limit_seconds = 600     # a longer pause is reported

and one such table for each recorder (docs/recorder.md):

  [[recorder]]
  name = "proxy"
  kind = "rtpengine"            # or "http"
  address = "127.0.0.1:22222"
  pause = "segments"            # or "native"
  recording_dir = "/var/spool/rtpengine"

and one such table for each address that events are posted to (docs/webhooks.md):

  [[webhook]]
  name = "crm"
  url = "https://crm.example/recording-events"
  secret_file = "/etc/recording-server/crm-secret"
"#;

const TEMPLATE: &str = "{about}\n\nUsage: recording-server [OPTIONS]\n       recording-server init DIR [OPTIONS]\n\n{before-help}{all-args}{after-help}\n";

// The comments of the structs below are no doc comments: clap would take them for the program's description.

// How to serve.
#[derive(Debug, Parser)]
#[command(name = "recording-server", version, about = ABOUT, before_help = DEMO, after_help = AFTER)]
#[command(help_template = TEMPLATE, max_term_width = 120, no_binary_name = true, args_override_self = true)]
#[command(allow_negative_numbers = true, args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub(super) struct Options {
    #[command(flatten)]
    addresses: AddressOptions,
    #[command(flatten)]
    sessions: SessionOptions,
    #[command(flatten)]
    pub(super) etcd: EtcdOptions,
    #[command(flatten)]
    audit: AuditOptions,
    #[command(flatten)]
    pub(super) protection: ProtectionOptions,
    #[command(flatten)]
    limits: LimitOptions,
    #[command(flatten)]
    instead: Instead,
    #[command(subcommand)]
    subcommand: Option<Subcommands>,
}

#[derive(Debug, Subcommand)]
enum Subcommands {
    /// Write a config, a certificate, tokens and a script that starts the server into a directory; see init --help
    Init(Box<InitOptions>),
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Addresses")]
struct AddressOptions {
    /// Address of the recording API and its events. An address that other machines can reach requires TLS and tokens. Port 0
    /// takes a free port, which the output shows
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", value_parser = values::checked(values::address))]
    listen: SocketAddr,
    /// Address of call control and operations: begin, end and list sessions, health, metrics, the console. Every client that
    /// reaches it may do all that, unless --admin-tokens is set. An address that other machines can reach requires TLS and
    /// tokens as well
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081", value_parser = values::checked(values::address))]
    admin: SocketAddr,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Sessions and events")]
struct SessionOptions {
    /// UCCs, settings and agents in TOML. Without it the server runs the demo world, which is for trying things
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where sessions are kept. In a file, a change is on disk before it is answered; in memory, every session is lost when
    /// the server ends; in a cluster of etcd, under the keys that begin with PREFIX/, any number of servers share them, if the
    /// program was built with the feature etcd. Required with --config; the demo world uses memory by default
    #[arg(long, value_name = "memory|file:PATH|etcd:PREFIX", value_parser = values::checked(StoreKind::read))]
    store: Option<StoreKind>,
    /// How the keys of events are written in JSON: pascal (UccName, as the API's page has it) or camel (uccName, .NET's
    /// default)
    #[arg(long, value_name = "CASE", default_value = "pascal", value_parser = values::event_case())]
    event_case: EventCase,
    /// What the ids of this server's listeners begin with, before a dot: letters, digits and hyphens. A balancer in front of
    /// several servers routes server-sent events and long polling by it, so each has another one [default: a new random one
    /// at each start]
    #[arg(long, value_name = "NAME", value_parser = values::checked(values::server_name))]
    server_name: Option<ServerName>,
    /// How long a request to change a session with a recorder waits for the recorder to confirm, in milliseconds. After that it
    /// is answered that it is not confirmed; the recorder is asked on
    #[arg(long, value_name = "MILLISECONDS", default_value_t = DEFAULT_PATIENCE.as_millis() as u64)]
    #[arg(value_parser = values::number::<u64>(500..=10_000))]
    recorder_wait: u64,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Audit trail and log")]
struct AuditOptions {
    /// Write every decision as a line of JSON to FILE; a change whose line cannot be written is refused with 503. SIGHUP
    /// opens FILE again [default: no audit trail]
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
    /// Size at which FILE becomes FILE.1 and a new FILE is begun
    #[arg(long, value_name = "BYTES", default_value_t = audit::TrailSettings::default().max_bytes)]
    #[arg(value_parser = values::number::<u64>(65_536..=1 << 40))]
    audit_max_bytes: u64,
    /// How many such older files are kept. The disk needs room for this many and two more
    #[arg(long, value_name = "NUMBER", default_value_t = audit::TrailSettings::default().keep)]
    #[arg(value_parser = values::number::<u32>(1..=100_000))]
    audit_keep: u32,
    /// Whether reads get a line as well. They are most of the lines: turn them off if it does not matter who asked
    #[arg(long, value_name = "on|off", default_value = "on", value_parser = values::on_or_off())]
    #[arg(action = clap::ArgAction::Set)]
    audit_reads: bool,
    /// What is logged to the standard error: info has a line for each change and each refusal, debug for each read as well
    #[arg(long, value_name = "LEVEL", default_value = "info", value_parser = values::level())]
    log: LevelFilter,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
struct LimitOptions {
    /// Size of a request's line and headers together. More is only needed if a proxy adds large headers
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().head)]
    #[arg(value_parser = values::number::<usize>(8192..=1_048_576))]
    max_head: usize,
    /// Time for a whole request to arrive, head and body. Then it is answered with 408, or the connection is closed if the
    /// head is incomplete
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().request.as_secs())]
    #[arg(value_parser = values::seconds())]
    request_timeout: u64,
    /// Time that a connection may be idle between requests. Behind a proxy, longer than the proxy keeps idle connections, so
    /// that the proxy is the one that closes them
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().idle.as_secs())]
    #[arg(value_parser = values::seconds())]
    idle_timeout: u64,
    /// Time for a client to take its reply
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().write.as_secs())]
    #[arg(value_parser = values::seconds())]
    write_timeout: u64,
    /// Connections at once; each takes a file descriptor. One more takes the place of the connection that has waited longest
    /// for its client, never of one with a request in progress
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::default().connections)]
    #[arg(value_parser = values::number::<usize>(1..=1_000_000))]
    max_connections: usize,
    /// Listeners of events at once. They count as connections, so there must be fewer. One caller may have all places until
    /// another one wants some [default: half of --max-connections]
    #[arg(long, value_name = "NUMBER", value_parser = values::number::<usize>(0..=1_000_000))]
    max_listeners: Option<usize>,
    /// Time for requests in progress to finish after SIGTERM or SIGINT
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = values::seconds())]
    grace: u64,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Instead of serving")]
struct Instead {
    /// Check the file of --config: report that it is good, or what is wrong on which line. Exits with 0 or 2
    #[arg(long)]
    check_config: bool,
    /// Fetch the keys of --oidc-issuer once: report how many there are, or what is wrong. Exits with 0 or 1
    #[arg(long)]
    check_issuer: bool,
    /// Ask the server at --admin by plain HTTP whether it is ready. Exits with 0 or 1
    #[arg(long)]
    probe: bool,
    /// Print a new token and, as the last line, its line for the file of --tokens or --admin-tokens
    #[arg(long, value_name = "NAME", value_parser = values::checked(|name| Ok(name.to_owned())))]
    make_token: Option<String>,
}

impl Options {
    /// Where to listen.
    pub(super) const fn addresses(&self) -> Addresses {
        Addresses { api: self.addresses.listen, admin: self.addresses.admin }
    }

    /// How long a set waits for its recorder.
    pub(super) const fn recorder_wait(&self) -> Duration {
        Duration::from_millis(self.sessions.recorder_wait)
    }

    /// The config; `None` is the demo world.
    pub(super) const fn config(&self) -> Option<&PathBuf> {
        self.sessions.config.as_ref()
    }

    /// Where sessions are kept.
    pub(super) fn store(&self) -> &StoreKind {
        self.sessions.store.as_ref().unwrap_or(&StoreKind::Memory)
    }

    /// How the keys of events are written.
    pub(super) const fn event_case(&self) -> EventCase {
        self.sessions.event_case
    }

    /// What this server is called.
    ///
    /// # Errors
    ///
    /// If it has no name of its own and the system has no random numbers for one.
    pub(super) fn server_name(&self) -> Result<ServerName, String> {
        let random = || ServerName::random().map_err(|error| format!("there are no random numbers: {error}"));
        self.sessions.server_name.clone().map_or_else(random, Ok)
    }

    /// The audit trail, if there is to be one.
    pub(super) fn audit(&self) -> Option<audit::TrailSettings> {
        let AuditOptions { audit, audit_max_bytes, audit_keep, audit_reads, log: _ } = &self.audit;
        let path = audit.clone()?;
        Some(audit::TrailSettings { path, max_bytes: *audit_max_bytes, keep: *audit_keep, reads: *audit_reads })
    }

    /// What to log.
    pub(super) const fn log(&self) -> LevelFilter {
        self.audit.log
    }

    /// What clients are granted.
    pub(super) fn limits(&self) -> Limits {
        let given = &self.limits;
        let limits = Limits::default();
        Limits {
            head: given.max_head,
            request: Duration::from_secs(given.request_timeout),
            idle: Duration::from_secs(given.idle_timeout),
            write: Duration::from_secs(given.write_timeout),
            connections: given.max_connections,
            frames: limits.frames.filter(|_| self.protection.limits_rates()),
        }
    }

    /// How many may listen to events at once.
    pub(super) fn listeners(&self) -> usize {
        self.limits.max_listeners.unwrap_or(self.limits.max_connections / 2)
    }

    /// How long to go on after a signal to end.
    pub(super) const fn grace(&self) -> Duration {
        Duration::from_secs(self.limits.grace)
    }

    /// What only several options together can get wrong.
    fn check(&self) -> Result<(), UsageError> {
        // With a config of one's own, to lose sessions is always a choice.
        if self.sessions.config.is_some() && self.sessions.store.is_none() {
            let needs = "--config needs --store: file:PATH keeps sessions, memory loses them when the server ends";
            return Err(UsageError::new(needs));
        }
        // Listeners keep their connections: so there must be others left for requests.
        let in_etcd = matches!(self.store(), StoreKind::Etcd(_));
        self.etcd.check(in_etcd)?;
        let (listeners, connections) = (self.listeners(), self.limits.max_connections);
        if listeners >= connections && listeners > 0 {
            return Err(UsageError::new(format!(
                "--max-listeners: {listeners} leaves no connection for requests; --max-connections is {connections}"
            )));
        }
        let Addresses { api, admin } = self.addresses();
        if api == admin && api.port() != 0 {
            return Err(UsageError::new(format!("--listen and --admin are both {api}; the two must differ")));
        }
        self.protection.check(self.addresses())
    }
}

/// The whole command line, as clap has it; what an option accepts is part of its help.
#[must_use]
pub fn command() -> clap::Command {
    Options::command().mut_args(with_accepted).mut_subcommands(|command| command.mut_args(with_accepted))
}

/// An option whose help says what it accepts.
fn with_accepted(arg: Arg) -> Arg {
    let accepted = if arg.get_action().takes_values() { arg.get_possible_values() } else { Vec::new() };
    if accepted.is_empty() {
        return arg;
    }
    let accepted: Vec<_> = accepted.iter().map(PossibleValue::get_name).collect();
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let help = format!("{help} [{}]", accepted.join(", "));
    arg.help(help).hide_possible_values(true)
}

/// Reads the command line, without the program's name.
///
/// # Errors
///
/// The first thing that is wrong with it.
pub(super) fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, UsageError> {
    let arguments: Vec<_> = arguments.into_iter().collect();
    refuse_tokens(&arguments)?;
    let mut command = command();
    let matches = match command.try_get_matches_from_mut(&arguments) {
        Ok(matches) => matches,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            return Ok(Command::Print(error.to_string()));
        }
        Err(error) => return Err(UsageError::of(&error, &command, &arguments)),
    };
    let options = Options::from_arg_matches(&matches).map_err(|error| UsageError::of(&error, &command, &arguments))?;
    if let Some(Subcommands::Init(options)) = options.subcommand {
        return Ok(Command::Init(options));
    }
    if let Some(name) = options.instead.make_token {
        return Ok(Command::MakeToken(name));
    }
    if options.instead.check_config {
        let needs = || UsageError::new("--check-config needs --config FILE");
        return options.sessions.config.map(Command::Check).ok_or_else(needs);
    }
    if options.instead.check_issuer {
        let needs = || UsageError::new("--check-issuer needs --oidc-issuer URL");
        return options.protection.issuer().map(Command::CheckIssuer).ok_or_else(needs);
    }
    if options.instead.probe {
        return Ok(Command::Probe(options.addresses.admin));
    }
    needs::check(&command, &matches)?;
    options.check()?;
    Ok(Command::Serve(Box::new(options)))
}

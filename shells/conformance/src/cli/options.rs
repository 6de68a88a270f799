//! The command line. Each option is written once: `--help`, what is accepted and the table of `docs/conformance.md` come
//! from the fields here.

#![allow(clippy::doc_markdown)] // the comments of options are what --help prints

use core::time::Duration;
use std::ffi::OsString;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::builder::PossibleValue;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser};
use recording_testkit::explore;
use recording_testkit::naive;
use recording_testkit::plan::{OPEN, Plan, PlannedUcc, Profile};

use super::values::{self, one_line};
use crate::access::{Endpoint, PATIENCE, Token, Trust};
use crate::address::Address;

/// What to do.
#[derive(Debug)]
pub(super) enum Command {
    /// Print the help or the version.
    Print(String),
    /// Test a server.
    Run(Box<Asked>),
}

/// A run, as it was asked for.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) api: Endpoint,
    pub(super) admin: Option<Endpoint>,
    pub(super) hub: Option<Endpoint>,
    pub(super) plan: Plan,
    pub(super) options: explore::Options,
    pub(super) json: Option<String>,
    pub(super) quiet: bool,
}

/// The most sessions that one run takes.
const MAX_SESSIONS: usize = 100;

const ABOUT: &str = "\
Tests a server that speaks the recording API. Sends it sequences of requests, made up from a seed, and reports rule by rule \
where the server differs from docs/protocol.md. Each broken rule is shown by curl commands of its own, the worst first: a \
recording that may go on comes before a spelling. docs/conformance.md has more.";

const AFTER: &str = "\
Exit codes: 0 if every rule that was reached held; 1 if one did not; 2 for wrong options, a connection that failed, or a \
report that could not be written.";

const TEMPLATE: &str = "\
{about}\n\nUsage: recording-conformance --url URL --agent SIP --ucc NAME (--admin URL | --session ID...) [OPTIONS]\n\n\
{all-args}{after-help}\n";

// The comments of the structs below are no doc comments: clap would take them for the program's description.

// What to test.
#[derive(Debug, Parser)]
#[command(name = "recording-conformance", version, about = ABOUT, after_help = AFTER)]
#[command(help_template = TEMPLATE, max_term_width = 120, no_binary_name = true, args_override_self = true)]
#[command(allow_negative_numbers = true)]
struct Arguments {
    #[command(flatten)]
    server: ServerArguments,
    #[command(flatten)]
    uccs: UccArguments,
    #[command(flatten)]
    run: RunArguments,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "The server")]
struct ServerArguments {
    /// The API's base URL, such as http://127.0.0.1:8080. Required
    #[arg(long, value_name = "URL", value_parser = values::checked(values::address))]
    url: Option<Address>,
    /// The call control of recording-server: the tool begins and ends sessions there
    #[arg(long, value_name = "URL", value_parser = values::checked(values::address))]
    admin: Option<Address>,
    /// A session of the UCC that is open; may be given up to 100 times. The tool reads its state first, and before each
    /// sequence it brings the session back there as far as actions can. Whatever it tries CHANGES the session: never give
    /// that of a real call
    #[arg(long, value_name = "ID", value_parser = values::checked(values::session))]
    session: Vec<String>,
    /// The SignalR hub, such as http://127.0.0.1:8080/attendantservice/hubs/recording: its events are checked as well
    #[arg(long, value_name = "URL", value_parser = values::checked(values::address))]
    hub: Option<Address>,
    /// A file with the bearer token for the API and the hub (the path, not the token)
    #[arg(long, value_name = "FILE")]
    token: Option<String>,
    /// The same for --admin
    #[arg(long, value_name = "FILE")]
    admin_token: Option<String>,
    /// PEM certificates that are trusted for https [default: those of this system]. The server's own certificate is
    /// trusted as it is, such as 'openssl req -x509' makes it
    #[arg(long, value_name = "FILE")]
    ca: Option<String>,
    /// An agent of the UCC
    #[arg(long, value_name = "SIP", default_value = "sip:agent@domain.com")]
    #[arg(value_parser = values::checked(values::agent))]
    agent: String,
    /// A UCC that allows everything and accepts repeats
    #[arg(long, value_name = "NAME", default_value = "ucc-demo-name", value_parser = values::checked(values::ucc))]
    ucc: String,
}

#[derive(Debug, Args)]
#[command(
    next_help_heading = "To reach more rules (each of these UCCs must have the agent as well; sessions in them need \
                               --admin)"
)]
struct UccArguments {
    /// The UCC of --ucc refuses repeats
    #[arg(long)]
    repeats_refused: bool,
    /// SaveRecordingByDefault is on in the UCCs (the demo world of recording-server needs this)
    #[arg(long)]
    saved_by_default: bool,
    /// A UCC whose license does not include the API
    #[arg(long, value_name = "NAME", value_parser = values::checked(values::ucc))]
    unlicensed: Vec<String>,
    /// A UCC with UseAudioRecording off
    #[arg(long, value_name = "NAME", value_parser = values::checked(values::ucc))]
    audio_off: Vec<String>,
    /// A UCC with AgentCanEditAudioRecording off
    #[arg(long, value_name = "NAME", value_parser = values::checked(values::ucc))]
    editing_off: Vec<String>,
    /// A UCC that refuses repeats
    #[arg(long, value_name = "NAME", value_parser = values::checked(values::ucc))]
    refusing: Vec<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "The run")]
struct RunArguments {
    /// Which rules count: all of them, or only the documented ones, which are those of the API's page and of older editions
    /// of it
    #[arg(long, value_name = "PROFILE", default_value = "all", value_parser = values::profile())]
    profile: Profile,
    /// The same seed makes up the same sequences [default: from the clock; the report has it]
    #[arg(long, value_name = "NUMBER", value_parser = values::any_number())]
    seed: Option<u64>,
    /// How many sequences
    #[arg(long, value_name = "NUMBER", default_value_t = explore::Options::default().cases)]
    #[arg(value_parser = values::number::<u32>(1..=1_000_000_000))]
    cases: u32,
    /// How many steps one sequence has at most
    #[arg(long, value_name = "NUMBER", default_value_t = explore::Options::default().steps)]
    #[arg(value_parser = values::number::<usize>(1..=1000))]
    steps: usize,
    /// How long any one exchange may take, from its first byte to its last
    #[arg(long, value_name = "SECONDS", default_value_t = PATIENCE.as_secs())]
    #[arg(value_parser = values::number::<u64>(1..=3600))]
    patience: u64,
    /// Write the report as JSON as well
    #[arg(long, value_name = "FILE")]
    json: Option<String>,
    /// Show no progress
    #[arg(long)]
    quiet: bool,
}

/// The whole command line, as clap has it; what an option accepts is part of its help.
#[must_use]
pub fn command() -> clap::Command {
    Arguments::command().mut_args(|arg| {
        let accepted = if arg.get_action().takes_values() { arg.get_possible_values() } else { Vec::new() };
        if accepted.is_empty() {
            return arg;
        }
        let accepted: Vec<_> = accepted.iter().map(PossibleValue::get_name).collect();
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        arg.help(format!("{help} [{}]", accepted.join(", "))).hide_possible_values(true)
    })
}

/// Reads the command line, without the program's name.
///
/// # Errors
///
/// The first thing that is wrong with it, in one line.
pub(super) fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    let matches = match command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            return Ok(Command::Print(error.to_string()));
        }
        Err(error) => return Err(one_line(&error)),
    };
    let arguments = Arguments::from_arg_matches(&matches).map_err(|error| one_line(&error))?;
    arguments.checked().map(|asked| Command::Run(Box::new(asked)))
}

impl Arguments {
    /// What only several options together can get wrong, and the files that they name.
    fn checked(self) -> Result<Asked, String> {
        let Self {
            server: ServerArguments { url, admin, session, hub, token, admin_token, ca, agent, ucc },
            uccs,
            run,
        } = self;
        let url = url.ok_or("--url is missing")?;
        if admin.is_some() != session.is_empty() || session.len() > MAX_SESSIONS {
            return Err("give either --admin, or --session for each session that may be used (at most 100)".into());
        }
        if hub.is_some() && run.profile == Profile::Documented {
            return Err(
                "--hub is of no use with '--profile documented': no edition of the page says when events come".into()
            );
        }
        let read = |file: Option<String>, option| {
            file.map(|file| Token::read(&file)).transpose().map_err(|error| format!("{option} {error}"))
        };
        let (token, admin_token) = (read(token, "--token")?, read(admin_token, "--admin-token")?);
        let speaks_tls = [Some(&url), admin.as_ref(), hub.as_ref()].into_iter().flatten().any(|address| address.tls);
        if ca.is_some() && !speaks_tls {
            return Err("--ca is of no use without a URL of https".into());
        }
        let trust =
            if speaks_tls { Some(Trust::new(ca.as_deref()).map_err(|error| format!("--ca {error}"))?) } else { None };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let ids = now.as_nanos() as u64;
        let plan = Plan {
            uccs: uccs.planned(ucc, ids),
            agent,
            stranger: format!("sip:nobody-{ids:x}@stranger.invalid"),
            can_begin: admin.is_some(),
            slots: if admin.is_some() { 2 } else { session.len() as u8 },
            profile: run.profile,
        };
        let options = explore::Options {
            seed: run.seed.unwrap_or_else(|| now.subsec_nanos().into()),
            cases: run.cases,
            steps: run.steps,
            ids,
            sessions: session,
            ..explore::Options::default()
        };
        let patience = Duration::from_secs(run.patience);
        let endpoint = |address, token| Endpoint { address, token, trust: trust.clone(), patience };
        Ok(Asked {
            api: endpoint(url, token.clone()),
            admin: admin.map(|admin| endpoint(admin, admin_token)),
            hub: hub.map(|hub| endpoint(hub, token)),
            plan,
            options,
            json: run.json,
            quiet: run.quiet,
        })
    }
}

impl UccArguments {
    /// The UCCs of the plan: that of `--ucc` first, one that there is not last.
    fn planned(self, ucc: String, ids: u64) -> Vec<PlannedUcc> {
        let Self { repeats_refused, saved_by_default, unlicensed, audio_off, editing_off, refusing } = self;
        let of = |names: Vec<String>, settings: naive::Ucc| names.into_iter().map(move |name| (name, settings));
        let all = of(vec![ucc], naive::Ucc { repeats_accepted: !repeats_refused, ..OPEN })
            .chain(of(unlicensed, naive::Ucc { licensed: false, ..OPEN }))
            .chain(of(audio_off, naive::Ucc { use_audio_recording: false, ..OPEN }))
            .chain(of(editing_off, naive::Ucc { agent_can_edit: false, ..OPEN }))
            .chain(of(refusing, naive::Ucc { repeats_accepted: false, ..OPEN }));
        let all = all.map(|(name, ucc)| PlannedUcc {
            name,
            settings: Some(naive::Ucc { save_by_default: saved_by_default, ..ucc }),
        });
        all.chain([PlannedUcc { name: format!("no-ucc-of-this-name-{ids:x}"), settings: None }]).collect()
    }
}

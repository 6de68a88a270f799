//! Options, progress and exit codes.

use core::time::Duration;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use lexopt::prelude::{Long, Short, Value, ValueExt};
use recording_testkit::explore::{Options, Progress, explore_to_the_end};
use recording_testkit::naive;
use recording_testkit::plan::{OPEN, Plan, PlannedUcc, Profile};

use crate::access::{Endpoint, PATIENCE, Token, Trust};
use crate::address::Address;
use crate::http::Server;
use crate::hub::Hub;
use crate::plain::shown;
use crate::report::{self, Subject};
use crate::{plain, probe};

/// How often progress is reported: often enough not to look stuck, seldom enough for a log.
const TELL: Duration = Duration::from_secs(2);

/// What was asked for.
#[derive(Debug)]
struct Asked {
    api: Endpoint,
    admin: Option<Endpoint>,
    hub: Option<Endpoint>,
    plan: Plan,
    options: Options,
    json: Option<String>,
    quiet: bool,
}

/// The program.
#[must_use]
pub fn main() -> ExitCode {
    match read(lexopt::Parser::from_env()) {
        Ok(Some(asked)) => run(asked).unwrap_or_else(|error| failed(&error)),
        Ok(None) => ExitCode::SUCCESS,
        Err(error) => failed(&format!("{error} (see --help)")),
    }
}

fn failed(error: &str) -> ExitCode {
    // What a server said may be in it.
    let _ = writeln!(std::io::stderr(), "recording-conformance: {}", shown(error));
    ExitCode::from(2)
}

/// Reads the options; `None` if they only asked for help.
fn read(mut parser: lexopt::Parser) -> Result<Option<Asked>, String> {
    let (mut url, mut admin, mut hub, mut json, mut quiet) = (None, None, None, None, false);
    let (mut token, mut admin_token, mut ca) = (None, None, None);
    let (mut agent, mut ucc) = ("sip:agent@domain.com".to_owned(), "ucc-demo-name".to_owned());
    let mut others: Vec<(String, naive::Ucc)> = Vec::new();
    let (mut repeats_accepted, mut save_by_default) = (true, false);
    let mut profile = Profile::All;
    let mut patience = PATIENCE;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut options = Options { seed: u64::from(now.subsec_nanos()), ids: now.as_nanos() as u64, ..Options::default() };
    let told = |error: lexopt::Error| error.to_string();
    while let Some(argument) = parser.next().map_err(told)? {
        let Long(name) = argument else {
            match argument {
                Short('h') => return Ok(print(include_str!("help.txt"))),
                Short('V') => return Ok(print(VERSION)),
                // It may be a secret that slipped out of its place.
                Value(_) => return Err("an argument belongs to no option".into()),
                other => return Err(other.unexpected().to_string()),
            }
        };
        let name = name.to_owned();
        let flag = match name.as_str() {
            "help" => return Ok(print(include_str!("help.txt"))),
            "version" => return Ok(print(VERSION)),
            "quiet" => Some(&mut quiet),
            "saved-by-default" => Some(&mut save_by_default),
            "repeats-refused" => {
                repeats_accepted = false;
                continue;
            }
            _ => None,
        };
        if let Some(flag) = flag {
            *flag = true;
            continue;
        }
        let known = [
            "url",
            "admin",
            "hub",
            "token",
            "admin-token",
            "ca",
            "session",
            "agent",
            "ucc",
            "unlicensed",
            "audio-off",
            "editing-off",
            "refusing",
            "profile",
            "seed",
            "cases",
            "steps",
            "json",
            "patience",
        ];
        if !known.contains(&name.as_str()) {
            return Err(format!("invalid option '--{name}'"));
        }
        let value = parser.value().and_then(ValueExt::string).map_err(told)?;
        let number = || value.parse().map_err(|_| format!("--{name} {value}: not a number"));
        match name.as_str() {
            "url" => url = Some(Address::parse(&value)?),
            "admin" => admin = Some(Address::parse(&value)?),
            "hub" => hub = Some(Address::parse(&value)?),
            "token" => token = Some(Token::read(&value).map_err(|error| format!("--token {error}"))?),
            "admin-token" => admin_token = Some(Token::read(&value).map_err(|error| format!("--admin-token {error}"))?),
            "ca" => ca = Some(value),
            "session" => {
                options.sessions.push(naive::guid(&value).ok_or(format!("--session {value}: not a GUID"))?);
            }
            "agent" if naive::sip_ok(&value) => agent = value,
            "agent" => return Err(format!("--agent {value}: not a SIP URI")),
            "profile" if value == "all" => profile = Profile::All,
            "profile" if value == "documented" => profile = Profile::Documented,
            "profile" => return Err(format!("--profile {value}: neither 'all' nor 'documented'")),
            "seed" => options.seed = number()?,
            "cases" => options.cases = within(&name, number()?, 1_000_000_000)?,
            "steps" => options.steps = within(&name, number()?, 1000)? as usize,
            "json" => json = Some(value),
            "patience" => patience = Duration::from_secs(within(&name, number()?, 3600)?.into()),
            _ if !naive::ucc_name_ok(&value) => return Err(format!("--{name} {value}: not a UCC's name")),
            "ucc" => ucc = value,
            "unlicensed" => others.push((value, naive::Ucc { licensed: false, ..OPEN })),
            "audio-off" => others.push((value, naive::Ucc { use_audio_recording: false, ..OPEN })),
            "editing-off" => others.push((value, naive::Ucc { agent_can_edit: false, ..OPEN })),
            _ => others.push((value, naive::Ucc { repeats_accepted: false, ..OPEN })),
        }
    }
    let url = url.ok_or("--url is missing")?;
    if admin.is_some() != options.sessions.is_empty() || options.sessions.len() > 100 {
        return Err("give either --admin, or --session for each session that may be used (at most 100)".into());
    }
    others.insert(0, (ucc, naive::Ucc { repeats_accepted, ..OPEN }));
    let mut uccs: Vec<PlannedUcc> = others
        .into_iter()
        .map(|(name, ucc)| PlannedUcc { name, settings: Some(naive::Ucc { save_by_default, ..ucc }) })
        .collect();
    uccs.push(PlannedUcc { name: format!("no-ucc-of-this-name-{:x}", options.ids), settings: None });
    let slots = if admin.is_some() { 2 } else { options.sessions.len() as u8 };
    let stranger = format!("sip:nobody-{:x}@stranger.invalid", options.ids);
    let plan = Plan { uccs, agent, stranger, can_begin: admin.is_some(), slots, profile };
    if hub.is_some() && profile == Profile::Documented {
        return Err(
            "--hub is of no use with '--profile documented': no edition of the page says when events come".into()
        );
    }
    let speaks_tls = [Some(&url), admin.as_ref(), hub.as_ref()].into_iter().flatten().any(|address| address.tls);
    if ca.is_some() && !speaks_tls {
        return Err("--ca is of no use without a URL of https".into());
    }
    let trust =
        if speaks_tls { Some(Trust::new(ca.as_deref()).map_err(|error| format!("--ca {error}"))?) } else { None };
    let endpoint = |address, token| Endpoint { address, token, trust: trust.clone(), patience };
    Ok(Some(Asked {
        api: endpoint(url, token.clone()),
        admin: admin.map(|admin| endpoint(admin, admin_token)),
        hub: hub.map(|hub| endpoint(hub, token)),
        plan,
        options,
        json,
        quiet,
    }))
}

/// Nothing tried would hold without meaning anything; and there are ends to what can be tried.
fn within(name: &str, number: u64, most: u32) -> Result<u32, String> {
    let fits = u32::try_from(number).ok().filter(|number| (1..=most).contains(number));
    fits.ok_or(format!("--{name} {number}: not from 1 to {most}"))
}

const VERSION: &str = concat!("recording-conformance ", env!("CARGO_PKG_VERSION"), "\n");

/// Prints what was asked for instead of a run. A reader that has gone away is no error.
fn print(text: &str) -> Option<Asked> {
    let _ = std::io::stdout().write_all(text.as_bytes());
    None
}

fn run(asked: Asked) -> Result<ExitCode, String> {
    let Asked { api, admin, hub, plan, options, json, quiet } = asked;
    let plan = Arc::new(plan);
    let mut server = Server::new(api.clone(), admin.clone());
    if let Some(hub) = hub {
        server = server.heard_by(Hub::connect(&hub).map_err(|error| error.to_string())?);
    }
    probe::probe(&mut server, &plan, &options)?;
    let mut last = Instant::now();
    let terminal = std::io::stderr().is_terminal();
    let mut progress = |progress: Progress| {
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

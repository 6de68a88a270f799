//! What the command line says.

use core::fmt;
use core::net::SocketAddr;
use core::ops::RangeInclusive;
use core::time::Duration;
use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::{Arg, Parser, ValueExt as _};
use tracing::level_filters::LevelFilter;

use super::protection::ProtectionOptions;
use crate::audit;
use crate::hub::EventCase;
use crate::net::Limits;
use crate::server::Addresses;

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Print the help.
    Help,
    /// Print the version.
    Version,
    /// Check a config.
    Check(PathBuf),
    /// Ask the server whose admin's requests are served here whether it is ready.
    Probe(SocketAddr),
    /// Make a token for somebody of this name.
    MakeToken(String),
    /// Serve.
    Serve(Box<Options>),
}

/// Where sessions are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreKind {
    /// In memory: gone when the server ends.
    Memory,
    /// In this file.
    File(PathBuf),
}

/// As the option has it.
impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

/// How to serve.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Where to listen.
    pub addresses: Addresses,
    /// The config; `None` is the demo world.
    pub config: Option<PathBuf>,
    /// Where sessions are kept.
    pub store: StoreKind,
    /// The audit trail, if there is to be one.
    pub audit: Option<audit::Settings>,
    /// How the keys of events are spelt.
    pub event_case: EventCase,
    /// How many may listen to events at once.
    pub listeners: usize,
    /// What to log.
    pub log: LevelFilter,
    /// What clients are granted.
    pub limits: Limits,
    /// How long to go on after a signal to end.
    pub grace: Duration,
    /// Who may do what.
    pub protection: ProtectionOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            addresses: Addresses {
                api: SocketAddr::from(([127, 0, 0, 1], 8080)),
                admin: SocketAddr::from(([127, 0, 0, 1], 8081)),
            },
            config: None,
            store: StoreKind::Memory,
            audit: None,
            event_case: EventCase::Pascal,
            listeners: Limits::default().connections / 2,
            log: LevelFilter::INFO,
            limits: Limits::default(),
            grace: Duration::from_secs(10),
            protection: ProtectionOptions::default(),
        }
    }
}

/// What is wrong with the command line, in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageError(String);

impl UsageError {
    pub(super) const fn new(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (see --help)", self.0)
    }
}

impl core::error::Error for UsageError {}

impl From<lexopt::Error> for UsageError {
    fn from(error: lexopt::Error) -> Self {
        Self(match error {
            lexopt::Error::UnexpectedOption(option) => {
                let meant = alike(&option).map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
                format!("unknown option '{}'{meant}", option.escape_debug())
            }
            lexopt::Error::UnexpectedArgument(argument) => {
                format!("unexpected argument '{}'", argument.to_string_lossy().escape_debug())
            }
            lexopt::Error::MissingValue { option: Some(option) } => format!("{option} needs a value"),
            lexopt::Error::UnexpectedValue { option, .. } => format!("{option} takes no value"),
            other => other.to_string(),
        })
    }
}

/// The option that is most like this one, if one is.
fn alike(option: &str) -> Option<&'static str> {
    let words = super::HELP.split_ascii_whitespace();
    let known = words.filter(|word| word.len() > 2 && word.starts_with("--"));
    // A change in three letters, at most: one more letter of what there are may be another option.
    let near = known.map(|known| (strsim::damerau_levenshtein(option, known), known));
    let (distance, meant) = near.min_by_key(|&(distance, _)| distance)?;
    (distance * 3 < option.len().min(12)).then(|| meant.trim_end_matches(|char: char| !char.is_ascii_alphanumeric()))
}

/// The longest time that makes sense for any of the limits: a day.
const SECONDS: RangeInclusive<u64> = 1..=86_400;

/// Reads the command line, without the program's name.
///
/// # Errors
///
/// The first thing that is wrong with it.
pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, UsageError> {
    let mut options = Options::default();
    let (mut check, mut probe, mut store, mut max_listeners) = (false, false, None, None);
    let mut audit = audit::Settings::default();
    let mut parser = Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help),
            Arg::Short('V') | Arg::Long("version") => return Ok(Command::Version),
            Arg::Long("listen") => options.addresses.api = address("--listen", &parser.value()?)?,
            Arg::Long("admin") => options.addresses.admin = address("--admin", &parser.value()?)?,
            Arg::Long("config") => options.config = Some(parser.value()?.into()),
            Arg::Long("check-config") => check = true,
            Arg::Long("probe") => probe = true,
            Arg::Long("store") => store = Some(store_kind(&parser.value()?)?),
            Arg::Long("audit") => audit.path = parser.value()?.into(),
            Arg::Long("audit-max-bytes") => {
                audit.max_bytes = number("--audit-max-bytes", &mut parser, 65_536..=1 << 40)?;
            }
            Arg::Long("audit-keep") => audit.keep = number("--audit-keep", &mut parser, 1..=100_000)? as u32,
            Arg::Long("audit-reads") => {
                let value = parser.value()?;
                one_of("--audit-reads", &value, &["on", "off"])?;
                audit.reads = value == "on";
            }
            Arg::Long("event-case") => options.event_case = event_case(&parser.value()?)?,
            Arg::Long("max-listeners") => {
                max_listeners = Some(number("--max-listeners", &mut parser, 0..=1_000_000)? as usize);
            }
            Arg::Long("log") => options.log = level(&parser.value()?)?,
            Arg::Long("max-head") => {
                options.limits.head = number("--max-head", &mut parser, 8192..=1_048_576)? as usize;
            }
            Arg::Long("max-connections") => {
                options.limits.connections = number("--max-connections", &mut parser, 1..=1_000_000)? as usize;
            }
            Arg::Long("request-timeout") => options.limits.request = seconds("--request-timeout", &mut parser)?,
            Arg::Long("idle-timeout") => options.limits.idle = seconds("--idle-timeout", &mut parser)?,
            Arg::Long("write-timeout") => options.limits.write = seconds("--write-timeout", &mut parser)?,
            Arg::Long("grace") => options.grace = seconds("--grace", &mut parser)?,
            Arg::Long("make-token") => return Ok(Command::MakeToken(text("--make-token", &mut parser)?)),
            Arg::Long(option) => {
                let option = option.to_owned();
                if !options.protection.take(&option, &mut parser)? {
                    return Err(Arg::Long(&option).unexpected().into());
                }
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if check {
        let needs = || UsageError("--check-config needs --config FILE".into());
        return options.config.map(Command::Check).ok_or_else(needs);
    }
    // Whoever has a world of their own must say what becomes of it: nobody loses states by not knowing.
    options.store = match (store, &options.config) {
        (Some(store), _) => store,
        (None, None) => StoreKind::Memory,
        (None, Some(_)) => {
            let needs = "--config needs --store: file:PATH keeps sessions, memory loses them when the server ends";
            return Err(UsageError(needs.into()));
        }
    };
    if !audit.path.as_os_str().is_empty() {
        options.audit = Some(audit);
    } else if audit != audit::Settings::default() {
        return Err(UsageError("--audit-max-bytes, --audit-keep and --audit-reads need --audit FILE".into()));
    }
    if !options.protection.limits_rates() {
        options.limits.frames = None;
    }
    options.listeners = listeners(max_listeners, options.limits)?;
    let Addresses { api, admin } = options.addresses;
    if probe {
        return Ok(Command::Probe(admin));
    }
    if api == admin && api.port() != 0 {
        return Err(UsageError(format!("--listen and --admin are both {api}; the two must differ")));
    }
    options.protection.check(options.addresses)?;
    Ok(Command::Serve(Box::new(options)))
}

/// A text that is not empty.
pub(super) fn text(option: &str, parser: &mut Parser) -> Result<String, UsageError> {
    let value = parser.value()?;
    let text = value.to_str().filter(|text| !text.is_empty()).map(str::to_owned);
    text.ok_or_else(|| wrong(option, &value, "a text"))
}

pub(super) fn wrong(option: &str, value: &OsString, expected: impl fmt::Display) -> UsageError {
    UsageError(format!("{option}: '{}' is not {expected}", value.to_string_lossy().escape_debug()))
}

fn address(option: &str, value: &OsString) -> Result<SocketAddr, UsageError> {
    value.parse().map_err(|_| {
        let text = value.to_string_lossy();
        // What other programs take for an address means this machine to some of them and all the world to others.
        let port = text.strip_prefix("localhost:").or_else(|| text.strip_prefix(':')).unwrap_or(&text);
        match port.parse::<u16>() {
            Ok(port) => {
                let expected = "an IP address and port; did you mean";
                let meant =
                    format_args!("{expected} 127.0.0.1:{port} (this machine only) or 0.0.0.0:{port} (others, too)?");
                wrong(option, value, meant)
            }
            Err(_) => wrong(option, value, "an IP address and port, as in 127.0.0.1:8080 or [::1]:8080"),
        }
    })
}

fn one_of(option: &str, value: &OsString, known: &[&str]) -> Result<(), UsageError> {
    if known.iter().any(|&known| value == known) { Ok(()) } else { Err(wrong(option, value, known.join(", "))) }
}

fn store_kind(value: &OsString) -> Result<StoreKind, UsageError> {
    if value == "memory" {
        return Ok(StoreKind::Memory);
    }
    let path = value.to_str().and_then(|text| text.strip_prefix("file:")).filter(|path| !path.is_empty());
    path.map(|path| StoreKind::File(path.into())).ok_or_else(|| wrong("--store", value, "memory or file:PATH"))
}

fn event_case(value: &OsString) -> Result<EventCase, UsageError> {
    one_of("--event-case", value, &["pascal", "camel"])?;
    Ok(if value == "camel" { EventCase::Camel } else { EventCase::Pascal })
}

/// Listeners keep their connections: so there must be others left for requests.
fn listeners(asked: Option<usize>, limits: Limits) -> Result<usize, UsageError> {
    let most = limits.connections.saturating_sub(1);
    match asked {
        Some(asked) if asked > most => Err(UsageError(format!(
            "--max-listeners: {asked} leaves no connection for requests; --max-connections is {}",
            limits.connections
        ))),
        Some(asked) => Ok(asked),
        None => Ok(limits.connections / 2),
    }
}

fn level(value: &OsString) -> Result<LevelFilter, UsageError> {
    one_of("--log", value, &["off", "error", "warn", "info", "debug"])?;
    value.parse().map_err(|_| wrong("--log", value, "a level"))
}

pub(super) fn number(option: &str, parser: &mut Parser, range: RangeInclusive<u64>) -> Result<u64, UsageError> {
    let value = parser.value()?;
    let number = value.parse::<u64>().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| wrong(option, &value, format_args!("a number from {} to {}", range.start(), range.end())))
}

fn seconds(option: &str, parser: &mut Parser) -> Result<Duration, UsageError> {
    number(option, parser, SECONDS).map(Duration::from_secs)
}

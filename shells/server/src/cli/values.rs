//! How the values of options are read. An error says what the value should be.

use core::fmt;
use core::net::SocketAddr;
use core::ops::RangeInclusive;
use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Arg, Command};
use signalr_hub::{NotAServerName, ServerName};
use tracing::level_filters::LevelFilter;

use crate::auth::rate;
use crate::directory::Directory;
use crate::hub::EventCase;

/// Reads a value from its text.
#[derive(Clone)]
pub(super) struct Value<F> {
    read: F,
    /// What it may be, for the help and the docs.
    accepts: Vec<String>,
}

impl<T, F> TypedValueParser for Value<F>
where
    T: Clone + Send + Sync + 'static,
    F: Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static,
{
    type Value = T;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<T, clap::Error> {
        if value.to_str().is_some() {
            return self.read.parse_ref(command, arg, value);
        }
        // Clap's own error for this does not name the option.
        let refuse = |_: &str| Err::<T, _>("UTF-8");
        refuse.parse_ref(command, arg, OsStr::new(&*value.to_string_lossy()))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        if self.accepts.is_empty() { None } else { Some(Box::new(self.accepts.iter().map(PossibleValue::new))) }
    }
}

/// A value of any form that `read` takes.
pub(super) const fn checked<T, F: Fn(&str) -> Result<T, String>>(read: F) -> Value<F> {
    Value { read, accepts: Vec::new() }
}

/// A whole number in this range.
pub(super) fn number<T: TryFrom<u64>>(
    range: RangeInclusive<u64>,
) -> Value<impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static> {
    let accepts = vec![format!("{} to {}", range.start(), range.end())];
    let read = move |text: &str| {
        let number =
            text.parse().ok().filter(|number| range.contains(number)).and_then(|number| T::try_from(number).ok());
        number.ok_or_else(|| format!("a number from {} to {}", range.start(), range.end()))
    };
    Value { read, accepts }
}

/// Seconds: up to a day, the longest time that makes sense for any of the limits.
pub(super) fn seconds() -> Value<impl Fn(&str) -> Result<u64, String> + Clone + Send + Sync + 'static> {
    number(1..=86_400)
}

pub(super) fn on_or_off() -> impl TypedValueParser<Value = bool> {
    PossibleValuesParser::new(["on", "off"]).map(|value| value == "on")
}

pub(super) fn level() -> impl TypedValueParser<Value = LevelFilter> {
    PossibleValuesParser::new(["off", "error", "warn", "info", "debug"]).try_map(|level| level.parse::<LevelFilter>())
}

pub(super) fn event_case() -> impl TypedValueParser<Value = EventCase> {
    let case = |value: String| if value == "camel" { EventCase::Camel } else { EventCase::Pascal };
    PossibleValuesParser::new(["pascal", "camel"]).map(case)
}

/// What a server is called.
pub(super) fn server_name(text: &str) -> Result<ServerName, String> {
    text.parse().map_err(|error: NotAServerName| error.to_string())
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        // What other programs take for an address means this machine to some of them and all the world to others.
        let port = text.strip_prefix("localhost:").or_else(|| text.strip_prefix(':')).unwrap_or(text);
        match port.parse::<u16>() {
            Ok(port) => format!(
                "an IP address and port; did you mean 127.0.0.1:{port} (this machine only) or 0.0.0.0:{port} (others, too)?"
            ),
            Err(_) => "an IP address and port, as in 127.0.0.1:8080 or [::1]:8080".to_owned(),
        }
    })
}

/// Where sessions are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StoreKind {
    /// In memory: gone when the server ends.
    Memory,
    /// In this file.
    File(PathBuf),
    /// In a cluster of etcd, under this prefix.
    Etcd(String),
}

impl StoreKind {
    /// Whether the sessions of these UCCs can be kept there.
    ///
    /// A recorder cannot tell a server that was frozen before it sent an order from one that sends it now: with several servers,
    /// one of them has to drive it, which is not built yet.
    pub(super) fn serves(&self, directory: &Directory) -> Result<(), String> {
        match self {
            Self::Etcd(_) if !directory.recorders().is_empty() => {
                Err("--store etcd serves no recorders yet: the config has a [[recorder]]".to_owned())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn read(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "memory" => Ok(Self::Memory),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            Some(("etcd", prefix)) if !prefix.is_empty() => Ok(Self::Etcd(prefix.to_owned())),
            _ => Err("memory, file:PATH or etcd:PREFIX".to_owned()),
        }
    }
}

/// As the option has it.
impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Etcd(prefix) => write!(f, "etcd:{prefix}"),
        }
    }
}

/// How many requests a second each caller may send; `None` is unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate(pub(super) Option<u32>);

impl Default for Rate {
    fn default() -> Self {
        Self(Some(rate::USUAL))
    }
}

/// `off`, or a number.
pub(super) fn rate() -> Value<impl Fn(&str) -> Result<Rate, String> + Clone + Send + Sync + 'static> {
    let number = number(1..=1_000_000);
    let mut accepts = number.accepts;
    accepts.push("off".to_owned());
    let read = move |text: &str| match text {
        "off" => Ok(Rate(None)),
        _ => (number.read)(text).map(|number| Rate(Some(number))).map_err(|expected| format!("off or {expected}")),
    };
    Value { read, accepts }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(number) => number.fmt(f),
            None => f.write_str("off"),
        }
    }
}

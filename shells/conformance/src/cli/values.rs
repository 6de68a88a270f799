//! How the values of options are read. An error is one line, which names the option and says what the value should be.

use core::error::Error as _;
use core::ops::RangeInclusive;
use std::ffi::OsStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};
use recording_testkit::naive;
use recording_testkit::plan::Profile;

use crate::address::Address;

/// Reads a value from its text.
#[derive(Clone)]
pub(super) struct Value<F> {
    read: F,
    /// What it may be, for the help and the docs.
    accepts: Option<String>,
}

impl<T, F> TypedValueParser for Value<F>
where
    T: Clone + Send + Sync + 'static,
    F: Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static,
{
    type Value = T;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<T, clap::Error> {
        self.read.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(core::iter::once(PossibleValue::new(self.accepts.as_ref()?))))
    }
}

/// A value of any form that `read` takes.
pub(super) const fn checked<T, F: Fn(&str) -> Result<T, String>>(read: F) -> Value<F> {
    Value { read, accepts: None }
}

/// A whole number in this range.
pub(super) fn number<T: TryFrom<u64>>(
    range: RangeInclusive<u64>,
) -> Value<impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static> {
    let accepts = Some(format!("{} to {}", range.start(), range.end()));
    let read = move |text: &str| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        let number = number.and_then(|number| T::try_from(number).ok());
        number.ok_or_else(|| format!("a number from {} to {}", range.start(), range.end()))
    };
    Value { read, accepts }
}

/// A whole number of 64 bits.
pub(super) fn any_number() -> Value<impl Fn(&str) -> Result<u64, String> + Clone + Send + Sync + 'static> {
    Value { accepts: None, ..number(0..=u64::MAX) }
}

pub(super) fn profile() -> impl TypedValueParser<Value = Profile> {
    let read = |value: String| if value == "documented" { Profile::Documented } else { Profile::All };
    PossibleValuesParser::new(["all", "documented"]).map(read)
}

pub(super) fn address(text: &str) -> Result<Address, String> {
    Address::parse(text).map_err(|_| "a base URL such as http://127.0.0.1:8080".to_owned())
}

pub(super) fn session(text: &str) -> Result<String, String> {
    naive::guid(text).ok_or_else(|| "a GUID".to_owned())
}

pub(super) fn agent(text: &str) -> Result<String, String> {
    naive::sip_ok(text).then(|| text.to_owned()).ok_or_else(|| "a SIP URI".to_owned())
}

pub(super) fn ucc(text: &str) -> Result<String, String> {
    naive::ucc_name_ok(text).then(|| text.to_owned()).ok_or_else(|| "a UCC's name".to_owned())
}

/// Clap's own texts have several lines and a usage; a script's log wants one.
pub(super) fn one_line(error: &clap::Error) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.as_str(),
        _ => "",
    };
    let argument = context(ContextKind::InvalidArg);
    let (option, value) = (argument.split(' ').next().unwrap_or_default(), context(ContextKind::InvalidValue));
    let is_not = |expected: String| format!("{option}: '{value}' is not {expected}");
    match error.kind() {
        ErrorKind::UnknownArgument if argument.starts_with('-') => format!("unknown option '{argument}'"),
        // It may be a secret that slipped out of its place.
        ErrorKind::UnknownArgument => "an argument belongs to no option".to_owned(),
        ErrorKind::TooManyValues => format!("{option} takes no value"),
        ErrorKind::InvalidValue if value.is_empty() => format!("{option} needs a value"),
        ErrorKind::InvalidValue => is_not(match error.get(ContextKind::ValidValue) {
            Some(ContextValue::Strings(values)) => values.join(" or "),
            _ => "a value for it".to_owned(),
        }),
        ErrorKind::ValueValidation => is_not(error.source().map_or_else(String::new, ToString::to_string)),
        _ => error.to_string().lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned(),
    }
}

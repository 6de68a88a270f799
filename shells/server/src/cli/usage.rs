//! What is wrong with the command line, in one line that names the option and the way out.

use core::error::Error as _;
use core::fmt;
use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::auth::tokens;

/// What is wrong with the command line, in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UsageError {
    text: String,
    /// Which help says more.
    help: &'static str,
}

impl UsageError {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), help: "--help" }
    }

    /// The same, of the command line of `init`.
    fn of_init(self) -> Self {
        Self { text: format!("init: {}", self.text), help: "init --help" }
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (see {})", self.text, self.help)
    }
}

impl core::error::Error for UsageError {}

impl UsageError {
    /// Clap's own texts have several lines and a usage; a service manager's log wants one.
    pub(super) fn of(error: &clap::Error, command: &clap::Command, arguments: &[OsString]) -> Self {
        match arguments.first().filter(|first| *first == "init").and_then(|_| command.find_subcommand("init")) {
            Some(init) => Self::of_one(error, init).of_init(),
            None => Self::of_one(error, command),
        }
    }

    fn of_one(error: &clap::Error, command: &clap::Command) -> Self {
        let context = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => text.as_str(),
            _ => "",
        };
        let argument = context(ContextKind::InvalidArg);
        let (option, value) = (argument.split(' ').next().unwrap_or_default(), context(ContextKind::InvalidValue));
        let is_not = |expected: String| format!("{option}: '{}' is not {expected}", value.escape_debug());
        Self::new(match error.kind() {
            ErrorKind::UnknownArgument if argument.starts_with('-') => {
                let meant =
                    alike(argument, command).map_or_else(String::new, |meant| format!("; did you mean --{meant}?"));
                format!("unknown option '{}'{meant}", argument.escape_debug())
            }
            ErrorKind::UnknownArgument => format!("unexpected argument '{}'", argument.escape_debug()),
            ErrorKind::InvalidSubcommand => {
                format!("unexpected argument '{}'", context(ContextKind::InvalidSubcommand).escape_debug())
            }
            ErrorKind::MissingRequiredArgument => match error.get(ContextKind::InvalidArg) {
                Some(ContextValue::Strings(missing)) => format!("{} is missing", missing.join(", ")),
                _ => "something is missing".to_owned(),
            },
            ErrorKind::ArgumentConflict => {
                let with = match error.get(ContextKind::PriorArg).or_else(|| error.get(ContextKind::InvalidSubcommand))
                {
                    Some(ContextValue::String(other)) => other.clone(),
                    Some(ContextValue::Strings(others)) => others.join(", "),
                    _ => "the others".to_owned(),
                };
                let what = if argument.is_empty() { context(ContextKind::InvalidSubcommand) } else { argument };
                format!("{what} cannot be used with {with}")
            }
            ErrorKind::TooManyValues => format!("{option} takes no value"),
            ErrorKind::InvalidValue if value.is_empty() => format!("{option} needs a value"),
            ErrorKind::InvalidValue => is_not(match error.get(ContextKind::ValidValue) {
                Some(ContextValue::Strings(values)) => values.join(", "),
                _ => "a value for it".to_owned(),
            }),
            ErrorKind::ValueValidation => is_not(error.source().map_or_else(String::new, ToString::to_string)),
            _ => {
                let text = error.to_string();
                text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
            }
        })
    }
}

/// The option that is most like this one, if one is. Clap's own guess takes `--write-timeout` without
/// its `t` for `--idle-timeout`.
fn alike(option: &str, command: &clap::Command) -> Option<String> {
    let known = command.get_arguments().filter_map(clap::Arg::get_long).chain(["help", "version"]);
    // A change in three letters, at most: one more letter of what there are may be another option.
    let near = known.map(|known| (strsim::damerau_levenshtein(option.trim_start_matches('-'), known), known));
    let (distance, meant) = near.min_by_key(|&(distance, _)| distance)?;
    (distance * 3 < option.len().min(12)).then(|| meant.to_owned())
}

/// Refuses a command line that has a token in it, before anything can repeat it.
pub(super) fn refuse_tokens(arguments: &[OsString]) -> Result<(), UsageError> {
    let mut before = String::new();
    for argument in arguments {
        let argument = argument.to_string_lossy();
        let mut words = argument.split(|char: char| char != '_' && !char.is_ascii_alphanumeric());
        if words.any(tokens::is_token) {
            let named = argument.split_once('=').map_or(before.as_str(), |(option, _)| option);
            return Err(UsageError::new(match named {
                "--tokens" | "--admin-tokens" => {
                    format!("{named} takes a file with the line that --make-token prints, and not the token itself")
                }
                _ => "a token does not belong on the command line, where others can see it; --tokens and \
                      --admin-tokens take a file with the line that --make-token prints"
                    .to_owned(),
            }));
        }
        before = argument.into_owned();
    }
    Ok(())
}

//! The directory from TOML.
//!
//! ```toml
//! [[ucc]]
//! name = "ucc-demo-name"
//! recording_api_licensed = true
//! use_audio_recording = true
//! agent_can_edit_audio_recording = true
//! save_recording_by_default = true
//! repeats = "accept"                  # or "refuse"; may be left out
//! agents = ["sip:agent@domain.com"]
//! agent_patterns = ["sip:*@domain.com"] # this and the rest may be left out
//! agents_file = "agents.txt"          # from where the config is
//! recorder = "proxy"
//! resume = "anyone"                   # or "holders"
//! pause_limit_seconds = 600
//! ```
//!
//! Recorders are in `config::recorders`, webhooks in `config::webhooks`.
//!
//! It has the keys, the checks and the words of a gateway's provisioning document, which are the core's. The document is
//! walked and not deserialized: serde stops at the first error, and its words would be a second set.

mod agents;
mod recorders;
mod webhooks;

use core::fmt;
use core::ops::Range;
use core::str::FromStr;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use recording_core::Settings;
use recording_core::desk::DirectoryError;
use recording_core::state::RepeatPolicy;
use recording_core::wire::{FieldError, FieldErrorKind, UccNameBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::directory::{AgentsFile, Directory, Ucc};

/// Something wrong with a config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The line, counted from 1; `None` if the file could not be read at all.
    pub line: Option<usize>,
    /// The key, if it is about one.
    pub key: Option<String>,
    /// What is wrong.
    pub reason: String,
}

/// `3: name: is missing`
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "{line}: ")?;
        }
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        f.write_str(&self.reason)
    }
}

impl core::error::Error for ConfigError {}

/// Reads a config file.
///
/// # Errors
///
/// Everything that is wrong with it, from top to bottom.
pub fn load(file: &Path) -> Result<Directory, Vec<ConfigError>> {
    let unreadable = |line, reason: String| vec![ConfigError { line, key: None, reason }];
    let bytes = crate::place::read(file).map_err(|error| unreadable(None, format!("cannot be read: {error}")))?;
    match core::str::from_utf8(&bytes) {
        Ok(text) => read(text, Some(crate::place::directory(file))),
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            Err(unreadable(Some(line_of(before)), "is not UTF-8".into()))
        }
    }
}

/// Reads a config, and none of the files that it names: their agents are missing.
///
/// # Errors
///
/// Everything that is wrong with it, from top to bottom.
pub fn parse(text: &str) -> Result<Directory, Vec<ConfigError>> {
    read(text, None)
}

/// Reads a config, and the files of agents that it names, from this directory.
fn read(text: &str, place: Option<&Path>) -> Result<Directory, Vec<ConfigError>> {
    let mut reader = Reader {
        lines: Lines::of(text),
        errors: Vec::new(),
        names: HashMap::new(),
        recorder_names: HashMap::new(),
        recorders_wanted: Vec::new(),
        webhook_names: HashMap::new(),
        uccs_wanted: Vec::new(),
        place: place.map(Path::to_owned),
        agents_files: HashMap::new(),
        directory: Directory::new(),
    };
    match DeTable::parse(text) {
        Ok(document) => reader.document(document.get_ref()),
        Err(error) => {
            let mut reason = error.message().split('\n').collect::<Vec<_>>().join("; ");
            if text.trim_start().starts_with('{') {
                reason.push_str("; this looks like JSON, and a config is TOML (see --help)");
            } else if error.span().is_some_and(|span| is_bare_word(text, &span)) {
                reason.push_str("; a setting is true or false");
            }
            let span = error.span().unwrap_or_default();
            let error = ConfigError { line: Some(reader.line(&span)), key: None, reason };
            reader.errors.push((span.start, error));
        }
    }
    let Reader { mut errors, directory, .. } = reader;
    if errors.is_empty() {
        return Ok(directory);
    }
    errors.sort_by_key(|&(at, _)| at);
    Err(errors.into_iter().map(|(_, error)| error).collect())
}

/// Whether `yes`, `no`, `on`, `off` or the like is where this error is.
fn is_bare_word(text: &str, span: &Range<usize>) -> bool {
    let line = text.get(..span.start).and_then(|before| before.rsplit('\n').next()).unwrap_or_default();
    let rest = text.get(span.start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let value = format!("{line}{rest}");
    let value = value.split_once('=').map_or("", |(_, value)| value).split('#').next().unwrap_or_default().trim();
    ["yes", "no", "on", "off", "y", "n", "t", "f"].iter().any(|word| value.eq_ignore_ascii_case(word))
        || (["true", "false"].iter().any(|word| value.eq_ignore_ascii_case(word))
            && value != "true"
            && value != "false")
}

/// The number of the line that comes after these bytes.
fn line_of(before: &[u8]) -> usize {
    before.iter().filter(|&&byte| byte == b'\n').count() + 1
}

/// Where the lines of a text begin, looked up in few steps: each name has its line, and counting from the top for each
/// would take time with the square of the UCCs.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
        Self(ends.map(|(at, _)| at).collect())
    }

    /// The number of the line that has this byte, counted from 1.
    fn at(&self, at: usize) -> usize {
        self.0.partition_point(|&end| end < at) + 1
    }
}

struct Reader {
    lines: Lines,
    /// With the place of each, to tell them in order.
    errors: Vec<(usize, ConfigError)>,
    /// Names seen so far, with their lines.
    names: HashMap<String, usize>,
    /// The same of recorders.
    recorder_names: HashMap<String, usize>,
    /// Which recorders UCCs name, and where.
    recorders_wanted: Vec<(Range<usize>, Box<str>)>,
    /// Names of webhooks, with their lines.
    webhook_names: HashMap<String, usize>,
    /// Which UCCs webhooks name, and where.
    uccs_wanted: Vec<(Range<usize>, Box<str>)>,
    /// Where the config is; `None` if no other file is to be read.
    place: Option<PathBuf>,
    /// The files of agents that were read so far: several UCCs may name one.
    agents_files: HashMap<PathBuf, Result<Arc<AgentsFile>, String>>,
    directory: Directory,
}

/// The keys of a UCC; those of its settings are the core's, as in a gateway's provisioning document.
fn keys() -> impl Iterator<Item = &'static str> {
    [NAME]
        .into_iter()
        .chain(Settings::SWITCHES)
        .chain([RepeatPolicy::KEY])
        .chain(agents::OF_UCC)
        .chain(recorders::OF_UCC)
}

const NAME: &str = "name";

type Value<'v, 'i> = &'v Spanned<DeValue<'i>>;

impl Reader {
    fn fault(&mut self, span: &Range<usize>, key: &str, reason: impl Into<String>) {
        let line = Some(self.line(span));
        self.errors.push((span.start, ConfigError { line, key: Some(key.into()), reason: reason.into() }));
    }

    fn line(&self, span: &Range<usize>) -> usize {
        self.lines.at(span.start)
    }

    fn document(&mut self, document: &DeTable<'_>) {
        for (key, value) in document {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("ucc", DeValue::Array(uccs)) => {
                    for ucc in uccs {
                        if let Some(table) = self.typed(ucc, "ucc", "a table", DeValue::as_table) {
                            self.ucc(&ucc.span(), table);
                        }
                    }
                }
                ("recorder", DeValue::Array(recorders)) => {
                    for recorder in recorders {
                        if let Some(table) = self.typed(recorder, "recorder", "a table", DeValue::as_table) {
                            self.recorder(&recorder.span(), table);
                        }
                    }
                }
                ("webhook", DeValue::Array(webhooks)) => {
                    for webhook in webhooks {
                        if let Some(table) = self.typed(webhook, "webhook", "a table", DeValue::as_table) {
                            self.webhook(&webhook.span(), table);
                        }
                    }
                }
                ("webhook", other) => self.wrong_type(&key.span(), "webhook", "an array of tables: [[webhook]]", other),
                ("recorder", other) => {
                    self.wrong_type(&key.span(), "recorder", "an array of tables: [[recorder]]", other);
                }
                ("ucc", other) => self.wrong_type(&key.span(), "ucc", "an array of tables: [[ucc]]", other),
                (unknown, _) => {
                    self.fault(
                        &key.span(),
                        unknown,
                        "is not a key that is known here: only [[ucc]], [[recorder]] and [[webhook]] are",
                    );
                }
            }
        }
        self.recorders_are_there();
        self.uccs_are_there();
        // A file that was cut off must not pass for one without UCCs.
        if self.errors.is_empty() && self.names.is_empty() {
            self.fault(&(0..0), "ucc", "is missing: there must be at least one [[ucc]]");
        }
    }

    fn wrong_type(&mut self, span: &Range<usize>, key: &str, expected: &str, got: &DeValue<'_>) {
        let got = got.type_str();
        let article = if got.starts_with(['a', 'i']) { "an" } else { "a" };
        self.fault(span, key, format!("is {article} {got}, expected {expected}"));
    }

    /// The value as what is `expected`.
    fn typed<'v, 'i, T>(
        &mut self,
        value: Value<'v, 'i>,
        key: &str,
        expected: &str,
        read: impl FnOnce(&'v DeValue<'i>) -> Option<T>,
    ) -> Option<T> {
        let read = read(value.get_ref());
        if read.is_none() {
            self.wrong_type(&value.span(), key, expected, value.get_ref());
        }
        read
    }

    /// A name or a URI, by the checks of the core.
    fn field<T: FromStr<Err = FieldError>>(&mut self, span: &Range<usize>, key: &str, text: &str) -> Option<T> {
        text.parse().map_err(|error: FieldError| self.fault(span, key, format!("{text:?} {}", error.kind))).ok()
    }

    fn ucc(&mut self, span: &Range<usize>, table: &DeTable<'_>) {
        self.known_keys(table, "[[ucc]]", &keys().collect::<Vec<_>>());
        let name = self.required(span, table, NAME).and_then(|value| self.name(value));
        let switches = Settings::SWITCHES.map(|key| {
            let value = self.required(span, table, key)?;
            self.typed(value, key, "true or false", DeValue::as_bool)
        });
        let repeats = table.get(RepeatPolicy::KEY).map_or(Some(RepeatPolicy::default()), |value| self.repeats(value));
        let agents = self.agents_of(span, table);
        let recording = self.recording(table);
        let [Some(licensed), Some(audio), Some(edit), Some(save)] = switches else { return };
        if let (Some(name), Some(repeats), Some(agents), Some(recording)) = (name, repeats, agents, recording) {
            let settings = Settings::from_switches([licensed, audio, edit, save], repeats);
            // `name` has refused a name that was there before.
            let ucc = Ucc::new(settings, agents.listed).with_patterns(agents.patterns).with_file(agents.file);
            let _ = self.directory.add(&name, ucc.recorded_by(recording));
        }
    }

    fn known_keys(&mut self, table: &DeTable<'_>, of: &str, known: &[&str]) {
        for key in table.keys() {
            if !known.contains(&key.get_ref().as_ref()) {
                let reason = format!("is not a key of {of}; these are: {}", known.join(", "));
                self.fault(&key.span(), key.get_ref(), reason);
            }
        }
    }

    fn required<'v, 'i>(&mut self, span: &Range<usize>, table: &'v DeTable<'i>, key: &str) -> Option<Value<'v, 'i>> {
        let value = table.get(key);
        if value.is_none() {
            self.fault(span, key, FieldErrorKind::Missing.to_string());
        }
        value
    }

    fn name(&mut self, value: Value<'_, '_>) -> Option<UccNameBuf> {
        let text = self.typed(value, NAME, "a string", DeValue::as_str)?;
        let line = self.line(&value.span());
        if let Some(first) = self.names.insert(text.to_owned(), line) {
            self.fault(&value.span(), NAME, format!("{text:?} is the name of the UCC of line {first} already"));
            return None;
        }
        let name = self.field::<UccNameBuf>(&value.span(), NAME, text)?;
        if !name.to_ref().is_reachable() {
            let reason = format!("{text:?} {}", DirectoryError::Unreachable);
            self.fault(&value.span(), NAME, reason);
            return None;
        }
        Some(name)
    }

    fn repeats(&mut self, value: Value<'_, '_>) -> Option<RepeatPolicy> {
        let text = self.typed(value, RepeatPolicy::KEY, RepeatPolicy::EXPECTED, DeValue::as_str)?;
        let policy = text.parse().ok();
        if policy.is_none() {
            let reason = format!("is {text:?}, expected {}", RepeatPolicy::EXPECTED);
            self.fault(&value.span(), RepeatPolicy::KEY, reason);
        }
        policy
    }
}

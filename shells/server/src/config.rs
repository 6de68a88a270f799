//! The directory from TOML.
//!
//! ```toml
//! [[ucc]]
//! name = "ucc-demo-name"
//! recording_api_licensed = true
//! use_audio_recording = true
//! agent_can_edit_audio_recording = true
//! save_recording_by_default = true
//! repeats = "accept"                  # or "refuse"; the only key that may be left out
//! agents = ["sip:agent@domain.com"]
//! ```
//!
//! The document is walked by hand rather than deserialized, so that every error names its line and its key, and all of
//! them can be told at once.

use core::fmt;
use core::ops::Range;
use std::collections::HashMap;
use std::path::Path;

use recording_core::Settings;
use recording_core::state::RepeatPolicy;
use recording_core::wire::{FieldError, SipUriBuf, UccNameBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::directory::{Directory, Ucc};

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
    let bytes = std::fs::read(file).map_err(|error| unreadable(None, format!("cannot be read: {error}")))?;
    match core::str::from_utf8(&bytes) {
        Ok(text) => parse(text),
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            Err(unreadable(Some(line_of(before)), "is not UTF-8".into()))
        }
    }
}

/// Reads a config.
///
/// # Errors
///
/// Everything that is wrong with it, from top to bottom.
pub fn parse(text: &str) -> Result<Directory, Vec<ConfigError>> {
    let mut reader =
        Reader { lines: Lines::of(text), errors: Vec::new(), names: HashMap::new(), directory: Directory::new() };
    match DeTable::parse(text) {
        Ok(document) => reader.document(&document),
        Err(error) => {
            let mut reason = error.message().split('\n').collect::<Vec<_>>().join("; ");
            if text.trim_start().starts_with('{') {
                reason.push_str("; this looks like JSON, and a config is TOML (see --help)");
            } else if error.span().is_some_and(|span| is_bare_word(text, &span)) {
                reason.push_str("; a setting is true or false");
            }
            reader.fault(&error.span().unwrap_or_default(), None, reason);
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
    directory: Directory,
}

const KEYS: [&str; 7] = [
    "name",
    "recording_api_licensed",
    "use_audio_recording",
    "agent_can_edit_audio_recording",
    "save_recording_by_default",
    "repeats",
    "agents",
];

type Table<'i> = Spanned<DeTable<'i>>;
type Value<'v, 'i> = &'v Spanned<DeValue<'i>>;

impl Reader {
    fn fault(&mut self, span: &Range<usize>, key: Option<&str>, reason: impl Into<String>) {
        let line = Some(self.line(span));
        self.errors.push((span.start, ConfigError { line, key: key.map(Into::into), reason: reason.into() }));
    }

    fn line(&self, span: &Range<usize>) -> usize {
        self.lines.at(span.start)
    }

    fn document(&mut self, document: &Table<'_>) {
        for (key, value) in document.get_ref() {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("ucc", DeValue::Array(uccs)) => {
                    for ucc in uccs {
                        match ucc.get_ref() {
                            DeValue::Table(table) => self.ucc(&ucc.span(), table),
                            other => self.wrong_type(&ucc.span(), "ucc", "a table", other),
                        }
                    }
                }
                ("ucc", other) => self.wrong_type(&key.span(), "ucc", "an array of tables: [[ucc]]", other),
                (unknown, _) => {
                    self.fault(&key.span(), Some(unknown), "is not a key that is known here: only [[ucc]] is");
                }
            }
        }
        // A file that was cut off must not pass for one without UCCs.
        if self.errors.is_empty() && self.names.is_empty() {
            self.fault(&(0..0), Some("ucc"), "is missing: there must be at least one [[ucc]]");
        }
    }

    fn wrong_type(&mut self, span: &Range<usize>, key: &str, expected: &str, got: &DeValue<'_>) {
        let got = match got {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a float",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        };
        self.fault(span, Some(key), format!("is {got}, expected {expected}"));
    }

    fn ucc(&mut self, span: &Range<usize>, table: &DeTable<'_>) {
        for key in table.keys() {
            if !KEYS.contains(&key.get_ref().as_ref()) {
                let reason = format!("is not a key of [[ucc]]; these are: {}", KEYS.join(", "));
                self.fault(&key.span(), Some(key.get_ref()), reason);
            }
        }
        let name = self.name(span, table);
        let settings = (
            self.boolean(span, table, "recording_api_licensed"),
            self.boolean(span, table, "use_audio_recording"),
            self.boolean(span, table, "agent_can_edit_audio_recording"),
            self.boolean(span, table, "save_recording_by_default"),
        );
        let repeats = self.repeats(table);
        let agents = self.agents(span, table);
        if let (Some(name), (Some(licensed), Some(audio), Some(edit), Some(save)), Some(repeats), Some(agents)) =
            (name, settings, repeats, agents)
        {
            let settings = Settings {
                recording_api_licensed: licensed,
                use_audio_recording: audio,
                agent_can_edit_audio_recording: edit,
                save_recording_by_default: save,
                repeats,
            };
            // `name` has refused a name that was there before.
            let _ = self.directory.add(&name, Ucc::new(settings, agents));
        }
    }

    fn required<'v, 'i>(
        &mut self,
        span: &Range<usize>,
        table: &'v DeTable<'i>,
        key: &'static str,
    ) -> Option<Value<'v, 'i>> {
        let value = table.get(key);
        if value.is_none() {
            self.fault(span, Some(key), "is missing");
        }
        value
    }

    fn name(&mut self, span: &Range<usize>, table: &DeTable<'_>) -> Option<UccNameBuf> {
        let value = self.required(span, table, "name")?;
        let DeValue::String(text) = value.get_ref() else {
            self.wrong_type(&value.span(), "name", "a string", value.get_ref());
            return None;
        };
        let line = self.line(&value.span());
        if let Some(first) = self.names.insert(text.clone().into_owned(), line) {
            self.fault(&value.span(), Some("name"), format!("{text:?} is the name of the UCC of line {first} already"));
            return None;
        }
        // Browsers, curl and others take such a part out of a path before they send it.
        if matches!(text.as_ref(), "." | "..") {
            self.fault(
                &value.span(),
                Some("name"),
                format!("{text:?} is a name that no client can ask for: in a path it means another place"),
            );
            return None;
        }
        let name = UccNameBuf::new(text);
        name.map_err(|error| self.field(&value.span(), "name", text, &error)).ok()
    }

    fn field(&mut self, span: &Range<usize>, key: &str, text: &str, error: &FieldError) {
        self.fault(span, Some(key), format!("{text:?} {}", error.kind));
    }

    fn boolean(&mut self, span: &Range<usize>, table: &DeTable<'_>, key: &'static str) -> Option<bool> {
        let value = self.required(span, table, key)?;
        match value.get_ref() {
            DeValue::Boolean(value) => Some(*value),
            other => {
                self.wrong_type(&value.span(), key, "true or false", other);
                None
            }
        }
    }

    fn repeats(&mut self, table: &DeTable<'_>) -> Option<RepeatPolicy> {
        let Some(value) = table.get("repeats") else { return Some(RepeatPolicy::default()) };
        match value.get_ref() {
            DeValue::String(text) if text == "accept" => Some(RepeatPolicy::Accept),
            DeValue::String(text) if text == "refuse" => Some(RepeatPolicy::Refuse),
            DeValue::String(text) => {
                let reason = format!(r#"{text:?} is neither "accept" nor "refuse""#);
                self.fault(&value.span(), Some("repeats"), reason);
                None
            }
            other => {
                self.wrong_type(&value.span(), "repeats", r#""accept" or "refuse""#, other);
                None
            }
        }
    }

    fn agents(&mut self, span: &Range<usize>, table: &DeTable<'_>) -> Option<Vec<SipUriBuf>> {
        let value = self.required(span, table, "agents")?;
        let DeValue::Array(array) = value.get_ref() else {
            self.wrong_type(&value.span(), "agents", "an array of SIP URIs", value.get_ref());
            return None;
        };
        let mut agents = Some(Vec::with_capacity(array.len()));
        for element in array {
            let agent = match element.get_ref() {
                DeValue::String(text) => {
                    SipUriBuf::new(text).map_err(|error| self.field(&element.span(), "agents", text, &error)).ok()
                }
                other => {
                    self.wrong_type(&element.span(), "agents", "a SIP URI", other);
                    None
                }
            };
            agents = agents.zip(agent).map(|(mut agents, agent)| {
                agents.push(agent);
                agents
            });
        }
        agents
    }
}

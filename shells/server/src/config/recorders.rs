//! Recorders in a config, and what a UCC says of its own.
//!
//! ```toml
//! [[recorder]]
//! name = "proxy"
//! kind = "rtpengine"
//! address = "127.0.0.1:22222"
//! pause = "segments"                       # or "native"
//! recording_dir = "/var/spool/rtpengine"
//! self_test = true                         # may be left out
//!
//! [[recorder]]
//! name = "own"
//! kind = "http"
//! url = "https://recorder.example/orders"
//! token_file = "/etc/recording/token"      # may be left out, as the rest
//! ca_file = "/etc/recording/ca.pem"
//! can_pause = true
//! give_up_ms = 2000
//! ```

use core::ops::Range;
use core::time::Duration;
use std::path::PathBuf;

use recording_core::recorder::ResumePolicy;
use toml::de::{DeTable, DeValue};

use super::{NAME, Reader, Value};
use crate::directory::Recording;
use crate::recorder::rtpengine::{self, PauseMode, Rtpengine};
use crate::recorder::{RecorderConfig, RecorderKind, http};
use crate::session::Binding;

/// The keys of `[[ucc]]` that are about its recorder. All may be left out.
pub(super) const OF_UCC: [&str; 3] = [RECORDER, RESUME, PAUSE_LIMIT];

const RECORDER: &str = "recorder";
const RESUME: &str = "resume";
const PAUSE_LIMIT: &str = "pause_limit_seconds";

const KIND: &str = "kind";
const URL: &str = "url";
const TOKEN_FILE: &str = "token_file";
const CA_FILE: &str = "ca_file";
const CAN_PAUSE: &str = "can_pause";
const GIVE_UP: &str = "give_up_ms";

const ADDRESS: &str = "address";
const PAUSE: &str = "pause";
const RECORDING_DIR: &str = "recording_dir";
const SELF_TEST: &str = "self_test";

/// The keys of each kind.
const OF_RTPENGINE: [&str; 6] = [NAME, KIND, ADDRESS, PAUSE, RECORDING_DIR, SELF_TEST];
const OF_HTTP: [&str; 7] = [NAME, KIND, URL, TOKEN_FILE, CA_FILE, CAN_PAUSE, GIVE_UP];

impl Reader {
    /// What a UCC says of its recorder. `None` if something is wrong with it, which is noted.
    pub(super) fn recording(&mut self, table: &DeTable<'_>) -> Option<Recording> {
        let recorder = self.optional(table, RECORDER, Self::recorder_name);
        let resume = self.optional(table, RESUME, |reader, value| {
            let text = reader.typed(value, RESUME, "a string", DeValue::as_str)?;
            let resume = text.parse::<ResumePolicy>().ok();
            if resume.is_none() {
                reader.fault(&value.span(), RESUME, format!("is {text:?}, expected \"anyone\" or \"holders\""));
            }
            resume
        });
        let limit = self.optional(table, PAUSE_LIMIT, |reader, value| reader.number(value, PAUSE_LIMIT, 1..=86_400));
        let (recorder, resume, limit) = (recorder?, resume?, limit?);
        if recorder.is_none() {
            for key in [RESUME, PAUSE_LIMIT] {
                if let Some((key_at, _)) = table.get_key_value(key) {
                    self.fault(&key_at.span(), key, "needs a recorder: this UCC has none");
                }
            }
        }
        let pause_limit = limit.map(Duration::from_secs);
        Some(Recording { recorder, resume: resume.unwrap_or_default(), pause_limit })
    }

    fn recorder_name(&mut self, value: Value<'_, '_>) -> Option<Box<str>> {
        let text = self.typed(value, RECORDER, "a string", DeValue::as_str)?;
        self.recorders_wanted.push((value.span(), text.into()));
        Some(text.into())
    }

    /// Reads a key that may be left out: `Some(None)` if it is.
    pub(super) fn optional<'v, 'i, T>(
        &mut self,
        table: &'v DeTable<'i>,
        key: &str,
        read: impl FnOnce(&mut Self, Value<'v, 'i>) -> Option<T>,
    ) -> Option<Option<T>> {
        match table.get(key) {
            None => Some(None),
            Some(value) => read(self, value).map(Some),
        }
    }

    pub(super) fn number(
        &mut self,
        value: Value<'_, '_>,
        key: &str,
        range: core::ops::RangeInclusive<u64>,
    ) -> Option<u64> {
        let integer = self.typed(value, key, "an integer", DeValue::as_integer)?;
        let number =
            u64::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|number| range.contains(number));
        if number.is_none() {
            let reason = format!("is not a number from {} to {}", range.start(), range.end());
            self.fault(&value.span(), key, reason);
        }
        number
    }

    pub(super) fn path(&mut self, value: Value<'_, '_>, key: &str) -> Option<PathBuf> {
        let text = self.typed(value, key, "a string", DeValue::as_str)?;
        if text.is_empty() {
            self.fault(&value.span(), key, "is empty, expected a path");
            return None;
        }
        Some(text.into())
    }

    /// A `[[recorder]]`.
    pub(super) fn recorder(&mut self, span: &Range<usize>, table: &DeTable<'_>) {
        let name = self.required(span, table, NAME).and_then(|value| self.name_of_recorder(value));
        let Some(kind_at) = self.required(span, table, KIND) else { return };
        let Some(kind) = self.typed(kind_at, KIND, "a string", DeValue::as_str) else { return };
        let kind = match kind {
            "rtpengine" => {
                self.known_keys(table, "a recorder of kind rtpengine", &OF_RTPENGINE);
                self.rtpengine(span, table, name.as_deref()).map(RecorderKind::Rtpengine)
            }
            "http" => {
                self.known_keys(table, "a recorder of kind http", &OF_HTTP);
                self.http(span, table).map(RecorderKind::Http)
            }
            other => {
                let reason = format!("is {other:?}, expected \"rtpengine\" or \"http\"");
                self.fault(&kind_at.span(), KIND, reason);
                None
            }
        };
        if let (Some(name), Some(kind)) = (name, kind) {
            self.directory.add_recorder(RecorderConfig { name, kind });
        }
    }

    fn name_of_recorder(&mut self, value: Value<'_, '_>) -> Option<Box<str>> {
        let text = self.sound_name(value, Binding::RECORDER_MAX)?;
        let line = self.line(&value.span());
        if let Some(first) = self.recorder_names.insert(text.clone().into(), line) {
            self.fault(&value.span(), NAME, format!("{text:?} is the name of the recorder of line {first} already"));
            return None;
        }
        Some(text)
    }

    /// A name that logs and metrics can have.
    pub(super) fn sound_name(&mut self, value: Value<'_, '_>, most: usize) -> Option<Box<str>> {
        let text = self.typed(value, NAME, "a string", DeValue::as_str)?;
        let is_sound = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.');
        if text.is_empty() || text.len() > most || !text.chars().all(is_sound) {
            let reason = format!("is {text:?}, expected 1 to {most} letters, digits, hyphens, underscores and dots");
            self.fault(&value.span(), NAME, reason);
            return None;
        }
        Some(text.into())
    }

    fn rtpengine(
        &mut self,
        span: &Range<usize>,
        table: &DeTable<'_>,
        name: Option<&str>,
    ) -> Option<rtpengine::Options> {
        let address = self.required(span, table, ADDRESS).and_then(|value| {
            let text = self.typed(value, ADDRESS, "a string", DeValue::as_str)?;
            if !Rtpengine::is_address(text) {
                self.fault(&value.span(), ADDRESS, format!("is {text:?}, expected host:port"));
                return None;
            }
            Some(text.into())
        });
        let pause = self.required(span, table, PAUSE).and_then(|value| {
            let text = self.typed(value, PAUSE, "a string", DeValue::as_str)?;
            let mode = PauseMode::from_name(text);
            if mode.is_none() {
                self.fault(&value.span(), PAUSE, format!("is {text:?}, expected \"segments\" or \"native\""));
            }
            mode
        });
        let self_test = self.optional(table, SELF_TEST, |reader, value| {
            reader.typed(value, SELF_TEST, "true or false", DeValue::as_bool)
        });
        let recording_dir = self.optional(table, RECORDING_DIR, |reader, value| reader.path(value, RECORDING_DIR));
        let self_test = self_test?.unwrap_or(true);
        let recording_dir = recording_dir?;
        if self_test && recording_dir.is_none() {
            let reason = "is missing: the self-test reads the recorder's files there; self_test = false does without";
            self.fault(span, RECORDING_DIR, reason);
            return None;
        }
        Some(rtpengine::Options { name: name?.into(), address: address?, pause: pause?, recording_dir, self_test })
    }

    fn http(&mut self, span: &Range<usize>, table: &DeTable<'_>) -> Option<http::Options> {
        let url = self.required(span, table, URL).and_then(|value| {
            let text = self.typed(value, URL, "a string", DeValue::as_str)?;
            let url = text.parse().ok().filter(http::Options::is_place);
            if url.is_none() {
                let reason = format!("is {text:?}, expected http:// or https://, a host, and no query");
                self.fault(&value.span(), URL, reason);
            }
            url
        });
        let token_file = self.optional(table, TOKEN_FILE, |reader, value| reader.path(value, TOKEN_FILE));
        let ca_file = self.optional(table, CA_FILE, |reader, value| reader.path(value, CA_FILE));
        let can_pause = self.optional(table, CAN_PAUSE, |reader, value| {
            reader.typed(value, CAN_PAUSE, "true or false", DeValue::as_bool)
        });
        let give_up = self.optional(table, GIVE_UP, |reader, value| reader.number(value, GIVE_UP, 100..=60_000));
        Some(http::Options {
            token_file: token_file?,
            ca_file: ca_file?,
            can_pause: can_pause?.unwrap_or(true),
            give_up_after: give_up?.map_or(http::GIVE_UP_AFTER, Duration::from_millis),
            ..http::Options::at(url?)
        })
    }

    /// Each UCC's recorder is one of the config's.
    pub(super) fn recorders_are_there(&mut self) {
        for (span, name) in core::mem::take(&mut self.recorders_wanted) {
            if !self.recorder_names.contains_key(&*name) {
                let reason = format!("{name:?} is not the name of a [[recorder]] of this config");
                self.fault(&span, RECORDER, reason);
            }
        }
    }
}

//! Webhooks in a config.
//!
//! ```toml
//! [[webhook]]
//! name = "crm"
//! url = "https://crm.example/recording-events"
//! secret_file = "/etc/recording/crm-secret"
//! ca_file = "/etc/recording/ca.pem"        # this and the rest may be left out
//! uccs = ["ucc-demo-name"]
//! queue_bytes = 4_194_304
//! parallel = 8
//! give_up_ms = 5000
//! max_age_seconds = 3600
//! ```

use core::ops::Range;
use core::time::Duration;
use std::collections::HashSet;

use axum::http::Uri;
use recording_core::wire::UccNameBuf;
use toml::de::{DeTable, DeValue};

use super::{NAME, Reader, Value};
use crate::outgoing;
use crate::webhook::WebhookConfig;

const URL: &str = "url";
const SECRET_FILE: &str = "secret_file";
const CA_FILE: &str = "ca_file";
const UCCS: &str = "uccs";
const QUEUE_BYTES: &str = "queue_bytes";
const PARALLEL: &str = "parallel";
const GIVE_UP: &str = "give_up_ms";
const MAX_AGE: &str = "max_age_seconds";

const KEYS: [&str; 9] = [NAME, URL, SECRET_FILE, CA_FILE, UCCS, QUEUE_BYTES, PARALLEL, GIVE_UP, MAX_AGE];

impl Reader {
    /// A `[[webhook]]`.
    pub(super) fn webhook(&mut self, span: &Range<usize>, table: &DeTable<'_>) {
        self.known_keys(table, "[[webhook]]", &KEYS);
        let name = self.required(span, table, NAME).and_then(|value| self.name_of_webhook(value));
        let url = self.required(span, table, URL).and_then(|value| self.place_of_webhook(value));
        let secret_file = self.required(span, table, SECRET_FILE).and_then(|value| self.path(value, SECRET_FILE));
        let ca_file = self.optional(table, CA_FILE, |reader, value| reader.path(value, CA_FILE));
        let uccs = self.optional(table, UCCS, Self::uccs_of_webhook);
        let mut number = |key: &str, range| self.optional(table, key, |reader, value| reader.number(value, key, range));
        let queue_bytes = number(QUEUE_BYTES, 65_536..=1 << 30);
        let parallel = number(PARALLEL, 1..=64);
        let give_up = number(GIVE_UP, 100..=60_000);
        let max_age = number(MAX_AGE, 1..=86_400);
        let (Some(name), Some(url), Some(secret_file)) = (name, url, secret_file) else { return };
        let (Some(ca_file), Some(uccs), Some(queue_bytes)) = (ca_file, uccs, queue_bytes) else { return };
        let (Some(parallel), Some(give_up), Some(max_age)) = (parallel, give_up, max_age) else { return };
        let usual = WebhookConfig::new(&name, url, secret_file);
        let size = |number: Option<u64>, usual| number.and_then(|number| usize::try_from(number).ok()).unwrap_or(usual);
        self.directory.add_webhook(WebhookConfig {
            ca_file,
            uccs,
            queue_bytes: size(queue_bytes, usual.queue_bytes),
            parallel: size(parallel, usual.parallel),
            give_up_after: give_up.map_or(usual.give_up_after, Duration::from_millis),
            max_age: max_age.map_or(usual.max_age, Duration::from_secs),
            ..usual
        });
    }

    fn name_of_webhook(&mut self, value: Value<'_, '_>) -> Option<Box<str>> {
        let text = self.sound_name(value, WebhookConfig::NAME_MAX)?;
        let line = self.line(&value.span());
        if let Some(first) = self.webhook_names.insert(text.clone().into(), line) {
            self.fault(&value.span(), NAME, format!("{text:?} is the name of the webhook of line {first} already"));
            return None;
        }
        Some(text)
    }

    /// The error does not repeat it: it may have a password in it.
    fn place_of_webhook(&mut self, value: Value<'_, '_>) -> Option<Uri> {
        let text = self.typed(value, URL, "a string", DeValue::as_str)?;
        let Ok(url) = text.parse::<Uri>() else {
            self.fault(&value.span(), URL, "is not a URL");
            return None;
        };
        if let Err(why) = outgoing::is_safe(&url) {
            self.fault(&value.span(), URL, why);
            return None;
        }
        Some(url)
    }

    fn uccs_of_webhook(&mut self, value: Value<'_, '_>) -> Option<HashSet<UccNameBuf>> {
        let array = self.typed(value, UCCS, "an array", DeValue::as_array)?;
        if array.is_empty() {
            self.fault(&value.span(), UCCS, "is empty: without it the events of all UCCs are posted");
            return None;
        }
        let mut uccs = HashSet::new();
        for ucc in array {
            let name = self.typed(ucc, UCCS, "a string", DeValue::as_str);
            let name = name.and_then(|name| self.field::<UccNameBuf>(&ucc.span(), UCCS, name))?;
            self.uccs_wanted.push((ucc.span(), name.as_str().into()));
            uccs.insert(name);
        }
        Some(uccs)
    }

    /// Each UCC that a webhook names is one of the config's.
    pub(super) fn uccs_are_there(&mut self) {
        for (span, name) in core::mem::take(&mut self.uccs_wanted) {
            if !self.names.contains_key(&*name) {
                self.fault(&span, UCCS, format!("{name:?} is not the name of a [[ucc]] of this config"));
            }
        }
    }
}

//! Who the agents of a UCC are: a list, patterns, a file.

use core::ops::Range;
use std::sync::Arc;

use recording_core::wire::SipUriBuf;
use toml::de::{DeTable, DeValue};

use super::{Reader, Value};
use crate::directory::{AgentPattern, AgentsFile, PatternError};

/// The keys of `[[ucc]]` that say it. One of them at least is there.
pub(super) const OF_UCC: [&str; 3] = [AGENTS, PATTERNS, FILE];

const AGENTS: &str = "agents";
const PATTERNS: &str = "agent_patterns";
const FILE: &str = "agents_file";

/// How many patterns a UCC may have: a requester is compared with each.
const MOST_PATTERNS: usize = 64;

pub(super) struct AgentsOfUcc {
    pub(super) listed: Vec<SipUriBuf>,
    pub(super) patterns: Vec<AgentPattern>,
    pub(super) file: Option<Arc<AgentsFile>>,
}

impl Reader {
    /// The agents of a UCC. `None` if something is wrong with them, which is noted.
    pub(super) fn agents_of(&mut self, span: &Range<usize>, table: &DeTable<'_>) -> Option<AgentsOfUcc> {
        let listed = if table.contains_key(PATTERNS) || table.contains_key(FILE) {
            self.optional(table, AGENTS, Self::agents).map(Option::unwrap_or_default)
        } else {
            self.required(span, table, AGENTS).and_then(|value| self.agents(value))
        };
        let patterns = self.optional(table, PATTERNS, Self::patterns);
        let file = self.optional(table, FILE, Self::agents_file);
        Some(AgentsOfUcc { listed: listed?, patterns: patterns?.unwrap_or_default(), file: file?.flatten() })
    }

    fn agents(&mut self, value: Value<'_, '_>) -> Option<Vec<SipUriBuf>> {
        self.texts(value, AGENTS, |reader, span, text| reader.field::<SipUriBuf>(span, AGENTS, text))
    }

    fn patterns(&mut self, value: Value<'_, '_>) -> Option<Vec<AgentPattern>> {
        let patterns = self.texts(value, PATTERNS, |reader, span, text| {
            let fault = |error: PatternError| reader.fault(span, PATTERNS, format!("{text:?} {error}"));
            text.parse().map_err(fault).ok()
        })?;
        if patterns.len() > MOST_PATTERNS {
            self.fault(&value.span(), PATTERNS, format!("has more than {MOST_PATTERNS} patterns"));
            return None;
        }
        Some(patterns)
    }

    /// An array of strings, of which each is something.
    fn texts<T>(
        &mut self,
        value: Value<'_, '_>,
        key: &str,
        mut read: impl FnMut(&mut Self, &Range<usize>, &str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let array = self.typed(value, key, "an array", DeValue::as_array)?;
        let mut found = Vec::with_capacity(array.len());
        for one in array {
            let text = self.typed(one, key, "a string", DeValue::as_str);
            found.extend(text.and_then(|text| read(self, &one.span(), text)));
        }
        // Every error was noted; one is enough.
        (found.len() == array.len()).then_some(found)
    }

    /// A file of agents, from where the config is. `Some(None)` if no file is to be read.
    fn agents_file(&mut self, value: Value<'_, '_>) -> Option<Option<Arc<AgentsFile>>> {
        let path = self.path(value, FILE)?;
        let Some(place) = &self.place else { return Some(None) };
        let path = place.join(path);
        let load = || AgentsFile::load(path.clone()).map(Arc::new);
        match self.agents_files.entry(path.clone()).or_insert_with(load).clone() {
            Ok(file) => Some(Some(file)),
            Err(reason) => {
                self.fault(&value.span(), FILE, reason);
                None
            }
        }
    }
}

//! The UCCs: what the decision needs to know besides the session itself.

mod agents;
mod file;
mod fingerprint;
mod pattern;

use core::time::Duration;
use std::collections::HashMap;
use std::sync::Arc;

use recording_core::Settings;
use recording_core::recorder::{Holder, ResumePolicy};
use recording_core::wire::{SipUri, SipUriBuf, UccName, UccNameBuf};

pub use agents::Agents;
pub use file::{AgentsFile, Look, MAX_BYTES as MAX_AGENTS_FILE};
pub use pattern::{AgentPattern, PatternError};

use crate::recorder::RecorderConfig;
use crate::reloadable::Reloadable;
use crate::webhook::WebhookConfig;

/// One UCC.
#[derive(Debug, Clone)]
pub struct Ucc {
    /// Its settings.
    pub settings: Settings,
    /// What its sessions are recorded by.
    pub recording: Recording,
    listed: Agents,
    patterns: Vec<AgentPattern>,
    file: Option<Arc<AgentsFile>>,
}

/// What the sessions of a UCC are recorded by. By default no recorder is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recording {
    /// The name of the recorder.
    pub recorder: Option<Box<str>>,
    /// Who may resume a session.
    pub resume: ResumePolicy,
    /// How long a session may be Paused before that is reported.
    pub pause_limit: Option<Duration>,
}

impl Ucc {
    /// A UCC with these settings and agents.
    #[must_use]
    pub fn new(settings: Settings, agents: impl IntoIterator<Item = SipUriBuf>) -> Self {
        let agents: Vec<_> = agents.into_iter().collect();
        Self {
            settings,
            recording: Recording::default(),
            listed: agents.iter().map(SipUriBuf::to_ref).collect(),
            patterns: Vec::new(),
            file: None,
        }
    }

    /// The same, whose agents are those of these patterns as well.
    #[must_use]
    pub fn with_patterns(self, patterns: Vec<AgentPattern>) -> Self {
        Self { patterns, ..self }
    }

    /// The same, whose agents are those of this file as well.
    #[must_use]
    pub fn with_file(self, file: Option<Arc<AgentsFile>>) -> Self {
        Self { file, ..self }
    }

    /// The same, recorded by this.
    #[must_use]
    pub fn recorded_by(self, recording: Recording) -> Self {
        Self { recording, ..self }
    }

    /// The requester, as holds know it: by its URI in lower case. Requesters that share a URI share a hold.
    #[must_use]
    pub fn holder(requester: SipUri<'_>) -> Holder {
        agents::holder(requester.as_str())
    }

    /// The URI of the agent of the list or of the file that this is; `None` if it is none of them any more.
    #[must_use]
    pub fn holder_uri(&self, known: Holder) -> Option<String> {
        let listed = self.listed.holder_uri(known).map(str::to_owned);
        listed.or_else(|| self.file.as_ref()?.agents().holder_uri(known).map(str::to_owned))
    }

    /// Whether `requester` is one of the agents: the one place that says so.
    #[must_use]
    pub fn is_agent(&self, requester: SipUri<'_>) -> bool {
        self.is_named(requester) || self.patterns.iter().any(|pattern| pattern.matches(requester))
    }

    /// Whether `requester` is one of the list or of the file.
    #[must_use]
    pub fn is_named(&self, requester: SipUri<'_>) -> bool {
        self.listed.contains(requester) || self.file.as_ref().is_some_and(|file| file.agents().contains(requester))
    }

    /// How many agents are in the list and in the file.
    #[must_use]
    pub fn agents(&self) -> usize {
        self.listed.len() + self.agents_in_file()
    }

    /// How many agents are in the file.
    #[must_use]
    pub fn agents_in_file(&self) -> usize {
        self.file.as_ref().map_or(0, |file| file.agents().len())
    }

    /// The agents of the list, in order.
    #[must_use]
    pub const fn listed(&self) -> &Agents {
        &self.listed
    }

    /// The patterns by which there are further agents.
    #[must_use]
    pub fn patterns(&self) -> &[AgentPattern] {
        &self.patterns
    }

    /// The file of further agents.
    #[must_use]
    pub const fn file(&self) -> Option<&Arc<AgentsFile>> {
        self.file.as_ref()
    }

    /// The first agents of the list and of the file together, at most so many, and whether there are more.
    #[must_use]
    pub fn first_agents(&self, most: usize) -> (Vec<String>, bool) {
        let mut first: Vec<_> = self.listed.iter().take(most + 1).map(str::to_owned).collect();
        if let Some(file) = &self.file {
            first.extend(file.agents().iter().take(most + 1).map(str::to_owned));
            first.sort_by_cached_key(|uri| uri.to_ascii_lowercase());
            first.dedup_by(|one, other| one.eq_ignore_ascii_case(other));
        }
        let more = first.len() > most;
        first.truncate(most);
        (first, more)
    }
}

/// All UCCs by name.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    // By text, since the core compares names exactly, and a text can be looked up without a copy.
    uccs: HashMap<Box<str>, Ucc>,
    recorders: Vec<RecorderConfig>,
    webhooks: Vec<WebhookConfig>,
}

impl Directory {
    /// No UCC.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a UCC.
    ///
    /// # Errors
    ///
    /// Hands the UCC back if there is one of this name.
    pub fn add(&mut self, name: &UccNameBuf, ucc: Ucc) -> Result<(), Box<Ucc>> {
        if self.uccs.contains_key(name.as_str()) {
            return Err(Box::new(ucc));
        }
        self.uccs.insert(name.as_str().into(), ucc);
        Ok(())
    }

    /// Adds a recorder that UCCs may name.
    pub fn add_recorder(&mut self, recorder: RecorderConfig) {
        self.recorders.push(recorder);
    }

    /// The recorders that UCCs may name.
    #[must_use]
    pub fn recorders(&self) -> &[RecorderConfig] {
        &self.recorders
    }

    /// Adds a webhook that events are posted to.
    pub fn add_webhook(&mut self, webhook: WebhookConfig) {
        self.webhooks.push(webhook);
    }

    /// The webhooks that events are posted to.
    #[must_use]
    pub fn webhooks(&self) -> &[WebhookConfig] {
        &self.webhooks
    }

    /// The UCC of this name.
    #[must_use]
    pub fn ucc(&self, name: UccName<'_>) -> Option<&Ucc> {
        self.uccs.get(name.as_str())
    }

    /// All UCCs with their names, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (UccName<'_>, &Ucc)> {
        self.uccs.iter().filter_map(|(name, ucc)| Some((UccName::new(name).ok()?, ucc)))
    }

    /// How many UCCs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.uccs.len()
    }

    /// Whether there is no UCC.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.uccs.is_empty()
    }

    /// How many agents there are in the lists and files of all UCCs together.
    #[must_use]
    pub fn agents(&self) -> usize {
        self.uccs.values().map(Ucc::agents).sum()
    }

    /// How many of them are in files.
    #[must_use]
    pub fn agents_in_files(&self) -> usize {
        self.uccs.values().map(Ucc::agents_in_file).sum()
    }

    /// How many patterns there are in all UCCs together.
    #[must_use]
    pub fn patterns(&self) -> usize {
        self.uccs.values().map(|ucc| ucc.patterns.len()).sum()
    }

    /// The files of agents, each once.
    #[must_use]
    pub fn agents_files(&self) -> Vec<Arc<AgentsFile>> {
        let mut files: Vec<_> = self.uccs.values().filter_map(|ucc| ucc.file.clone()).collect();
        files.sort_unstable_by_key(Arc::as_ptr);
        files.dedup_by(|one, other| Arc::ptr_eq(one, other));
        files
    }

    /// Agents of lists that look like patterns, and are none there: each with its UCC.
    pub fn stars_in_lists(&self) -> impl Iterator<Item = (&str, &str)> {
        self.uccs
            .iter()
            .flat_map(|(name, ucc)| ucc.listed.iter().filter(|uri| uri.contains('*')).map(move |uri| (&**name, uri)))
    }
}

/// The directory in force. Sessions stay when another takes its place, even those whose UCC is gone.
pub type SharedDirectory = Reloadable<Directory>;

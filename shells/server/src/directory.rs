//! The UCCs: what the decision needs to know besides the session itself.

mod fingerprint;

use core::time::Duration;
use std::collections::{HashMap, HashSet};

use recording_core::Settings;
use recording_core::recorder::{Holder, ResumePolicy};
use recording_core::wire::{SipUri, SipUriBuf, UccName, UccNameBuf};

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
    agents: HashSet<SipUriBuf>,
    /// The agents as holds know them, if there are holds.
    holders: HashMap<Holder, SipUriBuf>,
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
        Self {
            settings,
            recording: Recording::default(),
            agents: agents.into_iter().collect(),
            holders: HashMap::new(),
        }
    }

    /// The same, recorded by this.
    #[must_use]
    pub fn recorded_by(mut self, recording: Recording) -> Self {
        let agents = self.agents.iter().filter(|_| recording.resume == ResumePolicy::Holders);
        self.holders = agents.map(|agent| (holder(agent.as_str()), agent.clone())).collect();
        Self { recording, ..self }
    }

    /// The requester, as holds know it: by its URI as it stands here. Requesters that share a URI share a hold.
    #[must_use]
    pub fn holder(&self, requester: SipUri<'_>) -> Holder {
        let known = self.agents.get(&SipUriBuf::from(requester));
        holder(known.map_or(requester.as_str(), SipUriBuf::as_str))
    }

    /// The agent that this is; `None` if it is none any more.
    #[must_use]
    pub fn holder_uri(&self, known: Holder) -> Option<&SipUriBuf> {
        match self.recording.resume {
            ResumePolicy::Holders => self.holders.get(&known),
            // A session that began before a reload keeps what was fixed then: its holds count.
            ResumePolicy::Anyone => self.agents.iter().find(|agent| holder(agent.as_str()) == known),
        }
    }

    /// Whether `requester` is one of the agents.
    #[must_use]
    pub fn is_agent(&self, requester: SipUri<'_>) -> bool {
        // The copy is on the stack; how URIs compare is the core's affair.
        self.agents.contains(&SipUriBuf::from(requester))
    }

    /// How many agents there are.
    #[must_use]
    pub fn agents(&self) -> usize {
        self.agents.len()
    }

    /// The agents, in no order.
    pub fn agent_uris(&self) -> impl Iterator<Item = &SipUriBuf> {
        self.agents.iter()
    }
}

/// The beginning of the SHA-256 of a URI.
fn holder(uri: &str) -> Holder {
    let hash = ring::digest::digest(&ring::digest::SHA256, uri.as_bytes());
    let (bytes, _) = hash.as_ref().as_chunks::<{ Holder::LEN }>();
    Holder::new(bytes.first().copied().unwrap_or_default())
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

    /// How many agents there are in all UCCs together.
    #[must_use]
    pub fn agents(&self) -> usize {
        self.uccs.values().map(Ucc::agents).sum()
    }
}

/// The directory in force. Sessions stay when another takes its place, even those whose UCC is gone.
pub type SharedDirectory = Reloadable<Directory>;

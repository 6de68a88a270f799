//! The UCCs: what the decision needs to know besides the session itself.

use std::collections::{HashMap, HashSet};

use recording_core::Settings;
use recording_core::wire::{SipUri, SipUriBuf, UccName, UccNameBuf};

use crate::reloadable::Reloadable;

/// One UCC.
#[derive(Debug, Clone)]
pub struct Ucc {
    /// Its settings.
    pub settings: Settings,
    agents: HashSet<SipUriBuf>,
}

impl Ucc {
    /// A UCC with these settings and agents.
    #[must_use]
    pub fn new(settings: Settings, agents: impl IntoIterator<Item = SipUriBuf>) -> Self {
        Self { settings, agents: agents.into_iter().collect() }
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

/// All UCCs by name.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    // By text, since the core compares names exactly, and a text can be looked up without a copy.
    uccs: HashMap<Box<str>, Ucc>,
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
    pub fn add(&mut self, name: &UccNameBuf, ucc: Ucc) -> Result<(), Ucc> {
        if self.uccs.contains_key(name.as_str()) {
            return Err(ucc);
        }
        self.uccs.insert(name.as_str().into(), ucc);
        Ok(())
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

//! Which UCCs there are, how they are set, and who their agents are.

use super::index::{Hash, Index, Link};
use crate::Settings;
use crate::pieces::{Pieces, Sink, display_by_pieces};
use crate::scan::equal;
use crate::wire::{SipUri, UccName};

/// The UCCs of a gateway, their settings and agents: `UCCS` of them, `AGENTS` agents of all UCCs together, `TEXT` bytes
/// of names and URIs together. It grows only; a new provisioning makes a new one.
///
/// ```
/// use recording_core::state::RepeatPolicy;
/// use recording_core::wire::{SipUri, UccName};
/// use recording_core::{Directory, Settings};
///
/// let mut directory = Directory::<4, 16, 1024>::new();
/// let settings = Settings::from_switches([true, true, true, false], RepeatPolicy::Accept);
/// let ucc = directory.add_ucc(UccName::new("ucc-demo-name")?, settings)?;
/// directory.add_agent(ucc, SipUri::new("sip:agent@domain.com")?)?;
/// assert!(directory.is_agent(ucc, SipUri::new("SIP:Agent@Domain.com")?));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Directory<const UCCS: usize, const AGENTS: usize, const TEXT: usize> {
    uccs: heapless::Vec<Ucc, UCCS>,
    agents: heapless::Vec<Agent, AGENTS>,
    text: heapless::String<TEXT>,
    ucc_index: Index<[Link; UCCS]>,
    agent_index: Index<[Link; AGENTS]>,
}

/// The place of a UCC in one directory. It means nothing to another directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UccKey(pub(super) u16);

#[derive(Debug, Clone, Copy)]
struct Ucc {
    name: Span,
    settings: Settings,
}

#[derive(Debug, Clone, Copy)]
struct Agent {
    ucc: UccKey,
    uri: Span,
}

/// A piece of the directory's text. No name or URI is longer than 255 bytes.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: u32,
    len: u8,
}

/// Why something does not get into a directory. The directory stays as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DirectoryError {
    /// There is a UCC of this name already.
    UccExists,
    /// The name is `.` or `..`: [`UccName::is_reachable`].
    Unreachable,
    /// There is no UCC: a document that was cut off must not pass for one that is meant so.
    NoUcc,
    /// There are as many UCCs as the directory holds.
    UccsFull {
        /// How many that is.
        capacity: usize,
    },
    /// There are as many agents as the directory holds.
    AgentsFull {
        /// How many that is.
        capacity: usize,
    },
    /// The names and URIs together are longer than the directory holds.
    TextFull {
        /// How many bytes that is.
        capacity: usize,
    },
    /// The key is not of this directory.
    UnknownUcc,
}

impl Pieces for DirectoryError {
    fn pieces(&self, sink: &mut impl Sink) {
        let (before, capacity, after) = match *self {
            Self::UccExists => return sink.text("there is a UCC of this name already"),
            Self::Unreachable => {
                return sink.text("is a name that no client can ask for: in a path it means another place");
            }
            Self::NoUcc => return sink.text("there must be at least one UCC"),
            Self::UnknownUcc => return sink.text("no UCC of this directory"),
            Self::UccsFull { capacity } => ("more than ", capacity, " UCCs"),
            Self::AgentsFull { capacity } => ("more than ", capacity, " agents"),
            Self::TextFull { capacity } => ("names and URIs of more than ", capacity, " bytes together"),
        };
        sink.text(before);
        sink.number(capacity);
        sink.text(after);
    }
}

display_by_pieces!(DirectoryError);

impl core::error::Error for DirectoryError {}

impl<const UCCS: usize, const AGENTS: usize, const TEXT: usize> Directory<UCCS, AGENTS, TEXT> {
    /// An empty directory.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            uccs: heapless::Vec::new(),
            agents: heapless::Vec::new(),
            text: heapless::String::new(),
            ucc_index: Index::new(),
            agent_index: Index::new(),
        }
    }

    /// Adds a UCC.
    ///
    /// # Errors
    ///
    /// If there is one of this name already, if no client can ask for the name, or if there is no room.
    pub fn add_ucc(&mut self, name: UccName<'_>, settings: Settings) -> Result<UccKey, DirectoryError> {
        if !name.is_reachable() {
            return Err(DirectoryError::Unreachable);
        }
        if self.find(name).is_some() {
            return Err(DirectoryError::UccExists);
        }
        let slot = self.uccs.len();
        if slot == UCCS {
            return Err(DirectoryError::UccsFull { capacity: UCCS });
        }
        let name = self.keep(name.as_str())?;
        self.uccs.push(Ucc { name, settings }).map_err(|_| DirectoryError::UccsFull { capacity: UCCS })?;
        self.ucc_index.insert(name_hash(self.text(name)), slot);
        Ok(UccKey(slot as u16))
    }

    /// Adds an agent to a UCC. One that it has already is no error.
    ///
    /// # Errors
    ///
    /// If there is no room.
    pub fn add_agent(&mut self, ucc: UccKey, uri: SipUri<'_>) -> Result<(), DirectoryError> {
        if usize::from(ucc.0) >= self.uccs.len() {
            return Err(DirectoryError::UnknownUcc);
        }
        self.enter_agent(ucc, uri)
    }

    /// The key of the UCC that is added next.
    #[cfg(feature = "serde-json-core")]
    pub(crate) fn next_key(&self) -> UccKey {
        UccKey(self.uccs.len() as u16)
    }

    /// Adds an agent to a UCC that is there, or that is the next to be added.
    pub(crate) fn enter_agent(&mut self, ucc: UccKey, uri: SipUri<'_>) -> Result<(), DirectoryError> {
        if self.is_agent(ucc, uri) {
            return Ok(());
        }
        let slot = self.agents.len();
        if slot == AGENTS {
            return Err(DirectoryError::AgentsFull { capacity: AGENTS });
        }
        let hash = agent_hash(ucc, uri);
        let uri = self.keep(uri.as_str())?;
        self.agents.push(Agent { ucc, uri }).map_err(|_| DirectoryError::AgentsFull { capacity: AGENTS })?;
        self.agent_index.insert(hash, slot);
        Ok(())
    }

    /// Changes the settings of a UCC.
    ///
    /// # Errors
    ///
    /// If the key is not of this directory.
    pub fn set_settings(&mut self, ucc: UccKey, settings: Settings) -> Result<(), DirectoryError> {
        let ucc = self.uccs.get_mut(usize::from(ucc.0)).ok_or(DirectoryError::UnknownUcc)?;
        ucc.settings = settings;
        Ok(())
    }

    /// The UCC of this name, compared exactly.
    #[must_use]
    pub fn find(&self, name: UccName<'_>) -> Option<UccKey> {
        let slot = self.ucc_index.find(name_hash(name.as_str()), |slot| {
            self.uccs.get(slot).is_some_and(|ucc| equal(self.bytes(ucc.name), name.as_str().as_bytes()))
        })?;
        Some(UccKey(slot as u16))
    }

    /// The settings of a UCC; `None` if the key is not of this directory.
    #[must_use]
    pub fn settings(&self, ucc: UccKey) -> Option<Settings> {
        Some(self.uccs.get(usize::from(ucc.0))?.settings)
    }

    /// The UCC of this name, with its settings.
    pub(super) fn ucc(&self, name: UccName<'_>) -> Option<(UccKey, &Settings)> {
        let key = self.find(name)?;
        Some((key, &self.uccs.get(usize::from(key.0))?.settings))
    }

    /// The name of a UCC; `None` if the key is not of this directory.
    #[must_use]
    pub fn name(&self, ucc: UccKey) -> Option<UccName<'_>> {
        UccName::new(self.text(self.uccs.get(usize::from(ucc.0))?.name)).ok()
    }

    /// Whether `uri` is an agent of the UCC.
    #[must_use]
    pub fn is_agent(&self, ucc: UccKey, uri: SipUri<'_>) -> bool {
        let found = self.agent_index.find(agent_hash(ucc, uri), |slot| {
            self.agents.get(slot).is_some_and(|agent| agent.ucc == ucc && uri.eq_bytes(self.bytes(agent.uri)))
        });
        found.is_some()
    }

    /// The UCCs, in the order they were added.
    pub fn uccs(&self) -> impl Iterator<Item = UccKey> + use<UCCS, AGENTS, TEXT> {
        (0..self.uccs.len() as u16).map(UccKey)
    }

    /// The agents of a UCC, in the order they were added.
    pub fn agents(&self, ucc: UccKey) -> impl Iterator<Item = SipUri<'_>> {
        let own = self.agents.iter().filter(move |agent| agent.ucc == ucc);
        own.filter_map(|agent| SipUri::new(self.text(agent.uri)).ok())
    }

    fn keep(&mut self, text: &str) -> Result<Span, DirectoryError> {
        let full = DirectoryError::TextFull { capacity: TEXT };
        let span = Span {
            start: self.text.len().try_into().map_err(|_| full)?,
            len: text.len().try_into().map_err(|_| full)?,
        };
        self.text.push_str(text).map_err(|_| full)?;
        Ok(span)
    }

    /// As [`text`](Self::text), for comparing.
    fn bytes(&self, span: Span) -> &[u8] {
        let start = span.start as usize;
        self.text.as_bytes().get(start..start + usize::from(span.len)).unwrap_or_default()
    }

    fn text(&self, span: Span) -> &str {
        let start = span.start as usize;
        self.text.as_str().get(start..start + usize::from(span.len)).unwrap_or_default()
    }
}

impl<const UCCS: usize, const AGENTS: usize, const TEXT: usize> Default for Directory<UCCS, AGENTS, TEXT> {
    fn default() -> Self {
        Self::new()
    }
}

const fn name_hash(name: &str) -> u32 {
    Hash::new(0).bytes(name.as_bytes(), 0).finish()
}

/// URIs that differ in ASCII case alone hash alike, and so do some others: letters are folded by their bit for the case,
/// whatever byte it is.
const fn agent_hash(ucc: UccKey, uri: SipUri<'_>) -> u32 {
    Hash::new(ucc.0 as u32).bytes(uri.as_str().as_bytes(), 0x2020_2020).finish()
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::collections::HashSet;
    use std::format;

    use super::*;

    /// What is looked up quickly only because its hash distinguishes it.
    #[test]
    fn hashes_tell_names_and_agents_apart() -> Result<(), crate::wire::FieldError> {
        let names: HashSet<u32> = (0..100).map(|number| name_hash(&format!("ucc-{number}"))).collect();
        assert_eq!(names.len(), 100);
        let mut agents = HashSet::new();
        for number in 0..100 {
            let [lower, upper] = [format!("sip:agent-{number}@domain.com"), format!("SIP:AGENT-{number}@DOMAIN.COM")];
            for ucc in 0..3 {
                let hash = agent_hash(UccKey(ucc), SipUri::new(&lower)?);
                assert_eq!(agent_hash(UccKey(ucc), SipUri::new(&upper)?), hash);
                agents.insert(hash);
            }
        }
        assert_eq!(agents.len(), 300);
        Ok(())
    }
}

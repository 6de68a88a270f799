//! Which UCCs there are, how they are set, and who their agents are.

use super::index;
use super::slots::{AgentSlot, DirectoryCounts, UccSlot};
use super::tables::{Tables, TablesMut};
use crate::Settings;
use crate::pieces::{Pieces, Sink, display_by_pieces};
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
    counts: DirectoryCounts,
    uccs: [UccSlot; UCCS],
    agents: [AgentSlot; AGENTS],
    text: [u8; TEXT],
}

/// The place of a UCC in one directory. It means nothing to another directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UccKey(pub(super) u16);

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
        const { assert!(index::is_capacity(UCCS) && index::is_capacity(AGENTS), "a capacity is between 1 and 65534") };
        Self {
            counts: DirectoryCounts::NONE,
            uccs: [UccSlot::EMPTY; UCCS],
            agents: [AgentSlot::EMPTY; AGENTS],
            text: [0; TEXT],
        }
    }

    pub(super) const fn tables(&self) -> Tables<'_> {
        Tables { counts: &self.counts, uccs: &self.uccs, agents: &self.agents, text: &self.text }
    }

    pub(super) const fn tables_mut(&mut self) -> TablesMut<'_> {
        TablesMut { counts: &mut self.counts, uccs: &mut self.uccs, agents: &mut self.agents, text: &mut self.text }
    }

    /// Adds a UCC.
    ///
    /// # Errors
    ///
    /// If there is one of this name already, if no client can ask for the name, or if there is no room.
    pub fn add_ucc(&mut self, name: UccName<'_>, settings: Settings) -> Result<UccKey, DirectoryError> {
        self.tables_mut().add_ucc(name, settings)
    }

    /// Adds an agent to a UCC. One that it has already is no error.
    ///
    /// # Errors
    ///
    /// If there is no room.
    pub fn add_agent(&mut self, ucc: UccKey, uri: SipUri<'_>) -> Result<(), DirectoryError> {
        self.tables_mut().add_agent(ucc, uri)
    }

    /// Changes the settings of a UCC.
    ///
    /// # Errors
    ///
    /// If the key is not of this directory.
    pub fn set_settings(&mut self, ucc: UccKey, settings: Settings) -> Result<(), DirectoryError> {
        self.tables_mut().set_settings(ucc, settings)
    }

    /// The UCC of this name, compared exactly.
    #[must_use]
    pub fn find(&self, name: UccName<'_>) -> Option<UccKey> {
        self.tables().find(name)
    }

    /// The settings of a UCC; `None` if the key is not of this directory.
    #[must_use]
    pub fn settings(&self, ucc: UccKey) -> Option<Settings> {
        self.tables().settings(ucc)
    }

    /// The name of a UCC; `None` if the key is not of this directory.
    #[must_use]
    pub fn name(&self, ucc: UccKey) -> Option<UccName<'_>> {
        self.tables().name(ucc)
    }

    /// Whether `uri` is an agent of the UCC.
    #[must_use]
    pub fn is_agent(&self, ucc: UccKey, uri: SipUri<'_>) -> bool {
        self.tables().is_agent(ucc, uri)
    }

    /// The UCCs, in the order they were added.
    pub fn uccs(&self) -> impl Iterator<Item = UccKey> + use<UCCS, AGENTS, TEXT> {
        (0..self.counts.uccs as u16).map(UccKey)
    }

    /// The agents of a UCC, in the order they were added.
    pub fn agents(&self, ucc: UccKey) -> impl Iterator<Item = SipUri<'_>> {
        self.tables().agents(ucc)
    }
}

impl<const UCCS: usize, const AGENTS: usize, const TEXT: usize> Default for Directory<UCCS, AGENTS, TEXT> {
    fn default() -> Self {
        Self::new()
    }
}

//! The tables of a directory, wherever they are kept.

use super::index::{self, MAX_LEN};
use super::slots::{AgentSlot, DirectoryCounts, Span, UccSlot, agent_hash, name_hash};
use super::{DirectoryError, UccKey};
use crate::Settings;
use crate::scan::equal;
use crate::wire::{SipUri, UccName};

/// The tables, to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tables<'t> {
    pub(super) counts: &'t DirectoryCounts,
    pub(super) uccs: &'t [UccSlot],
    pub(super) agents: &'t [AgentSlot],
    pub(super) text: &'t [u8],
}

/// The tables, to be changed.
#[derive(Debug)]
pub(super) struct TablesMut<'t> {
    pub(super) counts: &'t mut DirectoryCounts,
    pub(super) uccs: &'t mut [UccSlot],
    pub(super) agents: &'t mut [AgentSlot],
    pub(super) text: &'t mut [u8],
}

impl<'t> Tables<'t> {
    /// The UCC of this name.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn ucc(&self, name: UccName<'_>) -> Option<(UccKey, &'t UccSlot)> {
        // Loops, here and below: an iterator's `find` is not always inlined.
        for (place, ucc) in index::slots(self.uccs, name_hash(name.as_str())) {
            if equal(self.bytes(ucc.name()), name.as_str().as_bytes()) {
                return Some((UccKey(place as u16), ucc));
            }
        }
        None
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn is_agent(&self, ucc: UccKey, uri: SipUri<'_>) -> bool {
        for (_, agent) in index::slots(self.agents, agent_hash(ucc, uri)) {
            if agent.ucc() == ucc && uri.eq_bytes(self.bytes(agent.uri())) {
                return true;
            }
        }
        false
    }

    #[inline]
    pub(super) fn find(&self, name: UccName<'_>) -> Option<UccKey> {
        Some(self.ucc(name)?.0)
    }

    fn get(&self, ucc: UccKey) -> Option<&'t UccSlot> {
        self.uccs.get(..self.counts.uccs as usize)?.get(usize::from(ucc.0))
    }

    pub(super) fn settings(&self, ucc: UccKey) -> Option<Settings> {
        self.get(ucc).map(UccSlot::settings)
    }

    pub(super) fn name(&self, ucc: UccKey) -> Option<UccName<'t>> {
        UccName::new(self.piece(self.get(ucc)?.name())?).ok()
    }

    pub(super) fn agents(self, ucc: UccKey) -> impl Iterator<Item = SipUri<'t>> {
        let all = self.agents.get(..self.counts.agents as usize).unwrap_or_default();
        all.iter().filter(move |agent| agent.ucc() == ucc).filter_map(move |agent| {
            let uri = self.piece(agent.uri())?;
            SipUri::new(uri).ok()
        })
    }

    fn piece(&self, span: Span) -> Option<&'t str> {
        core::str::from_utf8(self.bytes(span)).ok()
    }

    /// As [`piece`](Self::piece), for comparing.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn bytes(&self, span: Span) -> &'t [u8] {
        let start = span.start as usize;
        self.text.get(start..start.wrapping_add(span.len.into())).unwrap_or_default()
    }
}

impl TablesMut<'_> {
    pub(super) const fn tables(&self) -> Tables<'_> {
        Tables { counts: self.counts, uccs: self.uccs, agents: self.agents, text: self.text }
    }

    pub(super) fn clear(&mut self) {
        *self.counts = DirectoryCounts::NONE;
        self.uccs.fill(UccSlot::EMPTY);
        self.agents.fill(AgentSlot::EMPTY);
    }

    /// The key of the UCC that is added next.
    #[cfg(feature = "serde-json-core")]
    pub(super) const fn next_key(&self) -> UccKey {
        UccKey(self.counts.uccs as u16)
    }

    pub(super) fn add_ucc(&mut self, name: UccName<'_>, settings: Settings) -> Result<UccKey, DirectoryError> {
        if !name.is_reachable() {
            return Err(DirectoryError::Unreachable);
        }
        if self.tables().find(name).is_some() {
            return Err(DirectoryError::UccExists);
        }
        let place = self.counts.uccs as usize;
        let capacity = self.uccs.len().min(MAX_LEN);
        let full = DirectoryError::UccsFull { capacity };
        if place >= capacity {
            return Err(full);
        }
        let span = self.keep(name.as_str())?;
        self.uccs.get_mut(place).ok_or(full)?.set(span, settings);
        index::insert(self.uccs, name_hash(name.as_str()), place);
        self.counts.uccs = place as u32 + 1;
        Ok(UccKey(place as u16))
    }

    /// Adds an agent to a UCC that is there.
    pub(super) fn add_agent(&mut self, ucc: UccKey, uri: SipUri<'_>) -> Result<(), DirectoryError> {
        if u32::from(ucc.0) >= self.counts.uccs {
            return Err(DirectoryError::UnknownUcc);
        }
        self.enter_agent(ucc, uri)
    }

    /// Adds an agent to a UCC that is there, or that is the next to be added.
    pub(super) fn enter_agent(&mut self, ucc: UccKey, uri: SipUri<'_>) -> Result<(), DirectoryError> {
        if self.tables().is_agent(ucc, uri) {
            return Ok(());
        }
        let place = self.counts.agents as usize;
        let capacity = self.agents.len().min(MAX_LEN);
        let full = DirectoryError::AgentsFull { capacity };
        if place >= capacity {
            return Err(full);
        }
        let span = self.keep(uri.as_str())?;
        self.agents.get_mut(place).ok_or(full)?.set(ucc, span);
        index::insert(self.agents, agent_hash(ucc, uri), place);
        self.counts.agents = place as u32 + 1;
        Ok(())
    }

    pub(super) fn set_settings(&mut self, ucc: UccKey, settings: Settings) -> Result<(), DirectoryError> {
        let uccs = self.uccs.get_mut(..self.counts.uccs as usize).unwrap_or_default();
        uccs.get_mut(usize::from(ucc.0)).ok_or(DirectoryError::UnknownUcc)?.set_settings(settings);
        Ok(())
    }

    /// Keeps a text after the others.
    fn keep(&mut self, text: &str) -> Result<Span, DirectoryError> {
        let full = DirectoryError::TextFull { capacity: self.text.len() };
        let start = self.counts.text;
        let len = u8::try_from(text.len()).map_err(|_| full)?;
        let end = start.checked_add(len.into()).ok_or(full)?;
        let room = self.text.get_mut(start as usize..end as usize).ok_or(full)?;
        for (to, from) in room.iter_mut().zip(text.as_bytes()) {
            *to = *from;
        }
        self.counts.text = end;
        Ok(Span { start, len })
    }
}

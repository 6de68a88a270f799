//! The slots of a desk's tables. They are made of numbers: whatever bytes are in their memory are a slot, if not a useful
//! one, so that a program in another language may lend it.

use super::index::{Hash, Links, Slot};
use super::tables::Tables;
use super::{Session, UccKey};
use crate::state::RepeatPolicy;
use crate::wire::{CorrelationId, SipUri};
use crate::{Settings, State};

/// Room for a session: 24 bytes, aligned to 4. Any bytes are one.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct SessionSlot {
    id: [u32; 4],
    ucc: u16,
    state: u8,
    spare: u8,
    links: Links,
}

/// Room for a UCC: 16 bytes, aligned to 4. Any bytes are one.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct UccSlot {
    /// Where its name begins.
    start: u32,
    /// A byte for each setting that is yes or no, of which the lowest bit counts.
    settings: u32,
    /// 1 if repeats are refused.
    refuses_repeats: u8,
    len: u8,
    spare: [u8; 2],
    links: Links,
}

/// Room for an agent: 12 bytes, aligned to 4. Any bytes are one.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct AgentSlot {
    /// Where its URI begins.
    start: u32,
    ucc: u16,
    len: u8,
    spare: u8,
    links: Links,
}

/// How many slots of a desk's tables are in use, and how much of its text: 16 bytes, aligned to 4. Any bytes are one.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Counts {
    pub(super) sessions: u32,
    pub(super) directory: DirectoryCounts,
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct DirectoryCounts {
    pub(super) uccs: u32,
    pub(super) agents: u32,
    pub(super) text: u32,
}

// Those who lend memory rely on these.
const _: () = {
    assert!(size_of::<SessionSlot>() == 24 && align_of::<SessionSlot>() == 4);
    assert!(size_of::<UccSlot>() == 16 && align_of::<UccSlot>() == 4);
    assert!(size_of::<AgentSlot>() == 12 && align_of::<AgentSlot>() == 4);
    assert!(size_of::<Counts>() == 16 && align_of::<Counts>() == 4);
};

impl Counts {
    /// Those of an empty desk.
    pub const NONE: Self = Self { sessions: 0, directory: DirectoryCounts::NONE };
}

impl DirectoryCounts {
    pub(super) const NONE: Self = Self { uccs: 0, agents: 0, text: 0 };
}

/// A piece of the directory's text. No name or URI is longer than 255 bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) len: u8,
}

macro_rules! slot {
    ($($Slot:ty),+) => {
        $(
            impl Slot for $Slot {
                #[inline(always)]
                fn links(&self) -> &Links {
                    &self.links
                }

                #[inline(always)]
                fn links_mut(&mut self) -> &mut Links {
                    &mut self.links
                }
            }

            impl Default for $Slot {
                fn default() -> Self {
                    Self::EMPTY
                }
            }
        )+
    };
}

slot!(SessionSlot, UccSlot, AgentSlot);

impl SessionSlot {
    /// One that holds nothing.
    pub const EMPTY: Self = Self { id: [0; 4], ucc: 0, state: 0, spare: 0, links: Links::NONE };

    /// Puts a session into this slot, which stays in the chains that it is in.
    #[inline]
    pub(super) const fn set(&mut self, ucc: UccKey, id: CorrelationId, state: State) {
        *self = Self { id: id.words(), ucc: ucc.0, state: state.to_byte(), spare: 0, links: self.links };
    }

    /// Puts the session of another slot into this one.
    #[inline]
    pub(super) const fn set_as(&mut self, other: &Self) {
        *self = Self { links: self.links, ..*other };
    }

    #[inline]
    pub(super) const fn set_state(&mut self, state: State) {
        self.state = state.to_byte();
    }

    /// The session, as the caller sees it; `None` in memory that was written over.
    pub(super) fn session<'t>(&self, directory: Tables<'t>) -> Option<Session<'t>> {
        Some(Session { ucc: directory.name(self.ucc())?, correlation_id: self.id(), state: self.state()? })
    }

    #[inline]
    const fn ucc(&self) -> UccKey {
        UccKey(self.ucc)
    }

    #[inline]
    const fn id(&self) -> CorrelationId {
        CorrelationId::from_words(self.id)
    }

    /// `None` in memory that was written over.
    #[inline]
    pub(super) const fn state(&self) -> Option<State> {
        State::from_byte(self.state)
    }

    #[inline]
    pub(super) fn is(&self, ucc: UccKey, id: CorrelationId) -> bool {
        self.ucc == ucc.0 && self.id.iter().eq(&id.words())
    }

    #[inline]
    pub(super) fn hash(&self) -> u32 {
        session_hash(self.ucc(), self.id())
    }
}

impl UccSlot {
    /// One that holds nothing.
    pub const EMPTY: Self =
        Self { start: 0, settings: 0, refuses_repeats: 0, len: 0, spare: [0; 2], links: Links::NONE };

    /// Puts a UCC into this slot, which stays in the chains that it is in.
    #[inline]
    pub(super) const fn set(&mut self, name: Span, settings: Settings) {
        self.start = name.start;
        self.len = name.len;
        self.set_settings(settings);
    }

    pub(super) const fn set_settings(&mut self, settings: Settings) {
        let [a, b, c, d] = settings.switches();
        self.settings = u32::from_le_bytes([a as u8, b as u8, c as u8, d as u8]);
        self.refuses_repeats = matches!(settings.repeats, RepeatPolicy::Refuse) as u8;
    }

    #[inline]
    pub(super) const fn settings(&self) -> Settings {
        let repeats = if self.refuses_repeats & 1 == 0 { RepeatPolicy::Accept } else { RepeatPolicy::Refuse };
        // All four at once: one load, one store.
        let [a, b, c, d] = (self.settings & 0x0101_0101).to_le_bytes();
        Settings::from_switches([a != 0, b != 0, c != 0, d != 0], repeats)
    }

    #[inline]
    pub(super) const fn name(&self) -> Span {
        Span { start: self.start, len: self.len }
    }
}

impl AgentSlot {
    /// One that holds nothing.
    pub const EMPTY: Self = Self { start: 0, ucc: 0, len: 0, spare: 0, links: Links::NONE };

    /// Puts an agent into this slot, which stays in the chains that it is in.
    #[inline]
    pub(super) const fn set(&mut self, ucc: UccKey, uri: Span) {
        self.start = uri.start;
        self.len = uri.len;
        self.ucc = ucc.0;
    }

    #[inline]
    pub(super) const fn ucc(&self) -> UccKey {
        UccKey(self.ucc)
    }

    #[inline]
    pub(super) const fn uri(&self) -> Span {
        Span { start: self.start, len: self.len }
    }
}

#[cfg_attr(target_pointer_width = "64", inline(always))]
pub(super) fn session_hash(ucc: UccKey, id: CorrelationId) -> u32 {
    id.words().into_iter().fold(Hash::new(ucc.0 as u32), Hash::word).finish()
}

#[cfg_attr(target_pointer_width = "64", inline(always))]
pub(super) const fn name_hash(name: &str) -> u32 {
    Hash::new(0).bytes(name.as_bytes(), 0).finish()
}

/// URIs that differ in ASCII case alone hash alike, and so do some others: letters are folded by their bit for the case,
/// whatever byte it is.
#[cfg_attr(target_pointer_width = "64", inline(always))]
pub(super) const fn agent_hash(ucc: UccKey, uri: SipUri<'_>) -> u32 {
    Hash::new(ucc.0 as u32).bytes(uri.as_str().as_bytes(), 0x2020_2020).finish()
}

#[cfg(test)]
impl SessionSlot {
    /// A state that there is not.
    pub(super) const fn damage(&mut self) {
        self.state = 0xff;
    }
}

#[cfg(test)]
impl UccSlot {
    /// A name that is nowhere.
    pub(super) const fn damage(&mut self) {
        self.start = u32::MAX;
    }
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

    /// The same.
    #[test]
    fn hashes_tell_sessions_apart() {
        let mut hashes = HashSet::new();
        for number in 1..=100 {
            for place in 0..4 {
                // The key and the first word begin the hash together.
                for ucc in 0..3 {
                    hashes.insert(session_hash(UccKey(ucc), CorrelationId::from_u128((4 * number) << (32 * place))));
                }
            }
        }
        assert_eq!(hashes.len(), 1200);
    }

    #[test]
    fn every_setting_is_kept() {
        for bits in 0..32_u8 {
            let on = |bit: u8| bits >> bit & 1 == 1;
            let repeats = if on(4) { RepeatPolicy::Refuse } else { RepeatPolicy::Accept };
            let settings = Settings::from_switches([on(0), on(1), on(2), on(3)], repeats);
            let mut slot = UccSlot::EMPTY;
            slot.set(Span { start: 7, len: 9 }, settings);
            assert_eq!((slot.settings(), slot.name().start, slot.name().len), (settings, 7, 9));
        }
    }
}

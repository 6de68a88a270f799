//! What a desk keeps: three tables and their texts, as slices. What is wrong in them, because somebody wrote into the
//! memory, is not found; nothing worse comes of it.

use recording_core::decide::{Committed, Decision, SetFacts, StateFacts};
use recording_core::desk::index::{Hash, Index, Link};
use recording_core::state::RepeatPolicy;
use recording_core::wire::{CapabilitiesRequest, CorrelationId, SetRequest, SipUri, StateRequest, UccName};
use recording_core::{Reply, Settings, State};

use crate::answer::LargeRooms;
use crate::rc_status;
use crate::state::state_of;

/// The tables of one desk.
pub(super) struct Tables<'m> {
    pub(super) counts: &'m mut Counts,
    pub(super) sessions: &'m mut [Session],
    pub(super) uccs: &'m mut [Ucc],
    pub(super) agents: &'m mut [Agent],
    pub(super) session_index: Index<&'m mut [Link]>,
    pub(super) ucc_index: Index<&'m mut [Link]>,
    pub(super) agent_index: Index<&'m mut [Link]>,
    pub(super) text: &'m mut [u8],
}

/// How many entries of each table are in use.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Counts {
    pub(super) sessions: u32,
    pub(super) uccs: u32,
    pub(super) agents: u32,
    pub(super) text: u32,
}

impl Counts {
    pub(super) const EMPTY: Self = Self { sessions: 0, uccs: 0, agents: 0, text: 0 };
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Session {
    /// As words, the highest first: as one number it would be aligned to 16 bytes.
    id: [u32; 4],
    ucc: u16,
    state: u8,
    spare: u8,
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Ucc {
    /// Where its name begins.
    start: u32,
    /// A byte for each setting that is yes or no, of which the lowest bit counts.
    settings: u32,
    /// 1 if repeats are refused.
    refuses_repeats: u8,
    len: u8,
    spare: [u8; 2],
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Agent {
    /// Where its URI begins.
    start: u32,
    ucc: u16,
    len: u8,
    spare: u8,
}

/// A UCC of a desk: its place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key(u16);

impl Session {
    const fn new(ucc: Key, id: CorrelationId, state: State) -> Self {
        let id = id.to_u128();
        let words = [(id >> 96) as u32, (id >> 64) as u32, (id >> 32) as u32, id as u32];
        Self { id: words, ucc: ucc.0, state: state.to_byte(), spare: 0 }
    }

    fn id(&self) -> CorrelationId {
        CorrelationId::from_u128(self.id.into_iter().fold(0, |id, word| id << 32 | u128::from(word)))
    }

    #[inline(always)]
    fn hash(&self) -> u32 {
        self.id.into_iter().fold(Hash::new(self.ucc.into()), Hash::word).finish()
    }

    fn is(&self, other: &Self) -> bool {
        self.id == other.id && self.ucc == other.ucc
    }
}

#[inline(always)]
fn name_hash(name: &[u8]) -> u32 {
    Hash::new(0).bytes(name, 0).finish()
}

/// URIs that differ in ASCII case alone hash alike: letters are folded by their bit for the case.
#[inline(always)]
fn agent_hash(ucc: Key, uri: &[u8]) -> u32 {
    Hash::new(ucc.0.into()).bytes(uri, 0x2020_2020).finish()
}

impl Ucc {
    const fn new(start: u32, len: u8, settings: Settings) -> Self {
        Self { start, settings: 0, refuses_repeats: 0, len, spare: [0; 2] }.with(settings)
    }

    const fn with(self, settings: Settings) -> Self {
        let bytes = [
            settings.recording_api_licensed as u8,
            settings.use_audio_recording as u8,
            settings.agent_can_edit_audio_recording as u8,
            settings.save_recording_by_default as u8,
        ];
        let refuses_repeats = matches!(settings.repeats, RepeatPolicy::Refuse) as u8;
        Self { settings: u32::from_le_bytes(bytes), refuses_repeats, ..self }
    }

    #[inline(always)]
    const fn settings(&self) -> Settings {
        Settings {
            recording_api_licensed: self.settings & 1 != 0,
            use_audio_recording: self.settings & 1 << 8 != 0,
            agent_can_edit_audio_recording: self.settings & 1 << 16 != 0,
            save_recording_by_default: self.settings & 1 << 24 != 0,
            repeats: if self.refuses_repeats & 1 != 0 { RepeatPolicy::Refuse } else { RepeatPolicy::Accept },
        }
    }
}

/// A piece of the text, if it does not lie outside. No name or URI is longer than 255 bytes.
#[inline(always)]
fn piece(text: &[u8], start: u32, len: u8) -> Option<&[u8]> {
    let start = start as usize;
    text.get(start..start.wrapping_add(len.into()))
}

/// The UCC of a name. Apart from the other tables, so that these can be changed while it is looked at.
#[inline(always)]
fn find<'a>(index: &Index<&mut [Link]>, uccs: &'a [Ucc], text: &[u8], name: UccName<'_>) -> Option<(Key, &'a Ucc)> {
    let name = name.as_str().as_bytes();
    for slot in index.slots(name_hash(name)) {
        if let Some(ucc) = uccs.get(slot)
            && usize::from(ucc.len) == name.len()
            && let Some(known) = piece(text, ucc.start, ucc.len)
            && known == name
        {
            return Some((Key(slot as u16), ucc));
        }
    }
    None
}

/// An open session, as it is listed.
pub(super) struct Open<'a> {
    pub(super) ucc: &'a str,
    pub(super) id: CorrelationId,
    pub(super) state: u8,
}

impl<'m> Tables<'m> {
    pub(super) fn clear(&mut self) {
        self.session_index.clear();
        self.ucc_index.clear();
        self.agent_index.clear();
    }

    #[inline(always)]
    fn find(&self, name: UccName<'_>) -> Option<(Key, &Ucc)> {
        find(&self.ucc_index, self.uccs, self.text, name)
    }

    fn ucc(&self, name: UccName<'_>) -> Result<(Key, &Ucc), rc_status> {
        self.find(name).ok_or(rc_status::RC_UNKNOWN_UCC)
    }

    /// Most requesters are written as their agents are; only of others the URIs are asked whether they are the same.
    #[inline(always)]
    fn is_agent(&self, key: Key, uri: SipUri<'_>) -> bool {
        let own = uri.as_str().as_bytes();
        for slot in self.agent_index.slots(agent_hash(key, own)) {
            if let Some(agent) = self.agents.get(slot)
                && agent.ucc == key.0
                && let Some(known) = piece(self.text, agent.start, agent.len)
                && (known == own || uri.eq_bytes(known))
            {
                return true;
            }
        }
        false
    }

    /// Keeps a text at the end of the others, in use as soon as it is counted.
    fn place(&mut self, text: &str) -> Result<(u32, u8), rc_status> {
        let start = self.counts.text;
        let room = self.text.get_mut(start as usize..).and_then(|rest| rest.get_mut(..text.len()));
        for (to, from) in room.ok_or(rc_status::RC_TEXT_FULL)?.iter_mut().zip(text.as_bytes()) {
            *to = *from;
        }
        Ok((start, text.len() as u8))
    }

    pub(super) fn add_ucc(&mut self, name: UccName<'_>, settings: Settings) -> Result<(), rc_status> {
        if self.find(name).is_some() {
            return Err(rc_status::RC_UCC_EXISTS);
        }
        let slot = self.counts.uccs as usize;
        if slot >= self.uccs.len() {
            return Err(rc_status::RC_UCCS_FULL);
        }
        let (start, len) = self.place(name.as_str())?;
        if let Some(ucc) = self.uccs.get_mut(slot) {
            *ucc = Ucc::new(start, len, settings);
            self.ucc_index.insert(name_hash(name.as_str().as_bytes()), slot);
            self.counts.uccs = slot as u32 + 1;
            self.counts.text = start.wrapping_add(len.into());
        }
        Ok(())
    }

    pub(super) fn set_settings(&mut self, name: UccName<'_>, settings: Settings) -> Result<(), rc_status> {
        let (key, _) = self.ucc(name)?;
        if let Some(ucc) = self.uccs.get_mut(usize::from(key.0)) {
            *ucc = ucc.with(settings);
        }
        Ok(())
    }

    pub(super) fn add_agent(&mut self, name: UccName<'_>, uri: SipUri<'_>) -> Result<(), rc_status> {
        let (ucc, _) = self.ucc(name)?;
        if self.is_agent(ucc, uri) {
            return Ok(());
        }
        let slot = self.counts.agents as usize;
        if slot >= self.agents.len() {
            return Err(rc_status::RC_AGENTS_FULL);
        }
        let (start, len) = self.place(uri.as_str())?;
        if let Some(agent) = self.agents.get_mut(slot) {
            *agent = Agent { start, ucc: ucc.0, len, spare: 0 };
            self.agent_index.insert(agent_hash(ucc, uri.as_str().as_bytes()), slot);
            self.counts.agents = slot as u32 + 1;
            self.counts.text = start.wrapping_add(len.into());
        }
        Ok(())
    }

    #[inline(always)]
    fn slot(&self, ucc: Key, id: CorrelationId) -> Option<usize> {
        let wanted = Session::new(ucc, id, State::INITIAL);
        for slot in self.session_index.slots(wanted.hash()) {
            if let Some(session) = self.sessions.get(slot)
                && session.is(&wanted)
            {
                return Some(slot);
            }
        }
        None
    }

    #[inline(always)]
    fn session(&self, slot: usize) -> Option<State> {
        state_of(self.sessions.get(slot)?.state)
    }

    pub(super) fn state(&self, name: UccName<'_>, id: CorrelationId) -> Result<State, rc_status> {
        let (ucc, _) = self.ucc(name)?;
        self.slot(ucc, id).and_then(|slot| self.session(slot)).ok_or(rc_status::RC_UNKNOWN_SESSION)
    }

    pub(super) fn begin(&mut self, name: UccName<'_>, id: CorrelationId, state: State) -> Result<(), rc_status> {
        let (ucc, _) = self.ucc(name)?;
        if self.slot(ucc, id).is_some() {
            return Err(rc_status::RC_ALREADY_OPEN);
        }
        let slot = self.counts.sessions as usize;
        let session = Session::new(ucc, id, state);
        *self.sessions.get_mut(slot).ok_or(rc_status::RC_SESSIONS_FULL)? = session;
        self.session_index.insert(session.hash(), slot);
        self.counts.sessions = slot as u32 + 1;
        Ok(())
    }

    /// Takes a session out; the last one moves to its place. The state, and the settings of the UCC.
    pub(super) fn end(&mut self, name: UccName<'_>, id: CorrelationId) -> Result<(State, Settings), rc_status> {
        let unknown = rc_status::RC_UNKNOWN_SESSION;
        let (ucc, entry) = self.ucc(name)?;
        let settings = entry.settings();
        let slot = self.slot(ucc, id).ok_or(unknown)?;
        let state = self.session(slot).ok_or(unknown)?;
        let last_slot = (self.counts.sessions as usize).checked_sub(1).ok_or(unknown)?;
        let last = *self.sessions.get(last_slot).ok_or(unknown)?;
        self.session_index.remove(Session::new(ucc, id, state).hash(), slot);
        self.counts.sessions = last_slot as u32;
        if slot != last_slot
            && let Some(place) = self.sessions.get_mut(slot)
        {
            *place = last;
            self.session_index.remove(last.hash(), last_slot);
            self.session_index.insert(last.hash(), slot);
        }
        Ok((state, settings))
    }

    /// The session at a place, in no particular order.
    pub(super) fn at(self, place: usize) -> Option<Open<'m>> {
        let open = self.sessions.get(..self.counts.sessions as usize)?;
        let session = open.get(place)?;
        let ucc = self.uccs.get(usize::from(session.ucc))?;
        let text: &'m [u8] = self.text;
        Some(Open {
            ucc: str::from_utf8(piece(text, ucc.start, ucc.len)?).ok()?,
            id: session.id(),
            state: session.state,
        })
    }

    /// Handles a `set`: looks the facts up, lets the core decide, stores, and only then writes what may now be said.
    ///
    /// All of it is one piece, inlined: of structs that are handed on, each copy costs as much as a check. What lacks a UCC
    /// or a session goes its own way, so that the facts of the others are put together at once where they are handed on.
    #[inline(always)]
    pub(super) fn set(self, request: &SetRequest<'_>, rooms: LargeRooms<'_>) -> rc_status {
        let Some((key, ucc)) = find(&self.ucc_index, self.uccs, self.text, request.ucc) else {
            return write_decided(request.decide(None), rooms);
        };
        let requester_is_agent = self.is_agent(key, request.requester);
        let stored = match self.slot(key, request.correlation_id) {
            Some(slot) => self.sessions.get_mut(slot),
            None => None,
        };
        let Some(stored) = stored else {
            let facts = SetFacts { settings: ucc.settings(), requester_is_agent, session: None };
            return write_decided(request.decide(Some(facts)), rooms);
        };
        let session = state_of(stored.state);
        match request.decide(Some(SetFacts { settings: ucc.settings(), requester_is_agent, session })) {
            Decision::Change(pending) => {
                stored.state = pending.new_state().to_byte();
                let Committed { event, reply, .. } = pending.commit();
                rooms.write_stored(&reply, &event)
            }
            answered => write_decided(answered, rooms),
        }
    }

    /// Handles a read of a state.
    #[inline(always)]
    pub(super) fn read(self, request: &StateRequest<'_>, rooms: LargeRooms<'_>) -> rc_status {
        let facts = self.find(request.ucc).map(|(key, ucc)| StateFacts {
            settings: ucc.settings(),
            session: self.slot(key, request.correlation_id).and_then(|slot| self.session(slot)),
        });
        rooms.write(&Reply::State(request.decide(facts)))
    }

    /// Handles the question whether changing is allowed.
    #[inline(always)]
    pub(super) fn capabilities(self, request: &CapabilitiesRequest<'_>, rooms: LargeRooms<'_>) -> rc_status {
        let settings = self.find(request.ucc).map(|(_, ucc)| ucc.settings());
        rooms.write(&Reply::Capabilities(request.decide(settings)))
    }
}

/// Writes what was decided where nothing can be stored: a change is decided only of a session that is there.
#[inline(never)]
fn write_decided(decision: Decision<'_>, rooms: LargeRooms<'_>) -> rc_status {
    rooms.write(&match decision {
        Decision::Reply(answer) => Reply::State(answer.reply),
        Decision::Change(pending) => Reply::from(pending.abort()),
    })
}

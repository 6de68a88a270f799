//! What a desk keeps: three tables and their texts, as slices. What is wrong in them, because somebody wrote into the
//! memory, is not found; nothing worse comes of it.

use recording_core::index::{Hash, Index, Link};
use recording_core::{
    CapabilitiesRequest, CorrelationId, Repeats, Reply, Request, SetDecision, SetFacts, SetRequest, Settings, SipUri,
    State, StateFacts, StateRequest, UccName,
};

use crate::answer::Rooms;
use crate::rc_status;

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
    /// The upper and the lower half of the id, which as one number would be aligned to 16 bytes.
    id: [u64; 2],
    ucc: u16,
    state: u8,
    spare: [u8; 5],
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Ucc {
    /// Where its name begins.
    start: u32,
    len: u8,
    /// A bit for each setting.
    settings: u8,
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

/// A UCC of a desk: where it stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key(u16);

impl Session {
    const fn new(ucc: Key, id: CorrelationId, state: State) -> Self {
        let id = id.to_u128();
        Self { id: [(id >> 64) as u64, id as u64], ucc: ucc.0, state: state.to_byte(), spare: [0; 5] }
    }

    fn id(&self) -> CorrelationId {
        let [upper, lower] = self.id;
        CorrelationId::from_u128(u128::from(upper) << 64 | u128::from(lower))
    }

    #[inline(always)]
    fn hash(&self) -> u32 {
        let [upper, lower] = self.id;
        let hash = Hash::new(self.ucc.into()).word((upper >> 32) as u32).word(upper as u32);
        hash.word((lower >> 32) as u32).word(lower as u32).finish()
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

#[inline(always)]
fn pack(settings: Settings) -> u8 {
    u8::from(settings.recording_api_licensed)
        | u8::from(settings.use_audio_recording) << 1
        | u8::from(settings.agent_can_edit_audio_recording) << 2
        | u8::from(settings.save_recording_by_default) << 3
        | u8::from(settings.repeats == Repeats::Refuse) << 4
}

#[inline(always)]
const fn unpack(bits: u8) -> Settings {
    Settings {
        recording_api_licensed: bits & 1 == 1,
        use_audio_recording: bits >> 1 & 1 == 1,
        agent_can_edit_audio_recording: bits >> 2 & 1 == 1,
        save_recording_by_default: bits >> 3 & 1 == 1,
        repeats: if bits >> 4 & 1 == 1 { Repeats::Refuse } else { Repeats::Accept },
    }
}

/// A piece of the text; none if it lies outside. No name or URI is longer than 255 bytes.
#[inline(always)]
fn piece(text: &[u8], start: u32, len: u8) -> &[u8] {
    let start = start as usize;
    text.get(start..start.wrapping_add(len.into())).unwrap_or_default()
}

/// An open session, as it is told.
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
    pub(super) fn find(&self, name: UccName<'_>) -> Option<Key> {
        let name = name.as_str().as_bytes();
        for slot in self.ucc_index.slots(name_hash(name)) {
            if let Some(ucc) = self.uccs.get(slot)
                && usize::from(ucc.len) == name.len()
                && piece(self.text, ucc.start, ucc.len) == name
            {
                return Some(Key(slot as u16));
            }
        }
        None
    }

    pub(super) fn ucc(&self, name: UccName<'_>) -> Result<Key, rc_status> {
        self.find(name).ok_or(rc_status::RC_UNKNOWN_UCC)
    }

    #[inline(always)]
    fn settings(&self, key: Key) -> Option<Settings> {
        Some(unpack(self.uccs.get(usize::from(key.0))?.settings))
    }

    #[inline(always)]
    fn is_agent(&self, key: Key, uri: SipUri<'_>) -> bool {
        for slot in self.agent_index.slots(agent_hash(key, uri.as_str().as_bytes())) {
            if let Some(agent) = self.agents.get(slot)
                && agent.ucc == key.0
                && uri.is(piece(self.text, agent.start, agent.len))
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
            *ucc = Ucc { start, len, settings: pack(settings), spare: [0; 2] };
            self.ucc_index.insert(name_hash(name.as_str().as_bytes()), slot);
            self.counts.uccs = slot as u32 + 1;
            self.counts.text = start.wrapping_add(len.into());
        }
        Ok(())
    }

    pub(super) fn set_settings(&mut self, name: UccName<'_>, settings: Settings) -> Result<(), rc_status> {
        let key = self.ucc(name)?;
        if let Some(ucc) = self.uccs.get_mut(usize::from(key.0)) {
            ucc.settings = pack(settings);
        }
        Ok(())
    }

    pub(super) fn add_agent(&mut self, name: UccName<'_>, uri: SipUri<'_>) -> Result<(), rc_status> {
        let ucc = self.ucc(name)?;
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
        State::from_byte(self.sessions.get(slot)?.state)
    }

    pub(super) fn state(&self, name: UccName<'_>, id: CorrelationId) -> Result<State, rc_status> {
        let ucc = self.ucc(name)?;
        self.slot(ucc, id).and_then(|slot| self.session(slot)).ok_or(rc_status::RC_UNKNOWN_SESSION)
    }

    pub(super) fn begin(&mut self, name: UccName<'_>, id: CorrelationId, state: State) -> Result<(), rc_status> {
        let ucc = self.ucc(name)?;
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
        let ucc = self.ucc(name)?;
        let settings = self.settings(ucc).ok_or(rc_status::RC_UNKNOWN_UCC)?;
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
            ucc: str::from_utf8(piece(text, ucc.start, ucc.len)).ok()?,
            id: session.id(),
            state: session.state,
        })
    }

    /// Handles a request: looks the facts up, lets the core decide, stores, and only then writes what may now be said.
    ///
    /// All of it is one piece, inlined: of structs that are handed on, each copy costs as much as a check.
    #[inline(always)]
    #[allow(clippy::manual_map, reason = "a closure is not always inlined, and costs a copy of the tables")]
    pub(super) fn handle(&mut self, request: &Request<'_>, rooms: Rooms<'_>) -> rc_status {
        let (name, id) = match request {
            Request::State(StateRequest { ucc, correlation_id }) => (*ucc, *correlation_id),
            Request::Set(SetRequest { ucc, correlation_id, .. }) => (*ucc, *correlation_id),
            // Asks for no session: no look-up of one harms.
            Request::Capabilities(CapabilitiesRequest { ucc }) => (*ucc, CorrelationId::from_u128(0)),
        };
        let (mut known, mut slot, mut session) = (None, usize::MAX, None);
        if let Some(ucc) = self.find(name)
            && let Some(settings) = self.settings(ucc)
        {
            known = Some((ucc, settings));
            if let Some(found) = self.slot(ucc, id) {
                (slot, session) = (found, self.session(found));
            }
        }
        match request {
            Request::Set(request) => {
                let facts = match known {
                    Some((ucc, settings)) => {
                        Some(SetFacts { settings, requester_is_agent: self.is_agent(ucc, request.requester), session })
                    }
                    None => None,
                };
                match request.decide(facts) {
                    SetDecision::Answer(answer) => rooms.write(&Reply::State(answer.reply)),
                    SetDecision::Store(pending) => match self.sessions.get_mut(slot) {
                        Some(session) => {
                            session.state = pending.to().to_byte();
                            rooms.write_stored(&pending.stored())
                        }
                        // A change is decided only of a session that is there.
                        None => rooms.write(&Reply::from(pending.not_stored())),
                    },
                }
            }
            Request::State(read) => {
                let facts = known.map(|(_, settings)| StateFacts { settings, session });
                rooms.write(&Reply::State(read.decide(facts)))
            }
            Request::Capabilities(asked) => {
                let settings = known.map(|(_, settings)| settings);
                rooms.write(&Reply::Capabilities(asked.decide(settings)))
            }
        }
    }
}

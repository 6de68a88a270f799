//! A desk in memory that the caller lends.

use super::index::MAX_LEN;
use super::sessions::{self, Sessions};
use super::slots::{AgentSlot, Counts, SessionSlot, UccSlot};
use super::tables::TablesMut;
use super::{BeginError, BeginErrorKind, BeginOutcome, DirectoryError, EndOutcome, Response, Session, UccKey, handle};
use crate::decide::Refusal;
use crate::wire::{CorrelationId, SipUri, UccName};
use crate::{Request, Settings, State};

/// The memory of a [`BorrowedDesk`]. The length of each part is a capacity; of more than
/// [`MAX_LEN`](BorrowedDesk::MAX_LEN) slots the others stay unused.
#[derive(Debug)]
pub struct DeskMemory<'m> {
    /// How much of the rest is in use.
    pub counts: &'m mut Counts,
    /// For open sessions.
    pub sessions: &'m mut [SessionSlot],
    /// For UCCs.
    pub uccs: &'m mut [UccSlot],
    /// For the agents of all UCCs together.
    pub agents: &'m mut [AgentSlot],
    /// For the names of all UCCs and the URIs of all agents.
    pub text: &'m mut [u8],
}

/// Sessions and directory of a gateway in memory that the caller lends, and the whole loop from request to reply and event.
///
/// It does what [`Desk`](crate::Desk) does, which has its capacities in its type; here they are those of the slices. The desk is
/// in the memory: it may be given up after each request and [resumed](Self::resume) for the next one. Nothing allocates and
/// nothing panics.
///
/// ```
/// use recording_core::desk::{AgentSlot, BorrowedDesk, Counts, DeskMemory, SessionSlot, UccSlot};
/// use recording_core::state::RepeatPolicy;
/// use recording_core::wire::{CorrelationId, SipUri, UccName};
/// use recording_core::{Session, Settings, State};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Capacities that a program reads when it starts.
/// let (sessions, uccs, agents) = (64, 4, 16);
/// let mut counts = Counts::NONE;
/// let mut sessions = vec![SessionSlot::EMPTY; sessions];
/// let mut uccs = vec![UccSlot::EMPTY; uccs];
/// let mut agents = vec![AgentSlot::EMPTY; agents];
/// let mut text = vec![0; 1024];
/// let mut desk = BorrowedDesk::new(DeskMemory {
///     counts: &mut counts,
///     sessions: &mut sessions,
///     uccs: &mut uccs,
///     agents: &mut agents,
///     text: &mut text,
/// });
///
/// let settings = Settings::from_switches([true, true, true, false], RepeatPolicy::Accept);
/// let name = UccName::new("ucc-demo-name")?;
/// let ucc = desk.add_ucc(name, settings)?;
/// desk.add_agent(ucc, SipUri::new("sip:agent@domain.com")?)?;
/// let correlation_id = CorrelationId::from_u128(1);
/// desk.begin(Session { ucc: name, correlation_id, state: State::INITIAL }).expect("room for one");
/// assert_eq!(desk.state(name, correlation_id), Some(State::INITIAL));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct BorrowedDesk<'m> {
    pub(super) directory: TablesMut<'m>,
    pub(super) sessions: Sessions<'m>,
}

impl<'m> BorrowedDesk<'m> {
    /// The greatest number of sessions, of UCCs and of agents.
    pub const MAX_LEN: usize = MAX_LEN;

    /// An empty desk, whatever was in the memory.
    #[must_use]
    pub fn new(memory: DeskMemory<'m>) -> Self {
        let mut desk = Self::resume(memory);
        desk.sessions.clear();
        desk.directory.clear();
        desk
    }

    /// The desk that was left in the memory.
    ///
    /// Memory that holds no desk, or one that was written over, is safe: what is then found is any of it, or a look-up does
    /// not end.
    #[must_use]
    #[inline(always)]
    pub const fn resume(memory: DeskMemory<'m>) -> Self {
        let DeskMemory { counts: Counts { sessions: len, directory: counts }, sessions, uccs, agents, text } = memory;
        Self { directory: TablesMut { counts, uccs, agents, text }, sessions: Sessions { len, slots: sessions } }
    }

    /// Adds a UCC.
    ///
    /// # Errors
    ///
    /// If there is one of this name already, if no client can ask for the name, or if there is no room.
    pub fn add_ucc(&mut self, name: UccName<'_>, settings: Settings) -> Result<UccKey, DirectoryError> {
        self.directory.add_ucc(name, settings)
    }

    /// Adds an agent to a UCC. One that it has already is no error.
    ///
    /// # Errors
    ///
    /// If there is no room, or the key is not of this desk.
    pub fn add_agent(&mut self, ucc: UccKey, uri: SipUri<'_>) -> Result<(), DirectoryError> {
        self.directory.add_agent(ucc, uri)
    }

    /// Provisions the desk: see [`Desk::provision`](crate::Desk::provision).
    ///
    /// # Errors
    ///
    /// The first error in the document. The desk is empty then.
    #[cfg(feature = "serde-json-core")]
    pub fn provision(&mut self, document: &[u8]) -> Result<(), super::provisioning::ProvisioningError> {
        self.sessions.clear();
        super::provisioning::load(&mut self.directory, document)
    }

    /// The UCC of this name, compared exactly.
    #[must_use]
    #[inline]
    pub fn find(&self, name: UccName<'_>) -> Option<UccKey> {
        self.directory.tables().find(name)
    }

    /// The settings of a UCC; `None` if the key is not of this desk.
    #[must_use]
    pub fn settings(&self, ucc: UccKey) -> Option<Settings> {
        self.directory.tables().settings(ucc)
    }

    /// Changes the settings of a UCC, in force from the next request on.
    ///
    /// # Errors
    ///
    /// If there is no such UCC.
    pub fn set_settings<'a>(&mut self, ucc: UccName<'a>, settings: Settings) -> Result<(), Refusal<'a>> {
        let unknown = Refusal::UnknownUcc { ucc };
        let key = self.find(ucc).ok_or(unknown)?;
        self.directory.set_settings(key, settings).map_err(|_| unknown)
    }

    /// Begins a session in the state that it names.
    ///
    /// # Errors
    ///
    /// If there is no such UCC or no room; the session comes back with the error.
    #[inline]
    pub fn begin<'a>(&mut self, session: Session<'a>) -> Result<BeginOutcome, BeginError<'a>> {
        let not_begun = |kind| BeginError { session, kind };
        let ucc = self.find(session.ucc).ok_or(not_begun(BeginErrorKind::UnknownUcc))?;
        if let Some(state) = sessions::state(self.sessions.slots, ucc, session.correlation_id) {
            return Ok(BeginOutcome::AlreadyOpen(state));
        }
        if self.sessions.add(ucc, session.correlation_id, session.state) {
            Ok(BeginOutcome::New)
        } else {
            Err(not_begun(BeginErrorKind::Full { capacity: self.sessions.capacity() }))
        }
    }

    /// Ends a session and says what becomes of its recording.
    ///
    /// # Errors
    ///
    /// If there is no such UCC or session.
    #[inline]
    pub fn end<'a>(&mut self, ucc: UccName<'a>, correlation_id: CorrelationId) -> Result<EndOutcome, Refusal<'a>> {
        let (key, entry) = self.directory.tables().ucc(ucc).ok_or(Refusal::UnknownUcc { ucc })?;
        let settings = entry.settings();
        let state = self.sessions.remove(key, correlation_id).ok_or(Refusal::UnknownSession { correlation_id })?;
        Ok(EndOutcome { state, disposition: settings.disposition(state) })
    }

    /// The state of a session, if it is open.
    #[must_use]
    #[inline]
    pub fn state(&self, ucc: UccName<'_>, correlation_id: CorrelationId) -> Option<State> {
        sessions::state(self.sessions.slots, self.find(ucc)?, correlation_id)
    }

    /// The open sessions, in no particular order.
    pub fn sessions(&self) -> impl Iterator<Item = Session<'_>> {
        let directory = self.directory.tables();
        sessions::open(self.sessions.slots, *self.sessions.len).iter().filter_map(move |slot| slot.session(directory))
    }

    /// One of the open sessions by its place, from 0 on. Ending a session changes the places of others.
    #[must_use]
    pub fn session_at(&self, place: usize) -> Option<Session<'_>> {
        sessions::open(self.sessions.slots, *self.sessions.len).get(place)?.session(self.directory.tables())
    }

    /// How many sessions are open.
    #[must_use]
    pub const fn len(&self) -> usize {
        *self.sessions.len as usize
    }

    /// Whether no session is open.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Handles a request: looks the facts up, decides, stores, and gives out what may now be said.
    #[inline(always)]
    pub fn handle<'a>(&mut self, request: &Request<'a>) -> Response<'a> {
        handle::handle(&self.directory.tables(), self.sessions.slots, request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{CapabilitiesRequest, SetRequest, StateRequest};
    use crate::{Action, Request};

    const fn memory<'m>(
        counts: &'m mut Counts,
        sessions: &'m mut [SessionSlot],
        uccs: &'m mut [UccSlot],
        agents: &'m mut [AgentSlot],
        text: &'m mut [u8],
    ) -> DeskMemory<'m> {
        DeskMemory { counts, sessions, uccs, agents, text }
    }

    /// Memory that was written over, with what no desk writes: nothing panics, and nothing is found that is invalid.
    #[test]
    fn memory_that_was_written_over() -> Result<(), crate::wire::FieldError> {
        let (ucc, requester) = (UccName::new("a")?, SipUri::new("sip:x@y")?);
        let id = CorrelationId::from_u128(1);
        let settings = Settings::from_switches([true; 4], crate::state::RepeatPolicy::Accept);
        let requests = [
            Request::Set(SetRequest { action: Action::Start, requester, correlation_id: id, ucc }),
            Request::State(StateRequest { ucc, correlation_id: id }),
            Request::Capabilities(CapabilitiesRequest { ucc }),
        ];
        for damage in 0..6 {
            let (mut sessions, mut uccs) = ([SessionSlot::EMPTY; 2], [UccSlot::EMPTY; 2]);
            let (mut agents, mut text, mut counts) = ([AgentSlot::EMPTY; 2], [0; 32], Counts::NONE);
            let mut desk = BorrowedDesk::new(memory(&mut counts, &mut sessions, &mut uccs, &mut agents, &mut text));
            let Ok(key) = desk.add_ucc(ucc, settings) else { panic!("room") };
            assert!(desk.add_agent(key, requester).is_ok());
            assert!(desk.begin(Session { ucc, correlation_id: id, state: State::INITIAL }).is_ok());
            match damage {
                0 => sessions.iter_mut().for_each(SessionSlot::damage),
                1 => text.fill(0xff),
                2 => {
                    counts.sessions = u32::MAX;
                    counts.directory.uccs = u32::MAX;
                }
                3 => counts.directory.agents = u32::MAX,
                4 => uccs.iter_mut().for_each(UccSlot::damage),
                _ => counts.directory.text = u32::MAX,
            }
            let mut desk = BorrowedDesk::resume(memory(&mut counts, &mut sessions, &mut uccs, &mut agents, &mut text));
            for request in &requests {
                let response = desk.handle(request);
                // A session is changed only if all of it is still there.
                assert_eq!(response.event.is_some(), damage > 1 && damage != 4 && request == &requests[0]);
            }
            let is_whole = damage > 2 && damage != 4;
            assert_eq!(desk.session_at(0).is_some(), is_whole);
            assert_eq!(desk.sessions().count(), usize::from(is_whole));
            assert!(desk.add_agent(key, SipUri::new("sip:z@y")?).is_ok() == [0, 1, 2, 4].contains(&damage));
            let other = UccName::new("b")?;
            assert_eq!(desk.add_ucc(other, settings).is_ok(), [0, 1, 3, 4].contains(&damage));
            let _ = (desk.end(ucc, id), desk.set_settings(ucc, settings), desk.settings(key));
        }
        Ok(())
    }
}

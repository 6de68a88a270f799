//! A desk for shells without a database: sessions and directory in fixed memory.
//!
//! [`Desk`] has its capacities in its type. [`BorrowedDesk`] is the same in memory that the caller lends, with capacities that
//! are known only when the program runs.

mod borrowed;
mod directory;
mod handle;
mod index;
#[cfg(feature = "serde-json-core")]
pub mod provisioning;
mod sessions;
mod slots;
mod tables;

use core::fmt;

pub use borrowed::{BorrowedDesk, DeskMemory};
pub use directory::{Directory, DirectoryError, UccKey};
pub use slots::{AgentSlot, Counts, SessionSlot, UccSlot};

use crate::decide::Refusal;
use crate::state::Disposition;
use crate::wire::{CorrelationId, UccName};
use crate::{Event, Reply, Request, Settings, State};
use sessions::Sessions;

/// Sessions and directory of a gateway, and the whole loop from request to reply and event.
///
/// `SESSIONS` sessions may be open at once; its [`Directory`] has capacities of its own. The time of a
/// look-up does not grow with any of them. Nothing allocates and nothing panics.
///
/// ```
/// use recording_core::state::{RecordingState, RepeatPolicy};
/// use recording_core::wire::RequestParts;
/// use recording_core::{Desk, Directory, Reply, Request, Scratch, Session, Settings, State};
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let settings = Settings {
///         recording_api_licensed: true,
///         use_audio_recording: true,
///         agent_can_edit_audio_recording: true,
///         save_recording_by_default: false,
///         repeats: RepeatPolicy::Accept,
///     };
///     let mut directory = Directory::<4, 16, 1024>::new();
///     let ucc = directory.add_ucc("ucc-demo-name".try_into()?, settings)?;
///     directory.add_agent(ucc, "sip:agent@domain.com".try_into()?)?;
///
///     let mut desk = Desk::<64, _>::new(directory);
///     let session = Session {
///         ucc: "ucc-demo-name".try_into()?,
///         correlation_id: "1d6c6a58-6739-4f0c-98ff-0968292c8c30".parse()?,
///         state: State::INITIAL.with_recording(RecordingState::Started),
///     };
///     desk.begin(session).expect("a desk of 64 has room for one");
///
///     let body = br#"{"Action":"Pause",
///         "RequesterSipUri":"sip:agent@domain.com",
///         "CorrelationId":"1d6c6a58-6739-4f0c-98ff-0968292c8c30",
///         "UCCName":"ucc-demo-name"}"#;
///     let mut scratch = Scratch::new();
///     let parts = RequestParts {
///         method: b"POST",
///         target: b"/attendantservice/api/recording/set",
///         content_type: Some(b"application/json"),
///         body,
///     };
///     let request = Request::read(parts, &mut scratch)?;
///     let response = desk.handle(&request);
///     assert!(response.event.is_some());
///     let Reply::State(reply) = response.reply else { panic!() };
///     assert_eq!(reply.state.recording(), RecordingState::Paused);
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Desk<const SESSIONS: usize, D> {
    directory: D,
    len: u32,
    sessions: [SessionSlot; SESSIONS],
}

/// A session and its state.
///
/// ```
/// use recording_core::desk::BeginErrorKind;
/// use recording_core::wire::{CorrelationId, UccName};
/// use recording_core::{Desk, Directory, Session, State};
///
/// let mut desk = Desk::<16, Directory<4, 16, 1024>>::new(Directory::new());
/// let ucc = UccName::new("ucc-demo-name")?;
/// let session = Session { ucc, correlation_id: CorrelationId::from_u128(1), state: State::INITIAL };
/// // The directory is empty: it has no such UCC.
/// assert!(desk.begin(session).is_err_and(|error| error.kind == BeginErrorKind::UnknownUcc));
/// # Ok::<(), recording_core::wire::FieldError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Session<'a> {
    /// The UCC it belongs to.
    pub ucc: UccName<'a>,
    /// Its id, unique within the UCC.
    pub correlation_id: CorrelationId,
    /// Its state; [`State::INITIAL`] unless the call's side knows of a recording that already runs.
    pub state: State,
}

/// The outcome of beginning a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BeginOutcome {
    /// It is open now.
    New,
    /// It was open already and stays as it is.
    AlreadyOpen(
        /// Its state.
        State,
    ),
}

/// A session that could not begin, handed back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BeginError<'a> {
    /// The session.
    pub session: Session<'a>,
    /// Why not.
    pub kind: BeginErrorKind,
}

/// Why a session could not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BeginErrorKind {
    /// There is no such UCC.
    UnknownUcc,
    /// As many sessions are open as the desk holds.
    Full {
        /// How many that is.
        capacity: usize,
    },
}

impl fmt::Display for BeginError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Session { ucc, correlation_id, .. } = self.session;
        match self.kind {
            BeginErrorKind::UnknownUcc => write!(f, "{}", Refusal::UnknownUcc { ucc }),
            BeginErrorKind::Full { capacity } => {
                write!(f, "session {correlation_id} cannot begin: {capacity} sessions are open already")
            }
        }
    }
}

impl core::error::Error for BeginError<'_> {}

/// What became of a session that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct EndOutcome {
    /// The state at the end.
    pub state: State,
    /// What becomes of the recording.
    pub disposition: Disposition,
}

/// The response to a request: the reply to send, and the event to publish. The state is stored already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct Response<'a> {
    /// The event to publish to every listener, before or after the reply is sent, but before the next request of this
    /// session is handled.
    pub event: Option<Event<'a>>,
    /// The reply to send.
    pub reply: Reply<'a>,
    /// The call-detail record to write, if there is an event.
    pub audit_name: Option<&'static str>,
}

impl<const SESSIONS: usize, const UCCS: usize, const AGENTS: usize, const TEXT: usize>
    Desk<SESSIONS, Directory<UCCS, AGENTS, TEXT>>
{
    /// A desk without sessions.
    #[must_use]
    pub const fn new(directory: Directory<UCCS, AGENTS, TEXT>) -> Self {
        const { assert!(index::is_capacity(SESSIONS), "a capacity is between 1 and 65534") };
        Self { directory, len: 0, sessions: [SessionSlot::EMPTY; SESSIONS] }
    }

    /// The directory. It is not lent for changing: sessions hold keys of this one.
    #[must_use]
    pub const fn directory(&self) -> &Directory<UCCS, AGENTS, TEXT> {
        &self.directory
    }

    /// This desk, of which capacities are not known: for functions that take desks of any size.
    pub const fn borrowed(&mut self) -> BorrowedDesk<'_> {
        BorrowedDesk {
            directory: self.directory.tables_mut(),
            sessions: Sessions { len: &mut self.len, slots: &mut self.sessions },
        }
    }

    /// Provisions the desk again, in place: the directory is [loaded](Directory::load) from a provisioning document. No
    /// session is open afterwards, since sessions belong to the directory that they began with.
    ///
    /// # Errors
    ///
    /// The first error in the document. The directory is empty then.
    #[cfg(feature = "serde-json-core")]
    pub fn provision(&mut self, document: &[u8]) -> Result<(), provisioning::ProvisioningError> {
        self.borrowed().provision(document)
    }

    /// Changes the settings of a UCC, in force from the next request on.
    ///
    /// # Errors
    ///
    /// If there is no such UCC.
    pub fn set_settings<'a>(&mut self, ucc: UccName<'a>, settings: Settings) -> Result<(), Refusal<'a>> {
        self.borrowed().set_settings(ucc, settings)
    }

    /// Begins a session in the state that it names.
    ///
    /// # Errors
    ///
    /// If there is no such UCC or no room; the session comes back with the error.
    pub fn begin<'a>(&mut self, session: Session<'a>) -> Result<BeginOutcome, BeginError<'a>> {
        self.borrowed().begin(session)
    }

    /// Ends a session and says what becomes of its recording.
    ///
    /// # Errors
    ///
    /// If there is no such UCC or session.
    pub fn end<'a>(&mut self, ucc: UccName<'a>, correlation_id: CorrelationId) -> Result<EndOutcome, Refusal<'a>> {
        self.borrowed().end(ucc, correlation_id)
    }

    /// The state of a session, if it is open.
    #[must_use]
    pub fn state(&self, ucc: UccName<'_>, correlation_id: CorrelationId) -> Option<State> {
        sessions::state(&self.sessions, self.directory.find(ucc)?, correlation_id)
    }

    /// The open sessions, in no particular order.
    pub fn sessions(&self) -> impl Iterator<Item = Session<'_>> {
        sessions::open(&self.sessions, self.len).iter().filter_map(|slot| slot.session(self.directory.tables()))
    }

    /// How many sessions are open.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether no session is open.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Handles a request: looks the facts up, decides, stores, and gives out what may now be said.
    pub fn handle<'a>(&mut self, request: &Request<'a>) -> Response<'a> {
        handle::handle(&self.directory.tables(), &mut self.sessions, request)
    }
}

//! A desk for shells without a database: sessions and directory in fixed memory.

mod directory;
pub mod index;
mod sessions;

use core::fmt;

pub use directory::{Directory, DirectoryError, UccKey};

use crate::{
    CorrelationId, Disposition, Event, Refusal, Reply, Request, SetDecision, SetFacts, SetRequest, Settings, State,
    StateFacts, UccName,
};
use sessions::Sessions;

/// Sessions and directory of a gateway, and the whole loop from request to reply and event.
///
/// `SESSIONS` sessions may be open at once; the other three numbers are those of its [`Directory`]. The time of a
/// look-up does not grow with any of them. Nothing allocates and nothing panics.
///
/// ```
/// use recording_core::{
///     Desk, Directory, Recording, Repeats, Reply, Request, Scratch, Session, Settings, State,
/// };
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let settings = Settings {
///         recording_api_licensed: true,
///         use_audio_recording: true,
///         agent_can_edit_audio_recording: true,
///         save_recording_by_default: false,
///         repeats: Repeats::Accept,
///     };
///     let mut directory = Directory::<4, 16, 1024>::new();
///     let ucc = directory.add_ucc("ucc-demo-name".try_into()?, settings)?;
///     directory.add_agent(ucc, "sip:agent@domain.com".try_into()?)?;
///
///     let mut desk = Desk::<64, 4, 16, 1024>::new(directory);
///     let session = Session {
///         ucc: "ucc-demo-name".try_into()?,
///         correlation_id: "1d6c6a58-6739-4f0c-98ff-0968292c8c30".parse()?,
///         state: State::INITIAL.with_recording(Recording::Started),
///     };
///     desk.begin(session).expect("a desk of 64 has room for one");
///
///     let body = br#"{"Action":"Pause",
///         "RequesterSipUri":"sip:agent@domain.com",
///         "CorrelationId":"1d6c6a58-6739-4f0c-98ff-0968292c8c30",
///         "UCCName":"ucc-demo-name"}"#;
///     let mut scratch = Scratch::new();
///     let request = Request::read(
///         b"POST",
///         b"/attendantservice/api/recording/set",
///         Some(b"application/json"),
///         body,
///         &mut scratch,
///     )?;
///     let handled = desk.handle(&request);
///     assert!(handled.event.is_some());
///     let Reply::State(reply) = handled.reply else { panic!() };
///     assert_eq!(reply.state.recording(), Recording::Paused);
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Desk<const SESSIONS: usize, const UCCS: usize, const AGENTS: usize, const TEXT: usize> {
    directory: Directory<UCCS, AGENTS, TEXT>,
    sessions: Sessions<SESSIONS>,
}

/// A session, as it begins or as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Session<'a> {
    /// The UCC it belongs to.
    pub ucc: UccName<'a>,
    /// Its id, unique within the UCC.
    pub correlation_id: CorrelationId,
    /// Its state; [`State::INITIAL`] unless the call's side knows of a recording that already runs.
    pub state: State,
}

/// What became of beginning a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Begun {
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
pub struct NotBegun<'a> {
    /// The session.
    pub session: Session<'a>,
    /// Why not.
    pub why: BeginFault,
}

/// Why a session could not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BeginFault {
    /// There is no such UCC.
    UnknownUcc,
    /// As many sessions are open as the desk holds.
    Full {
        /// How many that is.
        capacity: usize,
    },
}

impl fmt::Display for NotBegun<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Session { ucc, correlation_id, .. } = self.session;
        match self.why {
            BeginFault::UnknownUcc => write!(f, "{}", Refusal::UnknownUcc { ucc }),
            BeginFault::Full { capacity } => {
                write!(f, "session {correlation_id} cannot begin: {capacity} sessions are open already")
            }
        }
    }
}

impl core::error::Error for NotBegun<'_> {}

/// What became of a session that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ended {
    /// The state at the end.
    pub state: State,
    /// What becomes of the recording.
    pub disposition: Disposition,
}

/// What became of a request: the reply to send, and what to tell others. The state is stored already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Handled<'a> {
    /// The event to publish to every listener, before or after the reply is sent, but before the next request of this
    /// session is handled.
    pub event: Option<Event<'a>>,
    /// The reply to send.
    pub reply: Reply<'a>,
    /// The call-detail record to write, if there is an event.
    pub audit_name: Option<&'static str>,
}

impl<const SESSIONS: usize, const UCCS: usize, const AGENTS: usize, const TEXT: usize>
    Desk<SESSIONS, UCCS, AGENTS, TEXT>
{
    /// A desk without sessions.
    #[must_use]
    pub const fn new(directory: Directory<UCCS, AGENTS, TEXT>) -> Self {
        Self { directory, sessions: Sessions::new() }
    }

    /// The directory. It is not lent for changing: sessions hold keys of this one.
    #[must_use]
    pub const fn directory(&self) -> &Directory<UCCS, AGENTS, TEXT> {
        &self.directory
    }

    /// Provisions the desk anew, in place: the directory is [loaded](Directory::load) from a provisioning document. No
    /// session is open behind it, since sessions belong to the directory that they began with.
    ///
    /// # Errors
    ///
    /// The first thing that does not hold. The directory is empty then.
    #[cfg(feature = "serde-json-core")]
    pub fn provision(&mut self, document: &[u8]) -> Result<(), crate::provisioning::ProvisioningError> {
        self.sessions = Sessions::new();
        self.directory.load(document)
    }

    /// Changes the settings of a UCC, in force from the next request on.
    ///
    /// # Errors
    ///
    /// If there is no such UCC.
    pub fn set_settings<'a>(&mut self, ucc: UccName<'a>, settings: Settings) -> Result<(), Refusal<'a>> {
        let unknown = Refusal::UnknownUcc { ucc };
        let key = self.directory.find(ucc).ok_or(unknown)?;
        self.directory.set_settings(key, settings).map_err(|_| unknown)
    }

    /// Begins a session in the state that it names.
    ///
    /// # Errors
    ///
    /// If there is no such UCC or no room; the session comes back with the error.
    pub fn begin<'a>(&mut self, session: Session<'a>) -> Result<Begun, NotBegun<'a>> {
        let not_begun = |why| NotBegun { session, why };
        let ucc = self.directory.find(session.ucc).ok_or(not_begun(BeginFault::UnknownUcc))?;
        if let Some(state) = self.sessions.get(ucc, session.correlation_id) {
            return Ok(Begun::AlreadyOpen(state));
        }
        if self.sessions.add(ucc, session.correlation_id, session.state) {
            Ok(Begun::New)
        } else {
            Err(not_begun(BeginFault::Full { capacity: SESSIONS }))
        }
    }

    /// Ends a session and says what becomes of its recording.
    ///
    /// # Errors
    ///
    /// If there is no such UCC or session.
    pub fn end<'a>(&mut self, ucc: UccName<'a>, correlation_id: CorrelationId) -> Result<Ended, Refusal<'a>> {
        let key = self.directory.find(ucc).ok_or(Refusal::UnknownUcc { ucc })?;
        let settings = self.directory.settings(key).ok_or(Refusal::UnknownUcc { ucc })?;
        let state = self.sessions.remove(key, correlation_id).ok_or(Refusal::UnknownSession { correlation_id })?;
        Ok(Ended { state, disposition: settings.disposition(state) })
    }

    /// The state of a session, if it is open.
    #[must_use]
    pub fn state(&self, ucc: UccName<'_>, correlation_id: CorrelationId) -> Option<State> {
        self.sessions.get(self.directory.find(ucc)?, correlation_id)
    }

    /// The open sessions, in no particular order.
    pub fn sessions(&self) -> impl Iterator<Item = Session<'_>> {
        self.sessions.iter().filter_map(|(ucc, correlation_id, state)| {
            Some(Session { ucc: self.directory.name(ucc)?, correlation_id, state })
        })
    }

    /// How many sessions are open.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether no session is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Handles a request: looks the facts up, decides, stores, and gives out what may now be said.
    pub fn handle<'a>(&mut self, request: &Request<'a>) -> Handled<'a> {
        let silent = |reply| Handled { event: None, reply, audit_name: None };
        match request {
            Request::Set(set) => self.set(set),
            Request::State(read) => {
                let facts = self.ucc(read.ucc).map(|(ucc, settings)| StateFacts {
                    settings,
                    session: self.sessions.get(ucc, read.correlation_id),
                });
                silent(Reply::State(read.decide(facts)))
            }
            Request::Capabilities(question) => {
                let settings = self.ucc(question.ucc).map(|(_, settings)| settings);
                silent(Reply::Capabilities(question.decide(settings)))
            }
        }
    }

    fn set<'a>(&mut self, request: &SetRequest<'a>) -> Handled<'a> {
        let ucc = self.ucc(request.ucc);
        let mut session = match ucc {
            Some((ucc, _)) => self.sessions.get_mut(ucc, request.correlation_id),
            None => None,
        };
        let facts = ucc.map(|(ucc, settings)| SetFacts {
            settings,
            requester_is_agent: self.directory.is_agent(ucc, request.requester),
            session: session.as_deref().copied(),
        });
        let pending = match request.decide(facts) {
            SetDecision::Store(pending) => pending,
            SetDecision::Answer(answer) => {
                return Handled { event: None, reply: Reply::State(answer.reply), audit_name: None };
            }
        };
        // A change is decided only of a session that is there.
        let Some(session) = &mut session else {
            return Handled { event: None, reply: pending.not_stored().into(), audit_name: None };
        };
        **session = pending.to();
        let stored = pending.stored();
        Handled { event: Some(stored.event), reply: Reply::State(stored.reply), audit_name: Some(stored.audit_name) }
    }

    fn ucc(&self, name: UccName<'_>) -> Option<(UccKey, Settings)> {
        let key = self.directory.find(name)?;
        Some((key, self.directory.settings(key)?))
    }
}

//! What was asked and answered, and what a session does by the protocol.

use recording_test_support::naive::{self, Step};

/// Codes of recording, marking and saving.
pub(crate) type State = naive::State;

/// What the UCC of all sessions does with a recording that no action decided on.
pub(crate) const SAVE_BY_DEFAULT: bool = false;

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Request {
    Begin(State),
    End,
    Set(u8),
    Read,
}

/// What it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reply {
    /// The session is open now.
    Begun,
    /// Success, with this state.
    Open(State),
    /// The action is refused in this state.
    Refused(State),
    NoSession,
    /// The session has ended, with what becomes of its recording.
    Ended(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Answered(Reply),
    /// The server says that nothing was done.
    NotDone,
    /// It is not known whether it was done.
    Unknown,
}

/// One request and what came of it. Times are nanoseconds of one clock.
#[derive(Clone, Debug)]
pub(crate) struct Op {
    pub(crate) client: usize,
    pub(crate) session: usize,
    /// Which start of a server was asked.
    pub(crate) start: usize,
    pub(crate) request: Request,
    /// Before the first byte was sent.
    pub(crate) from: u64,
    /// After the reply was read, or nothing was waited for any more.
    pub(crate) to: u64,
    pub(crate) outcome: Outcome,
    /// When what is unknown can have been done at the latest; `None` if that may be at any time.
    pub(crate) until: Option<u64>,
}

/// A session in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Held {
    /// Not open; if it was, with what became of the recording of the last one.
    Absent(Option<&'static str>),
    Open(State),
}

impl Held {
    pub(crate) const fn state(self) -> Option<State> {
        match self {
            Self::Absent(_) => None,
            Self::Open(state) => Some(state),
        }
    }
}

/// What the request makes of the session.
pub(crate) fn after(request: Request, held: Held) -> Held {
    match (request, held) {
        (Request::Begin(state), Held::Absent(_)) => Held::Open(state),
        (Request::End, Held::Open(state)) => Held::Absent(Some(naive::disposition(state, SAVE_BY_DEFAULT))),
        (Request::Set(action), Held::Open(state)) => match naive::step(state, action) {
            Step::Changed(state) => Held::Open(state),
            Step::Unchanged | Step::Refused => held,
        },
        _ => held,
    }
}

/// Whether the reply is one to this request if the session was like this just before.
pub(crate) fn fits(request: Request, held: Held, reply: Reply) -> bool {
    match (request, held, reply) {
        (Request::Begin(_), Held::Absent(_), Reply::Begun) => true,
        (Request::Begin(_) | Request::Read, Held::Open(state), Reply::Open(shown)) => state == shown,
        (Request::End, Held::Open(_), Reply::Ended(_)) => after(request, held) == Held::Absent(ended(reply)),
        // Repeated within a minute: the same answer, unless the server has forgotten it.
        (Request::End, Held::Absent(last), Reply::Ended(_)) => last == ended(reply),
        (Request::End | Request::Set(_) | Request::Read, Held::Absent(_), Reply::NoSession) => true,
        (Request::Set(action), Held::Open(state), Reply::Refused(shown)) => {
            state == shown && naive::step(state, action) == Step::Refused
        }
        (Request::Set(action), Held::Open(state), Reply::Open(shown)) => match naive::step(state, action) {
            Step::Changed(after) => after == shown,
            Step::Unchanged => state == shown,
            Step::Refused => false,
        },
        _ => false,
    }
}

const fn ended(reply: Reply) -> Option<&'static str> {
    match reply {
        Reply::Ended(disposition) => Some(disposition),
        _ => None,
    }
}

/// Whether this reply says that nothing was changed.
pub(crate) const fn is_mere_look(request: Request, reply: Reply) -> bool {
    matches!((request, reply), (Request::Begin(_), Reply::Open(_)) | (Request::Read, _))
        || matches!(reply, Reply::NoSession | Reply::Refused(_))
}

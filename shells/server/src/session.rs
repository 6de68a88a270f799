//! The words for a session that all layers share: its key, its revision, and what a look-up finds.

use core::fmt;
use core::str::FromStr;
use std::sync::Arc;

use recording_core::State;
use recording_core::recorder::Kept;
use recording_core::wire::{CorrelationId, UccName, UccNameBuf};

/// Which session: the same correlation id in two UCCs is two sessions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SessionKey {
    /// The session's id.
    pub correlation_id: CorrelationId,
    /// The UCC it belongs to.
    pub ucc: UccNameBuf,
}

impl SessionKey {
    /// The key of a session.
    #[must_use]
    pub fn new(ucc: UccName<'_>, correlation_id: CorrelationId) -> Self {
        Self { correlation_id, ucc: ucc.into() }
    }
}

/// By id first: ids compare in one step and hardly ever tie.
impl Ord for SessionKey {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        let by_id = self.correlation_id.cmp(&other.correlation_id);
        by_id.then_with(|| self.ucc.as_str().cmp(other.ucc.as_str()))
    }
}

impl PartialOrd for SessionKey {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// A session, as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Session {
    /// It has no recorder: its state is all there is.
    Plain(State),
    /// It has a recorder. A pointer, since most sessions of most servers have none.
    Bound(Arc<Bound>),
}

/// A session that has a recorder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// What the core keeps of it.
    pub kept: Kept,
    /// The recorder.
    pub binding: Arc<Binding>,
}

impl Session {
    /// The state that the API finds: `None` if the session is closing, which is over for everyone but its recorder.
    #[must_use]
    pub fn state(&self) -> Option<State> {
        match self {
            Self::Plain(state) => Some(*state),
            Self::Bound(bound) => bound.kept.closing().is_none().then(|| bound.kept.state()),
        }
    }

    /// The state. That of a session which is closing is the one that it ended in.
    #[must_use]
    pub fn kept_state(&self) -> State {
        match self {
            Self::Plain(state) => *state,
            Self::Bound(bound) => bound.kept.state(),
        }
    }

    /// What is kept of a session that has a recorder.
    #[must_use]
    pub const fn bound(&self) -> Option<&Arc<Bound>> {
        match self {
            Self::Plain(_) => None,
            Self::Bound(bound) => Some(bound),
        }
    }
}

impl From<State> for Session {
    fn from(state: State) -> Self {
        Self::Plain(state)
    }
}

/// A mark that a store puts on every state it keeps. It is never used again for the same key: not when the same state
/// returns, and not when the session ends and begins again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Revision(pub u64);

/// Which change it is, of which start of a server, in a store that several servers share: no two have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(not(any(test, feature = "etcd")), allow(dead_code, reason = "no store in this build is shared"))]
pub(crate) struct OpId {
    /// The start of a server: a random number.
    pub(crate) start: u64,
    /// The server's number of the change.
    pub(crate) number: u64,
}

/// 16 hex digits, a hyphen and the number.
impl fmt::Display for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.start, self.number)
    }
}

impl FromStr for OpId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (start, number) = text.split_once('-').ok_or(())?;
        let start = u64::from_str_radix(start, 16).map_err(|_| ())?;
        let op = Self { start, number: number.parse().map_err(|_| ())? };
        // Written in one way only.
        if op.to_string() == text { Ok(op) } else { Err(()) }
    }
}

/// What a look-up finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The session.
    pub session: Session,
    /// The mark that a compare-and-set must still find.
    pub revision: Revision,
}

/// Which recorder a session has, and what that needs to know of the call. Fixed when the session begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The recorder's name in the config.
    pub recorder: Box<str>,
    /// What the call's side said of the call: a JSON object.
    pub call: Box<str>,
}

impl Binding {
    /// The greatest length of [`call`](Self::call), in bytes.
    pub const CALL_MAX: usize = 1024;

    /// The greatest length of [`recorder`](Self::recorder), in bytes.
    pub const RECORDER_MAX: usize = 64;
}

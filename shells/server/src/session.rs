//! The words for a session that all layers share: its key, its revision, and what a look-up finds.

use recording_core::State;
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

/// A mark that a store puts on every state it keeps. It is never used again for the same key: not when the same state
/// returns, and not when the session ends and begins again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Revision(pub u64);

/// What a look-up finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The state.
    pub state: State,
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

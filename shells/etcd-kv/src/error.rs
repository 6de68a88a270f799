//! What can go wrong, and what that says about the change that was asked for.

use core::fmt;
use std::sync::Arc;

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    outcome: Outcome,
    endpoint: Option<Arc<str>>,
    detail: String,
}

/// What is known of a change that was asked for when the answer is an error. For a request that changes nothing it says
/// nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was not made and never will be: the request was not sent, or refused before it could do anything.
    NotDone,
    /// It was made, or it never will be. A linearizable read that begins now shows which, unless another change came since.
    Settled,
    /// It may have been made, or may still be made later.
    Unknown,
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// No connection: the name, the address, TLS, or nothing listens.
    Connect,
    /// The connection or the stream broke.
    Lost,
    /// No answer in time.
    TimedOut,
    /// The member knows no leader.
    NoLeader,
    /// The member cannot serve it now, for another reason.
    Unavailable,
    /// The member has more to do than it can.
    Busy,
    /// The database is as large as it may get.
    NoSpace,
    /// Members of the cluster have different data.
    Corrupt,
    /// The user or the password is wrong, or the token is not valid.
    Unauthenticated,
    /// The user may not do this.
    PermissionDenied,
    /// What is asked for is no longer kept. The first revision that is, if the member said it, otherwise 0.
    Compacted(i64),
    /// The request cannot be served as it is: too large, too many operations, the same key twice.
    Invalid,
    /// The answer is not understood, or the other side is no etcd.
    Protocol,
}

impl Error {
    pub(crate) fn new(kind: Kind, outcome: Outcome, detail: impl Into<String>) -> Self {
        Self { kind, outcome, endpoint: None, detail: detail.into() }
    }

    pub(crate) fn not_done(kind: Kind, detail: impl Into<String>) -> Self {
        Self::new(kind, Outcome::NotDone, detail)
    }

    pub(crate) fn unknown(kind: Kind, detail: impl Into<String>) -> Self {
        Self::new(kind, Outcome::Unknown, detail)
    }

    pub(crate) fn at(mut self, endpoint: &Arc<str>) -> Self {
        self.endpoint.get_or_insert_with(|| endpoint.clone());
        self
    }

    /// What went wrong.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// What is known of the change that was asked for.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// The endpoint that was asked last, as it was given.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// Whether another member may do what this one did not.
    pub(crate) const fn is_of_the_member(&self) -> bool {
        matches!(
            self.kind,
            Kind::Connect | Kind::Lost | Kind::TimedOut | Kind::NoLeader | Kind::Unavailable | Kind::Busy
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(endpoint) = &self.endpoint {
            write!(f, "{endpoint}: ")?;
        }
        f.write_str(&self.detail)
    }
}

impl core::error::Error for Error {}

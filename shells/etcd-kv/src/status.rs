//! What etcd's errors say. They differ in their texts. etcd promises these no more than its codes, but they have been the same
//! since 3.0, and a text that is not known here leaves the outcome unknown.

use core::error::Error as _;

use tonic::{Code, Status};

use crate::connection::NotSent;
use crate::error::{Error, Kind, Outcome};

pub(crate) const NO_LEADER: &str = "etcdserver: no leader";
const INVALID_TOKEN: &str = "etcdserver: invalid auth token";
const NO_USER: &str = "etcdserver: user name is empty";
const OLD_TOKEN: &str = "etcdserver: revision of auth store is old";
pub(crate) const AUTH_NOT_ENABLED: &str = "etcdserver: authentication is not enabled";

/// The errors whose outcome is known, each with the reason.
const KNOWN: &[(&str, Kind, Outcome)] = &[
    // The interceptor for `hasleader` answers it before the request is looked at; nothing in the way of a transaction does.
    (NO_LEADER, Kind::NoLeader, Outcome::NotDone),
    // Checked before the request is proposed.
    ("etcdserver: too many requests", Kind::Busy, Outcome::NotDone),
    ("etcdserver: request is too large", Kind::Invalid, Outcome::NotDone),
    ("etcdserver: too many operations in txn request", Kind::Invalid, Outcome::NotDone),
    ("etcdserver: duplicate key given in txn request", Kind::Invalid, Outcome::NotDone),
    ("etcdserver: key is not provided", Kind::Invalid, Outcome::NotDone),
    ("etcdserver: rpc not supported for learner", Kind::Unavailable, Outcome::NotDone),
    (INVALID_TOKEN, Kind::Unauthenticated, Outcome::NotDone),
    (NO_USER, Kind::Unauthenticated, Outcome::NotDone),
    ("etcdserver: authentication failed, invalid user ID or password", Kind::Unauthenticated, Outcome::NotDone),
    (AUTH_NOT_ENABLED, Kind::Invalid, Outcome::NotDone),
    // Checked when it is applied, before it changes anything.
    (OLD_TOKEN, Kind::Unauthenticated, Outcome::NotDone),
    ("etcdserver: permission denied", Kind::PermissionDenied, Outcome::NotDone),
    ("etcdserver: mvcc: required revision has been compacted", Kind::Compacted(0), Outcome::NotDone),
    ("etcdserver: mvcc: required revision is a future revision", Kind::Invalid, Outcome::NotDone),
    // The member that finds the quota exceeded while it applies a change answers this although it has made the change.
    ("etcdserver: mvcc: database space exceeded", Kind::NoSpace, Outcome::Settled),
    ("etcdserver: corrupt cluster", Kind::Corrupt, Outcome::Unknown),
];

/// gRPC refuses a request that is longer than the member takes before etcd sees it.
const TOO_LONG: &str = "grpc: received message larger than max";

/// What a status says of the request that it answers.
pub(crate) fn error(status: &Status) -> Error {
    if let Some(reason) = not_sent(status) {
        return Error::not_done(Kind::Lost, reason.to_string());
    }
    if let Some(error) = known(status.message()) {
        return error;
    }
    let kind = match status.code() {
        Code::DeadlineExceeded | Code::Cancelled => Kind::TimedOut,
        Code::Unavailable if status.source().is_some() => Kind::Lost,
        Code::Unavailable => Kind::Unavailable,
        Code::Unauthenticated => Kind::Unauthenticated,
        Code::PermissionDenied => Kind::PermissionDenied,
        Code::InvalidArgument => Kind::Invalid,
        _ if status.source().is_some() => Kind::Lost,
        _ => Kind::Protocol,
    };
    Error::unknown(kind, format!("{}: {}", words(status.code()), with_sources(status)))
}

/// The error that a text of etcd is. The reasons why a watch ends are what Go prints of its errors.
pub(crate) fn known(text: &str) -> Option<Error> {
    if text.starts_with(TOO_LONG) {
        return Some(Error::not_done(Kind::Invalid, text));
    }
    let text =
        text.strip_prefix("rpc error: ").and_then(|text| text.split_once(" desc = ")).map_or(text, |(_, text)| text);
    let (_, kind, outcome) = KNOWN.iter().find(|(known, ..)| text == *known)?;
    Some(Error::new(*kind, *outcome, text))
}

/// Whether a new token would help.
pub(crate) fn wants_new_token(error: &Error) -> bool {
    let text = error.to_string();
    error.kind() == Kind::Unauthenticated && [INVALID_TOKEN, NO_USER, OLD_TOKEN].iter().any(|one| text.ends_with(one))
}

fn not_sent(status: &Status) -> Option<&NotSent> {
    let mut source = status.source();
    while let Some(error) = source {
        if let Some(not_sent) = error.downcast_ref() {
            return Some(not_sent);
        }
        source = error.source();
    }
    None
}

fn with_sources(status: &Status) -> String {
    let mut text = status.message().to_owned();
    let mut source = status.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        source = error.source();
    }
    text
}

const fn words(code: Code) -> &'static str {
    match code {
        Code::Ok => "no error",
        Code::Cancelled => "cancelled",
        Code::InvalidArgument => "invalid argument",
        Code::DeadlineExceeded => "deadline exceeded",
        Code::NotFound => "not found",
        Code::AlreadyExists => "already exists",
        Code::PermissionDenied => "permission denied",
        Code::ResourceExhausted => "resource exhausted",
        Code::FailedPrecondition => "failed precondition",
        Code::Aborted => "aborted",
        Code::OutOfRange => "out of range",
        Code::Unimplemented => "not implemented",
        Code::Internal => "internal error",
        Code::Unavailable => "unavailable",
        Code::DataLoss => "data loss",
        Code::Unauthenticated => "not authenticated",
        Code::Unknown => "unknown error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_leaves_the_outcome_unknown() {
        for code in 0..17 {
            let status = Status::new(Code::from_i32(code), "etcdserver: request timed out");
            assert_eq!(error(&status).outcome(), Outcome::Unknown, "{code}");
        }
    }

    #[test]
    fn a_longer_text_is_another_one() {
        assert!(known("etcdserver: no leader").is_some());
        assert!(known("etcdserver: no leader yet").is_none());
        assert!(known("").is_none());
        assert!(known("rpc error: code = PermissionDenied desc = etcdserver: permission denied").is_some());
    }

    /// A change may have been made although its answer is "no space".
    #[test]
    fn no_space_does_not_say_that_nothing_was_made() {
        let status = Status::resource_exhausted("etcdserver: mvcc: database space exceeded");
        assert_eq!((error(&status).kind(), error(&status).outcome()), (Kind::NoSpace, Outcome::Settled));
    }

    #[test]
    fn a_new_token_helps_against_an_old_one_and_not_against_a_wrong_password() {
        let text = |text: &str| wants_new_token(&error(&Status::unauthenticated(text)));
        assert!(text("etcdserver: invalid auth token"));
        assert!(text("etcdserver: revision of auth store is old"));
        assert!(!text("etcdserver: authentication failed, invalid user ID or password"));
    }
}

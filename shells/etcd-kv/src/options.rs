//! How a client asks.

use core::fmt;
use core::time::Duration;

use crate::tls::Tls;

/// How a client asks. The default is for members in the same data centre, without TLS and without a user.
#[derive(Debug, Clone)]
pub struct Options {
    /// The most that a connection may take, with TLS.
    pub connect: Duration,
    /// The most that one member is waited for: until it answers, or until its watch begins. What asks for a change asks
    /// one member, and is an error after this time.
    pub attempt: Duration,
    /// The most that a request takes if it changes nothing, with all members that it is tried at.
    pub total: Duration,
    /// How often a connection is asked for a sign of life. etcd ends connections that ask more often than every five
    /// seconds (`--grpc-keepalive-min-time`).
    pub keep_alive: Duration,
    /// The most that the sign of life may take. The connection is given up then.
    pub keep_alive_answer: Duration,
    /// For endpoints with `https`.
    pub tls: Option<Tls>,
    /// Who asks.
    pub credentials: Option<Credentials>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(1),
            attempt: Duration::from_secs(1),
            total: Duration::from_secs(3),
            keep_alive: Duration::from_secs(10),
            keep_alive_answer: Duration::from_secs(3),
            tls: None,
            credentials: None,
        }
    }
}

/// A user of etcd. The password is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

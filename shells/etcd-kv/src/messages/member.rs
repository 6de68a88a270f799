//! A member's state, the cluster's alarms, and who asks.

use super::kv::Header;

/// Asks for a member's state.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct StatusRequest {}

/// A member's state.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct StatusResponse {
    /// Who answers.
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    /// The member's version, such as `3.5.30`.
    #[prost(string, tag = "2")]
    pub version: String,
    /// Bytes that its database takes on the disk.
    #[prost(int64, tag = "3")]
    pub db_size: i64,
    /// The leader, as far as the member knows; 0 for none.
    #[prost(uint64, tag = "4")]
    pub leader: u64,
    /// How far the log is committed.
    #[prost(uint64, tag = "5")]
    pub raft_index: u64,
    /// The leader's term.
    #[prost(uint64, tag = "6")]
    pub raft_term: u64,
    /// How far the log is applied.
    #[prost(uint64, tag = "7")]
    pub raft_applied_index: u64,
    /// What is wrong, alarms among it, in etcd's words.
    #[prost(string, repeated, tag = "8")]
    pub errors: Vec<String>,
    /// Bytes of the database that are in use.
    #[prost(int64, tag = "9")]
    pub db_size_in_use: i64,
    /// Whether the member only learns, and does not vote.
    #[prost(bool, tag = "10")]
    pub is_learner: bool,
    /// The most bytes that the database may take; 0 from members before 3.6, which do not say it.
    #[prost(int64, tag = "12")]
    pub db_size_quota: i64,
}

/// Asks for alarms, or sets or clears one.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct AlarmRequest {
    /// What to do.
    #[prost(enumeration = "AlarmAction", tag = "1")]
    pub action: i32,
    /// For which member; 0 for all.
    #[prost(uint64, tag = "2")]
    pub member_id: u64,
    /// Which alarm; none for all.
    #[prost(enumeration = "AlarmKind", tag = "3")]
    pub alarm: i32,
}

/// The alarms that there are.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct AlarmResponse {
    /// Who answers.
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    /// Each alarm with its member.
    #[prost(message, repeated, tag = "2")]
    pub alarms: Vec<Alarm>,
}

/// An alarm of a member.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Alarm {
    /// The member.
    #[prost(uint64, tag = "1")]
    pub member_id: u64,
    /// What is wrong.
    #[prost(enumeration = "AlarmKind", tag = "2")]
    pub alarm: i32,
}

/// What to do with alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum AlarmAction {
    /// Ask for them.
    Get = 0,
    /// Set one.
    Activate = 1,
    /// Clear one.
    Deactivate = 2,
}

/// What an alarm is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum AlarmKind {
    /// Nothing, or anything.
    None = 0,
    /// The database is as large as it may get: writes are refused.
    NoSpace = 1,
    /// Members have different data.
    Corrupt = 2,
}

/// Asks for a token. Its password is not printed.
#[derive(Clone, PartialEq, Eq, prost::Message)]
#[prost(skip_debug)]
pub struct AuthenticateRequest {
    /// The user.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The password.
    #[prost(string, tag = "2")]
    pub password: String,
}

impl core::fmt::Debug for AuthenticateRequest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("AuthenticateRequest").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A token, which is not printed.
#[derive(Clone, PartialEq, Eq, prost::Message)]
#[prost(skip_debug)]
pub struct AuthenticateResponse {
    /// Who answers.
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    /// What later requests are sent with.
    #[prost(string, tag = "2")]
    pub token: String,
}

impl core::fmt::Debug for AuthenticateResponse {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("AuthenticateResponse").field("header", &self.header).finish_non_exhaustive()
    }
}

//! Watches: every change of some keys, in the order of the store's revisions.

use bytes::Bytes;

use super::kv::{Header, KeyValue, prefix_range};

/// What is said on the stream of a watch.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct WatchRequest {
    /// Which request it is.
    #[prost(oneof = "WatchAsk", tags = "1, 2, 3")]
    pub ask: Option<WatchAsk>,
}

/// A request on the stream of a watch.
#[derive(Clone, PartialEq, Eq, prost::Oneof)]
pub enum WatchAsk {
    /// Begins to watch.
    #[prost(message, tag = "1")]
    Create(WatchCreateRequest),
    /// Ends it.
    #[prost(message, tag = "2")]
    Cancel(WatchCancelRequest),
    /// Asks how far the watch is.
    #[prost(message, tag = "3")]
    Progress(WatchProgressRequest),
}

/// Begins to watch.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct WatchCreateRequest {
    /// The first key.
    #[prost(bytes = "bytes", tag = "1")]
    pub key: Bytes,
    /// The end, which is not included. Empty for one key alone.
    #[prost(bytes = "bytes", tag = "2")]
    pub range_end: Bytes,
    /// The first revision whose changes are wanted; 0 for those to come.
    #[prost(int64, tag = "3")]
    pub start_revision: i64,
    /// Has the member say by itself, every ten minutes, how far it is.
    #[prost(bool, tag = "4")]
    pub progress_notify: bool,
    /// Has each event bring what was there before.
    #[prost(bool, tag = "6")]
    pub prev_kv: bool,
    /// A number for the watch; 0 has the member choose one.
    #[prost(int64, tag = "7")]
    pub watch_id: i64,
    /// Has the member cut a long answer into several.
    #[prost(bool, tag = "8")]
    pub fragment: bool,
}

impl WatchCreateRequest {
    /// All keys that begin with `prefix`, from the changes of revision `from` on, each with what was there before.
    pub fn prefix(prefix: impl Into<Bytes>, from: i64) -> Self {
        let (key, range_end) = prefix_range(prefix.into());
        Self { key, range_end, start_revision: from, prev_kv: true, fragment: true, ..Self::default() }
    }
}

/// Ends a watch.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct WatchCancelRequest {
    /// Its number.
    #[prost(int64, tag = "1")]
    pub watch_id: i64,
}

/// Asks how far the watches of a stream are.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct WatchProgressRequest {}

/// What is answered on the stream of a watch.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct WatchResponse {
    /// Who answers. If there are no events, all changes up to its revision have been sent.
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    /// The watch; -1 in an answer about all watches of the stream.
    #[prost(int64, tag = "2")]
    pub watch_id: i64,
    /// The watch begins with this.
    #[prost(bool, tag = "3")]
    pub created: bool,
    /// The watch ends with this.
    #[prost(bool, tag = "4")]
    pub canceled: bool,
    /// If it ends since changes that it wants are no longer kept: the first revision that is.
    #[prost(int64, tag = "5")]
    pub compact_revision: i64,
    /// Why it ends.
    #[prost(string, tag = "6")]
    pub cancel_reason: String,
    /// More of the same answer follows.
    #[prost(bool, tag = "7")]
    pub fragment: bool,
    /// What happened.
    #[prost(message, repeated, tag = "11")]
    pub events: Vec<Event>,
}

/// A change of a key.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Event {
    /// What was done.
    #[prost(enumeration = "EventKind", tag = "1")]
    pub kind: i32,
    /// The key as it is then. Of a deleted one: the key, and the revision that deleted it.
    #[prost(message, optional, tag = "2")]
    pub kv: Option<KeyValue>,
    /// What was there before, if the watch asked for it and it is still kept.
    #[prost(message, optional, tag = "3")]
    pub prev_kv: Option<KeyValue>,
}

/// What was done to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum EventKind {
    /// It was written.
    Put = 0,
    /// It was deleted.
    Delete = 1,
}

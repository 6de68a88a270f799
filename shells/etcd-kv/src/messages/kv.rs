//! Keys and values: reading, writing and deleting them.

use bytes::Bytes;

/// What each answer begins with.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Header {
    /// The cluster that answers.
    #[prost(uint64, tag = "1")]
    pub cluster_id: u64,
    /// The member that answers.
    #[prost(uint64, tag = "2")]
    pub member_id: u64,
    /// The store's revision when the request was applied.
    #[prost(int64, tag = "3")]
    pub revision: i64,
    /// The term of the cluster's leader then.
    #[prost(uint64, tag = "4")]
    pub raft_term: u64,
}

/// A key with its value and its history in numbers.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct KeyValue {
    /// The key.
    #[prost(bytes = "bytes", tag = "1")]
    pub key: Bytes,
    /// The revision that created it.
    #[prost(int64, tag = "2")]
    pub create_revision: i64,
    /// The revision of its last change.
    #[prost(int64, tag = "3")]
    pub mod_revision: i64,
    /// How often it was written since it was created: 1 after that. Deleting it ends the count.
    #[prost(int64, tag = "4")]
    pub version: i64,
    /// The value.
    #[prost(bytes = "bytes", tag = "5")]
    pub value: Bytes,
    /// The lease that it ends with, if not 0.
    #[prost(int64, tag = "6")]
    pub lease: i64,
}

/// Reads keys.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct RangeRequest {
    /// The first key.
    #[prost(bytes = "bytes", tag = "1")]
    pub key: Bytes,
    /// The end, which is not included. Empty for one key alone.
    #[prost(bytes = "bytes", tag = "2")]
    pub range_end: Bytes,
    /// How many keys are answered at most; 0 for all. The member still counts every key up to the end.
    #[prost(int64, tag = "3")]
    pub limit: i64,
    /// Reads the store as it was at this revision; 0 for now.
    #[prost(int64, tag = "4")]
    pub revision: i64,
    /// Answers from the member's own copy, which may be old. False is linearizable.
    #[prost(bool, tag = "7")]
    pub serializable: bool,
    /// Leaves the values out.
    #[prost(bool, tag = "8")]
    pub keys_only: bool,
    /// Answers how many keys there are, and none of them.
    #[prost(bool, tag = "9")]
    pub count_only: bool,
}

impl RangeRequest {
    /// One key.
    pub fn key(key: impl Into<Bytes>) -> Self {
        Self { key: key.into(), ..Self::default() }
    }

    /// The keys from `first` up to `end`, which is not included.
    pub fn between(first: impl Into<Bytes>, end: impl Into<Bytes>) -> Self {
        Self { key: first.into(), range_end: end.into(), ..Self::default() }
    }

    /// All keys that begin with `prefix`.
    pub fn prefix(prefix: impl Into<Bytes>) -> Self {
        let (key, range_end) = prefix_range(prefix.into());
        Self { key, range_end, ..Self::default() }
    }
}

/// Keys that were read.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct RangeResponse {
    /// Who answers, and at which revision of the store.
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    /// The keys, in their order.
    #[prost(message, repeated, tag = "2")]
    pub kvs: Vec<KeyValue>,
    /// Whether there are more than were answered.
    #[prost(bool, tag = "3")]
    pub more: bool,
    /// How many there are, with those that the limit left out.
    #[prost(int64, tag = "4")]
    pub count: i64,
}

/// Writes a key.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct PutRequest {
    /// The key.
    #[prost(bytes = "bytes", tag = "1")]
    pub key: Bytes,
    /// Its value from then on.
    #[prost(bytes = "bytes", tag = "2")]
    pub value: Bytes,
    /// The lease that it ends with; 0 for none.
    #[prost(int64, tag = "3")]
    pub lease: i64,
    /// Answers what was there before.
    #[prost(bool, tag = "4")]
    pub prev_kv: bool,
}

/// A key was written.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct PutResponse {
    /// Who answers, and at which revision of the store.
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    /// What was there before, if the request asked for it.
    #[prost(message, optional, tag = "2")]
    pub prev_kv: Option<KeyValue>,
}

/// Deletes keys.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct DeleteRangeRequest {
    /// The first key.
    #[prost(bytes = "bytes", tag = "1")]
    pub key: Bytes,
    /// The end, which is not included. Empty for one key alone.
    #[prost(bytes = "bytes", tag = "2")]
    pub range_end: Bytes,
    /// Answers what was there before.
    #[prost(bool, tag = "3")]
    pub prev_kv: bool,
}

/// Keys were deleted.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct DeleteRangeResponse {
    /// Who answers, and at which revision of the store.
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    /// How many.
    #[prost(int64, tag = "2")]
    pub deleted: i64,
    /// What was there before, if the request asked for it.
    #[prost(message, repeated, tag = "3")]
    pub prev_kvs: Vec<KeyValue>,
}

/// The end of the range of all keys that begin with `prefix`: the first key after them. If there is none, since the prefix
/// is empty or has no byte under 255, it is the byte 0, which etcd takes for the end of all keys.
#[must_use]
pub fn prefix_end(prefix: &[u8]) -> Bytes {
    match prefix.iter().rposition(|byte| *byte < u8::MAX) {
        Some(last) => {
            let mut end = prefix[..=last].to_vec();
            end[last] += 1;
            end.into()
        }
        None => Bytes::from_static(&[0]),
    }
}

/// The range of all keys that begin with `prefix`. No key is empty, and etcd takes none for a request without a key.
pub(super) fn prefix_range(prefix: Bytes) -> (Bytes, Bytes) {
    let end = prefix_end(&prefix);
    (if prefix.is_empty() { Bytes::from_static(&[0]) } else { prefix }, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix() {
        assert_eq!(prefix_end(b"a"), "b");
        assert_eq!(prefix_end(b"s/"), "s0");
        assert_eq!(prefix_end(b"a\xff\xff"), "b");
        assert_eq!(prefix_end(b"\xff"), b"\0"[..]);
        assert_eq!(prefix_end(b""), b"\0"[..]);
    }

    /// Every key of up to three bytes out of a few is in the range exactly if it has the prefix.
    #[test]
    fn a_prefix_ends_where_its_keys_do() {
        const BYTES: [u8; 5] = [0, 1, 127, 254, 255];
        let mut keys = vec![vec![]];
        for length in 0..3 {
            let longer: Vec<_> = keys.iter().filter(|key: &&Vec<u8>| key.len() == length).cloned().collect::<Vec<_>>();
            keys.extend(longer.iter().flat_map(|key| BYTES.map(|byte| [&key[..], &[byte]].concat())));
        }
        assert_eq!(keys.len(), 1 + 5 + 25 + 125);
        for prefix in &keys {
            let end = prefix_end(prefix);
            for key in &keys {
                let in_range = key >= prefix && (end == b"\0"[..] || key[..] < end[..]);
                assert_eq!(in_range, key.starts_with(prefix), "{key:?} in the range of {prefix:?} to {end:?}");
            }
        }
    }
}

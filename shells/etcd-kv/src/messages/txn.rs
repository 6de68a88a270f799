//! Transactions: comparisons, then one of two lists of operations, all of it at one revision.

use bytes::Bytes;

use super::kv::{
    DeleteRangeRequest, DeleteRangeResponse, Header, PutRequest, PutResponse, RangeRequest, RangeResponse,
};

/// If all comparisons hold, `success` is done, else `failure`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct TxnRequest {
    /// What has to hold. None is always true.
    #[prost(message, repeated, tag = "1")]
    pub compare: Vec<Compare>,
    /// What is done then. A transaction in it is judged by its own comparisons, and fails alone. No key may be written by
    /// two of them.
    #[prost(message, repeated, tag = "2")]
    pub success: Vec<RequestOp>,
    /// What is done otherwise.
    #[prost(message, repeated, tag = "3")]
    pub failure: Vec<RequestOp>,
}

impl TxnRequest {
    /// Several transactions at once, at one revision, each judged by its own comparisons. `counted` is a key that the
    /// caller may write; it is not written.
    ///
    /// etcd counts for its quota what a transaction writes, but not what transactions in it write: a group alone would never
    /// be refused, whatever alarm there is, and the database would grow without end. So a group that writes has a `failure`
    /// with one small write, which is counted and, since there is nothing to compare, never done. One that only deletes has
    /// none, and is never refused for lack of space.
    pub fn group(changes: impl IntoIterator<Item = Self>, counted: impl Into<Bytes>) -> Self {
        let success: Vec<_> = changes.into_iter().map(RequestOp::from).collect();
        let failure = if success.iter().any(RequestOp::writes) { vec![RequestOp::put(counted, "")] } else { vec![] };
        Self { compare: vec![], success, failure }
    }
}

/// What a transaction did.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct TxnResponse {
    /// Who answers, and the revision that the transaction made, if it changed anything. One within another has none.
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    /// Whether all comparisons held.
    #[prost(bool, tag = "2")]
    pub succeeded: bool,
    /// An answer for each operation of the list that was done.
    #[prost(message, repeated, tag = "3")]
    pub responses: Vec<ResponseOp>,
}

/// One operation.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct RequestOp {
    /// Which.
    #[prost(oneof = "Op", tags = "1, 2, 3, 4")]
    pub op: Option<Op>,
}

/// What an operation does.
#[derive(Clone, PartialEq, Eq, prost::Oneof)]
pub enum Op {
    /// Reads.
    #[prost(message, tag = "1")]
    Range(RangeRequest),
    /// Writes.
    #[prost(message, tag = "2")]
    Put(PutRequest),
    /// Deletes.
    #[prost(message, tag = "3")]
    DeleteRange(DeleteRangeRequest),
    /// A transaction of its own.
    #[prost(message, tag = "4")]
    Txn(TxnRequest),
}

impl RequestOp {
    /// Reads one key.
    pub fn get(key: impl Into<Bytes>) -> Self {
        Op::Range(RangeRequest::key(key)).into()
    }

    /// Writes one key.
    pub fn put(key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        Op::Put(PutRequest { key: key.into(), value: value.into(), ..PutRequest::default() }).into()
    }

    /// Deletes one key.
    pub fn delete(key: impl Into<Bytes>) -> Self {
        Op::DeleteRange(DeleteRangeRequest { key: key.into(), ..DeleteRangeRequest::default() }).into()
    }
}

impl RequestOp {
    /// Whether it can write, itself or by what is in it.
    fn writes(&self) -> bool {
        match &self.op {
            Some(Op::Put(_)) => true,
            Some(Op::Txn(txn)) => txn.success.iter().chain(&txn.failure).any(Self::writes),
            Some(Op::Range(_) | Op::DeleteRange(_)) | None => false,
        }
    }
}

impl From<Op> for RequestOp {
    fn from(op: Op) -> Self {
        Self { op: Some(op) }
    }
}

impl From<TxnRequest> for RequestOp {
    fn from(txn: TxnRequest) -> Self {
        Op::Txn(txn).into()
    }
}

/// What became of one operation.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ResponseOp {
    /// The answer.
    #[prost(oneof = "Answer", tags = "1, 2, 3, 4")]
    pub answer: Option<Answer>,
}

/// The answer to one operation, of the same kind as that.
#[derive(Clone, PartialEq, Eq, prost::Oneof)]
pub enum Answer {
    /// What was read.
    #[prost(message, tag = "1")]
    Range(RangeResponse),
    /// It is written.
    #[prost(message, tag = "2")]
    Put(PutResponse),
    /// It is deleted.
    #[prost(message, tag = "3")]
    DeleteRange(DeleteRangeResponse),
    /// What the transaction did.
    #[prost(message, tag = "4")]
    Txn(TxnResponse),
}

/// A comparison of a key.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Compare {
    /// How.
    #[prost(enumeration = "CompareResult", tag = "1")]
    pub result: i32,
    /// What of the key.
    #[prost(enumeration = "CompareTarget", tag = "2")]
    pub target: i32,
    /// The key.
    #[prost(bytes = "bytes", tag = "3")]
    pub key: Bytes,
    /// With what.
    #[prost(oneof = "CompareWith", tags = "4, 5, 6, 7, 8")]
    pub with: Option<CompareWith>,
}

impl Compare {
    /// The key was last changed by this revision.
    pub fn changed_at(key: impl Into<Bytes>, revision: i64) -> Self {
        Self::equal(key, CompareTarget::Mod, CompareWith::ModRevision(revision))
    }

    /// There is no such key.
    pub fn absent(key: impl Into<Bytes>) -> Self {
        Self::equal(key, CompareTarget::Create, CompareWith::CreateRevision(0))
    }

    fn equal(key: impl Into<Bytes>, target: CompareTarget, with: CompareWith) -> Self {
        Self { result: CompareResult::Equal.into(), target: target.into(), key: key.into(), with: Some(with) }
    }
}

/// How to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum CompareResult {
    /// Is the same.
    Equal = 0,
    /// Is greater than what is given.
    Greater = 1,
    /// Is less than what is given.
    Less = 2,
    /// Is something else.
    NotEqual = 3,
}

/// What of a key is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum CompareTarget {
    /// How often it was written since it was created.
    Version = 0,
    /// The revision that created it; 0 if there is no such key.
    Create = 1,
    /// The revision of its last change; 0 if there is no such key.
    Mod = 2,
    /// Its value.
    Value = 3,
    /// Its lease.
    Lease = 4,
}

/// What a key is compared with, of the kind that the target is of.
#[derive(Clone, PartialEq, Eq, prost::Oneof)]
pub enum CompareWith {
    /// For [`CompareTarget::Version`].
    #[prost(int64, tag = "4")]
    Version(i64),
    /// For [`CompareTarget::Create`].
    #[prost(int64, tag = "5")]
    CreateRevision(i64),
    /// For [`CompareTarget::Mod`].
    #[prost(int64, tag = "6")]
    ModRevision(i64),
    /// For [`CompareTarget::Value`].
    #[prost(bytes = "bytes", tag = "7")]
    Value(Bytes),
    /// For [`CompareTarget::Lease`].
    #[prost(int64, tag = "8")]
    Lease(i64),
}

//! What is said to etcd and what it answers, as far as this client uses it. Names and numbers are those of etcd's
//! `rpc.proto` and `kv.proto`; what is absent from an answer is zero or empty, as always in protobuf.

mod kv;
mod member;
mod txn;
mod watch;

pub use kv::{
    DeleteRangeRequest, DeleteRangeResponse, Header, KeyValue, PutRequest, PutResponse, RangeRequest, RangeResponse,
    prefix_end,
};
pub use member::{
    Alarm, AlarmAction, AlarmKind, AlarmRequest, AlarmResponse, AuthenticateRequest, AuthenticateResponse,
    StatusRequest, StatusResponse,
};
pub use txn::{
    Answer, Compare, CompareResult, CompareTarget, CompareWith, Op, RequestOp, ResponseOp, TxnRequest, TxnResponse,
};
pub use watch::{
    Event, EventKind, WatchAsk, WatchCancelRequest, WatchCreateRequest, WatchProgressRequest, WatchRequest,
    WatchResponse,
};

//! Each message to the byte, in both directions, as another implementation of protobuf writes it from etcd's own description.

use core::fmt::Debug;
use std::collections::BTreeSet;

use bytes::Bytes;
use etcd_kv::messages::{
    Alarm, AlarmAction, AlarmKind, AlarmRequest, AlarmResponse, Answer, AuthenticateRequest, AuthenticateResponse,
    Compare, CompareResult, CompareTarget, CompareWith, DeleteRangeRequest, DeleteRangeResponse, Event, EventKind,
    Header, KeyValue, Op, PutRequest, PutResponse, RangeRequest, RangeResponse, RequestOp, ResponseOp, StatusRequest,
    StatusResponse, TxnRequest, TxnResponse, WatchAsk, WatchCancelRequest, WatchCreateRequest, WatchProgressRequest,
    WatchRequest, WatchResponse,
};
use prost::Message;

const fn header() -> Header {
    Header {
        cluster_id: 14_841_639_068_965_178_418,
        member_id: 10_276_657_743_932_975_437,
        revision: 300,
        raft_term: 7,
    }
}

fn whole() -> KeyValue {
    let (key, value) = (Bytes::from_static(b"k\0"), Bytes::from_static(b"v\xff"));
    KeyValue { key, create_revision: 1, mod_revision: 128, version: 2, value, lease: 9 }
}

fn bare() -> KeyValue {
    KeyValue { key: "k".into(), ..KeyValue::default() }
}

/// The lines of the file that a message was found in.
struct Vectors(BTreeSet<&'static str>);

impl Vectors {
    fn check<M: Message + Default + PartialEq + Debug>(&mut self, name: &'static str, message: &M) {
        let bytes = bytes(name);
        assert_eq!(message.encode_to_vec(), bytes, "{name}");
        assert_eq!(&M::decode(&bytes[..]).expect(name), message);
        assert!(self.0.insert(name), "{name} twice");
    }
}

fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = include_str!("messages.txt").lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split_once(' ').expect("a name and bytes"))
}

fn bytes(name: &str) -> Vec<u8> {
    let (_, hex) = lines().find(|(one, _)| *one == name).expect(name);
    let digits = hex.trim_matches('-').as_bytes().chunks_exact(2);
    digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).expect("a text"), 16).expect("hex")).collect()
}

#[test]
fn every_message_is_as_etcd_describes_it() {
    let mut vectors = Vectors(BTreeSet::new());
    keys(&mut vectors);
    transactions(&mut vectors);
    watches(&mut vectors);
    members(&mut vectors);
    let all: BTreeSet<_> = lines().map(|(name, _)| name).filter(|name| *name != "StatusResponse_newer").collect();
    assert_eq!(vectors.0, all);
}

fn keys(vectors: &mut Vectors) {
    vectors.check("Header", &header());
    vectors.check("KeyValue", &whole());
    let range = RangeRequest {
        limit: 10,
        revision: 3,
        serializable: true,
        keys_only: true,
        count_only: true,
        ..RangeRequest::between("a", "b")
    };
    vectors.check("RangeRequest", &range);
    vectors.check("RangeRequest_key", &RangeRequest::key("a"));
    let kvs = vec![whole(), bare()];
    let range = RangeResponse { header: Some(header()), kvs: kvs.clone(), more: true, count: 1 << 40 };
    vectors.check("RangeResponse", &range);
    vectors.check("PutRequest", &PutRequest { key: "a".into(), value: Bytes::new(), lease: -1, prev_kv: true });
    vectors.check("PutResponse", &PutResponse { header: Some(header()), prev_kv: Some(whole()) });
    let delete = DeleteRangeRequest { key: "a".into(), range_end: "b".into(), prev_kv: true };
    vectors.check("DeleteRangeRequest", &delete);
    let deleted = DeleteRangeResponse { header: Some(header()), deleted: 2, prev_kvs: kvs };
    vectors.check("DeleteRangeResponse", &deleted);
}

fn transactions(vectors: &mut Vectors) {
    let change = TxnRequest {
        compare: vec![Compare::changed_at("k", 5)],
        success: vec![RequestOp::put("k", "v")],
        failure: vec![RequestOp::get("k")],
    };
    let end =
        TxnRequest { compare: vec![Compare::absent("n")], success: vec![RequestOp::delete("n")], failure: vec![] };
    let both = TxnRequest { success: vec![Op::Txn(change).into(), end.into()], ..TxnRequest::default() };
    vectors.check("TxnRequest", &both);
    let compare = |result: CompareResult, target: CompareTarget, with| Compare {
        result: result.into(),
        target: target.into(),
        key: "k".into(),
        with: Some(with),
    };
    let version = compare(CompareResult::Greater, CompareTarget::Version, CompareWith::Version(1));
    vectors.check("Compare_version", &version);
    let value = compare(CompareResult::Less, CompareTarget::Value, CompareWith::Value("v".into()));
    vectors.check("Compare_value", &value);
    vectors.check("Compare_lease", &compare(CompareResult::NotEqual, CompareTarget::Lease, CompareWith::Lease(8)));

    let answer = |answer| ResponseOp { answer: Some(answer) };
    let found = RangeResponse { kvs: vec![whole()], count: 1, ..RangeResponse::default() };
    let failed = TxnResponse { responses: vec![answer(Answer::Range(found))], ..TxnResponse::default() };
    let revision = Some(Header { revision: 300, ..Header::default() });
    let responses = vec![
        answer(Answer::Txn(failed)),
        answer(Answer::Put(PutResponse { header: revision, prev_kv: None })),
        answer(Answer::DeleteRange(DeleteRangeResponse { deleted: 1, ..DeleteRangeResponse::default() })),
    ];
    vectors.check("TxnResponse", &TxnResponse { header: Some(header()), succeeded: true, responses });
}

fn watches(vectors: &mut Vectors) {
    let create = WatchCreateRequest { progress_notify: true, watch_id: 4, ..WatchCreateRequest::prefix("w/", 301) };
    vectors.check("WatchRequest_create", &WatchRequest { ask: Some(WatchAsk::Create(create)) });
    let cancel = WatchAsk::Cancel(WatchCancelRequest { watch_id: 4 });
    vectors.check("WatchRequest_cancel", &WatchRequest { ask: Some(cancel) });
    let progress = WatchAsk::Progress(WatchProgressRequest {});
    vectors.check("WatchRequest_progress", &WatchRequest { ask: Some(progress) });
    let events = vec![
        Event { kind: EventKind::Put.into(), kv: Some(whole()), prev_kv: None },
        Event { kind: EventKind::Delete.into(), kv: Some(bare()), prev_kv: Some(whole()) },
    ];
    let response = WatchResponse {
        header: Some(header()),
        watch_id: -1,
        created: true,
        canceled: true,
        compact_revision: 299,
        cancel_reason: "why".to_owned(),
        fragment: true,
        events,
    };
    vectors.check("WatchResponse", &response);
}

fn members(vectors: &mut Vectors) {
    vectors.check("StatusRequest", &StatusRequest {});
    let status = StatusResponse {
        header: Some(header()),
        version: "3.5.30".to_owned(),
        db_size: 20_480,
        leader: 1 << 63,
        raft_index: 8,
        raft_term: 2,
        raft_applied_index: 7,
        errors: vec!["a".to_owned(), "b".to_owned()],
        db_size_in_use: 16_384,
        is_learner: true,
        db_size_quota: 1 << 31,
    };
    vectors.check("StatusResponse", &status);
    let disarm =
        AlarmRequest { action: AlarmAction::Deactivate.into(), member_id: 5, alarm: AlarmKind::NoSpace.into() };
    vectors.check("AlarmRequest", &disarm);
    let alarm = |member_id, alarm: AlarmKind| Alarm { member_id, alarm: alarm.into() };
    let alarms = vec![alarm(5, AlarmKind::Corrupt), alarm(6, AlarmKind::None)];
    vectors.check("AlarmResponse", &AlarmResponse { header: Some(header()), alarms });
    let ask = AuthenticateRequest { name: "app".to_owned(), password: "pass".to_owned() };
    vectors.check("AuthenticateRequest", &ask);
    let token = AuthenticateResponse { header: Some(header()), token: "t.1".to_owned() };
    vectors.check("AuthenticateResponse", &token);
}

/// A newer member says more: what is not known here is passed over.
#[test]
fn what_a_newer_etcd_adds_is_passed_over() {
    let status = StatusResponse::decode(&bytes("StatusResponse_newer")[..]).expect("a status");
    assert_eq!((status.version.as_str(), status.db_size_quota), ("3.7.0", 1 << 31));
}

/// Bytes that are cut off are an error or a shorter message, and never a panic.
#[test]
fn cut_bytes_do_no_harm() {
    for (name, _) in lines() {
        let bytes = bytes(name);
        for end in 0..bytes.len() {
            let _ = TxnResponse::decode(&bytes[..end]);
            let _ = WatchResponse::decode(&bytes[..end]);
            let _ = RangeResponse::decode(&bytes[..end]);
        }
    }
}

#[test]
fn passwords_and_tokens_are_not_printed() {
    let ask = AuthenticateRequest { name: "app".to_owned(), password: "hidden".to_owned() };
    let token = AuthenticateResponse { header: None, token: "hidden".to_owned() };
    let credentials = etcd_kv::Credentials { user: "app".to_owned(), password: "hidden".to_owned() };
    assert!(!format!("{ask:?} {token:?} {credentials:?}").contains("hidden"));
}

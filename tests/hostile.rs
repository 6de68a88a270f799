//! Whatever bytes arrive, there is an answer, and the same one each time.

use core::cell::RefCell;
use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestRunner;
use recording_core::wire::RequestParts;
use recording_core::wire::SetRequest;
use recording_core::{Event, Reply, Request, Scratch};
use recording_test_support::report;

const BODY: &str = r#"{"Action":"Mark","RequesterSipUri":"sip:agent@domain.com","CorrelationId":"1d6c6a58-6739-4f0c-98ff-0968292c8c30","UCCName":"ucc-demo-name"}"#;

/// Bytes that are sound, nearly so, or anything; `weight` is that of the sound ones.
fn around(weight: u32, sound: &[&str]) -> impl Strategy<Value = Vec<u8>> + use<> {
    let sound: Vec<Vec<u8>> = sound.iter().map(|text| text.as_bytes().to_vec()).collect();
    let bytes = prop_oneof![any::<u8>(), select(b"/%?:\"\\{}[],@ \t\n1Aa".as_slice())];
    let near = (select(sound.clone()), vec((any::<Index>(), 0..3, bytes), 1..4)).prop_map(|(mut text, changes)| {
        for (place, kind, byte) in changes {
            let at = place.index(text.len() + 1);
            match kind {
                0 => text.insert(at, byte),
                1 if at < text.len() => drop(text.remove(at)),
                _ if at < text.len() => text[at] = byte,
                _ => text.push(byte),
            }
        }
        text
    });
    prop_oneof![weight => select(sound), 4 => near, 1 => vec(any::<u8>(), 0..60)]
}

/// Method, target, content type and body.
type Parts = (Vec<u8>, Vec<u8>, Option<Vec<u8>>, Vec<u8>);

fn request() -> impl Strategy<Value = Parts> {
    let base = "/attendantservice/api/recording";
    let targets = [
        "set",
        "set",
        "set",
        "capabilities/a%20b",
        "u/1d6c6a58-6739-4f0c-98ff-0968292c8c30",
        "u/%7B1d6c6a58673",
        "nothing",
    ];
    let targets = targets.map(|rest| format!("{base}/{rest}"));
    let targets: Vec<&str> = targets.iter().map(String::as_str).collect();
    let deep = "[".repeat(17);
    let bodies = [BODY, &BODY.replace("\"Mark\"", "7"), &BODY.replace("Mark", "\\u004dark"), "{}", deep.as_str()];
    let long = (2040..2060_usize).prop_map(|len| format!("{BODY}{}", " ".repeat(len - BODY.len())).into_bytes());
    let content_types = around(60, &["application/json", "application/json; charset=utf-8"]);
    (
        around(60, &["GET", "POST", "POST", "POST"]),
        around(20, &targets),
        prop_oneof![1 => Just(None), 9 => content_types.prop_map(Some)],
        prop_oneof![9 => around(2, &bodies), 1 => long],
    )
}

/// The answer to a request, with what it was read as.
fn answer(request: &Parts, scratch: &mut Scratch) -> (u16, String, Vec<u8>) {
    let (method, target, content_type, body) = request;
    let read = Request::read(RequestParts { method, target, content_type: content_type.as_deref(), body }, scratch);
    let shown = format!("{read:?}");
    let mut buffer = [0; Reply::MAX_LEN];
    // No UCC is known here: an understood request is answered with that.
    let reply = match read {
        Ok(Request::State(request)) => Reply::State(request.decide(None)),
        Ok(Request::Capabilities(request)) => Reply::Capabilities(request.decide(None)),
        Ok(Request::Set(request)) => match request.decide(None) {
            recording_core::decide::Decision::Reply(answer) => Reply::State(answer.reply),
            recording_core::decide::Decision::Change(pending) => panic!("{pending:?}"),
        },
        Err(rejection) => Reply::Rejected(rejection),
    };
    (reply.status(), shown, reply.write(&mut buffer).expect("Reply::MAX_LEN is enough").to_vec())
}

#[test]
fn every_request_has_an_answer_and_always_the_same() {
    let counts = RefCell::new(BTreeMap::new());
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12_000) };
    // One scratch for all: what an earlier request left in it must not show.
    let used = RefCell::new(Scratch::new());
    let result = TestRunner::new(config).run(&request(), |request| {
        let (status, shown, body) = answer(&request, &mut Scratch::new());
        let again = answer(&request, &mut used.borrow_mut());
        prop_assert_eq!(&again, &(status, shown, body.clone()));
        let no_json = |_| TestCaseError::fail(String::from_utf8_lossy(&body).into_owned());
        let reply: serde_json::Value = serde_json::from_slice(&body).map_err(no_json)?;
        let error = &reply["ErrorMessage"];
        prop_assert_eq!(&error["ErrorType"], 2);
        prop_assert!(error["Message"].as_str().is_some_and(|message| !message.is_empty()));
        let members = reply.as_object().map(serde_json::Map::len);
        match status {
            404 | 405 | 415 | 413 | 400 => prop_assert_eq!(members, Some(1)),
            200 => prop_assert!(members > Some(1)),
            other => prop_assert!(false, "{}", other),
        }
        *counts.borrow_mut().entry(status).or_insert(0) += 1;
        Ok(())
    });
    assert!(result.is_ok(), "{}", result.unwrap_err());
    let counts = counts.into_inner();
    assert_eq!(counts.keys().copied().collect::<Vec<_>>(), [200, 400, 404, 405, 413, 415], "each is met: {counts:?}");
    report(format_args!("hostile requests by status: {counts:?}"));
}

#[test]
fn every_cut_and_every_changed_byte_of_a_body() {
    let (mut understood, mut bad_replies) = (0, Vec::new());
    let mut read = |body: &[u8]| {
        let Err(rejection) = SetRequest::read(body, &mut Scratch::new()) else {
            understood += 1;
            return;
        };
        assert_eq!(rejection.status(), 400);
        let mut buffer = [0; Reply::MAX_LEN];
        let reply = Reply::Rejected(rejection).write(&mut buffer).expect("room");
        let text = serde_json::from_slice(reply).map(|json: serde_json::Value| json["ErrorMessage"]["Message"].clone());
        if !text.is_ok_and(|text| text == rejection.to_string()) {
            bad_replies.push(format!("{} to {}", String::from_utf8_lossy(reply), String::from_utf8_lossy(body)));
        }
    };
    for len in 0..=BODY.len() {
        read(&BODY.as_bytes()[..len]);
    }
    for at in 0..BODY.len() {
        for byte in 0..=u8::MAX {
            let mut body = BODY.as_bytes().to_vec();
            body[at] = byte;
            read(&body);
        }
    }
    assert!(bad_replies.is_empty(), "{} replies, the first: {}", bad_replies.len(), bad_replies[0]);
    report(format_args!("set bodies: {} with one byte changed, {understood} still understood", BODY.len() * 256));
}

#[test]
fn replies_and_events_from_hostile_servers() {
    let state = r#"{"CorrelationId":"1d6c6a58-6739-4f0c-98ff-0968292c8c30","RecordingState":0,"MarkingState":1,"SavingState":1,"ErrorMessage":{"ErrorType":2,"Message":"a\u00e9"},"UCCName":"u\"v"}"#;
    let capabilities = r#"{"AgentCanEditRecordings":true,"ErrorMessage":null,"UCCName":"ucc-demo-name"}"#;
    let event = r#"{"UccName":"u","CorrelationId":"1d6c6a58-6739-4f0c-98ff-0968292c8c30","StateAction":3}"#;
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4000) };
    // "The reply's own length is always enough": it never fails for want of room.
    let result = TestRunner::new(config).run(&around(1, &[state, capabilities, event]), |text| {
        for room in [text.len(), 0, 3] {
            let reads = |read: &dyn Fn(&mut [u8]) -> String| (read(&mut vec![0; room]), read(&mut vec![7; room]));
            let state = reads(&|buffer| format!("{:?}", recording_core::wire::StateReply::read(&text, buffer)));
            let can_edit =
                reads(&|buffer| format!("{:?}", recording_core::wire::CapabilitiesReply::read(&text, buffer)));
            let error = reads(&|buffer| format!("{:?}", recording_core::wire::ErrorReply::read(&text, buffer)));
            let event = reads(&|buffer| format!("{:?}", Event::read(&text, buffer)));
            for (one, other) in [state, can_edit, error, event] {
                prop_assert_eq!(one, other);
            }
        }
        Ok(())
    });
    assert!(result.is_ok(), "{}", result.unwrap_err());
}

//! Each shape of the table of messages, in both protocols: what is said to it, and what is called.

use serde_json::{Value, json};
use signalr_hub::{End, Protocol};

use crate::support::{JSON, MESSAGE_PACK, Machine, TEXT_ONLY, WEB_SOCKET, event, packed, record, seconds, told};

fn json_says(message: &Value) -> Vec<Value> {
    let mut machine = Machine::open(WEB_SOCKET, JSON);
    let said = machine.says(&record(message));
    let records = said.split_inclusive(|&byte| byte == 0x1e);
    records.map(|record| serde_json::from_slice(record.strip_suffix(b"\x1e").unwrap()).unwrap()).collect()
}

/// The records of bytes, each without its length.
fn unpacked(mut bytes: &[u8]) -> Vec<rmpv::Value> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let (mut length, mut at) = (0, 0);
        loop {
            length |= usize::from(bytes[at] & 0x7f) << (7 * at);
            at += 1;
            if bytes[at - 1] & 0x80 == 0 {
                break;
            }
        }
        let (mut record, rest) = bytes[at..].split_at(length);
        records.push(rmpv::decode::read_value(&mut record).unwrap());
        assert!(record.is_empty());
        bytes = rest;
    }
    records
}

fn packed_says(fields: Vec<rmpv::Value>) -> Vec<Value> {
    let mut machine = Machine::open(WEB_SOCKET, MESSAGE_PACK);
    unpacked(&machine.says(&packed(fields))).iter().map(as_json).collect()
}

/// For comparing alone.
fn as_json(value: &rmpv::Value) -> Value {
    match value {
        rmpv::Value::Nil => Value::Null,
        rmpv::Value::Boolean(value) => json!(value),
        rmpv::Value::Integer(value) => json!(value.as_i64()),
        rmpv::Value::F64(value) => json!(value),
        rmpv::Value::String(value) => json!(value.as_str()),
        rmpv::Value::Array(values) => values.iter().map(as_json).collect(),
        rmpv::Value::Map(members) => {
            members.iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), as_json(value))).collect()
        }
        other => panic!("{other:?}"),
    }
}

const fn no_headers() -> rmpv::Value {
    rmpv::Value::Map(Vec::new())
}

const fn list(values: Vec<rmpv::Value>) -> rmpv::Value {
    rmpv::Value::Array(values)
}

/// What is called, the error or result that comes back, for a call with an id.
fn outcomes() -> Vec<(&'static str, Vec<Value>, &'static str, Value)> {
    vec![
        ("Void", vec![], "", Value::Null),
        (
            "Echo",
            vec![json!({"a": [1, -2, 2.5, "x", null, true]})],
            "result",
            json!({"a": [1, -2, 2.5, "x", null, true]}),
        ),
        ("Echo", vec![Value::Null], "result", Value::Null),
        ("Echo", vec![], "error", json!("Failed to invoke 'Echo' due to an error on the server.")),
        ("Void", vec![json!(1)], "error", json!("Failed to invoke 'Void' due to an error on the server.")),
        ("Nothing", vec![], "error", json!("Unknown hub method 'Nothing'")),
        ("a\"\u{1e}\u{fffd}", vec![], "error", json!("Unknown hub method 'a\"\u{1e}\u{fffd}'")),
        ("Refuse", vec![], "error", json!("An unexpected error occurred invoking 'Refuse' on the server. Not today.")),
    ]
}

#[test]
fn invocations_in_json() {
    for (target, arguments, key, value) in outcomes() {
        let mut expected = json!({"type": 3, "invocationId": "7"});
        if !key.is_empty() {
            expected[key] = value;
        }
        let call = json!({"type": 1, "invocationId": "7", "target": target, "arguments": arguments});
        assert_eq!(json_says(&call), [expected]);
        // Without an id the same is done, and nothing said.
        for id in [None, Some(Value::Null)] {
            let mut call = json!({"type": 1, "target": target, "arguments": arguments});
            if let Some(id) = id {
                call["invocationId"] = id;
            }
            let mut machine = Machine::open(WEB_SOCKET, JSON);
            assert_eq!(machine.says(&record(&call)), b"");
            assert_eq!(machine.calls, [(target.to_owned(), arguments.clone())]);
        }
    }
}

#[test]
fn invocations_in_message_pack() {
    fn of_json(value: &Value) -> rmpv::Value {
        match value {
            Value::Null => rmpv::Value::Nil,
            Value::Bool(value) => (*value).into(),
            Value::Number(value) => value.as_i64().map_or_else(|| value.as_f64().unwrap().into(), Into::into),
            Value::String(value) => value.as_str().into(),
            Value::Array(values) => list(values.iter().map(of_json).collect()),
            Value::Object(members) => {
                rmpv::Value::Map(members.iter().map(|(key, value)| (key.as_str().into(), of_json(value))).collect())
            }
        }
    }
    for (target, arguments, key, value) in outcomes() {
        let packed_arguments = list(arguments.iter().map(of_json).collect());
        let expected = match key {
            "" => json!([3, {}, "7", 2]),
            "error" => json!([3, {}, "7", 1, value]),
            _ => json!([3, {}, "7", 3, value]),
        };
        let call =
            |id: rmpv::Value| vec![1.into(), no_headers(), id, target.into(), packed_arguments.clone(), list(vec![])];
        assert_eq!(packed_says(call("7".into())), core::slice::from_ref(&expected));
        // Older clients leave the ids of streams out.
        let mut short = call("7".into());
        short.pop();
        assert_eq!(packed_says(short), [expected]);
        let mut machine = Machine::open(WEB_SOCKET, MESSAGE_PACK);
        assert_eq!(machine.says(&packed(call(rmpv::Value::Nil))), b"");
        assert_eq!(machine.calls, [(target.to_owned(), arguments)]);
    }
    // What JSON has no word for is no argument of ours.
    for value in [rmpv::Value::Binary(vec![1]), rmpv::Value::Ext(1, vec![1]), rmpv::Value::F64(f64::NAN)] {
        let call = vec![1.into(), no_headers(), "7".into(), "Echo".into(), list(vec![value]), list(vec![])];
        assert_eq!(
            packed_says(call),
            [json!([3, {}, "7", 1, "Failed to invoke 'Echo' due to an error on the server."])]
        );
    }
}

#[test]
fn streams_are_answered_with_an_error() {
    let expected = json!({"type": 3, "invocationId": "7", "error": "Unknown hub method 'Void'"});
    assert_eq!(json_says(&json!({"type": 4, "invocationId": "7", "target": "Void", "arguments": []})), [expected]);
    let call = vec![4.into(), no_headers(), "7".into(), "Void".into(), list(vec![]), list(vec![])];
    assert_eq!(packed_says(call), [json!([3, {}, "7", 1, "Unknown hub method 'Void'"])]);

    let error = "Failed to invoke 'Void' due to an error on the server.";
    let call = json!({"type": 1, "invocationId": "7", "target": "Void", "arguments": [], "streamIds": ["1"]});
    assert_eq!(json_says(&call), [json!({"type": 3, "invocationId": "7", "error": error})]);
    let call = vec![1.into(), no_headers(), "7".into(), "Void".into(), list(vec![]), list(vec!["1".into()])];
    assert_eq!(packed_says(call), [json!([3, {}, "7", 1, error])]);
}

#[test]
fn what_asks_for_nothing_gets_nothing() {
    let mut json = Machine::open(WEB_SOCKET, JSON);
    for message in [
        json!({"type": 2, "invocationId": "1", "item": 1}),
        json!({"type": 3, "invocationId": "1", "result": 1}),
        json!({"type": 3, "invocationId": "1", "error": "no"}),
        json!({"type": 5, "invocationId": "1"}),
        json!({"type": 6}),
        json!({"type": 8, "sequenceId": 1}),
        json!({"type": 9, "sequenceId": 1}),
        json!({"type": 10, "anything": {"of": "the future"}}),
        json!({"type": -1}),
        json!({"type": 6, "headers": {"a": "b"}}),
    ] {
        assert_eq!(json.says(&record(&message)), b"", "{message}");
        assert_eq!(json.connection.end_reason(), None, "{message}");
    }
    let mut binary = Machine::open(WEB_SOCKET, MESSAGE_PACK);
    for message in [
        vec![2.into(), no_headers(), "1".into(), 1.into()],
        vec![3.into(), no_headers(), "1".into(), 3.into(), 1.into()],
        vec![5.into(), no_headers(), "1".into()],
        vec![6.into()],
        vec![8.into(), 1.into()],
        vec![9.into(), 1.into()],
        vec![10.into(), "of the future".into()],
    ] {
        assert_eq!(binary.says(&packed(message.clone())), b"", "{message:?}");
        assert_eq!(binary.connection.end_reason(), None, "{message:?}");
    }
    assert!(json.calls.is_empty() && binary.calls.is_empty());
}

#[test]
fn a_clients_close_ends_it_without_an_answer() {
    for close in [json!({"type": 7}), json!({"type": 7, "error": "x", "allowReconnect": true})] {
        let mut machine = Machine::open(WEB_SOCKET, JSON);
        assert_eq!(machine.says(&record(&close)), b"");
        machine.is_over(End::Client);
    }
    let mut machine = Machine::open(WEB_SOCKET, MESSAGE_PACK);
    assert_eq!(machine.says(&packed(vec![7.into(), rmpv::Value::Nil])), b"");
    machine.is_over(End::Client);
}

#[test]
fn what_is_no_message_ends_the_connection_with_a_close() {
    let close = json!({"type": 7, "error": "Connection closed with an error.", "allowReconnect": true});
    for bad in [
        "",
        "x",
        "[]",
        "6",
        "{}",
        "{\"type\":\"6\"}",
        "{\"type\":6.5}",
        "{\"type\":6}{}",
        "{\"type\":1}",
        "{\"type\":1,\"target\":\"Void\"}",
        "{\"type\":1,\"target\":\"Void\",\"arguments\":{}}",
        "{\"type\":1,\"target\":7,\"arguments\":[]}",
        "{\"type\":1,\"invocationId\":7,\"target\":\"Void\",\"arguments\":[]}",
        "{\"type\":1,\"target\":\"Void\",\"arguments\":[],\"streamIds\":7}",
        "{\"type\":4,\"target\":\"Void\",\"arguments\":[]}",
        "\u{feff}{\"type\":6}",
    ] {
        let mut machine = Machine::open(WEB_SOCKET, JSON);
        // What is after it is not looked at.
        let said =
            machine.says(&[bad.as_bytes(), b"\x1e{\"type\":1,\"target\":\"Void\",\"arguments\":[]}\x1e"].concat());
        assert_eq!(serde_json::from_slice::<Value>(said.strip_suffix(b"\x1e").unwrap()).unwrap(), close, "{bad}");
        assert!(machine.calls.is_empty());
        machine.is_over(End::Malformed);
    }
    let fields = |fields: Vec<rmpv::Value>| packed(fields);
    for bad in [
        vec![0],
        vec![1, 0xc1],
        vec![1, 0x06],
        vec![2, 0x91, 0xc0],
        vec![3, 0x93, 0x01, 0x80],
        fields(vec![]),
        fields(vec![1.into()]),
        fields(vec![1.into(), rmpv::Value::Nil, rmpv::Value::Nil, "Void".into(), list(vec![]), list(vec![])]),
        fields(vec![1.into(), no_headers(), 7.into(), "Void".into(), list(vec![]), list(vec![])]),
        fields(vec![1.into(), no_headers(), rmpv::Value::Nil, 7.into(), list(vec![]), list(vec![])]),
        fields(vec![1.into(), no_headers(), rmpv::Value::Nil, "Void".into(), 7.into(), list(vec![])]),
        fields(vec![1.into(), no_headers(), rmpv::Value::Nil, "Void".into(), list(vec![]), 7.into()]),
        fields(vec![4.into(), no_headers(), rmpv::Value::Nil, "Void".into(), list(vec![]), list(vec![])]),
    ] {
        let mut machine = Machine::open(WEB_SOCKET, MESSAGE_PACK);
        let said = unpacked(&machine.says(&bad));
        assert_eq!(said.iter().map(as_json).collect::<Vec<_>>(), [json!([7, close["error"], true])], "{bad:?}");
        assert!(machine.calls.is_empty());
        machine.is_over(End::Malformed);
    }
}

#[test]
fn events_pings_and_closes_as_each_protocol_writes_them() {
    let now = seconds(0);
    let mut json = Machine::open(WEB_SOCKET, JSON);
    json.connection.publish(now, &event(300));
    assert_eq!(json.sent(now), told(300).as_bytes());
    json.connection.tick(seconds(15));
    assert_eq!(json.sent(seconds(15)), b"{\"type\":6}\x1e");
    json.connection.close(seconds(15), true);
    let close: Value = serde_json::from_slice(json.sent(now).strip_suffix(b"\x1e").unwrap()).unwrap();
    assert_eq!(close, json!({"type": 7, "allowReconnect": true}));
    json.is_over(End::Server);

    let mut binary = Machine::open(WEB_SOCKET, MESSAGE_PACK);
    binary.connection.publish(now, &event(300));
    // [1, {}, nil, "Told", [300], []]
    assert_eq!(binary.sent(now), b"\x0e\x96\x01\x80\xc0\xa4Told\x91\xcd\x01\x2c\x90");
    binary.connection.tick(seconds(15));
    assert_eq!(binary.sent(seconds(15)), b"\x02\x91\x06");
    binary.connection.close(seconds(15), false);
    assert_eq!(binary.sent(now), b"\x04\x93\x07\xc0\xc2");
    binary.is_over(End::Server);

    let long = signalr_hub::Publication::new(&"x".repeat(300), &[]);
    let record = long.record(Protocol::MessagePack);
    // A length of two bytes: 1 + 1 + 1 + 1 + 3 + 300 + 1 + 1 = 309
    assert_eq!(record[..2], [0x80 | (309 & 0x7f) as u8, (309 >> 7) as u8]);
    assert_eq!(as_json(&unpacked(record)[0]), json!([1, {}, null, "x".repeat(300), [], []]));
    let none = signalr_hub::Publication::new("a\"b", &[]);
    assert_eq!(none.record(Protocol::Json), &b"{\"type\":1,\"target\":\"a\\\"b\",\"arguments\":[]}\x1e"[..]);
}

#[test]
fn handshakes() {
    let says = |carrier, text: &str| {
        let mut machine = Machine::new(carrier);
        let said = machine.says(format!("{text}\x1e").as_bytes());
        let answer: Value = serde_json::from_slice(said.strip_suffix(b"\x1e").unwrap()).unwrap();
        if answer != json!({}) {
            machine.is_over(End::Handshake);
        }
        answer
    };
    for protocol in ["json", "messagepack"] {
        for version in 0..=2 {
            let handshake = format!(r#"{{"version":{version},"x":[],"protocol":"{protocol}"}}"#);
            assert_eq!(says(WEB_SOCKET, &handshake), json!({}));
        }
        let error = format!("The server does not support version 3 of the '{protocol}' protocol.");
        assert_eq!(says(WEB_SOCKET, &format!(r#"{{"protocol":"{protocol}","version":3}}"#)), json!({"error": error}));
    }
    let error = "The protocol 'xml' is not supported.";
    assert_eq!(says(WEB_SOCKET, r#"{"protocol":"xml","version":1}"#), json!({"error": error}));
    let error = "Cannot use the 'messagepack' protocol on the current transport. \
                 The transport does not support 'Binary' transfer format.";
    assert_eq!(says(TEXT_ONLY, r#"{"protocol":"messagepack","version":1}"#), json!({"error": error}));
    assert_eq!(says(TEXT_ONLY, r#"{"protocol":"json","version":1}"#), json!({}));
    let error = "The handshake is not a JSON object with a protocol and a version.";
    for bad in [
        "",
        "{}",
        "[]",
        "x",
        r#"{"protocol":"json"}"#,
        r#"{"version":1}"#,
        r#"{"protocol":1,"version":1}"#,
        r#"{"protocol":"json","version":"1"}"#,
        r#"{"protocol":"json","version":-1}"#,
        r#"{"protocol":"json","version":1.5}"#,
        r#"{"type":6}"#,
    ] {
        assert_eq!(says(WEB_SOCKET, bad), json!({"error": error}), "{bad}");
    }
}

/// The binary records may be right after the text of the handshake.
#[test]
fn calls_may_come_together_with_the_handshake() {
    let mut machine = Machine::new(WEB_SOCKET);
    let call = json!({"type": 1, "invocationId": "1", "target": "Void", "arguments": []});
    let said = machine.says(&[JSON, &record(&call)[..]].concat());
    assert!(said.starts_with(b"{}\x1e{"), "{}", String::from_utf8_lossy(&said));
    let mut machine = Machine::new(WEB_SOCKET);
    let call = vec![1.into(), no_headers(), "1".into(), "Void".into(), list(vec![]), list(vec![])];
    let said = machine.says(&[MESSAGE_PACK, &packed(call)[..]].concat());
    assert_eq!(said, b"{}\x1e\x06\x94\x03\x80\xa11\x02");
}

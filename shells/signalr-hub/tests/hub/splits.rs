//! However bytes are cut, the same comes of them.

use core::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use signalr_hub::{End, Limits};

use crate::support::{JSON, MESSAGE_PACK, Machine, TEXT_ONLY, WEB_SOCKET, packed, record};

/// A small limit, so that records meet it.
const LIMITS: Limits = Limits { record: 200, queue: 40, ..DEFAULT };

const DEFAULT: Limits = Limits {
    record: 0,
    waiting: 256 * 1024,
    input_rate: 64 * 1024,
    input_burst: 512 * 1024,
    caller_rate: 1024 * 1024,
    caller_burst: 8 * 1024 * 1024,
    unanswered: Duration::from_secs(60),
    queue: 0,
    write: Duration::from_secs(10),
    handshake: Duration::from_secs(15),
    keep_alive: Duration::from_secs(15),
    client: Duration::from_secs(30),
};

fn piece() -> impl Strategy<Value = Vec<u8>> {
    let id = prop_oneof![Just(Value::Null), "[0-9]{1,3}".prop_map(Value::from)];
    let target = prop_oneof![Just("Void"), Just("Echo"), Just("Nothing"), Just("Refuse")];
    let call = (prop_oneof![Just(1), Just(4)], id, target, vec("[a-z\u{1e}\"é]{0,9}", 0..3));
    let call = call.prop_map(|(kind, id, target, arguments)| {
        let text = record(&json!({"type": kind, "invocationId": id, "target": target, "arguments": arguments}));
        let id = id.as_str().map_or(rmpv::Value::Nil, Into::into);
        let arguments = arguments.into_iter().map(rmpv::Value::from).collect();
        let fields = [kind.into(), rmpv::Value::Map(vec![]), id, target.into(), rmpv::Value::Array(arguments)];
        (text, packed(fields.to_vec()))
    });
    prop_oneof![
        8 => (call, any::<bool>()).prop_map(|((text, binary), is_text)| if is_text { text } else { binary }),
        4 => prop_oneof![Just(b"{\"type\":6}\x1e".to_vec()), Just(b"\x02\x91\x06".to_vec())],
        1 => prop_oneof![Just(b"{\"type\":7}\x1e".to_vec()), Just(b"\x02\x91\x07".to_vec())],
        1 => vec(any::<u8>(), 0..20),
        1 => (150_usize..250).prop_map(|length| [&vec![b' '; length][..], b"{\"type\":6}\x1e"].concat()),
        1 => Just(b"\x1e".to_vec()),
    ]
}

fn whole() -> impl Strategy<Value = Vec<u8>> {
    let handshake = prop_oneof![6 => Just(JSON.to_vec()), 6 => Just(MESSAGE_PACK.to_vec()), 1 => piece()];
    (handshake, vec(piece(), 0..12)).prop_map(|(handshake, pieces)| [handshake, pieces.concat()].concat())
}

/// What came of bytes: what was called, what was said, and whether that was all.
type Outcome = (Vec<(String, Vec<Value>)>, Vec<u8>, Option<End>);

fn outcome(binary: bool, parts: impl Iterator<Item = Vec<u8>>) -> Outcome {
    let mut machine = Machine::with(LIMITS, if binary { WEB_SOCKET } else { TEXT_ONLY });
    for part in parts {
        machine.receive(Duration::ZERO, &part);
    }
    let said = machine.sent(Duration::ZERO);
    (machine.calls, said, machine.connection.end_reason())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Samples, since there is no end of bytes to enumerate; every cut of one by one is among them.
    #[test]
    fn of_any_bytes(bytes in whole(), binary in any::<bool>(), cuts in vec(1_usize..40, 1..30)) {
        let at_once = outcome(binary, core::iter::once(bytes.clone()));
        let one_by_one = outcome(binary, bytes.iter().map(|&byte| vec![byte]));
        prop_assert_eq!(&at_once, &one_by_one);
        let mut rest = &bytes[..];
        let parts = cuts.iter().cycle().map_while(|&cut| {
            let (part, behind) = rest.split_at_checked(cut).unwrap_or((rest, &[]));
            rest = behind;
            (!part.is_empty()).then(|| part.to_vec())
        });
        prop_assert_eq!(&at_once, &outcome(binary, parts));
        // Exactly one answer for each call with an id, and none without, as long as there is room.
        prop_assert!(at_once.0.len() <= bytes.len());
    }
}

//! Serde writes as our own writer writes, and reads as our own reader reads.
#![cfg(feature = "serde")]

use core::fmt::Debug;

use recording_core::decide::{Decision, SetFacts};
use recording_core::state::{MarkingState, RecordingState, SavingState};
use recording_core::wire::{
    CapabilitiesReply, CapabilitiesReplyBuf, CorrelationId, ErrorMessage, ErrorMessageBuf, ErrorReply, ErrorReplyBuf,
    ErrorType, EventBuf, Field, FieldErrorKind, Rejection, SetRequest, SetRequestBuf, SipUriBuf, StateReply,
    StateReplyBuf, UccName, UccNameBuf,
};
use recording_core::{Action, Event, Reply, Scratch, State};
use recording_test_support::{all_settings, report};
use serde::Serialize;
use serde::de::DeserializeOwned;

const NAMES: [&str; 4] = ["ucc-demo-name", "Größe & \"Co\" \\", "😀", "\u{7fff} x"];
const URIS: [&str; 3] = ["sip:agent@domain.com", "SIPS:a\"b\\c@d", "sip:pay.terminal@shop.example:5061;transport=tls"];

const fn id() -> CorrelationId {
    CorrelationId::from_u128(0x1d6c_6a58_6739_4f0c_98ff_0968_292c_8c30)
}

fn requests() -> Vec<SetRequestBuf> {
    let mut requests = Vec::new();
    for name in NAMES {
        for uri in URIS {
            for &action in Action::ALL {
                let (requester, ucc) = (uri.parse().expect("a URI"), name.parse().expect("a name"));
                requests.push(SetRequestBuf { action, requester, correlation_id: id(), ucc });
            }
        }
    }
    requests
}

/// What `serde_json` and, where it is there, serde-json-core write.
fn written_by_serde(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).expect("it is JSON");
    #[cfg(feature = "serde-json-core")]
    {
        let mut buffer = [0; 4096];
        let len = serde_json_core::to_slice(value, &mut buffer).expect("room");
        assert_eq!(str::from_utf8(&buffer[..len]), Ok(text.as_str()));
    }
    text
}

/// Written alike, by each form, and read again by serde to the same.
fn both_ways<T: Serialize, Owned: Serialize + DeserializeOwned + PartialEq + Debug>(
    ours: &[u8],
    borrowed: &T,
    owned: &Owned,
) {
    let ours = str::from_utf8(ours).expect("UTF-8");
    assert_eq!(written_by_serde(borrowed), ours);
    assert_eq!(written_by_serde(owned), ours);
    assert_eq!(serde_json::from_str::<Owned>(ours).expect(ours), *owned);
    // Any order, any case, unknown keys, every character as an escape.
    let serde_json::Value::Object(members) = serde_json::from_str(ours).expect(ours) else { panic!("{ours}") };
    let mut shuffled = String::from("{\"Unknown\":[1,{\"Action\":2}],");
    for (key, value) in members.iter().rev() {
        let escape = |text: &str| text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect::<String>();
        let value = value.as_str().map_or_else(|| value.to_string(), |text| format!("\"{}\"", escape(text)));
        shuffled += &format!("\n\"{}\" : {value} ,", escape(&key.to_ascii_uppercase()));
    }
    shuffled.pop();
    shuffled.push('}');
    assert_eq!(serde_json::from_str::<Owned>(&shuffled).expect(&shuffled), *owned);
}

#[test]
fn every_reply_and_event_that_a_set_can_have() {
    let (mut replies, mut events) = (0, 0);
    let sessions = State::ALL.into_iter().map(Some).chain([None]);
    let sessions: Vec<_> = sessions.collect();
    for request in requests() {
        let request = request.to_ref();
        for (settings, _) in all_settings() {
            // All states for one name and URI; for the others those that matter to the texts.
            let full = request.ucc.as_str() == NAMES[1] && request.requester.as_str() == URIS[1];
            for &session in if full { &sessions[..] } else { &sessions[34..] } {
                for requester_is_agent in [true, false] {
                    let facts = SetFacts { settings, requester_is_agent, session };
                    let reply = match request.decide(Some(facts)) {
                        Decision::Reply(answer) => answer.reply,
                        Decision::Change(pending) => {
                            let stored = pending.commit();
                            let mut buffer = [0; Event::MAX_LEN];
                            let ours = stored.event.write(&mut buffer).expect("room");
                            both_ways(ours, &stored.event, &EventBuf::from(stored.event));
                            assert_eq!(Event::read(ours, &mut [0; 64]), Ok(stored.event));
                            events += 1;
                            stored.reply
                        }
                    };
                    let mut buffer = [0; Reply::MAX_LEN];
                    let ours = reply.write(&mut buffer).expect("room");
                    both_ways(ours, &reply, &StateReplyBuf::try_from(reply).expect("short"));
                    assert_eq!(written_by_serde(&Reply::State(reply)).as_bytes(), ours);
                    assert_eq!(StateReply::read(ours, &mut [0; Reply::MAX_LEN]), Ok(reply));
                    replies += 1;
                }
            }
        }
    }
    report(format_args!("serde and own codec: {replies} replies and {events} events written and read alike"));
}

#[test]
fn requests_capabilities_errors_and_states() {
    for request in requests() {
        let mut buffer = [0; SetRequest::MAX_LEN];
        let ours = request.to_ref().write(&mut buffer).expect("room");
        both_ways(ours, &request.to_ref(), &request);
        assert_eq!(SetRequest::read(ours, &mut Scratch::new()), Ok(request.to_ref()));
        assert_eq!(SetRequestBuf::from(request.to_ref()), request);
    }
    for name in NAMES {
        let ucc = UccName::new(name).expect("a name");
        for error in [None, Some(recording_core::decide::Refusal::UnknownUcc { ucc }.into())] {
            for agent_can_edit_recordings in [true, false] {
                let reply = CapabilitiesReply { agent_can_edit_recordings, error, ucc };
                let mut buffer = [0; CapabilitiesReply::MAX_LEN];
                let ours = reply.write(&mut buffer).expect("room");
                both_ways(ours, &reply, &CapabilitiesReplyBuf::try_from(reply).expect("short"));
                assert_eq!(written_by_serde(&Reply::Capabilities(reply)).as_bytes(), ours);
                assert_eq!(CapabilitiesReply::read(ours, &mut [0; 512]), Ok(reply));
            }
        }
    }
    for error in
        [ErrorMessage::new(ErrorType::Other(-7), "a \" b \\ c / ü 😀 \n\t\u{7f}"), Rejection::UnknownPath.into()]
    {
        let reply = ErrorReply { error };
        let mut buffer = [0; 256];
        let ours = reply.write(&mut buffer).expect("room");
        both_ways(ours, &reply, &ErrorReplyBuf::try_from(reply).expect("short"));
        assert_eq!(ErrorReply::read(ours, &mut [0; 256]), Ok(reply));
    }
    let rejected = Reply::Rejected(Rejection::UnknownPath);
    let mut buffer = [0; Reply::MAX_LEN];
    assert_eq!(written_by_serde(&rejected).as_bytes(), rejected.write(&mut buffer).expect("room"));
    for state in State::ALL {
        let mut buffer = [0; State::DOCUMENT_LEN];
        let ours = state.write(&mut buffer).expect("room");
        both_ways(ours, &state, &state);
        assert_eq!(State::read(ours), Ok(state));
    }
}

/// A buffer that is too small at whatever place gives an error, and never half a document.
#[cfg(feature = "serde-json-core")]
#[test]
fn every_buffer_that_is_too_small() {
    let ucc = UccName::new("a\"b").expect("a name");
    let refusal = recording_core::decide::Refusal::UnknownUcc { ucc };
    let error = Some(ErrorMessage::from(refusal));
    let state = StateReply { correlation_id: id(), state: State::INITIAL, error, ucc };
    let capabilities = CapabilitiesReply { agent_can_edit_recordings: true, error, ucc };
    fn too_small(value: &impl Serialize) {
        let needed = serde_json::to_vec(value).expect("JSON").len();
        for len in 0..needed {
            assert!(serde_json_core::to_slice(value, &mut vec![0; len]).is_err(), "{len}");
        }
        assert_eq!(serde_json_core::to_slice(value, &mut vec![0; needed]), Ok(needed));
    }
    too_small(&state);
    too_small(&capabilities);
    too_small(&ErrorReply { error: refusal.into() });
    too_small(&Event { ucc, correlation_id: id(), action: Action::Mark });
    too_small(&requests()[0]);
    too_small(&State::INITIAL);
}

/// serde-json-core writes the hexadecimal digits of a control character as capitals. No field of ours may hold one, so
/// only a text from outside shows it.
#[test]
fn control_characters_are_the_one_difference() {
    let reply = ErrorReply { error: ErrorMessage::new(ErrorType::Validation, "\u{1f}") };
    let mut buffer = [0; 128];
    let ours = reply.write(&mut buffer).expect("room");
    assert_eq!(serde_json::to_vec(&reply).expect("JSON"), ours);
    assert!(ours.windows(6).any(|window| window == br"\u001f"));
    #[cfg(feature = "serde-json-core")]
    {
        let mut buffer = [0; 128];
        let len = serde_json_core::to_slice(&reply, &mut buffer).expect("room");
        assert!(buffer[..len].windows(6).any(|window| window == br"\u001F"));
    }
}

#[test]
fn fields_by_themselves() {
    for &action in Action::ALL {
        assert_eq!(serde_json::to_string(&action).expect("JSON"), action.code().to_string());
        assert_eq!(serde_json::from_str::<Action>(&action.code().to_string()).expect("an id"), action);
        let name = format!("\"{}\"", action.name().to_ascii_lowercase());
        assert_eq!(serde_json::from_str::<Action>(&name).expect("a name"), action);
    }
    for bad in ["0", "8", "-1", "1.0", "1e0", "10", "\"1\"", "true", "null", "\"Resume\"", "{}", "[1]", "{\"a\":1}"] {
        assert!(serde_json::from_str::<Action>(bad).is_err(), "{bad}");
    }
    assert_eq!(serde_json::from_str::<RecordingState>("3").expect("a code"), RecordingState::Paused);
    assert!(serde_json::from_str::<MarkingState>("3").is_err() && serde_json::from_str::<SavingState>("1.0").is_err());
    for code in [0, 1, 2, 3, -1, i32::MAX] {
        let error_type: ErrorType = serde_json::from_str(&code.to_string()).expect("a number");
        assert_eq!((error_type.code(), serde_json::to_string(&error_type).expect("JSON")), (code, code.to_string()));
    }
    assert_eq!(serde_json::to_string(&id()).expect("JSON"), "\"1d6c6a58-6739-4f0c-98ff-0968292c8c30\"");
    assert_eq!(
        serde_json::from_str::<CorrelationId>("\"{1D6C6A58-6739-4F0C-98FF-0968292C8C30}\"").expect("a GUID"),
        id()
    );
    assert_eq!(serde_json::from_str::<UccNameBuf>("\"\\u0041\"").expect("a name").as_str(), "A");
    assert!(serde_json::from_str::<UccNameBuf>("\"a/b\"").is_err());
    assert!(serde_json::from_str::<SipUriBuf>("\"agent@domain.com\"").is_err());
}

/// Without `arbitrary_precision` (which the tests turn on) serde gives numbers as integers.
#[test]
fn actions_as_plain_integers() {
    use serde::de::{Deserialize, IntoDeserializer, value::Error};
    let read = |id: i64| Action::deserialize(IntoDeserializer::<Error>::into_deserializer(id));
    for id in -1..=300 {
        assert_eq!(read(id).ok(), u8::try_from(id).ok().and_then(Action::from_code), "{id}");
    }
    let read = |id: u64| Action::deserialize(IntoDeserializer::<Error>::into_deserializer(id));
    assert_eq!(read(7), Ok(Action::UnMark));
    assert!(read(u64::MAX).is_err() && read(257).is_err());
}

#[test]
fn what_serde_refuses_it_names() {
    let good = r#"{"Action":1,"RequesterSipUri":"sip:a@b","CorrelationId":"1d6c6a58-6739-4f0c-98ff-0968292c8c30","UCCName":"u"}"#;
    assert!(serde_json::from_str::<SetRequestBuf>(good).is_ok());
    let cases = [
        (good.replace("\"Action\":1,", ""), "Action is missing"),
        (good.replace("{\"Action\":1", "{\"action\":1,\"ACTION\":2"), "Action is given more than once"),
        (good.replace("\"u\"", "\"\""), "UCCName is empty"),
        (good.replace("sip:a@b", "a@b"), "RequesterSipUri does not begin with sip: or sips:"),
        (good.replace("1d6c", "xxxx"), "CorrelationId is not a GUID"),
        (good.replace(":1,", ":8,"), "Action is not an integer from 1 to 7 or the name of an action"),
        (String::from("[1]"), "invalid type: sequence, expected an object"),
        (good.replace(":1,", ":true,"), "expected an integer from 1 to 7 or the name of an action"),
        (good.replace("\"sip:a@b\"", "7"), "expected a SIP URI"),
    ];
    for (bad, text) in cases {
        let error = serde_json::from_str::<SetRequestBuf>(&bad).expect_err(&bad).to_string();
        assert!(error.contains(text), "{bad}: {error}");
    }
    let long = "x".repeat(ErrorMessageBuf::MAX_TEXT_LEN + 1);
    let error = ErrorMessageBuf::new(ErrorType::Validation, &long).expect_err("too long");
    assert_eq!(error, FieldErrorKind::TooLong { max: 1024 }.of(Field::Message));
    let bad = format!(r#"{{"ErrorMessage":{{"ErrorType":1,"Message":"{long}"}}}}"#);
    let error = serde_json::from_str::<ErrorReplyBuf>(&bad).expect_err("too long").to_string();
    assert!(error.contains("Message is longer than 1024 bytes"), "{error}");
    assert!(ErrorMessageBuf::new(ErrorType::Validation, &long[1..]).is_ok());
    // As by our own reader.
    for spelt in ["-0", "1.0", "1e0", "2147483648"] {
        let bad = format!(r#"{{"ErrorMessage":{{"ErrorType":{spelt},"Message":"m"}}}}"#);
        assert!(serde_json::from_str::<ErrorReplyBuf>(&bad).is_err(), "{spelt}");
    }
}

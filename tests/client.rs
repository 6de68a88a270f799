//! What a client reads from a server that is not ours: other orders, other escapes, unknown keys.

use recording_core::state::{MarkingState, RecordingState, SavingState};
use recording_core::wire::json::Kind;
use recording_core::wire::{
    CapabilitiesReply, ErrorReply, ErrorType, Expected, Field, FieldErrorKind, ReadError, StateReply,
};
use recording_core::{Action, Event, State};

fn field(result: Result<impl core::fmt::Debug, ReadError>) -> (Field, FieldErrorKind) {
    match result {
        Err(ReadError::Field(error)) => (error.field, error.kind),
        other => panic!("{other:?}"),
    }
}

const STATE: &str = r#"{"CorrelationId":"1d6c6a58-6739-4f0c-98ff-0968292c8c30","RecordingState":0,"MarkingState":1,"SavingState":2,"ErrorMessage":null,"UCCName":"ucc-demo-name"}"#;

#[test]
fn a_state_reply_as_dotnet_writes_it() {
    let document = r#"{ "uccName" : "Gr\u00F6\u00dfe \u0026 \ud83d\ude00", "errorMessage" : { "helpLink": null,
        "message" : "No Audio session with correlation Id:\u00271d6c6a58-6739-4f0c-98ff-0968292c8c30\u0027 was found.",
        "errorType" : 2 }, "savingState" : 2, "markingState" : 1, "recordingState" : 3, "ids": [1, {"RecordingState": 9}],
        "correlationId" : "1D6C6A58-6739-4F0C-98FF-0968292C8C30" }"#;
    let mut buffer = [0; 128];
    let reply = StateReply::read(document.as_bytes(), &mut buffer).expect("it holds");
    assert_eq!(reply.ucc.as_str(), "Größe & 😀");
    assert_eq!(reply.state, State::new(RecordingState::Paused, MarkingState::Mark, SavingState::Delete));
    let error = reply.error.expect("an error");
    assert_eq!(error.error_type(), ErrorType::Validation);
    assert_eq!(
        error.text(),
        Some("No Audio session with correlation Id:'1d6c6a58-6739-4f0c-98ff-0968292c8c30' was found."),
    );
    assert_eq!(error.to_string(), error.text().expect("a text"));
    assert_eq!(reply.correlation_id.to_string(), "1d6c6a58-6739-4f0c-98ff-0968292c8c30");
}

#[test]
fn every_reply_that_lacks_a_key_or_has_one_twice() {
    let members: Vec<_> = STATE.trim_matches(['{', '}']).split(',').collect();
    let fields = [
        Field::CorrelationId,
        Field::RecordingState,
        Field::MarkingState,
        Field::SavingState,
        Field::ErrorMessage,
        Field::UccName,
    ];
    assert!(StateReply::read(STATE.as_bytes(), &mut []).is_ok());
    for (at, wanted) in fields.into_iter().enumerate() {
        let mut fewer = members.clone();
        fewer.remove(at);
        let document = format!("{{{}}}", fewer.join(","));
        assert_eq!(field(StateReply::read(document.as_bytes(), &mut [])), (wanted, FieldErrorKind::Missing));
        let document = format!("{{{},{}}}", members.join(","), members[at]);
        assert_eq!(field(StateReply::read(document.as_bytes(), &mut [])), (wanted, FieldErrorKind::Repeated));
    }
}

#[test]
fn values_that_mean_nothing() {
    let states = Expected::Recording;
    let axis = Expected::MarkingOrSaving;
    let not_one_of = |expected| FieldErrorKind::NotOneOf { expected };
    let wrong = |expected, got| FieldErrorKind::WrongType { expected, got };
    let cases = [
        ("\"RecordingState\":0", "\"RecordingState\":4", Field::RecordingState, not_one_of(states)),
        ("\"RecordingState\":0", "\"RecordingState\":0.0", Field::RecordingState, not_one_of(states)),
        ("\"RecordingState\":0", "\"RecordingState\":10", Field::RecordingState, not_one_of(states)),
        ("\"RecordingState\":0", "\"RecordingState\":\"Started\"", Field::RecordingState, wrong(states, Kind::String)),
        ("\"MarkingState\":1", "\"MarkingState\":3", Field::MarkingState, not_one_of(axis)),
        ("\"SavingState\":2", "\"SavingState\":-1", Field::SavingState, not_one_of(axis)),
        ("\"SavingState\":2", "\"SavingState\":null", Field::SavingState, wrong(axis, Kind::Null)),
        ("null", "\"x\"", Field::ErrorMessage, wrong(Expected::ObjectOrNull, Kind::String)),
        ("null", "{}", Field::ErrorType, FieldErrorKind::Missing),
        ("null", "{\"ErrorType\":1}", Field::Message, FieldErrorKind::Missing),
        ("null", "{\"ErrorType\":1,\"ErrorType\":1}", Field::ErrorType, FieldErrorKind::Repeated),
        ("null", "{\"ErrorType\":1.0,\"Message\":\"\"}", Field::ErrorType, not_one_of(Expected::ErrorType)),
        ("null", "{\"ErrorType\":9999999999,\"Message\":\"\"}", Field::ErrorType, not_one_of(Expected::ErrorType)),
        ("null", "{\"ErrorType\":\"1\",\"Message\":\"\"}", Field::ErrorType, wrong(Expected::Number, Kind::String)),
        ("null", "{\"ErrorType\":1,\"Message\":[]}", Field::Message, wrong(Expected::String, Kind::Array)),
        ("\"ucc-demo-name\"", "true", Field::UccName, wrong(Expected::String, Kind::Boolean)),
        ("\"ucc-demo-name\"", "\"\"", Field::UccName, FieldErrorKind::Empty),
        ("1d6c6a58-", "1d6c6a58", Field::CorrelationId, FieldErrorKind::NotAGuid),
    ];
    for (old, new, wanted, fault) in cases {
        assert_eq!(STATE.matches(old).count(), 1, "{old}");
        let document = STATE.replace(old, new);
        assert_eq!(field(StateReply::read(document.as_bytes(), &mut [0; 64])), (wanted, fault), "{new}");
    }
}

#[test]
fn an_unknown_error_type_is_kept() {
    for (code, error_type) in [(0, ErrorType::Other(0)), (-3, ErrorType::Other(-3)), (1, ErrorType::Configuration)] {
        let document = format!(r#"{{"ErrorMessage":{{"ErrorType":{code},"Message":"m"}}}}"#);
        let reply = ErrorReply::read(document.as_bytes(), &mut []).expect("it holds");
        assert_eq!((reply.error.error_type(), reply.error.error_type().code()), (error_type, code));
    }
    for spelt in ["-0", "1.0", "1e0", "2147483648"] {
        let document = format!(r#"{{"ErrorMessage":{{"ErrorType":{spelt},"Message":"m"}}}}"#);
        let wrong = (Field::ErrorType, FieldErrorKind::NotOneOf { expected: Expected::ErrorType });
        assert_eq!(field(ErrorReply::read(document.as_bytes(), &mut [])), wrong, "{spelt}");
    }
    assert_eq!(
        field(ErrorReply::read(br#"{"ErrorMessage":null}"#, &mut [])),
        (Field::ErrorMessage, FieldErrorKind::WrongType { expected: Expected::Object, got: Kind::Null }),
    );
    assert_eq!(field(ErrorReply::read(b"{}", &mut [])), (Field::ErrorMessage, FieldErrorKind::Missing));
}

#[test]
fn capabilities_and_events() {
    let document = br#"{"AgentCanEditRecordings":true,"ErrorMessage":null,"UCCName":"ucc_"}"#;
    let reply = CapabilitiesReply::read(document, &mut []).expect("the page's sample");
    assert!(reply.agent_can_edit_recordings && reply.error.is_none());
    let document = br#"{"AgentCanEditRecordings":1,"ErrorMessage":null,"UCCName":"ucc_"}"#;
    let wrong = FieldErrorKind::WrongType { expected: Expected::Boolean, got: Kind::Number };
    assert_eq!(field(CapabilitiesReply::read(document, &mut [])), (Field::AgentCanEditRecordings, wrong));

    for &action in Action::ALL {
        let id = "1d6c6a58-6739-4f0c-98ff-0968292c8c30";
        for spelt in [action.code().to_string(), format!("\"{action}\"")] {
            let document = format!(r#"{{"stateAction":{spelt},"correlationId":"{id}","uccName":"\u0061","v":1}}"#);
            let mut buffer = [0; 1];
            let event = Event::read(document.as_bytes(), &mut buffer).expect(&document);
            assert_eq!(
                (event.action, event.ucc.as_str(), event.correlation_id.to_string().as_str()),
                (action, "a", id)
            );
        }
    }
    let none = br#"{"StateAction":0,"CorrelationId":"1d6c6a58-6739-4f0c-98ff-0968292c8c30","UccName":"a"}"#;
    assert_eq!(field(Event::read(none, &mut [])).0, Field::StateAction);
}

#[test]
fn a_buffer_that_is_too_small_is_said_so() {
    let document = STATE.replace("null", r#"{"ErrorType":1,"Message":"\u0041\u0042"}"#).replace("ucc-demo", "\\u0075");
    for len in 0..8 {
        let mut buffer = vec![0; len];
        let result = StateReply::read(document.as_bytes(), &mut buffer);
        // Two bytes for the message, then six for the name.
        match len {
            0..2 => assert_eq!(field(result), (Field::Message, FieldErrorKind::TooLong { max: len as u32 })),
            2..8 => assert_eq!(field(result).0, Field::UccName),
            _ => assert!(result.is_ok()),
        }
    }
    assert!(StateReply::read(document.as_bytes(), &mut [0; 8]).is_ok());
}

#[test]
fn a_state_is_read_by_its_codes() {
    let good = br#"{"RecordingState":1,"MarkingState":0,"SavingState":0}"#;
    assert_eq!(State::read(good), Ok(State::INITIAL.with_recording(RecordingState::Started)));
    assert_eq!(
        field(State::read(br#"{"RecordingState":1,"MarkingState":0}"#)),
        (Field::SavingState, FieldErrorKind::Missing)
    );
    assert!(matches!(State::read(b"[]"), Err(ReadError::Json(_))));
}

//! Edges that little else comes near: what is said of inputs that no client sends, and spellings to the byte.

use recording_core::wire::RequestParts;
use recording_core::wire::{
    CapabilitiesReply, CapabilitiesRequest, Field, FieldErrorKind, ReadError, Rejection, SetRequest, StateReply,
    StateRequest, UccName, json,
};
use recording_core::{Request, Scratch};

/// What is written without percent codes needs no room: that it is no text is said of it at any length.
#[test]
fn names_that_are_no_text_are_said_to_be_none() {
    for len in [1, 64, 65, 500] {
        let target = [b"/attendantservice/api/recording/capabilities/", vec![0xff; len].as_slice()].concat();
        let read = Request::read(
            RequestParts { method: b"GET", target: &target, content_type: None, body: b"" },
            &mut Scratch::new(),
        )
        .map(|_| ());
        let expected = ReadError::Field(FieldErrorKind::NotUtf8.of(Field::UccName));
        assert_eq!(read, Err(Rejection::NotUnderstood(expected)), "{len}");
    }
}

/// A client percent-encodes what RFC 3986 does not call unreserved, with upper-case digits, and nothing else.
#[test]
fn targets_are_spelt_like_this() {
    for byte in (0x20..0x7f).filter(|&byte| byte != b'/') {
        let name = char::from(byte).to_string();
        let ucc = UccName::new(&name).expect("a name");
        let unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let spelt = if unreserved { name.clone() } else { format!("%{byte:02X}") };
        let mut buffer = [0; CapabilitiesRequest::MAX_TARGET_LEN];
        let written = CapabilitiesRequest { ucc }.write_target(&mut buffer).expect("room");
        let expected = format!("/attendantservice/api/recording/capabilities/{spelt}");
        assert_eq!(written, expected.as_bytes(), "{}", written.escape_ascii());
        let id = "1d6c6a58-6739-4f0c-98ff-0968292c8c30";
        let state = StateRequest { ucc, correlation_id: id.parse().expect("an id") };
        let mut buffer = [0; StateRequest::MAX_TARGET_LEN];
        let expected = format!("/attendantservice/api/recording/{spelt}/{id}");
        assert_eq!(state.write_target(&mut buffer), Ok(expected.as_bytes()));
    }
}

/// The longest id, the longest name and the longest URI, and no byte more: a device has one for each connection.
#[test]
fn room_for_one_of_each() {
    assert_eq!(size_of::<Scratch>(), "{1d6c6a58-6739-4f0c-98ff-0968292c8c30}".len() + 64 + 255);
}

/// A key that another document has means as little as one that none has: no value of it is taken for a field's.
#[test]
fn keys_of_other_documents_mean_nothing() {
    const ID: &str = r#""CorrelationId":"1d6c6a58-6739-4f0c-98ff-0968292c8c30""#;
    let set = format!(r#""Action":3,"RequesterSipUri":"sip:a@b",{ID},"UCCName":"u""#);
    let state =
        format!(r#"{ID},"RecordingState":1,"MarkingState":2,"SavingState":1,"ErrorMessage":null,"UCCName":"u""#);
    let capabilities = r#""AgentCanEditRecordings":true,"ErrorMessage":null,"UCCName":"u""#;
    let keys = ["Action", "RequesterSipUri", "RecordingState", "MarkingState", "SavingState", "CorrelationId"];
    let more = ["AgentCanEditRecordings", "ErrorMessage", "ErrorType", "Message", "Other"];
    for key in keys.iter().chain(&more) {
        for value in ["1", "true", "null", r#""other""#, r#""sip:c@d""#, "{}"] {
            for document in [&set, &state, capabilities] {
                if document.contains(&format!("\"{key}\"")) {
                    continue;
                }
                let bare = format!("{{{document}}}");
                for more in [format!(r#"{{"{key}":{value},{document}}}"#), format!(r#"{{{document},"{key}":{value}}}"#)]
                {
                    let (bare, more) = (bare.as_bytes(), more.as_bytes());
                    let (mut one, mut other) = ([0; 256], [0; 256]);
                    if *document == *set {
                        let (mut one, mut other) = (Scratch::new(), Scratch::new());
                        let read = SetRequest::read(bare, &mut one);
                        assert!(read.is_ok() && SetRequest::read(more, &mut other) == read, "{}", more.escape_ascii());
                    } else if *document == *state {
                        let read = StateReply::read(bare, &mut one);
                        assert!(read.is_ok() && StateReply::read(more, &mut other) == read, "{}", more.escape_ascii());
                    } else {
                        let read = CapabilitiesReply::read(bare, &mut one);
                        let with_more = CapabilitiesReply::read(more, &mut other);
                        assert!(read.is_ok() && with_more == read, "{}", more.escape_ascii());
                    }
                }
            }
        }
    }
}

#[test]
fn where_a_reader_stands_is_shown() {
    let mut object = json::read_object(br#"  {"a":1}"#).expect("an object");
    assert!(format!("{object:?}").contains("byte 3"), "{object:?}");
    assert!(matches!(object.next(), Ok(Some(_))));
    assert!(format!("{object:?}").contains("byte 8"), "{object:?}");
}

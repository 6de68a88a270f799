//! Every error text to the letter, and the longest replies and events there can be.

use recording_core::decide::Refusal;
use recording_core::state::Reason;
use recording_core::wire::json::{JsonError, JsonErrorKind, Kind, Token};
use recording_core::wire::{
    Allow, BufferTooSmall, CapabilitiesReply, CorrelationId, ErrorMessage, ErrorReply, ErrorType, Expected, Field,
    FieldErrorKind, ReadError, Rejection, SetRequest, SipUri, StateReply, StateRequest, UccName,
};
use recording_core::{Action, Event, Reply, State};

fn ucc() -> UccName<'static> {
    UccName::new("ucc-demo-name").expect("a name")
}

const fn id() -> CorrelationId {
    CorrelationId::from_u128(0x1d6c_6a58_6739_4f0c_98ff_0968_292c_8c30)
}

#[test]
fn what_a_recorder_did_not_do() {
    use recording_core::recorder::{NotDone, RecorderState};
    for &action in Action::ALL {
        let not_carried_out = |recorder| NotDone::NotCarriedOut { action, recorder };
        let about = |rest: &str| format!("Action:'{}' {rest}", action.name());
        let cases = [
            (not_carried_out(RecorderState::Recording), 1, about("was not carried out: the recorder is 'Recording'.")),
            (not_carried_out(RecorderState::Paused), 1, about("was not carried out: the recorder is 'Paused'.")),
            (not_carried_out(RecorderState::Off), 1, about("was not carried out: the recorder is 'Off'.")),
            (NotDone::NotConfirmed { action }, 1, about("is not confirmed by the recorder.")),
            (NotDone::Replaced { action }, 1, about("was replaced by another request.")),
            (NotDone::NoSuchCall, 1, "The recorder does not know the call.".to_owned()),
            (
                NotDone::NotPossible { action, ucc: ucc() },
                1,
                about("is not possible with the recorder of UCC:'ucc-demo-name'."),
            ),
            (
                NotDone::NotPossible { action, ucc: UccName::new("another").expect("a name") },
                1,
                about("is not possible with the recorder of UCC:'another'."),
            ),
            (
                NotDone::HeldBack,
                2,
                "Action:'Start' is held back: the recorder is held by another requester.".to_owned(),
            ),
            (NotDone::TooManyHolds, 2, "The recorder is held by as many requesters as it can be.".to_owned()),
        ];
        for (not_done, error_type, text) in &cases {
            let message = ErrorMessage::from(*not_done);
            assert_eq!((&not_done.to_string(), not_done.error_type().code()), (text, *error_type));
            let same = ErrorMessage::new(ErrorType::from_code(*error_type), text);
            assert_eq!(message, same);
            assert_eq!(same, message);
            assert_ne!(message, ErrorMessage::new(ErrorType::from_code(*error_type), ""));
            assert_eq!((message.error_type().code(), &message.to_string()), (*error_type, text));
            // One piece unless a name is in it.
            let is_whole = !matches!(not_done, NotDone::NotPossible { .. });
            assert_eq!(message.text(), is_whole.then_some(text.as_str()));
            for (other, ..) in &cases {
                assert_eq!(ErrorMessage::from(*other) == message, other == not_done);
            }
            for &another in Action::ALL {
                let other = ErrorMessage::from(NotDone::NotPossible { action: another, ucc: ucc() });
                assert_eq!(other == message, *not_done == NotDone::NotPossible { action: another, ucc: ucc() });
            }
            // On the wire as every other reply.
            let reply = StateReply { correlation_id: id(), state: State::INITIAL, error: Some(message), ucc: ucc() };
            let mut buffer = [0; Reply::MAX_LEN];
            let written = core::str::from_utf8(reply.write(&mut buffer).expect("room")).expect("UTF-8").to_owned();
            assert!(
                written.contains(&format!(r#""ErrorMessage":{{"ErrorType":{error_type},"Message":"{text}"}}"#)),
                "{written}"
            );
        }
    }
    // With the longest name that there is, every one of them written as an escape.
    let longest = "\"".repeat(64);
    let not_done = NotDone::NotPossible { action: Action::Start, ucc: UccName::new(&longest).expect("a name") };
    let error = Some(ErrorMessage::from(not_done));
    let reply = StateReply { correlation_id: id(), state: State::INITIAL, error, ucc: ucc() };
    assert!(reply.write(&mut [0; StateReply::MAX_LEN]).is_ok());
}

#[test]
fn refusals() {
    let requester = SipUri::new("sip:agent@domain.com").expect("a URI");
    let (ucc, correlation_id) = (ucc(), id());
    let not_allowed = |reason| Refusal::NotAllowed { action: Action::Pause, reason };
    let cases = [
        (Refusal::UnknownUcc { ucc }, 2, "No UCC with name:'ucc-demo-name' was found."),
        (Refusal::NotLicensed { ucc }, 1, "The license of UCC:'ucc-demo-name' does not include the recording API."),
        (Refusal::AudioRecordingOff { ucc }, 1, "UseAudioRecording is not enabled for UCC:'ucc-demo-name'."),
        (Refusal::EditingOff { ucc }, 1, "AgentCanEditAudioRecording is not enabled for UCC:'ucc-demo-name'."),
        (
            Refusal::NotAnAgent { requester, ucc },
            2,
            "Requester:'sip:agent@domain.com' is not an agent of UCC:'ucc-demo-name'.",
        ),
        (
            Refusal::UnknownSession { correlation_id },
            2,
            "No Audio session with correlation Id:'1d6c6a58-6739-4f0c-98ff-0968292c8c30' was found.",
        ),
        (not_allowed(Reason::Stopped), 2, "Action:'Pause' is not allowed while the recorder is 'Stopped'."),
        (not_allowed(Reason::NotStarted), 2, "Action:'Pause' is not allowed while the recorder is 'Uninitialized'."),
        (
            Refusal::Repeat { action: Action::UnMark, already: "Unmark" },
            2,
            "Action:'UnMark' would change nothing: the state is already 'Unmark'.",
        ),
    ];
    for (refusal, code, text) in cases {
        assert_eq!(refusal.to_string(), text);
        assert_eq!(refusal.error_type().code(), code);
        let error = ErrorMessage::from(refusal);
        assert_eq!(error, ErrorMessage::new(refusal.error_type(), text));
        assert_eq!(ErrorMessage::new(refusal.error_type(), text), error);
        assert_ne!(error, ErrorMessage::new(ErrorType::Other(3), text));
        assert_ne!(error, ErrorMessage::new(refusal.error_type(), &text[1..]));
        assert_ne!(error, ErrorMessage::new(refusal.error_type(), &format!("{text} ")));
        assert_ne!(error, ErrorMessage::from(Rejection::UnknownPath));
    }
    assert_eq!(Reason::Stopped.to_string(), "the recorder is Stopped");
}

fn faults() -> Vec<(FieldErrorKind, &'static str)> {
    vec![
        (FieldErrorKind::Missing, "is missing"),
        (FieldErrorKind::Repeated, "is given more than once"),
        (FieldErrorKind::WrongType { expected: Expected::String, got: Kind::Null }, "is null, expected a string"),
        (FieldErrorKind::NotOneOf { expected: Expected::Recording }, "is not an integer from 0 to 3"),
        (FieldErrorKind::Empty, "is empty"),
        (FieldErrorKind::TooLong { max: 64 }, "is longer than 64 bytes"),
        (FieldErrorKind::ControlCharacter, "contains a control character"),
        (FieldErrorKind::Slash, "contains '/'"),
        (FieldErrorKind::WhiteSpace, "contains white space"),
        (FieldErrorKind::NotAscii, "contains something else than ASCII"),
        (FieldErrorKind::NoSipScheme, "does not begin with sip: or sips:"),
        (FieldErrorKind::NoUserAtHost, "does not contain exactly one '@' with something on both sides"),
        (FieldErrorKind::NotAGuid, "is not a GUID"),
        (FieldErrorKind::PercentCode, "contains '%' without two hexadecimal digits"),
        (FieldErrorKind::NotUtf8, "is not UTF-8"),
    ]
}

fn json_errors() -> Vec<(JsonErrorKind, &'static str)> {
    vec![
        (JsonErrorKind::NotUtf8, "not UTF-8"),
        (JsonErrorKind::ByteOrderMark, "a byte order mark"),
        (JsonErrorKind::Expected(Token::Key), "expected a key"),
        (JsonErrorKind::ControlCharacter, "a control character in a string"),
        (JsonErrorKind::Escape, "not an escape sequence"),
        (JsonErrorKind::LoneSurrogate, "half of a surrogate pair"),
        (JsonErrorKind::TooDeep, "nested deeper than 16 levels"),
        (JsonErrorKind::TrailingText, "text behind the document"),
    ]
}

fn rejections() -> Vec<(Rejection, u16, Option<&'static str>, &'static str)> {
    vec![
        (Rejection::UnknownPath, 404, None, "There is nothing at this path."),
        (
            Rejection::MethodNotAllowed { allow: Allow::GetHead },
            405,
            Some("GET, HEAD"),
            "This path answers only to GET, HEAD.",
        ),
        (Rejection::MethodNotAllowed { allow: Allow::Post }, 405, Some("POST"), "This path answers only to POST."),
        (Rejection::UnsupportedMediaType, 415, None, "The Content-Type must be application/json."),
        (Rejection::BodyTooLarge, 413, None, "The body is longer than 2048 bytes."),
        (
            Rejection::from(FieldErrorKind::Missing.of(Field::Action)),
            400,
            None,
            "The request could not be understood: Action is missing.",
        ),
        (
            Rejection::from(JsonError { kind: JsonErrorKind::TrailingText, at: 1234 }),
            400,
            None,
            "The request could not be understood: invalid JSON at byte 1234: text behind the document.",
        ),
        (Rejection::Unauthorized, 401, None, "Authentication is required."),
        (Rejection::Forbidden, 403, None, "These credentials do not allow this."),
        (Rejection::TooManyRequests, 429, None, "There were too many requests."),
        (Rejection::NotStored, 503, None, "The new state could not be stored. Nothing was changed."),
        (
            Rejection::not_known(Action::Pause),
            503,
            None,
            "It is not known whether Action:'Pause' was stored: ask for the state.",
        ),
    ]
}

#[test]
fn an_action_that_may_have_been_stored() {
    for &action in Action::ALL {
        let text = format!("It is not known whether Action:'{}' was stored: ask for the state.", action.name());
        assert_eq!(Rejection::not_known(action).to_string(), text);
        for &other in Action::ALL {
            assert_eq!(Rejection::not_known(action) == Rejection::not_known(other), action == other);
        }
    }
}

#[test]
fn what_is_wrong_with_a_field() {
    let fields = [
        (Field::Action, "Action"),
        (Field::RequesterSipUri, "RequesterSipUri"),
        (Field::CorrelationId, "CorrelationId"),
        (Field::UccName, "UCCName"),
        (Field::RecordingState, "RecordingState"),
        (Field::MarkingState, "MarkingState"),
        (Field::SavingState, "SavingState"),
        (Field::ErrorMessage, "ErrorMessage"),
        (Field::ErrorType, "ErrorType"),
        (Field::Message, "Message"),
        (Field::AgentCanEditRecordings, "AgentCanEditRecordings"),
        (Field::StateAction, "StateAction"),
    ];
    for (field, name) in fields {
        assert_eq!((field.name(), field.to_string().as_str()), (name, name));
        assert_eq!(Field::from_name(&name.to_ascii_lowercase()), Some(field));
        for (fault, text) in faults() {
            assert_eq!(fault.to_string(), text);
            assert_eq!(fault.of(field).to_string(), format!("{name} {text}"));
            assert_eq!(ReadError::from(fault.of(field)).to_string(), format!("{name} {text}"));
        }
    }
    assert_eq!(Field::from_name("Ucc"), None);
    assert_eq!(BufferTooSmall { needed: 7, given: 3 }.to_string(), "the text takes 7 bytes, the buffer has 3");
}

#[test]
fn how_values_are_shown() {
    assert_eq!(recording_core::state::RepeatPolicy::Accept.to_string(), "accept");
    assert_eq!(recording_core::state::RepeatPolicy::Refuse.to_string(), "refuse");
    let name = recording_core::wire::UccNameBuf::from(ucc());
    let uri = recording_core::wire::SipUriBuf::new("sip:a@b").expect("a URI");
    assert_eq!((format!("{name}"), format!("{name:?}")), ("ucc-demo-name".into(), "\"ucc-demo-name\"".into()));
    assert_eq!((format!("{uri}"), format!("{uri:?}")), ("sip:a@b".into(), "\"sip:a@b\"".into()));
    let written = "1d6c6a58-6739-4f0c-98ff-0968292c8c30";
    assert_eq!((format!("{}", id()), format!("{:?}", id())), (written.into(), written.into()));
    assert_eq!(CorrelationId::try_from(written), Ok(id()));
    assert_eq!(CorrelationId::try_from("x"), Err(FieldErrorKind::NotAGuid.of(Field::CorrelationId)));
    let error = ErrorMessage::from(Rejection::UnknownPath);
    assert_eq!(format!("{error:?}"), "ErrorMessage(Validation, \"There is nothing at this path.\")");
    assert_eq!((error.text(), ErrorMessage::new(ErrorType::Validation, "x").text()), (None, Some("x")));
    assert_eq!(error, Rejection::UnknownPath.into());
    assert_ne!(error, Rejection::BodyTooLarge.into());
    let document = recording_core::wire::json::read_object(b"{}").expect("an object");
    assert!(format!("{document:?}").contains("byte 1"));
}

#[test]
fn what_is_expected() {
    let expected = [
        (Expected::String, "a string"),
        (Expected::Boolean, "a boolean"),
        (Expected::Number, "a number"),
        (Expected::Object, "an object"),
        (Expected::ObjectOrNull, "an object or null"),
        (Expected::Action, "an integer from 1 to 7 or the name of an action"),
        (Expected::Recording, "an integer from 0 to 3"),
        (Expected::MarkingOrSaving, "an integer from 0 to 2"),
        (Expected::ErrorType, "an integer of 32 bits"),
    ];
    for (expected, text) in expected {
        assert_eq!(FieldErrorKind::NotOneOf { expected }.to_string(), format!("is not {text}"));
        let kinds = [
            (Kind::Null, "null"),
            (Kind::Boolean, "a boolean"),
            (Kind::Number, "a number"),
            (Kind::String, "a string"),
            (Kind::Array, "an array"),
            (Kind::Object, "an object"),
        ];
        for (got, kind) in kinds {
            assert_eq!(FieldErrorKind::WrongType { expected, got }.to_string(), format!("is {kind}, expected {text}"));
        }
    }
    let tokens = [
        (Token::Object, "an object"),
        (Token::Key, "a key"),
        (Token::Colon, "':'"),
        (Token::Value, "a value"),
        (Token::CommaOrBrace, "',' or '}'"),
        (Token::CommaOrBracket, "',' or ']'"),
        (Token::Digit, "a digit"),
        (Token::EndOfString, "the end of the string"),
    ];
    for (token, text) in tokens {
        let error = JsonError { kind: JsonErrorKind::Expected(token), at: 3 };
        assert_eq!(error.to_string(), format!("invalid JSON at byte 3: expected {text}"));
    }
}

#[test]
fn what_is_wrong_with_json() {
    for (kind, text) in json_errors() {
        for at in [0, 9, 10, 2048, usize::MAX] {
            let error = JsonError { kind, at };
            assert_eq!(error.to_string(), format!("invalid JSON at byte {at}: {text}"));
            assert_eq!(ReadError::from(error).to_string(), error.to_string());
        }
    }
}

#[test]
fn rejections_with_status_and_allow() {
    for (rejection, status, allow, text) in rejections() {
        assert_eq!(rejection.to_string(), text);
        let reply = Reply::from(rejection);
        assert_eq!((reply.status(), reply.allow()), (status, allow), "{rejection:?}");
        assert_eq!(rejection.error_type().code(), if status == 503 { 1 } else { 2 });
        let mut buffer = [0; Reply::MAX_LEN];
        let code = rejection.error_type().code();
        let expected = format!(r#"{{"ErrorMessage":{{"ErrorType":{code},"Message":"{text}"}}}}"#);
        assert_eq!(str::from_utf8(reply.write(&mut buffer).expect("room")), Ok(expected.as_str()));
    }
}

#[test]
fn error_types_both_ways() {
    for code in (-1000..1000).chain([i32::MIN, i32::MAX]) {
        let error_type = ErrorType::from_code(code);
        assert_eq!(error_type.code(), code);
        let name = match code {
            1 => Some("Configuration"),
            2 => Some("Validation"),
            _ => None,
        };
        assert_eq!(error_type.name(), name);
        let reply = ErrorReply { error: ErrorMessage::new(error_type, "") };
        let mut buffer = [0; 64];
        let written = reply.write(&mut buffer).expect("room");
        assert_eq!(
            str::from_utf8(written),
            Ok(format!(r#"{{"ErrorMessage":{{"ErrorType":{code},"Message":""}}}}"#).as_str()),
        );
        assert_eq!(ErrorReply::read(written, &mut []), Ok(reply));
    }
}

/// The constants are not only large enough: the longest reply and event take exactly that many bytes.
#[test]
fn the_longest_replies_and_events() {
    let name = "\"".repeat(UccName::MAX_LEN);
    let ucc = UccName::new(&name).expect("a name");
    let uri = format!("sip:{}@\\", "\"".repeat(SipUri::MAX_LEN - 6));
    let requester = SipUri::new(&uri).expect("a URI");
    let mut buffer = [0; 2 * Reply::MAX_LEN];

    let longest = Refusal::NotAnAgent { requester, ucc };
    let state = StateReply { correlation_id: id(), state: State::INITIAL, error: Some(longest.into()), ucc };
    assert_eq!(state.write(&mut buffer).expect("room").len(), StateReply::MAX_LEN);
    assert_eq!(Reply::MAX_LEN, StateReply::MAX_LEN);
    let needed = StateReply::MAX_LEN;
    let too_small = BufferTooSmall { needed, given: needed - 1 };
    assert_eq!(state.write(&mut [0; StateReply::MAX_LEN - 1]), Err(too_small));

    let error = ErrorReply { error: longest.into() };
    assert_eq!(error.write(&mut buffer).expect("room").len(), ErrorReply::MAX_LEN);

    let error = Some(Refusal::UnknownUcc { ucc }.into());
    let capabilities = CapabilitiesReply { agent_can_edit_recordings: false, error, ucc };
    assert_eq!(capabilities.write(&mut buffer).expect("room").len(), CapabilitiesReply::MAX_LEN);

    let event = Event { ucc, correlation_id: id(), action: Action::UnMark };
    assert_eq!(event.write(&mut buffer).expect("room").len(), Event::MAX_LEN);

    let set = SetRequest { action: Action::UnMark, requester, correlation_id: id(), ucc };
    assert_eq!(set.write(&mut buffer).expect("room").len(), SetRequest::MAX_LEN);
    let name = "\u{10ffff}".repeat(16);
    let ucc = UccName::new(&name).expect("a name");
    let target = StateRequest { ucc, correlation_id: id() }.write_target(&mut buffer).expect("room").len();
    assert_eq!(target, StateRequest::MAX_TARGET_LEN);
}

/// Every text that a rejection can be made of fits, at the greatest offset and with the longest words.
#[test]
fn the_longest_rejections() {
    let mut rejections: Vec<_> = rejections().into_iter().map(|(rejection, ..)| rejection).collect();
    for (fault, _) in faults() {
        rejections.push(fault.of(Field::AgentCanEditRecordings).into());
    }
    let expected = Expected::Action;
    rejections.push(FieldErrorKind::NotOneOf { expected }.of(Field::Action).into());
    rejections.push(FieldErrorKind::WrongType { expected, got: Kind::Boolean }.of(Field::Action).into());
    rejections.push(FieldErrorKind::TooLong { max: u32::MAX }.of(Field::RequesterSipUri).into());
    for (kind, _) in json_errors() {
        rejections.push(JsonError { kind, at: usize::MAX }.into());
    }
    for rejection in rejections {
        let written = ErrorReply::from(rejection).write(&mut [0; 192]).map(<[u8]>::len);
        assert!(written.is_ok(), "{rejection:?}: {written:?}");
    }
}

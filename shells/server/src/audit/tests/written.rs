//! The lines, to the byte: readers that are not ours depend on them.

use recording_core::decide::Refusal;
use recording_core::state::{Disposition, MarkingState, RecordingState, SavingState};
use recording_core::wire::{
    CapabilitiesReply, CorrelationId, ErrorMessage, Rejection, SetRequest, SipUri, StateReply, UccName,
};
use recording_core::{Action, State};

use crate::audit::{Revisions, line};
use crate::caller::Caller;
use crate::occurrence::NotDone;
use crate::session::SessionKey;
use crate::store_error::StoreError;

const TIME: usize = "2026-11-25T22:10:00.123456Z".len();

/// What stands after the time, without the end of the line.
fn after_time(line: &[u8]) -> &str {
    let line = str::from_utf8(line).unwrap();
    let (time, rest) = line.strip_prefix(r#"{"Time":""#).unwrap().split_at(TIME);
    assert!(time.ends_with('Z') && time.as_bytes()[19] == b'.', "{time}");
    rest.strip_suffix("}\n").unwrap().strip_prefix("\",").unwrap()
}

/// A text with each kind of character that is escaped, and with some that are not.
const BAD: &str =
    "a\"\\/\u{0}\u{8}\u{9}\n\u{c}\r\u{1b}\u{7f}\u{85}\u{9f}\u{a0}\u{e9}\u{2027}\u{2028}\u{2029}\u{202a}\u{1f600}";
const BAD_IN_JSON: &str = r#"a\"\\/\u0000\u0008\u0009\u000a\u000c\u000d\u001b\u007f\u0085\u009f"#;

fn bad_in_json() -> String {
    format!("{BAD_IN_JSON}\u{a0}\u{e9}\u{2027}\\u2028\\u2029\u{202a}\u{1f600}")
}

#[test]
fn each_line_is_written_to_the_byte() {
    let id = CorrelationId::from_u128(0x1d6c_6a58_6739_4f0c_98ff_0968_292c_8c30);
    let ucc = UccName::new("ucc \"1\" \u{2028}").unwrap();
    let key = SessionKey::new(ucc, id);
    let address = "[2001:db8::1]:40214".parse().unwrap();
    let caller = Caller { address: Some(address), principal: Some("pay\u{85}ments") };
    let request = SetRequest {
        action: Action::Pause,
        requester: SipUri::new("sip:agent:secret@domain.com").unwrap(),
        correlation_id: id,
        ucc,
    };
    let started = State::new(RecordingState::Started, MarkingState::None, SavingState::None);
    let refusal = Refusal::NotAnAgent { requester: request.requester, ucc };
    let error = ErrorMessage::from(refusal);
    let who = r#""RemoteAddress":"[2001:db8::1]:40214","Principal":"pay\u0085ments""#;
    let session = r#""UCCName":"ucc \"1\" \u2028","CorrelationId":"1d6c6a58-6739-4f0c-98ff-0968292c8c30""#;
    let set = format!(
        r#""Call":"set",{who},"Record":"RecorderSetToPauseByAgent","Action":"Pause","RequesterSipUri":"sip:agent:***@domain.com",{session}"#
    );
    let lines = [
        (
            line::changed(&request, (started, State::INITIAL), caller).into_line(),
            format!(r#"{set},"Before":"Started/None/None","After":"Uninitialized/None/None","Outcome":"changed""#),
        ),
        (
            line::unchanged(&request, Some(started), caller),
            format!(r#"{set},"Before":"Started/None/None","Outcome":"unchanged""#),
        ),
        (line::unchanged(&request, None, caller), format!(r#"{set},"Outcome":"unchanged""#)),
        (
            line::refused(&request, None, &refusal, caller),
            format!(
                r#"{set},"Outcome":"refused","ErrorType":{},"Message":"{}""#,
                error.error_type().code(),
                error.to_string().replace("secret", "***").replace('"', "\\\"").replace('\u{2028}', "\\u2028")
            ),
        ),
        (
            line::not_stored(&request, &StoreError::new("full"), caller),
            format!(
                r#"{set},"Outcome":"not stored","ErrorType":{},"Message":"{}""#,
                ErrorMessage::from(Rejection::NotStored).error_type().code(),
                Rejection::NotStored
            ),
        ),
        (
            line::not_stored(&request, &StoreError::unknown("late"), caller),
            format!(r#"{set},"Outcome":"unknown","ErrorType":1,"Message":"{}""#, Rejection::not_known(request.action)),
        ),
        (
            line::not_permitted(&request, caller),
            format!(
                r#"{set},"Outcome":"refused","ErrorType":{},"Message":"{}""#,
                ErrorMessage::from(Rejection::Forbidden).error_type().code(),
                Rejection::Forbidden
            ),
        ),
        (
            line::already_open(&key, started, caller),
            format!(r#""Call":"begin",{who},{session},"Before":"Started/None/None","Outcome":"already open""#),
        ),
        (
            line::already_ended(&key, Disposition::Discard, caller),
            format!(r#""Call":"end",{who},{session},"Disposition":"Discard","Outcome":"already ended""#),
        ),
        (
            line::not_done("end", &key, &NotDone::Refused(Refusal::UnknownSession { correlation_id: id }), caller),
            format!(
                r#""Call":"end",{who},{session},"Outcome":"refused","ErrorType":2,"Message":"{}""#,
                Refusal::UnknownSession { correlation_id: id }
            ),
        ),
        (
            line::state(&StateReply { correlation_id: id, state: started, error: None, ucc }, Caller::default()),
            format!(r#""Call":"state",{session},"Before":"Started/None/None","Outcome":"read""#),
        ),
        (
            line::state(
                &StateReply { correlation_id: id, state: started, error: Some(Rejection::NotStored.into()), ucc },
                caller,
            ),
            format!(
                r#""Call":"state",{who},{session},"Outcome":"refused","ErrorType":{},"Message":"{}""#,
                ErrorMessage::from(Rejection::NotStored).error_type().code(),
                Rejection::NotStored
            ),
        ),
        (
            line::capabilities(&CapabilitiesReply { agent_can_edit_recordings: false, error: None, ucc }, caller),
            format!(
                r#""Call":"capabilities",{who},"UCCName":"ucc \"1\" \u2028","Outcome":"read","AgentCanEditRecordings":false"#
            ),
        ),
        (
            line::begun(&key, started, None, caller).into_line(),
            format!(r#""Call":"begin",{who},{session},"After":"Started/None/None","Outcome":"opened""#),
        ),
        (
            line::ended(&key, started, Disposition::Keep, caller).into_line(),
            format!(
                r#""Call":"end",{who},{session},"Before":"Started/None/None","Disposition":"Keep","Outcome":"ended""#
            ),
        ),
        (
            line::server("started", BAD, None),
            format!(
                r#""Call":"server","Version":"{}","Store":"{}","Outcome":"started""#,
                env!("CARGO_PKG_VERSION"),
                bad_in_json()
            ),
        ),
        (
            line::server("running", "file:x", Some(Revisions { id: u64::MAX, given: 9, stored: 8 })),
            format!(
                r#""Call":"server","Version":"{}","Store":"file:x","Outcome":"running","StoreId":18446744073709551615,"StoredRevision":8,"Revision":9"#,
                env!("CARGO_PKG_VERSION")
            ),
        ),
        (line::lost(7), r#""Call":"server","Outcome":"lost","Lines":7"#.to_owned()),
    ];
    for (line, expected) in lines {
        assert_eq!(after_time(&line), expected);
    }
}

#[test]
fn a_revision_is_the_last_of_its_line() {
    let key = SessionKey::new(UccName::new("ucc").unwrap(), CorrelationId::from_u128(1));
    let mut lines = Vec::new();
    line::begun(&key, State::INITIAL, None, Caller::default()).push_line(u64::MAX, &mut lines);
    line::Note::none().push_line(2, &mut lines);
    let begun = r#""Call":"begin","UCCName":"ucc","CorrelationId":"00000000-0000-0000-0000-000000000001","After":"Uninitialized/None/None","Outcome":"opened","Revision":18446744073709551615"#;
    assert_eq!(after_time(&lines), begun);
    lines.clear();
    line::withdrawn(3, BAD, &mut lines);
    let withdrawn = format!(r#""Call":"store","Message":"{}","Outcome":"withdrawn","Revision":3"#, bad_in_json());
    assert_eq!(after_time(&lines), withdrawn);
}

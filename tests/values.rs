//! How values are shown to programmers, where they stop, and small laws of them.

use core::fmt::{self, Write as _};

use recording_core::state::ActionSet;
use recording_core::wire::json::{self, Value};
use recording_core::wire::{
    CorrelationId, ErrorMessage, ErrorReply, ErrorReplyBuf, ErrorType, StateReply, StateReplyBuf, UccName,
};
use recording_core::{Action, Desk, Directory, Scratch, State};

/// A page that is full after so many bytes.
struct Page(usize);

impl fmt::Write for Page {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.checked_sub(text.len()).ok_or(fmt::Error)?;
        Ok(())
    }
}

/// Writes a value to pages of every size: it fits on those that are long enough and on no other.
fn says_when_a_page_is_full(value: &dyn fmt::Display) {
    let len = value.to_string().len();
    for room in 0..len {
        assert!(write!(Page(room), "{value}").is_err(), "{value}: {room}");
    }
    assert!(write!(Page(len), "{value}").is_ok());
}

#[test]
fn a_page_that_is_full_is_told_of() {
    says_when_a_page_is_full(&Action::ALL.iter().fold(ActionSet::EMPTY, |set, &action| set.with(action)));
    says_when_a_page_is_full(&State::INITIAL);
}

#[cfg(feature = "serde-json-core")]
#[test]
fn a_page_that_is_full_is_told_of_by_provisioning() {
    let documents: [&[u8]; 4] =
        [b"[]", br#"{"uccs":3}"#, br#"{"uccs":[{"name":""}]}"#, br#"{"uccs":[{"name":"a","agents":["x"]}]}"#];
    for document in documents {
        let error = Directory::<1, 1, 99>::new().load(document).expect_err("an error");
        says_when_a_page_is_full(&error);
    }
}

#[test]
fn a_set_has_an_action_once() {
    for &action in Action::ALL {
        let once = ActionSet::EMPTY.with(action);
        assert_eq!(once.with(action), once);
    }
}

#[test]
fn a_state_shows_its_axes() {
    for state in State::ALL {
        let (recording, marking, saving) = (state.recording(), state.marking(), state.saving());
        let expected = format!("State {{ recording: {recording:?}, marking: {marking:?}, saving: {saving:?} }}");
        assert_eq!(format!("{state:?}"), expected);
    }
}

#[test]
fn a_scratch_by_default_is_a_new_one() {
    assert_eq!(format!("{:?}", Scratch::default()), format!("{:?}", Scratch::new()));
}

#[test]
fn a_ucc_that_is_not_there_has_no_states() {
    let desk = Desk::<1, Directory<1, 1, 9>>::new(Directory::new());
    assert_eq!(desk.state(UccName::new("a").expect("a name"), CorrelationId::from_u128(1)), None);
}

#[test]
fn an_array_stays_over() {
    let Ok(Value::Array(mut array)) = json::read(b"[1]") else { panic!("an array") };
    assert!(array.next().is_some());
    for _ in 0..3 {
        assert!(array.next().is_none());
    }
}

#[test]
fn what_is_too_long_to_be_kept_is_told_of() {
    let text = "a".repeat(1025);
    let error = ErrorMessage::new(ErrorType::from_code(2), &text);
    let kept = ErrorReplyBuf::try_from(ErrorReply { error });
    let ucc = UccName::new("a").expect("a name");
    let reply =
        StateReply { correlation_id: CorrelationId::from_u128(1), state: State::INITIAL, error: Some(error), ucc };
    assert_eq!(StateReplyBuf::try_from(reply).map(|_| ()), kept.map(|_| ()));
    assert_eq!(StateReplyBuf::try_from(reply).expect_err("an error").to_string(), "Message is longer than 1024 bytes");
    let reply = recording_core::wire::CapabilitiesReply { agent_can_edit_recordings: false, error: Some(error), ucc };
    assert!(recording_core::wire::CapabilitiesReplyBuf::try_from(reply).is_err());
}

#[test]
fn a_value_that_is_none_is_no_error_type() {
    let mut buffer = [0; 64];
    let read = ErrorReply::read(br#"{"ErrorMessage":{"ErrorType":x,"Message":"m"}}"#, &mut buffer);
    assert!(read.is_err());
}

#[cfg(feature = "serde")]
#[test]
fn serde_stops_where_an_object_breaks_off() {
    use recording_core::wire::SetRequestBuf;

    for broken in ["{", r#"{"Action""#, r#"{"Other":tru"#, r#"{"Action":1,"#] {
        assert!(serde_json::from_str::<SetRequestBuf>(broken).is_err(), "{broken}");
    }
}

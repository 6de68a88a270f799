//! Laws that hold for whatever is put in: of transitions, of what is written and read back, of hostile bytes.

use core::fmt::Debug;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use recording_core::decide::{Decision, Refusal, SetFacts};
use recording_core::state::{Outcome, Reason, RepeatPolicy, SavingState};
use recording_core::wire::RequestParts;
use recording_core::wire::{
    BufferTooSmall, CapabilitiesReply, CapabilitiesRequest, CorrelationId, ErrorMessage, ErrorReply, ErrorType,
    SetRequest, SipUri, StateReply, StateRequest, UccName,
};
use recording_core::{Action, Event, Reply, Request, Scratch, Settings, State};
use recording_test_support::{codes, naive};

const SET: &[u8] = SetRequest::TARGET.as_bytes();
const JSON: Option<&[u8]> = Some(b"application/json");

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

fn state() -> impl Strategy<Value = State> {
    select(State::ALL.as_slice())
}

fn action() -> impl Strategy<Value = Action> {
    select(Action::ALL)
}

/// A name of 1 to 64 bytes, full of what a writer must not trip over.
fn name() -> impl Strategy<Value = String> {
    let odd = select(vec!['"', '\\', '%', '?', '#', ' ', '.', '\'', 'é', '\u{a0}', '\u{2028}', '\u{feff}', '😀', '{']);
    let any_char = any::<char>().prop_filter("no part of a name", |c| !c.is_control() && *c != '/');
    let chars = vec(prop_oneof![3 => odd, 2 => any_char, 3 => proptest::char::range('a', 'z')], 1..=64);
    let cut = |chars: Vec<char>| {
        chars.into_iter().fold(String::new(), |name, c| {
            if name.len() + c.len_utf8() > 64 { name } else { name + c.encode_utf8(&mut [0; 4]) }
        })
    };
    prop_oneof![9 => chars.prop_map(cut), 1 => select(vec!["capabilities", "set", "v2", ".", "..", "%", "a?b#c", "%63apabilities", "recording"]).prop_map(String::from)]
}

fn uri() -> impl Strategy<Value = String> {
    ("[sS][iI][pP][sS]?", "[!-?A-~]{1,124}", "[!-?A-~]{1,124}")
        .prop_map(|(scheme, user, host)| format!("{scheme}:{user}@{host}"))
}

fn id() -> impl Strategy<Value = CorrelationId> {
    any::<u128>().prop_map(CorrelationId::from_u128)
}

fn ucc(name: &str) -> UccName<'_> {
    name.try_into().expect(name)
}

fn sip(uri: &str) -> SipUri<'_> {
    uri.try_into().expect(uri)
}

/// Every kind of refusal there is.
fn refusals<'a>(
    action: Action,
    requester: SipUri<'a>,
    correlation_id: CorrelationId,
    ucc: UccName<'a>,
) -> Vec<Refusal<'a>> {
    let mut all = vec![
        Refusal::UnknownUcc { ucc },
        Refusal::NotLicensed { ucc },
        Refusal::AudioRecordingOff { ucc },
        Refusal::EditingOff { ucc },
        Refusal::NotAnAgent { requester, ucc },
        Refusal::UnknownSession { correlation_id },
    ];
    all.extend([Reason::NotStarted, Reason::Stopped].map(|reason| Refusal::NotAllowed { action, reason }));
    all.extend(["Started", "Save", "Unmark"].map(|already| Refusal::Repeat { action, already }));
    all
}

/// Writes into buffers of every interesting size: with room for all the text is always the same, with less the error
/// says what would do.
fn written(max: Option<usize>, write: impl Fn(&mut [u8]) -> Result<Vec<u8>, BufferTooSmall>) -> Vec<u8> {
    let needed = write(&mut []).expect_err("nothing is empty").needed;
    let text = write(&mut vec![0; needed]).expect("exactly enough");
    assert_eq!(text.len(), needed);
    assert_eq!(write(&mut vec![0xff; needed + 1]), Ok(text.clone()));
    for given in [0, 1, needed / 2, needed - 2, needed - 1] {
        assert_eq!(write(&mut vec![0; given]), Err(BufferTooSmall { needed, given }));
    }
    assert!(max.is_none_or(|max| needed <= max), "{needed} {max:?}");
    // A third reader says that it is JSON, on one line and without white space outside strings.
    let value: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    let mut surplus = text.len() - serde_json::to_string(&value).expect("JSON").len();
    surplus += text.iter().filter(|byte| byte.is_ascii_control()).count();
    assert_eq!(surplus, text.iter().filter(|byte| **byte == 0x7f).count(), "{}", String::from_utf8_lossy(&text));
    text
}

macro_rules! written {
    ($max:expr, $value:expr) => {
        written($max, |buffer| $value.write(buffer).map(<[u8]>::to_vec))
    };
}

/// What was written means the same when read.
fn read_back<T: PartialEq + Debug>(read: Result<T, impl Debug>, wanted: &T) {
    assert_eq!(&read.expect("understood"), wanted);
}

proptest! {
    #![proptest_config(config(2000))]

    #[test]
    fn a_sequence_is_the_fold_of_its_steps(begin in state(), actions in vec(action(), 0..60)) {
        let (mut real, mut model) = (begin, codes(begin));
        let mut decision = begin.saving();
        for &action in &actions {
            let outcome = real.apply(action);
            match (outcome, naive::step(model, action.code())) {
                (Outcome::Changed { from, to, .. }, naive::Step::Changed(after)) => {
                    prop_assert!(from == real && to != real);
                    model = after;
                }
                // Refused and unchanged leave the state alone.
                (Outcome::Unchanged { state, .. }, naive::Step::Unchanged) => prop_assert_eq!(state, real),
                (Outcome::Refused { state, .. }, naive::Step::Refused) => prop_assert_eq!(state, real),
                (outcome, step) => prop_assert!(false, "{outcome:?} {step:?}"),
            }
            let after = outcome.state();
            prop_assert_eq!(codes(after), model);
            // Of three axes at least the two that are not the action's own stay.
            let (recorder, saving) = (action.code() <= 3, matches!(action, Action::Save | Action::Delete));
            prop_assert!(recorder || after.recording() == real.recording());
            prop_assert!(saving || after.saving() == real.saving());
            prop_assert!(!(recorder || saving) || after.marking() == real.marking());
            // A second time the same action changes nothing: it is a repeat, or refused again.
            let again = after.apply(action);
            prop_assert_eq!(again.state(), after);
            prop_assert_eq!(matches!(again, Outcome::Refused { .. }), matches!(outcome, Outcome::Refused { .. }));
            decision = match action {
                Action::Save => SavingState::Save,
                Action::Delete => SavingState::Delete,
                _ => decision,
            };
            real = after;
        }
        prop_assert_eq!(real.saving(), decision);
        // An axis depends on its own actions only, so the others may as well not have been.
        let own = |codes: core::ops::RangeInclusive<u8>| {
            actions.iter().filter(|action| codes.contains(&action.code())).fold(begin, |state, a| state.apply(*a).state())
        };
        let apart = State::new(own(1..=3).recording(), own(6..=7).marking(), own(4..=5).saving());
        prop_assert_eq!(real, apart);
    }

    #[test]
    fn deciding_one_by_one_is_the_same_sequence(begin in state(), actions in vec(action(), 0..40), refuse: bool) {
        let repeats = if refuse { RepeatPolicy::Refuse } else { RepeatPolicy::Accept };
        let settings = Settings {
            recording_api_licensed: true,
            use_audio_recording: true,
            agent_can_edit_audio_recording: true,
            save_recording_by_default: false,
            repeats,
        };
        let mut stored = begin;
        for action in actions {
            let request = SetRequest { action, requester: sip("sip:a@b"), correlation_id: CorrelationId::from_u128(1), ucc: ucc("u") };
            let facts = SetFacts { settings, requester_is_agent: true, session: Some(stored) };
            let next = stored.apply(action).state();
            match request.decide(Some(facts)) {
                Decision::Change(pending) => {
                    prop_assert!(next != stored && pending.new_state() == next);
                    stored = pending.new_state();
                    prop_assert_eq!(pending.commit().reply.state, stored);
                }
                Decision::Reply(answer) => {
                    prop_assert!(next == stored && answer.reply.state == stored);
                    let accepted = !refuse && matches!(stored.apply(action), Outcome::Unchanged { .. });
                    prop_assert_eq!(answer.reply.error.is_none(), accepted);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn requests_and_events_are_read_back(action in action(), uri in uri(), id in id(), name in name()) {
        let request = SetRequest { action, requester: sip(&uri), correlation_id: id, ucc: ucc(&name) };
        let body = written!(Some(SetRequest::MAX_LEN), request);
        for scratch in [&mut Scratch::new(), &mut dirty_scratch()] {
            let read = SetRequest::read(&body, scratch).expect("understood");
            prop_assert_eq!(read, request);
            // Two URIs are equal without regard to case, but the spelling must stay.
            prop_assert_eq!(read.requester.as_str(), uri.as_str());
            prop_assert_eq!(written!(None, read), body.as_slice());
        }
        let read = Request::read(RequestParts { method: b"POST", target: SET, content_type: JSON, body: &body }, &mut Scratch::new()).map(|request| format!("{request:?}"));
        prop_assert_eq!(read, Ok(format!("Set({request:?})")));

        let event = Event { ucc: ucc(&name), correlation_id: id, action };
        let text = written!(Some(Event::MAX_LEN), event);
        read_back(Event::read(&text, &mut vec![0; text.len()]), &event);
    }

    #[test]
    fn replies_are_read_back(
        state in state(), action in action(), uri in uri(), id in id(), name in name(), code: i32, text: String, can_edit: bool,
    ) {
        let from_outside = ErrorMessage::new(ErrorType::from_code(code), &text);
        let ours = refusals(action, sip(&uri), id, ucc(&name)).into_iter().map(ErrorMessage::from);
        let errors = ours.map(|error| (Some(error), true)).chain([(None, true), (Some(from_outside), false)]);
        for (error, ours) in errors {
            let reply = StateReply { correlation_id: id, state, error, ucc: ucc(&name) };
            let bytes = written!(ours.then_some(StateReply::MAX_LEN), reply);
            let mut buffer = vec![0; bytes.len()];
            let read = StateReply::read(&bytes, &mut buffer).expect("understood");
            prop_assert_eq!(read, reply);
            prop_assert_eq!(reply, read);
            prop_assert_eq!(read.error.map(|e| e.to_string()), error.map(|e| e.to_string()));
            prop_assert_eq!(written!(None, read), bytes.as_slice());
            prop_assert_eq!(written!(None, Reply::State(reply)), bytes);

            let reply = CapabilitiesReply { agent_can_edit_recordings: can_edit, error, ucc: ucc(&name) };
            let bytes = written!(None, reply);
            read_back(CapabilitiesReply::read(&bytes, &mut vec![0; bytes.len()]), &reply);

            if let Some(error) = error {
                let bytes = written!(ours.then_some(ErrorReply::MAX_LEN), ErrorReply { error });
                read_back(ErrorReply::read(&bytes, &mut vec![0; bytes.len()]), &ErrorReply { error });
            }
        }
        let bytes = written!(Some(State::DOCUMENT_LEN), state);
        prop_assert_eq!(bytes.len(), State::DOCUMENT_LEN);
        read_back(State::read(&bytes), &state);
    }

    #[test]
    fn errors_are_equal_when_they_read_the_same(action in action(), uri in uri(), id in id(), name in name()) {
        let (lower, upper) = (uri.to_ascii_lowercase(), uri.to_ascii_uppercase());
        let texts: Vec<_> = [&uri, &lower, &upper].iter().flat_map(|uri| refusals(action, sip(uri), id, ucc(&name))).collect();
        let spelt: Vec<_> = texts.iter().map(ToString::to_string).collect();
        let mut errors: Vec<ErrorMessage<'_>> = texts.iter().map(|refusal| (*refusal).into()).collect();
        errors.extend(texts.iter().zip(&spelt).map(|(refusal, text)| ErrorMessage::new(refusal.error_type(), text)));
        let errors: Vec<_> = errors.into_iter().map(|error| (error, error.to_string())).collect();
        for one in &errors {
            for other in &errors {
                let same = one.0.error_type() == other.0.error_type() && one.1 == other.1;
                prop_assert_eq!(one.0 == other.0, same, "{:?} {:?}", one.0, other.0);
            }
        }
    }

    #[test]
    fn targets_are_read_back(id in id(), name in name(), method in select(vec!["GET", "HEAD"])) {
        let state = StateRequest { ucc: ucc(&name), correlation_id: id };
        let capabilities = CapabilitiesRequest { ucc: ucc(&name) };
        let targets = [
            state.write_target(&mut [0; StateRequest::MAX_TARGET_LEN]).expect("room").to_vec(),
            capabilities.write_target(&mut [0; CapabilitiesRequest::MAX_TARGET_LEN]).expect("room").to_vec(),
        ];
        for (target, wanted) in targets.iter().zip([Request::State(state), Request::Capabilities(capabilities)]) {
            // It may be in a request line, whatever the name holds.
            prop_assert!(target.iter().all(|b| b.is_ascii_alphanumeric() || b"-._~%/".contains(b)));
            for scratch in [&mut Scratch::new(), &mut dirty_scratch()] {
                prop_assert_eq!(Request::read(RequestParts { method: method.as_bytes(), target, content_type: None, body: b"\xff" }, scratch), Ok(wanted));
            }
            let query = [b"HTTPS://[::1]:8/".as_slice(), &target[1..], b"?/x".as_slice()].concat();
            let parts = RequestParts { method: b"GET", target: &query, content_type: JSON, body: b"" };
            let mut scratch = dirty_scratch();
            prop_assert_eq!(Request::read(parts, &mut scratch), Ok(wanted));
        }
        written_target(&targets[0], |buffer| state.write_target(buffer).map(<[u8]>::to_vec));
        written_target(&targets[1], |buffer| capabilities.write_target(buffer).map(<[u8]>::to_vec));
    }
}

/// As [`written`], for what is no JSON.
fn written_target(target: &[u8], write: impl Fn(&mut [u8]) -> Result<Vec<u8>, BufferTooSmall>) {
    let needed = target.len();
    for given in 0..needed {
        assert_eq!(write(&mut vec![0; given]), Err(BufferTooSmall { needed, given }));
    }
    assert_eq!(write(&mut vec![0; needed]).as_deref(), Ok(target));
}

/// Scratch that a request with the longest names has filled: "it needs no cleaning".
fn dirty_scratch() -> Scratch {
    let mut scratch = Scratch::new();
    let (uri, name) = (format!("\\u0073ip:a@{}", "\\u007e".repeat(249)), "\\u0022".repeat(64));
    let body = format!(
        r#"{{"Action":1,"RequesterSipUri":"{uri}","CorrelationId":"{}","UCCName":"{name}"}}"#,
        CorrelationId::from_u128(0)
    );
    SetRequest::read(body.as_bytes(), &mut scratch).expect("understood");
    scratch
}

#[test]
fn the_longest_of_all_fills_its_buffer() {
    let (uri, name) = (format!("sip:{}@{}", "\"".repeat(125), "\\".repeat(125)), "\"".repeat(64));
    let (requester, ucc, id) = (sip(&uri), ucc(&name), CorrelationId::from_u128(u128::MAX));
    let request = SetRequest { action: Action::UnMark, requester, correlation_id: id, ucc };
    assert_eq!(written!(None, request).len(), SetRequest::MAX_LEN);
    assert_eq!(written!(None, Event { ucc, correlation_id: id, action: Action::UnMark }).len(), Event::MAX_LEN);
    let error = Some(Refusal::NotAnAgent { requester, ucc }.into());
    let reply = StateReply { correlation_id: id, state: State::INITIAL, error, ucc };
    assert_eq!(written!(None, reply).len(), StateReply::MAX_LEN);
    assert_eq!(Reply::MAX_LEN, StateReply::MAX_LEN);
    let error = Some(Refusal::UnknownUcc { ucc }.into());
    let reply = CapabilitiesReply { agent_can_edit_recordings: false, error, ucc };
    assert_eq!(written!(None, reply).len(), CapabilitiesReply::MAX_LEN);
    let target = StateRequest { ucc, correlation_id: id }.write_target(&mut [0; 999]).expect("room").len();
    assert_eq!(target, StateRequest::MAX_TARGET_LEN);
    let target = CapabilitiesRequest { ucc }.write_target(&mut [0; 999]).expect("room").len();
    assert_eq!(target, CapabilitiesRequest::MAX_TARGET_LEN);
}

#[test]
fn every_character_to_escape_at_every_offset() {
    // What is written passes plain text a word at a time, too.
    for filler in ["a", "!", "#", "]", "\u{7f}", "é", "😀"] {
        for before in 0..=20 {
            for special in ('\0'..='\u{80}').map(String::from).chain(["\"\\".into(), "\\\0\"".into()]) {
                let text = format!("{}{special}{}", filler.repeat(before), filler.repeat(9));
                let mut buffer = [0; 1024];
                let reply = ErrorReply { error: ErrorMessage::new(ErrorType::Other(-7), &text) };
                let got = str::from_utf8(reply.write(&mut buffer).expect("room")).expect("UTF-8").to_owned();
                let message = naive::json_string(&text);
                assert_eq!(got, format!(r#"{{"ErrorMessage":{{"ErrorType":-7,"Message":{message}}}}}"#));
            }
        }
    }
}

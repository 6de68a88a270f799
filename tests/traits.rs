//! Laws of the traits: texts that are read back, and equality, order and hashes that agree.

use core::error::Error;
use core::fmt::{Debug, Display};
use core::hash::{Hash, Hasher};
use core::str::FromStr;
use std::collections::hash_map::DefaultHasher;

use recording_core::decide::Refusal;
use recording_core::state::{
    ActionSet, Disposition, MarkingState, Reason, RecordingState, RepeatPolicy, SavingState, UnknownCode,
};
use recording_core::wire::json::{JsonError, JsonErrorKind};
use recording_core::wire::{
    Allow, CorrelationId, ErrorMessage, ErrorType, Field, FieldError, FieldErrorKind, ReadError, Rejection, SipUri,
    SipUriBuf, UccName, UccNameBuf,
};
use recording_core::{Action, Settings, State};

/// Every set of actions, with its members as bits: bit 0 is `Start`.
fn sets() -> impl Iterator<Item = (ActionSet, u8)> {
    (0..1_u8 << Action::ALL.len()).map(|bits| {
        let members = Action::ALL.iter().copied().filter(|action| bits >> (action.code() - 1) & 1 == 1);
        (members.collect(), bits)
    })
}

#[test]
fn sets_of_actions_are_sets() {
    for (set, bits) in sets() {
        let members: Vec<_> = set.into_iter().collect();
        assert!(set.iter().eq(members.iter().copied()) && members.is_sorted());
        assert_eq!((set.len(), set.is_empty()), (bits.count_ones() as usize, bits == 0));
        assert_eq!(members.iter().map(|action| 1 << (action.code() - 1)).sum::<u8>(), bits);
        for &action in Action::ALL {
            assert!(set.with(action).contains(action) && !set.without(action).contains(action));
            assert_eq!(set.contains(action), set.with(action) == set);
            assert_eq!(set.contains(action), set.without(action) != set);
            assert_eq!(set.without(action).len() + 1, set.with(action).len());
        }
        for (other, other_bits) in sets() {
            let both: ActionSet =
                Action::ALL.iter().copied().filter(|&a| set.contains(a) || other.contains(a)).collect();
            let (mut extended, mut assigned) = (set, set);
            extended.extend(other);
            assigned |= other;
            assert_eq!([set | other, extended, assigned], [both; 3]);
            assert_eq!(set == other, bits == other_bits);
        }
    }
    assert_eq!(ActionSet::ALL, Action::ALL.iter().copied().collect());
    assert_eq!(ActionSet::ALL.len(), Action::ALL.len());
    assert_eq!((ActionSet::EMPTY, ActionSet::EMPTY.len()), (ActionSet::default(), 0));
}

/// What is shown is read back, in whatever case.
fn round_trip<T: FromStr<Err: Debug> + Display + PartialEq + Debug>(value: &T, in_any_case: bool) {
    let text = value.to_string();
    assert_eq!(&text.parse::<T>().expect("what was shown"), value);
    for other in [text.to_ascii_lowercase(), text.to_ascii_uppercase()] {
        let read = other.parse::<T>();
        assert_eq!(read.is_ok(), in_any_case || other == text, "{other}");
        assert!(read.is_err() || read.is_ok_and(|read| &read == value));
    }
    assert!(format!("{text} ").parse::<T>().is_err());
}

#[test]
fn what_is_shown_is_read_back() {
    State::ALL.iter().for_each(|state| round_trip(state, true));
    RecordingState::ALL.iter().for_each(|code| round_trip(code, true));
    MarkingState::ALL.iter().for_each(|code| round_trip(code, true));
    SavingState::ALL.iter().for_each(|code| round_trip(code, true));
    Action::ALL.iter().for_each(|code| round_trip(code, true));
    Disposition::ALL.iter().for_each(|code| round_trip(code, true));
    [RepeatPolicy::Accept, RepeatPolicy::Refuse].iter().for_each(|policy| round_trip(policy, false));
    for number in [0, 1, u128::MAX, 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210] {
        let id = CorrelationId::from_u128(number);
        round_trip(&id, true);
        let text = id.hyphenated();
        assert_eq!(
            (text.as_ref(), text.to_string(), id.to_string()),
            (text.as_str(), id.to_string(), text.to_string())
        );
    }
}

#[test]
fn what_is_no_state_is_not_read() {
    let parts = ["", "Started", "Mark", "Save", "None", "x"];
    let mut read = 0;
    for recording in parts {
        for marking in parts {
            for saving in parts {
                let text = format!("{recording}/{marking}/{saving}");
                let sound = recording == "Started"
                    && (marking == "Mark" || marking == "None")
                    && (saving == "Save" || saving == "None");
                assert_eq!(text.parse::<State>().is_ok(), sound, "{text}");
                assert!(format!("{text}/").parse::<State>().is_err());
                read += usize::from(sound);
            }
        }
        assert_eq!(recording.parse::<State>(), Err(UnknownCode { expected: "State" }));
        assert!(format!("Started/{recording}").parse::<State>().is_err());
        assert!(recording.parse::<RepeatPolicy>().is_err_and(|error| error.to_string() == "not a RepeatPolicy"));
    }
    assert_eq!(read, 4);
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Of all pairs: equal is ordered as equal and has the same hash, and the order of two turns round with them.
fn agree<T: Ord + Hash + Debug>(values: &[T]) {
    for one in values {
        for other in values {
            assert_eq!(one == other, one.cmp(other).is_eq(), "{one:?} {other:?}");
            assert_eq!(one.partial_cmp(other), Some(one.cmp(other)));
            assert_eq!(one.cmp(other), other.cmp(one).reverse(), "{one:?} {other:?}");
            assert_eq!(one == other, hash(one) == hash(other), "{one:?} {other:?}");
            for third in values {
                assert!(one > other || other > third || one <= third, "{one:?} {other:?} {third:?}");
            }
        }
    }
}

#[test]
fn equality_order_and_hashes_agree() {
    agree(&State::ALL);
    agree(Action::ALL);
    let uris = ["sip:a@b", "SIP:A@B", "sip:a@bc", "sips:a@b", "sip:B@a", "sip:b@A", "sip:a_@b", "sip:aZ@b"];
    let uris = uris.map(|uri| SipUriBuf::new(uri).expect(uri));
    agree(&uris);
    agree(&uris.each_ref().map(SipUriBuf::to_ref));
    assert!(uris[0] == uris[1] && uris[0].as_ref() != AsRef::<str>::as_ref(&uris[1].to_ref()));
    let names = ["a", "A", "ab", "é", "e", "a b", "\u{10ffff}"].map(|name| UccNameBuf::new(name).expect(name));
    agree(&names);
    agree(&names.each_ref().map(UccNameBuf::to_ref));
    for name in &names {
        assert_eq!(name.as_ref(), AsRef::<str>::as_ref(&name.to_ref()));
        assert_eq!((hash(name), &name.to_string().parse::<UccNameBuf>()), (hash(&name.to_ref()), &Ok(name.clone())));
    }
    agree(&[0, 1, 1 << 64, u128::MAX].map(CorrelationId::from_u128));
}

#[test]
fn errors_that_read_the_same_are_equal_and_hashed_alike() {
    let ucc = UccName::new("demo").expect("a name");
    let requesters = ["sip:a@b", "SIP:A@b"].map(|uri| SipUri::new(uri).expect(uri));
    let mut refusals: Vec<Refusal<'_>> = requesters.map(|requester| Refusal::NotAnAgent { requester, ucc }).into();
    refusals.extend([Refusal::UnknownUcc { ucc }, Refusal::NotLicensed { ucc }, Refusal::EditingOff { ucc }]);
    refusals.push(Refusal::NotAllowed { action: Action::Pause, reason: Reason::Stopped });
    refusals.push(Refusal::UnknownSession { correlation_id: CorrelationId::from_u128(1) });
    let rejections = [Rejection::NotStored, Rejection::MethodNotAllowed { allow: Allow::Post }];
    let own: Vec<ErrorMessage<'_>> =
        refusals.into_iter().map(ErrorMessage::from).chain(rejections.map(ErrorMessage::from)).collect();
    let texts: Vec<String> = own.iter().map(ToString::to_string).collect();
    let given = own.iter().zip(&texts).map(|(error, text)| ErrorMessage::new(error.error_type(), text));
    let other_type = texts.iter().map(|text| ErrorMessage::new(ErrorType::Other(7), text));
    let all: Vec<_> = own.iter().copied().chain(given).chain(other_type).collect();
    let mut equal = 0;
    for one in &all {
        for other in &all {
            let same = (one.error_type(), one.to_string()) == (other.error_type(), other.to_string());
            assert_eq!(one == other, same, "{one:?} {other:?}");
            assert_eq!(hash(one) == hash(other), same, "{one:?} {other:?}");
            equal += usize::from(same);
        }
    }
    assert_eq!(equal, own.len() * 4 + own.len());
}

#[test]
fn an_error_leads_to_its_source() {
    let json = JsonError { kind: JsonErrorKind::TooDeep, at: 3 };
    let field = FieldError { field: Field::UccName, kind: FieldErrorKind::Empty };
    let deepest = |error: &dyn Error| {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            text = error.to_string();
            source = error.source();
        }
        text
    };
    assert_eq!(deepest(&Rejection::NotUnderstood(ReadError::from(json))), json.to_string());
    assert_eq!(deepest(&Rejection::NotUnderstood(ReadError::from(field))), field.to_string());
    assert_eq!(deepest(&ReadError::from(json)), json.to_string());
    // The text of each is that of its source: so whether there is one is asked, too.
    for error in [ReadError::from(json), ReadError::from(field)] {
        assert!(error.source().is_some_and(|source| source.to_string() == error.to_string()), "{error:?}");
    }
    assert!(Rejection::from(json).source().is_some_and(|source| source.to_string() == json.to_string()));
    for rejection in [Rejection::UnknownPath, Rejection::NotStored, Rejection::MethodNotAllowed { allow: Allow::Post }]
    {
        assert!(rejection.source().is_none());
    }
}

#[test]
fn settings_are_their_switches() {
    for (settings, _) in recording_test_support::all_settings() {
        let switches = settings.switches();
        assert_eq!(Settings::from_switches(switches, settings.repeats), settings);
        let values = [
            settings.recording_api_licensed,
            settings.use_audio_recording,
            settings.agent_can_edit_audio_recording,
            settings.save_recording_by_default,
        ];
        assert_eq!(switches, values);
    }
}

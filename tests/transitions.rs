//! The 252 cells, each against the table of the specification, which is not derived from the code.

use recording_core::state::{Disposition, MarkingState, Outcome, RecordingState, SavingState};
use recording_core::{Action, State};
use recording_test_support::{codes, naive, report};

const TABLE: &str = include_str!("vectors/transitions.csv");

#[test]
fn every_cell_of_the_table() {
    let mut seen = std::collections::BTreeSet::new();
    let (mut changed, mut unchanged, mut refused) = (0, 0, 0);
    for line in TABLE.lines().skip(1) {
        let columns: Vec<_> = line.split(',').collect();
        let &[recording, marking, saving, action, outcome, recording_after, marking_after, saving_after] =
            columns.as_slice()
        else {
            panic!("{line}")
        };
        let state = |recording: &str, marking: &str, saving: &str| {
            State::new(
                recording.parse::<RecordingState>().expect(line),
                marking.parse::<MarkingState>().expect(line),
                saving.parse::<SavingState>().expect(line),
            )
        };
        let before = state(recording, marking, saving);
        let after = state(recording_after, marking_after, saving_after);
        let action: Action = action.parse().expect(line);
        assert!(seen.insert((before, action)), "twice: {line}");

        let got = before.apply(action);
        assert_eq!(got.state(), after, "{line}");
        match (outcome, got) {
            ("changed", Outcome::Changed { from, to, action: told }) => {
                assert_eq!((from, to, told), (before, after, action), "{line}");
                changed += 1;
            }
            ("unchanged", Outcome::Unchanged { state, action: told }) => {
                assert_eq!((state, told), (before, action), "{line}");
                unchanged += 1;
            }
            ("refused", Outcome::Refused { state, action: told, reason }) => {
                assert_eq!((state, told, reason.recorder()), (before, action, before.recording()), "{line}");
                refused += 1;
            }
            _ => panic!("{line}: {got:?}"),
        }
        assert_eq!(before.allowed().contains(action), outcome != "refused", "{line}");
        assert_eq!(before.changing().contains(action), outcome == "changed", "{line}");
    }
    assert_eq!(seen.len(), State::ALL.len() * Action::ALL.len());
    assert_eq!((changed, unchanged, refused), (150, 75, 27));
    report(format_args!(
        "transition table: {} cells, {changed} changed, {unchanged} unchanged, {refused} refused",
        seen.len()
    ));
}

#[test]
fn the_naive_model_agrees() {
    for state in State::ALL {
        for &action in Action::ALL {
            let expected = match state.apply(action) {
                Outcome::Changed { to, .. } => naive::Step::Changed(codes(to)),
                Outcome::Unchanged { .. } => naive::Step::Unchanged,
                Outcome::Refused { .. } => naive::Step::Refused,
            };
            assert_eq!(naive::step(codes(state), action.code()), expected, "{state} {action}");
        }
    }
}

#[test]
fn bytes_are_the_36_states_and_nothing_else() {
    let decoded: Vec<_> = (0..=u8::MAX).filter_map(State::from_byte).collect();
    assert_eq!(decoded, State::ALL);
    for state in State::ALL {
        assert_eq!(State::from_byte(state.to_byte()), Some(state));
        assert_eq!(State::new(state.recording(), state.marking(), state.saving()), state);
        let (recording, marking, saving) = codes(state);
        assert_eq!(state.to_byte(), recording | marking << 2 | saving << 4);
        assert_eq!(state.to_string(), format!("{}/{}/{}", state.recording(), state.marking(), state.saving()));
    }
    assert_eq!(size_of::<State>(), 1);
    assert_eq!(size_of::<Option<State>>(), 1);
    assert_eq!(State::default(), State::INITIAL);
    assert_eq!(codes(State::INITIAL), (0, 0, 0));
}

#[test]
fn each_axis_is_set_alone() {
    for state in State::ALL {
        for &recording in RecordingState::ALL {
            assert_eq!(state.with_recording(recording), State::new(recording, state.marking(), state.saving()));
        }
        for &marking in MarkingState::ALL {
            assert_eq!(state.with_marking(marking), State::new(state.recording(), marking, state.saving()));
        }
        for &saving in SavingState::ALL {
            assert_eq!(state.with_saving(saving), State::new(state.recording(), state.marking(), saving));
        }
    }
}

/// Number and name of every code, both ways, for all numbers there are.
macro_rules! codes_both_ways {
    ($Type:ty, $first:literal, $names:expr) => {
        let names: &[&str] = &$names;
        assert_eq!(<$Type>::ALL.len(), names.len());
        for code in 0..=u8::MAX {
            let name = code.checked_sub($first).and_then(|at| names.get(usize::from(at)));
            let value = <$Type>::from_code(code);
            assert_eq!(value.map(<$Type>::name), name.copied());
            assert_eq!(value, <$Type>::try_from(code).ok());
            if let Some(value) = value {
                assert_eq!((value.code(), u8::from(value)), (code, code));
                assert_eq!(value.to_string(), value.name());
                assert_eq!(value.name().parse(), Ok(value));
                assert_eq!(<$Type>::from_name(&value.name().to_ascii_uppercase()), Some(value));
                assert_eq!(<$Type>::from_name(&format!("{value} ")), None);
            }
        }
        assert_eq!(<$Type>::from_name(""), None);
    };
}

#[test]
fn codes_and_names() {
    codes_both_ways!(RecordingState, 0, naive::RECORDING);
    codes_both_ways!(MarkingState, 0, naive::MARKING);
    codes_both_ways!(SavingState, 0, naive::SAVING);
    codes_both_ways!(Action, 1, ["Start", "Stop", "Pause", "Save", "Delete", "Mark", "UnMark"]);
    codes_both_ways!(Disposition, 0, ["NothingRecorded", "Discard", "Keep"]);
    assert_eq!("Resume".parse::<Action>().unwrap_err().to_string(), "not a Action");
    for &action in Action::ALL {
        assert_eq!(action.audit_name(), format!("RecorderSetTo{action}ByAgent"));
        assert_eq!(action.audit_name(), naive::AUDIT[usize::from(action.code()) - 1]);
    }
}

#[test]
fn the_end_of_every_session() {
    for state in State::ALL {
        for by_default in [false, true] {
            let got = Disposition::of(state, by_default);
            assert_eq!(got.name(), naive::disposition(codes(state), by_default), "{state} {by_default}");
        }
    }
}

#[test]
fn sets_of_actions() {
    for bits in 0..128_u8 {
        let wanted: Vec<_> = Action::ALL.iter().copied().filter(|a| bits >> (a.code() - 1) & 1 == 1).collect();
        let set = wanted.iter().fold(recording_core::state::ActionSet::EMPTY, |set, &action| set.with(action));
        assert_eq!(set.iter().collect::<Vec<_>>(), wanted);
        assert_eq!((set.len(), set.is_empty()), (wanted.len(), wanted.is_empty()));
        let names: Vec<_> = wanted.iter().map(|action| action.name()).collect();
        assert_eq!(set.to_string(), names.join(" "));
        assert_eq!(format!("{set:?}"), format!("{{{}}}", names.join(", ")));
    }
}

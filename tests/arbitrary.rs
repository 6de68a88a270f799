//! What a fuzzer makes of bytes: all values there are, and no others.
#![cfg(feature = "arbitrary")]

use std::collections::BTreeSet;

use arbitrary::{Arbitrary, Unstructured};
use recording_core::trace::{SESSIONS, Step};
use recording_core::{Repeats, State, UccName, UccNameBuf};

/// All values that two bytes make.
fn made<T: for<'a> Arbitrary<'a>>() -> impl Iterator<Item = T> {
    let bytes = (0..=u16::MAX).map(u16::to_le_bytes);
    bytes.map(|bytes| T::arbitrary(&mut Unstructured::new(&bytes)).expect("zeros stand in for what is missing"))
}

#[test]
fn every_state_and_both_policies() {
    assert_eq!(made::<State>().collect::<BTreeSet<_>>(), State::ALL.into_iter().collect());
    assert!(made::<Repeats>().any(|repeats| repeats == Repeats::Accept));
    assert!(made::<Repeats>().any(|repeats| repeats == Repeats::Refuse));
}

#[test]
fn every_kind_of_step_for_every_session() {
    let mut sessions = [const { BTreeSet::new() }; 4];
    let mut capabilities = 0;
    for step in made::<Step>() {
        let (kind, session) = match step {
            Step::Set { session, .. } => (0, session),
            Step::Begin { session, .. } => (1, session),
            Step::End { session } => (2, session),
            Step::Read { session } => (3, session),
            Step::Capabilities => {
                capabilities += 1;
                continue;
            }
        };
        sessions[kind].insert(session);
    }
    for of_kind in sessions {
        assert_eq!(of_kind, (0..SESSIONS).collect());
    }
    assert!(capabilities > 0);
}

#[test]
fn names_are_as_long_as_they_may_be() {
    let name = UccNameBuf::arbitrary(&mut Unstructured::new(&[b'a'; 200])).expect("a name");
    assert_eq!(name.as_str(), "a".repeat(UccName::MAX_LEN));
}

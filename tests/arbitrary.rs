//! What a fuzzer makes of bytes: all values there are, and no others.
#![cfg(feature = "arbitrary")]

use std::collections::BTreeSet;

use arbitrary::{Arbitrary, Unstructured};
use recording_core::State;
use recording_core::state::RepeatPolicy;
use recording_core::wire::{UccName, UccNameBuf};

/// All values that two bytes make.
fn made<T: for<'a> Arbitrary<'a>>() -> impl Iterator<Item = T> {
    let bytes = (0..=u16::MAX).map(u16::to_le_bytes);
    bytes.map(|bytes| T::arbitrary(&mut Unstructured::new(&bytes)).expect("zeros stand in for what is missing"))
}

#[test]
fn every_state_and_both_policies() {
    assert_eq!(made::<State>().collect::<BTreeSet<_>>(), State::ALL.into_iter().collect());
    assert!(made::<RepeatPolicy>().any(|repeats| repeats == RepeatPolicy::Accept));
    assert!(made::<RepeatPolicy>().any(|repeats| repeats == RepeatPolicy::Refuse));
}

#[test]
fn names_are_as_long_as_they_may_be() {
    let name = UccNameBuf::arbitrary(&mut Unstructured::new(&[b'a'; 200])).expect("a name");
    assert_eq!(name.as_str(), "a".repeat(UccName::MAX_LEN));
}

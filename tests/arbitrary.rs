//! What a fuzzer makes of bytes: all values there are, and no others.
#![cfg(feature = "arbitrary")]

use std::collections::BTreeSet;

use arbitrary::{Arbitrary, Unstructured};
use recording_core::recorder::{Channel, Epoch, Holder, Input, Moment, Number, Order, RecorderState, ResumePolicy};
use recording_core::state::{Disposition, RepeatPolicy};
use recording_core::wire::{
    CapabilitiesReply, CapabilitiesReplyBuf, ErrorReply, ErrorReplyBuf, EventBuf, SetRequest, SetRequestBuf, SipUri,
    SipUriBuf, StateReply, StateReplyBuf, UccName, UccNameBuf,
};
use recording_core::{Event, Scratch, Settings, State};

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
    let name = UccNameBuf::arbitrary(&mut Unstructured::new("é".repeat(100).as_bytes())).expect("a name");
    assert_eq!(name.as_str(), "é".repeat(UccName::MAX_LEN / 2));
}

/// What is made of many pages of bytes that look like chance.
fn many<T: for<'a> Arbitrary<'a>>(mut each: impl FnMut(T)) {
    let mut number = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..500 {
        let page: Vec<u8> = (0..700)
            .map(|_| {
                number = number.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                // Letters often, and sometimes anything.
                let byte = (number >> 56) as u8;
                if number >> 32 & 3 == 0 { byte } else { b'a' + byte % 26 }
            })
            .collect();
        each(T::arbitrary(&mut Unstructured::new(&page)).expect("a value"));
    }
}

/// Every wire type: what is made can be written, and reads as it was.
macro_rules! made_is_written_and_read {
    ($($test:ident: $Owned:ty, $read:expr;)+) => {
        $(
            #[test]
            fn $test() {
                let mut texts = BTreeSet::new();
                many(|made: $Owned| {
                    let mut buffer = vec![0; 10_000];
                    let text = made.to_ref().write(&mut buffer).expect("room").to_vec();
                    let mut scratch = vec![0; text.len()];
                    let read: fn(&[u8], &mut [u8], &$Owned) -> bool = $read;
                    assert!(read(&text, &mut scratch, &made), "{}", String::from_utf8_lossy(&text));
                    texts.insert(text);
                });
                assert!(texts.len() > 50, "{}", texts.len());
            }
        )+
    };
}

made_is_written_and_read! {
    sets: SetRequestBuf, |text, _, made| {
        SetRequest::read(text, &mut Scratch::new()).is_ok_and(|read| read == made.to_ref())
    };
    state_replies: StateReplyBuf, |text, room, made| StateReply::read(text, room).is_ok_and(|read| read == made.to_ref());
    capabilities_replies: CapabilitiesReplyBuf, |text, room, made| {
        CapabilitiesReply::read(text, room).is_ok_and(|read| read == made.to_ref())
    };
    error_replies: ErrorReplyBuf, |text, room, made| ErrorReply::read(text, room).is_ok_and(|read| read == made.to_ref());
    events: EventBuf, |text, room, made| Event::read(text, room).is_ok_and(|read| read == made.to_ref());
}

#[test]
fn every_setting_and_every_fate() {
    let mut settings = BTreeSet::new();
    many(|made: Settings| {
        settings.insert((made.switches(), made.repeats == RepeatPolicy::Accept));
    });
    assert_eq!(settings.len(), 32);
    let fates: BTreeSet<_> = made::<Disposition>().collect();
    assert!(fates.iter().eq(Disposition::ALL));
}

/// Pages that are cut off at every place: zeros are put in for what is missing, and it is still a name and a URI.
#[test]
fn nothing_is_too_little() {
    for len in 0..40 {
        for byte in [0, b'a', b'@', 0xff] {
            let page = vec![byte; len];
            let name = UccNameBuf::arbitrary(&mut Unstructured::new(&page)).expect("a name");
            let uri = SipUriBuf::arbitrary(&mut Unstructured::new(&page)).expect("a URI");
            assert!(UccName::new(name.as_str()).is_ok() && SipUri::new(uri.as_str()).is_ok());
        }
    }
}

#[test]
fn everything_that_a_recorder_is_asked_or_says() {
    assert!(made::<RecorderState>().collect::<BTreeSet<_>>().iter().eq(RecorderState::ALL));
    assert!(made::<Order>().collect::<BTreeSet<_>>().iter().eq(Order::ALL));
    assert_eq!(made::<ResumePolicy>().collect::<BTreeSet<_>>().len(), 2);
    assert_eq!(made::<Channel>().collect::<BTreeSet<_>>().len(), 2);
    let mut inputs = BTreeSet::new();
    many(|(epoch, number, made): (Epoch, Number, Input)| {
        assert!(Epoch::new(epoch.get()) == Some(epoch) && Number::from_u64(number.get()) == Some(number));
        inputs.insert(format!("{made:?}").split([' ', '(', '{']).next().map(str::to_owned));
    });
    assert_eq!(inputs.len(), 9, "{inputs:?}");
    let (mut holders, mut times) = (BTreeSet::new(), BTreeSet::new());
    many(|(holder, at): (Holder, Moment)| {
        holders.insert(holder);
        times.insert(at);
    });
    assert_eq!((holders.len(), times.len()), (500, 500));
}

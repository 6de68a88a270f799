//! Traces: every byte string is one, every step has its bytes.

use recording_core::trace::{SESSIONS, Step, Trace};
use recording_core::{Action, State};

fn steps() -> Vec<Step> {
    let mut steps = vec![Step::Capabilities];
    for session in 0..SESSIONS {
        steps.extend([Step::End { session }, Step::Read { session }]);
        steps.extend(State::ALL.map(|state| Step::Begin { session, state }));
        for &action in Action::ALL {
            steps.extend([false, true].map(|by_stranger| Step::Set { session, action, by_stranger }));
        }
    }
    steps
}

#[test]
fn every_step_has_its_bytes() {
    let steps = steps();
    assert_eq!(steps.len(), 1 + 8 * (2 + 36 + 14));
    for &step in &steps {
        let bytes: Vec<_> = step.bytes().collect();
        assert_eq!(bytes.len(), if matches!(step, Step::Begin { .. }) { 2 } else { 1 });
        assert_eq!(Trace::of(&bytes).collect::<Vec<_>>(), [step]);
    }
    let all: Vec<_> = steps.iter().flat_map(|step| step.bytes()).collect();
    assert_eq!(Trace::of(&all).collect::<Vec<_>>(), steps);
}

/// Two bytes at a time, all of them: a step each, or a `Begin` with its state.
#[test]
fn every_byte_string_is_a_trace() {
    for first in 0..=u8::MAX {
        for second in 0..=u8::MAX {
            let bytes = [first, second];
            let steps: Vec<_> = Trace::of(&bytes).collect();
            let begins = first & 0b1100_0111 == 0;
            assert_eq!(steps.len(), if begins { 1 } else { 2 });
            // What the bytes mean has bytes that mean the same.
            let again: Vec<_> = steps.iter().flat_map(|step| step.bytes()).collect();
            assert_eq!(Trace::of(&again).collect::<Vec<_>>(), steps);
        }
    }
    assert_eq!(Trace::of(&[]).next(), None);
    assert_eq!(Trace::of(&[8]).collect::<Vec<_>>(), [Step::Begin { session: 1, state: State::INITIAL }]);
    let too_high = Step::Read { session: 13 };
    let bytes: Vec<_> = too_high.bytes().collect();
    assert_eq!(Trace::of(&bytes).collect::<Vec<_>>(), [Step::Read { session: 5 }]);
}

#[cfg(feature = "arbitrary")]
#[test]
fn whatever_is_made_is_valid() {
    use arbitrary::{Arbitrary, Unstructured};
    use recording_core::{
        CapabilitiesReplyBuf, ErrorReplyBuf, EventBuf, Reply, Scratch, SetRequest, SetRequestBuf, Settings, StateReply,
        StateReplyBuf,
    };

    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = [0; 2048];
    let mut distinct = std::collections::HashSet::new();
    for _ in 0..2000 {
        for chunk in bytes.as_chunks_mut::<8>().0 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            *chunk = random.to_le_bytes();
        }
        // Text ends at the first byte that is no UTF-8.
        bytes.iter_mut().for_each(|byte| *byte &= 0x7f);
        let mut u = Unstructured::new(&bytes);
        let set = SetRequestBuf::arbitrary(&mut u).expect("enough bytes");
        let mut buffer = [0; SetRequest::WRITTEN_MAX];
        let written = set.borrow().write(&mut buffer).expect("room");
        assert_eq!(SetRequest::read(written, &mut Scratch::new()), Ok(set.borrow()));
        distinct.insert(set.ucc.clone());
        let reply = StateReplyBuf::arbitrary(&mut u).expect("enough bytes");
        let mut buffer = vec![0; 8 * Reply::MAX_LEN];
        let written = reply.borrow().write(&mut buffer).expect("room");
        assert_eq!(StateReply::read(written, &mut [0; 2048]), Ok(reply.borrow()));
        let _ = (CapabilitiesReplyBuf::arbitrary(&mut u), ErrorReplyBuf::arbitrary(&mut u));
        let _ = (EventBuf::arbitrary(&mut u), Settings::arbitrary(&mut u), Step::arbitrary(&mut u));
    }
    assert!(distinct.len() > 500, "{}", distinct.len());
}

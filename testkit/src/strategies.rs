//! proptest strategies for what the core and its shells take.

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::sample::select;
use proptest::strategy::{BoxedStrategy, Just, Strategy, Union};
use recording_core::state::{MarkingState, RecordingState, RepeatPolicy, SavingState};
use recording_core::wire::{CorrelationId, SetRequestBuf, SipUriBuf, UccNameBuf};
use recording_core::{Action, Settings, State};

use crate::http::Request;
use crate::plan::{Ids, Plan};
use crate::step::{At, Spelling, Step};
use crate::wrong::WRONG;
use crate::{naive, render};

/// Any of the 36 states; shrinks to the first.
pub fn state() -> impl Strategy<Value = State> {
    (select(RecordingState::ALL), select(MarkingState::ALL), select(SavingState::ALL))
        .prop_map(|(recording, marking, saving)| State::new(recording, marking, saving))
}

/// The same as codes, for the naive model.
pub fn naive_state() -> impl Strategy<Value = naive::State> {
    (0..=3_u8, 0..=2_u8, 0..=2_u8)
}

/// Any of the seven actions.
pub fn action() -> impl Strategy<Value = Action> {
    select(Action::ALL)
}

/// Any settings; shrinks to those that forbid everything.
pub fn settings() -> impl Strategy<Value = Settings> {
    any::<[bool; 5]>().prop_map(|[licensed, audio, edit, save, accept]| Settings {
        recording_api_licensed: licensed,
        use_audio_recording: audio,
        agent_can_edit_audio_recording: edit,
        save_recording_by_default: save,
        repeats: if accept { RepeatPolicy::Accept } else { RepeatPolicy::Refuse },
    })
}

/// Any correlation id.
pub fn correlation_id() -> impl Strategy<Value = CorrelationId> {
    any::<u128>().prop_map(CorrelationId::from_u128)
}

/// Any name of a UCC: what JSON escapes, what paths encode, and more than ASCII.
pub fn ucc_name() -> impl Strategy<Value = UccNameBuf> {
    "[a-zA-Z0-9 \"\\\\%?#.ßž€😀-]{1,16}".prop_filter_map("a name", |name| UccNameBuf::new(&name).ok())
}

/// Any requester.
pub fn requester() -> impl Strategy<Value = SipUriBuf> {
    "(sip|SIPS|Sip):[!-?A-~]{1,40}@[!-?A-~]{1,40}".prop_filter_map("a URI", |uri| SipUriBuf::new(&uri).ok())
}

/// Any request for an action.
pub fn set_request() -> impl Strategy<Value = SetRequestBuf> {
    (action(), requester(), correlation_id(), ucc_name())
        .prop_map(|(action, requester, correlation_id, ucc)| SetRequestBuf { action, requester, correlation_id, ucc })
}

/// Requests that are understood, in any spelling, in the world of [`Plan::full`].
pub fn request() -> impl Strategy<Value = Request> {
    let at = || (0..7_u8, 0..=2_u8).prop_map(|(ucc, slot)| At { ucc, slot });
    let read = (at(), select(Spelling::OF_READ)).prop_map(|(at, spelling)| Step::Read { at, spelling });
    let set = (at(), naive::actions(), any::<bool>(), select(Spelling::OF_SET))
        .prop_map(|(at, action, by_agent, spelling)| Step::Set { at, action, by_agent, spelling });
    let capabilities =
        (0..7_u8, select(Spelling::OF_CAPABILITIES)).prop_map(|(ucc, spelling)| Step::Capabilities { ucc, spelling });
    rendered(Union::new([read.boxed(), set.boxed(), capabilities.boxed()]).boxed())
}

/// Requests that are wrong in one point, each sound otherwise.
pub fn nearly_valid_request() -> impl Strategy<Value = Request> {
    let wrong = (0..WRONG.len(), 0..7_u8, naive::actions()).prop_map(|(which, ucc, action)| Step::Wrong {
        which,
        at: At { ucc, slot: 0 },
        action,
    });
    rendered(wrong.boxed())
}

fn rendered(steps: BoxedStrategy<Step>) -> impl Strategy<Value = Request> {
    let (plan, ids) = (Plan::full(), Ids::of(0, 0, 2));
    steps.prop_filter_map("a request", move |step| render::request(&step, &plan, &ids))
}

/// Hostile bodies: noise, cut-off and spoilt sound bodies, deep nesting, long strings, numbers
/// beyond every type, escapes that mean nothing.
pub fn hostile_body() -> impl Strategy<Value = Vec<u8>> {
    let sound = || nearly_valid_request().prop_map(|request| request.body);
    let spoilt = (sound(), any::<(usize, u8)>()).prop_map(|(mut body, (at, byte))| {
        if !body.is_empty() {
            let at = at % body.len();
            body[at] = byte;
        }
        body
    });
    let cut = (sound(), any::<usize>()).prop_map(|(mut body, at)| {
        body.truncate(at % (body.len() + 1));
        body
    });
    let nested = (1..3000_usize, select(&["[", "{\"a\":", "[{\"Action\":"][..]))
        .prop_map(|(deep, open)| format!("{{\"x\":{}", open.repeat(deep)).into_bytes());
    let long = (1..3000_usize, select(&["\\u0000", "\\ud800", "\\\\", "é", "1", "1e"][..]))
        .prop_map(|(times, piece)| format!("{{\"Action\":\"{}\"}}", piece.repeat(times)).into_bytes());
    Union::new([junk().boxed(), sound().boxed(), spoilt.boxed(), cut.boxed(), nested.boxed(), long.boxed()])
}

/// Bodies that cannot be a JSON object: the first byte is none that may begin one. Not longer than a body may be.
pub fn junk() -> impl Strategy<Value = Vec<u8>> {
    let spoil = |mut body: Vec<u8>| {
        if body.first().is_some_and(|byte| b" \t\r\n{".contains(byte)) {
            body[0] = b'[';
        }
        body
    };
    Union::new([Just(Vec::new()).boxed(), vec(any::<u8>(), 0..64).prop_map(spoil).boxed()])
}

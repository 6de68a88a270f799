//! Bytes as a story of one session with a recorder, told to the naive model too.

use recording_core::State;
use recording_core::recorder::{Kept, Machine, Moment, ResumePolicy};

use recording_test_support::naive_recorder::{self as naive, Ask, Input};
use recording_test_support::recorder::{begin, give, seen};

/// A step of a story: two bytes of the input.
const fn input([what, how]: [u8; 2]) -> Input {
    // Recording, Off or Paused.
    let doing = how % 3 + 1;
    match what % 20 {
        0..=5 => {
            let who = how >> 3 & 3;
            let agents = (what / 20) | (1 << who);
            let action = if how & 7 == 0 { 3 } else { how & 7 };
            Input::Ask(Ask { who, action, repeats_accepted: how & 0x20 == 0, possible: how & 0xc0 != 0xc0, agents })
        }
        6..=8 => Input::Answered(doing),
        9 => Input::NoSuchCall,
        10 => Input::AnsweredOther,
        11 => Input::GivenUp,
        12 => Input::SendAgain,
        13 => Input::Read(doing),
        14 => Input::Reported(doing),
        15 => Input::Restarted,
        16 => match how % 8 {
            0 | 1 => Input::End,
            2 => Input::Release,
            _ => Input::ReleaseHolds,
        },
        17 => Input::TimeOut(how & 3),
        18 => Input::FoundAgain,
        _ => Input::SendAgain,
    }
}

/// Actions, answers, losses, crashes, repeats and ticks, in any order: everything that a machine releases, stores and keeps is
/// what the naive model says, and no pause is overdue twice.
///
/// # Panics
///
/// When one is not.
pub fn recorder(data: &[u8]) {
    let (steps, _) = data.as_chunks();
    let Some((&[first, second], steps)) = steps.split_first() else { return };
    let resume = if second & 1 == 0 { ResumePolicy::Holders } else { ResumePolicy::Anyone };
    let state = State::from_byte(first & 0x3f).unwrap_or_default();
    let mut machine = begin(state, resume);
    let mut uptime_ms = 0;
    let mut was_overdue = false;
    for &step in steps {
        let input = input(step);
        let session = seen(&machine);
        let mut expected = naive::input(&session, input);
        if let Some(holds) = expected.session.as_mut().and_then(|session| session.holds.as_mut()) {
            holds.sort_unstable();
        }
        let (got, next) = give(&machine, input);
        assert_eq!(got, expected, "{session:?} {input:?}");
        machine = next.unwrap_or_else(|| begin(state, resume));
        holds(&machine);
        uptime_ms += u64::from(step[1]);
        // A pause that ended, or that a start of the server counts again, may be overdue again.
        was_overdue &= machine.is_overdue();
        let is_overdue = machine.tick(Moment { uptime_ms, unix_ms: 1 }, 500);
        assert!(!(is_overdue && was_overdue), "overdue twice");
        was_overdue |= is_overdue;
    }
}

/// What is true of every session that is stored.
fn holds(machine: &Machine) {
    let kept = machine.kept();
    assert_eq!(Kept::from_bytes(&kept.to_bytes()).as_ref(), Ok(kept));
    let is_silent = kept.state().recording().code() > 1;
    assert!(!is_silent || kept.record().is_none(), "a silent session has no Record under way");
}

//! `Arbitrary` for what a fuzzer wants to make. For hosts only: the `arbitrary` crate needs the standard library.

use arbitrary::{Arbitrary, Result, Unstructured};

use crate::recorder::{Channel, Epoch, Holder, Input, Moment, Number, Order, RecorderState, Reported, ResumePolicy};
use crate::state::{Disposition, MarkingState, RecordingState, RepeatPolicy, SavingState};
use crate::wire::{
    CapabilitiesReplyBuf, CorrelationId, ErrorMessageBuf, ErrorReplyBuf, ErrorType, EventBuf, SetRequestBuf, SipUri,
    SipUriBuf, StateReplyBuf, UccName, UccNameBuf,
};
use crate::{Action, Settings, State};

macro_rules! chosen {
    ($($Type:ty),+) => {
        $(
            impl<'a> Arbitrary<'a> for $Type {
                fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
                    u.choose(Self::ALL).copied()
                }
            }
        )+
    };
}

chosen!(RecordingState, MarkingState, SavingState, Action, Disposition, RecorderState, Order);

impl<'a> Arbitrary<'a> for State {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        u.choose(&Self::ALL).copied()
    }
}

impl<'a> Arbitrary<'a> for RepeatPolicy {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(if u.arbitrary()? { Self::Accept } else { Self::Refuse })
    }
}

impl<'a> Arbitrary<'a> for Settings {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self {
            recording_api_licensed: u.arbitrary()?,
            use_audio_recording: u.arbitrary()?,
            agent_can_edit_audio_recording: u.arbitrary()?,
            save_recording_by_default: u.arbitrary()?,
            repeats: u.arbitrary()?,
        })
    }
}

impl<'a> Arbitrary<'a> for ErrorType {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        u.arbitrary().map(Self::from_code)
    }
}

impl<'a> Arbitrary<'a> for CorrelationId {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        u.arbitrary().map(Self::from_u128)
    }
}

/// As much of a text as a field can hold: its characters that `may` stand there, up to `max` bytes.
fn fitting<const N: usize>(text: &str, max: usize, may: impl Fn(char) -> bool) -> heapless::String<N> {
    let mut fitting = heapless::String::new();
    for c in text.chars().filter(|&c| may(c)) {
        if fitting.len() + c.len_utf8() > max || fitting.push(c).is_err() {
            break;
        }
    }
    fitting
}

/// Any name at all: one that would be empty is `a`.
impl<'a> Arbitrary<'a> for UccNameBuf {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let may = |c: char| !c.is_control() && c != '/';
        let name = fitting::<{ UccName::MAX_LEN }>(u.arbitrary()?, UccName::MAX_LEN, may);
        Self::new(if name.is_empty() { "a" } else { &name }).map_err(|_| arbitrary::Error::IncorrectFormat)
    }
}

/// Any URI at all, in both schemes and any case of them.
impl<'a> Arbitrary<'a> for SipUriBuf {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let may = |c: char| c.is_ascii_graphic() && c != '@';
        let scheme = *u.choose(&["sip:", "sips:", "SIP:", "SipS:"])?;
        let user = fitting::<{ SipUri::MAX_LEN }>(u.arbitrary()?, 124, may);
        let host = fitting::<{ SipUri::MAX_LEN }>(u.arbitrary()?, 124, may);
        let mut uri = heapless::String::<{ SipUri::MAX_LEN }>::new();
        let or_a = |part: &heapless::String<{ SipUri::MAX_LEN }>| if part.is_empty() { "a" } else { "" };
        for piece in [scheme, &user, or_a(&user), "@", &host, or_a(&host)] {
            uri.push_str(piece).map_err(|_| arbitrary::Error::IncorrectFormat)?;
        }
        Self::new(&uri).map_err(|_| arbitrary::Error::IncorrectFormat)
    }
}

impl<'a> Arbitrary<'a> for ErrorMessageBuf {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let error_type = u.arbitrary()?;
        let text = fitting::<{ Self::MAX_TEXT_LEN }>(u.arbitrary()?, Self::MAX_TEXT_LEN, |_| true);
        Self::new(error_type, &text).map_err(|_| arbitrary::Error::IncorrectFormat)
    }
}

impl<'a> Arbitrary<'a> for SetRequestBuf {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self {
            action: u.arbitrary()?,
            requester: u.arbitrary()?,
            correlation_id: u.arbitrary()?,
            ucc: u.arbitrary()?,
        })
    }
}

impl<'a> Arbitrary<'a> for StateReplyBuf {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self { correlation_id: u.arbitrary()?, state: u.arbitrary()?, error: u.arbitrary()?, ucc: u.arbitrary()? })
    }
}

impl<'a> Arbitrary<'a> for CapabilitiesReplyBuf {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self { agent_can_edit_recordings: u.arbitrary()?, error: u.arbitrary()?, ucc: u.arbitrary()? })
    }
}

impl<'a> Arbitrary<'a> for ErrorReplyBuf {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self { error: u.arbitrary()? })
    }
}

impl<'a> Arbitrary<'a> for EventBuf {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self { ucc: u.arbitrary()?, correlation_id: u.arbitrary()?, action: u.arbitrary()? })
    }
}

impl<'a> Arbitrary<'a> for ResumePolicy {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(if u.arbitrary()? { Self::Holders } else { Self::Anyone })
    }
}

impl<'a> Arbitrary<'a> for Channel {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(if u.arbitrary()? { Self::Drained } else { Self::Ordered })
    }
}

impl<'a> Arbitrary<'a> for Holder {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        u.arbitrary().map(Self::new)
    }
}

impl<'a> Arbitrary<'a> for Epoch {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Self::new(u.int_in_range(1..=Self::MAX)?).ok_or(arbitrary::Error::IncorrectFormat)
    }
}

/// Any number but zero, which is 1.
impl<'a> Arbitrary<'a> for Number {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Self::from_u64(u.arbitrary::<u64>()?.max(1)).ok_or(arbitrary::Error::IncorrectFormat)
    }
}

impl<'a> Arbitrary<'a> for Moment {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self { uptime_ms: u.arbitrary()?, unix_ms: u.arbitrary()? })
    }
}

impl<'a> Arbitrary<'a> for Reported {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(if u.ratio(3, 4)? { Self::Is(u.arbitrary()?) } else { Self::NoSuchCall })
    }
}

impl<'a> Arbitrary<'a> for Input {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.int_in_range(0..=8)? {
            0 => Self::Reply { number: u.arbitrary()?, reported: u.arbitrary()? },
            1 => Self::GivenUp { number: u.arbitrary()? },
            2 => Self::Send,
            3 => Self::Read(u.arbitrary()?),
            4 => Self::Report(u.arbitrary()?),
            5 => Self::Restarted,
            6 => Self::End { save_recording_by_default: u.arbitrary()? },
            7 => Self::Release,
            _ => Self::ReleaseHolds,
        })
    }
}

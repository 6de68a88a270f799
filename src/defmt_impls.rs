//! `defmt::Format` for what a device logs. Where there is a text for people, `Display` has written it; everything else is
//! shown as `Debug` shows it.

use defmt::{Debug2Format, Display2Format, Format, Formatter};

use crate::decide::{Decision, Refusal};
use crate::desk::{BeginError, DirectoryError};
use crate::recorder;
use crate::state::{
    ActionSet, Disposition, MarkingState, Outcome, Reason, RecordingState, RepeatPolicy, SavingState, UnknownCode,
};
use crate::wire::json::JsonError;
use crate::wire::{
    BufferTooSmall, CapabilitiesReply, CorrelationId, ErrorMessage, ErrorReply, ErrorType, Field, FieldError,
    ReadError, Rejection, SipUri, SipUriBuf, StateReply, UccName, UccNameBuf,
};
use crate::{Action, Event, Reply, Request, Settings, State};

macro_rules! format {
    ($Format:ident: $($Type:ty),+ $(,)?) => {
        $(
            impl Format for $Type {
                fn format(&self, f: Formatter<'_>) {
                    $Format(self).format(f);
                }
            }
        )+
    };
}

format!(
    Display2Format: Action, ActionSet, BeginError<'_>, BufferTooSmall, CorrelationId, DirectoryError, Disposition,
    ErrorMessage<'_>, Field, FieldError, JsonError, MarkingState, ReadError, Reason, RecordingState, Refusal<'_>,
    Rejection, RepeatPolicy, SavingState, SipUri<'_>, SipUriBuf, State, UccName<'_>, UccNameBuf, UnknownCode,
);

format!(
    Debug2Format: CapabilitiesReply<'_>, Decision<'_>, ErrorReply<'_>, ErrorType, Event<'_>, Outcome, Reply<'_>,
    Request<'_>, Settings, StateReply<'_>,
);

format!(
    Display2Format: recorder::KeptError, recorder::NotDone<'_>, recorder::Order, recorder::RecorderState,
    recorder::ResumePolicy,
);

format!(
    Debug2Format: recorder::Answer, recorder::Answers, recorder::Channel, recorder::Done, recorder::Due, recorder::Epoch,
    recorder::Flight, recorder::Holder, recorder::Holds, recorder::Input, recorder::Kept, recorder::Machine,
    recorder::Moment, recorder::Number, recorder::NumbersUsedUp, recorder::Outcome, recorder::PendingStep,
    recorder::ReadBack, recorder::Reported, recorder::Reread, recorder::Sending, recorder::SetFacts, recorder::Step,
    recorder::Verdict<'_>, recorder::Waiting<'_>,
);

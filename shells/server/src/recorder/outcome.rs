//! What an input has come to, in a few words, for the log, the metrics and the trail.

use recording_core::recorder::Outcome;

/// As the log and the trail name it.
pub(crate) const fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ordered => "ordered",
        Outcome::Joins => "joined",
        Outcome::Changed => "changed",
        Outcome::Unchanged => "unchanged",
        Outcome::Refused => "refused",
        Outcome::HeldBack => "held back",
        Outcome::TooManyHolds => "too many holds",
        Outcome::NotPossible => "not possible",
        Outcome::Ignored => "ignored",
        Outcome::CarriedOut => "carried out",
        Outcome::NotCarriedOut => "not carried out",
        Outcome::Confirmed => "confirmed",
        Outcome::Reported => "reported",
        Outcome::AsKnown => "as known",
        Outcome::ReadBack => "read back",
        Outcome::Sent => "sent",
        Outcome::NoSuchCall => "no such call",
        Outcome::NotConfirmed => "not confirmed",
        Outcome::Landed => "landed",
        Outcome::Alarm => "alarm",
        Outcome::Again => "not silent yet",
        Outcome::Closing => "closing",
        Outcome::Ended => "ended",
        Outcome::NoSession => "no session",
        _ => "other",
    }
}

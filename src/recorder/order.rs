//! Orders, sendings and what a recorder says of itself.

use core::fmt;
use core::num::NonZeroU64;

use crate::Action;
use crate::state::{RecordingState, UnknownCode};

/// What a recorder is doing. Source: OURS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecorderState {
    /// It writes audio.
    Recording,
    /// It writes nothing now and can continue.
    Paused,
    /// It writes nothing.
    Off,
}

impl RecorderState {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Recording, Self::Paused, Self::Off];

    /// The name, as replies and adapters write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recording => "Recording",
            Self::Paused => "Paused",
            Self::Off => "Off",
        }
    }

    /// The one with exactly this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.name() == name)
    }

    /// Whether nothing is being written.
    #[must_use]
    pub const fn is_silent(self) -> bool {
        matches!(self, Self::Paused | Self::Off)
    }

    /// What the recorder's axis of a session is after a recorder has reported this.
    #[must_use]
    pub const fn axis(self) -> RecordingState {
        match self {
            Self::Recording => RecordingState::Started,
            Self::Paused => RecordingState::Paused,
            Self::Off => RecordingState::Stopped,
        }
    }
}

impl core::str::FromStr for RecorderState {
    type Err = UnknownCode;

    fn from_str(name: &str) -> Result<Self, UnknownCode> {
        Self::from_name(name).ok_or(UnknownCode { expected: "RecorderState" })
    }
}

impl fmt::Display for RecorderState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a recorder is asked to become. Orders are absolute, so repeating one is harmless. Source: OURS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Order {
    /// Write audio.
    Record = 1,
    /// Write nothing.
    Stop = 2,
    /// Write nothing now, and be ready to continue.
    Pause = 3,
}

impl Order {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Record, Self::Stop, Self::Pause];

    /// The name, as adapters write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Record => "Record",
            Self::Stop => "Stop",
            Self::Pause => "Pause",
        }
    }

    /// What the recorder is doing once it has carried this out.
    #[must_use]
    pub const fn target(self) -> RecorderState {
        match self {
            Self::Record => RecorderState::Recording,
            Self::Stop => RecorderState::Off,
            Self::Pause => RecorderState::Paused,
        }
    }

    /// The action that asks for this.
    #[must_use]
    pub const fn action(self) -> Action {
        match self {
            Self::Record => Action::Start,
            Self::Stop => Action::Stop,
            Self::Pause => Action::Pause,
        }
    }

    /// The order that an action of the recorder's axis asks for; `None` for an action of another axis.
    #[must_use]
    pub const fn of(action: Action) -> Option<Self> {
        match action {
            Action::Start => Some(Self::Record),
            Action::Stop => Some(Self::Stop),
            Action::Pause => Some(Self::Pause),
            Action::Save | Action::Delete | Action::Mark | Action::UnMark => None,
        }
    }

    /// The one with exactly this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|order| order.name() == name)
    }

    /// The order that keeps a recorder on a silent axis silent; `None` if the axis is not silent.
    pub(super) const fn repeating(axis: RecordingState) -> Option<Self> {
        match axis {
            RecordingState::Paused => Some(Self::Pause),
            RecordingState::Stopped => Some(Self::Stop),
            RecordingState::Uninitialized | RecordingState::Started => None,
        }
    }

    /// The number in the stored form.
    pub(super) const fn code(self) -> u8 {
        self as u8
    }

    pub(super) const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Record),
            2 => Some(Self::Stop),
            3 => Some(Self::Pause),
            _ => None,
        }
    }
}

impl core::str::FromStr for Order {
    type Err = UnknownCode;

    fn from_str(name: &str) -> Result<Self, UnknownCode> {
        Self::from_name(name).ok_or(UnknownCode { expected: "Order" })
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a store issues once and never again, each one greater than all before: taken when a session begins, and for each
/// open session after a start of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(u64);

impl Epoch {
    /// The greatest one: 40 bits, which is a hundred sessions a second for three centuries.
    pub const MAX: u64 = u64::MAX >> COUNTER_BITS;

    /// The epoch with this number; `None` if it is 0 or greater than [`MAX`](Self::MAX).
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        if number == 0 || number > Self::MAX { None } else { Some(Self(number)) }
    }

    /// The number it was made of.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// How many bits of a [`Number`] count the sendings of one epoch.
const COUNTER_BITS: u32 = 24;

/// The number of one sending: no two sendings that a store ever sees have the same, and later ones of a session have
/// greater ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(NonZeroU64);

impl Number {
    /// The number as an adapter carries it: the epoch in the upper 40 bits, the counter in the lower 24.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// The sending with this number, as a reply names it; `None` for 0, which no sending has.
    #[must_use]
    pub const fn from_u64(number: u64) -> Option<Self> {
        match NonZeroU64::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }
}

/// Where the numbers of a session's sendings come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Numbers {
    pub(super) epoch: Epoch,
    used: u32,
}

impl Numbers {
    pub(super) const fn new(epoch: Epoch) -> Self {
        Self { epoch, used: 0 }
    }

    pub(super) const fn are_used_up(self) -> bool {
        self.used >> COUNTER_BITS != 0
    }

    /// The next one. Once they are used up it is one of the next epoch; a step never gets there.
    pub(super) const fn next(&mut self) -> Number {
        let number = (self.epoch.0 << COUNTER_BITS).saturating_add(self.used as u64);
        self.used = self.used.saturating_add(1);
        // An epoch is not zero.
        Number(NonZeroU64::MIN.saturating_add(number.saturating_sub(1)))
    }

    #[cfg(test)]
    pub(super) const fn nearly_used_up(epoch: Epoch) -> Self {
        Self { epoch, used: (1 << COUNTER_BITS) - 1 }
    }
}

/// One transmission of an order. It comes out of a step whose store has been done, and from nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Sending {
    /// What the recorder is asked to become.
    pub order: Order,
    /// The number, of this transmission only. The same bytes sent again are the same sending.
    pub number: Number,
}

/// What is assumed of the way from an adapter to its recorder. One of the two must be true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// The sendings of one session arrive in order or not at all.
    Ordered,
    /// They may overtake each other, so the adapter sends none before everything sent earlier has landed: it sends the same
    /// bytes again until they are answered, and gives a sending up only once it has landed without saying what the recorder
    /// is doing.
    Drained,
}

/// When something happened, by the shell's clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment {
    /// Milliseconds by a clock that never goes back, from any origin: what the limit of a pause is counted by.
    pub uptime_ms: u64,
    /// Milliseconds since 1970, for people: stored, and never counted with.
    pub unix_ms: u64,
}

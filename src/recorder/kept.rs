//! What is stored of a session with a recorder, and its form in bytes.

use core::fmt;

use super::holds::{Holder, Holds, ResumePolicy};
use super::order::{Epoch, Number, Order};
use crate::State;
use crate::state::{Disposition, RecordingState, SavingState};

/// What is stored of a session with a recorder. What is in flight is not.
///
/// # The stored form
///
/// Always [`LEN`](Self::LEN) bytes; numbers are little-endian. This layout is stable: a change gets another version.
///
/// | offset | bytes | what |
/// |---|---|---|
/// | 0 | 1 | the state, as [`State::to_byte`] makes it |
/// | 1 | 1 | the version, [`VERSION`](Self::VERSION) |
/// | 2 | 1 | the pending order: 0 none, 1 Record, 2 Stop, 3 Pause; a repeat need not be stored |
/// | 3 | 1 | 0 while the session is open; in one that is closing 1 and the [`Disposition`]'s code |
/// | 4 | 1 | who may resume: 0 anyone, 1 holders |
/// | 5 | 1 | which of the eight places below hold a holder, the first one in bit 0 |
/// | 6 | 2 | zero |
/// | 8 | 8 | the epoch |
/// | 16 | 8 | the number of a Record that may not have landed, or 0 |
/// | 24 | 8 | since when the session is Paused, in milliseconds since 1970; 0 if it is not |
/// | 32 | 128 | eight places for holders of 16 bytes; an empty one is zero |
///
/// The session's binding, its recorder's name and what that needs to know of the call are the shell's and stored next to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kept {
    pub(super) state: State,
    pub(super) order: Option<Order>,
    pub(super) closing: Option<Disposition>,
    pub(super) resume: ResumePolicy,
    pub(super) epoch: Epoch,
    pub(super) record: Option<Number>,
    pub(super) paused_since_ms: u64,
    pub(super) holds: Holds,
}

/// Why bytes are not the stored form of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeptError {
    /// Another length than [`Kept::LEN`].
    Length(usize),
    /// Written by another version.
    Version(u8),
    /// No session ever has what is at this offset.
    Invalid {
        /// Where it begins.
        offset: usize,
    },
}

impl fmt::Display for KeptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(len) => write!(f, "a stored session has {} bytes, not {len}", Kept::LEN),
            Self::Version(version) => write!(f, "version {version} of the stored session is not known"),
            Self::Invalid { offset } => write!(f, "the stored session is invalid at byte {offset}"),
        }
    }
}

impl core::error::Error for KeptError {}

const HOLDERS: usize = 32;

impl Kept {
    /// The version of the stored form.
    pub const VERSION: u8 = 1;

    /// The length of the stored form, in bytes.
    pub const LEN: usize = HOLDERS + Holds::MAX * Holder::LEN;

    /// The state. That of a session which is closing is the one that it ended in.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// The pending order. A repeat is not among them.
    #[must_use]
    pub const fn order(&self) -> Option<Order> {
        self.order
    }

    /// What becomes of the recording, if the session has ended and its recorder is still being stopped.
    #[must_use]
    pub const fn closing(&self) -> Option<Disposition> {
        self.closing
    }

    /// Who may resume.
    #[must_use]
    pub const fn resume(&self) -> ResumePolicy {
        self.resume
    }

    /// The epoch of the latest sendings.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The latest Record that may not have landed: what an adapter drains after a crash. `None` once a later reply has
    /// finished an order, since everything sent before has landed then.
    #[must_use]
    pub const fn record(&self) -> Option<Number> {
        self.record
    }

    /// Since when the session is Paused, in milliseconds since 1970.
    #[must_use]
    pub fn paused_since_ms(&self) -> Option<u64> {
        (self.state.recording() == RecordingState::Paused).then_some(self.paused_since_ms)
    }

    /// Who holds the session.
    #[must_use]
    pub const fn holds(&self) -> &Holds {
        &self.holds
    }

    /// The stored form.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let mut mask = 0;
        let record = self.record.map_or(0, Number::get);
        let numbers = [self.epoch.get(), record, self.paused_since_ms].map(u64::to_le_bytes);
        let holders = self.holds.places().iter().enumerate().map(|(place, holder)| {
            mask |= u8::from(holder.is_some()) << place;
            holder.map_or([0; Holder::LEN], Holder::to_bytes)
        });
        let (head, tail) = bytes.split_at_mut(HOLDERS);
        for (to, from) in tail.chunks_exact_mut(Holder::LEN).zip(holders) {
            to.copy_from_slice(&from);
        }
        let first = [
            self.state.to_byte(),
            Self::VERSION,
            self.order.map_or(0, Order::code),
            self.closing.map_or(0, |disposition| disposition.code() + 1),
            u8::from(self.resume == ResumePolicy::Holders),
            mask,
        ];
        let head = head.iter_mut();
        for (to, from) in head.zip(first.into_iter().chain([0; 2]).chain(numbers.into_iter().flatten())) {
            *to = from;
        }
        bytes
    }

    /// Reads the stored form.
    ///
    /// # Errors
    ///
    /// If [`to_bytes`](Self::to_bytes) never made these bytes: another length or version, or a value that no session has.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeptError> {
        let Ok(bytes) = <&[u8; Self::LEN]>::try_from(bytes) else { return Err(KeptError::Length(bytes.len())) };
        let &[state, version, order, closing, resume, mask, zero, zero2, ref rest @ ..] = bytes;
        let invalid = |offset| KeptError::Invalid { offset };
        // The version first: another one may have anything in the other bytes.
        if version != Self::VERSION {
            return Err(KeptError::Version(version));
        }
        let state = State::from_byte(state).ok_or(invalid(0))?;
        let order = match order {
            0 => None,
            code => Some(Order::from_code(code).ok_or(invalid(2))?),
        };
        let closing = match closing {
            0 => None,
            code => Some(Disposition::from_code(code - 1).ok_or(invalid(3))?),
        };
        let resume = match resume {
            0 => ResumePolicy::Anyone,
            1 => ResumePolicy::Holders,
            _ => return Err(invalid(4)),
        };
        if (zero, zero2) != (0, 0) {
            return Err(invalid(6));
        }
        let (numbers, holders) = rest.split_at(HOLDERS - 8);
        let mut numbers = numbers.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
        let mut number = || numbers.next().unwrap_or_default();
        let epoch = Epoch::new(number()).ok_or(invalid(8))?;
        let record = Number::from_u64(number());
        let paused_since_ms = number();
        let mut places = [None; Holds::MAX];
        for (count, (place, bytes)) in places.iter_mut().zip(holders.as_chunks().0).enumerate() {
            let is_held = mask >> count & 1 == 1;
            if is_held {
                *place = Some(Holder::new(*bytes));
            } else if *bytes != [0; Holder::LEN] {
                return Err(invalid(HOLDERS + count * Holder::LEN));
            }
        }
        let holds = Holds::from_places(places).ok_or(invalid(HOLDERS))?;
        let kept = Self { state, order, closing, resume, epoch, record, paused_since_ms, holds };
        kept.check().map_or(Ok(kept), |offset| Err(invalid(offset)))
    }

    /// Where it holds what no session has.
    fn check(&self) -> Option<usize> {
        use RecordingState::{Paused, Started, Stopped, Uninitialized};
        let axis = self.state.recording();
        let order_fits = match (self.closing, axis, self.order) {
            (Some(_), Started | Paused, order) => order == Some(Order::Stop),
            (Some(_), Uninitialized | Stopped, _) => false,
            (None, _, None) | (None, Started, Some(_)) | (None, Paused, Some(Order::Stop)) => true,
            // A repeat: not written by this version, and harmless.
            (None, Paused, Some(Order::Pause)) | (None, Stopped, Some(Order::Stop)) => true,
            (None, _, Some(_)) => false,
        };
        let closing_fits = match (self.closing, self.state.saving()) {
            (Some(Disposition::NothingRecorded), _)
            | (Some(Disposition::Keep), SavingState::Delete)
            | (Some(Disposition::Discard), SavingState::Save) => false,
            (None | Some(Disposition::Keep | Disposition::Discard), _) => true,
        };
        let pairs = [
            (2, order_fits),
            (3, closing_fits),
            (5, self.resume == ResumePolicy::Holders || self.holds.is_empty()),
            // What is silent has been confirmed, and with it everything sent before has landed.
            (16, self.record.is_none() || (axis == Started && self.order.is_some())),
            (24, axis == Paused || self.paused_since_ms == 0),
        ];
        pairs.into_iter().find_map(|(offset, fits)| (!fits).then_some(offset))
    }
}

//! Any bytes as a sequence of calls: for fuzzers, in this language or another one.
//!
//! Every byte string is a trace, and every trace has a byte string, so that a fuzzer that knows only bytes drives the
//! API through sequences that make sense. Sessions are numbers below 8; what UCC, ids and URIs they stand for is the
//! driver's affair. This format is stable.
//!
//! | first byte | step |
//! |---|---|
//! | `0bxRSSSAAA`, `AAA` from 1 to 7 | [`Step::Set`] of the action with the code `AAA` for session `SSS`, by an agent, or by a stranger if `R` is set |
//! | `0bxxSSS000` with `xx` `00` | [`Step::Begin`] for session `SSS`; the next byte, modulo 36, is the place of its state in [`State::ALL`]; no next byte is 0 |
//! | `0bxxSSS000` with `xx` `01` | [`Step::End`] for session `SSS` |
//! | `0bxxSSS000` with `xx` `10` | [`Step::Read`] for session `SSS` |
//! | `0bxxSSS000` with `xx` `11` | [`Step::Capabilities`] |
//!
//! ```
//! use recording_core::trace::{Step, Trace};
//! use recording_core::{Action, State};
//!
//! let steps: Vec<_> = Trace::of(&[0b0000_0000, 0, 0b0000_0001, 0b0100_0011, 0b0100_0000]).collect();
//! assert_eq!(steps, [
//!     Step::Begin { session: 0, state: State::INITIAL },
//!     Step::Set { session: 0, action: Action::Start, by_stranger: false },
//!     Step::Set { session: 0, action: Action::Pause, by_stranger: true },
//!     Step::End { session: 0 },
//! ]);
//! ```

use crate::{Action, State};

/// How many sessions a trace speaks of.
pub const SESSIONS: u8 = 8;

/// A call, or what the call's side does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// A `set`.
    Set {
        /// For which session.
        session: u8,
        /// What is asked.
        action: Action,
        /// Whether it is asked by somebody who is no agent.
        by_stranger: bool,
    },
    /// A session begins.
    Begin {
        /// Which one.
        session: u8,
        /// In which state.
        state: State,
    },
    /// A session ends.
    End {
        /// Which one.
        session: u8,
    },
    /// A read of a session's state.
    Read {
        /// Which one.
        session: u8,
    },
    /// A question for the capabilities.
    Capabilities,
}

/// The steps that bytes stand for.
#[derive(Debug, Clone)]
pub struct Trace<'a> {
    rest: &'a [u8],
}

impl<'a> Trace<'a> {
    /// The trace of these bytes.
    #[must_use]
    pub const fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }
}

impl Iterator for Trace<'_> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let byte = self.byte()?;
        let session = byte >> 3 & 7;
        Some(match (Action::from_code(byte & 7), byte >> 6) {
            (Some(action), flags) => Step::Set { session, action, by_stranger: flags & 1 == 1 },
            (None, 0) => {
                let place = usize::from(self.byte().unwrap_or_default()) % State::ALL.len();
                Step::Begin { session, state: State::ALL.get(place).copied().unwrap_or_default() }
            }
            (None, 1) => Step::End { session },
            (None, 2) => Step::Read { session },
            (None, _) => Step::Capabilities,
        })
    }
}

impl Step {
    /// The bytes that stand for this step: one, or two for [`Step::Begin`].
    ///
    /// Of a session that is [`SESSIONS`] or more only the lower three bits are kept.
    pub fn bytes(self) -> impl Iterator<Item = u8> {
        let at = |session: u8| (session & 7) << 3;
        let (first, second) = match self {
            Self::Set { session, action, by_stranger } => {
                (action.code() | at(session) | u8::from(by_stranger) << 6, None)
            }
            Self::Begin { session, state } => {
                let place = State::ALL.iter().position(|&other| other == state).unwrap_or_default();
                (at(session), Some(place as u8))
            }
            Self::End { session } => (0b0100_0000 | at(session), None),
            Self::Read { session } => (0b1000_0000 | at(session), None),
            Self::Capabilities => (0b1100_0000, None),
        };
        [Some(first), second].into_iter().flatten()
    }
}

//! The transition: 36 states times 7 actions, every one of the 252 cells either changed, unchanged or refused.

use core::fmt;

use crate::state::{ActionSet, MarkingState, RecordingState, SavingState};
use crate::{Action, State};

/// What an action does to a state. Nothing is silent: a cell is always one of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use]
pub enum Outcome {
    /// The state changes. 150 of the 252 cells.
    Changed {
        /// The state before.
        from: State,
        /// The state after, never equal to `from`.
        to: State,
        /// What was asked.
        action: Action,
    },
    /// The state is already what the action asks for. 75 cells; a [`RepeatPolicy`](crate::state::RepeatPolicy) policy says whether that
    /// is a success or an error.
    Unchanged {
        /// The state before and after.
        state: State,
        /// What was asked.
        action: Action,
    },
    /// The action makes no sense in this state. 27 cells.
    Refused {
        /// The state before and after.
        state: State,
        /// What was asked.
        action: Action,
        /// Why not.
        reason: Reason,
    },
}

impl Outcome {
    /// The state after the action: the new one if it changed, else the one before.
    #[must_use]
    pub const fn state(self) -> State {
        match self {
            Self::Changed { to, .. } => to,
            Self::Unchanged { state, .. } | Self::Refused { state, .. } => state,
        }
    }
}

/// Why a transition is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// There is nothing to stop or to pause: the recorder is `Uninitialized`.
    NotStarted,
    /// There is nothing to pause: the recorder is `Stopped`.
    Stopped,
}

impl Reason {
    /// The state of the recorder, which is the reason.
    #[must_use]
    pub const fn recorder(self) -> RecordingState {
        match self {
            Self::NotStarted => RecordingState::Uninitialized,
            Self::Stopped => RecordingState::Stopped,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the recorder is {}", self.recorder())
    }
}

/// One cell, as the rule names it.
#[derive(Clone, Copy)]
enum Cell {
    To(State),
    Unchanged,
    Refused(Reason),
}

/// The rule. Everything else in this file is computed from it at compile time.
const fn rule(state: State, action: Action) -> Cell {
    use Cell::{Refused, To, Unchanged};
    match action {
        // The recorder's axis; marking and saving stay.
        Action::Start => match state.recording() {
            RecordingState::Uninitialized => To(state.with_recording(RecordingState::Started)),
            RecordingState::Started => Unchanged,
            // OURS: Start resumes; the API has no Resume, and its purpose leaves no other way.
            RecordingState::Paused => To(state.with_recording(RecordingState::Started)),
            RecordingState::Stopped => To(state.with_recording(RecordingState::Started)),
        },
        Action::Stop => match state.recording() {
            RecordingState::Uninitialized => Refused(Reason::NotStarted),
            RecordingState::Started => To(state.with_recording(RecordingState::Stopped)),
            RecordingState::Paused => To(state.with_recording(RecordingState::Stopped)),
            RecordingState::Stopped => Unchanged,
        },
        Action::Pause => match state.recording() {
            RecordingState::Uninitialized => Refused(Reason::NotStarted),
            RecordingState::Started => To(state.with_recording(RecordingState::Paused)),
            RecordingState::Paused => Unchanged,
            RecordingState::Stopped => Refused(Reason::Stopped),
        },
        // The saving axis: the last decision counts, since it takes effect only when the session ends.
        Action::Save => match state.saving() {
            SavingState::None | SavingState::Delete => To(state.with_saving(SavingState::Save)),
            SavingState::Save => Unchanged,
        },
        Action::Delete => match state.saving() {
            SavingState::None | SavingState::Save => To(state.with_saving(SavingState::Delete)),
            SavingState::Delete => Unchanged,
        },
        // The marking axis; UnMark leads to Unmark, never back to None.
        Action::Mark => match state.marking() {
            MarkingState::None | MarkingState::Unmark => To(state.with_marking(MarkingState::Mark)),
            MarkingState::Mark => Unchanged,
        },
        Action::UnMark => match state.marking() {
            MarkingState::None | MarkingState::Mark => To(state.with_marking(MarkingState::Unmark)),
            MarkingState::Unmark => Unchanged,
        },
    }
}

/// What the upper two bits of a table entry say; the lower six are the state after the action.
const UNCHANGED: u8 = 0;
const CHANGED: u8 = 0b01 << 6;
const REFUSED_NOT_STARTED: u8 = 0b10 << 6;
const REFUSED_STOPPED: u8 = 0b11 << 6;
const KIND: u8 = 0b11 << 6;

const fn entry(state: State, action: Action) -> u8 {
    match rule(state, action) {
        Cell::To(next) => next.to_byte() | CHANGED,
        Cell::Unchanged => state.to_byte() | UNCHANGED,
        Cell::Refused(Reason::NotStarted) => state.to_byte() | REFUSED_NOT_STARTED,
        Cell::Refused(Reason::Stopped) => state.to_byte() | REFUSED_STOPPED,
    }
}

/// How many bits of a state an axis has.
const AXIS_BITS: u8 = 2;
const AXIS_MASK: u8 = (1 << AXIS_BITS) - 1;
const ENTRIES: usize = 32;

// An action and the code of its own axis are the index: an eighth action, or a fifth code, needs a wider table.
const _: () = assert!((Action::ALL.len() + 1) << AXIS_BITS <= ENTRIES);
const _: () = assert!(RecordingState::ALL.len() <= 1 << AXIS_BITS && ENTRIES.is_power_of_two());

/// The rule as a table, indexed by the bits of the action and of its own axis: an action leaves the other axes as they
/// are. Entries that no state and action lead to are zero and never read.
#[allow(clippy::indexing_slicing, reason = "at compile time, where a panic is an error of the build")]
const fn compile() -> [u8; ENTRIES] {
    let mut table = [0; ENTRIES];
    let mut s = 0;
    while s < State::ALL.len() {
        let mut a = 0;
        while a < Action::ALL.len() {
            let (state, action) = (State::ALL[s], Action::ALL[a]);
            table[index(state, action)] = entry(state, action) & (KIND | AXIS_MASK << action.axis() as u8);
            a += 1;
        }
        s += 1;
    }
    table
}

static TABLE: [u8; ENTRIES] = compile();

/// The mask tells the compiler that this is in the table.
const fn index(state: State, action: Action) -> usize {
    let axis = state.to_byte() >> action.axis() as u8 & AXIS_MASK;
    (action.code() << AXIS_BITS | axis) as usize & (ENTRIES - 1)
}

impl State {
    /// The transition: what `action` does to this state. Total, pure and `const`.
    ///
    /// ```
    /// use recording_core::{Action, State};
    /// use recording_core::state::{MarkingState, Outcome, Reason, RecordingState, SavingState};
    ///
    /// let fresh = State::INITIAL;
    /// let Outcome::Changed { to: started, .. } = fresh.apply(Action::Start) else { panic!() };
    /// assert_eq!(started.recording(), RecordingState::Started);
    /// assert_eq!(started.apply(Action::Start), Outcome::Unchanged { state: started, action: Action::Start });
    /// assert_eq!(
    ///     fresh.apply(Action::Pause),
    ///     Outcome::Refused { state: fresh, action: Action::Pause, reason: Reason::NotStarted },
    /// );
    /// ```
    #[allow(clippy::indexing_slicing, reason = "the index is masked to the table's length")]
    #[inline]
    pub const fn apply(self, action: Action) -> Outcome {
        let entry = TABLE[index(self, action)];
        let state = Self::from_axes(entry & !KIND | self.to_byte() & !(AXIS_MASK << action.axis() as u8));
        match entry & KIND {
            CHANGED => Outcome::Changed { from: self, to: state, action },
            UNCHANGED => Outcome::Unchanged { state, action },
            REFUSED_NOT_STARTED => Outcome::Refused { state, action, reason: Reason::NotStarted },
            _ => Outcome::Refused { state, action, reason: Reason::Stopped },
        }
    }

    /// The actions that are not refused in this state: those that change it and those that change nothing.
    #[must_use]
    pub const fn allowed(self) -> ActionSet {
        self.actions(true)
    }

    /// The actions that would change this state.
    #[must_use]
    pub const fn changing(self) -> ActionSet {
        self.actions(false)
    }

    const fn actions(self, with_unchanged: bool) -> ActionSet {
        let mut set = ActionSet::EMPTY;
        let mut rest = Action::ALL;
        while let Some((&action, others)) = rest.split_first() {
            match self.apply(action) {
                Outcome::Changed { .. } => set = set.with(action),
                Outcome::Unchanged { .. } if with_unchanged => set = set.with(action),
                Outcome::Unchanged { .. } | Outcome::Refused { .. } => {}
            }
            rest = others;
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_rule() {
        // At run time, so that what ran at compile time is seen by tools that watch tests.
        assert_eq!(compile(), TABLE);
        for &state in &State::ALL {
            for &action in Action::ALL {
                let by_rule = match rule(state, action) {
                    Cell::To(to) => Outcome::Changed { from: state, to, action },
                    Cell::Unchanged => Outcome::Unchanged { state, action },
                    Cell::Refused(reason) => Outcome::Refused { state, action, reason },
                };
                assert_eq!(state.apply(action), by_rule);
                assert_ne!(matches!(by_rule, Outcome::Changed { .. }), by_rule.state() == state);
            }
        }
    }
}

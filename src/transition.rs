//! The transition: 36 states times 7 actions, every one of the 252 cells either changed, unchanged or refused.

use core::fmt;

use crate::bytes::BY_WORDS;
use crate::{Action, ActionSet, Marking, Recording, Saving, State};

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
    /// The state is already what the action asks for. 75 cells; a [`Repeats`](crate::Repeats) policy says whether that
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
    /// The recorder's state that stands in the way.
    #[must_use]
    pub const fn recorder(self) -> Recording {
        match self {
            Self::NotStarted => Recording::Uninitialized,
            Self::Stopped => Recording::Stopped,
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
            Recording::Uninitialized => To(state.with_recording(Recording::Started)),
            Recording::Started => Unchanged,
            // OURS: Start resumes; the API has no Resume, and its purpose leaves no other way.
            Recording::Paused => To(state.with_recording(Recording::Started)),
            Recording::Stopped => To(state.with_recording(Recording::Started)),
        },
        Action::Stop => match state.recording() {
            Recording::Uninitialized => Refused(Reason::NotStarted),
            Recording::Started => To(state.with_recording(Recording::Stopped)),
            Recording::Paused => To(state.with_recording(Recording::Stopped)),
            Recording::Stopped => Unchanged,
        },
        Action::Pause => match state.recording() {
            Recording::Uninitialized => Refused(Reason::NotStarted),
            Recording::Started => To(state.with_recording(Recording::Paused)),
            Recording::Paused => Unchanged,
            Recording::Stopped => Refused(Reason::Stopped),
        },
        // The saving axis: the last decision counts, since it takes effect only when the session ends.
        Action::Save => match state.saving() {
            Saving::None | Saving::Delete => To(state.with_saving(Saving::Save)),
            Saving::Save => Unchanged,
        },
        Action::Delete => match state.saving() {
            Saving::None | Saving::Save => To(state.with_saving(Saving::Delete)),
            Saving::Delete => Unchanged,
        },
        // The marking axis; UnMark leads to Unmark, never back to None.
        Action::Mark => match state.marking() {
            Marking::None | Marking::Unmark => To(state.with_marking(Marking::Mark)),
            Marking::Mark => Unchanged,
        },
        Action::UnMark => match state.marking() {
            Marking::None | Marking::Mark => To(state.with_marking(Marking::Unmark)),
            Marking::Unmark => Unchanged,
        },
    }
}

/// What stands in the upper two bits of a table entry; the lower six are the state after the action.
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

/// The rule as a table of 512 bytes, indexed by the bits of action and state: one load and no branch a step.
/// Entries that no state and action lead to are zero and never read.
#[allow(clippy::indexing_slicing, reason = "at compile time, where a panic is an error of the build")]
const fn compile() -> [u8; 512] {
    let mut table = [0; 512];
    let mut s = 0;
    while s < State::ALL.len() {
        let mut a = 0;
        while a < Action::ALL.len() {
            let (state, action) = (State::ALL[s], Action::ALL[a]);
            table[index(state, action)] = entry(state, action);
            a += 1;
        }
        s += 1;
    }
    table
}

static TABLE: [u8; 512] = compile();

/// Three bits of action and six of state: below 512. The mask tells the compiler so. The action makes the upper bits,
/// since they need a shift, and it is known before the state is, which the step before has to lead to first.
const fn index(state: State, action: Action) -> usize {
    ((action.code() as usize) << 6 | state.to_byte() as usize) & 511
}

/// The rule as a table of 32 bytes, indexed by the bits of the action and of its own axis, for machines with little room.
#[allow(clippy::indexing_slicing, reason = "at compile time, where a panic is an error of the build")]
const fn compile_small() -> [u8; 32] {
    let mut table = [0; 32];
    let mut s = 0;
    while s < State::ALL.len() {
        let mut a = 0;
        while a < Action::ALL.len() {
            let (state, action) = (State::ALL[s], Action::ALL[a]);
            let axis = 3 << action.axis() as u8;
            table[small_index(state, action)] = entry(state, action) & (KIND | axis);
            a += 1;
        }
        s += 1;
    }
    table
}

static SMALL_TABLE: [u8; 32] = compile_small();

const fn small_index(state: State, action: Action) -> usize {
    ((action.code() << 2 | state.to_byte() >> action.axis() as u8 & 3) & 31) as usize
}

/// As an entry of the large table: an action leaves the other axes as they are.
#[allow(clippy::indexing_slicing, reason = "the index is masked to the table's length")]
const fn small_entry(state: State, action: Action) -> u8 {
    SMALL_TABLE[small_index(state, action)] | state.to_byte() & !(3 << action.axis() as u8)
}

impl State {
    /// The transition: what `action` does to this state. Total, pure and `const`.
    ///
    /// ```
    /// use recording_core::{Action, Marking, Outcome, Reason, Recording, Saving, State};
    ///
    /// let fresh = State::INITIAL;
    /// let Outcome::Changed { to: started, .. } = fresh.apply(Action::Start) else { panic!() };
    /// assert_eq!(started.recording(), Recording::Started);
    /// assert_eq!(started.apply(Action::Start), Outcome::Unchanged { state: started, action: Action::Start });
    /// assert_eq!(
    ///     fresh.apply(Action::Pause),
    ///     Outcome::Refused { state: fresh, action: Action::Pause, reason: Reason::NotStarted },
    /// );
    /// ```
    #[allow(clippy::indexing_slicing, reason = "the index is masked to the table's length")]
    #[inline]
    pub const fn apply(self, action: Action) -> Outcome {
        let entry = if BY_WORDS { TABLE[index(self, action)] } else { small_entry(self, action) };
        let state = Self::from_axes(entry);
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
        assert_eq!(compile_small(), SMALL_TABLE);
        for &state in &State::ALL {
            for &action in Action::ALL {
                let by_rule = match rule(state, action) {
                    Cell::To(to) => Outcome::Changed { from: state, to, action },
                    Cell::Unchanged => Outcome::Unchanged { state, action },
                    Cell::Refused(reason) => Outcome::Refused { state, action, reason },
                };
                assert_eq!(state.apply(action), by_rule);
                assert_eq!(small_entry(state, action), entry(state, action));
                assert_ne!(matches!(by_rule, Outcome::Changed { .. }), by_rule.state() == state);
            }
        }
    }
}

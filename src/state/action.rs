//! What a requester may ask for, and sets of it.

use core::fmt;
use core::ops::{BitOr, BitOrAssign};

use crate::state::codes::wire_codes;

wire_codes! {
    /// One of the seven actions that change a session. [Protocol](crate#protocol): older, and the page's list for `StateAction`.
    ///
    /// There is no `Resume`: `Start` resumes a paused recorder (OURS).
    ///
    /// ```
    /// use recording_core::Action;
    ///
    /// assert_eq!(Action::from_code(3), Some(Action::Pause));
    /// assert_eq!("pause".parse(), Ok(Action::Pause));
    /// assert_eq!(Action::Pause.audit_name(), "RecorderSetToPauseByAgent");
    /// ```
    "Action"
    pub enum Action {
        /// Start the recorder, or resume it.
        Start = 1, "Start";
        /// Stop the recorder.
        Stop = 2, "Stop";
        /// Hold the recorder.
        Pause = 3, "Pause";
        /// Decide that the recording is kept.
        Save = 4, "Save";
        /// Decide that the recording is thrown away.
        Delete = 5, "Delete";
        /// Mark the recording.
        Mark = 6, "Mark";
        /// Take the mark away. The action is `UnMark`, the state it leads to `Unmark`.
        UnMark = 7, "UnMark";
    }
}

/// What the macro `$with` makes of the name of an action, known when the program is built: a text about an action that is
/// whole, and that is not in a program which never makes it.
macro_rules! by_action {
    ($action:expr, $with:ident) => {
        match $action {
            $crate::Action::Start => $with!("Start"),
            $crate::Action::Stop => $with!("Stop"),
            $crate::Action::Pause => $with!("Pause"),
            $crate::Action::Save => $with!("Save"),
            $crate::Action::Delete => $with!("Delete"),
            $crate::Action::Mark => $with!("Mark"),
            $crate::Action::UnMark => $with!("UnMark"),
        }
    };
}

pub(crate) use by_action;

impl Action {
    /// The name of the call-detail record that this action writes.
    ///
    /// [Protocol](crate#protocol): older for `Mark` and `UnMark`; the other five follow the same pattern (OURS).
    #[must_use]
    pub const fn audit_name(self) -> &'static str {
        match self {
            Self::Start => "RecorderSetToStartByAgent",
            Self::Stop => "RecorderSetToStopByAgent",
            Self::Pause => "RecorderSetToPauseByAgent",
            Self::Save => "RecorderSetToSaveByAgent",
            Self::Delete => "RecorderSetToDeleteByAgent",
            Self::Mark => "RecorderSetToMarkByAgent",
            Self::UnMark => "RecorderSetToUnMarkByAgent",
        }
    }
}

/// An axis of a state, by where its two bits stand in the byte.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(crate) enum Axis {
    Recording = 0,
    Marking = 2,
    Saving = 4,
}

impl Action {
    /// The axis that this action changes.
    pub(crate) const fn axis(self) -> Axis {
        match self {
            Self::Start | Self::Stop | Self::Pause => Axis::Recording,
            Self::Save | Self::Delete => Axis::Saving,
            Self::Mark | Self::UnMark => Axis::Marking,
        }
    }
}

/// A set of actions, in one byte.
///
/// ```
/// use recording_core::{Action, State};
///
/// let allowed = State::INITIAL.allowed();
/// assert!(allowed.contains(Action::Start) && !allowed.contains(Action::Pause));
/// assert_eq!(allowed.to_string(), "Start Save Delete Mark UnMark");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ActionSet(u8);

impl ActionSet {
    /// No action.
    pub const EMPTY: Self = Self(0);

    /// Every action.
    pub const ALL: Self = Self(u8::MAX >> (u8::BITS as usize - Action::ALL.len()));

    /// The bit of an action; the lowest one is that of code 1.
    const fn bit(action: Action) -> u8 {
        // An action more than bits must not compile; nor one whose code leaves a gap.
        const {
            assert!(Action::ALL.len() <= u8::BITS as usize);
            assert!(matches!(Action::ALL, [Action::Start, .., last] if last.code() as usize == Action::ALL.len()));
        }
        1 << (action.code() - 1)
    }

    /// This set and `action`.
    #[must_use]
    pub const fn with(self, action: Action) -> Self {
        Self(self.0 | Self::bit(action))
    }

    /// This set without `action`.
    #[must_use]
    pub const fn without(self, action: Action) -> Self {
        Self(self.0 & !Self::bit(action))
    }

    /// Whether `action` is in the set.
    #[must_use]
    pub const fn contains(self, action: Action) -> bool {
        self.0 & Self::bit(action) != 0
    }

    /// How many actions are in the set.
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether no action is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The actions in the set, by ascending code.
    #[must_use]
    pub const fn iter(self) -> Actions {
        Actions(self)
    }
}

/// The actions of a set, by ascending code.
#[derive(Debug, Clone)]
pub struct Actions(ActionSet);

impl Iterator for Actions {
    type Item = Action;

    fn next(&mut self) -> Option<Action> {
        let next = Action::ALL.iter().copied().find(|&action| self.0.contains(action))?;
        self.0 = self.0.without(next);
        Some(next)
    }
}

impl IntoIterator for ActionSet {
    type Item = Action;
    type IntoIter = Actions;

    fn into_iter(self) -> Actions {
        Actions(self)
    }
}

impl FromIterator<Action> for ActionSet {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        actions.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl Extend<Action> for ActionSet {
    fn extend<I: IntoIterator<Item = Action>>(&mut self, actions: I) {
        *self |= actions.into_iter().collect();
    }
}

impl BitOr for ActionSet {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for ActionSet {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

impl fmt::Debug for ActionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// The names, by ascending code, with a space between.
impl fmt::Display for ActionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (count, action) in self.iter().enumerate() {
            let space = if count == 0 { "" } else { " " };
            write!(f, "{space}{action}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_in_whole_texts() {
        macro_rules! itself {
            ($name:literal) => {
                $name
            };
        }
        for &action in Action::ALL {
            assert_eq!(by_action!(action, itself), action.name());
        }
    }
}

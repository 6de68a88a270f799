//! The specification's machine, 36 states and 7 actions, written with each crate as its documentation does it.
//!
//! The three axes are machines of their own, side by side: none of the crates knows orthogonal regions, and a flat
//! machine of 36 states would be larger and slower. Repeats change nothing; what is refused changes nothing either.

use core::hint::black_box;

use recording_core::state::{MarkingState, RecordingState, SavingState};
use recording_core::{Action, State};

/// One session.
pub trait Machine {
    /// In the initial state.
    fn new() -> Self;
    /// What an action does to it.
    fn act(&mut self, action: Action);
    /// The state, as the core spells it.
    fn state(&self) -> State;
}

/// The chain of the figures: the machine knows no action before its step.
#[inline]
pub fn chain<M: Machine>(actions: &[Action]) -> State {
    let mut machine = M::new();
    for action in actions {
        machine.act(*black_box(action));
    }
    machine.state()
}

/// This crate.
#[derive(Debug)]
pub struct Ours(State);

impl Machine for Ours {
    fn new() -> Self {
        Self(State::INITIAL)
    }

    #[inline]
    fn act(&mut self, action: Action) {
        self.0 = self.0.apply(action).state();
    }

    fn state(&self) -> State {
        self.0
    }
}

/// A plain `match` on enums: the rule as anybody would write it.
#[derive(Debug)]
pub struct Match {
    recording: RecordingState,
    marking: MarkingState,
    saving: SavingState,
}

impl Machine for Match {
    fn new() -> Self {
        Self { recording: RecordingState::Uninitialized, marking: MarkingState::None, saving: SavingState::None }
    }

    #[inline]
    fn act(&mut self, action: Action) {
        match (action, self.recording) {
            (Action::Start, _) => self.recording = RecordingState::Started,
            (Action::Stop, RecordingState::Started | RecordingState::Paused) => {
                self.recording = RecordingState::Stopped
            }
            (Action::Pause, RecordingState::Started) => self.recording = RecordingState::Paused,
            (Action::Stop | Action::Pause, _) => {}
            (Action::Save, _) => self.saving = SavingState::Save,
            (Action::Delete, _) => self.saving = SavingState::Delete,
            (Action::Mark, _) => self.marking = MarkingState::Mark,
            (Action::UnMark, _) => self.marking = MarkingState::Unmark,
        }
    }

    fn state(&self) -> State {
        State::new(self.recording, self.marking, self.saving)
    }
}

/// The dispatch that the machines of the other crates share: an action belongs to one axis.
macro_rules! three_axes {
    ($Name:ident, $new:expr, $act:ident, $state:expr) => {
        impl Machine for $Name {
            fn new() -> Self {
                $new
            }

            #[inline]
            fn act(&mut self, action: Action) {
                match action {
                    Action::Start => $act!(self, recorder, Start),
                    Action::Stop => $act!(self, recorder, Stop),
                    Action::Pause => $act!(self, recorder, Pause),
                    Action::Save => $act!(self, saver, Save),
                    Action::Delete => $act!(self, saver, Delete),
                    Action::Mark => $act!(self, marker, Mark),
                    Action::UnMark => $act!(self, marker, UnMark),
                }
            }

            fn state(&self) -> State {
                let state: fn(&Self) -> (RecordingState, MarkingState, SavingState) = $state;
                let (recording, marking, saving) = state(self);
                State::new(recording, marking, saving)
            }
        }
    };
}

/// statig.
pub mod with_statig {
    use statig::blocking::InitializedStateMachine;
    use statig::prelude::*;

    use super::{Action, Machine, MarkingState, RecordingState, SavingState, State};

    mod recorder {
        use super::Action;
        use statig::prelude::*;

        #[derive(Default)]
        pub struct Recorder;

        #[state_machine(initial = "State::uninitialized()")]
        impl Recorder {
            #[state]
            fn uninitialized(event: &Action) -> Outcome<State> {
                match event {
                    Action::Start => Transition(State::started()),
                    _ => Handled,
                }
            }

            #[state]
            fn started(event: &Action) -> Outcome<State> {
                match event {
                    Action::Stop => Transition(State::stopped()),
                    Action::Pause => Transition(State::paused()),
                    _ => Handled,
                }
            }

            #[state]
            fn stopped(event: &Action) -> Outcome<State> {
                match event {
                    Action::Start => Transition(State::started()),
                    _ => Handled,
                }
            }

            #[state]
            fn paused(event: &Action) -> Outcome<State> {
                match event {
                    Action::Start => Transition(State::started()),
                    Action::Stop => Transition(State::stopped()),
                    _ => Handled,
                }
            }
        }
    }

    mod marker {
        use super::Action;
        use statig::prelude::*;

        #[derive(Default)]
        pub struct Marker;

        #[state_machine(initial = "State::unknown()")]
        impl Marker {
            #[state]
            fn unknown(event: &Action) -> Outcome<State> {
                match event {
                    Action::Mark => Transition(State::mark()),
                    Action::UnMark => Transition(State::unmark()),
                    _ => Handled,
                }
            }

            #[state]
            fn mark(event: &Action) -> Outcome<State> {
                match event {
                    Action::UnMark => Transition(State::unmark()),
                    _ => Handled,
                }
            }

            #[state]
            fn unmark(event: &Action) -> Outcome<State> {
                match event {
                    Action::Mark => Transition(State::mark()),
                    _ => Handled,
                }
            }
        }
    }

    mod saver {
        use super::Action;
        use statig::prelude::*;

        #[derive(Default)]
        pub struct Saver;

        #[state_machine(initial = "State::undecided()")]
        impl Saver {
            #[state]
            fn undecided(event: &Action) -> Outcome<State> {
                match event {
                    Action::Save => Transition(State::save()),
                    Action::Delete => Transition(State::delete()),
                    _ => Handled,
                }
            }

            #[state]
            fn save(event: &Action) -> Outcome<State> {
                match event {
                    Action::Delete => Transition(State::delete()),
                    _ => Handled,
                }
            }

            #[state]
            fn delete(event: &Action) -> Outcome<State> {
                match event {
                    Action::Save => Transition(State::save()),
                    _ => Handled,
                }
            }
        }
    }

    /// Three machines of statig.
    #[allow(missing_debug_implementations)]
    pub struct Statig {
        recorder: InitializedStateMachine<recorder::Recorder>,
        marker: InitializedStateMachine<marker::Marker>,
        saver: InitializedStateMachine<saver::Saver>,
    }

    macro_rules! act {
        ($self:ident, $axis:ident, $action:ident) => {
            $self.$axis.handle(&Action::$action)
        };
    }

    three_axes!(
        Statig,
        Self {
            recorder: recorder::Recorder.uninitialized_state_machine().init(),
            marker: marker::Marker.uninitialized_state_machine().init(),
            saver: saver::Saver.uninitialized_state_machine().init(),
        },
        act,
        |it| {
            let recording = match it.recorder.state() {
                recorder::State::Uninitialized {} => RecordingState::Uninitialized,
                recorder::State::Started {} => RecordingState::Started,
                recorder::State::Stopped {} => RecordingState::Stopped,
                recorder::State::Paused {} => RecordingState::Paused,
            };
            let marking = match it.marker.state() {
                marker::State::Unknown {} => MarkingState::None,
                marker::State::Mark {} => MarkingState::Mark,
                marker::State::Unmark {} => MarkingState::Unmark,
            };
            let saving = match it.saver.state() {
                saver::State::Undecided {} => SavingState::None,
                saver::State::Save {} => SavingState::Save,
                saver::State::Delete {} => SavingState::Delete,
            };
            (recording, marking, saving)
        }
    );
}

/// rust-fsm.
pub mod with_rust_fsm {
    use rust_fsm::state_machine;

    use super::{Action, Machine, MarkingState, RecordingState, SavingState, State};

    state_machine! {
        recorder(Uninitialized)

        Uninitialized(Start) => Started,
        Started => { Start => Started, Stop => Stopped, Pause => Paused },
        Stopped => { Start => Started, Stop => Stopped },
        Paused => { Start => Started, Stop => Stopped, Pause => Paused }
    }

    state_machine! {
        marker(Unknown)

        Unknown => { Mark => Marked, UnMark => Unmarked },
        Marked => { Mark => Marked, UnMark => Unmarked },
        Unmarked => { Mark => Marked, UnMark => Unmarked }
    }

    state_machine! {
        saver(Undecided)

        Undecided => { Save => Saved, Delete => Deleted },
        Saved => { Save => Saved, Delete => Deleted },
        Deleted => { Save => Saved, Delete => Deleted }
    }

    /// Three machines of rust-fsm.
    #[allow(missing_debug_implementations)]
    pub struct RustFsm {
        recorder: recorder::StateMachine,
        marker: marker::StateMachine,
        saver: saver::StateMachine,
    }

    macro_rules! act {
        ($self:ident, $axis:ident, $action:ident) => {
            drop($self.$axis.consume(&$axis::Input::$action))
        };
    }

    three_axes!(
        RustFsm,
        Self {
            recorder: recorder::StateMachine::new(),
            marker: marker::StateMachine::new(),
            saver: saver::StateMachine::new(),
        },
        act,
        |it| {
            let recording = match it.recorder.state() {
                recorder::State::Uninitialized => RecordingState::Uninitialized,
                recorder::State::Started => RecordingState::Started,
                recorder::State::Stopped => RecordingState::Stopped,
                recorder::State::Paused => RecordingState::Paused,
            };
            let marking = match it.marker.state() {
                marker::State::Unknown => MarkingState::None,
                marker::State::Marked => MarkingState::Mark,
                marker::State::Unmarked => MarkingState::Unmark,
            };
            let saving = match it.saver.state() {
                saver::State::Undecided => SavingState::None,
                saver::State::Saved => SavingState::Save,
                saver::State::Deleted => SavingState::Delete,
            };
            (recording, marking, saving)
        }
    );
}

/// smlang.
pub mod with_smlang {
    use super::{Action, Machine, MarkingState, RecordingState, SavingState, State};

    mod recorder {
        smlang::statemachine! {
            transitions: {
                *Uninitialized | Started | Stopped | Paused + Start = Started,
                Started | Stopped | Paused + Stop = Stopped,
                Started | Paused + Pause = Paused,
            }
        }
        pub struct Context;
        impl StateMachineContext for Context {}
    }

    mod marker {
        smlang::statemachine! {
            transitions: {
                *Unknown | Marked | Unmarked + Mark = Marked,
                Unknown | Marked | Unmarked + UnMark = Unmarked,
            }
        }
        pub struct Context;
        impl StateMachineContext for Context {}
    }

    mod saver {
        smlang::statemachine! {
            transitions: {
                *Undecided | Saved | Deleted + Save = Saved,
                Undecided | Saved | Deleted + Delete = Deleted,
            }
        }
        pub struct Context;
        impl StateMachineContext for Context {}
    }

    /// Three machines of smlang.
    #[allow(missing_debug_implementations)]
    pub struct Smlang {
        recorder: recorder::StateMachine<recorder::Context>,
        marker: marker::StateMachine<marker::Context>,
        saver: saver::StateMachine<saver::Context>,
    }

    macro_rules! act {
        ($self:ident, $axis:ident, $action:ident) => {
            drop($self.$axis.process_event($axis::Events::$action))
        };
    }

    three_axes!(
        Smlang,
        Self {
            recorder: recorder::StateMachine::new(recorder::Context),
            marker: marker::StateMachine::new(marker::Context),
            saver: saver::StateMachine::new(saver::Context),
        },
        act,
        |it| {
            let recording = match it.recorder.state() {
                recorder::States::Uninitialized => RecordingState::Uninitialized,
                recorder::States::Started => RecordingState::Started,
                recorder::States::Stopped => RecordingState::Stopped,
                recorder::States::Paused => RecordingState::Paused,
            };
            let marking = match it.marker.state() {
                marker::States::Unknown => MarkingState::None,
                marker::States::Marked => MarkingState::Mark,
                marker::States::Unmarked => MarkingState::Unmark,
            };
            let saving = match it.saver.state() {
                saver::States::Undecided => SavingState::None,
                saver::States::Saved => SavingState::Save,
                saver::States::Deleted => SavingState::Delete,
            };
            (recording, marking, saving)
        }
    );
}

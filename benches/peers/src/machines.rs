//! The specification's machine, 36 states and 7 actions, written with each crate as its documentation does it.
//!
//! The three axes are machines of their own, side by side: none of the crates knows orthogonal regions, and a flat
//! machine of 36 states would be larger and slower. Repeats change nothing; what is refused changes nothing either.

use core::hint::black_box;

use recording_core::{Action, Marking, Recording, Saving, State};

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
    recording: Recording,
    marking: Marking,
    saving: Saving,
}

impl Machine for Match {
    fn new() -> Self {
        Self { recording: Recording::Uninitialized, marking: Marking::None, saving: Saving::None }
    }

    #[inline]
    fn act(&mut self, action: Action) {
        match (action, self.recording) {
            (Action::Start, _) => self.recording = Recording::Started,
            (Action::Stop, Recording::Started | Recording::Paused) => self.recording = Recording::Stopped,
            (Action::Pause, Recording::Started) => self.recording = Recording::Paused,
            (Action::Stop | Action::Pause, _) => {}
            (Action::Save, _) => self.saving = Saving::Save,
            (Action::Delete, _) => self.saving = Saving::Delete,
            (Action::Mark, _) => self.marking = Marking::Mark,
            (Action::UnMark, _) => self.marking = Marking::Unmark,
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
                let state: fn(&Self) -> (Recording, Marking, Saving) = $state;
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

    use super::{Action, Machine, Marking, Recording, Saving, State};

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
                recorder::State::Uninitialized {} => Recording::Uninitialized,
                recorder::State::Started {} => Recording::Started,
                recorder::State::Stopped {} => Recording::Stopped,
                recorder::State::Paused {} => Recording::Paused,
            };
            let marking = match it.marker.state() {
                marker::State::Unknown {} => Marking::None,
                marker::State::Mark {} => Marking::Mark,
                marker::State::Unmark {} => Marking::Unmark,
            };
            let saving = match it.saver.state() {
                saver::State::Undecided {} => Saving::None,
                saver::State::Save {} => Saving::Save,
                saver::State::Delete {} => Saving::Delete,
            };
            (recording, marking, saving)
        }
    );
}

/// rust-fsm.
pub mod with_rust_fsm {
    use rust_fsm::state_machine;

    use super::{Action, Machine, Marking, Recording, Saving, State};

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
                recorder::State::Uninitialized => Recording::Uninitialized,
                recorder::State::Started => Recording::Started,
                recorder::State::Stopped => Recording::Stopped,
                recorder::State::Paused => Recording::Paused,
            };
            let marking = match it.marker.state() {
                marker::State::Unknown => Marking::None,
                marker::State::Marked => Marking::Mark,
                marker::State::Unmarked => Marking::Unmark,
            };
            let saving = match it.saver.state() {
                saver::State::Undecided => Saving::None,
                saver::State::Saved => Saving::Save,
                saver::State::Deleted => Saving::Delete,
            };
            (recording, marking, saving)
        }
    );
}

/// smlang.
pub mod with_smlang {
    use super::{Action, Machine, Marking, Recording, Saving, State};

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
                recorder::States::Uninitialized => Recording::Uninitialized,
                recorder::States::Started => Recording::Started,
                recorder::States::Stopped => Recording::Stopped,
                recorder::States::Paused => Recording::Paused,
            };
            let marking = match it.marker.state() {
                marker::States::Unknown => Marking::None,
                marker::States::Marked => Marking::Mark,
                marker::States::Unmarked => Marking::Unmark,
            };
            let saving = match it.saver.state() {
                saver::States::Undecided => Saving::None,
                saver::States::Saved => Saving::Save,
                saver::States::Deleted => Saving::Delete,
            };
            (recording, marking, saving)
        }
    );
}

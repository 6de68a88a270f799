//! Every state that can be reached, the invariant in each, and a fair run from each.

use std::collections::{HashMap, HashSet, VecDeque};
use std::env;

use recording_core::recorder::{Due, Flight, Input, RecorderState, Reported};
use recording_core::state::RecordingState;

use crate::moves::{again, deliver, moves, replied, restart_seen, step, timed_out};
use crate::world::{Bounds, World};

#[derive(Debug, Default)]
pub(crate) struct Explored {
    pub(crate) states: usize,
    pub(crate) settled: usize,
    pub(crate) violations: usize,
    /// The first violation.
    pub(crate) example: String,
}

/// Explores all that can be reached, or until so many violations were found.
pub(crate) fn explore(bounds: Bounds, enough: usize) -> Explored {
    let mut explored = Explored::default();
    let (keeps_trace, mut trace) = (env::var_os("RECORDER_TRACE").is_some(), HashMap::new());
    let (mut known, mut settles) = (HashSet::new(), HashSet::new());
    let begun = [RecordingState::Started, RecordingState::Paused, RecordingState::Uninitialized];
    let mut queue: VecDeque<_> = begun.into_iter().map(|recording| World::new(bounds, recording)).collect();
    known.extend(queue.iter().map(World::key));
    while let Some(world) = queue.pop_front() {
        explored.states += 1;
        if let Some(violation) = world.violation() {
            if explored.violations == 0 {
                explored.example = violation.to_owned();
                let mut key = world.key();
                while let Some((before, brief)) = trace.get(&key) {
                    explored.example += &format!("\n<- {brief}");
                    key = *before;
                }
            }
            explored.violations += 1;
            if explored.violations >= enough {
                break;
            }
            continue;
        }
        if enough == usize::MAX {
            explored.settled += usize::from(settle(&world, &mut settles));
        }
        for next in moves(&world) {
            if known.insert(next.key()) {
                if keeps_trace {
                    trace.insert(next.key(), (world.key(), next.brief()));
                }
                queue.push_back(next);
            }
        }
    }
    explored
}

/// Whether a run settles in which nothing more is lost, the recorder obeys, the store works and timers fire. `settles` has the
/// states from which that is known.
fn settle(world: &World, settles: &mut HashSet<u64>) -> bool {
    let mut world = world.clone();
    let mut path = Vec::new();
    for _ in 0..60 {
        let key = world.key();
        if settles.contains(&key) {
            settles.extend(path);
            return true;
        }
        path.push(key);
        match fair(&world) {
            Some(next) => world = next,
            None => {
                settles.extend(path);
                return true;
            }
        }
    }
    panic!("does not settle: {world:?}");
}

/// The next move of a fair run; `None` once everything is settled.
fn fair(world: &World) -> Option<World> {
    let mut next = Vec::new();
    // What is pushed last is what follows when nothing fails.
    let last = |mut next: Vec<World>| next.pop();
    let mut changed = world.clone();
    if !world.knows_call {
        changed.knows_call = true;
        return Some(changed);
    }
    if world.restart_unseen {
        step(&restart_seen(world), Input::Restarted, &mut next);
        return last(next).or_else(|| Some(restart_seen(world)));
    }
    if !world.replies.is_empty() {
        let replied = changed.replies.remove(0);
        deliver(&changed, replied, &mut next);
        return last(next);
    }
    if !world.commands.is_empty() {
        let command = changed.commands.remove(0);
        changed.obey(command.order);
        let recorder = changed.recorder;
        return Some(replied(changed, command, Reported::Is(recorder)));
    }
    if let Some(command) = world.outstanding {
        return Some(again(world, command));
    }
    let machine = world.machine.as_ref()?;
    if let (Some(Flight::Flying | Flight::OldFlying), Some(number)) = (machine.flight(), machine.latest()) {
        step(world, Input::GivenUp { number }, &mut next);
        return last(next);
    }
    let is_recording = world.is_silent() && world.recorder == RecorderState::Recording;
    if machine.order().is_some() || is_recording {
        assert_ne!(machine.due(), Due::Never, "an order that nothing sends: {world:?}");
        step(world, Input::Send, &mut next);
        return last(next);
    }
    (0..world.bounds.clients).find(|&client| world.clients[client].waits_for.is_some()).map(|client| {
        assert_eq!(machine.order(), None);
        timed_out(world, client)
    })
}

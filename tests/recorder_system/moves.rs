//! What can happen in a state of the model: every move, with the server killed between any two of its outputs.

use recording_core::Action;
use recording_core::recorder::{
    Channel, Done, Flight, Input, Machine, Order, Outcome, RecorderState, Reported, ResumePolicy, Step, Verdict,
};
use recording_core::state::RecordingState;

use crate::world::{Command, Planted, Replied, World};
use recording_test_support::recorder::{AT, facts, request, waiting, who};

/// Everything that can happen next.
pub(crate) fn moves(world: &World) -> Vec<World> {
    let mut next = Vec::new();
    requests(world, &mut next);
    timers(world, &mut next);
    recorder(world, &mut next);
    replies(world, &mut next);
    read_backs(world, &mut next);
    calls(world, &mut next);
    let mut crashed = world.clone();
    crashed.crash();
    next.push(crashed);
    next.iter_mut().for_each(World::forget);
    let bound = world.bounds.in_flight;
    next.retain(|world| world.commands.len() <= bound && world.replies.len() <= bound);
    next
}

fn requests(world: &World, next: &mut Vec<World>) {
    for client in 0..world.bounds.clients {
        for action in [Action::Start, Action::Pause, Action::Stop] {
            if world.clients[client].waits_for.is_none() || is_answered_at_once(world, client, action) {
                set(world, client, action, next);
            }
        }
    }
}

/// Whether a second request of a client that waits is answered at once, as a repeat is. One that waits, too, is answered as
/// the first one is.
fn is_answered_at_once(world: &World, client: usize, action: Action) -> bool {
    let Some(machine) = world.machine.clone() else { return false };
    let verdict = match machine.set(&request(action), &facts(client as u8, true, true), |_| true).expect("numbers") {
        Step::Done(done) => done.reply,
        Step::Store(pending) => pending.stored().reply,
    };
    matches!(verdict, Verdict::Reply { .. })
}

/// What the server's timers do.
fn timers(world: &World, next: &mut Vec<World>) {
    let Some(machine) = &world.machine else { return };
    for client in 0..world.bounds.clients {
        if world.clients[client].waits_for.is_some() {
            next.push(timed_out(world, client));
        }
    }
    if let (Some(Flight::Flying | Flight::OldFlying), Some(number)) = (machine.flight(), machine.latest()) {
        let has_landed = world.outstanding.iter().chain(&world.held).all(|command| command.number != number);
        if world.bounds.channel == Channel::Ordered || has_landed || world.bounds.planted == Planted::Overtaking {
            step(world, Input::GivenUp { number }, next);
        }
    }
    if !matches!(machine.flight(), Some(Flight::Flying | Flight::OldFlying)) {
        step(world, Input::Send, next);
    }
}

pub(crate) fn timed_out(world: &World, client: usize) -> World {
    let mut world = world.clone();
    if let (Some(machine), Some(action)) = (&mut world.machine, world.clients[client].waits_for.take()) {
        let reply = waiting(action, client as u8).time_out(machine);
        assert!(reply.error.is_some());
    }
    world
}

/// What the recorder does with what reaches it, and by itself.
fn recorder(world: &World, next: &mut Vec<World>) {
    for at in 0..world.commands.len() {
        let mut lost = world.clone();
        let command = lost.commands.remove(at);
        next.push(lost.clone());
        if at > 0 && world.bounds.channel == Channel::Ordered {
            continue;
        }
        if !world.knows_call {
            next.push(replied(lost, command, Reported::NoSuchCall));
            continue;
        }
        // Not done, and said so.
        next.push(replied(lost.clone(), command, Reported::Is(world.recorder)));
        lost.obey(command.order);
        next.push(replied(lost.clone(), command, Reported::Is(lost.recorder)));
        // Done, and not said.
        if world.bounds.channel == Channel::Drained {
            let reported = Reported::Is(lost.recorder);
            let mut silent = replied(lost.clone(), command, reported);
            silent.replies.pop();
            next.push(silent);
        } else {
            next.push(lost);
        }
    }
    // The same bytes again: carried out, unless they were already; then the same reply.
    if let Some(command) = world.outstanding.filter(|command| !world.commands.contains(command)) {
        next.push(again(world, command));
    }
    if world.bounds.own_will {
        for &state in RecorderState::ALL {
            if state != world.recorder {
                let mut changed = world.clone();
                (changed.recorder, changed.by_us) = (state, false);
                next.push(changed);
            }
        }
        step(world, Input::Report(world.recorder), next);
    }
    if world.bounds.restarts {
        let mut changed = world.clone();
        changed.knows_call = !world.knows_call;
        next.push(changed);
        if world.restart_unseen {
            step(&restart_seen(world), Input::Restarted, next);
        } else {
            let mut changed = world.clone();
            (changed.recorder, changed.by_us, changed.restart_unseen) = (RecorderState::Off, false, true);
            // A datagram that is delayed across a restart of the recorder is out of scope.
            changed.commands.clear();
            changed.replies.clear();
            changed.cached = None;
            next.push(changed);
        }
    }
}

pub(crate) fn restart_seen(world: &World) -> World {
    let mut world = world.clone();
    world.restart_unseen = false;
    (world.outstanding, world.held, world.cached) = (None, None, None);
    // Nothing sent before can still be carried out: that is what was proven.
    world.commands.clear();
    world.replies.clear();
    world
}

pub(crate) fn again(world: &World, command: Command) -> World {
    let mut world = world.clone();
    match world.cached.filter(|cached| cached.number == command.number) {
        Some(cached) if !world.replies.contains(&cached) => world.replies.push(cached),
        Some(_) => {}
        None => world.commands.push(command),
    }
    world
}

pub(crate) fn replied(mut world: World, command: Command, reported: Reported) -> World {
    let replied = Replied { number: command.number, first: command.first, reported };
    world.replies.push(replied);
    if world.bounds.channel == Channel::Drained {
        world.commands.retain(|other| other.number != command.number);
        if command.order == Order::Record {
            world.cached = Some(replied);
        }
    }
    world
}

fn replies(world: &World, next: &mut Vec<World>) {
    for at in 0..world.replies.len() {
        let mut taken = world.clone();
        let replied = taken.replies.remove(at);
        // Lost; in time or late; and once more.
        next.push(taken.clone());
        deliver(&taken, replied, next);
        deliver(world, replied, next);
    }
}

/// A reply reaches the server.
pub(crate) fn deliver(world: &World, replied: Replied, next: &mut Vec<World>) {
    let mut world = world.clone();
    world.landed(replied.number);
    if world.bounds.channel == Channel::Drained {
        // An answer that does not say what the recorder is doing.
        step(&world, Input::GivenUp { number: replied.number }, next);
    }
    let Some(machine) = &world.machine else {
        next.push(world);
        return;
    };
    let number = match (world.bounds.planted, machine.latest()) {
        (Planted::AnyReply, Some(latest)) => latest,
        (Planted::OneNumber, Some(latest)) if world.first == Some(replied.first) => latest,
        _ => replied.number,
    };
    step(&world, Input::Reply { number, reported: replied.reported }, next);
}

fn read_backs(world: &World, next: &mut Vec<World>) {
    if !world.bounds.read_backs {
        return;
    }
    let Some(machine) = &world.machine else { return };
    let mut changed = world.clone();
    match world.read_back {
        None => {
            changed.read_back = machine.read_back().map(|token| (token, None));
            changed.read_at = machine.latest();
            next.push(changed);
        }
        Some((token, None)) => {
            changed.read_back = Some((token, Some(world.recorder)));
            next.push(changed.clone());
            changed.read_back = None;
            next.push(changed);
        }
        Some((token, Some(recorder))) => {
            changed.read_back = None;
            let counted = token.answered(machine, recorder);
            let any = Some(Input::Read(recorder));
            let counted = match world.bounds.planted {
                Planted::AnyReadBack => any,
                Planted::FinishedReadBack if world.read_at == machine.latest() => any,
                _ => counted,
            };
            match counted {
                Some(input) => step(&changed, input, next),
                None => next.push(changed),
            }
        }
    }
}

/// Calls that end and begin again.
fn calls(world: &World, next: &mut Vec<World>) {
    if !world.bounds.ends {
        return;
    }
    if world.machine.is_some() {
        return step(world, Input::End { save_recording_by_default: true }, next);
    }
    for recording in [RecordingState::Uninitialized, RecordingState::Started, RecordingState::Paused] {
        let mut begun = world.clone();
        begun.begin(recording);
        next.push(begun);
    }
}

/// An input that is no request.
pub(crate) fn step(world: &World, input: Input, next: &mut Vec<World>) {
    let step = |machine: Machine| machine.step(input, AT).expect("numbers");
    let ends = |world: &mut World| {
        if matches!(input, Input::End { .. }) {
            world.clients.iter_mut().for_each(|client| client.was_told_silent = false);
        }
    };
    carried_out(world, step, |_, _, ()| {}, ends, next);
}

fn set(world: &World, client: usize, action: Action, next: &mut Vec<World>) {
    let facts = facts(client as u8, true, true);
    let step = |machine: Machine| machine.set(&request(action), &facts, |_| true).expect("numbers");
    let resume = world.bounds.resume;
    // What ends a pause is a Start that section 5 allows: by anyone, or else by the one who paused.
    let ends = move |world: &mut World| {
        if action == Action::Start {
            world.clients[client].was_told_silent = false;
            if resume == ResumePolicy::Anyone {
                world.clients.iter_mut().for_each(|client| client.was_told_silent = false);
            }
        }
    };
    let reply = move |world: &mut World, _, verdict: Verdict<'_>| {
        ends(world);
        match verdict {
            Verdict::Reply { reply, .. } => answered(world, client, action, reply.error.is_none()),
            Verdict::Wait(_) if world.bounds.planted == Planted::SilentBeforeConfirmed => {
                answered(world, client, action, true);
            }
            _ => world.clients[client].waits_for = Some(action),
        }
    };
    carried_out(world, step, reply, ends, next);
}

fn answered(world: &mut World, client: usize, action: Action, is_success: bool) {
    let asked_silence = matches!(action, Action::Pause | Action::Stop);
    if is_success && asked_silence {
        world.clients[client].was_told_silent = true;
        if !world.is_silent() {
            world.broken = Some("success was told although the stored state is not silent");
        }
    }
}

/// A step with its outputs in order, and with everything that can go wrong between them.
fn carried_out<R>(
    world: &World,
    step: impl Fn(Machine) -> Step<R>,
    reply: impl Fn(&mut World, Outcome, R),
    stored_only: impl Fn(&mut World),
    next: &mut Vec<World>,
) {
    let Some(machine) = world.machine.clone() else { return };
    let (done, is_stored) = match step(machine.clone()) {
        Step::Done(done) => (done, false),
        Step::Store(pending) => {
            let to_store = pending.to_store().copied();
            if world.bounds.planted == Planted::SendBeforeStore {
                if let Some(sending) = pending.stored().sending {
                    let mut sent = world.clone();
                    sent.send(sending.order, sending.number);
                    sent.crash();
                    next.push(sent);
                }
            } else if world.bounds.store_fails {
                let mut failed = world.clone();
                failed.machine = pending.not_stored();
                next.push(failed);
                for is_stored in [false, true] {
                    let Step::Store(pending) = step(machine.clone()) else { unreachable!() };
                    let mut unknown = world.clone();
                    if is_stored {
                        stored_only(&mut unknown);
                        unknown.store = to_store;
                    }
                    if world.bounds.planted == Planted::LoadedWhileTheyWait {
                        unknown.load();
                    } else {
                        unknown.machine = unknown.store.map(|kept| pending.unknown().found(kept));
                    }
                    unknown.answer_if_over();
                    unknown.first = None;
                    unknown.drain();
                    next.push(unknown);
                }
            }
            let Step::Store(pending) = step(machine) else { unreachable!() };
            (pending.stored(), true)
        }
    };
    let mut world = world.clone();
    if is_stored {
        stored_only(&mut world);
    }
    release(&mut world, done, is_stored, reply, next);
    next.push(world);
}

/// Store, send, answer; the server may be killed after each.
fn release<R>(
    world: &mut World,
    done: Done<R>,
    is_stored: bool,
    reply: impl Fn(&mut World, Outcome, R),
    next: &mut Vec<World>,
) {
    let mut push_crashed = |world: &World| {
        let mut crashed = world.clone();
        crashed.crash();
        next.push(crashed);
    };
    world.store = done.machine.as_ref().map(|machine| *machine.kept());
    world.machine = done.machine;
    if world.bounds.planted == Planted::SilentBeforeConfirmed && done.outcome == Outcome::Ordered {
        silent_at_once(world);
    }
    if is_stored {
        push_crashed(world);
    }
    if let Some(sending) = done.sending {
        world.send(sending.order, sending.number);
        push_crashed(world);
    }
    if let Some(answers) = done.answers {
        for client in 0..world.bounds.clients {
            let Some(action) = world.clients[client].waits_for else { continue };
            let waiting = waiting(action, client as u8);
            assert_eq!(who(waiting.requester()), client as u8);
            if answers.include(&waiting) {
                world.clients[client].waits_for = None;
                let is_success = waiting.answer(&answers.answer).error.is_none();
                answered(world, client, action, is_success);
            }
        }
    }
    world.answer_if_over();
    reply(world, done.outcome, done.reply);
}

/// Planted: the axis is what was ordered before anyone has confirmed it.
fn silent_at_once(world: &mut World) {
    let Some(kept) = world.store else { return };
    let mut bytes = kept.to_bytes();
    if let Some(order) = kept.order().filter(|order| order.target().is_silent()) {
        bytes[0] = bytes[0] & !3 | order.target().axis().code();
        bytes[16..24].fill(0);
        world.store = recording_core::recorder::Kept::from_bytes(&bytes).ok();
    }
}

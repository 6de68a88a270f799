//! Sets of one session at once, over the real parts of this store (what is ahead of the disk, groups, the image), and a disk
//! whose commits take their time and may fail: every order in which the steps of clients and disk can fall. Enumerated, not
//! sampled.
//!
//! What runs is the server's own loop, `Service::set`. Steps of a client: it looks up and decides, it asks for the change,
//! it tells. Steps of the disk: it takes all that was asked for into a group; it has committed it, or has failed.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::{Arc, Mutex, MutexGuard};

use recording_core::recorder::Epoch;
use recording_core::state::Outcome;
use recording_core::wire::{Rejection, StateReply};
use recording_core::{Action, State};
use recording_test_support::schedule::{CanGo, Schedule, wait};

use super::ahead::Ahead;
use super::group::{Asked, Change, Group};
use super::pause_first::{directory, request};
use super::tests::key;
use super::writer::Groups;
use crate::audit::{Note, Trail};
use crate::caller::Caller;
use crate::service::Service;
use crate::store::image::Image;
use crate::store::{Found, Latest, Revision, Session, SessionKey, Store, StoreError, Storing, Swap};

/// What goes wrong in the store itself, so that the checks can be seen to fail.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plant {
    Nothing,
    /// Changes that rest on one that failed are made all the same.
    FailuresAreForgotten,
    /// Answers do not wait for what they were decided from.
    AnswersDoNotWait,
}

struct Stepped(Mutex<Disk>);

struct Disk {
    groups: Groups,
    queue: Vec<Asked>,
    at_work: Option<Group>,
    /// The states that were committed, in the order of their changes; the first is that of the beginning.
    stored: Vec<State>,
    /// Those of the changes that are being committed.
    states: Vec<State>,
    may_fail: bool,
    has_failed: bool,
    plant: Plant,
    /// Whether others may take a step between deciding and asking.
    waits: bool,
}

impl Stepped {
    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap()
    }
}

impl Disk {
    fn new(from: State, plant: Plant) -> Self {
        let found = Found { session: from.into(), revision: Revision(1) };
        let image = Arc::new(Image::of(vec![(key(1), found)]));
        let groups = Groups { image, ahead: Arc::new(Ahead::new(1)), lost: 1 };
        let (queue, states) = (Vec::new(), Vec::new());
        Self {
            groups,
            queue,
            at_work: None,
            stored: vec![from],
            states,
            may_fail: true,
            has_failed: false,
            plant,
            waits: true,
        }
    }

    fn can_go(&self) -> bool {
        self.at_work.is_some() || !self.queue.is_empty()
    }

    /// As the thread that writes does.
    fn step(&mut self, fails: bool) {
        let Some(group) = self.at_work.take() else {
            let mut group = self.groups.begin();
            for asked in self.queue.drain(..) {
                match asked {
                    Asked::Change(change) => {
                        let (before, state) = (group.len(), change.session.as_ref().unwrap().kept_state());
                        group.add(change);
                        self.states.extend((group.len() > before).then_some(state));
                    }
                    Asked::UntilStored(revision, tell) => group.tell_of(revision, tell),
                    Asked::Epochs(_) | Asked::TryOut(_) => unreachable!(),
                }
            }
            self.at_work = (!group.is_empty()).then_some(group);
            return;
        };
        let states = core::mem::take(&mut self.states);
        if fails {
            self.has_failed = true;
            let lost = self.groups.lost;
            self.groups.end(group, &Err(StoreError::new("planned")));
            if self.plant == Plant::FailuresAreForgotten {
                self.groups.lost = lost;
            }
        } else {
            self.stored.extend(states);
            self.groups.end(group, &Ok(()));
        }
    }
}

impl Store for Stepped {
    async fn read(&self, key: &SessionKey) -> Result<Option<Found>, StoreError> {
        Ok(self.disk().groups.image.read(key))
    }

    async fn compare_and_set(
        &self,
        key: &SessionKey,
        expected: Option<Revision>,
        session: Option<Session>,
        note: Note,
    ) -> Result<Swap, StoreError> {
        self.ask(key, expected, session, note).await?.await
    }

    async fn latest(&self, key: &SessionKey) -> Result<Latest, StoreError> {
        let Groups { image, ahead, .. } = &self.disk().groups;
        Ok(ahead.latest(key, image))
    }

    async fn ask(
        &self,
        key: &SessionKey,
        expected: Option<Revision>,
        session: Option<Session>,
        note: Note,
    ) -> Result<Storing, StoreError> {
        let waits = self.disk().waits;
        if waits {
            wait().await;
        }
        let (tell, storing) = Storing::to_be_told();
        let Disk { groups: Groups { image, ahead, .. }, queue, .. } = &mut *self.disk();
        let hand_on = |revision| {
            let session = session.clone();
            queue.push(Asked::Change(Change { key: key.clone(), revision, session, note, tell }));
            Ok(())
        };
        let asked = ahead.ask(image, (key, expected, session.clone()), hand_on)?;
        Ok(asked.map_or(Storing::known(Swap::Conflict), |()| storing))
    }

    fn until_stored(&self, _: &SessionKey, latest: &Latest) -> Storing {
        let Some(revision) = latest.not_yet else { return Storing::known(Swap::Stored) };
        if self.disk().plant == Plant::AnswersDoNotWait {
            return Storing::known(Swap::Stored);
        }
        let (tell, storing) = Storing::to_be_told();
        self.disk().queue.push(Asked::UntilStored(revision, tell));
        storing
    }

    async fn page(&self, _: Option<&SessionKey>, _: usize) -> Result<Vec<(SessionKey, Session)>, StoreError> {
        unreachable!()
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        unreachable!()
    }

    fn id(&self) -> u64 {
        unreachable!()
    }

    async fn open_sessions(&self) -> Result<usize, StoreError> {
        unreachable!()
    }

    fn trail(&self) -> Option<&Trail> {
        None
    }

    async fn ready(&self) -> Result<(), StoreError> {
        unreachable!()
    }
}

/// What a client got, and between which steps of the whole.
#[derive(Clone, Copy)]
struct Told {
    action: Action,
    /// The state and whether it was a success; `None` for 503.
    reply: Option<(State, bool)>,
    first_step: usize,
    last_step: usize,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    runs: usize,
    failures: usize,
    not_linear: usize,
    events_out_of_order: usize,
    told_too_early: usize,
    wrongly_failed: usize,
}

type Work = Pin<Box<dyn Future<Output = Result<StateReply<'static>, Rejection>>>>;

fn run(service: &Arc<Service<Stepped>>, from: State, actions: &[Action], schedule: &mut Schedule, count: &mut Count) {
    let mut listener = service.events().subscribe();
    let mut works: Vec<Option<Work>> = Vec::new();
    for &action in actions {
        let service = Arc::clone(service);
        let work = async move { service.set(&request(action), Caller::default()).await };
        works.push(Some(Box::pin(work)));
    }
    let can_go: Vec<_> = actions.iter().map(|_| CanGo::default()).collect();
    let mut told: Vec<Told> =
        actions.iter().map(|&action| Told { action, reply: None, first_step: usize::MAX, last_step: 0 }).collect();
    let mut events = Vec::new();
    let mut too_early = false;
    for step in 0.. {
        let mut possible: Vec<usize> =
            (0..works.len()).filter(|&who| works[who].is_some() && can_go[who].get()).collect();
        let clients = possible.len();
        {
            let disk = service.store().disk();
            if disk.can_go() {
                possible.push(usize::MAX);
                // One failure is enough to see what becomes of everything around it.
                possible.extend((disk.at_work.is_some() && disk.may_fail).then_some(usize::MAX - 1));
            }
        }
        if possible.is_empty() {
            assert!(works.iter().all(Option::is_none), "they block each other");
            break;
        }
        let choice = schedule.choose(possible.len());
        if choice >= clients {
            let mut disk = service.store().disk();
            let fails = possible[choice] == usize::MAX - 1;
            disk.may_fail &= !fails;
            disk.step(fails);
            continue;
        }
        let who = possible[choice];
        told[who].first_step = told[who].first_step.min(step);
        let waker = can_go[who].take();
        let polled = works[who].as_mut().unwrap().as_mut().poll(&mut Context::from_waker(&waker));
        if let Poll::Ready(reply) = polled {
            works[who] = None;
            told[who].last_step = step;
            told[who].reply = reply.ok().map(|reply| (reply.state, reply.error.is_none()));
            // What is told was stored at some time.
            let stored = &service.store().disk().stored;
            too_early |= told[who].reply.is_some_and(|(state, _)| !stored.contains(&state));
        }
        events.extend(core::iter::from_fn(|| listener.try_recv().ok()).map(|event| event.action));
        too_early |= events.len() >= service.store().disk().stored.len();
    }
    let disk = service.store().disk();
    let mut followed = vec![from];
    for &event in &events {
        followed.push(followed[followed.len() - 1].apply(event).state());
    }
    count.runs += 1;
    count.failures += usize::from(disk.has_failed);
    count.told_too_early += usize::from(too_early);
    count.events_out_of_order += usize::from(followed != disk.stored);
    count.wrongly_failed += usize::from(!disk.has_failed && told.iter().any(|told| told.reply.is_none()));
    let end = disk.groups.image.read(&key(1)).unwrap().session.kept_state();
    let mut left: Vec<Told> = told.into_iter().filter(|told| told.reply.is_some()).collect();
    count.not_linear += usize::from(!is_linear(from, end, &mut left));
}

/// Whether what clients got can have happened one after the other, each between its first step and its last.
fn is_linear(state: State, end: State, left: &mut Vec<Told>) -> bool {
    if left.is_empty() {
        return state == end;
    }
    for at in 0..left.len() {
        let now = left[at];
        if left.iter().any(|other| other.last_step < now.first_step) {
            continue;
        }
        let outcome = state.apply(now.action);
        let reply = (outcome.state(), !matches!(outcome, Outcome::Refused { .. }));
        if now.reply == Some(reply) {
            left.remove(at);
            if is_linear(outcome.state(), end, left) {
                return true;
            }
            left.insert(at, now);
        }
    }
    false
}

fn explore(states: &[State], sets: &[Vec<Action>], plant: Plant) -> Count {
    let mut count = Count::default();
    let service = Arc::new(Service::new(directory(), Stepped(Mutex::new(Disk::new(State::INITIAL, plant)))));
    for &from in states {
        for actions in sets {
            let mut schedule = Schedule::default();
            loop {
                *service.store().disk() = Disk { waits: actions.len() < 3, ..Disk::new(from, plant) };
                run(&service, from, actions, &mut schedule, &mut count);
                if !schedule.advance() {
                    break;
                }
            }
        }
    }
    count
}

fn pairs() -> Vec<Vec<Action>> {
    Action::ALL.iter().flat_map(|&a| Action::ALL.iter().map(move |&b| vec![a, b])).collect()
}

#[test]
fn of_two_at_once_nothing_is_lost_whatever_fails() {
    let count = explore(&State::ALL, &pairs(), Plant::Nothing);
    println!("two clients and a disk: {} schedules, {} with a failure", count.runs, count.failures);
    assert_eq!(count, Count { runs: count.runs, failures: count.failures, ..Count::default() });
    assert!(count.failures > 36 * 49);
}

/// Two clients, and one that pauses. These pairs, since all of them would take minutes: two changes of another axis, a
/// change and its repeat, two that would resume, and two of the Pause's own axis. For the same reason, deciding and asking
/// are one step here.
#[test]
fn a_pause_among_others_is_never_lost() {
    let started = State::INITIAL.apply(Action::Start).state();
    let pairs = [
        [Action::Mark, Action::UnMark],
        [Action::Mark, Action::Mark],
        [Action::Start, Action::Start],
        [Action::Stop, Action::Start],
    ];
    let sets: Vec<_> = pairs.iter().map(|pair| [&pair[..], &[Action::Pause]].concat()).collect();
    let count = explore(&[started], &sets, Plant::Nothing);
    println!("three clients and a disk: {} schedules, {} with a failure", count.runs, count.failures);
    assert_eq!(count, Count { runs: count.runs, failures: count.failures, ..Count::default() });
    assert!(count.failures > 4 * 200);
}

/// The checks can fail.
#[test]
fn planted_faults_are_caught() {
    let started = State::INITIAL.apply(Action::Start).state();
    let forgotten = explore(&[started], &pairs(), Plant::FailuresAreForgotten);
    assert!(forgotten.not_linear > 0 || forgotten.events_out_of_order > 0, "{forgotten:?}");
    let early = explore(&[started], &pairs(), Plant::AnswersDoNotWait);
    assert!(early.told_too_early > 0 && early.not_linear > 0, "{early:?}");
}

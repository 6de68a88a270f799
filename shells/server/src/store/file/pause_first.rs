//! Many sets of one session wait for a disk that stands still: when it goes on, they share commits, and a Pause among them
//! does not wait for a commit of each.

use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::task::Poll;
use core::time::Duration;
use std::sync::Arc;

use recording_core::state::RepeatPolicy;
use recording_core::wire::{ErrorType, Rejection, SetRequest, SipUriBuf, StateReply};
use recording_core::{Action, Settings, State};

use tokio::task::unconstrained;

use super::FileStore;
use super::backend::Faults;
use super::tests::{Scratch, key};
use crate::audit::{self, Trail};
use crate::caller::Caller;
use crate::calls::Begun;
use crate::directory::{Directory, Ucc};
use crate::service::Service;
use crate::store::{Store as _, Swap};

pub(super) const SETTINGS: Settings = Settings {
    recording_api_licensed: true,
    use_audio_recording: true,
    agent_can_edit_audio_recording: true,
    save_recording_by_default: false,
    repeats: RepeatPolicy::Accept,
};

pub(super) fn directory() -> Directory {
    let mut directory = Directory::new();
    directory.add(&key(1).ucc, Ucc::new(SETTINGS, [SipUriBuf::new("sip:agent@domain.com").unwrap()])).unwrap();
    directory
}

/// A set of session 1, held where others can borrow from it.
pub(super) fn request(action: Action) -> SetRequest<'static> {
    SetRequest {
        action,
        requester: recording_core::wire::SipUri::new("sip:agent@domain.com").unwrap(),
        correlation_id: key(1).correlation_id,
        ucc: recording_core::wire::UccName::new("ucc").unwrap(),
    }
}

type Reply = Result<StateReply<'static>, Rejection>;

/// Sets of session 1, each begun in its turn: it has been decided and waits for the disk.
async fn begun(
    service: &Arc<Service<FileStore>>,
    actions: &[Action],
) -> Vec<Pin<Box<dyn Future<Output = Reply> + Send>>> {
    let mut waiting: Vec<Pin<Box<dyn Future<Output = Reply> + Send>>> = Vec::new();
    for &action in actions {
        let service = Arc::clone(service);
        let mut work = Box::pin(async move { service.set(&request(action), Caller::default()).await });
        // Unconstrained: the runtime would put one of so many steps of one task off.
        assert!(unconstrained(poll_fn(|context| Poll::Ready(work.as_mut().poll(context)))).await.is_pending());
        waiting.push(work);
    }
    waiting
}

/// How many commits there were, and how many changes they had.
fn commits(service: &Service<FileStore>) -> (u64, u64) {
    let (sizes, sum) = service.store().commits().unwrap().sizes.read();
    (sizes.iter().map(|&(_, count)| count).sum(), sum as u64)
}

/// A session that is recording, in a store whose disk stands still from now on.
async fn held(scratch: &Scratch, trail: Option<Trail>) -> (Arc<Service<FileStore>>, Faults) {
    let faults = Faults::default();
    let store = FileStore::open_with(&scratch.file(), trail, faults.clone(), Duration::ZERO).unwrap();
    let state = State::INITIAL.apply(Action::Start).state();
    assert_eq!(store.begin(&key(1), state).await, Ok(Swap::Stored));
    let service = Arc::new(Service::new(directory(), store));
    faults.0.hold(true);
    (service, faults)
}

/// 400 sets of the marking state, every third a repeat, and then a Pause.
fn marks_and_a_pause() -> Vec<Action> {
    let marks = [Action::Mark, Action::UnMark, Action::UnMark];
    marks.into_iter().cycle().take(400).chain([Action::Pause]).collect()
}

#[tokio::test]
async fn a_pause_behind_400_marks_costs_at_most_three_commits() {
    let scratch = Scratch::new("pause");
    let path = scratch.file().with_extension("trail");
    let trail = Trail::open(&audit::TrailSettings { path: path.clone(), ..audit::TrailSettings::default() }).unwrap();
    let (service, faults) = held(&scratch, Some(trail)).await;
    let mut events = service.events().subscribe();
    let before = commits(&service);

    let actions = marks_and_a_pause();
    let mut waiting = begun(&service, &actions).await;
    // Nobody sees what is not stored.
    assert_eq!(
        service.store().read(&key(1)).await.unwrap().unwrap().session.kept_state().to_string(),
        "Started/None/None"
    );
    faults.0.hold(false);
    let pause = waiting.pop().unwrap();
    let others: Vec<_> = waiting.into_iter().map(tokio::spawn).collect();
    let pause = pause.await.unwrap();
    let after = commits(&service);
    println!("a Pause after 400 sets of its session: {} commits, {} changes", after.0 - before.0, after.1 - before.1);
    assert_eq!((pause.state.recording().name(), pause.error), ("Paused", None));
    assert!(after.0 - before.0 <= 3);

    // Every one of them is answered, and the events have their order: each is a change.
    let mut state = State::INITIAL.apply(Action::Start).state();
    let mut expected = Vec::new();
    for (&action, work) in actions.iter().zip(others) {
        let reply = work.await.unwrap().unwrap();
        let next = state.apply(action).state();
        assert_eq!((reply.state, reply.error), (next, None));
        if next != state {
            expected.push(action);
        }
        state = next;
    }
    expected.push(Action::Pause);
    let told: Vec<_> = core::iter::from_fn(|| events.try_recv().ok()).map(|event| event.action).collect();
    // The Pause was waited for first, but its turn of telling comes last.
    assert_eq!(told, expected);
    let lines = std::fs::read_to_string(path).unwrap();
    let changed: Vec<_> = lines.lines().filter(|line| line.contains(r#""Outcome":"changed""#)).collect();
    assert_eq!(changed.len(), expected.len());
    for (number, (line, action)) in changed.iter().zip(&expected).enumerate() {
        assert!(line.contains(&format!(r#""Action":"{}""#, action.name())), "{line}");
        assert!(line.ends_with(&format!(r#""Revision":{}}}"#, number + 2)), "{line}");
    }
}

/// The commit on which all of them rest fails: none is answered with success, none is stored, none is published, and what the
/// trail said is withdrawn, each line once.
#[tokio::test]
async fn what_rests_on_a_commit_that_fails_is_not_stored() {
    let scratch = Scratch::new("rests");
    let path = scratch.file().with_extension("trail");
    let trail = Trail::open(&audit::TrailSettings { path: path.clone(), ..audit::TrailSettings::default() }).unwrap();
    let (service, faults) = held(&scratch, Some(trail)).await;
    let mut events = service.events().subscribe();
    let actions = marks_and_a_pause();
    let waiting = begun(&service, &actions).await;
    faults.0.plan(0, u64::MAX);
    faults.0.hold(false);
    let waiting: Vec<_> = waiting.into_iter().map(tokio::spawn).collect();
    for work in waiting {
        assert_eq!(work.await.unwrap(), Err(Rejection::NotStored));
    }
    assert!(events.try_recv().is_err());
    assert_eq!(
        service.store().read(&key(1)).await.unwrap().unwrap().session.kept_state().to_string(),
        "Started/None/None"
    );
    // The disk is well again: so is everything.
    faults.0.plan(u64::MAX, u64::MAX);
    let reply = service.set(&request(Action::Pause), Caller::default()).await.unwrap();
    assert_eq!(reply.state.to_string(), "Paused/None/None");
    assert_eq!(events.try_recv().map(|event| event.action).ok(), Some(Action::Pause));

    let lines = std::fs::read_to_string(path).unwrap();
    let revisions = |outcome: &str| -> Vec<u64> {
        let lines = lines.lines().filter(|line| line.contains(&format!(r#""Outcome":"{outcome}""#)));
        lines.map(|line| line.rsplit_once(':').unwrap().1.trim_end_matches('}').parse().unwrap()).collect()
    };
    let (mut changed, withdrawn) = (revisions("changed"), revisions("withdrawn"));
    assert!(changed.is_sorted_by(|a, b| a < b), "{changed:?}");
    // All but the last, which is the one that was made.
    changed.pop();
    assert_eq!(changed, withdrawn);
    let not_stored = lines.lines().filter(|line| line.contains(r#""Outcome":"not stored""#)).count();
    assert_eq!(not_stored, actions.len());
}

/// Callers that go away while the disk stands still take nothing back and hold nothing up.
#[tokio::test]
async fn who_goes_away_holds_nobody_up() {
    let scratch = Scratch::new("away");
    let (service, faults) = held(&scratch, None).await;
    let mut waiting = begun(&service, &marks_and_a_pause()).await;
    let pause = waiting.pop().unwrap();
    drop(waiting);
    faults.0.hold(false);
    assert_eq!(pause.await.unwrap().state.recording().name(), "Paused");
    let found = service.store().read(&key(1)).await.unwrap().unwrap();
    let mut state = State::INITIAL.apply(Action::Start).state();
    for action in marks_and_a_pause() {
        state = state.apply(action).state();
    }
    assert_eq!(found.session, state.into());
}

/// A session ended and begun again while all of it waits for the disk.
#[tokio::test]
async fn an_end_and_a_begin_share_the_commit() {
    let scratch = Scratch::new("begin");
    let (service, faults) = held(&scratch, None).await;
    let before = commits(&service).0;
    let (key, caller) = (key(1), Caller::default());
    let mut sets = begun(&service, &[Action::Mark, Action::Save]).await;
    let mut end = Box::pin(service.end(key.ucc.to_ref(), key.correlation_id, caller));
    let mut again = Box::pin(service.end(key.ucc.to_ref(), key.correlation_id, caller));
    let mut begin = Box::pin(service.begin(key.ucc.to_ref(), key.correlation_id, State::INITIAL, caller));
    let mut open = Box::pin(service.begin(key.ucc.to_ref(), key.correlation_id, State::INITIAL, caller));
    poll_fn(|context| {
        assert!(end.as_mut().poll(context).is_pending());
        assert!(again.as_mut().poll(context).is_pending());
        assert!(begin.as_mut().poll(context).is_pending());
        assert!(open.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
    sets.extend(begun(&service, &[Action::Mark, Action::Start]).await);
    faults.0.hold(false);
    let told = async {
        let mut states = Vec::new();
        for set in sets {
            let reply = set.await.unwrap();
            assert!(reply.error.is_none_or(|error| error.error_type() != ErrorType::Configuration));
            states.push(reply.state.to_string());
        }
        states
    };
    let (ended, again, begun, open, states) = tokio::join!(end, again, begin, open, told);
    assert_eq!(
        (ended.unwrap(), again.unwrap()),
        (recording_core::state::Disposition::Keep, recording_core::state::Disposition::Keep)
    );
    assert_eq!((begun.unwrap().0, open.unwrap().0), (Begun::Opened, Begun::AlreadyOpen));
    assert_eq!(states[..2], ["Started/Mark/None", "Started/Mark/Save"]);
    assert_eq!(states[3], "Started/Mark/None");
    assert!(commits(&service).0 - before <= 2);
}

/// An answer that was decided from a change that then failed is decided again, not told.
#[tokio::test]
async fn a_change_that_was_lost_is_a_conflict_for_who_waits_for_it() {
    let scratch = Scratch::new("lost");
    let (service, faults) = held(&scratch, None).await;
    let store = service.store();
    let found = store.read(&key(1)).await.unwrap().unwrap();
    let state = Some(found.session.kept_state().apply(Action::Pause).state().into());
    let note = audit::Note::none;
    let change = store.ask(&key(1), Some(found.revision), state.clone(), note()).await.unwrap();
    let latest = store.latest(&key(1)).await.unwrap();
    assert_eq!(latest.found.as_ref().map(|found| found.session.clone()), state);
    faults.0.plan(0, u64::MAX);
    faults.0.hold(false);
    assert!(change.await.is_err());
    assert_eq!(store.until_stored(&key(1), &latest).await, Ok(Swap::Conflict));
    let late = store.ask(&key(1), latest.found.map(|found| found.revision), None, note()).await.unwrap();
    assert_eq!(late.await, Ok(Swap::Conflict));
    assert_eq!(store.latest(&key(1)).await.unwrap().found, Some(found));
}

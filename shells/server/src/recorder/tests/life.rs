//! A session from begin to end, and what a recorder does by itself.

use core::time::Duration;

use recording_core::recorder::{Channel, Order, RecorderState, ResumePolicy};
use recording_core::state::{Disposition, RecordingState};
use recording_core::wire::{CorrelationId, UccName};
use recording_core::{Action, State};
use serde_json::json;

use super::scripted::{ANNA, BEN, UCC, World, key, recording, started, world};
use crate::caller::Caller;
use crate::calls::{Begun, NotDone};
use crate::directory::Recording;
use crate::recorder::CallData;
use crate::recorder::port::Outcome;
use crate::store::{MemoryStore, Store as _};

/// A session that begins Paused is Started until the recorder has confirmed the pause.
#[tokio::test(start_paused = true)]
async fn a_session_that_begins_paused_is_paused_when_that_is_confirmed() {
    let mut world = world().await;
    let paused = started().with_recording(RecordingState::Paused);
    assert_eq!(world.begin(1, paused).await, Begun::Opened);
    let asked = world.next().await;
    assert_eq!((asked.order, world.stored(1).await), (Order::Pause, Some(started())));
    asked.carry_out();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!((world.stored(1).await, world.published()), (Some(paused), vec![Action::Pause]));
}

/// Repeats find a recorder that records although it was paused: that is visible at once, and it is silenced.
#[tokio::test(start_paused = true)]
async fn a_recorder_that_starts_by_itself_is_found_and_silenced() {
    let mut world = world().await;
    let paused = world.paused(1).await;
    let confirmed = world.service.recorders().drivers()[0].view().silence_confirmed_at_ms;
    assert!(confirmed.is_some());
    for _ in 0..3 {
        let began = tokio::time::Instant::now();
        let repeat = world.next().await;
        assert_eq!(repeat.order, Order::Pause);
        assert!((1740..=2260).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
        repeat.carry_out();
    }
    world.next().await.is(RecorderState::Recording);
    let silence = world.next().await;
    assert_eq!(
        (silence.order, world.stored(1).await, world.published()),
        (Order::Pause, Some(started()), vec![Action::Start])
    );
    silence.carry_out();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!((world.stored(1).await, world.published()), (Some(paused), vec![Action::Pause]));
}

/// Marks do not put a repeat off.
#[tokio::test(start_paused = true)]
async fn marks_do_not_put_a_repeat_off() {
    let mut world = world().await;
    world.paused(1).await;
    let began = tokio::time::Instant::now();
    loop {
        assert_eq!(world.set(1, Action::Mark, ANNA).await.unwrap().1, None);
        assert_eq!(world.set(1, Action::UnMark, BEN).await.unwrap().1, None);
        if let Ok(asked) = world.asked.try_recv() {
            assert_eq!(asked.order, Order::Pause);
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(began.elapsed() < Duration::from_secs(3));
    }
}

/// A session that ends while it is recorded is over for its callers at once, and for its recorder when that is off.
#[tokio::test(start_paused = true)]
async fn a_session_closes_until_its_recorder_is_off() {
    let mut world = world().await;
    world.recorded(1).await;
    let ucc = UccName::new(UCC).unwrap();
    let end = || world.service.end(ucc, CorrelationId::from_u128(1), Caller::default());
    assert_eq!(end().await.unwrap(), Disposition::Keep);
    assert_eq!(end().await.unwrap(), Disposition::Keep);
    let asked = world.next().await;
    assert_eq!((asked.order, world.stored(1).await, world.published()), (Order::Stop, None, vec![]));
    let text = world.set(1, Action::Pause, ANNA).await.unwrap().1.unwrap_or_default();
    assert!(text.contains("00000000-0000-0000-0000-000000000001"), "{text}");
    let again = world.service.begin(ucc, CorrelationId::from_u128(1), State::INITIAL, Caller::default()).await;
    assert!(matches!(again, Err(NotDone::Closing)));
    asked.is(RecorderState::Recording);
    world.next().await.carry_out();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(world.service.recorders().is_empty());
    assert_eq!(world.service.store().read(&key(1)).await.unwrap(), None);
    assert_eq!(world.begin(1, State::INITIAL).await, Begun::Opened);
}

/// A recorder that no longer exists: the call's side gives the session up.
#[tokio::test(start_paused = true)]
async fn a_closing_session_can_be_released() {
    let mut world = world().await;
    world.recorded(1).await;
    assert!(!world.service.release(&key(1), Caller::default()).await.unwrap());
    let ucc = UccName::new(UCC).unwrap();
    world.service.end(ucc, CorrelationId::from_u128(1), Caller::default()).await.unwrap();
    let asked = world.next().await;
    assert!(world.service.release(&key(1), Caller::default()).await.unwrap());
    assert_eq!(world.service.store().read(&key(1)).await.unwrap(), None);
    drop(asked);
    assert!(world.is_quiet(Duration::from_secs(20)).await);
}

/// One call of a recorder belongs to one session, and a session to one call.
#[tokio::test(start_paused = true)]
async fn a_call_belongs_to_one_session() {
    let mut world = world().await;
    let data = |id: &str| -> CallData { json!({ "CallId": id }).as_object().cloned().unwrap_or_default() };
    let begin = |number: u128, data: CallData| {
        let service = std::sync::Arc::clone(&world.service);
        async move {
            let (ucc, id) = (UccName::new(UCC).unwrap(), CorrelationId::from_u128(number));
            let begun = service.begin_call(ucc, id, (State::INITIAL, Some(&data)), Caller::default()).await;
            begun.map(|(begun, _)| begun).map_err(|why| why.with_error(|error| error.to_string()))
        }
    };
    assert_eq!(begin(1, data("a")).await, Ok(Begun::Opened));
    assert_eq!(begin(1, data("a")).await, Ok(Begun::AlreadyOpen));
    assert_eq!(begin(1, data("b")).await, Err("Recorder: the session is open with another call.".to_owned()));
    assert_eq!(begin(2, data("a")).await, Err("Recorder: another session has the call 'a'.".to_owned()));
    // Nor does a recorder have it once more under another of its names.
    let recorder = std::sync::Arc::clone(&world.condition) as std::sync::Arc<dyn crate::recorder::port::Recorder>;
    let names = ["another", super::scripted::RECORDER].map(|name| (name.into(), std::sync::Arc::clone(&recorder)));
    world.service.recorders().replace(names);
    let bound = ("another", ResumePolicy::Anyone);
    let begun = world.service.begin_bound(&key(2), (State::INITIAL, Some(&data("a"))), bound, Caller::default()).await;
    assert!(matches!(begun, Err(NotDone::CallTaken(call)) if *call == *"a"));
    let not_a_text: CallData = json!({ "CallId": 7 }).as_object().cloned().unwrap_or_default();
    assert_eq!(begin(2, not_a_text).await, Err("CallId: is not a text".to_owned()));
    let ucc = UccName::new(UCC).unwrap();
    world.service.end(ucc, CorrelationId::from_u128(1), Caller::default()).await.unwrap();
    assert_eq!(begin(2, data("a")).await, Ok(Begun::Opened));
    assert!(world.is_quiet(Duration::from_secs(10)).await);
}

/// After a restart of the recorder each session is ordered again what it is.
#[tokio::test(start_paused = true)]
async fn a_restarted_recorder_is_ordered_again() {
    let mut world = world().await;
    world.recorded(1).await;
    world.paused(2).await;
    world.condition.restart();
    let mut asked = [world.next().await, world.next().await];
    asked.sort_by_key(|asked| asked.order != Order::Record);
    assert_eq!(asked.each_ref().map(|asked| asked.order), [Order::Record, Order::Pause]);
    // It restarts once more, with both under way: they have landed.
    world.condition.restart();
    let again = [world.next().await, world.next().await];
    drop(asked);
    for asked in again {
        asked.carry_out();
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(world.stored(1).await, Some(started()));
    assert_eq!(world.stored(2).await.map(State::recording), Some(RecordingState::Paused));
}

/// A pause that has reached its limit is reported once, and nothing else is done.
#[tokio::test(start_paused = true)]
async fn an_overdue_pause_is_reported() {
    let recording = Recording { pause_limit: Some(Duration::from_secs(30)), ..recording(ResumePolicy::Anyone) };
    let mut world = World::new(MemoryStore::new(), recording, Channel::Drained).await;
    world.paused(1).await;
    let began = tokio::time::Instant::now();
    let mut overdue_at = None;
    while began.elapsed() < Duration::from_secs(60) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        while let Ok(asked) = world.asked.try_recv() {
            assert_eq!(asked.order, Order::Pause);
            asked.carry_out();
        }
        if world.service.recorders().drivers()[0].view().is_overdue {
            overdue_at.get_or_insert(began.elapsed());
        }
    }
    let overdue_at = overdue_at.unwrap();
    assert!((29_500..=31_500).contains(&overdue_at.as_millis()), "{overdue_at:?}");
    assert_eq!(world.stored(1).await.map(State::recording), Some(RecordingState::Paused));
    assert_eq!(world.published(), []);
}

/// A call that the recorder does not know is asked for at the slowest pace.
#[tokio::test(start_paused = true)]
async fn an_unknown_call_is_asked_for_slowly() {
    let mut world = world().await;
    world.recorded(1).await;
    let pause = world.set(1, Action::Pause, ANNA);
    world.next().await.reply(Outcome::NoSuchCall);
    assert!(pause.await.unwrap().1.is_some());
    for _ in 0..3 {
        let began = tokio::time::Instant::now();
        world.next().await.reply(Outcome::NoSuchCall);
        assert!((4370..=5630).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    }
}

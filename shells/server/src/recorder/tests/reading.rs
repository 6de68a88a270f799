//! Recorders that are asked what they are doing.

use core::time::Duration;

use recording_core::recorder::{Order, RecorderState};
use recording_core::state::RecordingState;
use recording_core::{Action, State};
use tokio::time::{Instant, sleep};

use super::scripted::{ANNA, started, world};
use crate::calls::Begun;
use crate::recorder::port::Outcome;

const RECORDING: Outcome = Outcome::Is(RecorderState::Recording);

/// One that has begun to record in a pause, and obeys the next repeat: its reply to that would not say so.
#[tokio::test(start_paused = true)]
async fn what_was_recorded_in_a_pause_is_found_although_the_recorder_obeys() {
    let mut world = world().await;
    let paused = world.paused(1).await;
    world.condition.say(Outcome::Is(RecorderState::Paused));
    for _ in 0..3 {
        let (began, reads) = (Instant::now(), world.condition.reads());
        world.next().await.carry_out();
        assert!((1740..=2260).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
        assert_eq!(world.condition.reads(), reads + 1, "once before each repeat");
    }
    world.condition.say(RECORDING);
    let silence = world.next().await;
    let expected = (Order::Pause, Some(started()), vec![Action::Start]);
    assert_eq!((silence.order, world.stored(1).await, world.published()), expected);
    let view = world.service.recorders().drivers()[0].view();
    assert!(view.found_recording_at_ms.is_some() && view.silence_confirmed_at_ms.is_some(), "{view:?}");
    world.condition.say(Outcome::Is(RecorderState::Paused));
    silence.carry_out();
    sleep(Duration::from_millis(1)).await;
    assert_eq!((world.stored(1).await, world.published()), (Some(paused), vec![Action::Pause]));
}

/// A Start ends an alarm: what is recorded from then on is wanted, and nothing of it is to be purged.
#[tokio::test(start_paused = true)]
async fn a_start_ends_an_alarm() {
    let mut world = world().await;
    world.paused(1).await;
    world.condition.say(RECORDING);
    let silence = world.next().await;
    let found = |world: &super::scripted::World<_>| world.service.recorders().drivers()[0].view().found_recording_at_ms;
    assert!(found(&world).is_some());
    let start = world.set(1, Action::Start, ANNA);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(found(&world), None);
    silence.is(RecorderState::Recording);
    world.next().await.carry_out();
    assert_eq!(start.await.unwrap().1, None);
}

/// A recorder that does not answer in time delays two repeats, by a second each, and is left alone then for a while.
#[tokio::test(start_paused = true)]
async fn one_that_does_not_answer_is_left_alone() {
    let mut world = world().await;
    world.condition.hang_at_read_backs();
    world.paused(1).await;
    let mut waits = Vec::new();
    for _ in 0..5 {
        let began = Instant::now();
        world.next().await.carry_out();
        waits.push(began.elapsed().as_millis());
    }
    assert!(waits[..2].iter().all(|wait| (2740..=3260).contains(wait)), "{waits:?}");
    assert!(waits[2..].iter().all(|wait| (1740..=2260).contains(wait)), "{waits:?}");
    sleep(Duration::from_millis(1)).await;
    assert_eq!(world.condition.reads(), 2);
    // One that answers, and only does not say, delays nothing and is asked each time.
    let mut world = self::world().await;
    world.condition.say(Outcome::Unknown("this version does not say whether it records".to_owned()));
    world.paused(1).await;
    for count in 1..5 {
        let began = Instant::now();
        world.next().await.carry_out();
        assert!((1740..=2260).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
        assert_eq!(world.condition.reads(), count);
    }
}

/// One that records by default, as calls are offered to it: a session that no client has started becomes Started, so that it can
/// be paused, and nothing is ordered. That is soon after its begin, and later within 30 s.
#[tokio::test(start_paused = true)]
async fn one_that_records_by_default_is_found() {
    let mut world = world().await;
    world.condition.say(RECORDING);
    assert_eq!(world.begin(1, State::INITIAL).await, Begun::Opened);
    assert!(world.is_quiet(Duration::from_secs(3)).await);
    assert_eq!((world.stored(1).await, world.published()), (Some(started()), vec![Action::Start]));
    world.condition.say(Outcome::NoSuchCall);
    assert_eq!(world.begin(2, State::INITIAL).await, Begun::Opened);
    assert!(world.is_quiet(Duration::from_secs(3)).await);
    assert_eq!(world.stored(2).await, Some(State::INITIAL));
    world.condition.say(RECORDING);
    assert!(world.is_quiet(Duration::from_secs(31)).await);
    assert_eq!(world.stored(2).await, Some(started()));
    let pause = world.set(1, Action::Pause, ANNA);
    world.next().await.carry_out();
    assert_eq!(pause.await.unwrap().0.recording(), RecordingState::Paused);
}

/// One that has forgotten a call which it recorded: it is ordered to record again, and what it says to that is seen.
#[tokio::test(start_paused = true)]
async fn one_that_has_forgotten_a_call_is_ordered_again() {
    let mut world = world().await;
    world.recorded(1).await;
    world.condition.say(Outcome::NoSuchCall);
    let again = tokio::time::timeout(Duration::from_secs(31), world.next()).await.expect("an order");
    assert_eq!(again.order, Order::Record);
    again.reply(Outcome::NoSuchCall);
    sleep(Duration::from_millis(1)).await;
    let view = world.service.recorders().drivers()[0].view();
    assert_eq!((view.order, view.is_repeat), (Some(Order::Record), false));
    assert_eq!(view.last_error.as_deref(), Some("the recorder does not know the call"));
    assert_eq!((world.stored(1).await, world.published()), (Some(started()), vec![]));
    world.next().await.carry_out();
    sleep(Duration::from_millis(1)).await;
    assert_eq!(world.service.recorders().drivers()[0].view().order, None);
}

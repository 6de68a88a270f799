//! What a `set` gets, and when.

use core::time::Duration;

use recording_core::recorder::{Channel, Order, RecorderState, ResumePolicy};
use recording_core::state::RecordingState;
use recording_core::wire::{SipUri, UccName};
use recording_core::{Action, State};

use super::scripted::{ANNA, BEN, UCC, World, directory, directory_with, recording, started, world};
use crate::directory::Ucc;
use crate::recorder::port::Outcome;
use crate::store::MemoryStore;

/// While a command is under way the stored state, the events and the caller say what was; only the confirmation changes that.
#[tokio::test(start_paused = true)]
async fn a_pause_is_answered_after_it_is_confirmed() {
    let mut world = world().await;
    world.recorded(1).await;
    let pause = world.set(1, Action::Pause, ANNA);
    let asked = world.next().await;
    assert_eq!(asked.order, Order::Pause);
    tokio::time::sleep(Duration::from_millis(900)).await;
    assert_eq!((world.stored(1).await, world.published(), pause.is_finished()), (Some(started()), vec![], false));
    asked.carry_out();
    let paused = started().with_recording(RecordingState::Paused);
    assert_eq!(pause.await.unwrap(), (paused, None));
    assert_eq!((world.stored(1).await, world.published()), (Some(paused), vec![Action::Pause]));
}

/// A Start takes effect before its order is sent: stored, published, visible.
#[tokio::test(start_paused = true)]
async fn a_start_is_stored_before_it_is_sent() {
    let mut world = world().await;
    world.paused(1).await;
    let start = world.set(1, Action::Start, BEN);
    let asked = world.next().await;
    assert_eq!(asked.order, Order::Record);
    assert_eq!((world.stored(1).await, world.published()), (Some(started()), vec![Action::Start]));
    asked.carry_out();
    assert_eq!(start.await.unwrap(), (started(), None));
}

/// A recorder that says nothing: the caller hears so in time, and the order stays until the recorder has spoken.
#[tokio::test(start_paused = true)]
async fn what_is_not_confirmed_is_no_success_and_stays_ordered() {
    let mut world = world().await;
    world.recorded(1).await;
    let pause = world.set(1, Action::Pause, ANNA);
    let asked = world.next().await;
    let error = "Action:'Pause' is not confirmed by the recorder.".to_owned();
    assert_eq!(pause.await.unwrap(), (started(), Some(error)));
    let view = world.service.recorders().drivers()[0].view();
    assert_eq!((view.order, view.times_sent, view.is_repeat), (Some(Order::Pause), 1, false));
    // Another one asks: it joins, and nothing overtakes.
    let joined = world.set(1, Action::Pause, BEN);
    assert!(world.is_quiet(Duration::from_millis(500)).await);
    asked.carry_out();
    let paused = started().with_recording(RecordingState::Paused);
    assert_eq!(joined.await.unwrap(), (paused, None));
    assert_eq!((world.stored(1).await, world.published()), (Some(paused), vec![Action::Pause]));
}

/// What was given up is sent again, with another number, sooner at first.
#[tokio::test(start_paused = true)]
async fn what_was_given_up_is_sent_again() {
    let mut world = World::new(MemoryStore::new(), recording(ResumePolicy::Anyone), Channel::Ordered).await;
    world.recorded(1).await;
    let pause = world.set(1, Action::Pause, ANNA);
    let mut numbers = Vec::new();
    for _ in 0..8 {
        let asked = world.next().await;
        numbers.push((asked.number, tokio::time::Instant::now()));
        asked.reply(Outcome::Unknown("the recorder is away".to_owned()));
    }
    assert!(pause.await.unwrap().1.is_some_and(|error| error.contains("not confirmed")));
    assert!(numbers.is_sorted_by(|(one, _), (other, _)| one.get() < other.get()));
    let waits: Vec<_> = numbers.windows(2).map(|pair| (pair[1].1 - pair[0].1).as_millis()).collect();
    for (wait, expected) in waits.iter().zip([200, 400, 800, 1600, 3200, 5000, 5000]) {
        assert!((expected * 7 / 8 - 1..=expected * 9 / 8 + 2).contains(wait), "{waits:?}");
    }
    let view = world.service.recorders().drivers()[0].view();
    assert_eq!(view.last_error.as_deref(), Some("the recorder is away"));
    world.next().await.carry_out();
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(world.stored(1).await.map(State::recording), Some(RecordingState::Paused));
}

/// Another request replaces the order: who waited is answered at once, and nothing overtakes what is under way.
#[tokio::test(start_paused = true)]
async fn a_replaced_order_answers_at_once_and_is_not_overtaken() {
    let mut world = world().await;
    world.recorded(1).await;
    let pause = world.set(1, Action::Pause, ANNA);
    let asked = world.next().await;
    let start = world.set(1, Action::Start, BEN);
    let error = "Action:'Pause' was replaced by another request.".to_owned();
    assert_eq!(pause.await.unwrap(), (started(), Some(error)));
    assert!(world.is_quiet(Duration::from_millis(300)).await && !start.is_finished());
    // The pause lands; only then the Record goes out. What the pause said of the recorder means nothing any more.
    asked.carry_out();
    let record = world.next().await;
    assert_eq!((record.order, world.stored(1).await), (Order::Record, Some(started())));
    record.carry_out();
    assert_eq!((start.await.unwrap(), world.published()), ((started(), None), vec![]));
}

/// Neither the recorder's own mind nor an unknown call is a success.
#[tokio::test(start_paused = true)]
async fn what_a_recorder_does_not_do_is_no_success() {
    let mut world = world().await;
    world.recorded(1).await;
    for (outcome, text) in [
        (Outcome::Is(RecorderState::Recording), "Action:'Pause' was not carried out: the recorder is 'Recording'."),
        (Outcome::NoSuchCall, "The recorder does not know the call."),
    ] {
        let pause = world.set(1, Action::Pause, ANNA);
        world.next().await.reply(outcome);
        assert_eq!(pause.await.unwrap(), (started(), Some(text.to_owned())));
    }
    let pause = world.set(1, Action::Pause, ANNA);
    world.next().await.is(RecorderState::Off);
    let stopped = started().with_recording(RecordingState::Stopped);
    let text = "Action:'Pause' was not carried out: the recorder is 'Off'.".to_owned();
    assert_eq!(pause.await.unwrap(), (stopped, Some(text)));
    assert_eq!(world.published(), [Action::Stop]);
}

/// A recorder that failed its self-test, or that the config has no more, is ordered nothing.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_done_is_not_ordered() {
    for plant in [0, 1] {
        let mut world = world().await;
        world.recorded(1).await;
        if plant == 0 {
            world.condition.fail_self_test();
        } else {
            world.service.recorders().replace([]);
        }
        let text = "Action:'Pause' is not possible with the recorder of UCC:'ucc'.".to_owned();
        assert_eq!(world.set(1, Action::Pause, ANNA).await.unwrap(), (started(), Some(text)));
        assert!(world.is_quiet(Duration::from_secs(1)).await);
        // What needs no recorder is done as ever.
        assert_eq!(world.set(1, Action::Mark, ANNA).await.unwrap().1, None);
    }
}

/// With holds, the pause of one is not ended by another.
#[tokio::test(start_paused = true)]
async fn holds_are_kept() {
    let mut world = World::new(MemoryStore::new(), recording(ResumePolicy::Holders), Channel::Drained).await;
    world.recorded(1).await;
    let pauses = [world.set(1, Action::Pause, ANNA), world.set(1, Action::Pause, BEN)];
    world.next().await.carry_out();
    for pause in pauses {
        assert_eq!(pause.await.unwrap().1, None);
    }
    let text = "Action:'Start' is held back: the recorder is held by another requester.";
    assert_eq!(world.set(1, Action::Start, ANNA).await.unwrap().1.as_deref(), Some(text));
    assert!(world.is_quiet(Duration::from_secs(1)).await);
    let start = world.set(1, Action::Start, BEN);
    let record = world.next().await;
    assert_eq!(record.order, Order::Record);
    record.carry_out();
    assert_eq!(start.await.unwrap(), (started(), None));
}

/// A session keeps what was fixed when it began: a config that lets anyone resume ends no hold of it.
#[tokio::test(start_paused = true)]
async fn holds_count_after_a_reload() {
    let mut world = World::new(MemoryStore::new(), recording(ResumePolicy::Holders), Channel::Drained).await;
    world.recorded(1).await;
    let pause = world.set(1, Action::Pause, ANNA);
    world.next().await.carry_out();
    assert_eq!(pause.await.unwrap().1, None);
    world.service.directory().replace(directory(recording(ResumePolicy::Anyone)));
    let text = "Action:'Start' is held back: the recorder is held by another requester.";
    assert_eq!(world.set(1, Action::Start, BEN).await.unwrap().1.as_deref(), Some(text));
    let start = world.set(1, Action::Start, ANNA);
    world.next().await.carry_out();
    assert_eq!(start.await.unwrap(), (started(), None));
}

/// An agent by a pattern holds as any other. A holder whose URI is not known may be one: it counts, as long as there are patterns.
#[tokio::test(start_paused = true)]
async fn agents_by_pattern_hold() {
    const CARLA: &str = "sip:Carla@shift.example";
    const DORA: &str = "sip:dora@shift.example";
    let mut world = World::new(MemoryStore::new(), recording(ResumePolicy::Holders), Channel::Drained).await;
    let with = |patterns: &[&str]| directory_with(recording(ResumePolicy::Holders), patterns);
    world.service.directory().replace(with(&["sip:*@shift.example"]));
    world.recorded(1).await;
    let pause = world.set(1, Action::Pause, CARLA);
    world.next().await.carry_out();
    assert_eq!(pause.await.unwrap().1, None);
    let held_back = "Action:'Start' is held back: the recorder is held by another requester.";
    for other in [ANNA, DORA] {
        assert_eq!(world.set(1, Action::Start, other).await.unwrap().1.as_deref(), Some(held_back));
    }
    let refused = world.set(1, Action::Start, "sip:carla@shift.example.org").await.unwrap().1;
    assert!(refused.is_some_and(|error| error.contains("is not an agent")));

    let ucc = UccName::new(UCC).unwrap();
    let holder = |uri| Ucc::holder(SipUri::new(uri).unwrap());
    let counts = |uri| {
        let directory = world.service.directory().current();
        let ucc = directory.ucc(ucc);
        (world.service.holder_counts(ucc, holder(uri)), world.service.holder_uri(ucc, holder(uri)))
    };
    assert_eq!(counts("SIP:carla@SHIFT.example"), (true, Some(CARLA.to_owned())));
    assert_eq!(counts(ANNA), (true, Some(ANNA.to_owned())));
    // As after a restart of the server.
    assert_eq!(counts("sip:eve@shift.example"), (true, None));
    // Of another domain now, or of none: those who are known are agents no more.
    world.service.directory().replace(with(&["sip:*@night.example"]));
    assert_eq!((counts(CARLA), counts("sip:eve@shift.example")), ((false, None), (true, None)));
    world.service.directory().replace(with(&[]));
    assert_eq!((counts(CARLA), counts("sip:eve@shift.example")), ((false, None), (false, None)));
    world.service.directory().replace(with(&["sip:car*@shift.example"]));
    assert_eq!(world.set(1, Action::Start, ANNA).await.unwrap().1.as_deref(), Some(held_back));
    let start = world.set(1, Action::Start, CARLA);
    world.next().await.carry_out();
    assert_eq!(start.await.unwrap(), (started(), None));
}

/// A Stop that is replaced before it was sent, after a Start that was not confirmed: it is not taken for the Record, which has
/// landed, and nothing waits for that.
#[tokio::test(start_paused = true)]
async fn what_is_replaced_before_it_is_sent_is_not_drained() {
    let mut world = world().await;
    world.paused(1).await;
    let start = world.set(1, Action::Start, ANNA);
    world.next().await.reply(Outcome::Unknown("its reply was lost".to_owned()));
    assert!(start.await.unwrap().1.is_some());
    let driver = world.service.recorders().drivers().remove(0);
    let turn = driver.urgent().await;
    let stop = world.set(1, Action::Stop, ANNA);
    tokio::task::yield_now().await;
    let pause = world.set(1, Action::Pause, BEN);
    tokio::task::yield_now().await;
    drop(turn);
    assert!(stop.await.unwrap().1.is_some_and(|error| error.contains("replaced")));
    world.next().await.carry_out();
    let asked = world.next().await;
    assert_eq!(asked.order, Order::Pause);
    asked.carry_out();
    assert_eq!(pause.await.unwrap().1, None);
    assert!(world.drained.try_recv().is_err());
}

/// A recorder that hangs at being read is no reason for a pause to wait.
#[tokio::test(start_paused = true)]
async fn a_pause_does_not_wait_for_a_read_back() {
    let mut world = world().await;
    world.condition.hang_at_read_backs();
    world.recorded(1).await;
    tokio::time::sleep(Duration::from_secs(40)).await;
    let began = tokio::time::Instant::now();
    let pause = world.set(1, Action::Pause, ANNA);
    world.next().await.carry_out();
    assert_eq!(pause.await.unwrap().1, None);
    assert!(began.elapsed() < Duration::from_millis(10), "{:?}", began.elapsed());
}

/// A turn that does not end, as while a disk stands still, does not keep a caller that waits for the recorder.
#[tokio::test(start_paused = true)]
async fn a_caller_does_not_wait_for_a_store_that_stands_still() {
    let mut world = world().await;
    world.recorded(1).await;
    let pause = world.set(1, Action::Pause, ANNA);
    let asked = world.next().await;
    let driver = world.service.recorders().drivers().remove(0);
    let turn = driver.urgent().await;
    let error = "Action:'Pause' is not confirmed by the recorder.".to_owned();
    let got = tokio::time::timeout(Duration::from_secs(5), pause).await;
    assert_eq!(got.expect("an answer in time").unwrap(), (started(), Some(error)));
    drop((turn, asked));
}

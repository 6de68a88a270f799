//! Orders, restarts and a recorder that stands still.

use core::time::Duration;

use recording_core::recorder::{Number, Order, RecorderState};
use recording_server::recorder::port::{Outcome, Recorder as _};
use tokio::time::{sleep, timeout};

use crate::support::{Bench, call};

const CALL: &str = "a84b4c76e66710@pc33.atlanta.com";

#[tokio::test]
#[ignore = "needs rtpengine: cargo xtask recorder"]
async fn orders_are_carried_out_and_each_part_is_a_file() {
    let bench = Bench::start();
    assert_eq!(bench.verdict().await, Ok(()));
    bench.has_call(CALL);
    let files = async || bench.recorder.files(&call(CALL)).await;
    assert_eq!(files().await, [""; 0]);
    let orders = [Order::Pause, Order::Record, Order::Pause, Order::Pause, Order::Record, Order::Record, Order::Stop];
    for (sending, order) in (1..).zip(orders) {
        assert_eq!(bench.order(CALL, order, sending).await, Outcome::Is(order.target()));
    }
    let files = files().await;
    assert_eq!(files.len(), 2, "{files:?}");
    for file in files {
        assert!(file.starts_with("pcaps/a84b4c76e66710%40pc33.atlanta.com-"), "{file}");
        assert!(bench.daemon.recording_dir().join(file).exists());
    }
    assert_eq!(bench.order("another", Order::Pause, 100).await, Outcome::NoSuchCall);
}

#[tokio::test]
#[ignore = "needs rtpengine: cargo xtask recorder"]
async fn a_restart_is_seen_and_the_new_instance_is_tested() {
    let mut bench = Bench::start();
    assert_eq!(bench.verdict().await, Ok(()));
    bench.has_call(CALL);
    // An uptime has whole seconds: an instance that has not run for three of them may be taken for its successor.
    sleep(Duration::from_secs(3)).await;
    assert_eq!(bench.order(CALL, Order::Record, 1).await, Outcome::Is(RecorderState::Recording));
    bench.daemon.restart().expect("a new instance");
    let condition = bench.until(|condition| condition.instance == 2 && condition.usable.is_some()).await;
    assert_eq!((condition.usable, condition.restarts, condition.self_tests_passed), (Some(Ok(())), 1, 2));
    assert_eq!(bench.order(CALL, Order::Pause, 2).await, Outcome::NoSuchCall);
}

#[tokio::test]
#[ignore = "needs rtpengine: cargo xtask recorder"]
async fn a_recorder_that_is_killed_is_away_until_it_is_started() {
    let mut bench = Bench::start();
    assert_eq!(bench.verdict().await, Ok(()));
    bench.daemon.kill();
    bench.until(|condition| !condition.answers).await;
    let pause = bench.ordering(CALL, Order::Pause, 1);
    sleep(Duration::from_millis(500)).await;
    assert!(!pause.is_finished(), "{:?}", pause.await);
    bench.daemon.restart().expect("a new instance");
    let outcome = pause.await.expect("no panic");
    // Which of the two depends on whether the restart was seen before the reply.
    let restarted = Outcome::Unknown("the recorder was started again".to_owned());
    assert!(outcome == Outcome::NoSuchCall || outcome == restarted, "{outcome:?}");
    bench.until(|condition| condition.answers).await;
}

#[tokio::test]
#[ignore = "needs rtpengine: cargo xtask recorder"]
async fn a_frozen_recorder_is_waited_for() {
    let bench = Bench::start();
    assert_eq!(bench.verdict().await, Ok(()));
    bench.has_call(CALL);
    assert_eq!(bench.order(CALL, Order::Record, 1).await, Outcome::Is(RecorderState::Recording));
    bench.daemon.freeze().expect("it runs");
    // All of its threads stop a moment after the signal was sent.
    sleep(Duration::from_millis(200)).await;
    let pause = bench.ordering(CALL, Order::Pause, 2);
    sleep(Duration::from_secs(2)).await;
    assert!(!pause.is_finished(), "{:?}", pause.await);
    // No Record leaves while it does not keep up.
    bench.has_no_record_left().await;
    bench.daemon.thaw().expect("it runs");
    assert_eq!(pause.await.expect("no panic"), Outcome::Is(RecorderState::Paused));
    assert_eq!(bench.condition().restarts, 0);
}

impl Bench {
    async fn has_no_record_left(&self) {
        let outcome = self.order("another", Order::Record, 99).await;
        let expected = "not sent: it does not answer pings within 50 ms";
        assert_eq!(outcome, Outcome::Unknown(expected.to_owned()));
    }
}

/// A ping with the cookie of a command keeps the command from being carried out: what landing rests on.
#[tokio::test]
#[ignore = "needs rtpengine: cargo xtask recorder"]
async fn a_record_that_was_drained_is_never_carried_out() {
    let bench = Bench::start();
    assert_eq!(bench.verdict().await, Ok(()));
    bench.has_call(CALL);
    let (drained, number) = (call(CALL), Number::from_u64(5).expect("a number"));
    let drain = bench.recorder.drain(&drained, number);
    assert!(timeout(Duration::from_secs(20), drain).await.is_ok());
    // The Record itself, as late as it likes.
    let outcome = bench.order(CALL, Order::Record, 5).await;
    assert_eq!(outcome, Outcome::Unknown("its reply was lost, or it never arrived".to_owned()));
    assert_eq!(bench.recorder.files(&call(CALL)).await, [""; 0]);
    assert_eq!(bench.order(CALL, Order::Record, 6).await, Outcome::Is(RecorderState::Recording));
    assert_eq!(bench.recorder.files(&call(CALL)).await.len(), 1);
}

/// 10.5 does not say whether it records; whichever version this is, no read-back claims silence.
#[tokio::test]
#[ignore = "needs rtpengine: cargo xtask recorder"]
async fn a_read_back_claims_no_silence() {
    let bench = Bench::start();
    assert_eq!(bench.verdict().await, Ok(()));
    assert_eq!(bench.recorder.read_back(&call(CALL)).await, Outcome::NoSuchCall);
    bench.has_call(CALL);
    for (sending, order) in [(1, Order::Record), (2, Order::Pause), (3, Order::Stop)] {
        assert_eq!(bench.order(CALL, order, sending).await, Outcome::Is(order.target()));
        let read = bench.recorder.read_back(&call(CALL)).await;
        let may_record = order == Order::Record && read == Outcome::Is(RecorderState::Recording);
        assert!(may_record || matches!(read, Outcome::Unknown(_)), "{order}: {read:?}");
    }
}

/// The longest name of a call that has both its files, and why a longer one is refused at begin.
#[tokio::test]
#[ignore = "needs rtpengine: cargo xtask recorder"]
async fn the_longest_call_id_has_its_files() {
    let bench = Bench::start();
    assert_eq!(bench.verdict().await, Ok(()));
    let longest = "@".repeat(73);
    for (sending, id, has_metadata) in [(1, longest.clone(), true), (2, format!("{longest}x"), false)] {
        bench.has_call(&id);
        assert_eq!(bench.order(&id, Order::Record, sending).await, Outcome::Is(RecorderState::Recording));
        assert_eq!(bench.recorder.files(&call(&id)).await.len(), 1);
        let tmp = std::fs::read_dir(bench.daemon.recording_dir().join("tmp")).expect("a folder");
        let name = format!("rtpengine-meta-{}-", id.replace('@', "%40"));
        let names = tmp.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        assert_eq!(names.filter(|found| found.starts_with(&name)).count() == 1, has_metadata, "{id}");
        let field = serde_json::json!({ "CallId": id });
        let is_taken = bench.recorder.call_id(&call(&id).key, field.as_object().expect("an object")).is_ok();
        assert_eq!(is_taken, has_metadata);
    }
}

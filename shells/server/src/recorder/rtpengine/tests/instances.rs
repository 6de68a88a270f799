//! A recorder that is started again.

use core::time::Duration;

use recording_core::recorder::{Order, RecorderState};
use tokio::time::sleep;

use super::super::landing::Rules;
use super::bench::{Bench, CALL};
use super::daemon::at_once;
use crate::recorder::port::{Outcome, Recorder as _};

const SECOND: Duration = Duration::from_secs(1);

async fn running_for(seconds: u32) -> Bench {
    let bench = Bench::start().await;
    bench.until(|condition| condition.usable.is_some()).await;
    sleep(SECOND * seconds).await;
    bench
}

#[tokio::test(start_paused = true)]
async fn a_restart_is_seen_within_two_seconds() {
    let bench = running_for(10).await;
    let before = bench.condition();
    assert_eq!((before.instance, before.restarts, before.answers), (1, 0, true));
    for restarts in 1..=3 {
        bench.daemon.restart(false);
        sleep(SECOND * 2).await;
        let after = bench.condition();
        assert_eq!((after.instance, after.restarts, after.answers), (1 + restarts, restarts, true));
        assert_eq!(after.usable, Some(Ok(())));
        sleep(SECOND * 10).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_recorder_that_does_not_answer_is_away_and_the_same_afterwards() {
    let bench = running_for(10).await;
    for away in [5, 100] {
        bench.daemon.state().is_away = true;
        sleep(SECOND * 5).await;
        assert!(!bench.condition().answers);
        sleep(SECOND * (away - 5)).await;
        bench.daemon.state().is_away = false;
        sleep(SECOND * 2).await;
        let after = bench.condition();
        assert_eq!((after.instance, after.restarts, after.answers), (1, 0, true));
    }
    // One lost reply is nothing.
    let mut lost = 1;
    bench.daemon.state().from = Box::new(move |_| {
        lost -= i32::from(lost > 0);
        if lost > 0 { Vec::new() } else { at_once() }
    });
    let mut changes = bench.recorder.condition();
    changes.mark_unchanged();
    sleep(SECOND * 5).await;
    assert!(!changes.has_changed().expect("it lives"));
}

#[tokio::test(start_paused = true)]
async fn another_recorder_at_the_same_address_is_another_instance() {
    let bench = running_for(3).await;
    bench.daemon.state().older_by = SECOND * 5000;
    sleep(SECOND * 2).await;
    assert_eq!((bench.condition().instance, bench.condition().restarts), (2, 1));
    sleep(SECOND * 20).await;
    assert_eq!(bench.condition().instance, 2);
}

/// What a Pause says that the recorder got, whose reply is lost until the recorder has been started again, with its calls
/// from redis, and records by a `record-call=on` that it found there.
async fn a_pause_before_a_restart(rules: Rules) -> Outcome {
    let bench = Bench::with_rules(rules).await;
    bench.until(|condition| condition.usable.is_some()).await;
    sleep(SECOND * 10).await;
    // The reply to the Pause is on its way for longer than the restart takes.
    bench.daemon.state().from =
        Box::new(|reply| if reply.starts_with("0000000000000001-") { vec![SECOND * 4] } else { at_once() });
    let pause = bench.ordering(Order::Pause, 1);
    sleep(SECOND).await;
    bench.daemon.restart(true);
    // Nothing more of it gets through.
    bench.daemon.state().to =
        Box::new(|datagram| if datagram.starts_with("0000000000000001-") { Vec::new() } else { at_once() });
    pause.await.expect("no panic").0
}

#[tokio::test(start_paused = true)]
async fn a_reply_of_an_instance_that_is_gone_confirms_nothing() {
    let outcome = a_pause_before_a_restart(Rules::KEPT).await;
    assert_eq!(outcome, Outcome::Unknown("the recorder was started again".to_owned()));
    let planted = a_pause_before_a_restart(Rules { minds_instances: false, ..Rules::KEPT }).await;
    assert_eq!(planted, Outcome::Is(RecorderState::Paused), "the fault");
}

#[tokio::test(start_paused = true)]
async fn what_was_outstanding_has_landed_once_the_new_instance_has_answered_it() {
    let bench = running_for(10).await;
    bench.daemon.state().is_away = true;
    let pause = bench.ordering(Order::Pause, 1);
    sleep(SECOND * 3).await;
    bench.daemon.restart(false);
    // Of the command nothing gets through, so the new instance could carry out a late copy of it.
    bench.daemon.state().is_away = false;
    bench.daemon.state().to =
        Box::new(|datagram| if datagram.starts_with("0000000000000001-") { Vec::new() } else { at_once() });
    sleep(SECOND * 3).await;
    assert_eq!(bench.condition().restarts, 1);
    assert!(!pause.is_finished(), "a copy may still reach the new instance");
    let copies = bench.daemon.sent("stop recording");
    sleep(SECOND * 3).await;
    assert_eq!(bench.daemon.sent("stop recording"), copies, "sent to another instance");
    bench.daemon.state().to = Box::new(|_| at_once());
    let (outcome, _) = pause.await.expect("no panic");
    assert_eq!(outcome, Outcome::Unknown("the recorder was started again".to_owned()));
    assert_eq!(bench.daemon.done(CALL), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_tasks_end_with_the_recorder_and_not_before() {
    let bench = running_for(1).await;
    let state = std::sync::Arc::downgrade(&bench.recorder);
    let sent = bench.daemon.sent("");
    sleep(SECOND * 5).await;
    assert!(bench.daemon.sent("") > sent);
    // One command is outstanding, and is not waited for any more.
    bench.daemon.state().is_away = true;
    assert!(tokio::time::timeout(SECOND, bench.order(Order::Pause, 1)).await.is_err());
    let sent = bench.daemon.sent("stop recording");
    sleep(SECOND * 2).await;
    assert!(bench.daemon.sent("stop recording") > sent);
    drop(bench.recorder);
    assert!(state.upgrade().is_none());
    sleep(SECOND / 20).await;
    let sent = bench.daemon.sent("");
    sleep(SECOND * 5).await;
    assert_eq!(bench.daemon.sent(""), sent, "it is still being asked");
}

/// `localhost` is often `::1` first, and the recorder listens on 127.0.0.1.
#[tokio::test(start_paused = true)]
async fn a_recorder_is_found_at_any_address_of_its_name() {
    let bench = Bench::second_of_two().await;
    bench.until(|condition| condition.usable.is_some()).await;
    let paused = Outcome::Is(RecorderState::Paused);
    assert_eq!(bench.order(Order::Pause, 1).await.0, paused);
    // After it was away for long, too.
    bench.daemon.state().is_away = true;
    sleep(SECOND * 60).await;
    assert!(!bench.condition().answers);
    bench.daemon.state().is_away = false;
    bench.until(|condition| condition.answers).await;
    assert_eq!((bench.order(Order::Pause, 2).await.0, bench.condition().instance), (paused, 1));
}

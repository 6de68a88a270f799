//! The self-test against a recorder that has each of the faults which it is for.

use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};

use recording_core::recorder::{Order, RecorderState};
use tokio::time::sleep;

use super::super::PauseMode;
use super::bench::{Bench, CALL, options};
use super::daemon::{Daemon, Fault};
use crate::recorder::port::Outcome;

const SECOND: Duration = Duration::from_secs(1);

/// A recorder's folder, gone with the test.
struct Spool(PathBuf);

impl Spool {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("recording-spool-{}-{next}", std::process::id()));
        for folder in ["pcaps", "metadata", "tmp"] {
            fs::create_dir_all(path.join(folder)).expect("a folder");
        }
        Self(path)
    }

    fn files(&self) -> usize {
        ["pcaps", "metadata", "tmp"]
            .map(|folder| fs::read_dir(self.0.join(folder)).expect("a folder").count())
            .iter()
            .sum()
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn bench(fault: Fault, pause: PauseMode, spool: &Spool, seen_at: &Path) -> Bench {
    let daemon = Daemon::start().await;
    daemon.has_call(CALL);
    daemon.state().fault = fault;
    daemon.state().spool = Some(spool.0.clone());
    let options = options(&daemon, pause, Some(seen_at.to_owned()));
    Bench::with(daemon, options).await
}

/// What the self-test of a recorder says.
async fn verdict(fault: Fault, pause: PauseMode) -> Result<(), String> {
    let spool = Spool::new();
    let bench = bench(fault, pause, &spool, &spool.0).await;
    bench.until(|condition| condition.usable.is_some()).await;
    sleep(SECOND / 10).await;
    assert_eq!(spool.files(), 0, "its files are removed");
    let condition = bench.condition();
    let (passed, failed) = (condition.self_tests_passed, condition.self_tests_failed);
    let verdict = condition.usable.expect("a verdict");
    assert_eq!((passed, failed), if verdict.is_ok() { (1, 0) } else { (0, 1) });
    verdict
}

#[tokio::test(start_paused = true)]
async fn a_recorder_that_does_what_it_says_is_used() {
    for pause in [PauseMode::Segments, PauseMode::Native] {
        assert_eq!(verdict(Fault::None, pause).await, Ok(()), "{pause:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_fault_is_found_and_said_in_one_line() {
    use PauseMode::{Native, Segments};
    for (fault, pause, expected) in [
        (Fault::WritesInPause, Segments, "it writes what is said in a pause: 40 of 40 packets are in its files"),
        (Fault::WritesInPause, Native, "it writes what is said in a pause: "),
        (Fault::Overwrites, Segments, "after a pause it overwrites what was recorded before"),
        (Fault::RecordsNothing, Segments, "it answers 'ok' and records nothing: its recording method must be pcap"),
        (Fault::RecordsNothing, Native, "it answers 'ok' and records nothing: its recording method must be pcap"),
        (Fault::ForgetsCookies, Segments, "it carries out a command with the cookie of another"),
        (Fault::HasNoPause, Native, "it refuses 'pause recording': Unrecognized command"),
        (Fault::WritesAfterStop, Segments, "it writes what is said after a stop: 40 of 40 packets are in its files"),
        (Fault::LosesOne, Segments, "1 of 80 packets are missing in its files"),
        (Fault::StaysSilent, Segments, "after a pause it does not go on recording"),
    ] {
        let wrong = verdict(fault, pause).await.expect_err("it passed");
        assert!(wrong.starts_with(expected) && !wrong.contains('\n'), "{fault:?} {pause:?}: {wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_recorder_that_failed_is_only_ever_silenced() {
    let spool = Spool::new();
    let bench = bench(Fault::RecordsNothing, PauseMode::Segments, &spool, &spool.0).await;
    bench.until(|condition| condition.usable.is_some()).await;
    let before = bench.daemon.sent("start recording");
    let (outcome, _) = bench.order(Order::Record, 1).await;
    let Outcome::Unknown(why) = outcome else { panic!("{outcome:?}") };
    assert!(
        why.starts_with("not sent: the recorder failed its self-test: it answers 'ok' and records nothing"),
        "{why}"
    );
    assert_eq!(bench.daemon.sent("start recording"), before);
    let (outcome, _) = bench.order(Order::Pause, 2).await;
    let Outcome::Unknown(why) = outcome else { panic!("{outcome:?}") };
    assert!(why.starts_with("it answered 'ok', but the recorder failed its self-test: "), "{why}");
    assert_eq!(bench.daemon.done(CALL), ["stop recording"]);
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_cannot_be_read_fails_and_is_looked_at_again() {
    let spool = Spool::new();
    let missing = spool.0.join("mounted-later");
    let bench = bench(Fault::None, PauseMode::Segments, &spool, &missing).await;
    bench.until(|condition| condition.usable.is_some()).await;
    let wrong = bench.condition().usable.expect("a verdict").expect_err("it passed");
    assert_eq!(
        wrong,
        format!("{} cannot be read: No such file or directory (os error 2)", missing.join("pcaps").display())
    );
    assert_eq!(bench.daemon.sent("offer"), 0);
    std::os::unix::fs::symlink(&spool.0, &missing).expect("a link");
    bench.until(|condition| condition.usable == Some(Ok(()))).await;
    assert_eq!(bench.order(Order::Pause, 1).await.0, Outcome::Is(RecorderState::Paused));
}

#[tokio::test(start_paused = true)]
async fn an_order_in_the_time_of_the_test_waits_for_its_verdict() {
    let spool = Spool::new();
    let bench = bench(Fault::None, PauseMode::Segments, &spool, &spool.0).await;
    let (record, pause) = (bench.ordering(Order::Record, 1), bench.order(Order::Pause, 2));
    assert_eq!(pause.await.0, Outcome::Is(RecorderState::Paused));
    assert_eq!(record.await.expect("no panic").0, Outcome::Is(RecorderState::Recording));
    assert_eq!(bench.condition().usable, Some(Ok(())));
}

#[tokio::test(start_paused = true)]
async fn each_instance_is_tested() {
    let spool = Spool::new();
    let bench = bench(Fault::None, PauseMode::Segments, &spool, &spool.0).await;
    bench.daemon.state().older_by = SECOND * 100;
    bench.until(|condition| condition.usable == Some(Ok(()))).await;
    bench.daemon.state().fault = Fault::Overwrites;
    bench.daemon.state().older_by = Duration::ZERO;
    bench.daemon.restart(false);
    bench.until(|condition| condition.instance == 2 && condition.usable.is_some()).await;
    assert!(bench.condition().usable.expect("a verdict").is_err_and(|wrong| wrong.contains("overwrites")));
    assert_eq!((bench.condition().self_tests_passed, bench.condition().self_tests_failed), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn without_a_self_test_a_recorder_is_used_as_it_is() {
    let daemon = Daemon::start().await;
    daemon.state().fault = Fault::RecordsNothing;
    let options = options(&daemon, PauseMode::Segments, None);
    let bench = Bench::with(daemon, options).await;
    bench.until(|condition| condition.usable == Some(Ok(()))).await;
    assert_eq!((bench.condition().self_tests_passed, bench.condition().self_tests_failed), (0, 0));
    assert_eq!(bench.daemon.sent("offer"), 0);
}

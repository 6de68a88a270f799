//! The self-test: it passes with a daemon that is set up well, and says in one line what is wrong with another.

use std::fs;
use std::os::unix::fs::symlink;

use recording_core::recorder::{Order, RecorderState};
use recording_lab::{Rtpengine as Daemon, Settings};
use recording_server::recorder::port::Outcome;
use recording_server::recorder::rtpengine::PauseMode;

use crate::support::{Bench, daemon, start};

const NOTHING: &str = "it answers 'ok' and records nothing: its recording method must be pcap, its folder writable";

/// The verdict on a daemon whose files are looked for where it has them.
async fn verdict(daemon: Daemon, pause: PauseMode) -> Result<(), String> {
    let folder = daemon.recording_dir();
    let bench = Bench::with(daemon, pause, folder);
    let verdict = bench.verdict().await;
    if let Err(wrong) = &verdict {
        assert!(!wrong.contains('\n'), "{wrong:?}");
        // It is never asked to record, and its reply to a Pause is no confirmation.
        bench.has_call("call");
        for (sending, order) in [(1, Order::Record), (2, Order::Pause)] {
            assert!(matches!(bench.order("call", order, sending).await, Outcome::Unknown(_)));
        }
    }
    verdict
}

#[tokio::test]
#[ignore = "needs rtpengine: cargo xtask recorder"]
async fn it_passes_and_leaves_nothing() {
    let bench = Bench::start();
    assert_eq!(bench.verdict().await, Ok(()));
    let folder = bench.daemon.recording_dir();
    let left = ["pcaps", "metadata", "tmp"].map(|part| fs::read_dir(folder.join(part)).expect("a folder").count());
    assert_eq!(left, [0; 3]);
    bench.has_call("call");
    assert_eq!(bench.order("call", Order::Record, 1).await, Outcome::Is(RecorderState::Recording));
}

#[tokio::test]
#[ignore = "needs rtpengine: cargo xtask recorder"]
async fn it_passes_with_several_threads_ethernet_frames_and_late_deletes() {
    let arguments = ["--num-threads=4", "--recording-format=eth", "--delete-delay=30"];
    assert_eq!(verdict(daemon(&arguments), PauseMode::Segments).await, Ok(()));
}

#[tokio::test]
#[ignore = "needs rtpengine: cargo xtask recorder"]
async fn a_recording_method_that_needs_the_kernel_fails() {
    let daemon = daemon(&["--recording-method=proc"]);
    // The daemon does not make it then, and a folder that is missing is another failure.
    fs::create_dir_all(daemon.recording_dir().join("pcaps")).expect("a folder");
    assert_eq!(verdict(daemon, PauseMode::Segments).await, Err(NOTHING.to_owned()));
}

#[tokio::test]
#[ignore = "needs rtpengine: cargo xtask recorder"]
async fn a_folder_that_the_daemon_may_not_write_to_fails() {
    let daemon = daemon(&[]);
    let pcaps = daemon.recording_dir().join("pcaps");
    fs::remove_dir(&pcaps).expect("its folder");
    // No user can make a file there, root included.
    symlink("/proc", &pcaps).expect("a link");
    assert_eq!(verdict(daemon, PauseMode::Segments).await, Err(NOTHING.to_owned()));
}

#[tokio::test]
#[ignore = "needs rtpengine: cargo xtask recorder"]
async fn a_daemon_without_a_folder_fails() {
    let daemon = start(Settings { records: false, ..Settings::default() });
    let pcaps = daemon.recording_dir().join("pcaps");
    let expected = format!("{} cannot be read: No such file or directory (os error 2)", pcaps.display());
    assert_eq!(verdict(daemon, PauseMode::Segments).await, Err(expected));
}

/// The server looks into the folder of another daemon.
#[tokio::test]
#[ignore = "needs rtpengine: cargo xtask recorder"]
async fn the_wrong_folder_fails() {
    let (one, another) = (daemon(&[]), daemon(&[]));
    let bench = Bench::with(one, PauseMode::Segments, another.recording_dir());
    assert_eq!(bench.verdict().await, Err(NOTHING.to_owned()));
}

#[tokio::test]
#[ignore = "needs rtpengine: cargo xtask recorder"]
async fn a_native_pause_is_tested_as_such() {
    // 10.5 has none. A version that has one must pass, or be refused for what it writes.
    let verdict = verdict(daemon(&[]), PauseMode::Native).await;
    let expected = ["it refuses 'pause recording': Unrecognized command", "it writes what is said in a pause: "];
    assert!(
        verdict.as_ref().err().is_none_or(|wrong| expected.iter().any(|start| wrong.starts_with(start))),
        "{verdict:?}"
    );
}

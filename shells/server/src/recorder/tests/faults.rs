//! A server that is killed, and a store that fails.

use core::time::Duration;
use std::path::PathBuf;

use recording_core::recorder::{Channel, Order, ResumePolicy};
use recording_core::state::RecordingState;
use recording_core::{Action, State};

use super::scripted::{ANNA, BEN, World, key, recording, started, world};
use crate::store::{FileStore, Store as _};

/// A directory that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("recording-recorder-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn open(folder: &Folder) -> World<FileStore> {
    for _ in 0..100 {
        // The thread of the one before may still have it.
        if let Ok(store) = FileStore::open(&folder.0.join("sessions"), None) {
            return World::new(store, recording(ResumePolicy::Anyone), Channel::Drained).await;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("the store cannot be opened")
}

/// Ends the server as a kill would as far as its sessions are concerned: nothing of what is in memory is kept.
async fn kill(world: World<FileStore>) {
    let service = std::sync::Arc::downgrade(&world.service);
    drop(world);
    for _ in 0..1000 {
        if service.strong_count() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the server is still held")
}

/// After a start each pending order is sent again and each silent session is asked, with greater numbers than before.
#[tokio::test]
async fn a_new_server_sends_again_what_is_pending() {
    let folder = Folder::new("pending");
    let mut world = open(&folder).await;
    world.recorded(1).await;
    world.paused(2).await;
    let pause = world.set(1, Action::Pause, ANNA);
    let asked = world.next().await;
    assert_eq!(asked.order, Order::Pause);
    let before = asked.number;
    pause.abort();
    drop(asked);
    kill(world).await;

    let mut world = open(&folder).await;
    assert_eq!(world.stored(1).await, Some(started()));
    assert_eq!(world.stored(2).await.map(State::recording), Some(RecordingState::Paused));
    let asked = [world.next().await, world.next().await];
    for asked in asked {
        assert_eq!(asked.order, Order::Pause);
        assert!(asked.number.get() > before.get());
        asked.carry_out();
    }
    let joined = world.set(1, Action::Pause, BEN);
    let (state, error) = joined.await.unwrap();
    assert_eq!((state.recording(), error), (RecordingState::Paused, None));
}

/// A Record that may still be under way is drained by the new server before anything else of the session is sent.
#[tokio::test]
async fn a_new_server_drains_a_record_first() {
    let folder = Folder::new("drain");
    let mut world = open(&folder).await;
    world.paused(1).await;
    let start = world.set(1, Action::Start, ANNA);
    let record = world.next().await;
    assert_eq!(record.order, Order::Record);
    let number = record.number;
    start.abort();
    drop(record);
    kill(world).await;

    let mut world = open(&folder).await;
    let (drained, landed) = world.drained.recv().await.unwrap();
    assert_eq!(drained, number);
    let pause = world.set(1, Action::Pause, BEN);
    assert!(world.is_quiet(Duration::from_millis(200)).await);
    landed.send(()).unwrap();
    let asked = world.next().await;
    assert_eq!(asked.order, Order::Pause);
    asked.carry_out();
    assert_eq!(pause.await.unwrap().1, None);
}

/// A session that was closing when the server was killed is closed by the next one.
#[tokio::test]
async fn a_closing_session_is_closed_by_the_next_server() {
    let folder = Folder::new("closing");
    let mut world = open(&folder).await;
    world.recorded(1).await;
    let key = key(1);
    let end = world.service.end(key.ucc.to_ref(), key.correlation_id, crate::caller::Caller::default()).await;
    assert!(end.is_ok());
    drop(world.next().await);
    kill(world).await;

    let mut world = open(&folder).await;
    let asked = world.next().await;
    assert_eq!((asked.order, world.stored(1).await), (Order::Stop, None));
    asked.carry_out();
    for _ in 0..1000 {
        if world.service.store().read(&key).await.unwrap().is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the session is still there")
}

/// However many Marks wait for the disk, a Pause has at most one of them ahead of it, each time that it needs its turn.
#[tokio::test]
async fn silence_does_not_wait_for_marks() {
    let folder = Folder::new("marks");
    let mut world = open(&folder).await;
    world.recorded(1).await;
    let driver = world.service.recorders().drivers().remove(0);
    let turn = driver.urgent().await;
    let marks: Vec<_> =
        (0..200).map(|at| world.set(1, if at % 2 == 0 { Action::Mark } else { Action::UnMark }, ANNA)).collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let pause = world.set(1, Action::Pause, BEN);
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(turn);
    let asked = world.next().await;
    let ahead = marks.iter().filter(|mark| mark.is_finished()).count();
    assert!(ahead <= 10, "{ahead}");
    asked.carry_out();
    assert_eq!(pause.await.unwrap().1, None);
    let ahead = marks.iter().filter(|mark| mark.is_finished()).count();
    assert!(ahead <= 20, "{ahead}");
    for mark in marks {
        assert_eq!(mark.await.unwrap().1, None);
    }
}

/// A session whose task has panicked is driven no more: then the whole part that drives sessions ends, which the server
/// reports and does not outlive (`server.rs` has the test of that).
#[tokio::test(start_paused = true)]
async fn a_task_that_panics_is_noticed() {
    let mut world = world().await;
    world.recorded(1).await;
    world.recorded(2).await;
    assert!(world.is_driven().await);
    world.condition.panic();
    let pause = world.set(1, Action::Pause, ANNA);
    assert!(!world.is_driven().await);
    // Never a success.
    let (state, error) = pause.await.unwrap();
    assert_eq!((state, error.as_deref()), (started(), Some("Action:'Pause' is not confirmed by the recorder.")));
}

//! Which session has which call, when recorders and servers come and go.

use core::time::Duration;
use std::sync::Arc;

use recording_core::recorder::{Channel, Order, ResumePolicy};
use recording_core::state::Disposition;
use recording_core::wire::{CapabilitiesRequest, CorrelationId, UccName};
use recording_core::{Action, State};
use serde_json::json;

use super::scripted::{ANNA, RECORDER, UCC, World, key, recording, started, world};
use crate::caller::Caller;
use crate::recorder::port::Recorder;
use crate::recorder::{CallData, Recorders, supervise};
use crate::service::Service;
use crate::store::{MemoryStore, Store as _};

/// A store with the sessions of another: what a server finds after a start.
async fn copied(from: &MemoryStore) -> MemoryStore {
    let store = MemoryStore::new();
    for (key, session) in from.page(None, 1000).await.unwrap() {
        let _ = store.begin(&key, session).await.unwrap();
    }
    store
}

fn called(id: &str) -> CallData {
    json!({ "CallId": id }).as_object().cloned().unwrap_or_default()
}

/// A server that starts while the recorder is not in the config, which has it again later: the call keeps its name, nothing
/// was sent under another, and a call that another session has got in the meantime is not taken from it.
#[tokio::test(start_paused = true)]
async fn a_recorder_that_comes_back_knows_the_calls_by_their_names() {
    let mut first = world().await;
    let (ucc, id) = (UccName::new(UCC).unwrap(), CorrelationId::from_u128);
    let begin = |number, call: &str| {
        let (service, data) = (Arc::clone(&first.service), called(call));
        async move { service.begin_call(ucc, id(number), (started(), Some(&data)), Caller::default()).await.is_ok() }
    };
    assert!(begin(1, "a").await && begin(2, "b").await);
    first.service.end(ucc, id(1), Caller::default()).await.unwrap();
    drop(first.next().await);
    let store = copied(first.service.store()).await;
    let recorder = Arc::clone(&first.condition) as Arc<dyn Recorder>;

    let directory = super::scripted::directory(recording(ResumePolicy::Anyone));
    let service = Arc::new(Service::new(directory, store).with_recorders(Recorders::default()));
    assert_eq!(service.load_recorded().await, Ok(2));
    let task = tokio::spawn(supervise(Arc::clone(&service)));
    tokio::time::sleep(Duration::from_secs(20)).await;
    let names = |service: &Service<MemoryStore>| {
        let mut names: Vec<_> =
            service.recorders().drivers().iter().map(|driver| driver.call().id.to_string()).collect();
        names.sort();
        names
    };
    assert!(names(&service).iter().all(|name| name.starts_with("ucc/")));
    // What closes tells what becomes of its recording, though this server has not ended it.
    assert_eq!(service.end(ucc, id(1), Caller::default()).await.unwrap(), Disposition::Keep);

    service.recorders().replace([(RECORDER.into(), recorder)]);
    // Before the first session has got its call back, another asks for that of the second.
    let taken = service.begin_call(ucc, id(3), (State::INITIAL, Some(&called("b"))), Caller::default()).await;
    assert!(taken.is_ok());
    while let Ok(asked) = first.asked.try_recv() {
        drop(asked);
    }
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(names(&service), ["a", "b", "ucc/00000000-0000-0000-0000-000000000002"]);
    // The second has no call: nothing is ordered of it.
    let request = recording_core::wire::SetRequest {
        action: Action::Pause,
        requester: recording_core::wire::SipUri::new(ANNA).unwrap(),
        correlation_id: id(2),
        ucc,
    };
    let reply = service.set(&request, Caller::default()).await.unwrap();
    assert!(reply.error.is_some_and(|error| error.to_string().contains("is not possible")));
    task.abort();
}

/// A begin that comes while the end of the session before is being stored waits for it.
#[tokio::test(start_paused = true)]
async fn a_begin_waits_for_the_end_before_it() {
    let world = world().await;
    let (ucc, id) = (UccName::new(UCC).unwrap(), CorrelationId::from_u128(1));
    assert!(world.service.begin(ucc, id, State::INITIAL, Caller::default()).await.is_ok());
    let driver = world.service.recorders().driver(&key(1)).unwrap();
    // The end has removed it from the store, and has not done with it.
    let turn = driver.urgent().await;
    let found = world.service.store().read(&key(1)).await.unwrap().unwrap();
    let (store, key, note) = (world.service.store(), key(1), crate::audit::Note::none());
    let gone = store.compare_and_set(&key, Some(found.revision), None, note).await;
    assert_eq!(gone, Ok(crate::store::Swap::Stored));
    let service = Arc::clone(&world.service);
    let begun = tokio::spawn(async move {
        let (ucc, id) = (UccName::new(UCC).unwrap(), CorrelationId::from_u128(1));
        service.begin(ucc, id, State::INITIAL, Caller::default()).await.is_ok()
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!begun.is_finished());
    world.service.recorders().remove(&driver);
    drop(turn);
    assert!(begun.await.unwrap());
}

/// Capabilities say no for a recorder that cannot pause at all, and for no other reason of a recorder's.
#[tokio::test(start_paused = true)]
async fn capabilities_know_a_recorder_that_cannot_pause() {
    let world = World::new(MemoryStore::new(), recording(ResumePolicy::Anyone), Channel::Ordered).await;
    let request = CapabilitiesRequest { ucc: UccName::new(UCC).unwrap() };
    let can = || async { world.service.capabilities(&request, Caller::default()).await.agent_can_edit_recordings };
    assert!(can().await);
    world.condition.fail_self_test();
    assert!(can().await);
    world.condition.cannot_pause();
    assert!(!can().await);
    world.service.recorders().replace([]);
    assert!(!can().await);
}

/// Sessions that begin and end leave nothing.
#[tokio::test(start_paused = true)]
async fn ten_thousand_sessions_leave_nothing() {
    let mut world = world().await;
    let ucc = UccName::new(UCC).unwrap();
    for number in 0..10_000 {
        let id = CorrelationId::from_u128(number % 100);
        assert!(world.service.begin(ucc, id, State::INITIAL, Caller::default()).await.is_ok(), "{number}");
        if number % 50 == 0 {
            let start = world.set(number % 100, Action::Start, ANNA);
            world.next().await.carry_out();
            assert_eq!(start.await.unwrap().1, None);
        }
        let end = world.service.end(ucc, id, Caller::default()).await;
        assert!(end.is_ok(), "{number}");
        if number % 50 == 0 {
            let stop = world.next().await;
            assert_eq!(stop.order, Order::Stop);
            stop.carry_out();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(world.service.recorders().left(), [0; 3]);
    // The supervisor and the test itself.
    assert_eq!(Arc::strong_count(&world.service), 2);
}

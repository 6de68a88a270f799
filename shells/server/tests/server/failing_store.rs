//! A store that fails: no client is answered with success, nothing is published, nothing is changed.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::sync::Arc;

use recording_core::State;
use recording_core::recorder::Epoch;
use recording_server::audit::{Note, Trail};
use recording_server::net::Limits;
use recording_server::service::Service;
use recording_server::store::{Found, MemoryStore, Revision, Session, SessionKey, Store, StoreError, Swap};
use tokio::sync::Semaphore;
use tower_service::Service as _;

use crate::support::{
    Client, ID, PATIENCE, STATE_PATH, directory, get, key, once, published, request, serve, set, stored,
};

/// A store in memory whose reads and writes can be made to fail, and whose writes can be held up.
struct Failing {
    sound: MemoryStore,
    reads_fail: AtomicBool,
    writes_fail: AtomicBool,
    /// Writes are made, and then not answered.
    writes_are_unknown: AtomicBool,
    always_conflict: AtomicBool,
    /// Writes that may go on; they hold no permit afterwards.
    writes: Semaphore,
    /// Writes that have come.
    came: Semaphore,
}

impl Failing {
    fn new() -> Self {
        Self {
            sound: MemoryStore::new(),
            reads_fail: AtomicBool::new(false),
            writes_fail: AtomicBool::new(false),
            writes_are_unknown: AtomicBool::new(false),
            always_conflict: AtomicBool::new(false),
            writes: Semaphore::new(1_000_000),
            came: Semaphore::new(0),
        }
    }

    fn check(&self, fails: &AtomicBool) -> Result<(), StoreError> {
        if fails.load(Ordering::SeqCst) { Err(StoreError::new("the disk is on fire")) } else { Ok(()) }
    }
}

impl Store for Failing {
    async fn read(&self, key: &SessionKey) -> Result<Option<Found>, StoreError> {
        self.check(&self.reads_fail)?;
        self.sound.read(key).await
    }

    async fn compare_and_set(
        &self,
        key: &SessionKey,
        expected: Option<Revision>,
        session: Option<Session>,
        note: Note,
    ) -> Result<Swap, StoreError> {
        self.came.add_permits(1);
        self.writes.acquire().await.unwrap().forget();
        self.check(&self.writes_fail)?;
        if self.always_conflict.load(Ordering::SeqCst) {
            return Ok(Swap::Conflict);
        }
        let swap = self.sound.compare_and_set(key, expected, session, note).await;
        match self.writes_are_unknown.load(Ordering::SeqCst) {
            true => Err(StoreError::unknown("no answer in time")),
            false => swap,
        }
    }

    async fn page(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, Session)>, StoreError> {
        self.check(&self.reads_fail)?;
        self.sound.page(after, limit).await
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        self.check(&self.writes_fail)?;
        self.sound.epoch().await
    }

    fn id(&self) -> u64 {
        self.sound.id()
    }

    async fn open_sessions(&self) -> Result<usize, StoreError> {
        self.check(&self.reads_fail)?;
        self.sound.open_sessions().await
    }

    fn trail(&self) -> Option<&Trail> {
        None
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.check(&self.reads_fail)?;
        self.check(&self.writes_fail)
    }
}

async fn failing() -> recording_server::server::Running<Failing> {
    let service = Arc::new(Service::new(directory(&["ucc-demo-name"]), Failing::new()));
    let _ = service.store().sound.begin(&key("ucc-demo-name", ID), State::INITIAL).await.unwrap();
    serve(service, Limits::default()).await
}

#[tokio::test]
async fn what_is_not_stored_is_answered_503() {
    let running = failing().await;
    let store = running.service().store();
    let mut events = running.service().events().subscribe();
    let mut client = Client::connect(running.addresses().api).await;
    let not_stored =
        r#"{"ErrorMessage":{"ErrorType":1,"Message":"The new state could not be stored. Nothing was changed."}}"#;

    for fails in [&store.writes_fail, &store.reads_fail, &store.always_conflict] {
        fails.store(true, Ordering::SeqCst);
        let response = client.exchange(&set("1")).await;
        assert_eq!((response.status, response.body.as_str()), (503, not_stored));
        fails.store(false, Ordering::SeqCst);
        assert_eq!(stored(&running).await, State::INITIAL);
        assert!(published(&mut events).is_empty());
    }

    // The store is well again, and so is the connection.
    let response = client.exchange(&set("1")).await;
    assert_eq!(response.status, 200);
    assert_eq!(published(&mut events).len(), 1);
}

/// The answer does not say that nothing was changed: here it was.
#[tokio::test]
async fn what_is_not_known_is_said_to_be_so() {
    let running = failing().await;
    let unknown = &running.service().store().writes_are_unknown;
    let mut events = running.service().events().subscribe();
    let (mut api, mut admin) =
        (Client::connect(running.addresses().api).await, Client::connect(running.addresses().admin).await);
    unknown.store(true, Ordering::SeqCst);
    let says = |text: &str| format!(r#"{{"ErrorMessage":{{"ErrorType":1,"Message":"{text}"}}}}"#);

    let set = api.exchange(&set("1")).await;
    let text = says("It is not known whether Action:'Start' was stored: ask for the state.");
    assert_eq!((set.status, set.body), (503, text));
    assert_ne!(stored(&running).await, State::INITIAL);
    assert!(published(&mut events).is_empty(), "what is not known is not published");

    let session = format!("/sessions/ucc-demo-name/{ID}");
    let end = admin.exchange(&request("DELETE", &session, &[], b"")).await;
    assert_eq!((end.status, end.body), (503, says("It is not known whether this was stored: ask again.")));
    unknown.store(false, Ordering::SeqCst);
    let begin = admin.exchange(&request("PUT", &session, &[], b"")).await;
    assert_eq!(begin.status, 201, "it had been ended: {}", begin.body);
    admin.send(&get("/metrics")).await;
    let metrics = admin.receive_any("GET").await.body;
    for line in [r#"{action="Start",outcome="unknown"} 1"#, r#"{action="Start",outcome="not stored"} 0"#] {
        assert!(metrics.contains(line), "{line}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_answered_503() {
    let running = failing().await;
    let (api, admin) = (running.addresses().api, running.addresses().admin);
    let store = running.service().store();
    store.reads_fail.store(true, Ordering::SeqCst);
    store.writes_fail.store(true, Ordering::SeqCst);
    let session = format!("/sessions/ucc-demo-name/{ID}");
    let (not_read, not_stored) =
        ("The store does not answer.", "The new state could not be stored. Nothing was changed.");
    for (address, bytes, text) in [
        (api, get(STATE_PATH), not_read),
        (admin, get("/sessions"), not_read),
        (admin, request("PUT", &session, &[], b""), not_stored),
        (admin, request("DELETE", &session, &[], b""), not_stored),
    ] {
        let response = once(address, &bytes).await;
        assert_eq!(response.status, 503);
        assert_eq!(response.error(1), text);
    }
    // What needs no store works on.
    let capabilities = get("/attendantservice/api/recording/capabilities/ucc-demo-name");
    assert_eq!(once(api, &capabilities).await.status, 200);
    assert_eq!(once(admin, &get("/healthz")).await.status, 200);
}

/// A client that hangs up while its change is being stored does not keep the event from being published.
#[tokio::test]
async fn a_change_is_published_even_if_its_client_hangs_up() {
    let running = failing().await;
    let store = running.service().store();
    let mut events = running.service().events().subscribe();
    store.writes.forget_permits(1_000_000);

    let mut client = Client::connect(running.addresses().api).await;
    client.send(&set("1")).await;
    store.came.acquire().await.unwrap().forget();
    // A reset, so that the server knows at once.
    client.stream.set_zero_linger().unwrap();
    drop(client);
    // The next request of the session waits after it, and is answered when it is done.
    let mut next = Client::connect(running.addresses().api).await;
    next.send(&set("3")).await;
    store.writes.add_permits(2);
    assert_eq!(next.receive().await.status, 200);

    let first = tokio::time::timeout(PATIENCE, events.recv()).await.unwrap().unwrap();
    let second = tokio::time::timeout(PATIENCE, events.recv()).await.unwrap().unwrap();
    assert_eq!((first.action.name(), second.action.name()), ("Start", "Pause"));
}

/// Nor does anything else that gives up waiting for the reply while the change is being stored.
#[tokio::test]
async fn a_change_is_published_even_if_nobody_waits_for_it() {
    let running = failing().await;
    let store = running.service().store();
    let mut events = running.service().events().subscribe();
    store.writes.forget_permits(1_000_000);

    let mut router = recording_server::api::router(Arc::clone(running.service()));
    let body = axum::body::Body::from(crate::support::set_body("1"));
    let request = axum::http::Request::post(crate::support::SET_PATH).header("Content-Type", "application/json");
    let mut answer = Box::pin(router.call(request.body(body).unwrap()));
    tokio::select! {
        _ = &mut answer => panic!("it was not stored yet"),
        came = store.came.acquire() => came.unwrap().forget(),
    }
    drop(answer);
    store.writes.add_permits(1);
    let event = tokio::time::timeout(PATIENCE, events.recv()).await.unwrap().unwrap();
    assert_eq!(event.action.name(), "Start");
}

/// A client that has closed its sending side waits for its reply none the less.
#[tokio::test]
async fn a_late_reply_reaches_who_closed_the_sending_side() {
    let running = failing().await;
    let store = running.service().store();
    store.writes.forget_permits(1_000_000);
    let mut client = Client::connect(running.addresses().api).await;
    client.send(&set("1")).await;
    tokio::io::AsyncWriteExt::shutdown(&mut client.stream).await.unwrap();
    store.came.acquire().await.unwrap().forget();
    // Time for the server to see that end.
    tokio::time::sleep(Duration::from_millis(50)).await;
    store.writes.add_permits(1);
    assert!(client.receive().await.body.contains(r#""RecordingState":1"#));
    client.ended_in_order().await;
}

/// What is in flight when the server is asked to end is finished, and answered.
#[tokio::test]
async fn ending_finishes_what_is_in_flight() {
    let running = failing().await;
    let address = running.addresses().api;
    let service = Arc::clone(running.service());
    let store = service.store();
    store.writes.forget_permits(1_000_000);

    let mut idle = Client::connect(address).await;
    assert_eq!(idle.exchange(&get(STATE_PATH)).await.status, 200);
    let mut silent = Client::connect(address).await;
    let mut busy = Client::connect(address).await;
    busy.send(&set("1")).await;
    store.came.acquire().await.unwrap().forget();

    let stopping = tokio::spawn(running.stop(PATIENCE));
    // The idle ones go at once, and no new client is let in.
    idle.ended_in_order().await;
    silent.ended_in_order().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    store.writes.add_permits(1);
    let response = busy.receive().await;
    assert!(response.body.contains(r#""RecordingState":1"#), "{}", response.body);
    assert!(response.closes());
    busy.ended_in_order().await;
    assert!(stopping.await.unwrap(), "everything was finished");
}

#[tokio::test]
async fn ending_does_not_wait_longer_than_the_grace() {
    let running = failing().await;
    let service = Arc::clone(running.service());
    service.store().writes.forget_permits(1_000_000);
    let mut busy = Client::connect(running.addresses().api).await;
    busy.send(&set("1")).await;
    service.store().came.acquire().await.unwrap().forget();
    assert!(!running.stop(Duration::from_millis(50)).await);
}

/// A store that fails at one of the two makes the server unready, and well again it is ready at once.
#[tokio::test]
async fn a_server_is_ready_as_long_as_its_store_is() {
    let running = failing().await;
    let store = running.service().store();
    let mut client = Client::connect(running.addresses().admin).await;
    for fails in [&store.writes_fail, &store.reads_fail] {
        let ready = client.exchange(&get("/readyz")).await;
        assert_eq!((ready.status, ready.body.as_str()), (200, r#"{"Status":"ready"}"#));
        fails.store(true, Ordering::SeqCst);
        let unready = client.exchange(&get("/readyz")).await;
        let text = unready.error(1);
        assert_eq!((unready.status, text.as_str()), (503, "The store does not answer, or takes no changes."));
        // It runs all the same: a restart would not help.
        assert_eq!(client.exchange(&get("/healthz")).await.status, 200);
        client.send(&get("/metrics")).await;
        let metrics = client.receive_any("GET").await.body;
        assert!(metrics.contains("\nrecording_ready 0.0\n"), "{metrics}");
        // What cannot be looked up is left out, not reported as nothing.
        let reads_fail = store.reads_fail.load(Ordering::SeqCst);
        assert_eq!(metrics.contains("\nrecording_open_sessions "), !reads_fail, "{metrics}");
        fails.store(false, Ordering::SeqCst);
    }
}

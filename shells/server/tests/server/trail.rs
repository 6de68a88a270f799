//! The audit trail of the whole server: a line for every decision, and no change without one.

use std::path::PathBuf;
use std::sync::Arc;

use recording_core::State;
use recording_server::audit::{Trail, TrailSettings};
use recording_server::net::Limits;
use recording_server::service::Service;
use recording_server::store::{FileStore, MemoryStore, Store};
use serde_json::{Value, json};

use crate::support::{Client, ID, SET_PATH, STATE_PATH, directory, get, key, request, serve, set, set_body};

/// A directory of this test, gone when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("recording-audit-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).unwrap();
        Self(directory)
    }

    fn trail(&self, reads: bool) -> Trail {
        Trail::open(&TrailSettings { path: self.0.join("trail"), reads, ..TrailSettings::default() }).unwrap()
    }

    /// A trail that is a pipe.
    #[cfg(target_os = "linux")]
    fn pipe(&self) -> Trail {
        assert!(std::process::Command::new("mkfifo").arg(self.0.join("trail")).status().unwrap().success());
        self.trail(true)
    }

    /// The lines without their times, which must be what times look like and not run backwards on one connection.
    fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.0.join("trail")).unwrap();
        let mut last = String::new();
        text.lines()
            .map(|line| {
                let mut line: Value = serde_json::from_str(line).unwrap();
                let time = line.as_object_mut().unwrap().remove("Time").unwrap().as_str().unwrap().to_owned();
                let form: String = time.chars().map(|char| if char.is_ascii_digit() { '0' } else { char }).collect();
                assert_eq!(form, "0000-00-00T00:00:00.000000Z");
                assert!(last <= time);
                last = time;
                line
            })
            .collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Every kind of request, with a secret where secrets are.
async fn all_kinds<S: Store>(service: Service<S>) -> (String, String) {
    let running = serve(Arc::new(service), Limits::default()).await;
    let mut api = Client::connect(running.addresses().api).await;
    let mut admin = Client::connect(running.addresses().admin).await;
    let of = |client: &Client| client.stream.local_addr().unwrap().to_string();
    let addresses = (of(&api), of(&admin));
    let session = format!("/sessions/ucc-demo-name/{ID}");
    let start = br#"{"RecordingState":1,"MarkingState":0,"SavingState":0}"#;
    let headers = [("Content-Type", "application/json"), ("Authorization", "Bearer top-secret")];
    let stranger = set_body("3").replace("agent@", "o'hara@").replace("ucc-demo-name", r#"u\"c\\c\u2028"#);
    assert_eq!(admin.exchange(&request("PUT", &session, &headers, start)).await.status, 201);
    assert_eq!(admin.exchange(&request("PUT", &session, &headers, start)).await.status, 200);
    for body in [set_body("3"), set_body("3"), set_body("2"), set_body("3"), stranger] {
        assert_eq!(api.exchange(&request("POST", SET_PATH, &headers, body.as_bytes())).await.status, 200);
    }
    assert_eq!(api.exchange(&request("GET", STATE_PATH, &headers, b"")).await.status, 200);
    let nowhere = STATE_PATH.replace("ucc-demo-name", "nowhere");
    assert_eq!(api.exchange(&get(&format!("{nowhere}?access_token=top-secret"))).await.status, 200);
    let capabilities = "/attendantservice/api/recording/capabilities/ucc-demo-name";
    assert_eq!(api.exchange(&get(capabilities)).await.status, 200);
    assert_eq!(admin.exchange(&request("DELETE", &session, &headers, b"")).await.status, 200);
    addresses
}

/// What the trail has to say of them; revisions if the store is one that gives them.
fn expected(api: &str, admin: &str, reads: bool, revisions: bool) -> Vec<Value> {
    let session = |call: &str, address: &str| json!({"Call": call, "RemoteAddress": address, "UCCName": "ucc-demo-name", "CorrelationId": ID});
    let set = |action: &str| {
        let mut line = session("set", api);
        line["Action"] = action.into();
        line["Record"] = format!("RecorderSetTo{action}ByAgent").into();
        line["RequesterSipUri"] = "sip:agent@domain.com".into();
        line
    };
    let with = |mut line: Value, more: Value| {
        line.as_object_mut().unwrap().append(&mut more.as_object().unwrap().clone());
        line
    };
    let change = |revision: u64, line: Value| if revisions { with(line, json!({"Revision": revision})) } else { line };
    let unknown = |mut line: Value| {
        line["UCCName"] = "u\"c\\c\u{2028}".into();
        line["RequesterSipUri"] = "sip:o'hara@domain.com".into();
        line
    };
    let message = "Action:'Pause' is not allowed while the recorder is 'Stopped'.";
    let mut lines = vec![
        change(1, with(session("begin", admin), json!({"After": "Started/None/None", "Outcome": "opened"}))),
        with(session("begin", admin), json!({"Before": "Started/None/None", "Outcome": "already open"})),
        change(
            2,
            with(
                set("Pause"),
                json!({"Before": "Started/None/None", "After": "Paused/None/None", "Outcome": "changed"}),
            ),
        ),
        with(set("Pause"), json!({"Before": "Paused/None/None", "Outcome": "unchanged"})),
        change(
            3,
            with(
                set("Stop"),
                json!({"Before": "Paused/None/None", "After": "Stopped/None/None", "Outcome": "changed"}),
            ),
        ),
        with(
            set("Pause"),
            json!({"Before": "Stopped/None/None", "Outcome": "refused", "ErrorType": 2, "Message": message}),
        ),
        with(
            unknown(set("Pause")),
            json!({"Outcome": "refused", "ErrorType": 2, "Message": "No UCC with name:'u\"c\\c\u{2028}' was found."}),
        ),
    ];
    if reads {
        let mut nowhere = session("state", api);
        nowhere["UCCName"] = "nowhere".into();
        let capabilities = json!({
            "Call": "capabilities", "RemoteAddress": api, "UCCName": "ucc-demo-name", "Outcome": "read",
            "AgentCanEditRecordings": true,
        });
        let message = "No UCC with name:'nowhere' was found.";
        lines.extend([
            with(session("state", api), json!({"Before": "Stopped/None/None", "Outcome": "read"})),
            with(nowhere, json!({"Outcome": "refused", "ErrorType": 2, "Message": message})),
            capabilities,
        ]);
    }
    let end = json!({"Before": "Stopped/None/None", "Disposition": "Discard", "Outcome": "ended"});
    lines.push(change(4, with(session("end", admin), end)));
    lines
}

#[tokio::test]
async fn every_decision_has_its_line() {
    for reads in [true, false] {
        let scratch = Scratch::new(&format!("memory-{reads}"));
        let trail = scratch.trail(reads);
        let store = MemoryStore::audited(trail.clone());
        let (api, admin) = all_kinds(Service::new(directory(&["ucc-demo-name"]), store)).await;
        assert_eq!(scratch.lines(), expected(&api, &admin, reads, false));

        let scratch = Scratch::new(&format!("file-{reads}"));
        let trail = scratch.trail(reads);
        let store = FileStore::open(&scratch.0.join("sessions"), Some(trail.clone())).unwrap();
        let (api, admin) = all_kinds(Service::new(directory(&["ucc-demo-name"]), store)).await;
        assert_eq!(scratch.lines(), expected(&api, &admin, reads, true));
    }
}

/// A trail on a device that is always full.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_change_whose_line_cannot_be_written_is_not_made() {
    let full = || Trail::open(&TrailSettings { path: "/dev/full".into(), ..TrailSettings::default() }).unwrap();
    let scratch = Scratch::new("full");
    let trail = full();
    let memory = MemoryStore::audited(trail.clone());
    refuses_changes(Service::new(directory(&["ucc-demo-name"]), memory)).await;
    let trail = full();
    let file = FileStore::open(&scratch.0.join("sessions"), Some(trail.clone())).unwrap();
    refuses_changes(Service::new(directory(&["ucc-demo-name"]), file)).await;
}

async fn refuses_changes<S: Store>(service: Service<S>) {
    let key = key("ucc-demo-name", ID);
    let _ = service.store().begin(&key, State::INITIAL).await.unwrap();
    let running = serve(Arc::new(service), Limits::default()).await;
    let mut events = running.service().events().subscribe();
    let mut api = Client::connect(running.addresses().api).await;
    let mut admin = Client::connect(running.addresses().admin).await;
    let before = running.service().store().read(&key).await;
    for _ in 0..3 {
        let response = api.exchange(&set("1")).await;
        let body =
            r#"{"ErrorMessage":{"ErrorType":1,"Message":"The new state could not be stored. Nothing was changed."}}"#;
        assert_eq!((response.status, response.body.as_str()), (503, body));
        let session = format!("/sessions/ucc-demo-name/{ID}");
        assert_eq!(admin.exchange(&request("DELETE", &session, &[], b"")).await.status, 503);
        let other = session.replace("1d6c", "2d6c");
        assert_eq!(admin.exchange(&request("PUT", &other, &[], b"")).await.status, 503);
    }
    assert_eq!(running.service().store().read(&key).await, before);
    assert_eq!(running.service().store().page(None, 10).await.unwrap().len(), 1);
    assert!(crate::support::published(&mut events).is_empty());
    // What changes nothing is answered.
    assert_eq!(api.exchange(&set("3")).await.status, 200);
    assert_eq!(api.exchange(&get(STATE_PATH)).await.status, 200);
}

/// A pipe whose reader stalls: reads, health and repeats are answered, a change is refused after some seconds and then
/// at once, and when the reader goes on so does everything.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_stands_still_holds_up_changes_only_in_memory() {
    let scratch = Scratch::new("still-memory");
    let trail = scratch.pipe();
    let store = MemoryStore::audited(trail.clone());
    stands_still(Service::new(directory(&["ucc-demo-name"]), store), &scratch).await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_stands_still_holds_up_changes_only_in_a_file() {
    let scratch = Scratch::new("still-file");
    let trail = scratch.pipe();
    let store = FileStore::open(&scratch.0.join("sessions"), Some(trail.clone())).unwrap();
    stands_still(Service::new(directory(&["ucc-demo-name"]), store), &scratch).await;
}

#[cfg(target_os = "linux")]
async fn stands_still<S: Store>(service: Service<S>, scratch: &Scratch) {
    use core::time::Duration;
    use std::io::BufRead as _;
    use std::time::Instant;

    let key = key("ucc-demo-name", ID);
    let _ = service.store().begin(&key, State::INITIAL).await.unwrap();
    let running = serve(Arc::new(service), Limits::default()).await;
    // Held open so that what is in the pipe is still there when the server has ended.
    let reader = std::fs::File::options().read(true).write(true).open(scratch.0.join("trail")).unwrap();
    let mut api = Client::connect(running.addresses().api).await;
    let mut changed = 0;
    let refused = loop {
        let began = Instant::now();
        // Pause and Start in turn.
        match api.exchange(&set(["3", "1"][changed % 2])).await.status {
            200 => changed += 1,
            status => break (status, began.elapsed()),
        }
    };
    assert_eq!((refused.0, changed > 0), (503, true));
    // Some seconds, and not as long as a client waits.
    assert!(refused.1 < Duration::from_secs(30), "{refused:?}");
    let before = running.service().store().read(&key).await.unwrap();
    // Idle connections are closed after a while; these are new.
    let mut api = Client::connect(running.addresses().api).await;
    let mut admin = Client::connect(running.addresses().admin).await;
    // The trail may have been asked a moment after the server was.
    tokio::time::sleep(Duration::from_secs(1)).await;
    // From now on a change is refused without such a wait, and nothing else waits: all of this takes less than one did.
    let began = Instant::now();
    for _ in 0..20 {
        assert_eq!(api.exchange(&set(["3", "1"][changed % 2])).await.status, 503);
        assert_eq!(api.exchange(&get(STATE_PATH)).await.status, 200);
        assert_eq!(api.exchange(&set(["1", "3"][changed % 2])).await.status, 200, "a repeat");
        assert_eq!(admin.exchange(&get("/healthz")).await.status, 200);
    }
    assert!(began.elapsed() < refused.1, "{:?}, and one took {:?}", began.elapsed(), refused.1);
    assert_eq!(admin.exchange(&get("/readyz")).await.status, 503);
    assert_eq!(running.service().store().read(&key).await.unwrap(), before);
    // Somebody reads again.
    let lines = std::thread::spawn(move || {
        let lines = std::io::BufReader::new(reader).lines().map_while(Result::ok);
        let mut changes = 0;
        for line in lines {
            let line: Value = serde_json::from_str(&line).unwrap();
            changes += usize::from(line["Outcome"] == "changed");
            if line["Outcome"] == "ended" {
                break;
            }
        }
        changes
    });
    let mut tries = 0;
    while api.exchange(&set(["3", "1"][changed % 2])).await.status != 200 {
        tries += 1;
        assert!(tries < 1000);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(admin.exchange(&get("/readyz")).await.status, 200);
    assert_eq!(
        admin.exchange(&request("DELETE", &format!("/sessions/ucc-demo-name/{ID}"), &[], b"")).await.status,
        200
    );
    let told = lines.join().unwrap();
    // The one in the pipe whose change was not made cannot be taken back, all others are changes.
    assert!((changed + 1..=changed + 2).contains(&told), "{told} of {changed}");
}

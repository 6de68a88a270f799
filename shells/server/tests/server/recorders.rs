//! Sessions with a recorder, as the admin's port shows them: the server as a program, and a recorder that speaks HTTP.

use core::time::Duration;
use std::thread::sleep;
use std::time::Instant;

use serde_json::{Value, json};

use crate::process::{File, Running};
use crate::support::recorder::{HttpRecorder, Mood, recorded_ucc};
use crate::support::{Client, PATIENCE, request};

const UCC: &str = "calls";
const HELD: &str = "held";
const ANNA: &str = "sip:anna@domain.com";
const BEN: &str = "sip:ben:secret@domain.com";
const ID: &str = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
const STARTED: &str = r#"{"RecordingState":1,"MarkingState":0,"SavingState":0}"#;

struct World {
    recorder: HttpRecorder,
    _server: Running,
    admin: Client,
    api: Client,
    _config: File,
}

impl World {
    /// A UCC whose pauses anyone may end, and one with holds.
    async fn new(name: &str, more: &[&str]) -> Self {
        let recorder = HttpRecorder::new();
        let agents = [ANNA, BEN];
        let text = recorder.config("own", UCC, &agents, "pause_limit_seconds = 1")
            + &recorded_ucc("own", HELD, &agents, "resume = \"holders\"");
        let config = File::new(&format!("{name}.toml"), &text);
        let arguments =
            [&["--config", config.path(), "--store", "memory", "--recorder-wait", "500"][..], more].concat();
        let server = Running::start(&arguments);
        let (admin, api) = (Client::connect(server.admin).await, Client::connect(server.api).await);
        Self { recorder, _server: server, admin, api, _config: config }
    }

    async fn ask(&mut self, method: &str, target: &str, body: &str) -> (u16, Value) {
        let response = self.admin.exchange(&request(method, target, &[], body.as_bytes())).await;
        (response.status, serde_json::from_str(&response.body).unwrap())
    }

    async fn set(&mut self, ucc: &str, action: &str, requester: &str) -> (u64, Option<String>) {
        let body = json!({ "Action": action, "RequesterSipUri": requester, "CorrelationId": ID, "UCCName": ucc });
        let headers = [("Content-Type", "application/json")];
        let bytes = request("POST", "/attendantservice/api/recording/set", &headers, body.to_string().as_bytes());
        let reply: Value = serde_json::from_str(&self.api.exchange(&bytes).await.body).unwrap();
        let error = reply["ErrorMessage"]["Message"].as_str().map(str::to_owned);
        (reply["RecordingState"].as_u64().unwrap(), error)
    }

    /// The session, once it is as wanted.
    async fn session(&mut self, ucc: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let since = Instant::now();
        loop {
            let (status, found) = self.ask("GET", &path(ucc), "").await;
            assert_eq!(status, 200, "{found}");
            if is_so(&found) {
                return found;
            }
            assert!(since.elapsed() < PATIENCE, "{found}");
            sleep(Duration::from_millis(20));
        }
    }
}

fn path(ucc: &str) -> String {
    format!("/sessions/{ucc}/{ID}")
}

fn is_moment(value: &Value) -> bool {
    value.as_str().is_some_and(|text| humantime::parse_rfc3339(text).is_ok() && text.ends_with('Z'))
}

/// A recorder that says nothing of use: the pause is shown as pending for as long as it is, and the session as Started.
#[tokio::test]
async fn what_is_pending_is_never_shown_as_reached() {
    let mut world = World::new("pending", &[]).await;
    assert_eq!(world.ask("PUT", &path(UCC), STARTED).await.0, 201);
    let begun = world.session(UCC, |_| true).await;
    assert_eq!(
        begun,
        json!({
            "UCCName": UCC, "CorrelationId": ID, "RecordingState": 1, "MarkingState": 0, "SavingState": 0,
            "Allowed": ["Start", "Stop", "Pause", "Save", "Delete", "Mark", "UnMark"],
            "Changing": ["Stop", "Pause", "Save", "Delete", "Mark", "UnMark"],
            "Recorder": {
                "Name": "own", "Call": format!("{ID} {UCC}"), "Resume": "anyone", "Holds": [], "HoldsOfNoAgent": 0,
                "Pending": null, "PausedSince": null, "SilenceConfirmed": null, "Overdue": false,
                "FoundRecording": null, "Files": [],
            },
        })
    );
    world.recorder.be(Mood::Fails);
    // A Start that is not confirmed asks no silent recorder whether it still is.
    assert_eq!(world.set(UCC, "Stop", ANNA).await.0, 1);
    assert_eq!(world.set(UCC, "Start", ANNA).await.0, 1);
    let pending = world.session(UCC, |found| found["Recorder"]["Pending"]["Order"] == "Record").await;
    assert_eq!(pending["Recorder"]["Pending"]["IsRepeat"], json!(false));
    let error = Some("Action:'Pause' is not confirmed by the recorder.".to_owned());
    assert_eq!(world.set(UCC, "Pause", ANNA).await, (1, error));
    let pending = world.session(UCC, |found| found["Recorder"]["Pending"]["TimesSent"].as_u64() >= Some(3)).await;
    let recorder = &pending["Recorder"];
    assert_eq!(pending["RecordingState"], 1);
    assert_eq!((&recorder["Pending"]["Order"], &recorder["Pending"]["IsRepeat"]), (&json!("Pause"), &json!(false)));
    assert!(is_moment(&recorder["Pending"]["Since"]), "{recorder}");
    assert!(recorder["Pending"]["LastError"].as_str().is_some_and(|text| text.contains("500")), "{recorder}");
    assert_eq!((&recorder["PausedSince"], &recorder["SilenceConfirmed"]), (&Value::Null, &Value::Null));
    // A Start would end what is pending; another Pause would only join it.
    assert_eq!(pending["Changing"], json!(["Start", "Stop", "Save", "Delete", "Mark", "UnMark"]));
    // The list has the same, but for the files.
    let (_, page) = world.ask("GET", "/sessions", "").await;
    let listed = &page["Sessions"][0];
    assert_eq!((&listed["RecordingState"], &listed["Recorder"]["Pending"]["Order"]), (&json!(1), &json!("Pause")));
    assert_eq!((listed["Recorder"].get("Files"), page.get("Closing")), (None, None));

    world.recorder.be(Mood::Obeys);
    // What is stored is shown a moment before what is only kept in memory.
    let is_confirmed = |found: &Value| !found["Recorder"]["SilenceConfirmed"].is_null();
    let paused = world.session(UCC, |found| found["RecordingState"] == 3 && is_confirmed(found)).await;
    let recorder = &paused["Recorder"];
    assert!(is_moment(&recorder["PausedSince"]) && is_moment(&recorder["SilenceConfirmed"]), "{recorder}");
    let overdue = world.session(UCC, |found| found["Recorder"]["Overdue"] == true).await;
    assert_eq!(overdue["RecordingState"], 3);
    // A repeat is no order that waits for something new.
    world.recorder.be(Mood::Fails);
    let repeat = world.session(UCC, |found| !found["Recorder"]["Pending"].is_null()).await;
    assert_eq!((&repeat["RecordingState"], &repeat["Recorder"]["Pending"]["IsRepeat"]), (&json!(3), &json!(true)));
    // It records by itself, and does not stop.
    world.recorder.be(Mood::Does("Recording"));
    let is_alarm = |found: &Value| !found["Recorder"]["FoundRecording"].is_null();
    let found = world.session(UCC, |found| found["RecordingState"] == 1 && is_alarm(found)).await;
    assert!(is_moment(&found["Recorder"]["FoundRecording"]), "{found}");
    world.recorder.be(Mood::Obeys);
    let silent = world.session(UCC, |found| found["RecordingState"] == 3 && !is_alarm(found)).await;
    assert_eq!(silent["Recorder"]["Name"], "own");
}

/// A session that has ended while its recorder cannot be reached is listed apart, and the call's side can give it up.
#[tokio::test]
async fn a_closing_session_is_shown_without_states_and_can_be_released() {
    let mut world = World::new("closing", &[]).await;
    let release = format!("{}/recorder", path(UCC));
    let unknown = format!("No Audio session with correlation Id:'{ID}' was found.");
    let not_there = json!({ "ErrorMessage": { "ErrorType": 2, "Message": unknown } });
    for target in [path(UCC), release.clone(), format!("{}/holds", path(UCC))] {
        let method = if target == path(UCC) { "GET" } else { "DELETE" };
        assert_eq!(world.ask(method, &target, "").await, (404, not_there.clone()), "{target}");
    }
    assert_eq!(world.ask("PUT", &path(UCC), STARTED).await.0, 201);
    let (status, open) = world.ask("DELETE", &release, "").await;
    let text = "The session is open: its recorder can be released when it has ended.";
    assert_eq!((status, &open["ErrorMessage"]["Message"]), (409, &json!(text)));

    world.recorder.be(Mood::Fails);
    assert_eq!(world.ask("DELETE", &path(UCC), "").await, (200, json!({ "Disposition": "Keep" })));
    let closing = world.session(UCC, |found| found["Recorder"]["Pending"]["TimesSent"].as_u64() >= Some(1)).await;
    let mut keys: Vec<_> = closing.as_object().unwrap().keys().collect();
    keys.sort_unstable();
    assert_eq!(keys, ["CorrelationId", "Disposition", "Recorder", "UCCName"]);
    assert_eq!((&closing["Disposition"], &closing["Recorder"]["Pending"]["Order"]), (&json!("Keep"), &json!("Stop")));
    let (_, page) = world.ask("GET", "/sessions", "").await;
    assert_eq!((&page["Sessions"], &page["Closing"][0]["CorrelationId"]), (&json!([]), &json!(ID)));
    let (status, again) = world.ask("PUT", &path(UCC), STARTED).await;
    let text = "The session has ended, and its recorder is still being stopped.";
    assert_eq!((status, &again["ErrorMessage"]["Message"]), (409, &json!(text)));
    // Holds are of those that are open.
    assert_eq!(world.ask("DELETE", &format!("{}/holds", path(UCC)), "").await, (404, not_there.clone()));

    assert_eq!(world.ask("DELETE", &release, "").await, (200, json!({ "Released": true })));
    assert_eq!(world.ask("DELETE", &release, "").await, (404, not_there));
    assert_eq!(world.ask("GET", "/sessions", "").await, (200, json!({ "Sessions": [], "Next": null })));
    // The id and its call are free.
    world.recorder.be(Mood::Obeys);
    assert_eq!(world.ask("PUT", &path(UCC), STARTED).await.0, 201);
}

/// Who holds a session is shown, and the call's side can end it.
#[tokio::test]
async fn holds_are_shown_and_can_be_ended() {
    let mut world = World::new("holds", &[]).await;
    assert_eq!(world.ask("PUT", &path(HELD), STARTED).await.0, 201);
    assert_eq!(world.set(HELD, "Pause", BEN).await, (3, None));
    assert_eq!(world.set(HELD, "Pause", ANNA).await, (3, None));
    let found = world.session(HELD, |_| true).await;
    assert_eq!((&found["Recorder"]["Holds"], &found["Recorder"]["Resume"]), (&json!([ANNA, BEN]), &json!("holders")));
    let held_back = "Action:'Start' is held back: the recorder is held by another requester.".to_owned();
    assert_eq!(world.set(HELD, "Start", ANNA).await, (3, Some(held_back)));
    assert_eq!(world.session(HELD, |_| true).await["Recorder"]["Holds"], json!([BEN]));

    let holds = format!("{}/holds", path(HELD));
    for released in [true, false] {
        assert_eq!(world.ask("DELETE", &holds, "").await, (200, json!({ "Released": released })));
    }
    assert_eq!(world.session(HELD, |_| true).await["Recorder"]["Holds"], json!([]));
    assert_eq!(world.set(HELD, "Start", ANNA).await, (1, None));
    for method in ["GET", "PUT", "POST"] {
        let response = world.admin.exchange(&request(method, &holds, &[], b"")).await;
        assert_eq!((response.status, response.header("allow")), (405, Some("DELETE")));
    }
}

/// What is said of the call is taken to the letter, or not at all.
#[tokio::test]
async fn a_session_begins_with_what_is_said_of_its_call() {
    let mut world = World::new("begin", &[]).await;
    for (body, text) in [
        (r#"{"Recorder":7}"#, "The field Recorder is not an object."),
        (r#"{"Recorder":{},"recorder":{}}"#, "The field Recorder is there twice."),
        (r#"{"Recorder":{"Leg":"a","Leg":"b"}}"#, "Recorder: the field 'Leg' is there twice."),
        (r#"{"Recorder":{},"RecordingState":1}"#, "The request could not be understood: MarkingState is missing."),
    ] {
        let (status, answer) = world.ask("PUT", &path(UCC), body).await;
        assert_eq!((status, &answer["ErrorMessage"]["Message"]), (400, &json!(text)), "{body}");
    }
    let body = r#"{"RecordingState":1,"MarkingState":0,"SavingState":0,"Recorder":{"Leg":"a"}}"#;
    assert_eq!(world.ask("PUT", &path(UCC), body).await.0, 201);
    assert_eq!(world.ask("PUT", &path(UCC), body).await.0, 200);
    let (status, other) = world.ask("PUT", &path(UCC), &body.replace("\"a\"", "\"b\"")).await;
    let text = "Recorder: the session is open with another call.";
    assert_eq!((status, &other["ErrorMessage"]["Message"]), (409, &json!(text)));
    assert_eq!(world.set(UCC, "Pause", ANNA).await, (3, None));
    let order = world.recorder.orders().remove(0);
    assert_eq!((&order["Order"], &order["Recorder"]), (&json!("Pause"), &json!({ "Leg": "a" })));
}

/// A recorder that is away is a warning; the server serves all the same.
#[tokio::test]
async fn recorders_are_shown_as_they_are() {
    let recorder = HttpRecorder::new();
    // A port that was free just now, and on which no recorder answers.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text = recorder.config("there", UCC, &[ANNA], "pause_limit_seconds = 60")
        + &format!("[[recorder]]\nname = \"away\"\nkind = \"http\"\nurl = \"http://{gone}/\"\ncan_pause = false\n\n")
        + &recorded_ucc("away", HELD, &[ANNA], "resume = \"holders\"");
    let config = File::new("shown.toml", &text);
    let server = Running::start(&["--config", config.path(), "--store", "memory"]);
    let mut admin = Client::connect(server.admin).await;
    let since = Instant::now();
    let shown = loop {
        let shown = admin.exchange(&request("GET", "/recorders", &[], b"")).await;
        let shown: Value = serde_json::from_str(&shown.body).unwrap();
        if shown["Recorders"][1]["Answers"] == true {
            break shown;
        }
        assert!(since.elapsed() < PATIENCE, "{shown}");
        sleep(Duration::from_millis(20));
    };
    let of = |name: &str, answers: bool, can_pause: bool| {
        json!({
            "Name": name, "Configured": true, "Answers": answers, "Usable": true, "Reason": null, "CanPause": can_pause,
            "Restarts": 0, "SelfTestsPassed": 0, "SelfTestsFailed": 0, "Sessions": 0,
        })
    };
    assert_eq!(shown, json!({ "Recorders": [of("away", false, false), of("there", true, true)] }));
    let ready = admin.exchange(&request("GET", "/readyz", &[], b"")).await;
    let warnings = json!({ "Status": "ready", "Warnings": ["The recorder 'away' does not answer."] });
    assert_eq!((ready.status, serde_json::from_str::<Value>(&ready.body).unwrap()), (200, warnings));
    let uccs = admin.exchange(&request("GET", "/uccs", &[], b"")).await;
    let ucc = |name: &str, recorder: Value| json!({ "UCCName": name, "AgentCanEditRecordings": true, "Agents": 1, "Recorder": recorder });
    let expected = json!({ "UCCs": [
        ucc(UCC, json!({ "Name": "there", "Resume": "anyone", "PauseLimitSeconds": 60 })),
        ucc(HELD, json!({ "Name": "away", "Resume": "holders", "PauseLimitSeconds": null })),
    ] });
    assert_eq!(serde_json::from_str::<Value>(&uccs.body).unwrap(), expected);
    // One that cannot pause is not shown as if it could.
    let target = path(HELD);
    assert_eq!(admin.exchange(&request("PUT", &target, &[], STARTED.as_bytes())).await.status, 201);
    let found: Value = serde_json::from_str(&admin.exchange(&request("GET", &target, &[], b"")).await.body).unwrap();
    assert_eq!(found["Changing"], json!(["Stop", "Save", "Delete", "Mark", "UnMark"]));
}

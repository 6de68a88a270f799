//! What the audit trail says of sessions with a recorder, to the letter.

use core::time::Duration;
use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::Instant;

use serde_json::{Value, json};

use crate::process::{File, Running};
use crate::support::recorder::{HttpRecorder, Mood};
use crate::support::{Client, PATIENCE, once, request};

const ANNA: &str = "sip:anna@domain.com";
const BEN: &str = "sip:ben:secret@domain.com";
const ID: &str = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

/// The line without what differs from run to run.
fn blanked(line: &str) -> String {
    let mut line = line.to_owned();
    for key in ["Time", "RemoteAddress", "Number", "LastSilent", "FoundRecording", "PausedSince"] {
        let key = format!("\"{key}\":");
        if let Some(at) = line.find(&key).map(|at| at + key.len()) {
            let end = line[at..].find([',', '}']).map_or(line.len(), |end| at + end);
            line.replace_range(at..end, "_");
        }
    }
    line
}

struct World {
    admin: Client,
    api: Client,
    trail: File,
}

impl World {
    async fn set(&mut self, action: &str, requester: &str) {
        let body = json!({ "Action": action, "RequesterSipUri": requester, "CorrelationId": ID, "UCCName": "held" });
        let headers = [("Content-Type", "application/json")];
        let body = body.to_string();
        self.api.exchange(&request("POST", "/attendantservice/api/recording/set", &headers, body.as_bytes())).await;
    }

    async fn ask(&mut self, method: &str, target: &str, body: &str) {
        let response = self.admin.exchange(&request(method, target, &[], body.as_bytes())).await;
        assert!([200, 201].contains(&response.status), "{}", response.body);
    }

    /// Waits for a line that holds this.
    fn written(&self, part: &str) -> String {
        let since = Instant::now();
        loop {
            let text = std::fs::read_to_string(self.trail.path()).unwrap();
            if let Some(line) = text.lines().find(|line| line.contains(part)) {
                return line.to_owned();
            }
            assert!(since.elapsed() < PATIENCE, "{part}: {text}");
            sleep(Duration::from_millis(20));
        }
    }
}

#[tokio::test]
async fn each_line_is_as_the_page_says() {
    let recorder = HttpRecorder::new();
    let more = "resume = \"holders\"\npause_limit_seconds = 1";
    let config = File::new("trail.toml", &recorder.config("own", "held", &[ANNA, BEN], more));
    let trail = File::new("recorded.trail", "");
    let server = Running::start(&[
        "--config",
        config.path(),
        "--store",
        "memory",
        "--audit",
        trail.path(),
        "--audit-reads",
        "off",
        "--recorder-wait",
        "500",
    ]);
    let session = format!("/sessions/held/{ID}");
    let (admin, api) = (Client::connect(server.admin).await, Client::connect(server.api).await);
    let mut world = World { admin, api, trail };
    world.ask("PUT", &session, r#"{"RecordingState":1,"MarkingState":0,"SavingState":0}"#).await;
    world.set("Pause", BEN).await;
    world.set("Start", ANNA).await;
    world.written("overdue");
    recorder.be(Mood::Does("Recording"));
    world.written("\"alarm\"");
    recorder.be(Mood::Obeys);
    let purge: Value = serde_json::from_str(&world.written("\"FoundRecording\":")).unwrap();
    let since = Instant::now();
    while std::fs::read_to_string(world.trail.path()).unwrap().matches("FoundRecording").count() < 2 {
        assert!(since.elapsed() < PATIENCE);
        sleep(Duration::from_millis(20));
    }
    world.ask("DELETE", &format!("{session}/holds"), "").await;
    // One that does not obey is found again, and a Start ends that.
    recorder.be(Mood::Does("Recording"));
    while std::fs::read_to_string(world.trail.path()).unwrap().matches("\"alarm\"").count() < 2 {
        assert!(since.elapsed() < PATIENCE);
        sleep(Duration::from_millis(20));
    }
    recorder.be(Mood::KnowsNoCall);
    world.set("Start", ANNA).await;
    recorder.be(Mood::Fails);
    world.set("Stop", ANNA).await;
    world.ask("DELETE", &session, "").await;
    world.ask("DELETE", &format!("{session}/recorder"), "").await;
    assert_eq!(once(server.admin, &request("GET", &session, &[], b"")).await.status, 404);

    // The audio between the two moments is to be looked at.
    let moment = |value: &Value| humantime::parse_rfc3339(value.as_str().unwrap_or_default()).ok();
    assert!(moment(&purge["LastSilent"]) <= moment(&purge["FoundRecording"]), "{purge}");
    assert!(moment(&purge["LastSilent"]).is_some(), "{purge}");

    let text = std::fs::read_to_string(world.trail.path()).unwrap();
    assert!(!text.contains("secret"), "{text}");
    let written = text.lines().map(blanked);
    // How often a recorder that does not obey is asked is a matter of time, and so is whether a Record waits for what is under way.
    let of_time = [r#""server""#, r#""not carried out""#, r#""Outcome":"sent""#];
    let is_of_time = |line: &String| of_time.iter().any(|part| line.contains(part));
    let written: BTreeSet<_> = written.filter(|line| !is_of_time(line)).collect();
    let of_session = format!(r#""UCCName":"held","CorrelationId":"{ID}""#);
    let expected: BTreeSet<_> = EXPECTED.iter().map(|line| line.replace("$SESSION", &of_session)).collect();
    let differ = |one: &BTreeSet<String>, other: &BTreeSet<String>| {
        one.difference(other).cloned().collect::<Vec<_>>().join("\n")
    };
    assert_eq!(
        differ(&written, &expected),
        "",
        "written and not expected; not written:\n{}",
        differ(&expected, &written)
    );
    assert_eq!(differ(&expected, &written), "", "expected and not written");
}

const EXPECTED: [&str; 17] = [
    r#"{"Time":_,"Call":"begin","RemoteAddress":_,$SESSION,"Recorder":"own","After":"Started/None/None","Outcome":"opened"}"#,
    r#"{"Time":_,"Call":"set","RemoteAddress":_,"Record":"RecorderSetToPauseByAgent","Action":"Pause","RequesterSipUri":"sip:ben:***@domain.com",$SESSION,"Recorder":"own","Order":"Pause","Before":"Started/None/None","After":"Started/None/None","HoldsMade":["sip:ben:***@domain.com"],"Outcome":"ordered"}"#,
    r#"{"Time":_,"Call":"recorder",$SESSION,"Recorder":"own","Order":"Pause","Number":_,"Before":"Started/None/None","After":"Paused/None/None","Outcome":"carried out"}"#,
    r#"{"Time":_,"Call":"set","RemoteAddress":_,"Record":"RecorderSetToPauseByAgent","Action":"Pause","RequesterSipUri":"sip:ben:***@domain.com",$SESSION,"After":"Paused/None/None","Outcome":"confirmed"}"#,
    r#"{"Time":_,"Call":"set","RemoteAddress":_,"Record":"RecorderSetToStartByAgent","Action":"Start","RequesterSipUri":"sip:anna@domain.com",$SESSION,"After":"Paused/None/None","Outcome":"not done","ErrorType":2,"Message":"Action:'Start' is held back: the recorder is held by another requester."}"#,
    r#"{"Time":_,"Call":"recorder",$SESSION,"Recorder":"own","PausedSince":_,"LimitSeconds":1,"Outcome":"overdue"}"#,
    r#"{"Time":_,"Call":"recorder",$SESSION,"Recorder":"own","Before":"Paused/None/None","After":"Started/None/None","LastSilent":_,"FoundRecording":_,"Outcome":"alarm"}"#,
    r#"{"Time":_,"Call":"recorder",$SESSION,"Recorder":"own","Order":"Pause","Number":_,"Before":"Started/None/None","After":"Paused/None/None","LastSilent":_,"FoundRecording":_,"Outcome":"carried out"}"#,
    r#"{"Time":_,"Call":"release","RemoteAddress":_,$SESSION,"Recorder":"own","Before":"Paused/None/None","After":"Paused/None/None","HoldsLost":["sip:ben:***@domain.com"],"Outcome":"changed"}"#,
    r#"{"Time":_,"Call":"set","RemoteAddress":_,"Record":"RecorderSetToStartByAgent","Action":"Start","RequesterSipUri":"sip:anna@domain.com",$SESSION,"Recorder":"own","Order":"Record","Before":"Started/None/None","After":"Started/None/None","LastSilent":_,"FoundRecording":_,"Outcome":"ordered"}"#,
    r#"{"Time":_,"Call":"recorder",$SESSION,"Recorder":"own","Order":"Record","Number":_,"Before":"Started/None/None","After":"Started/None/None","Outcome":"no such call"}"#,
    r#"{"Time":_,"Call":"set","RemoteAddress":_,"Record":"RecorderSetToStartByAgent","Action":"Start","RequesterSipUri":"sip:anna@domain.com",$SESSION,"After":"Started/None/None","Outcome":"not done","ErrorType":1,"Message":"The recorder does not know the call."}"#,
    r#"{"Time":_,"Call":"set","RemoteAddress":_,"Record":"RecorderSetToStopByAgent","Action":"Stop","RequesterSipUri":"sip:anna@domain.com",$SESSION,"Recorder":"own","Order":"Stop","Before":"Started/None/None","After":"Started/None/None","HoldsMade":["sip:anna@domain.com"],"Outcome":"ordered"}"#,
    r#"{"Time":_,"Call":"recorder",$SESSION,"Recorder":"own","Order":"Stop","Number":_,"Before":"Started/None/None","After":"Started/None/None","Outcome":"not confirmed"}"#,
    r#"{"Time":_,"Call":"set","RemoteAddress":_,"Record":"RecorderSetToStopByAgent","Action":"Stop","RequesterSipUri":"sip:anna@domain.com",$SESSION,"After":"Started/None/None","Outcome":"not done","ErrorType":1,"Message":"Action:'Stop' is not confirmed by the recorder."}"#,
    r#"{"Time":_,"Call":"end","RemoteAddress":_,$SESSION,"Before":"Started/None/None","Disposition":"Keep","Outcome":"ended"}"#,
    r#"{"Time":_,"Call":"release","RemoteAddress":_,$SESSION,"Recorder":"own","Before":"Started/None/None","HoldsLost":["sip:anna@domain.com"],"Outcome":"ended"}"#,
];

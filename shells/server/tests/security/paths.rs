//! Other spellings of a path: none of them reaches what its plain spelling reaches, unless the protocol says so.

use recording_server::auth::tokens::make;

use crate::access::{bearer, get_with};
use crate::attempts::{Attempt, Group, world};
use crate::process::{File, Running};
use crate::support::{ID, STATE_PATH, get, once};

/// `STATE` stands for the path of the session's state, `BASE` for that of the API, `ID` for the session's id.
const CASES: &[(&str, u16)] = &[
    ("STATE", 200),
    ("STATE?x=/../..", 200),
    ("STATE#fragment", 200),
    ("http://localhost:1STATE", 200),
    ("https://127.0.0.1STATE", 200),
    ("http://localhost", 404),
    ("ftp://localhostSTATE", 404),
    ("localhost:443", 404),
    ("http://any.hostSTATE", 421),
    ("https://user:password@localhostSTATE", 421),
    ("any.host:443", 421),
    ("*", 404),
    ("/STATE", 404),
    ("/.STATE", 404),
    ("/..STATE", 404),
    ("/xSTATE", 404),
    ("//any.hostSTATE", 404),
    ("STATE/", 404),
    ("STATE/.", 404),
    ("STATE/..", 404),
    ("STATE//", 404),
    ("STATE;x=y", 400),
    ("STATE%00", 400),
    ("STATE%20", 400),
    ("STATE%0d%0aX:y", 400),
    ("STATE%3fx", 400),
    ("STATE%23", 400),
    ("STATE%2f", 400),
    ("STATE%", 400),
    ("STATE%zz", 400),
    ("BASE//ucc-demo-name/ID", 404),
    ("BASE/ucc-demo-name//ID", 404),
    ("BASE/./ucc-demo-name/ID", 404),
    ("BASE/x/../ucc-demo-name/ID", 404),
    ("BASE/%2e/ucc-demo-name/ID", 404),
    ("BASE/x/%2e%2e/ucc-demo-name/ID", 404),
    ("BASE/..%2fucc-demo-name/ID", 400),
    ("BASE/%2e%2e%2fucc-demo-name/ID", 400),
    ("BASE/..%5cucc-demo-name/ID", 200),
    ("BASE/%2e%2e/ID", 200),
    ("BASE/../ID", 200),
    ("BASE%2fucc-demo-name/ID", 404),
    ("BASE/ucc-demo-name%2fID", 404),
    ("BASE\\ucc-demo-name\\ID", 404),
    ("BASE/ucc%2ddemo%2Dname/ID", 200),
    ("BASE/%75cc-demo-name/ID", 200),
    ("BASE/ucc%252ddemo-name/ID", 200),
    ("BASE/%c0%aeucc-demo-name/ID", 400),
    ("BASE/%ff/ID", 400),
    ("BASE/%ef%bb%bfucc-demo-name/ID", 200),
    ("/attendantservice/%61pi/recording/ucc-demo-name/ID", 404),
    ("/attendantservice/api/%72ecording/ucc-demo-name/ID", 404),
    ("/Attendantservice/api/recording/ucc-demo-name/ID", 404),
    ("/attendantservice/API/recording/ucc-demo-name/ID", 404),
    ("/attendantservice/api/v1/recording/ucc-demo-name/ID", 404),
    ("/attendantservice/api/v2/v2/recording/ucc-demo-name/ID", 404),
    ("/attendantservice/api/v%32/recording/ucc-demo-name/ID", 404),
    ("/attendantservice/hubs/../api/recording/ucc-demo-name/ID", 404),
    ("/sessions", 404),
    ("/healthz", 404),
];

fn spelt(target: &str) -> String {
    target.replace("STATE", STATE_PATH).replace("BASE", "/attendantservice/api/recording").replace("ID", ID)
}

/// The one session that there is, as its state reply shows it.
const FOUND: &str = r#""RecordingState":1,"MarkingState":0,"SavingState":0,"ErrorMessage":null"#;

/// These spell the session's own path as the protocol says, all others something else.
fn is_the_session(target: &str) -> bool {
    let plain = target.split(['?', '#']).next().unwrap_or_default();
    let spelt = spelt(plain).replace("%2d", "-").replace("%2D", "-").replace("%75", "u");
    spelt == STATE_PATH || (plain.starts_with("http") && spelt.ends_with(STATE_PATH))
}

pub fn groups() -> Vec<Group> {
    let attempts = CASES.iter().map(|&(target, status)| Attempt {
        what: format!("`{target}`"),
        outcome: match status {
            200 if is_the_session(target) => "200, the session".to_owned(),
            200 => "200, no such UCC".to_owned(),
            status => status.to_string(),
        },
    });
    let test = "paths::each_spelling_has_its_outcome";
    vec![Group {
        title: "Paths",
        note: "`STATE` is the path of the one session, `BASE` that of the API, `ID` the session's id.",
        test,
        attempts: attempts.collect(),
    }]
}

#[tokio::test]
async fn each_spelling_has_its_outcome() {
    let running = world().await;
    let mut wrong = Vec::new();
    for &(target, status) in CASES {
        let response = once(running.addresses().api, &get(&spelt(target))).await;
        if response.status != status || response.body.contains(FOUND) != (status == 200 && is_the_session(target)) {
            wrong.push(format!("{target}: {} {}", response.status, response.body));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// However a path is written, it is asked for a token; and with one for events alone it opens nothing of the API.
#[tokio::test]
async fn no_spelling_gets_around_the_token() {
    let events = make("events").unwrap();
    let tokens = File::new("paths.tokens", &format!("{} hub\n", events.line));
    let running = Running::start(&["--tokens", tokens.path()]);
    for &(target, _) in CASES {
        let target = spelt(target);
        let response = once(running.api, &get(&target)).await;
        assert_eq!(response.status, 401, "{target}");
        let response = once(running.api, &get_with(&target, &[("Authorization", &bearer(&events.token))])).await;
        assert!([403, 404].contains(&response.status), "{target} {}", response.status);
        assert!(!response.body.contains("RecordingState"), "{target} {}", response.body);
    }
}

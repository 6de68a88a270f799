//! Events, heard by a SignalR hub of their own way.

use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use recording_conformance::access::Endpoint;
use recording_conformance::address::Address;
use recording_conformance::http::Server;
use recording_conformance::hub::Hub;
use recording_conformance::report::{Subject, text};
use recording_testkit::explore::{Options, explore};
use recording_testkit::faults::{Fault, Seen};
use recording_testkit::plan::Plan;
use recording_testkit::rules::Rule;
use recording_testkit::transport::Transport as _;
use tokio::runtime::Runtime;

use crate::ours::{hub_of, serve as serve_ours};
use crate::wrong_server::serve;

const ID: &str = "1d6c6a58-6739-4f0c-98ff-0968292c8c30";

#[test]
fn faults_that_only_events_show_are_found() {
    let plan = Arc::new(Plan::full());
    let faults: Vec<Fault> = Fault::ALL.iter().copied().filter(|fault| fault.seen() == Seen::Events).collect();
    assert_eq!(faults.len(), 3);
    for fault in faults.into_iter().map(Some).chain([None]) {
        let wrong = serve(&plan, fault);
        let hub = Hub::connect(&wrong.hub).unwrap();
        let mut server = Server::new(wrong.api.clone(), Some(wrong.api.clone())).heard_by(hub);
        let options = Options { cases: 60, findings: 1, stop: true, ..Options::default() };
        let report = explore(&mut server, &plan, &options, &mut |_| {}).unwrap();
        let printed = text(&Subject { api: &wrong.api, admin: Some(&wrong.api), plan: &plan, seed: 0 }, &report);
        if fault.is_none() {
            assert!(report.held() && report.held.contains(&Rule::Event), "{printed}");
            continue;
        }
        let finding = report.findings.first().unwrap_or_else(|| panic!("{fault:?} is not found"));
        println!("{fault:?}: {} requests", finding.steps.len());
        assert!(report.diverged.contains(&Rule::Event) && finding.repeated, "{fault:?}: {printed}");
        assert!(finding.steps.len() <= 3 && printed.contains("\n  expected: events: ["), "{fault:?}: {printed}");
    }
}

/// Other calls go on while a server is tested: their events break no rule.
#[test]
fn events_of_other_sessions_do_not_count() {
    let runtime = Runtime::new().unwrap();
    let plan = Arc::new(Plan::full());
    let (api, admin) = serve_ours(&runtime, &plan);
    let mut other = Server::new(api.clone(), Some(admin.clone()));
    other.begin("ucc-open", ID, (1, 0, 0)).unwrap();
    let ended = Arc::new(());
    let running = Arc::downgrade(&ended);
    let others = thread::spawn(move || {
        let mut sets = 0;
        while running.strong_count() > 0 {
            let action = if sets % 2 == 0 { 3 } else { 1 };
            assert_eq!(other.set("ucc-open", ID, "sip:agent@domain.com", action).unwrap().status, 200);
            sets += 1;
            // Not more than real calls: a hub gives up on a listener that cannot keep up.
            thread::sleep(Duration::from_millis(5));
        }
        sets
    });
    let mut server = Server::new(api.clone(), Some(admin)).heard_by(Hub::connect(&hub_of(&api)).unwrap());
    let options = Options { cases: 60, ..Options::default() };
    let report = explore(&mut server, &plan, &options, &mut |_| {}).unwrap();
    drop(ended);
    assert!(others.join().unwrap() > 10);
    assert!(report.held() && report.held.contains(&Rule::Event), "{:#?}", report.findings);
}

/// A server that answers every connection with these bytes, after a request has come.
fn answering(bytes: &'static [u8]) -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::parse(&format!("http://{}/hub", listener.local_addr().unwrap())).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(bytes);
        }
    });
    address.into()
}

#[test]
fn what_is_no_hub_is_said_to_be_none() {
    for bytes in [&b""[..], b"hello", b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"] {
        let endpoint = answering(bytes);
        let told = Hub::connect(&endpoint).unwrap_err().to_string();
        assert!(told.starts_with(&format!("{}: ", endpoint.address)) && told.lines().count() == 1, "{told}");
    }
}

/// What one hub says, message after message, and what a listener makes of it.
#[test]
fn what_hubs_say() {
    let event = r#"{"type":1,"target":"RecordingStateChangedEvent","arguments":[{"StateAction":3}]}"#;
    let other = r#"{"type":1,"target":"SomethingElse","arguments":[1,2]}"#;
    let odd = r#"{"type":1,"target":"RecordingStateChangedEvent","arguments":[]}"#;
    let ping = r#"{"type":6}"#;
    let close = r#"{"type":7,"error":"restart"}"#;
    type Heard = Result<Vec<String>, &'static str>;
    let cases: [(&str, &[&str], Heard); 8] = [
        ("{}", &[ping, other], Ok(vec![])),
        ("{}", &[event, ping, odd], Ok(vec![r#"{"StateAction":3}"#.into(), odd.into()])),
        ("{}", &[close], Err("the hub ends the connection: restart")),
        ("{}", &[r#"{"type":7}"#], Err("the hub ends the connection: no reason given")),
        ("{}", &["nothing"], Err("nothing")),
        (r#"{"error":"no such protocol"}"#, &[], Err("the hub refuses: \"no such protocol\"")),
        ("[]", &[], Err("this is no SignalR hub")),
        ("hello", &[], Err("this is no SignalR hub")),
    ];
    for (handshake, messages, expected) in cases {
        // The handshake's answer and what follows it may come together, or each by itself.
        for together in [true, false] {
            let texts: Vec<String> =
                [handshake].iter().chain(messages).map(|message| format!("{message}\u{1e}")).collect();
            let texts = if together { vec![texts.concat()] } else { texts };
            let hub = crate::wrong_server::hub_that_says(texts);
            let heard = Hub::connect(&hub).and_then(|mut hub| {
                thread::sleep(Duration::from_millis(50));
                hub.events(None)
            });
            match (&expected, heard) {
                (Ok(expected), Ok(heard)) => assert_eq!(*expected, heard),
                (Err(expected), Err(told)) => assert!(told.to_string().contains(expected), "{told}"),
                (expected, heard) => panic!("{expected:?}: {heard:?}"),
            }
        }
    }
}

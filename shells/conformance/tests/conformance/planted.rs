//! Every planted fault that HTTP can show is found over HTTP, in few requests, and its curl commands show it.

use std::process::Command;
use std::sync::Arc;

use recording_conformance::access::Endpoint;
use recording_conformance::http::Server;
use recording_conformance::report::{Subject, cleanup, commands, json, text};
use recording_testkit::explore::{Options, Report, explore};
use recording_testkit::faults::{Fault, Seen};
use recording_testkit::plan::{Plan, Profile};
use recording_testkit::transport::Transport;

use crate::wrong_server::serve;

fn tested(url: &Endpoint, plan: &Arc<Plan>, cases: u32) -> Report {
    let mut server = Server::new(url.clone(), Some(url.clone()));
    let options = Options { cases, findings: 1, stop: true, ..Options::default() };
    explore(&mut server, plan, &options, &mut |_| {}).unwrap()
}

/// What a shell makes of a command: status and body.
fn shell(command: &str) -> String {
    let output = Command::new("sh").args(["-c", command]).output().expect("a shell");
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    format!("{} {body}", head.split(' ').nth(1).unwrap())
}

#[test]
fn every_fault_is_found_in_few_requests_that_curl_repeats() {
    let plan = Arc::new(Plan::full());
    for &fault in Fault::ALL.iter().filter(|fault| fault.seen() != Seen::Events) {
        let url = serve(&plan, Some(fault)).api;
        let report = tested(&url, &plan, 1000);
        let subject = Subject { api: &url, admin: Some(&url), plan: &plan, seed: 0 };
        let finding = report.findings.first().unwrap_or_else(|| panic!("{fault:?} is not found"));
        let divergence = finding.run.divergence.as_ref().unwrap();
        let commands = commands(&subject, finding);
        println!("{fault:?}: {} in {} requests", divergence.rule.id(), commands.len());
        assert!(finding.repeated && commands.len() <= 4, "{fault:?}: {commands:#?}");
        // Twice, since the printed clean-up is to make that possible.
        for _ in 0..2 {
            let mut last = String::new();
            for command in &commands {
                last = shell(command);
            }
            assert_eq!(last, divergence.got, "{fault:?}: {commands:#?}");
            assert_ne!(last, divergence.expected);
            for command in cleanup(&subject, finding) {
                shell(&command);
            }
        }
        let printed = text(&subject, &report);
        assert!(commands.iter().all(|command| printed.contains(command.as_str())), "{printed}");
        assert!(printed.contains(&divergence.expected) && printed.contains("diverged"), "{printed}");
        assert_eq!(json(&subject, &report)["divergences"][0]["rule"], divergence.rule.id());
    }
}

#[test]
fn the_wrong_server_without_a_fault_is_right() {
    let plan = Arc::new(Plan::full());
    let url = serve(&plan, None).api;
    let report = tested(&url, &plan, 60);
    assert!(report.held(), "{:#?}", report.findings);
}

#[test]
fn the_documented_profile_finds_what_is_documented() {
    let plan = Arc::new(Plan { profile: Profile::Documented, ..Plan::full() });
    for fault in [Fault::UnMarkToNone, Fault::NotFoundWithoutError, Fault::VersionTwoUnknown] {
        let url = serve(&plan, Some(fault)).api;
        let report = tested(&url, &plan, 1000);
        assert!(!report.held() && report.diverged.iter().all(|rule| rule.is_documented()), "{fault:?}");
        assert!(report.findings[0].steps.len() <= 4, "{fault:?}: {:#?}", report.findings[0].steps);
    }
}

/// Where nothing can be begun, sequences start from wherever the last one left the session.
#[test]
fn sessions_that_are_there_show_faults_as_well() {
    let id = "1d6c6a58-6739-4f0c-98ff-0968292c8c30";
    let faults = [
        Fault::PauseNotStored,
        Fault::ResumeRefused,
        Fault::RepeatRefused,
        Fault::UnMarkToNone,
        Fault::DeleteStops,
        Fault::FirstDecisionCounts,
        Fault::StateShownToStranger,
        Fault::KeysInOtherOrder,
    ];
    let full = Plan::full();
    for fault in faults {
        let url = serve(&full, Some(fault)).api;
        let mut call = Server::new(url.clone(), Some(url.clone()));
        Transport::begin(&mut call, "ucc-open", id, (1, 0, 0)).unwrap();
        let plan = Arc::new(Plan { can_begin: false, slots: 1, ..full.clone() });
        let options = Options { cases: 200, findings: 1, stop: true, sessions: vec![id.into()], ..Options::default() };
        let report = explore(&mut Server::new(url.clone(), None), &plan, &options, &mut |_| {}).unwrap();
        let finding = report.findings.first().unwrap_or_else(|| panic!("{fault:?} is not found"));
        println!("{fault:?}: {} requests to a session that is there", finding.steps.len());
        assert!(finding.repeated && finding.steps.len() <= 4, "{fault:?}: {:#?}", finding.steps);
    }
}

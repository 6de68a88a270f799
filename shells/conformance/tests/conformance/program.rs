//! The program as a user sees it: exit codes, one clear line, the files it writes.

use std::process::{Command, Output};

use recording_testkit::faults::Fault;
use recording_testkit::plan::Plan;

use crate::wrong_server::serve;

fn program(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_recording-conformance")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn what_cannot_run_is_said_in_one_line() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("http://{unused}");
    let cases: &[&[&str]] = &[
        &[],
        &["--url", "localhost"],
        &["--url", "ftp://localhost", "--admin", "http://localhost"],
        &["--url", "http://localhost", "--admin", "http://localhost", "--ca", "Cargo.toml"],
        &["--url", "https://localhost", "--admin", "http://localhost", "--ca", "Cargo.toml"],
        &["--url", "https://localhost", "--admin", "http://localhost", "--ca", "no/such/file"],
        &["--url", "http://localhost", "--admin", "http://localhost", "--token", "Cargo.toml"],
        &["--url", "http://localhost", "--admin", "http://localhost", "--admin-token", "no/such/file"],
        &["--url", "http://localhost", "--admin", "http://localhost", "--hub", &nobody],
        &["--url", "http://localhost", "--admin", "http://localhost", "--hub", &nobody, "--profile", "documented"],
        &["--url", "http://localhost"],
        &["--url", "http://localhost", "--session", "x"],
        &["--url", "http://localhost", "--admin", "http://localhost", "--profile", "some"],
        &["--url", "http://localhost", "--admin", "http://localhost", "--agent", "me"],
        &["--url", "http://localhost", "--admin", "http://localhost", "--ucc", "a/b"],
        &["--url", "http://localhost", "--admin", "http://localhost", "--cases", "0"],
        &["--urk"],
        &["x"],
        &["--url", &nobody, "--admin", &nobody],
    ];
    for arguments in cases {
        let output = program(arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{arguments:?}: {error}");
        assert!(error.starts_with("recording-conformance: "), "{error}");
    }
}

#[test]
fn help_and_version() {
    assert!(text(&program(&["--help"]).stdout).contains("Exit codes"));
    assert!(text(&program(&["-V"]).stdout).starts_with("recording-conformance "));
}

#[test]
fn zero_for_what_holds_and_one_for_what_does_not() {
    let file = std::env::temp_dir().join(format!("recording-conformance-{}.json", std::process::id()));
    let plan = Plan::full();
    for (fault, code, status) in [(None, 0, "held"), (Some(Fault::PauseNotStored), 1, "diverged")] {
        let url = serve(&plan, fault).api.address.to_string();
        let arguments = ["--url", &url, "--admin", &url, "--ucc", "ucc-open", "--seed", "7", "--cases", "150"];
        let output = program(&[&arguments[..], &["--json", file.to_str().unwrap()]].concat());
        let printed = text(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{printed}{}", text(&output.stderr));
        let document: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!((&document["seed"], &document["held"]), (&7.into(), &(code == 0).into()));
        let rules = document["rules"].as_array().unwrap();
        let stored = rules.iter().find(|rule| rule["rule"] == "4-stored").unwrap();
        assert_eq!(stored["status"], status, "{printed}");
        assert_eq!(printed.contains("curl "), code == 1, "{printed}");
    }
    std::fs::remove_file(file).unwrap();
}

#[test]
fn a_session_that_is_not_there_ends_it() {
    let url = serve(&Plan::full(), None).api.address.to_string();
    let id = "1d6c6a58-6739-4f0c-98ff-0968292c8c30";
    let output = program(&["--url", &url, "--ucc", "ucc-open", "--session", id]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("cannot be read"), "{}", text(&output.stderr));
}

#[test]
fn a_report_that_cannot_be_written_is_printed_all_the_same() {
    let url = serve(&Plan::full(), None).api.address.to_string();
    let output = program(&[
        "--url", &url, "--admin", &url, "--ucc", "ucc-open", "--cases", "3", "--quiet", "--json", "/no/such",
    ]);
    let (printed, error) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.code() == Some(2) && error.contains("/no/such") && error.lines().count() == 1, "{error}");
    assert!(printed.contains("held") && printed.contains("4-stored"), "{printed}");
}

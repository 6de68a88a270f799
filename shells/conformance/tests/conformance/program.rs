//! The program as a user sees it: exit codes, one clear line, the files it writes.

use std::process::{Command, Output};

use recording_conformance::cli::command;
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
    for option in ["--help", "-h"] {
        let output = program(&[option]);
        let help = text(&output.stdout);
        assert!(output.status.success() && output.stderr.is_empty());
        assert!(help.contains("Exit codes") && help.starts_with("Tests a server"), "{help}");
        assert!(help.lines().all(|line| line.chars().count() <= 120), "{help}");
        for arg in command().get_arguments() {
            assert!(help.contains(&format!("--{}", arg.get_long().unwrap())), "{}", arg.get_id());
        }
    }
    let version = concat!("recording-conformance ", env!("CARGO_PKG_VERSION"), "\n");
    assert!(["-V", "--version"].iter().all(|option| text(&program(&[option]).stdout) == version));
}

const BEGIN: &str = "<!-- options: written by `WRITE_DOCS=1 cargo test -p recording-conformance --test conformance the_page_has_every_option` -->\n";
const END: &str = "<!-- end of options -->\n";

/// A row for each option, under the headings of `--help`.
fn table() -> String {
    let (mut table, mut heading) = (BEGIN.to_owned(), None);
    for arg in command().get_arguments() {
        if heading != arg.get_help_heading() {
            heading = arg.get_help_heading();
            table += &format!("\n### {}\n\n| option | what it does |\n|---|---|\n", heading.unwrap_or_default());
        }
        let values = if arg.get_action().takes_values() { arg.get_value_names() } else { None };
        let value = values.and_then(<[_]>::first).map_or_else(String::new, |name| format!(" {name}"));
        let defaults = if values.is_some() { arg.get_default_values() } else { &[] };
        let default = defaults.first().map_or_else(String::new, |default| format!(" [default: {}]", default.display()));
        let help = arg.get_help().unwrap_or_else(|| panic!("{} is not explained", arg.get_id()));
        table += &format!("| `--{}{value}` | {help}{default} |\n", arg.get_long().unwrap());
    }
    table + "\n" + END
}

#[test]
fn the_page_has_every_option() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/conformance.md");
    let page = std::fs::read_to_string(file).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the begin of the options");
    let (_, after) = rest.split_once(END).expect("the end of the options");
    let expected = [before, &table(), after].concat();
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::write(file, expected).unwrap();
    } else {
        assert!(page == expected, "docs/conformance.md is not what --help says; WRITE_DOCS=1 writes it");
    }
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

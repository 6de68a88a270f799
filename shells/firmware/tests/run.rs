//! `cargo run` here, as a person meets it.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Output, Stdio};

fn run(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_recording-firmware"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    // One that ends before has no use for it.
    let _ = child.stdin.take().expect("it is piped").write_all(input.as_bytes());
    child.wait_with_output().expect("it ends")
}

fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = listener.local_addr().expect("it is bound").port().to_string();
    (listener, port)
}

/// Before anything is built, and with the option that mends it.
#[test]
fn a_port_that_is_taken_is_named_with_its_option() {
    let (_taken, port) = listener();
    let (free, other) = listener();
    drop(free);
    for (option, arguments) in
        [("--api", ["--api", &port, "--events", &other]), ("--events", ["--api", &other, "--events", &port])]
    {
        let output = run(&arguments, "quit\n");
        let said = String::from_utf8(output.stderr).expect("text");
        assert!(!output.status.success());
        assert_eq!(
            said,
            format!("recording-firmware: port {port} is taken by another program: choose one with {option} PORT\n")
        );
        assert!(output.stdout.is_empty());
    }
    let output = run(&["--api", &other, "--events", &other], "quit\n");
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(!output.status.success() && said.contains("a port each"), "{said}");
}

/// `quit`, or the end of the input, directly after commands.
#[test]
fn what_was_said_before_the_end_is_answered() {
    for end in ["quit\n", ""] {
        let ((api, api_port), (events, events_port)) = (listener(), listener());
        drop((api, events));
        let ids: Vec<_> = (1..=20).map(|number| format!("00000000-0000-0000-0000-{number:012}")).collect();
        let commands: String = ids.iter().map(|id| format!("begin {id} Paused/None/None ucc-demo-name\n")).collect();
        let output = run(&["--api", &api_port, "--events", &events_port], &format!("{commands}nonsense\n{end}"));
        let (said, built) = (String::from_utf8(output.stdout), String::from_utf8(output.stderr));
        let (said, built) = (said.expect("text"), built.expect("text"));
        assert!(output.status.success(), "{built}");
        assert!(built.starts_with("Building the image for lm3s6965evb"), "{built}");
        let answers: Vec<_> = said.lines().filter_map(|line| line.strip_prefix("     pbx | ")).collect();
        // `boot` and the demo's session come first.
        assert_eq!(answers.len(), 2 + ids.len() + 1, "{said}");
        for (answer, id) in answers[2..].iter().zip(&ids) {
            let is_lost = answer.contains("a part of it was lost");
            assert!(is_lost || *answer == format!("begun {id} Paused/None/None ucc-demo-name"), "{answer}");
            let told = said.contains(&format!("recorder | paused {id} ucc-demo-name\n"));
            assert_eq!(told, !is_lost, "{said}");
        }
        assert!(answers.last().is_some_and(|answer| answer.starts_with("error ")), "{said}");
    }
}

//! Webhooks of the program: their files, a reload, the end.

use core::time::Duration;
use std::collections::HashSet;
use std::fs::{Permissions, set_permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Instant;

use crate::process::{self, File};
use crate::support::webhook::{Mood, Post, Receiver};
use crate::support::{Client, request, set};
use crate::webhooks::{SECRET, UCC, check, secret, signature};

const OTHER_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// `--check-config`, the start and the log: what is wrong with a file of a webhook is said, without anything that is secret.
#[test]
fn what_is_wrong_with_a_secret_is_said() {
    let open = File::new("webhook-open", SECRET);
    set_permissions(open.path(), Permissions::from_mode(0o644)).unwrap();
    let bad = secret("bad", "whsec_short\n");
    let missing = format!("{}-missing", bad.path());
    for (file, reason) in [
        (open.path(), "has mode 0644, so others can use it; expected 0600 or 0640"),
        (bad.path(), "line 1: expected whsec_ and 24 to 64 bytes in base64"),
        (&missing, "No such file or directory (os error 2)"),
    ] {
        let config = File::new("webhook-wrong.toml", &config("http://localhost:1/", file, ""));
        let line = format!("{}: webhook \"hook\": secret_file: {file}: {reason}", config.path());
        process::refuses(&["--check-config", "--config", config.path()], &line);
        process::refuses(
            &[
                "--config",
                config.path(),
                "--store",
                "memory",
                "--listen",
                "127.0.0.1:0",
                "--admin",
                "127.0.0.1:0",
                "--log",
                "off",
            ],
            &format!("webhook \"hook\": secret_file: {file}: {reason}"),
        );
    }
}

pub fn config(url: &str, secret_file: &str, more: &str) -> String {
    let hook = if url.is_empty() {
        String::new()
    } else {
        format!("[[webhook]]\nname = \"hook\"\nurl = {url:?}\nsecret_file = {secret_file:?}\n{more}\n")
    };
    format!(
        "{hook}[[ucc]]\nname = {UCC:?}\nrecording_api_licensed = true\nuse_audio_recording = true\n\
         agent_can_edit_audio_recording = true\nsave_recording_by_default = true\nagents = [\"sip:agent@domain.com\"]\n"
    )
}

struct Program {
    running: process::Running,
    config: File,
    client: tokio::runtime::Runtime,
}

impl Program {
    fn new(name: &str, text: &str, more: &[&str]) -> Self {
        let config = File::new(&format!("webhook-{name}.toml"), text);
        let running = process::Running::start(&[&["--config", config.path(), "--store", "memory"], more].concat());
        let program = Self { running, config, client: tokio::runtime::Runtime::new().unwrap() };
        let begin = format!("/sessions/{UCC}/1d6c6a58-6739-4f0c-98ff-0968292c8c30");
        program.client.block_on(async {
            let begun = Client::connect(program.running.admin).await.exchange(&request("PUT", &begin, &[], b"")).await;
            assert_eq!(begun.status, 201, "{begun:?}");
        });
        program
    }

    fn set(&self, action: u64) {
        self.client.block_on(async {
            let reply = Client::connect(self.running.api).await.exchange(&set(&action.to_string())).await;
            assert!(reply.body.contains(r#""ErrorMessage":null"#), "{reply:?}");
        });
    }

    fn reload(&mut self, text: &str, logged: &str) {
        std::fs::write(self.config.path(), text).unwrap();
        self.running.signal("-HUP");
        self.running.logged(logged);
    }
}

/// Rotated secrets, a file that is open to others, another place, gone, and there again.
#[test]
fn a_reload_changes_webhooks() {
    let (first, second) = (Receiver::new(), Receiver::new());
    let file = secret("reloaded", SECRET);
    let text = config(&first.url(), file.path(), "");
    let mut program = Program::new("reload", &text, &[]);
    program.set(1);
    let events = |receiver: &Receiver, count: usize| {
        receiver.wait("events", |posts| {
            let events: Vec<_> = posts.iter().filter(|post| post.event().is_some()).cloned().collect();
            (events.len() >= count).then_some(events)
        })
    };
    assert_eq!(events(&first, 1)[0].header("webhook-signature"), Some(&*signature(SECRET, &events(&first, 1)[0])));

    std::fs::write(file.path(), format!("{OTHER_SECRET}\n{SECRET}\n")).unwrap();
    program.reload(&text, "config read again");
    program.set(3);
    let post = &events(&first, 2)[1];
    let both = format!("{} {}", signature(OTHER_SECRET, post), signature(SECRET, post));
    assert_eq!(post.header("webhook-signature"), Some(&*both));

    // What is bad changes nothing.
    set_permissions(file.path(), Permissions::from_mode(0o604)).unwrap();
    program.reload(&config(&second.url(), file.path(), ""), "the old config stays in force");
    program.set(1);
    assert_eq!(events(&first, 3).len(), 3);
    set_permissions(file.path(), Permissions::from_mode(0o600)).unwrap();

    program.reload(&config(&second.url(), file.path(), ""), "the webhook is changed");
    program.running.logged("config read again");
    program.set(3);
    assert_eq!(events(&second, 1)[0].event().map(|(_, action)| action), Some(3));

    program.reload(&config("", "", ""), "the webhook is gone from the config");
    program.running.logged("config read again");
    program.set(1);
    // It is a new one: what it missed is not known.
    program.reload(&text, "config read again");
    program.set(3);
    let posts = first.wait("a fourth", |posts| {
        let events = posts.iter().filter(|post| post.event().is_some()).count();
        (events == 4).then(|| posts.to_vec())
    });
    assert!(posts.iter().filter(|post| post.body["readAgain"] == true).count() >= 2);
    assert_eq!(second.posts().len(), 1, "the change without a webhook was posted nowhere");
    check(&posts);
    program.running.signal("-TERM");
    assert_eq!(program.running.end().0, Some(0));
}

/// A receiver that never answers costs the end of the server its grace at most, one that is away costs nothing, and what they did not
/// get is in the log. One that is slow gets all of it.
#[test]
fn an_end_is_in_time_and_says_what_is_left() {
    let file = secret("end", SECRET);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (name, mood, grace, left) in [
        ("stalls", Some(Mood::Stalls), 2, 2),
        ("away", None, 120, 2),
        ("slow", Some(Mood::Slow(Duration::from_millis(700))), 120, 0),
    ] {
        let receiver = Receiver::new();
        let url = if let Some(mood) = &mood {
            receiver.be(mood.clone());
            receiver.url()
        } else {
            format!("http://{closed}/")
        };
        let text = config(&url, file.path(), "give_up_ms = 60_000");
        let program = Program::new(name, &text, &["--grace", &grace.to_string()]);
        program.set(1);
        program.set(3);
        let since = Instant::now();
        program.running.signal("-TERM");
        let (code, log) = program.running.end();
        assert_eq!(code, Some(0), "{log}");
        assert!(since.elapsed() < Duration::from_secs(60), "{name}: {:?}", since.elapsed());
        let line = log.lines().find(|line| line.contains("events were not posted"));
        assert_eq!(line.is_some(), left > 0, "{name}: {log}");
        assert!(line.is_none_or(|line| line.contains(&format!("events={left}")) && line.contains("ended")), "{line:?}");
        let ids: HashSet<_> = receiver.posts().iter().filter(|post| post.is_taken).filter_map(Post::event).collect();
        assert_eq!(ids.len(), 2 - left, "{name}");
    }
}

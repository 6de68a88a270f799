//! The log and the standard output, broken in every way that an operator meets: nothing else may change.

use core::net::SocketAddr;
use core::time::Duration;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::hub::{Listener, event};
use crate::process::program;
use crate::support::{Client, PATIENCE, STATE_PATH, get, once, request, set};

const SESSION: &str = "/sessions/ucc-demo-name/6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

/// As much as a pipe holds on Linux.
const PIPE: usize = 64 * 1024;

/// A directory of this test, gone when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("recording-side-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).unwrap();
        Self(directory)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What is wrong with a way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Every write fails with ENOSPC.
    Full,
    /// Every write fails with EPIPE: the reader is gone.
    Dead,
    /// Every write waits: the pipe is full and its reader stalls.
    Still,
    /// Every write fails with EFBIG.
    Limited,
    /// Closed before the start.
    Closed,
}

impl Way {
    /// The end that the server gets, and what must be kept meanwhile.
    fn open(self, directory: &Path) -> (Stdio, Option<std::io::PipeReader>) {
        match self {
            Self::Full => (File::options().write(true).open("/dev/full").unwrap().into(), None),
            Self::Dead => (std::io::pipe().unwrap().1.into(), None),
            Self::Still => {
                let (reader, mut writer) = std::io::pipe().unwrap();
                writer.write_all(&[b'\n'; PIPE]).unwrap();
                (writer.into(), Some(reader))
            }
            Self::Limited => {
                let mut log = File::options().create(true).append(true).open(directory.join("log")).unwrap();
                log.write_all(&[b'\n'; 4 * 1024 * 1024]).unwrap();
                (log.into(), None)
            }
            Self::Closed => (Stdio::null(), None),
        }
    }
}

struct Broken {
    child: Child,
    api: SocketAddr,
    admin: SocketAddr,
    _kept: Vec<std::io::PipeReader>,
}

impl Drop for Broken {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Broken {
    /// With both ways out as said, a store, a trail and a config that can be read again.
    async fn start(scratch: &Scratch, log: Way, out: Way) -> Self {
        let (api, admin) = (free_port(), free_port());
        let (err, kept_err) = log.open(&scratch.0);
        let (out_end, kept_out) = out.open(&scratch.0);
        let mut script = String::new();
        if log == Way::Limited {
            // In units of 512 or 1024 bytes: below the log, above the store.
            script.push_str("ulimit -f 4000; ");
        }
        script.push_str("exec \"$0\" \"$@\"");
        if log == Way::Closed {
            script.push_str(" 2>&-");
        }
        if out == Way::Closed {
            script.push_str(" >&-");
        }
        let mut command = Command::new("sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_recording-server"), "--log", "debug"]);
        command.args(["--listen", &api.to_string(), "--admin", &admin.to_string()]);
        command.args(["--store", &format!("file:{}", scratch.path("sessions")), "--audit", &scratch.path("trail")]);
        let child = command.stdin(Stdio::null()).stdout(out_end).stderr(err).spawn().unwrap();
        let kept = kept_err.into_iter().chain(kept_out).collect();
        let mut broken = Self { child, api, admin, _kept: kept };
        let began = Instant::now();
        while tokio::net::TcpStream::connect(admin).await.is_err() {
            assert_eq!(broken.child.try_wait().unwrap(), None, "{log:?} {out:?}: it ended");
            assert!(began.elapsed() < PATIENCE, "{log:?} {out:?}: it does not start");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        broken
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap().success());
    }

    async fn metric(&self, name: &str) -> f64 {
        let mut client = Client::connect(self.admin).await;
        client.send(&get("/metrics")).await;
        let page = client.receive_any("GET").await.body;
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap();
        value.parse().unwrap()
    }
}

/// The outcomes of the trail, in order, without those of reads.
fn trail(scratch: &Scratch) -> Vec<String> {
    let text = std::fs::read_to_string(scratch.path("trail")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let told = lines.filter(|line| line["Call"] != "state").map(|line| line["Outcome"].as_str().unwrap().to_owned());
    told.collect()
}

async fn everything_is_done(log: Way, out: Way) {
    let scratch = Scratch::new(&format!("{log:?}-{out:?}"));
    let mut broken = Broken::start(&scratch, log, out).await;
    let (api, admin) = (broken.api, broken.admin);
    let mut listener = Listener::new(api).await;
    let mut events = Vec::new();
    for action in [3, 1, 2] {
        let response = once(api, &set(&action.to_string())).await;
        assert_eq!(response.status, 200, "{log:?}");
        events.push(listener.hears().await);
        assert_eq!(events.last(), Some(&event("ucc-demo-name", action)), "{log:?}");
    }
    // Each of these is a line of the log, too.
    for (address, bytes, status) in [
        (api, set("2"), 200),
        (api, get(STATE_PATH), 200),
        (api, get("/nowhere"), 404),
        (api, request("POST", "/attendantservice/api/recording/set", &[], b"{"), 415),
        (admin, request("PUT", SESSION, &[], b""), 201),
        (admin, request("DELETE", SESSION, &[], b""), 200),
        (admin, request("DELETE", SESSION.replace("ucc-demo-name", "none").as_str(), &[], b""), 404),
        (admin, get("/healthz"), 200),
        (admin, get("/readyz"), 200),
    ] {
        assert_eq!(once(address, &bytes).await.status, status, "{log:?} {}", String::from_utf8_lossy(&bytes));
    }
    broken.signal("-HUP");
    // Enough to fill any queue that has no bound, were each line kept; in one connection, so as not to take long.
    let mut client = Client::connect(api).await;
    for _ in 0..500 {
        assert_eq!(client.exchange(&get("/nowhere")).await.status, 404);
    }
    if matches!(log, Way::Full | Way::Dead | Way::Limited) {
        // The thread that writes counts what it could not write, which may be a moment after the request was answered.
        let began = Instant::now();
        while broken.metric("recording_log_lines_dropped_total").await < 500.0 {
            assert!(began.elapsed() < PATIENCE, "{log:?}: dropped lines are not counted");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    assert_eq!(once(api, &set("1")).await.status, 200);
    assert_eq!(listener.hears().await, event("ucc-demo-name", 1));
    broken.signal("-TERM");
    let began = Instant::now();
    let code = loop {
        if let Some(status) = broken.child.try_wait().unwrap() {
            break status.code();
        }
        assert!(began.elapsed() < PATIENCE, "{log:?} {out:?}: it does not end");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(code, Some(0), "{log:?} {out:?}");
    let expected = [
        "started",
        "opened",
        "changed",
        "changed",
        "changed",
        "unchanged",
        "opened",
        "ended",
        "refused",
        "changed",
        "ended",
    ];
    assert_eq!(trail(&scratch), expected, "{log:?} {out:?}");
}

#[tokio::test]
async fn a_log_that_cannot_be_written_changes_nothing() {
    let all = [
        (Way::Full, Way::Closed),
        (Way::Dead, Way::Full),
        (Way::Still, Way::Still),
        (Way::Limited, Way::Dead),
        (Way::Closed, Way::Closed),
        (Way::Dead, Way::Dead),
    ];
    for (log, out) in all {
        everything_is_done(log, out).await;
    }
}

/// What ends before it serves has its own code, whatever becomes of the line that says why.
#[test]
fn the_exit_code_is_right_without_a_reader() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let scratch = Scratch::new("codes");
    for way in [Way::Full, Way::Dead, Way::Still] {
        for (arguments, code) in [
            (&["--config", "/nowhere.toml", "--store", "memory"][..], 2),
            (&["--listen", &taken, "--admin", "127.0.0.1:0"], 2),
        ] {
            let (err, kept) = way.open(&scratch.0);
            let mut child = program().args(arguments).stdout(Stdio::null()).stderr(err).spawn().unwrap();
            assert_eq!(child.wait().unwrap().code(), Some(code), "{way:?} {arguments:?}");
            drop(kept);
        }
        for (arguments, code) in
            [(&["--bad"][..], 2), (&["--help"], 0), (&["--version"], 0), (&["--probe", "--admin", "127.0.0.1:9"], 1)]
        {
            let ((out, _out), (err, _err)) = (way.open(&scratch.0), way.open(&scratch.0));
            let status = program().args(arguments).stdout(out).stderr(err).status().unwrap();
            assert_eq!(status.code(), Some(code), "{way:?} {arguments:?}");
        }
    }
}

/// After a reader that stalled, the log says how much is missing.
#[tokio::test]
async fn a_log_that_can_be_written_again_says_what_is_missing() {
    let scratch = Scratch::new("again");
    let mut broken = Broken::start(&scratch, Way::Still, Way::Closed).await;
    let mut client = Client::connect(broken.api).await;
    let long = format!("/{}", "n".repeat(8000));
    while broken.metric("recording_log_lines_dropped_total").await == 0.0 {
        for _ in 0..200 {
            assert_eq!(client.exchange(&get(&long)).await.status, 404);
        }
    }
    let dropped = broken.metric("recording_log_lines_dropped_total").await;
    let mut reader = broken._kept.pop().unwrap();
    let reading = std::thread::spawn(move || {
        let mut all = String::new();
        std::io::Read::read_to_string(&mut reader, &mut all).unwrap();
        all
    });
    broken.signal("-TERM");
    let code = tokio::task::spawn_blocking(move || broken.child.wait().unwrap().code()).await.unwrap();
    assert_eq!(code, Some(0));
    let all = reading.join().unwrap();
    let told: u64 = all
        .lines()
        .filter_map(|line| line.split_once("lines of the log were dropped number=")?.1.parse::<u64>().ok())
        .sum();
    assert_eq!(told as f64, dropped, "{}", all.len());
    assert!(all.contains("ending: no new connections"), "the log goes on after the gap");
}

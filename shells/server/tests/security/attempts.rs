//! What was tried, and what came of it: the table of `docs/security.md` is what the tests say.

use core::time::Duration;

use recording_core::State;
use recording_core::state::RecordingState;
use recording_server::net::Limits;
use recording_server::server::Running as Server;
use recording_server::store::MemoryStore;

use crate::support::{Client, stored, world_with};

/// One line of the table.
pub struct Attempt {
    pub what: String,
    pub outcome: String,
}

/// Bytes that are sent, and what comes of them.
pub struct Case {
    pub what: &'static str,
    pub bytes: fn() -> Vec<u8>,
    pub outcome: &'static str,
}

pub const fn case(what: &'static str, bytes: fn() -> Vec<u8>, outcome: &'static str) -> Case {
    Case { what, bytes, outcome }
}

/// A group of lines, with the test that tries them.
pub struct Group {
    pub title: &'static str,
    /// What the lines need to be understood; may be empty.
    pub note: &'static str,
    pub test: &'static str,
    pub attempts: Vec<Attempt>,
}

const BEGIN: &str =
    "<!-- attempts: written by `WRITE_DOCS=1 cargo test -p recording-server --test security the_page` -->\n";
const END: &str = "<!-- end of attempts -->\n";

fn table(groups: &[Group]) -> String {
    let mut text = String::from(BEGIN);
    for Group { title, note, test, attempts } in groups {
        let note = if note.is_empty() { String::new() } else { format!(". {note}") };
        let test = if test.contains("::") { format!("`{test}`") } else { (*test).to_owned() };
        text += &format!("\n### {title}\n\n{test}{note}\n\n| attempt | outcome |\n|---|---|\n");
        for Attempt { what, outcome } in attempts {
            text += &format!("| {what} | {outcome} |\n");
        }
    }
    text += "\n";
    text + END
}

#[test]
fn the_page_says_what_the_tests_say() {
    let groups = crate::groups();
    for Group { test, attempts, .. } in &groups {
        assert!(!attempts.is_empty(), "{test}");
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/security.md");
    let page = std::fs::read_to_string(file).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the begin of the table");
    let (_, after) = rest.split_once(END).expect("the end of the table");
    let expected = [before, &table(&groups), after].concat();
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::write(file, expected).unwrap();
    } else {
        assert!(page == expected, "docs/security.md is not what the tests say; WRITE_DOCS=1 writes it");
    }
}

pub const STARTED: State = State::INITIAL.with_recording(RecordingState::Started);

/// A recorder that is started, and a server that gives slow clients little time.
pub async fn world() -> Server<MemoryStore> {
    world_with(STARTED, Limits { request: Duration::from_secs(2), ..Limits::default() }).await
}

/// Sends `bytes` and then, apart from them, a request that gives itself away; tells all that came back: `400, closed`,
/// or `200, open` if the connection went on, and whether the recorder was touched.
pub async fn outcome(running: &Server<MemoryStore>, bytes: &[u8]) -> String {
    let mut client = Client::connect(running.addresses().api).await;
    client.send(bytes).await;
    let mut told = Vec::new();
    let mut probed = false;
    let end = loop {
        match client.next_status().await {
            // Nothing else asks for this.
            Some((404, body)) if probed && body.contains("nothing at this path") => break "open",
            Some((status, _)) => told.push(status.to_string()),
            None => break "closed",
        }
        if !probed {
            probed = true;
            // It may be closed by now: then there is nothing to write to.
            let _ = tokio::io::AsyncWriteExt::write_all(
                &mut client.stream,
                b"GET /probe HTTP/1.1\r\nHost: localhost\r\n\r\n",
            )
            .await;
        }
    };
    told.push(end.to_owned());
    if stored(running).await != STARTED {
        told.push("changed".to_owned());
    }
    told.join(", ")
}

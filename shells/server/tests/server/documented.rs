//! The commands of the pages, and the answers that they show for them, against the demo world.

use core::net::SocketAddr;

use recording_core::State;
use serde_json::Value;

use crate::process::{File, Running};
use crate::support::recorder::HttpRecorder;
use crate::support::{Client, get, once, request, world};

const README: &str = include_str!("../../../../README.md");
const CALL_CONTROL: &str = include_str!("../../../../docs/call-control.md");
const OTHER: &str = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

/// Each curl command of a page whose answer is shown below it, and that answer.
fn commands(page: &str) -> Vec<(&str, &str)> {
    let mut lines = page.lines().peekable();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        let Some(command) = line.strip_prefix("$ curl ") else { continue };
        if let Some(answer) = lines.next_if(|line| line.starts_with('{')) {
            found.push((command, answer));
        }
    }
    found
}

/// The request that a curl command makes, and to which of the two ports.
fn read(command: &str) -> (u16, Vec<u8>) {
    let mut words = Vec::new();
    let mut rest = command;
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'').unwrap(),
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        words.push(word);
        rest = after.trim_start();
    }
    let (mut method, mut url, mut headers, mut body) = (None, "", Vec::new(), "");
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        match word {
            "-X" => method = words.next(),
            "-H" => headers.push(words.next().unwrap().split_once(": ").unwrap()),
            "-d" => body = words.next().unwrap(),
            // The status after the reply, which is in the answer then.
            "-w" => assert_eq!(words.next(), Some(r" %{http_code}\n")),
            other => url = other,
        }
    }
    let (port, path) = url.strip_prefix("http://127.0.0.1:").unwrap().split_once('/').unwrap();
    let method = method.unwrap_or(if body.is_empty() { "GET" } else { "POST" });
    (port.parse().unwrap(), request(method, &format!("/{path}"), &headers, body.as_bytes()))
}

async fn answers(page: &str, api: SocketAddr, admin: SocketAddr) -> usize {
    let commands = commands(page);
    for (command, answer) in &commands {
        let (port, bytes) = read(command);
        let response = once(if port == 8080 { api } else { admin }, &bytes).await;
        let status = if command.contains(" -w ") { format!(" {}", response.status) } else { String::new() };
        assert_eq!(format!("{}{status}", response.body), *answer, "{command}");
    }
    commands.len()
}

#[tokio::test]
async fn each_command_is_answered_as_the_page_shows() {
    // What needs a recorder is run by deploy/check.
    let (call_control, _) = CALL_CONTROL.split_once("<!-- from here with a recorder -->").unwrap();
    for (page, count) in [(README, 2), (call_control, 8)] {
        let running = Running::start(&[]);
        assert_eq!(answers(page, running.api, running.admin).await, count);
    }
}

/// Which statuses the page has for begin and for end, from its two tables.
#[tokio::test]
async fn begin_and_end_have_the_statuses_of_the_page() {
    let statuses = |heading: &str| {
        let section = CALL_CONTROL.split_once(heading).unwrap().1.split("\n## ").next().unwrap();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.get(..3)?.parse::<u16>().ok());
        rows.collect::<Vec<_>>()
    };
    let running = world(State::INITIAL).await;
    let mut client = Client::connect(running.addresses().admin).await;
    let place = format!("/sessions/ucc-demo-name/{OTHER}");
    let nowhere = format!("/sessions/nowhere/{OTHER}");
    let large = " ".repeat(2049);
    let mut found = Vec::new();
    for (target, body) in
        [(&place, ""), (&place, ""), (&place, r#"{"RecordingState":1}"#), (&nowhere, ""), (&place, &large)]
    {
        found.push(client.exchange(&request("PUT", target, &[], body.as_bytes())).await.status);
    }
    // With a recorder: its call cannot be changed.
    let recorder = HttpRecorder::new();
    let config = File::new("documented.toml", &recorder.config("own", "recorded", &["sip:agent@domain.com"], ""));
    let recorded = Running::start(&["--store", "memory", "--config", config.path()]);
    let place_recorded = place.replace("ucc-demo-name", "recorded");
    for (call, expected) in [("a", 201), ("b", 409)] {
        let body = format!(r#"{{"Recorder":{{"Leg":"{call}"}}}}"#);
        let status = once(recorded.admin, &request("PUT", &place_recorded, &[], body.as_bytes())).await.status;
        assert_eq!(status, expected);
    }
    found.insert(4, 409);
    // Last is 503, of a store that fails, which has tests of its own.
    assert_eq!([found, vec![503]].concat(), statuses("\n## Begin\n"));
    let mut client = Client::connect(running.addresses().admin).await;
    let mut found = Vec::new();
    for target in [&place, &"/sessions/ucc-demo-name/1".to_owned(), &nowhere] {
        found.push(client.exchange(&request("DELETE", target, &[], b"")).await.status);
    }
    assert_eq!([found, vec![503]].concat(), statuses("\n## End\n"));
    // An unknown parameter is ignored, as the page says.
    let page = client.exchange(&get("/sessions?limit=1&colour=red")).await;
    assert_eq!(
        (page.status, serde_json::from_str::<Value>(&page.body).unwrap()["Sessions"].as_array().unwrap().len()),
        (200, 1)
    );
}

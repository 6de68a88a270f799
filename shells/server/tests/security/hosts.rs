//! Whom a listener answers that has nothing but its loopback address to protect it: no page whose name was made to mean
//! this machine.

use core::net::SocketAddr;

use recording_core::state::RecordingState;
use recording_server::auth::tokens::make;
use recording_server::net::Limits;

use crate::access::HUB_PATH;
use crate::attempts::{Attempt, Group};
use crate::certificates::Certificate;
use crate::process::{File, Running, refuses};
use crate::support::{Client, ID, SET_PATH, STATE_PATH, set_body, stored};
use crate::tls::{HTTP_2, Http2, tls, world};

/// What a request says it is for, and whether it is answered.
const CASES: &[(&str, bool)] = &[
    ("localhost", true),
    ("LOCALHOST:1234", true),
    ("127.0.0.1", true),
    ("127.1.2.3:8080", true),
    ("[::1]", true),
    ("[::1]:8080", true),
    ("[0:0:0:0:0:0:0:1]", true),
    ("[::ffff:127.0.0.1]", true),
    ("rebind.attacker.example", false),
    ("rebind.attacker.example:8080", false),
    ("localhost.attacker.example", false),
    ("attacker.localhost", false),
    ("localhost.", false),
    ("127.0.0.1.", false),
    ("127.0.0.1.attacker.example", false),
    ("user@localhost", false),
    ("attacker.example:80@127.0.0.1", false),
    ("localhost:80:80", false),
    ("localhost:x", false),
    ("127.1", false),
    ("2130706433", false),
    ("0x7f000001", false),
    ("0177.0.0.1", false),
    ("0.0.0.0", false),
    ("[::]", false),
    ("[::1%25lo]", false),
    ("[::ffff:10.0.0.1]", false),
    ("10.0.0.5", false),
    ("", false),
];

pub fn groups() -> Vec<Group> {
    let attempts = CASES.iter().map(|&(host, is_answered)| Attempt {
        what: if host.is_empty() { "an empty one".to_owned() } else { format!("`{host}`") },
        outcome: if is_answered { "as without protection" } else { "421" }.to_owned(),
    });
    let more = [
        ("none at all", "as without protection"),
        ("two", "421"),
        ("a good one, and a target in absolute form with another (`http://attacker.example/…`)", "421"),
        ("a target in absolute form with a good one, and another as `Host`", "421"),
    ];
    let more = more.map(|(what, outcome)| Attempt { what: what.to_owned(), outcome: outcome.to_owned() });
    let test = "hosts::each_host_has_its_outcome";
    let note = "The `Host` of a request on a loopback address without tokens: a read, a set, both ways to begin listening, \
        and on the other port the list of sessions, the end of one, the console and health; by HTTP/2 as `:authority`.";
    vec![Group { title: "Hosts", note, test, attempts: attempts.chain(more).collect() }]
}

/// One request of each kind, by port, method and path, with its headers and body, and the status without a `Host`.
fn requests() -> Vec<(bool, &'static str, String, String, u16)> {
    let json = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", set_body("3").len());
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let open = format!("/sessions/ucc-demo-name/{}", ID.replace("1d6c", "2d6c"));
    let none = String::new;
    let empty = || "Content-Length: 0\r\n".to_owned();
    vec![
        (true, "GET", STATE_PATH.to_owned(), none(), 200),
        (true, "HEAD", STATE_PATH.to_owned(), none(), 200),
        (true, "POST", SET_PATH.to_owned(), json.clone(), 200),
        (true, "GET", "/nowhere".to_owned(), none(), 404),
        (true, "POST", format!("{HUB_PATH}/negotiate?negotiateVersion=1"), empty(), 200),
        (true, "GET", HUB_PATH.to_owned(), upgrade.to_owned(), 101),
        (false, "GET", HUB_PATH.to_owned(), upgrade.to_owned(), 101),
        (false, "POST", SET_PATH.to_owned(), json, 200),
        (false, "GET", "/sessions".to_owned(), none(), 200),
        (false, "GET", "/uccs/ucc-demo-name".to_owned(), none(), 200),
        (false, "PUT", open.clone(), empty(), 201),
        (false, "DELETE", open, none(), 200),
        (false, "GET", "/".to_owned(), none(), 200),
        (false, "GET", "/healthz".to_owned(), none(), 200),
        (false, "GET", "/metrics".to_owned(), none(), 200),
    ]
}

async fn status(address: SocketAddr, method: &str, target: &str, head: &str, body: &str) -> u16 {
    let mut client = Client::connect(address).await;
    client.send(format!("{method} {target} HTTP/1.1\r\n{head}\r\n{body}").as_bytes()).await;
    let response = client.receive_any(method).await;
    if response.status == 421 {
        response.check();
        if method != "HEAD" {
            assert_eq!(response.error(2), "This server does not answer for the host of this request.");
        }
    }
    response.status
}

#[tokio::test]
async fn each_host_has_its_outcome() {
    let running = Running::start(&["--log", "off"]);
    let evil = "Host: attacker.example\r\nOrigin: http://attacker.example\r\n";
    let with = |hosts: &str| {
        CASES.iter().map(move |(host, good)| (format!("{hosts}Host: {host}\r\n"), *good)).collect::<Vec<_>>()
    };
    let mut heads = with("");
    heads.extend(with("Host: localhost\r\n").into_iter().map(|(head, _)| (head, false)));
    heads.extend([(String::new(), true), (evil.to_owned(), false)]);
    let mut wrong = Vec::new();
    for (to_api, method, target, more, expected) in requests() {
        let address = if to_api { running.api } else { running.admin };
        let body = if more.contains("application/json") { set_body("3") } else { String::new() };
        for (head, is_answered) in &heads {
            let found = status(address, method, &target, &format!("{head}{more}"), &body).await;
            // A session can be begun or ended a second time, with another status.
            let done = found == expected || (found != 421 && target.starts_with("/sessions/"));
            if done != *is_answered || (found == 421) == *is_answered {
                wrong.push(format!("{method} {target} {head:?}: {found}"));
            }
        }
        for (authority, host, is_answered) in [
            ("localhost:1", "", true),
            ("attacker.example", "Host: localhost\r\n", false),
            ("localhost", "Host: attacker.example\r\n", false),
            ("a@localhost", "", false),
        ] {
            let found =
                status(address, method, &format!("http://{authority}{target}"), &format!("{host}{more}"), &body).await;
            if (found == 421) == is_answered {
                wrong.push(format!("{method} http://{authority}{target} {host:?}: {found}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn by_http_2_the_authority_counts() {
    let certificate = Certificate::new("authority");
    let running = world(&certificate, Limits::default()).await;
    for (authority, is_answered) in CASES {
        let mut client = Http2::over(tls(&certificate, &running, &[HTTP_2]).await).await;
        let Ok(request) = axum::http::Request::post(format!("https://{authority}{SET_PATH}"))
            .header("content-type", "application/json")
            .body(())
        else {
            continue;
        };
        // What the client's library does not send is no attempt.
        if request.uri().authority().is_none() {
            continue;
        }
        let (parts, body) = client.exchange(request, &set_body(if *is_answered { "1" } else { "3" })).await;
        assert_eq!(parts.status.as_u16(), if *is_answered { 200 } else { 421 }, "{authority} {body}");
    }
    assert_eq!(stored(&running).await.recording(), RecordingState::Started);
}

/// Further names, and where the name is not checked: behind tokens, which no such page has.
#[tokio::test]
async fn names_are_listed_and_tokens_make_them_needless() {
    let host = |host: &str| format!("Host: {host}\r\n");
    let running = Running::start(&["--log", "off", "--allow-host", "Recording.example", "--allow-host", "10.0.0.5"]);
    for (name, expected) in [
        ("recording.example", 200),
        ("RECORDING.example:443", 200),
        ("10.0.0.5", 200),
        ("localhost", 200),
        ("evil.example", 421),
        ("x.recording.example", 421),
    ] {
        assert_eq!(status(running.api, "GET", STATE_PATH, &host(name), "").await, expected, "{name}");
        assert_eq!(status(running.admin, "GET", "/sessions", &host(name), "").await, expected, "{name}");
    }
    let token = make("host").unwrap();
    let tokens = File::new("host.tokens", &token.line);
    let running = Running::start(&["--log", "off", "--tokens", tokens.path()]);
    let head = format!("{}Authorization: Bearer {}\r\n", host("evil.example"), token.token);
    assert_eq!(status(running.api, "GET", STATE_PATH, &head, "").await, 200);
    assert_eq!(status(running.api, "GET", STATE_PATH, &host("evil.example"), "").await, 401);
    // The other port has none of its own.
    assert_eq!(status(running.admin, "GET", "/sessions", &host("evil.example"), "").await, 421);
    for wrong in ["", "*", "a:80", "http://a.example"] {
        let expected = "a host as requests name it, without a port, as in recording.example or 10.0.0.5";
        refuses(&["--allow-host", wrong], &format!("--allow-host: '{wrong}' is not {expected} (see --help)"));
    }
}

/// On an address that others can reach nothing is checked that was not asked for, and the log says what that means.
#[tokio::test]
async fn what_insecure_leaves_open_is_said() {
    let options = ["--listen", "0.0.0.0:0", "--admin", "127.0.0.1:0", "--insecure"];
    let mut running = Running::spawn(crate::process::program().args(options));
    let line = running.logged("--insecure");
    assert!(
        line.contains("WARN") && line.contains("option=\"--listen\" address=0.0.0.0:") && line.contains("any web page"),
        "{line}"
    );
    let address = SocketAddr::from(([127, 0, 0, 1], running.api.port()));
    assert_eq!(status(address, "GET", STATE_PATH, "Host: any.example\r\n", "").await, 200);
    assert_eq!(status(running.admin, "GET", "/sessions", "Host: any.example\r\n", "").await, 421);
    let options = [&options[..], &["--allow-host", "recording.example"]].concat();
    let mut running = Running::spawn(crate::process::program().args(options));
    let line = running.logged("--insecure");
    assert!(!line.contains("any web page"), "{line}");
    let address = SocketAddr::from(([127, 0, 0, 1], running.api.port()));
    assert_eq!(status(address, "GET", STATE_PATH, "Host: any.example\r\n", "").await, 421);
    assert_eq!(status(address, "GET", STATE_PATH, "Host: recording.example\r\n", "").await, 200);
}

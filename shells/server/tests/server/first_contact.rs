//! Mistakes of the first day: each is named, with what to do instead.

use recording_server::auth::tokens;

use crate::process::{File, Running, program, refuses, run};
use crate::support::{Client, ID, SET_PATH, STATE_PATH, get, request, set};

/// What `--make-token` prints, and the token alone, are not what the file takes; the errors say so, and repeat no token.
#[test]
fn a_token_where_its_line_should_be_is_explained() {
    let output = String::from_utf8(run(&["--make-token", "payments"]).stdout).unwrap();
    let made = tokens::make("payments").unwrap();
    let whole = "this is the whole output of --make-token; the file takes its last line only: a name and a hash";
    let bare = "this is a token itself, which only its bearer may have; the file takes the line that --make-token prints \
                with it: a name and a hash";
    for (text, reason) in [
        (output.clone(), whole),
        (made.token.clone(), bare),
        (format!("payments {}", made.token), bare),
        (format!("\n{}\n", made.token), bare),
    ] {
        let file = File::new("mistaken.tokens", &text);
        for option in ["--tokens", "--admin-tokens"] {
            let line = 1 + text.len() - text.trim_start().len();
            refuses(&[option, file.path()], &format!("{}:{line}: {reason}", file.path()));
        }
    }
    let text = "--tokens takes a file with the line that --make-token prints, and not the token itself (see --help)";
    refuses(&["--tokens", &made.token], text);
    // The last line is all that it takes, as `tail -1` gives it.
    let last = output.lines().last().unwrap();
    let file = File::new("last.tokens", last);
    drop(Running::start(&["--tokens", file.path()]));
}

/// The sender of wrong requests is in the log: where from, what for, and nothing secret.
#[tokio::test]
async fn a_rejected_request_is_logged_with_its_path_and_peer() {
    let good = tokens::make("payments").unwrap();
    let file = File::new("peers.tokens", &good.line);
    let running = Running::start(&["--tokens", file.path()]);
    let mut api = Client::connect(running.api).await;
    let mut admin = Client::connect(running.admin).await;
    let (api_peer, admin_peer) = (api.stream.local_addr().unwrap(), admin.stream.local_addr().unwrap());
    let bearer = format!("Bearer {}", good.token);
    let with = [("Authorization", &*bearer), ("Content-Type", "application/json")];
    let long = format!("/{}", "x".repeat(300));
    let session = format!("/sessions/none/{ID}");
    let mut expected = Vec::new();
    for (bytes, method, path, status) in [
        (request("GET", "/nowhere?access_token=secret", &with, b""), "GET", "/nowhere", 404),
        (request("GET", &long, &with, b""), "GET", &long[..256], 404),
        (request("PATCH", STATE_PATH, &with, b""), "PATCH", STATE_PATH, 405),
        (request("POST", SET_PATH, &with, b"{"), "POST", SET_PATH, 400),
        (get(&format!("{STATE_PATH}?token=secret")), "GET", STATE_PATH, 401),
        (set("1"), "POST", SET_PATH, 401),
    ] {
        assert_eq!(api.exchange(&bytes).await.status, status, "{path}");
        expected.push((format!(r#"method="{method}" path="{path}""#), format!("peer={api_peer}"), status));
    }
    for (bytes, method, path, status) in [
        (get("/metric?secret"), "GET", "/metric", 404),
        (request("DELETE", &session, &[], b""), "DELETE", &*session, 404),
        (request("PUT", "/healthz", &[], b""), "PUT", "/healthz", 405),
    ] {
        assert_eq!(admin.exchange(&bytes).await.status, status, "{path}");
        expected.push((format!(r#"method="{method}" path="{path}""#), format!("peer={admin_peer}"), status));
    }
    running.signal("-TERM");
    let (_, log) = running.end();
    assert!(!log.contains("secret") && !log.contains(&good.token), "{log}");
    let lines: Vec<_> = log.lines().filter(|line| line.contains(" status=")).collect();
    assert_eq!(lines.len(), expected.len(), "{log}");
    for (line, (asked, peer, status)) in lines.iter().zip(expected) {
        assert!(
            line.contains(&asked) && line.contains(&peer) && line.contains(&format!(" status={status} ")),
            "{line}"
        );
    }
}

#[test]
fn a_config_that_is_something_else_is_named() {
    const KEYS: &str = "[[ucc]]\nname = \"x\"\n";
    for (text, line, end) in [
        (r#"{"ucc": []}"#, 1, "; this looks like JSON, and a config is TOML (see --help)".to_owned()),
        ("{\n  \"ucc\": []\n}", 1, "; this looks like JSON, and a config is TOML (see --help)".to_owned()),
        (&format!("{KEYS}use_audio_recording = yes\n"), 3, "; a setting is true or false".to_owned()),
        (&format!("{KEYS}use_audio_recording = Off # not yet\n"), 3, "; a setting is true or false".to_owned()),
        (&format!("{KEYS}use_audio_recording=True"), 3, "; a setting is true or false".to_owned()),
    ] {
        let file = File::new("other.toml", text);
        let output = run(&["--check-config", "--config", file.path()]);
        let told = String::from_utf8(output.stderr).unwrap();
        let first = told.lines().next().unwrap();
        assert!(first.starts_with(&format!("recording-server: {}:{line}: ", file.path())), "{told}");
        assert!(first.ends_with(&end), "{told}");
        assert_eq!(output.status.code(), Some(2));
    }
    // No such advice where it would mislead.
    let file = File::new("string.toml", &format!("{KEYS}agents = [sip:a@b]\n"));
    let told = String::from_utf8(run(&["--check-config", "--config", file.path()]).stderr).unwrap();
    assert!(!told.contains("true or false") && !told.contains("JSON"), "{told}");
}

/// A device without an end, as the file of each option that names one: one line, and code 2.
#[test]
fn a_file_without_an_end_is_not_read_for_ever() {
    let good = File::new("good.pem", "");
    for arguments in [
        &["--check-config", "--config", "/dev/zero"][..],
        &["--tokens", "/dev/zero"],
        &["--jwks", "/dev/zero", "--jwt-issuer", "i", "--jwt-audience", "a"],
        &["--tls-cert", "/dev/zero", "--tls-key", good.path()],
    ] {
        let output = run(arguments);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("/dev/zero: cannot be read: it is larger than 64 MiB"), "{arguments:?}: {told}");
        assert_eq!((output.status.code(), told.lines().count()), (Some(2), 1), "{told}");
    }
}

/// What `--insecure` leaves open is a line of the log, and what is printed can be followed.
#[test]
fn an_open_address_is_warned_of() {
    let mut running = Running::spawn(program().args(["--listen", "0.0.0.0:0", "--admin", "127.0.0.1:0", "--insecure"]));
    let line = running.logged("WARN");
    assert!(
        line.contains(r#"option="--listen" address=0.0.0.0:"#) && line.contains(r#"missing="TLS and tokens""#),
        "{line}"
    );
    assert!(running.api.ip().is_loopback());
    running.signal("-TERM");
    let (_, rest) = running.end();
    assert!(!rest.contains("--admin"), "{rest}");
}

/// Where a machine is and what language it speaks shows nowhere: not in the log, the trail, a reply.
#[tokio::test]
async fn zone_and_language_change_nothing() {
    let mut all = Vec::new();
    for (zone, language) in [("UTC", "C"), ("Asia/Kathmandu", "tr_TR.UTF-8"), ("nowhere", "not a language")] {
        let trail = File::new("zone.trail", "");
        let mut command = program();
        command.env("TZ", zone).env("LC_ALL", language).env("LANG", language);
        command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--audit", trail.path()]);
        let running = Running::spawn(&mut command);
        let mut client = Client::connect(running.api).await;
        let replies = [client.exchange(&set("3")).await.body, client.exchange(&get("/nowhere")).await.body];
        running.signal("-TERM");
        let (code, log) = running.end();
        assert_eq!(code, Some(0));
        let text = std::fs::read_to_string(trail.path()).unwrap();
        // Of a time: the hour, which is where a zone would show.
        let times = text.lines().map(|line| line.split_once(r#""Time":""#).unwrap().1).chain(log.lines());
        let (hours, zones): (Vec<_>, Vec<_>) =
            times.map(|time| (time[..13].to_owned(), time.split_once('Z').map(|(time, _)| time.len()))).unzip();
        assert!(zones.iter().all(|&length| length == Some(26)), "{zones:?} {log}");
        all.push((replies, hours.first().cloned().unwrap()));
    }
    let (first, last) = (&all[0], &all[all.len() - 1]);
    assert!(all.iter().all(|(replies, _)| *replies == first.0), "{all:?}");
    // At the full hour the last one is in the next.
    assert!(all.iter().all(|(_, hour)| *hour == first.1 || *hour == last.1), "{all:?}");
}

//! The program itself, run as a newcomer and as a service manager run it.

use core::net::SocketAddr;
use std::io::BufRead as _;
use std::process::Command;

use serde_json::Value;

use crate::process::{File, Running, refuses, run};
use crate::support::{Client, ID, SET_PATH, STATE_PATH, get, once, request, set};

/// The request that a curl command makes: method, target, headers, body.
fn of_curl(command: &str, address: SocketAddr) -> Vec<u8> {
    let mut words = Vec::new();
    let mut rest = command.trim();
    while !rest.is_empty() {
        let (word, behind) = match rest.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'').unwrap(),
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        words.push(word);
        rest = behind.trim_start();
    }
    let mut words = words.into_iter();
    assert_eq!(words.next(), Some("curl"));
    let (mut target, mut headers, mut body) = ("", Vec::new(), "");
    while let Some(word) = words.next() {
        match word {
            "-H" => headers.push(words.next().unwrap().split_once(": ").unwrap()),
            "-d" => body = words.next().unwrap(),
            url => target = url.strip_prefix(&format!("http://{address}")).unwrap(),
        }
    }
    request(if body.is_empty() { "GET" } else { "POST" }, target, &headers, body.as_bytes())
}

fn state_reply(recording: u8) -> String {
    format!(
        r#"{{"CorrelationId":"{ID}","RecordingState":{recording},"MarkingState":0,"SavingState":0,"ErrorMessage":null,"UCCName":"ucc-demo-name"}}"#
    )
}

#[tokio::test]
async fn the_demo_world_does_what_it_prints_each_time_anew() {
    for _ in 0..2 {
        let mut running = Running::start(&[]);
        let (mut commands, mut said) = (Vec::new(), String::new());
        while commands.len() < 3 {
            let mut line = String::new();
            assert!(running.out.read_line(&mut line).unwrap() > 0);
            said += &line;
            if line.trim().starts_with("curl ") {
                commands.push(of_curl(&line, running.api));
            }
        }
        // A forgotten `--` of `cargo run` ends here, and nothing is paused anywhere.
        for words in ["No --config was given, so this is a demo world", "No recorder is connected to it"] {
            assert!(said.contains(words), "{said}");
        }
        for (command, recording) in commands.iter().zip([1, 3, 3]) {
            let response = once(running.api, command).await;
            assert_eq!((response.status, response.body), (200, state_reply(recording)));
        }
        running.signal("-TERM");
        let (code, _) = running.end();
        assert_eq!(code, Some(0));
    }
}

/// The page's three calls, set by id and by name, each in both versions, as the page shows them.
#[tokio::test]
async fn the_pages_requests_work_unchanged_in_the_demo_world() {
    let running = Running::start(&[]);
    let mut client = Client::connect(running.api).await;
    let accept = ("Accept", "application/json");
    let both = [accept, ("Content-Type", "application/json")];
    let by_id = format!(
        r#"{{"Action":1,"RequesterSipUri":"sip:agent@domain.com","CorrelationId":"{ID}","UCCName":"ucc-demo-name"}}"#
    );
    let by_name = by_id.replace(":1,", r#":"Mark","#);
    for version in ["", "v2/"] {
        let base = format!("/attendantservice/api/{version}recording");
        let state = client.exchange(&request("GET", &format!("{base}/ucc-demo-name/{ID}"), &[accept], b"")).await;
        let by_id = client.exchange(&request("POST", &format!("{base}/set"), &both, by_id.as_bytes())).await;
        let by_name = client.exchange(&request("POST", &format!("{base}/set"), &both, by_name.as_bytes())).await;
        let target = format!("{base}/capabilities/ucc-demo-name");
        let capabilities = client.exchange(&request("GET", &target, &[accept], b"")).await;
        let marked = state_reply(1).replace(r#""MarkingState":0"#, r#""MarkingState":1"#);
        // The second time around it is marked already, and both actions are repeats.
        let before = if version.is_empty() { state_reply(1) } else { marked.clone() };
        assert_eq!((state.status, &state.body), (200, &before));
        assert_eq!((by_id.status, &by_id.body), (200, &before));
        assert_eq!((by_name.status, &by_name.body), (200, &marked));
        let can = r#"{"AgentCanEditRecordings":true,"ErrorMessage":null,"UCCName":"ucc-demo-name"}"#;
        assert_eq!((capabilities.status, capabilities.body.as_str()), (200, can));
    }
}

#[test]
fn help_and_version() {
    let help = run(&["--help"]);
    assert_eq!((help.status.code(), help.stderr.len()), (Some(0), 0));
    let help = String::from_utf8(help.stdout).unwrap();
    for line in help.lines() {
        assert!(line.len() <= 120, "{line}");
    }
    // What it says about defaults is what is.
    let limits = recording_server::net::Limits::default();
    let audit = recording_server::audit::TrailSettings::default();
    let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for default in [
        "[default: 127.0.0.1:8080]".to_owned(),
        "[default: 127.0.0.1:8081]".to_owned(),
        format!("[default: {}]", limits.head),
        format!("[default: {}]", limits.connections),
        format!("[default: {}]", limits.idle.as_secs()),
        format!("[default: {}]", limits.request.as_secs()),
        format!("[default: {}]", audit.max_bytes),
        format!("at most {} bytes", recording_core::wire::SetRequest::MAX_BODY_LEN),
    ] {
        assert!(words.contains(&default), "{default}");
    }
    let version = run(&["--version"]);
    assert_eq!(version.stdout, concat!("recording-server ", env!("CARGO_PKG_VERSION"), "\n").as_bytes());
}

#[test]
fn a_wrong_option_is_one_line_and_code_2() {
    let address = "an IP address and port, as in 127.0.0.1:8080 or [::1]:8080 (see --help)";
    let meant = |port: u16| {
        let meant = format!("127.0.0.1:{port} (this machine only) or 0.0.0.0:{port} (others, too)?");
        format!("an IP address and port; did you mean {meant} (see --help)")
    };
    refuses(&["--bad"], "unknown option '--bad' (see --help)");
    refuses(&["-x"], "unknown option '-x' (see --help)");
    refuses(&["thing\n"], r"unexpected argument 'thing\n' (see --help)");
    refuses(&["--listen"], "--listen needs a value (see --help)");
    refuses(&["--check-config=yes"], "--check-config takes no value (see --help)");
    refuses(&["--conifg", "x"], "unknown option '--conifg'; did you mean --config? (see --help)");
    refuses(&["--audit-read"], "unknown option '--audit-read'; did you mean --audit-reads? (see --help)");
    refuses(&["--listen", "8080"], &format!("--listen: '8080' is not {}", meant(8080)));
    refuses(&["--listen", ":9"], &format!("--listen: ':9' is not {}", meant(9)));
    refuses(&["--admin", "localhost:1"], &format!("--admin: 'localhost:1' is not {}", meant(1)));
    refuses(&["--listen", "example.com:80"], &format!("--listen: 'example.com:80' is not {address}"));
    refuses(&["--listen", "127.0.0.1"], &format!("--listen: '127.0.0.1' is not {address}"));
    refuses(&["--listen", ":65536"], &format!("--listen: ':65536' is not {address}"));
    refuses(&["--store", "paper"], "--store: 'paper' is not memory, file:PATH or etcd:PREFIX (see --help)");
    refuses(&["--store", "file:"], "--store: 'file:' is not memory, file:PATH or etcd:PREFIX (see --help)");
    refuses(&["--store", "etcd:p"], "--store etcd:PREFIX needs --etcd-endpoints URLS (see --help)");
    let etcd = |url| ["--store", "etcd:p", "--etcd-endpoints", url];
    let with = |more: [&'static str; 2]| [&etcd("http://127.0.0.1:1")[..], &more].concat();
    refuses(&etcd("https://a:1,https://b:1"), "--etcd-endpoints with https needs --etcd-ca FILE (see --help)");
    refuses(&with(["--etcd-cert", "c"]), "--etcd-cert needs --etcd-key FILE (see --help)");
    refuses(&with(["--etcd-user", "u"]), "--etcd-user needs --etcd-password FILE (see --help)");
    refuses(&["--etcd-endpoints", "http://a:1"], "--etcd-endpoints needs --store etcd:PREFIX (see --help)");
    if cfg!(not(feature = "etcd")) {
        refuses(&etcd("http://127.0.0.1:1"), "this build has no store in etcd: build it with --features etcd");
    }
    refuses(
        &["--config", "world.toml"],
        "--config needs --store: file:PATH keeps sessions, memory loses them when the server ends (see --help)",
    );
    refuses(&["--log", "all"], "--log: 'all' is not off, error, warn, info, debug (see --help)");
    refuses(&["--max-connections", "0"], "--max-connections: '0' is not a number from 1 to 1000000 (see --help)");
    refuses(&["--request-timeout", "1.5"], "--request-timeout: '1.5' is not a number from 1 to 86400 (see --help)");
    refuses(&["--max-listeners", "-1"], "--max-listeners: '-1' is not a number from 0 to 1000000 (see --help)");
    refuses(&["--audit-keep", "5"], "--audit-keep needs --audit FILE (see --help)");
    refuses(&["--check-config"], "--check-config needs --config FILE (see --help)");
    refuses(
        &["--listen", "127.0.0.1:9", "--admin", "127.0.0.1:9"],
        "--listen and --admin are both 127.0.0.1:9; the two must differ (see --help)",
    );
}

#[test]
fn a_port_that_cannot_be_had_is_one_line_and_code_2() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut another = taken.local_addr().unwrap();
    let address = another.to_string();
    another.set_port(another.port().checked_add(8).unwrap_or(8088));
    let line =
        |option| format!("cannot listen on {address}: the port is taken; choose another one, as in {option} {another}");
    refuses(&["--listen", &address, "--admin", "127.0.0.1:0"], &line("--listen"));
    refuses(&["--listen", "127.0.0.1:0", "--admin", &address], &line("--admin"));
    let elsewhere = "cannot listen on 192.0.2.1:80: this machine has no such address";
    refuses(&["--listen", "192.0.2.1:80", "--admin", "127.0.0.1:0", "--insecure"], elsewhere);
}

const GOOD: &str = r#"[[ucc]]
name = "first"
recording_api_licensed = true
use_audio_recording = true
agent_can_edit_audio_recording = true
save_recording_by_default = false
agents = ["sip:agent@domain.com"]
"#;

#[test]
fn a_config_can_be_checked() {
    let good = File::new("good.toml", GOOD);
    let output = run(&["--config", good.path(), "--check-config"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{}: good, UCCs: 1, agents: 1\n", good.path()));

    // The server would not start with a file that it cannot read.
    let recorder =
        "[[recorder]]\nname = \"own\"\nkind = \"http\"\nurl = \"http://127.0.0.1:9/\"\ntoken_file = \"/nowhere\"\n";
    let no_token = File::new("no-token.toml", &format!("{recorder}{GOOD}recorder = \"own\"\n"));
    let output = run(&["--check-config", "--config", no_token.path()]);
    let line = "recorder \"own\": /nowhere: No such file or directory (os error 2)";
    assert_eq!(output.status.code(), Some(2));
    let expected = format!("recording-server: {}: {line}\n", no_token.path());
    assert_eq!(String::from_utf8(output.stderr).unwrap(), expected);

    let bad = File::new("bad.toml", &GOOD.replace("use_audio", "use_video").replace("sip:agent", "agent"));
    let output = run(&["--check-config", "--config", bad.path()]);
    assert_eq!(output.status.code(), Some(2));
    let keys = "name, recording_api_licensed, use_audio_recording, agent_can_edit_audio_recording, \
                save_recording_by_default, repeats, agents, agent_patterns, agents_file, recorder, resume, \
                pause_limit_seconds";
    let file = bad.path();
    let lines = [
        format!("recording-server: {file}:1: use_audio_recording: is missing\n"),
        format!("recording-server: {file}:4: use_video_recording: is not a key of [[ucc]]; these are: {keys}\n"),
        format!("recording-server: {file}:7: agents: \"agent@domain.com\" does not begin with sip: or sips:\n"),
    ];
    assert_eq!(String::from_utf8(output.stderr).unwrap(), lines.concat());
    // To serve with it is refused by the first of these lines.
    let first = lines[0].strip_prefix("recording-server: ").unwrap().trim_end();
    refuses(&["--store", "memory", "--config", file], first);
    let missing = format!("{file}.not");
    refuses(
        &["--store", "memory", "--config", &missing],
        &format!("{missing}: cannot be read: No such file or directory (os error 2)"),
    );
}

#[tokio::test]
async fn sighup_reads_the_config_again_and_keeps_the_old_one_if_it_is_bad() {
    let file = File::new("reload.toml", GOOD);
    let mut running = Running::start(&["--config", file.path(), "--store", "memory"]);
    let mut admin = Client::connect(running.admin).await;
    let mut api = Client::connect(running.api).await;
    let open = |ucc: &str| request("PUT", &format!("/sessions/{ucc}/{ID}"), &[], b"");
    let read = |ucc: &str| get(&format!("/attendantservice/api/recording/{ucc}/{ID}"));
    assert_eq!(admin.exchange(&open("first")).await.status, 201);
    assert_eq!(admin.exchange(&open("second")).await.status, 404);

    std::fs::write(file.path(), GOOD.replace("first", "second")).unwrap();
    running.signal("-HUP");
    running.logged("config read again");
    assert_eq!(admin.exchange(&open("second")).await.status, 201);
    // The session of the UCC that is gone is still there, but no client can ask for it.
    assert!(api.exchange(&read("first")).await.body.contains("No UCC with name:'first' was found."));
    let list: Value = serde_json::from_str(&admin.exchange(&get("/sessions")).await.body).unwrap();
    assert_eq!(list["Sessions"].as_array().unwrap().len(), 2);

    std::fs::write(file.path(), GOOD.replace("true", "maybe")).unwrap();
    running.signal("-HUP");
    let line = running.logged("bad config");
    assert!(line.contains(&format!("{}:3: ", file.path())), "{line}");
    running.logged("the old config stays in force");
    assert!(api.exchange(&read("second")).await.body.contains(r#""ErrorMessage":null"#));

    std::fs::write(file.path(), GOOD).unwrap();
    running.signal("-HUP");
    running.logged("config read again");
    assert!(api.exchange(&read("first")).await.body.contains(r#""ErrorMessage":null"#));
}

#[tokio::test]
async fn sigterm_finishes_a_request_that_is_on_its_way() {
    for signal in ["-TERM", "-INT"] {
        let mut running = Running::start(&[]);
        let mut client = Client::connect(running.api).await;
        let bytes = set("3");
        let (most, rest) = bytes.split_at(bytes.len() - 5);
        client.send(b"GET /nowhere HTTP/1.1\r\n\r\n").await;
        client.send(most).await;
        // The first reply tells that the connection is being served.
        assert_eq!(client.receive().await.status, 404);
        // The debug log would tell that the head is there; a moment is enough.
        tokio::time::sleep(core::time::Duration::from_millis(100)).await;
        running.signal(signal);
        running.logged("ending");
        client.send(rest).await;
        let response = client.receive().await;
        assert_eq!((response.status, response.body.as_str()), (200, state_reply(3).as_str()));
        client.ended_in_order().await;
        assert_eq!(running.end().0, Some(0));
    }
}

#[tokio::test]
async fn the_log_has_a_line_for_each_decision_and_no_secret() {
    let running = Running::start(&["--log", "debug"]);
    let mut client = Client::connect(running.api).await;
    let secret = ("Authorization", "Bearer top-secret-token");
    let json = ("Content-Type", "application/json");
    let body = |action: &str, ucc: &str| crate::support::set_body(action).replace("ucc-demo-name", ucc);
    for body in [
        body("3", "ucc-demo-name"),
        body("3", "ucc-demo-name"),
        body("4", r"a\u2028b\u202ec\\d"),
        "top-secret-token".into(),
    ] {
        client.exchange(&request("POST", SET_PATH, &[json, secret], body.as_bytes())).await;
    }
    client.exchange(&request("GET", &format!("{STATE_PATH}?top-secret-token"), &[secret], b"")).await;
    // Trap 16: browsers put the token of a WebSocket into its query.
    let hub = "/attendantservice/hubs/recording";
    for (method, path) in [("POST", "/negotiate"), ("GET", "")] {
        let target = format!("{hub}{path}?id=top-secret-id&access_token=top-secret-token");
        let mut client = Client::connect(running.api).await;
        client.send(&request(method, &target, &[secret, ("Upgrade", "websocket")], b"")).await;
        let mut answer = [0; 12];
        tokio::io::AsyncReadExt::read_exact(&mut client.stream, &mut answer).await.unwrap();
        assert_eq!(&answer[..9], b"HTTP/1.1 ");
    }
    running.signal("-TERM");
    let (code, log) = running.end();
    assert_eq!(code, Some(0));
    assert!(!log.contains("secret"), "{log}");
    let decisions: Vec<_> = log.lines().filter(|line| line.contains("outcome=")).collect();
    let session = format!("correlation_id={ID} requester=\"sip:agent@domain.com\"");
    let expected = [
        format!(
            r#"record="RecorderSetToPauseByAgent" action="Pause" ucc="ucc-demo-name" {session} outcome="changed" from=Started/None/None to=Paused/None/None"#
        ),
        format!(
            r#"record="RecorderSetToPauseByAgent" action="Pause" ucc="ucc-demo-name" {session} outcome="unchanged" state=Paused/None/None"#
        ),
        format!(
            r#"record="RecorderSetToSaveByAgent" action="Save" ucc="a\u{{2028}}b\u{{202e}}c\\d" {session} outcome="refused" reason="unknown UCC""#
        ),
        format!(
            r#"method="POST" path="{SET_PATH}" peer={} outcome="rejected" status=400 reason="The request could not be understood: "#,
            client.stream.local_addr().unwrap()
        ),
        format!(r#"call="state" ucc="ucc-demo-name" correlation_id={ID} outcome="read" state=Paused/None/None"#),
    ];
    assert_eq!(decisions.len(), expected.len(), "{log}");
    for (line, expected) in decisions.iter().zip(expected) {
        assert!(line.contains(&expected), "{line}\n{expected}");
    }
}

/// Fewer sockets than connections: the longest waiting ones make room, and good requests go through.
#[tokio::test]
async fn running_out_of_sockets_does_not_stop_it() {
    let mut command = Command::new("sh");
    let script = "ulimit -n 40; exec \"$0\" --listen 127.0.0.1:0 --admin 127.0.0.1:0 --log off";
    command.args(["-c", script, env!("CARGO_BIN_EXE_recording-server")]);
    let running = Running::spawn(&mut command);
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(Client::connect(running.api).await);
    }
    for _ in 0..20 {
        assert_eq!(once(running.api, &get(STATE_PATH)).await.status, 200);
        assert_eq!(once(running.admin, &get("/healthz")).await.status, 200);
    }
}

#[test]
fn a_probe_tells_whether_a_server_is_ready() {
    let running = Running::start(&[]);
    let admin = running.admin.to_string();
    let ready = run(&["--probe", "--admin", &admin]);
    assert_eq!((ready.status.code(), ready.stdout.as_slice(), ready.stderr.len()), (Some(0), &b"ready\n"[..], 0));
    // Another port of the same server answers, but not that.
    let api = running.api.to_string();
    let other = run(&["--probe", "--admin", &api]);
    let told = String::from_utf8(other.stderr).unwrap();
    assert_eq!(other.status.code(), Some(1));
    assert!(told.starts_with(&format!("recording-server: not ready: {api}: 404 ")), "{told}");
    running.signal("-TERM");
    assert_eq!(running.end().0, Some(0));
    let gone = run(&["--probe", "--admin", &admin]);
    assert_eq!((gone.status.code(), gone.stdout.len()), (Some(1), 0));
    let told = String::from_utf8(gone.stderr).unwrap();
    assert!(
        told.starts_with(&format!("recording-server: not ready: {admin}: ")) && told.lines().count() == 1,
        "{told}"
    );
}

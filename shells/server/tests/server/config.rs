//! What is wrong with a config, to the letter.

use core::time::Duration;

use recording_core::Directory;
use recording_core::desk::DirectoryError;
use recording_core::desk::provisioning::{ProvisioningError, ProvisioningErrorKind};
use recording_core::state::RepeatPolicy;
use recording_core::wire::{SipUri, UccName, UccNameBuf};
use recording_server::config::parse;
use recording_server::webhook::WebhookConfig;

const GOOD: &str = r#"# two UCCs
[[ucc]]
name = "first"
recording_api_licensed = true
use_audio_recording = true
agent_can_edit_audio_recording = false
save_recording_by_default = true
agents = [
    "sip:one@domain.com",
    "sip:two@domain.com",
]

[[ucc]]
name = "Größe & Co"
recording_api_licensed = false
use_audio_recording = false
agent_can_edit_audio_recording = true
save_recording_by_default = false
repeats = "refuse"
agents = []
"#;

#[test]
fn a_good_one_is_taken_as_it_stands() {
    let directory = parse(GOOD).unwrap();
    assert_eq!((directory.len(), directory.agents()), (2, 2));
    let first = directory.ucc(UccName::new("first").unwrap()).unwrap();
    assert!(first.settings.recording_api_licensed && first.settings.use_audio_recording);
    assert!(!first.settings.agent_can_edit_audio_recording && first.settings.save_recording_by_default);
    assert_eq!(first.settings.repeats, RepeatPolicy::Accept);
    assert!(first.is_agent(SipUri::new("SIP:ONE@domain.com").unwrap()));
    assert!(!first.is_agent(SipUri::new("sip:three@domain.com").unwrap()));
    let second = directory.ucc(UccName::new("Größe & Co").unwrap()).unwrap();
    assert!(second.settings.agent_can_edit_audio_recording && !second.settings.save_recording_by_default);
    assert_eq!((second.settings.repeats, second.agents()), (RepeatPolicy::Refuse, 0));
}

#[track_caller]
fn wrong(text: &str, errors: &[&str]) {
    let told: Vec<_> = parse(text).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(told, errors);
}

#[test]
fn each_error_tells_line_key_and_reason() {
    let with = |from: &str, to: &str| GOOD.replacen(from, to, 1);
    let long = "x".repeat(65);
    let keys = "name, recording_api_licensed, use_audio_recording, agent_can_edit_audio_recording, \
                save_recording_by_default, repeats, agents, agent_patterns, agents_file, recorder, resume, \
                pause_limit_seconds";
    wrong("", &["1: ucc: is missing: there must be at least one [[ucc]]"]);
    wrong("ucc = []", &["1: ucc: is missing: there must be at least one [[ucc]]"]);
    wrong("ucc = 1", &["1: ucc: is an integer, expected an array of tables: [[ucc]]"]);
    wrong("[ucc]\nname = \"x\"", &["1: ucc: is a table, expected an array of tables: [[ucc]]"]);
    wrong("ucc = [1]", &["1: ucc: is an integer, expected a table"]);
    wrong(
        &format!("{GOOD}[server]\n"),
        &["21: server: is not a key that is known here: only [[ucc]], [[recorder]] and [[webhook]] are"],
    );
    wrong(
        &with("name", "title"),
        &["2: name: is missing", &format!("3: title: is not a key of [[ucc]]; these are: {keys}")],
    );
    wrong(&with(r#""first""#, "7"), &["3: name: is an integer, expected a string"]);
    wrong(&with("first", ""), &[r#"3: name: "" is empty"#]);
    wrong(&with("first", "a/b"), &[r#"3: name: "a/b" contains '/'"#]);
    wrong(&with("first", r"a\tb"), &[r#"3: name: "a\tb" contains a control character"#]);
    wrong(&with("first", &long), &[&format!("3: name: {long:?} is longer than 64 bytes")]);
    wrong(&with("Größe & Co", "first"), &[r#"14: name: "first" is the name of the UCC of line 3 already"#]);
    wrong(&with("= true", "= 1"), &["4: recording_api_licensed: is an integer, expected true or false"]);
    wrong(&with("use_audio_recording = true", ""), &["2: use_audio_recording: is missing"]);
    wrong(&with(r#""refuse""#, r#""maybe""#), &[r#"19: repeats: is "maybe", expected "accept" or "refuse""#]);
    wrong(&with(r#""refuse""#, "true"), &[r#"19: repeats: is a boolean, expected "accept" or "refuse""#]);
    wrong(&with("agents = []", ""), &["13: agents: is missing"]);
    wrong(&with("agents = []", r#"agents = "sip:a@b""#), &["20: agents: is a string, expected an array"]);
    wrong(&with(r#""sip:two@domain.com""#, "2.0"), &["10: agents: is a float, expected a string"]);
    wrong(&with("sip:two@", "tel:two@"), &[r#"10: agents: "tel:two@domain.com" does not begin with sip: or sips:"#]);
    // All at once, from top to bottom.
    wrong(
        &with("sip:one", "one").replace("= true", "= 0"),
        &[
            "4: recording_api_licensed: is an integer, expected true or false",
            "5: use_audio_recording: is an integer, expected true or false",
            "7: save_recording_by_default: is an integer, expected true or false",
            r#"9: agents: "one@domain.com" does not begin with sip: or sips:"#,
            "17: agent_can_edit_audio_recording: is an integer, expected true or false",
        ],
    );
}

#[test]
fn what_is_no_toml_is_told_with_its_line() {
    for (text, line) in [("[[ucc]]\nname = \"x\nagents = []", 2), ("[[ucc]]\nname = 'x'\nname = 'y'", 3), ("[[ucc", 1)]
    {
        let errors = parse(text).unwrap_err();
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].line, Some(line), "{}", errors[0]);
        assert!(!errors[0].reason.contains('\n') && !errors[0].reason.is_empty());
        println!("{}", errors[0]);
    }
}

/// What the core's reader of provisioning documents says of a UCC, without the place.
fn gateway(ucc: &toml::Table) -> Result<(), (Option<&'static str>, String)> {
    let document = serde_json::json!({ "uccs": [as_json(&toml::Value::Table(ucc.clone()))] }).to_string();
    let error = match Directory::<2, 8, 512>::new().load(document.as_bytes()) {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    let reason = ProvisioningError { ucc: None, key: None, agent: None, ..error }.to_string();
    Err((error.key, reason))
}

fn as_json(value: &toml::Value) -> serde_json::Value {
    match value {
        toml::Value::String(text) => text.as_str().into(),
        toml::Value::Integer(number) => (*number).into(),
        toml::Value::Boolean(is_on) => (*is_on).into(),
        toml::Value::Array(values) => values.iter().map(as_json).collect(),
        toml::Value::Table(table) => {
            serde_json::Value::Object(table.iter().map(|(key, value)| (key.clone(), as_json(value))).collect())
        }
        other => panic!("{other} is not used here"),
    }
}

/// One schema: what a gateway refuses is refused here, at the same key and in the same words, and nothing else is.
#[test]
fn a_gateway_has_the_same_keys_checks_and_words() {
    use toml::Value;
    let good: toml::Table = r#"
        name = "first"
        recording_api_licensed = true
        use_audio_recording = true
        agent_can_edit_audio_recording = false
        save_recording_by_default = true
        repeats = "refuse"
        agents = ["sip:one@domain.com"]
    "#
    .parse()
    .unwrap();
    let texts = [
        "",
        ".",
        "..",
        "...",
        "accept",
        "refuse",
        "Refuse",
        "sip:one@domain.com",
        "sips:x",
        "tel:1",
        "a/b",
        "\u{1}",
        "Größe",
    ];
    let mut values: Vec<_> = texts.map(Value::from).into();
    values.extend(["x".repeat(64), "x".repeat(65), format!("sip:{}", "x".repeat(300))].map(Value::from));
    values.extend([Value::Boolean(true), Value::Boolean(false), Value::Integer(1)]);
    let of_each: Vec<_> = values.iter().map(|value| Value::Array(vec![value.clone()])).collect();
    values.extend(of_each);
    values.extend([Value::Array(Vec::new()), Value::Table(toml::Table::new())]);
    let (mut refused, mut accepted) = (0, 0);
    let mut compare = |ucc: &toml::Table| {
        let text: String = ucc.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        let ours = parse(&format!("[[ucc]]\n{text}")).map(drop);
        match (gateway(ucc), ours) {
            (Ok(()), Ok(())) => accepted += 1,
            (Err((key, reason)), Err(errors)) => {
                refused += 1;
                assert_eq!(errors.len(), 1, "{text}");
                match key {
                    Some(key) => {
                        assert_eq!(errors[0].key.as_deref(), Some(key), "{text}");
                        assert!(errors[0].reason.ends_with(&reason), "{} / {reason}", errors[0]);
                    }
                    // The gateway does not repeat a key that it does not know.
                    None => assert!(errors[0].reason.starts_with("is not a key of [[ucc]]"), "{}", errors[0]),
                }
            }
            (gateway, ours) => panic!("{text}: {gateway:?} {ours:?}"),
        }
    };
    compare(&good);
    for key in good.keys().map(String::as_str).chain(["Name", "agent"]) {
        let mut without = good.clone();
        if without.remove(key).is_some() {
            compare(&without);
        }
        for value in &values {
            let mut changed = good.clone();
            changed.insert(key.to_owned(), value.clone());
            compare(&changed);
        }
    }
    assert!(refused > 200 && accepted > 15, "{refused} {accepted}");
    // Without any UCC, which is how a file that was cut off looks.
    let none = Directory::<2, 8, 512>::new().load(br#"{"uccs":[]}"#).unwrap_err();
    assert_eq!(none.kind, ProvisioningErrorKind::Directory(DirectoryError::NoUcc));
    wrong("ucc = []", &["1: ucc: is missing: there must be at least one [[ucc]]"]);
}

const RECORDERS: &str = r#"
[[recorder]]
name = "proxy"
kind = "rtpengine"
address = "127.0.0.1:22222"
pause = "segments"
recording_dir = "/var/spool/rtpengine"

[[recorder]]
name = "own"
kind = "http"
url = "https://recorder.example/orders"
token_file = "/etc/recording/token"
can_pause = false
give_up_ms = 500
"#;

fn recorded(text: &str) -> String {
    let recorder = "recorder = \"proxy\"\nresume = \"holders\"\npause_limit_seconds = 600\nagents = [\n";
    format!("{}{text}", GOOD.replacen("agents = [\n", recorder, 1))
}

#[test]
fn recorders_are_taken_as_they_stand() {
    use recording_server::recorder::rtpengine::{Options, PauseMode};
    use recording_server::recorder::{RecorderKind, http};

    let directory = parse(&recorded(RECORDERS)).unwrap();
    let recording = &directory.ucc(UccName::new("first").unwrap()).unwrap().recording;
    assert_eq!(recording.recorder.as_deref(), Some("proxy"));
    assert_eq!(recording.resume, recording_core::recorder::ResumePolicy::Holders);
    assert_eq!(recording.pause_limit, Some(Duration::from_mins(10)));
    let second = &directory.ucc(UccName::new("Größe & Co").unwrap()).unwrap().recording;
    assert_eq!(*second, recording_server::directory::Recording::default());
    let kinds: Vec<_> = directory.recorders().iter().map(|recorder| (&*recorder.name, &recorder.kind)).collect();
    let proxy = RecorderKind::Rtpengine(Options {
        name: "proxy".into(),
        address: "127.0.0.1:22222".into(),
        pause: PauseMode::Segments,
        recording_dir: Some("/var/spool/rtpengine".into()),
        self_test: true,
    });
    let own = RecorderKind::Http(http::Options {
        token_file: Some("/etc/recording/token".into()),
        can_pause: false,
        give_up_after: Duration::from_millis(500),
        ..http::Options::at("https://recorder.example/orders".parse().unwrap())
    });
    assert_eq!(kinds, [("proxy", &proxy), ("own", &own)]);
}

#[test]
fn each_error_of_a_recorder_names_line_and_key() {
    let with = |from: &str, to: &str| recorded(&RECORDERS.replacen(from, to, 1));
    let is_there = RECORDERS.lines().count();
    assert!(is_there > 0);
    wrong(&recorded(""), &["8: recorder: \"proxy\" is not the name of a [[recorder]] of this config"]);
    wrong(
        &with("\"proxy\"", "\"a b\""),
        &[
            "8: recorder: \"proxy\" is not the name of a [[recorder]] of this config",
            "26: name: is \"a b\", expected 1 to 64 letters, digits, hyphens, underscores and dots",
        ],
    );
    wrong(&with("\"own\"", "\"proxy\""), &["33: name: \"proxy\" is the name of the recorder of line 26 already"]);
    wrong(&with("\"http\"", "\"sip\""), &["34: kind: is \"sip\", expected \"rtpengine\" or \"http\""]);
    wrong(&with("kind = \"http\"\n", ""), &["32: kind: is missing"]);
    wrong(&with("127.0.0.1:22222", "127.0.0.1"), &["28: address: is \"127.0.0.1\", expected host:port"]);
    wrong(&with("\"segments\"", "\"yes\""), &["29: pause: is \"yes\", expected \"segments\" or \"native\""]);
    wrong(
        &with("recording_dir = \"/var/spool/rtpengine\"\n", ""),
        &[
            "25: recording_dir: is missing: the self-test reads the recorder's files there; self_test = false does without",
        ],
    );
    wrong(
        &with("https://recorder.example/orders", "recorder.example"),
        &["35: url: is \"recorder.example\", expected http:// or https://, a host, and no query"],
    );
    wrong(&with("give_up_ms = 500", "give_up_ms = 5"), &["38: give_up_ms: is not a number from 100 to 60000"]);
    wrong(
        &with("can_pause", "can_stop"),
        &[
            "37: can_stop: is not a key of a recorder of kind http; these are: name, kind, url, token_file, ca_file, can_pause, give_up_ms",
        ],
    );
    wrong(
        &recorded(RECORDERS).replacen("\"holders\"", "\"all\"", 1),
        &["9: resume: is \"all\", expected \"anyone\" or \"holders\""],
    );
    wrong(
        &recorded(RECORDERS).replacen("recorder = \"proxy\"\n", "", 1),
        &[
            "8: resume: needs a recorder: this UCC has none",
            "9: pause_limit_seconds: needs a recorder: this UCC has none",
        ],
    );
    wrong("recorder = 1", &["1: recorder: is an integer, expected an array of tables: [[recorder]]"]);
}

/// A config with a webhook, whose lines come after those of the UCCs.
fn hooked(webhook: &str) -> String {
    format!("{GOOD}{webhook}")
}

const WEBHOOK: &str = r#"
[[webhook]]
name = "crm"
url = "https://crm.example:8443/events?a=b"
secret_file = "/etc/recording/crm-secret"
ca_file = "/etc/recording/ca.pem"
uccs = ["first", "Größe & Co"]
queue_bytes = 65_536
parallel = 1
give_up_ms = 100
max_age_seconds = 60
"#;

#[test]
fn a_webhook_is_taken_as_it_stands() {
    let directory = parse(&hooked(WEBHOOK)).unwrap();
    let url = "https://crm.example:8443/events?a=b".parse().unwrap();
    let usual = WebhookConfig::new("crm", url, "/etc/recording/crm-secret".into());
    let uccs = ["first", "Größe & Co"].map(|name| UccNameBuf::new(name).unwrap());
    let all = WebhookConfig {
        ca_file: Some("/etc/recording/ca.pem".into()),
        uccs: Some(uccs.into()),
        queue_bytes: 65_536,
        parallel: 1,
        give_up_after: Duration::from_millis(100),
        max_age: Duration::from_secs(60),
        ..usual.clone()
    };
    assert_eq!(directory.webhooks(), [all]);
    let least: String = WEBHOOK.lines().take(5).flat_map(|line| [line, "\n"]).collect();
    assert_eq!(parse(&hooked(&least)).unwrap().webhooks(), [usual]);
}

#[test]
fn each_error_of_a_webhook_names_line_and_key() {
    let with = |from: &str, to: &str| hooked(&WEBHOOK.replacen(from, to, 1));
    let url = |url: &str| with("https://crm.example:8443/events?a=b", url);
    wrong(
        &with("\"crm\"", "\"a b\""),
        &["23: name: is \"a b\", expected 1 to 64 letters, digits, hyphens, underscores and dots"],
    );
    wrong(&hooked(&WEBHOOK.repeat(2)), &["34: name: \"crm\" is the name of the webhook of line 23 already"]);
    wrong(
        &with("url =", "uri ="),
        &[
            "22: url: is missing",
            "24: uri: is not a key of [[webhook]]; these are: name, url, secret_file, ca_file, uccs, queue_bytes, parallel, give_up_ms, max_age_seconds",
        ],
    );
    // Nothing of it is repeated: it may have a password in it.
    wrong(&url("https://user:pass@crm.example/"), &["24: url: a user or password does not belong in it"]);
    wrong(&url("http://crm.example/"), &["24: url: http:// is for loopback addresses only; it takes https://"]);
    wrong(&url("ftp://crm.example/"), &["24: url: it takes https://"]);
    wrong(&url("/events"), &["24: url: there is no host"]);
    wrong(&url("a b"), &["24: url: is not a URL"]);
    wrong(&with("secret_file = \"/etc/recording/crm-secret\"\n", ""), &["22: secret_file: is missing"]);
    wrong(&with("\"/etc/recording/ca.pem\"", "\"\""), &["26: ca_file: is empty, expected a path"]);
    wrong(&with("\"first\"", "\"third\""), &["27: uccs: \"third\" is not the name of a [[ucc]] of this config"]);
    wrong(&with("\"first\"", "7"), &["27: uccs: is an integer, expected a string"]);
    wrong(
        &with("[\"first\", \"Größe & Co\"]", "[]"),
        &["27: uccs: is empty: without it the events of all UCCs are posted"],
    );
    wrong(&with("65_536", "65_535"), &["28: queue_bytes: is not a number from 65536 to 1073741824"]);
    wrong(&with("parallel = 1", "parallel = 0"), &["29: parallel: is not a number from 1 to 64"]);
    wrong(&with("give_up_ms = 100", "give_up_ms = 99"), &["30: give_up_ms: is not a number from 100 to 60000"]);
    wrong(
        &with("max_age_seconds = 60", "max_age_seconds = -1"),
        &["31: max_age_seconds: is not a number from 1 to 86400"],
    );
    wrong("webhook = 1", &["1: webhook: is an integer, expected an array of tables: [[webhook]]"]);
    wrong("webhook = [1]", &["1: webhook: is an integer, expected a table"]);
}

/// The page's config is a good one and has every key of a webhook.
#[test]
fn the_page_has_every_key_of_a_webhook() {
    let page = include_str!("../../../../docs/webhooks.md");
    let config = page.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert_eq!(parse(&format!("{config}{}", GOOD.replacen("first", "ucc-demo-name", 1))).unwrap().webhooks().len(), 1);
    let errors = parse(&hooked("[[webhook]]\nnone = 1\n")).unwrap_err();
    let (_, keys) = errors.iter().find_map(|error| error.reason.split_once("these are: ")).unwrap();
    for key in keys.split(", ") {
        assert!(config.contains(&format!("\n{key} = ")), "{key}");
    }
}

const PAGE: &str = include_str!("../../../../docs/recorder.md");

/// The page's config is a good one and has every key of a recorder; so is the sample next to it.
#[test]
fn the_page_has_every_key() {
    let config = PAGE.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert_eq!(parse(config).unwrap().recorders().len(), 2);
    let keys = |of: &str| {
        let text = format!("[[recorder]]\nname = \"r\"\nkind = \"{of}\"\nnone = 1\n{GOOD}");
        let errors = parse(&text).unwrap_err();
        let error = errors.iter().find(|error| error.key.as_deref() == Some("none")).unwrap();
        let (_, keys) = error.reason.split_once("these are: ").unwrap();
        keys.split(", ").map(str::to_owned).collect::<Vec<_>>()
    };
    for key in ["rtpengine", "http"].map(keys).concat() {
        assert!(config.contains(&format!("\n{key} = ")), "{key}");
    }
    let sample = include_str!("../../../../deploy/recorder.toml");
    assert_eq!(parse(sample).unwrap().recorders().len(), 1);
}

/// What the page says of Kamailio is in the script that the laboratory runs.
#[test]
fn the_page_has_the_lines_of_a_script_that_works() {
    let script = include_str!("../../lab/src/whole_call/kamailio.cfg").replace("{ng}", "127.0.0.1:22222");
    let lines = PAGE.split("<!-- kamailio -->\n```\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert_eq!(lines.lines().count(), 4);
    for line in lines.lines() {
        assert!(script.contains(line.trim()), "{line}");
    }
    let code = script.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(code.filter(|line| line.contains("record-call")).count(), 0);
}

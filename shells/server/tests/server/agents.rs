//! Who is an agent: lists, patterns, and files that are read again when they change.

use std::time::Instant;

use serde_json::Value;

use crate::process::{File, Running, refuses, run};
use crate::support::{Client, ID, PATIENCE, SET_PATH, get, request};

fn ucc(name: &str, agents: &str) -> String {
    format!(
        "[[ucc]]\nname = {name:?}\nrecording_api_licensed = true\nuse_audio_recording = true\n\
         agent_can_edit_audio_recording = true\nsave_recording_by_default = true\n{agents}\n"
    )
}

/// Puts another file in its place, as a whole.
fn put(file: &File, text: &str) {
    let next = format!("{}.next", file.path());
    std::fs::write(&next, text).unwrap();
    std::fs::rename(next, file.path()).unwrap();
}

/// The name of a file, as a config next to it has it.
fn near(file: &File) -> &str {
    file.path().rsplit('/').next().unwrap()
}

fn checked(config: &File) -> String {
    let output = run(&["--check-config", "--config", config.path()]);
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{output:?}");
    String::from_utf8(output.stdout).unwrap().strip_prefix(&format!("{}: good, ", config.path())).unwrap().to_owned()
}

#[test]
fn a_checked_config_counts_lists_patterns_and_files() {
    let file = File::new("counted.txt", "# two of them\nsip:a@d\nsip:b@d\nSIP:B@d # the same\n");
    let config = |agents: &str| File::new("counted.toml", &ucc("one", agents));
    let with_file = format!("agents_file = {:?}", near(&file));
    assert_eq!(checked(&config("agents = [\"sip:a@d\"]")), "UCCs: 1, agents: 1\n");
    assert_eq!(checked(&config("agent_patterns = [\"sip:*@d\", \"sips:x-*@e\"]")), "UCCs: 1, agents: 0, patterns: 2\n");
    assert_eq!(checked(&config(&with_file)), "UCCs: 1, agents: 2, of these in files: 2\n");
    let two = [
        ucc("one", &with_file),
        ucc("two", &format!("agents = [\"sip:c@d\"]\n{with_file}\nagent_patterns = [\"sip:*@e\"]")),
    ];
    let two = File::new("counted-two.toml", &two.concat());
    assert_eq!(checked(&two), "UCCs: 2, agents: 5, of these in files: 4, patterns: 1\n");
    // A pattern where it is none.
    let said = checked(&config("agents = [\"sip:*@d\"]"));
    let note = "note: UCC \"one\" has \"sip:*@d\" in its agents, where it is one agent; as a pattern it goes into agent_patterns";
    assert_eq!(said, format!("UCCs: 1, agents: 1\n{note}\n"));
}

#[test]
fn what_is_wrong_with_agents_is_named_by_file_and_line() {
    let file = File::new("wrong.txt", "sip:a@d\ntel:1\n");
    let refused = |agents: &str, reason: &str| {
        let config = File::new("wrong.toml", &ucc("one", agents));
        refuses(&["--config", config.path(), "--store", "memory"], &format!("{}:{reason}", config.path()));
    };
    refused("", "1: agents: is missing");
    refused("agent_patterns = \"sip:*@d\"", "7: agent_patterns: is a string, expected an array");
    refused("agent_patterns = [\"sip:*@d\",\n1]", "8: agent_patterns: is an integer, expected a string");
    refused("agent_patterns = [\"sip:a@d\"]", "7: agent_patterns: \"sip:a@d\" has not exactly one '*'");
    let of_domain = "has its '*' after the '@'; a pattern is for the users of one domain";
    refused("agent_patterns = [\"sip:a@*\"]", &format!("7: agent_patterns: \"sip:a@*\" {of_domain}"));
    refused("agent_patterns = [\"*\"]", "7: agent_patterns: \"*\" does not begin with sip: or sips:");
    let patterns = |number: usize| format!("agent_patterns = [{}]", "\"sip:*@d\",".repeat(number));
    refused(&patterns(65), "7: agent_patterns: has more than 64 patterns");
    assert_eq!(checked(&File::new("most.toml", &ucc("one", &patterns(64)))), "UCCs: 1, agents: 0, patterns: 64\n");
    refused("agents_file = 1", "7: agents_file: is an integer, expected a string");
    refused("agents_file = \"\"", "7: agents_file: is empty, expected a path");
    let path = file.path();
    let reason = format!("7: agents_file: {path}:2: \"tel:1\" does not begin with sip: or sips:");
    refused(&format!("agents_file = {:?}", near(&file)), &reason);
    refused(&format!("agents_file = {path:?}"), &reason);
    let gone = format!("{path}.gone");
    let reason = format!("7: agents_file: {gone}: cannot be read: No such file or directory (os error 2)");
    refused(&format!("agents_file = {gone:?}"), &reason);
}

struct World {
    running: Running,
    api: Client<tokio::net::TcpStream>,
    admin: Client<tokio::net::TcpStream>,
}

impl World {
    async fn start(config: &File) -> Self {
        let running = Running::start(&["--config", config.path(), "--store", "memory"]);
        let api = Client::connect(running.api).await;
        let admin = Client::connect(running.admin).await;
        Self { running, api, admin }
    }

    /// Whether this requester may set in this UCC.
    async fn is_agent(&mut self, ucc: &str, requester: &str) -> bool {
        let body =
            format!(r#"{{"Action":"Mark","RequesterSipUri":"{requester}","CorrelationId":"{ID}","UCCName":"{ucc}"}}"#);
        let bytes = request("POST", SET_PATH, &[("Content-Type", "application/json")], body.as_bytes());
        let response = self.api.exchange(&bytes).await;
        let refused = format!("Requester:'{requester}' is not an agent of UCC:'{ucc}'.");
        let is_agent = response.body.contains("No Audio session with correlation Id");
        assert_eq!(is_agent, !response.body.contains(&refused), "{}", response.body);
        is_agent
    }

    async fn metric(&mut self, name: &str) -> f64 {
        self.admin.send(&get("/metrics")).await;
        let page = self.admin.receive_any("GET").await.body;
        page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap().parse().unwrap()
    }
}

#[tokio::test]
async fn a_pattern_lets_in_the_users_of_its_domain_and_its_ucc() {
    let one = ucc(
        "one",
        "agents = [\"sip:boss@other.com\"]\nagent_patterns = [\"sip:*@domain.com\", \"sips:desk-*@domain.com\"]",
    );
    let config = File::new("patterns.toml", &[one, ucc("two", "agents = []")].concat());
    let mut world = World::start(&config).await;
    for requester in ["sip:anna@domain.com", "SIP:ANNA@Domain.COM", "sips:desk-7@domain.com", "sip:boss@other.com"] {
        assert!(world.is_agent("one", requester).await, "{requester}");
        assert!(!world.is_agent("two", requester).await, "{requester}");
    }
    for requester in ["sip:a@other.com", "sip:a%40x@domain.com", "sips:anna@domain.com", "sip:a@domain.com.evil.com"] {
        assert!(!world.is_agent("one", requester).await, "{requester}");
    }
    let list = world.admin.exchange(&get("/uccs/one")).await.body;
    let expected = r#"{"AgentCanEditRecordings":true,"Agents":["sip:boss@other.com"],"More":false,"Patterns":["sip:*@domain.com","sips:desk-*@domain.com"],"UCCName":"one"}"#;
    assert_eq!(list, expected);
    assert_eq!(world.metric("recording_agent_patterns").await, 2.0);
    assert_eq!(world.metric("recording_agents").await, 1.0);
}

#[tokio::test]
async fn a_file_of_agents_is_read_again_when_it_changes() {
    let file = File::new("watched.txt", "sip:anna@domain.com\n");
    let with_file = format!("agents_file = {:?}", near(&file));
    let config = File::new("watched.toml", &[ucc("one", &with_file), ucc("two", &with_file)].concat());
    let mut world = World::start(&config).await;
    assert!(world.is_agent("two", "sip:anna@domain.com").await);
    assert!(!world.is_agent("one", "sip:ben@domain.com").await);

    put(&file, "sip:ben@domain.com\nsip:carla@domain.com\n");
    // Nothing asks the server to look.
    let since = Instant::now();
    while !world.is_agent("one", "sip:ben@domain.com").await {
        assert!(since.elapsed() < PATIENCE);
        tokio::time::sleep(core::time::Duration::from_millis(50)).await;
    }
    assert!(!world.is_agent("two", "sip:anna@domain.com").await && world.is_agent("two", "sip:carla@domain.com").await);
    let line = world.running.logged("agents read again");
    assert!(line.contains("agents=2") && line.contains(file.path()), "{line}");
    assert_eq!(world.metric("recording_agents").await, 4.0);

    put(&file, "ben\n");
    let line = world.running.logged("bad file of agents");
    assert!(
        line.contains(&format!("{}:1: \\\"ben\\\" ", file.path()))
            || line.contains(&format!("{}:1: \"ben\" ", file.path())),
        "{line}"
    );
    world.running.logged("the agents read before stay in force");
    assert!(world.is_agent("one", "sip:ben@domain.com").await);
    assert_eq!(world.metric("recording_bad_agents_files").await, 1.0);
    assert_eq!(world.metric("recording_agents_file_reads_total{file=\"good\"}").await, 1.0);
    assert_eq!(world.metric("recording_agents_file_reads_total{file=\"bad\"}").await, 1.0);
    // With it the config is bad as a whole.
    world.running.signal("-HUP");
    let line = world.running.logged("bad config");
    assert!(line.contains("agents_file: ") && line.contains(file.path()), "{line}");
    assert!(world.is_agent("one", "sip:ben@domain.com").await);
    // As SIGHUP reads the config it reads the file, without a wait.
    put(&file, "sip:dora@domain.com\n");
    world.running.signal("-HUP");
    world.running.logged("config read again");
    assert!(world.is_agent("one", "sip:dora@domain.com").await && !world.is_agent("one", "sip:ben@domain.com").await);
    let list: Value = serde_json::from_str(&world.admin.exchange(&get("/uccs/one")).await.body).unwrap();
    assert_eq!(list["Agents"], serde_json::json!(["sip:dora@domain.com"]));
    assert_eq!(world.metric("recording_bad_agents_files").await, 0.0);
}

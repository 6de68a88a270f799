//! From the start to the end: signals at any moment, a service manager that listens, files that are cut, disks that fail
//! or stall, and parts that end.

use core::time::Duration;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use recording_core::State;
use recording_core::recorder::Epoch;
use recording_server::audit::{Note, Trail, TrailSettings};
use recording_server::net::Limits;
use recording_server::service::Service;
use recording_server::store::{Found, MemoryStore, Revision, Session, SessionKey, Store, StoreError, Swap};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::process::{File, Running, program};
use crate::support::{Client, ID, PATIENCE, STATE_PATH, directory, get, key, once, request, serve, set};

const GOOD: &str = r#"[[ucc]]
name = "first"
recording_api_licensed = true
use_audio_recording = true
agent_can_edit_audio_recording = true
save_recording_by_default = false
agents = ["sip:agent@domain.com"]
"#;

/// A path of this test, gone when dropped.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("recording-life-{}-{name}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        Self(path)
    }

    fn pipe(name: &str) -> Self {
        let place = Self::new(name);
        assert!(Command::new("mkfifo").arg(&place.0).status().unwrap().success());
        place
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for suffix in ["", ".lock"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", self.path()));
        }
    }
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// Waits for what becomes true.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether the process has a handler for this signal.
fn catches(child: &Child, number: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).map(str::trim).unwrap_or_default();
    u64::from_str_radix(caught, 16).unwrap_or_default() >> (number - 1) & 1 == 1
}

/// A start that takes as long as it likes: the config is a pipe that nothing comes out of yet.
fn starting(name: &str) -> (Child, Place) {
    let config = Place::pipe(name);
    let mut command = program();
    command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--store", "memory", "--config", config.path()]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("it has no handlers while it starts", || catches(&child, 1) && catches(&child, 15));
    (child, config)
}

#[test]
fn sighup_during_the_start_is_carried_out_after_it() {
    let (mut child, config) = starting("hup");
    for _ in 0..3 {
        signal(&child, "-HUP");
    }
    std::fs::write(config.path(), GOOD).unwrap();
    let mut output = child.stdout.take().unwrap();
    let mut first = [0; 3];
    std::io::Read::read_exact(&mut output, &mut first).unwrap();
    assert_eq!(&first, b"API");
    // The same file again: it may have been changed during the start.
    std::fs::write(config.path(), GOOD.replace("first", "second")).unwrap();
    let log = std::io::BufReader::new(child.stderr.take().unwrap());
    let lines: Vec<_> = std::io::BufRead::lines(log).map(Result::unwrap).take(3).collect();
    assert!(lines.iter().any(|line| line.contains("config read again")), "{lines:?}");
    signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn sigterm_during_the_start_ends_it() {
    let (child, _config) = starting("term");
    signal(&child, "-TERM");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.is_empty());
}

#[test]
fn a_service_manager_hears_how_far_it_is() {
    let socket = Place::new("notify");
    let manager = UnixDatagram::bind(socket.path()).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let hears = || {
        let mut message = [0; 64];
        let length = manager.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    };
    let mut command = program();
    command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]).env("NOTIFY_SOCKET", socket.path());
    let running = Running::spawn(&mut command);
    assert_eq!(hears(), "READY=1\n");
    assert!(std::net::TcpStream::connect(running.api).is_ok());
    running.signal("-HUP");
    assert_eq!((hears(), hears()), ("RELOADING=1\n".to_owned(), "READY=1\n".to_owned()));
    running.signal("-TERM");
    assert_eq!(hears(), "STOPPING=1\n");
    assert_eq!(running.end().0, Some(0));
}

/// The unit says the same.
#[test]
fn the_unit_waits_for_it_and_starts_it_again() {
    let unit = include_str!("../../../../deploy/recording-server.service");
    for line in ["Type=notify", "Restart=always", "RestartPreventExitStatus=2"] {
        assert!(unit.lines().any(|one| one == line), "{line}");
    }
    let families = unit.lines().find_map(|line| line.strip_prefix("RestrictAddressFamilies=")).unwrap();
    assert!(families.split(' ').any(|family| family == "AF_UNIX"), "the notification goes over one");
}

#[tokio::test]
async fn a_file_of_tokens_that_was_emptied_locks_no_one_out() {
    let made = recording_server::auth::tokens::make("payments").unwrap();
    let file = File::new("emptied.tokens", &made.line);
    let mut running = Running::start(&["--tokens", file.path()]);
    let bearer = format!("Bearer {}", made.token);
    let read = request("GET", STATE_PATH, &[("Authorization", &bearer)], b"");
    for text in ["", "\n", " \r\n\t\n"] {
        std::fs::write(file.path(), text).unwrap();
        running.signal("-HUP");
        let line = running.logged("bad file: ");
        assert!(line.ends_with(": is empty; before it was not\n"), "{line}");
        running.logged("what was read before stays in force");
        assert_eq!(once(running.api, &read).await.status, 200);
    }
    // A file with a comment is meant so; the log has a warning all the same.
    std::fs::write(file.path(), "# withdrawn\n").unwrap();
    running.signal("-HUP");
    assert!(running.logged("holds nothing any more").contains("WARN"));
    running.logged("tokens read again");
    assert_eq!(once(running.api, &read).await.status, 401);

    let another = recording_server::auth::tokens::make("another").unwrap();
    std::fs::write(file.path(), &another.line).unwrap();
    running.signal("-HUP");
    running.logged("tokens read again");
    let bearer = format!("Bearer {}", another.token);
    let read = request("GET", STATE_PATH, &[("Authorization", &bearer)], b"");
    assert_eq!(once(running.api, &read).await.status, 200);
}

/// A mistake, or on purpose until there are tokens: the server serves, and says so once for each file.
#[tokio::test]
async fn a_file_without_tokens_at_the_start_is_warned_of() {
    for text in ["", "# none yet\n"] {
        let (api, admin) = (File::new("none.tokens", text), File::new("none.admin-tokens", text));
        let mut running = Running::start(&["--tokens", api.path(), "--admin-tokens", admin.path()]);
        for file in [&api, &admin] {
            let line = running.logged("no token is accepted by it");
            assert!(line.contains("WARN") && line.contains("holds nothing: ") && line.contains(file.path()), "{line}");
        }
        assert_eq!(once(running.api, &get(STATE_PATH)).await.status, 401);
        running.signal("-TERM");
        let (code, rest) = running.end();
        assert_eq!((code, rest.matches("no token is accepted").count()), (Some(0), 0), "{rest}");
    }
    // One token is enough.
    let made = recording_server::auth::tokens::make("payments").unwrap();
    let file = File::new("one.tokens", &made.line);
    let running = Running::start(&["--tokens", file.path()]);
    running.signal("-TERM");
    let (_, log) = running.end();
    assert!(!log.contains("no token is accepted"), "{log}");
}

#[test]
fn uccs_that_a_reload_drops_are_warned_of() {
    let second = GOOD.replace("first", "second");
    let third = GOOD.replace("first", "third");
    let file = File::new("cut.toml", &[GOOD, &second, &third].concat());
    let mut running = Running::start(&["--config", file.path(), "--store", "memory"]);
    // Cut between two UCCs it is as good as one that was meant so.
    std::fs::write(file.path(), GOOD).unwrap();
    running.signal("-HUP");
    let line = running.logged("UCCs are gone from the config");
    assert!(line.contains("WARN") && line.contains("number=2"), "{line}");
    running.logged("config read again");
    std::fs::write(file.path(), [GOOD, &second].concat()).unwrap();
    running.signal("-HUP");
    running.logged("config read again");
    running.signal("-TERM");
    assert!(!running.end().1.contains("are gone"));
}

/// A store in memory whose thread, had it one, can be made to end.
#[derive(Default)]
struct Mortal(MemoryStore, Arc<Notify>);

impl Store for Mortal {
    async fn read(&self, key: &SessionKey) -> Result<Option<Found>, StoreError> {
        self.0.read(key).await
    }

    async fn compare_and_set(
        &self,
        key: &SessionKey,
        expected: Option<Revision>,
        session: Option<Session>,
        note: Note,
    ) -> Result<Swap, StoreError> {
        self.0.compare_and_set(key, expected, session, note).await
    }

    async fn page(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, Session)>, StoreError> {
        self.0.page(after, limit).await
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        self.0.epoch().await
    }

    fn id(&self) -> u64 {
        self.0.id()
    }

    async fn open_sessions(&self) -> Result<usize, StoreError> {
        self.0.open_sessions().await
    }

    fn trail(&self) -> Option<&Trail> {
        None
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.0.ready().await
    }

    fn ended(&self) -> impl Future<Output = ()> + Send + 'static {
        let ends = Arc::clone(&self.1);
        async move { ends.notified().await }
    }
}

#[tokio::test]
async fn a_part_that_ends_makes_the_server_unhealthy() {
    let running =
        serve(Arc::new(Service::new(directory(&["ucc-demo-name"]), Mortal::default())), Limits::default()).await;
    let mut admin = Client::connect(running.addresses().admin).await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(admin.exchange(&get(path)).await.status, 200);
    }
    assert!(timeout(Duration::from_millis(20), running.lost()).await.is_err());
    running.service().store().1.notify_one();
    assert_eq!(timeout(PATIENCE, running.lost()).await.unwrap(), "the thread that writes the store");
    for path in ["/healthz", "/readyz"] {
        let response = admin.exchange(&get(path)).await;
        let text = "A part of the server has ended that must not. The server is ending, too.";
        assert_eq!((response.status, response.error(1).as_str()), (503, text));
    }
    assert!(running.stop(PATIENCE).await);
}

/// A trail that cannot be written: not ready from the first change that was refused for it.
#[tokio::test]
async fn a_trail_that_cannot_be_written_makes_the_server_unready() {
    let settings = TrailSettings { path: "/dev/full".into(), ..TrailSettings::default() };
    let trail = Trail::open(&settings).unwrap();
    let service = Service::new(directory(&["ucc-demo-name"]), MemoryStore::audited(trail.clone()));
    let _ = service.store().begin(&key("ucc-demo-name", ID), State::INITIAL).await.unwrap();
    let running = serve(Arc::new(service), Limits::default()).await;
    let mut admin = Client::connect(running.addresses().admin).await;
    assert_eq!(admin.exchange(&get("/readyz")).await.status, 200);
    assert_eq!(once(running.addresses().api, &set("1")).await.status, 503);
    for _ in 0..2 {
        assert_eq!(admin.exchange(&get("/readyz")).await.status, 503);
    }
    assert_eq!(admin.exchange(&get("/healthz")).await.status, 200);
}

async fn ready(running: &Running) -> (u16, bool) {
    let status = once(running.admin, &get("/readyz")).await.status;
    let mut client = Client::connect(running.admin).await;
    client.send(&get("/metrics")).await;
    (status, client.receive_any("GET").await.body.contains("\nrecording_ready 1.0\n"))
}

/// A limit on the size of files, as good as a disk that is full, and lifted again: readiness follows, without a change that
/// was asked for.
#[tokio::test]
async fn readiness_follows_the_disk() {
    for (is_trail, name) in [(true, "limited-trail"), (false, "limited-store")] {
        let (trail, store) = (Place::new(name), Place::new(&format!("{name}.store")));
        let kept = format!("file:{}", store.path());
        let what = if is_trail { ["--audit", trail.path()] } else { ["--store", &kept] };
        let running = Running::start(&[&["--log", "off"], &what[..]].concat());
        assert_eq!(ready(&running).await, (200, true), "{name}");
        let limit = |bytes: &str| {
            let pid = running.id().to_string();
            let option = format!("--fsize={bytes}:unlimited");
            assert!(Command::new("prlimit").args(["--pid", &pid, &option]).status().unwrap().success());
        };
        limit("64");
        let mut client = Client::connect(running.api).await;
        assert_eq!(client.exchange(&set("3")).await.status, 503, "{name}");
        for _ in 0..3 {
            assert_eq!(ready(&running).await, (503, false), "{name}");
        }
        assert_eq!(client.exchange(&set("3")).await.status, 503, "{name}");
        assert_eq!(client.exchange(&get(STATE_PATH)).await.status, 200, "{name}");
        limit("unlimited");
        let began = Instant::now();
        while ready(&running).await != (200, true) {
            assert!(began.elapsed() < PATIENCE, "{name}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(client.exchange(&set("3")).await.status, 200, "{name}");
        running.signal("-TERM");
        assert_eq!(running.end().0, Some(0), "{name}");
        if is_trail {
            let text = std::fs::read_to_string(trail.path()).unwrap();
            let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect(line));
            // Between them may be one that says how many lines about reads are missing, and one of the sets that were refused:
            // it waits for nothing, and may come to its turn after the limit was lifted.
            let outcomes = lines.map(|line| line["Outcome"].as_str().unwrap().to_owned());
            let others = ["read", "lost", "not stored"];
            let outcomes: Vec<_> = outcomes.filter(|outcome| !others.contains(&&**outcome)).collect();
            assert_eq!(outcomes, ["started", "opened", "changed", "ended"]);
        }
    }
}

/// A trail whose reader stalls: the commit that waits for it is seen, and neither signal waits.
#[tokio::test]
async fn a_commit_that_stands_still_is_seen_and_does_not_hold_up_the_end() {
    let (trail, store) = (Place::pipe("still"), Place::new("still.store"));
    let reader = std::fs::File::options().read(true).write(true).open(trail.path()).unwrap();
    // All but what the line of the start needs.
    std::io::Write::write_all(&mut &reader, &[b'\n'; 60 * 1024]).unwrap();
    let kept = format!("file:{}", store.path());
    let running = Running::start(&["--audit", trail.path(), "--store", &kept, "--audit-reads", "off", "--grace", "1"]);
    assert_eq!(ready(&running).await, (200, true));
    let api = running.api;
    let sets = tokio::spawn(async move {
        let mut client = Client::connect(api).await;
        for action in (0..).map(|at| ["1", "3"][at % 2]) {
            client.send(&set(action)).await;
            if timeout(Duration::from_secs(1), client.receive()).await.is_err() {
                return;
            }
        }
    });
    timeout(PATIENCE, sets).await.expect("a set that waits").unwrap();
    let began = Instant::now();
    while ready(&running).await != (503, false) {
        assert!(began.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    for path in ["/healthz", "/sessions"] {
        assert_eq!(once(running.admin, &get(path)).await.status, 200);
    }
    assert_eq!(once(running.api, &get(STATE_PATH)).await.status, 200);
    running.signal("-HUP");
    running.signal("-TERM");
    let ended = tokio::task::spawn_blocking(move || running.end());
    let (code, log) = timeout(PATIENCE, ended).await.expect("it ends").unwrap();
    assert_eq!(code, Some(0), "{log}");
    let last = log.lines().last().unwrap();
    assert!(last.contains("ERROR") && last.contains("the audit trail cannot be written"), "{log}");
    drop(reader);
}

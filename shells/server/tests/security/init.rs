//! `init`: a server with TLS and tokens, written at once, and started from what was written.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use crate::certificates::{Certificate, connect};
use crate::process::{self, Running, program, refuses, run};
use crate::support::{Client, get, once, request};

/// A directory of this test, empty, gone when dropped.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let place = std::env::temp_dir().join(format!("recording-server-{}-{name}", std::process::id()));
        fs::create_dir(&place).unwrap();
        fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
        Self(place.canonicalize().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const MADE: [(&str, u32); 10] = [
    ("admin.token", 0o600),
    ("admin.tokens", 0o600),
    ("api.tokens", 0o600),
    ("listeners.token", 0o600),
    ("options", 0o600),
    ("payments.token", 0o600),
    ("start", 0o700),
    ("tls.crt", 0o644),
    ("tls.key", 0o600),
    ("world.toml", 0o600),
];

fn modes(place: &str) -> BTreeMap<String, u32> {
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let entries = fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), mode(&path))).collect()
}

/// With this shell command before it.
fn after(first: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{first}; exec \"$0\" \"$@\"")]).arg(process::file()).args(arguments);
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    assert_eq!(
        (output.status.code(), output.stderr.len()),
        (Some(0), 0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Whatever the umask, in a new directory as in an empty one, each file has its mode, and is named in what is said.
#[test]
fn each_file_is_there_with_its_mode_and_is_explained() {
    let dir = Dir::new("init-modes");
    for (number, umask) in ["000", "022", "077", "777"].into_iter().enumerate() {
        for is_new in [true, false] {
            let place = dir.path(&format!("{number}-{is_new}"));
            if !is_new {
                fs::create_dir(&place).unwrap();
                fs::set_permissions(&place, fs::Permissions::from_mode(0o750)).unwrap();
            }
            let text = said(&after(&format!("umask {umask}"), &["init", &place]));
            assert_eq!(modes(&place), MADE.map(|(name, mode)| (name.to_owned(), mode)).into(), "{umask} {is_new}");
            let mode = fs::metadata(&place).unwrap().permissions().mode() & 0o7777;
            assert_eq!(mode, if is_new { 0o700 } else { 0o750 });
            for (name, _) in MADE {
                assert!(text.contains(&format!("\n  {name} ")), "{name}: {text}");
                if name.ends_with(".token") {
                    let token = fs::read_to_string(format!("{place}/{name}")).unwrap();
                    assert!(token.starts_with("rec_") && token.len() == 4 + 64 + 1);
                    assert!(!text.contains(token.trim()));
                    for file in ["api.tokens", "admin.tokens", "start", "options", "world.toml"] {
                        assert!(!fs::read_to_string(format!("{place}/{file}")).unwrap().contains(token.trim()));
                    }
                }
            }
            let config = format!("{place}/world.toml");
            let good = format!("{config}: good, UCCs: 1, agents: 1\n");
            assert_eq!(said(&run(&["--check-config", "--config", &config])), good);
        }
    }
}

const CAPABILITIES: &str = "/attendantservice/api/recording/capabilities/ucc-demo-name";

fn bearer(place: &str, name: &str) -> String {
    format!("Bearer {}", fs::read_to_string(format!("{place}/{name}.token")).unwrap().trim())
}

/// The script starts a server, also after the directory was moved and from elsewhere. Each token is good for its part alone.
#[tokio::test]
async fn the_script_starts_a_server_that_knows_each_token() {
    let dir = Dir::new("init-start");
    let first = dir.path("first");
    said(&run(&["init", &first]));
    let place = dir.path("it's a $(place)");
    fs::rename(&first, &place).unwrap();
    let certificate = fs::read(format!("{place}/tls.crt")).unwrap();
    let certificate = CertificateDer::from_pem_slice(&certificate).unwrap();
    for _ in 0..2 {
        let mut command = Command::new(format!("{place}/start"));
        command.current_dir("/").args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
        let running = Running::spawn(&mut command);
        let api = async |name: &str, target: &str| {
            let token = bearer(&place, name);
            let stream = Client::connect(running.api).await.stream;
            let mut client = Client::over(connect(&certificate, stream, &[]).await.unwrap());
            client.send(&request("GET", target, &[("Authorization", &token)], b"")).await;
            client.receive_any("GET").await
        };
        let response = api("payments", CAPABILITIES).await;
        assert!(response.body.starts_with(r#"{"AgentCanEditRecordings":true,"ErrorMessage":null"#), "{response:?}");
        assert_eq!(api("listeners", CAPABILITIES).await.status, 403);
        assert_eq!(api("admin", CAPABILITIES).await.status, 401);
        let hub = "/attendantservice/hubs/recording";
        assert_eq!([api("payments", hub).await.status, api("admin", hub).await.status], [403, 401]);
        assert!(![401, 403].contains(&api("listeners", hub).await.status));
        for (name, status) in [("admin", 200), ("payments", 401), ("listeners", 401)] {
            let token = bearer(&place, name);
            let bytes = request("GET", "/sessions", &[("Authorization", &token)], b"");
            assert_eq!(once(running.admin, &bytes).await.status, status, "{name}");
        }
        assert_eq!(once(running.admin, &get("/sessions")).await.status, 401);
        // Another certificate is not the one that clients were given.
        let (other, _) = Certificate::pem();
        let other = CertificateDer::from_pem_slice(other.as_bytes()).unwrap();
        let stream = Client::connect(running.api).await.stream;
        assert!(connect(&other, stream, &[]).await.is_err());
        running.signal("-TERM");
        assert_eq!(running.end().0, Some(0));
        for (name, mode) in [("state", 0o700), ("state/sessions", 0o600), ("state/trail.jsonl", 0o600)] {
            let found = fs::metadata(format!("{place}/{name}")).unwrap().permissions().mode() & 0o777;
            assert_eq!(found, mode, "{name}");
        }
    }
}

/// A certificate that there is already stays where it is; it must be for the host, and its key be its own.
#[tokio::test]
async fn a_certificate_that_there_is_already_is_used() {
    let dir = Dir::new("init-given");
    let (mine, other) = (Certificate::new("init-mine"), Certificate::new("init-other"));
    let place = dir.path("place");
    let init = |host: &str, cert: &str, key: &str| {
        run(&["init", &place, "--host", host, "--tls-cert", cert, "--tls-key", key])
    };
    let error = |output: Output| (output.status.code(), String::from_utf8(output.stderr).unwrap());
    let (cert, key) = (mine.certificate.path(), mine.key.path());
    let line = format!("recording-server: init: {cert}: the certificate is not for recording.example\n");
    assert_eq!(error(init("recording.example", cert, key)), (Some(2), line));
    let line = format!(
        "recording-server: init: what was written cannot be used: {}: is not the key of the certificate in {cert}\n",
        other.key.path()
    );
    assert_eq!(error(init("localhost", cert, other.key.path())), (Some(1), line));
    let missing = dir.path("missing");
    let (code, line) = error(init("localhost", &missing, key));
    assert!(code == Some(2) && line.contains(&missing), "{line}");
    assert_eq!(dir.names(), [""; 0]);

    let text = said(&init("localhost", cert, key));
    assert!(text.contains(&format!("curl --cacert {cert} ")), "{text}");
    assert!(!Path::new(&format!("{place}/tls.crt")).exists() && !Path::new(&format!("{place}/tls.key")).exists());
    let mut command = Command::new(format!("{place}/start"));
    let running = Running::spawn(command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]));
    let stream = Client::connect(running.api).await.stream;
    let mut client = Client::over(mine.try_connect(stream, &[]).await.unwrap());
    let token = bearer(&place, "payments");
    assert_eq!(client.exchange(&request("GET", CAPABILITIES, &[("Authorization", &token)], b"")).await.status, 200);
}

/// What is there is never overwritten, and stays as it is.
#[test]
fn what_is_there_is_refused_and_stays() {
    let dir = Dir::new("init-refused");
    let refused = |place: &str, reason: &str| refuses(&["init", place], &format!("init: {reason}"));
    let place = dir.path("full");
    said(&run(&["init", &place]));
    let before = modes(&place);
    let key = fs::read(format!("{place}/tls.key")).unwrap();
    let text = String::from_utf8(run(&["init", &place]).stderr).unwrap();
    assert!(
        text.contains(&format!("init: {place} is not empty: it has ")) && text.ends_with("; nothing is overwritten\n")
    );
    assert_eq!((modes(&place), fs::read(format!("{place}/tls.key")).unwrap()), (before, key));

    let file = dir.path("file");
    fs::write(&file, "mine").unwrap();
    refused(&file, &format!("{file} is there, and is no directory"));
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    let link = dir.path("link");
    std::os::unix::fs::symlink(dir.path("nowhere"), &link).unwrap();
    refused(&link, &format!("{link} is a link to what is not there"));
    let open = dir.path("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    refused(&open, &format!("{open} can be written by every user of this machine"));
    // Of an init that was killed, before a new directory and in an empty one.
    let (left, empty) = (dir.path(".new.init"), dir.path("empty"));
    fs::create_dir_all(format!("{empty}/.init")).unwrap();
    fs::create_dir(&left).unwrap();
    let text = |place: &str| format!("{place} is there: another init is at work, or one was killed; then remove it");
    refused(&dir.path("new"), &text(&left));
    refused(&empty, &text(&format!("{empty}/.init")));
    assert!(Path::new(&left).is_dir() && Path::new(&format!("{empty}/.init")).is_dir());
    assert_eq!(dir.names(), [".new.init", "empty", "file", "full", "link", "open"]);
    for (place, code) in [("/dev/null/x", 1), ("/proc/self/x", 1), ("", 2), ("/", 2)] {
        let output = run(&["init", place]);
        assert_eq!(output.status.code(), Some(code), "{place:?} {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8(output.stderr).unwrap().lines().count(), 1);
    }
}

/// Files of at most so many blocks can be written: at whichever file the disk says no, nothing is left; and what is left of
/// nothing is no obstacle.
#[test]
fn a_disk_that_takes_no_more_leaves_nothing() {
    let dir = Dir::new("init-full");
    let empty = dir.path("empty");
    fs::create_dir(&empty).unwrap();
    let mut failures = 0;
    for blocks in 0..100 {
        // The signal is turned into an error, as that of a full disk is.
        let first = format!("trap '' XFSZ; ulimit -f {blocks}");
        let places = [dir.path("new"), empty.clone()];
        let codes = places.each_ref().map(|place| {
            let output = after(&first, &["init", place]);
            let text = String::from_utf8(output.stderr).unwrap();
            if output.status.code() == Some(1) {
                assert!(text.contains(" cannot be written: File too large"), "{text}");
                assert_eq!(text.lines().count(), 1);
            }
            output.status.code()
        });
        match codes {
            [Some(1), Some(1)] => failures += 1,
            [Some(0), Some(0)] => {
                assert!(failures > 2, "{failures}");
                assert_eq!(dir.names(), ["empty", "new"]);
                return assert_eq!(modes(&places[0]), modes(&places[1]));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(dir.names(), ["empty"]);
        assert_eq!(fs::read_dir(&empty).unwrap().count(), 0);
    }
    panic!("it never succeeded");
}

#[test]
fn wrong_options_are_one_line_each() {
    let dir = Dir::new("init-options");
    let place = dir.path("place");
    refuses(&["init"], "init: <DIR> is missing (see init --help)");
    let host = "is not a name as in recording.example (other letters as xn--…), or an IP address without a port";
    for wrong in ["https://recording.example", "recording.example:8443", "größe.example", "[::1]", "a b", ""] {
        refuses(&["init", &place, "--host", wrong], &format!("init: --host: '{wrong}' {host} (see init --help)"));
    }
    refuses(&["init", &place, "--days", "0"], "init: --days: '0' is not a number from 1 to 825 (see init --help)");
    refuses(&["init", &place, "--day", "1"], "init: unknown option '--day'; did you mean --days? (see init --help)");
    let port = "init: --listen: '0.0.0.0:0' is not an address with a port that clients know (see init --help)";
    refuses(&["init", &place, "--listen", "0.0.0.0:0"], port);
    refuses(&["init", &place, "other"], "init: unexpected argument 'other' (see init --help)");
    for (given, missing) in [
        (&["--tls-cert", "c"][..], "--tls-key <FILE>, --host <NAME>"),
        (&["--tls-key", "k"], "--tls-cert <FILE>"),
        (&["--tls-cert", "c", "--tls-key", "k"], "--host <NAME>"),
    ] {
        let arguments = [&["init", &place][..], given].concat();
        let output = String::from_utf8(run(&arguments).stderr).unwrap();
        assert!(output.contains(&format!("{missing} is missing")), "{output}");
    }
    // Options of the server are none of it, and come neither before it nor after it.
    refuses(&["--log", "debug", "init", &place], "init cannot be used with --log <LEVEL> (see --help)");
    refuses(&["init", &place, "--log", "debug"], "init: unknown option '--log' (see init --help)");
    // A token is not repeated here either.
    let token = format!("rec_{}", "0123456789abcdef".repeat(4));
    let output = String::from_utf8(run(&["init", &token]).stderr).unwrap();
    assert!(!output.contains(&token) && output.contains("--make-token"), "{output}");
    assert_eq!(dir.names(), [""; 0]);
    let help = said(&program().args(["init", "--help"]).output().unwrap());
    for word in
        ["It overwrites nothing", "DIR", "--host <NAME>", "--tls-cert <FILE>", "[1 to 825]", "[default: 0.0.0.0:8443]"]
    {
        assert!(help.contains(word), "{word}: {help}");
    }
    assert!(help.lines().all(|line| line.len() <= 120), "{help}");
}

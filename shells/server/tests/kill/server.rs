//! The server as a program, and what is asked of it.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::{fs, thread};

use recording_core::state::{MarkingState, RecordingState, SavingState};
use recording_core::{Action, State};
use serde_json::Value;

use super::Sessions;
use super::client::Connection;

const CONFIG: &str = r#"[[ucc]]
name = "ucc"
recording_api_licensed = true
use_audio_recording = true
agent_can_edit_audio_recording = true
save_recording_by_default = false
agents = ["sip:agent@domain.com"]
"#;

/// A directory of this test, gone when dropped.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new(name: &str) -> Self {
        // In memory where there is such a place: what a killed server wrote is there on any disk.
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { memory.into() } else { std::env::temp_dir() };
        let directory = place.join(format!("recording-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("world.toml"), CONFIG).unwrap();
        Self(directory)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // If a check failed, the files are kept to look for the reason.
        if thread::panicking() {
            println!("left for you: {}", self.0.display());
        } else {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// The program, not known to be ready; killed when dropped.
pub(crate) struct Spawned(Child);

impl Spawned {
    pub(crate) fn kill_after(mut self, time: Duration) {
        thread::sleep(time);
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The program at work.
pub(crate) struct Server {
    child: Mutex<Spawned>,
    pub(crate) api: SocketAddr,
    pub(crate) admin: SocketAddr,
}

impl Server {
    pub(crate) fn spawn(place: &Place) -> Spawned {
        let mut command = Command::new(env!("CARGO_BIN_EXE_recording-server"));
        command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--log", "error"]);
        command.args(["--config", &place.path("world.toml"), "--store", &format!("file:{}", place.path("sessions"))]);
        command.args(["--audit", &place.path("trail"), "--audit-max-bytes", "200000", "--audit-keep", "100000"]);
        Spawned(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap())
    }

    pub(crate) fn start(place: &Place) -> Self {
        let mut spawned = Self::spawn(place);
        let mut out = BufReader::new(spawned.0.stdout.take().unwrap());
        let mut address = |name: &str| {
            let mut line = String::new();
            out.read_line(&mut line).unwrap();
            let address = line.strip_prefix(name).and_then(|line| line.trim().strip_prefix("http://"));
            address.unwrap_or_else(|| panic!("the server does not start: {line:?}")).parse().unwrap()
        };
        let (api, admin) = (address("API"), address("admin"));
        Self { child: Mutex::new(spawned), api, admin }
    }

    pub(crate) fn kill(&self) {
        let mut spawned = self.child.lock().unwrap();
        spawned.0.kill().unwrap();
        spawned.0.wait().unwrap();
    }

    /// Ends it in order.
    pub(crate) fn end(&self) {
        let mut spawned = self.child.lock().unwrap();
        let id = spawned.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(spawned.0.wait().unwrap().success());
    }

    /// All open sessions.
    pub(crate) fn sessions(&self) -> Sessions {
        let mut admin = Connection::open(self.admin).unwrap();
        let (status, page) = admin.exchange(&request("GET", "/sessions?limit=1000", "")).unwrap();
        assert_eq!((status, &page["Next"]), (200, &Value::Null));
        let number = |id: &Value| usize::from_str_radix(id.as_str().unwrap().rsplit('-').next().unwrap(), 16).unwrap();
        let sessions = page["Sessions"].as_array().unwrap().iter();
        sessions.map(|session| (number(&session["CorrelationId"]), state(session))).collect()
    }
}

fn id(number: usize) -> String {
    format!("00000000-0000-0000-0000-{number:012x}")
}

pub(crate) fn session(number: usize) -> String {
    format!("/sessions/ucc/{}", id(number))
}

pub(crate) fn request(method: &str, target: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

pub(crate) fn set(number: usize, action: Action) -> String {
    let (action, id) = (action.code(), id(number));
    let body = format!(
        r#"{{"Action":{action},"RequesterSipUri":"sip:agent@domain.com","CorrelationId":"{id}","UCCName":"ucc"}}"#
    );
    request("POST", "/attendantservice/api/recording/set", &body)
}

/// The state in a document.
pub(crate) fn state(document: &Value) -> State {
    let code = |key: &str| u8::try_from(document[key].as_u64().unwrap()).unwrap();
    State::new(
        RecordingState::from_code(code("RecordingState")).unwrap(),
        MarkingState::from_code(code("MarkingState")).unwrap(),
        SavingState::from_code(code("SavingState")).unwrap(),
    )
}

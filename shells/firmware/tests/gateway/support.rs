//! A client of the API over TCP, worlds, and boards that run.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use recording_firmware::{Board, Emulator, Image, Kind, Log, PATIENCE};
use recording_testkit::http::{Request, Response};
use recording_testkit::naive;
use recording_testkit::plan::Plan;
use serde_json::{Value, json};

/// The wire vectors.
pub(crate) fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../../tests/vectors/wire.json")).expect("JSON")
}

/// The provisioning of the wire vectors' world.
pub(crate) fn vectors_world() -> String {
    json!({"network": "build", "uccs": vectors()["world"]["uccs"]}).to_string()
}

/// The provisioning of a plan's world.
pub(crate) fn planned_world(plan: &Plan) -> String {
    let uccs: Vec<_> = plan
        .uccs
        .iter()
        .filter_map(|ucc| {
            let settings = ucc.settings?;
            Some(json!({
                "name": ucc.name,
                "recording_api_licensed": settings.licensed,
                "use_audio_recording": settings.use_audio_recording,
                "agent_can_edit_audio_recording": settings.agent_can_edit,
                "save_recording_by_default": settings.save_by_default,
                "repeats": if settings.repeats_accepted { "accept" } else { "refuse" },
                "agents": [plan.agent],
            }))
        })
        .collect();
    json!({"network": "build", "uccs": uccs}).to_string()
}

/// Starts a board with the image that is used.
pub(crate) fn start(board: Board, world: &str) -> Emulator {
    let image = Image::build(board, Kind::Product).provisioned(world).expect("the provisioning holds");
    Emulator::start(board, &image)
}

/// What the stack may take: the goal.
const STACK_MAX: u32 = 3 * 1024;

/// Ends a test: the board never faulted, and its stack stayed within the goal. How deep it was is kept for the figures.
pub(crate) fn finish(mut emulator: Emulator, test: &str) {
    let stack = emulator.figure("stack");
    println!("{test}: {}: {stack} bytes of stack at the deepest", emulator.board.name());
    assert!(stack <= STACK_MAX, "{stack} bytes of stack");
    let lives = emulator.log.all().iter().filter(|line| line.starts_with("boot ")).count();
    assert_eq!(lives, 1, "{:#?}", emulator.log.all());
    let figures = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/figures");
    fs::create_dir_all(&figures).expect("a directory");
    fs::write(figures.join(format!("stack.{}.{test}", emulator.board.name())), stack.to_string()).expect("a file");
}

/// `Started/None/None`, as the PBX's line has it.
pub(crate) fn state_text((recording, marking, saving): naive::State) -> String {
    let name = |names: &[&str], code: u8| names[usize::from(code)].to_owned();
    format!(
        "{}/{}/{}",
        name(&naive::RECORDING, recording),
        name(&naive::MARKING, marking),
        name(&naive::SAVING, saving)
    )
}

/// The recorder's line for a state.
pub(crate) fn order((recording, ..): naive::State) -> &'static str {
    ["off", "on", "off", "paused"][usize::from(recording)]
}

/// A request as it goes over the wire.
pub(crate) fn bytes(request: &Request) -> Vec<u8> {
    let mut bytes = format!("{} ", request.method).into_bytes();
    bytes.extend_from_slice(&request.target);
    bytes.extend_from_slice(b" HTTP/1.1\r\nHost: gateway\r\n");
    if let Some(content_type) = request.content_type {
        bytes.extend_from_slice(format!("Content-Type: {content_type}\r\n").as_bytes());
    }
    if !request.body.is_empty() || request.method == "POST" {
        bytes.extend_from_slice(format!("Content-Length: {}\r\n", request.body.len()).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&request.body);
    bytes
}

/// A connection to the API.
pub(crate) struct Client {
    address: SocketAddr,
    stream: TcpStream,
    buffer: Vec<u8>,
    /// The last response said that it is the last.
    last: bool,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self { address, stream: connect(address), buffer: Vec::new(), last: false }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        // A board that has closed already may refuse it; what it said is in the replies.
        let _ = self.stream.write_all(bytes);
    }

    /// The next response; `None` if the board has closed without a byte of one.
    pub(crate) fn receive(&mut self, method: &str) -> Option<Response> {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.read_more() {
                assert!(self.buffer.is_empty(), "cut off: {}", String::from_utf8_lossy(&self.buffer));
                return None;
            }
        };
        let head = String::from_utf8(self.buffer.drain(..end).collect()).expect("a head is text");
        let header = |name: &str| {
            let mut lines = head.split("\r\n").skip(1).filter_map(|line| line.split_once(": "));
            lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
        };
        let status: u16 = head.strip_prefix("HTTP/1.1 ").expect(&head)[..3].parse().expect("a status");
        let length = if status == 100 || method == "HEAD" {
            0
        } else {
            header("content-length").expect(&head).parse().expect("a number")
        };
        while self.buffer.len() < length {
            assert!(self.read_more(), "the body was cut off: {head}");
        }
        self.last = header("connection").is_some_and(|value| value == "close");
        Some(Response {
            status,
            content_type: header("content-type"),
            cache_control: header("cache-control"),
            allow: header("allow"),
            body: self.buffer.drain(..length).collect(),
        })
    }

    /// Sends a request and gives its response, on a new connection if the board has closed this one: one that closes an
    /// idle connection has not taken what was sent after that.
    pub(crate) fn exchange(&mut self, request: &Request) -> Response {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if self.last {
                *self = Self::connect(self.address);
            }
            self.send(&bytes(request));
            if let Some(response) = self.receive(request.method) {
                return response;
            }
            assert!(Instant::now() < deadline, "no place was free for {request:?}");
            thread::sleep(Duration::from_millis(20));
            self.last = true;
        }
    }

    /// Everything that comes before the board closes.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.read_more() {}
        std::mem::take(&mut self.buffer)
    }

    /// Sends no more.
    pub(crate) fn end(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
    }

    /// Hangs up.
    pub(crate) fn vanish(self) {
        drop(self.stream);
    }

    fn read_more(&mut self) -> bool {
        let mut chunk = [0; 4096];
        match self.stream.read(&mut chunk) {
            Ok(0) => false,
            Ok(count) => {
                self.buffer.extend_from_slice(&chunk[..count]);
                true
            }
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => false,
            Err(error) => panic!("nothing came: {error}"),
        }
    }
}

/// QEMU takes the connection whether the board does or not.
fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("QEMU listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
    stream.set_nodelay(true).expect("a socket");
    stream
}

/// A listener that hears from now on.
pub(crate) fn listen(emulator: &Emulator) -> Log {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let heard = Log::of(connect(emulator.events));
        if heard.wait(0, |line| line == r#"{"Listening":true}"#).is_ok() {
            return heard;
        }
        // Every place was taken.
        assert!(Instant::now() < deadline, "no place for a listener");
        thread::sleep(Duration::from_millis(20));
    }
}

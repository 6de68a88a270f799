//! A board in QEMU.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use recording_provision::Site;

use crate::{Board, Log, PATIENCE, Serial};

/// How often a start is tried again, since a port that was free was taken by somebody else.
const TRIES: u32 = 20;

/// A board that runs. Dropped, it is gone like a board whose power is cut.
#[derive(Debug)]
pub struct Emulator {
    /// Which board.
    pub board: Board,
    /// Where the API is.
    pub api: SocketAddr,
    /// Where listeners go.
    pub events: SocketAddr,
    /// What the board logs.
    pub log: Log,
    /// The PBX's end of its line.
    pub pbx: Serial,
    /// The recorders' end of theirs.
    pub recorder: Serial,
    qemu: Qemu,
}

/// The process, and the files that go with it.
#[derive(Debug)]
struct Qemu {
    child: Child,
    files: PathBuf,
}

impl Drop for Qemu {
    fn drop(&mut self) {
        // By its own id: there may be others.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.files);
    }
}

impl Emulator {
    /// Starts a board with an image and waits until it says READY.
    ///
    /// # Panics
    ///
    /// If it does not: with what it said instead.
    #[must_use]
    pub fn start(board: Board, image: &[u8]) -> Self {
        // Both are held until both are known, so that they differ.
        let free = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = |listener: &TcpListener| listener.local_addr().expect("it is bound").port();
        for _ in 0..TRIES {
            let (api, events) = (free(), free());
            let ports = (port(&api), port(&events));
            drop((api, events));
            match Self::try_start(board, image, ports) {
                Ok(emulator) => return emulator,
                Err(said) if said.iter().any(|line| line.contains("host forwarding")) => {}
                Err(said) => panic!("{} did not get to READY: {said:#?}", board.name()),
            }
        }
        panic!("no free port in {TRIES} tries");
    }

    /// The same, with ports of one's own for the API and for listeners.
    ///
    /// # Errors
    ///
    /// What was said, by the board or by QEMU, if the board did not get to READY.
    ///
    /// # Panics
    ///
    /// If there is no QEMU, or no room for temporary files.
    pub fn try_start(board: Board, image: &[u8], ports: (u16, u16)) -> Result<Self, Vec<String>> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let files = env::temp_dir().join(format!("recording-firmware-{}-{count}", process::id()));
        fs::create_dir_all(&files).expect("there is room for temporary files");
        let kernel = files.join("image.elf");
        fs::write(&kernel, image).expect("there is room for temporary files");
        let (pbx, recorder) = (files.join("pbx"), files.join("recorder"));
        let listen = |path: &PathBuf| UnixListener::bind(path).expect("a socket in the file system");
        let (pbx_listener, recorder_listener) = (listen(&pbx), listen(&recorder));

        let address = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (api, events) = (address(ports.0), address(ports.1));
        // The network around the board is the one that its provisioning names.
        let site = recording_provision::given(image);
        let (guest, net) = site.map_or_else(Default::default, |site| {
            let ip = Ipv4Addr::from(site.ip);
            (ip.to_string(), format!(",net={ip}/{}", site.prefix))
        });
        let (to_api, to_events) = site.map_or((Site::API, Site::EVENTS), |site| (site.api, site.events));
        let forward = |from: SocketAddr, to| format!("hostfwd=tcp:{from}-{guest}:{to}");
        let mut qemu = Command::new("qemu-system-arm");
        qemu.args(["-machine", board.name(), "-display", "none", "-monitor", "none", "-serial", "stdio"]);
        for path in [&pbx, &recorder] {
            qemu.arg("-serial").arg(format!("unix:{}", path.display()));
        }
        let forwards = [forward(api, to_api), forward(events, to_events)].join(",");
        qemu.arg("-nic").arg(format!("user,restrict=on{net},{forwards}"));
        qemu.arg("-kernel").arg(&kernel);
        qemu.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = qemu.spawn().expect("qemu-system-arm can be run: `cargo xtask firmware install` installs it");
        let log = Log::of(child.stdout.take().expect("it is piped"));
        let complaints = Log::of(child.stderr.take().expect("it is piped"));
        let mut qemu = Qemu { child, files };

        let failed = || Err([log.all(), complaints.all()].concat());
        let mut accept = |listener| accept(&mut qemu, &listener);
        let (Some(pbx), Some(recorder)) = (accept(pbx_listener), accept(recorder_listener)) else {
            let _ = complaints.wait(usize::MAX, |_| false);
            return failed();
        };
        let serial = |stream| Serial::new(stream).expect("a line has two directions");
        let (pbx, recorder) = (serial(pbx), serial(recorder));
        if log.wait(0, |line| line.starts_with("READY")).is_err() {
            return failed();
        }
        // Everything in it is open or loaded by now: no end of this process leaves a file.
        let _ = fs::remove_dir_all(&qemu.files);
        Ok(Self { board, api, events, log, pbx, recorder, qemu })
    }

    /// One of the figures that the board gives of itself.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub fn figure(&mut self, name: &str) -> u32 {
        let stats = self.pbx.ask("stats");
        let value = stats.split(' ').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name} in: {stats}"))
    }

    /// The process, for tests that check that it runs.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.qemu.child.id()
    }
}

/// The board's end of a line, once it is there; `None` if QEMU ended instead.
fn accept(qemu: &mut Qemu, listener: &UnixListener) -> Option<UnixStream> {
    listener.set_nonblocking(true).expect("it is a socket");
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false).expect("it is a socket");
                return Some(stream);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => panic!("a line was not connected: {error}"),
        }
        if qemu.child.try_wait().expect("it is our process").is_some() {
            return None;
        }
        thread::sleep(Duration::from_millis(5));
    }
    None
}

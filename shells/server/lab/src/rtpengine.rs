//! rtpengine as a program: in userspace, on loopback, with a folder and ports of its own.

use crate::{ng::Ng, process::Program};
use anyhow::{Context as _, Result, bail};
use core::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use std::{
    fs,
    net::UdpSocket,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Instant,
};
use tempfile::TempDir;

/// The program that the package installs.
const INSTALLED: &str = "rtpengine";
/// The user that the package makes, and that the daemon runs as if this process may choose.
const USER: &str = "rtpengine";
/// How many ports a daemon has for media.
const MEDIA_PORTS: u16 = 600;
const PATIENCE: Duration = Duration::from_secs(20);

/// How a daemon is started.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The program: the installed one, or another version.
    pub program: String,
    /// Threads that carry out commands. With more than two the daemon may reorder what it has not answered yet.
    pub threads: u32,
    /// Whether it has a directory to record in.
    pub records: bool,
    /// Arguments after all others.
    pub arguments: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { program: INSTALLED.to_owned(), threads: 1, records: true, arguments: Vec::new() }
    }
}

/// A daemon. Dropped, it is killed and its folder is removed.
#[derive(Debug)]
pub struct Rtpengine {
    settings: Settings,
    program: Option<Program>,
    ng: SocketAddr,
    first_media_port: u16,
    place: TempDir,
}

impl Rtpengine {
    /// Starts a daemon and waits until it answers.
    ///
    /// # Errors
    ///
    /// If it does not, with the end of its log.
    pub fn start(settings: Settings) -> Result<Self> {
        let place = tempfile::Builder::new().prefix("recording-lab-").tempdir()?;
        fs::create_dir(place.path().join("spool"))?;
        if let Some((user, group)) = user() {
            for path in [place.path().to_owned(), place.path().join("spool")] {
                chown(&path, Some(user), Some(group))?;
            }
        }
        let mut daemon = Self {
            settings,
            program: None,
            ng: (Ipv4Addr::LOCALHOST, free_port()?).into(),
            first_media_port: free_range()?,
            place,
        };
        daemon.restart()?;
        Ok(daemon)
    }

    /// The address of `ng` over UDP.
    #[must_use]
    pub const fn ng(&self) -> SocketAddr {
        self.ng
    }

    /// A client of it.
    ///
    /// # Errors
    ///
    /// If there is no socket.
    pub fn client(&self) -> Result<Ng> {
        Ng::new(self.ng)
    }

    /// Its recording directory; the files with packets are in `pcaps` there.
    #[must_use]
    pub fn recording_dir(&self) -> PathBuf {
        self.place.path().join("spool")
    }

    /// Its log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.place.path().join("log")
    }

    /// Freezes it (SIGSTOP). It is thawed by `thaw`, and killed if it is dropped.
    ///
    /// # Errors
    ///
    /// If it does not run.
    pub fn freeze(&self) -> Result<()> {
        self.program.as_ref().context("rtpengine does not run")?.freeze()
    }

    /// Lets it go on (SIGCONT).
    ///
    /// # Errors
    ///
    /// If it does not run.
    pub fn thaw(&self) -> Result<()> {
        self.program.as_ref().context("rtpengine does not run")?.thaw()
    }

    /// Kills it (SIGKILL), unless it does not run.
    pub fn kill(&mut self) {
        self.program = None;
    }

    /// Ends it in order (SIGTERM), so that its files are whole.
    ///
    /// # Errors
    ///
    /// If it does not end.
    pub fn end(&mut self) -> Result<()> {
        self.program.take().map_or(Ok(()), |program| program.end(PATIENCE).map(drop))
    }

    /// Kills it if it runs, starts it with the same ports and directory, and waits until it answers.
    ///
    /// # Errors
    ///
    /// If it does not, with the end of its log.
    pub fn restart(&mut self) -> Result<()> {
        self.kill();
        let log = fs::File::options().create(true).append(true).open(self.log())?;
        let mut words = as_user(&self.settings.program);
        words.extend(self.arguments());
        let (program, arguments) = words.split_first().context("a program")?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let mut program = Program::start(&mut command)?;
        let mut client = self.client()?;
        (client.patience, client.tries) = (Duration::from_millis(50), 1);
        let began = Instant::now();
        while !client.ping() {
            if let Some(status) = program.ended()? {
                bail!("rtpengine ends with {status}:\n{}", self.end_of_log());
            }
            if began.elapsed() > PATIENCE {
                bail!("rtpengine does not answer:\n{}", self.end_of_log());
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.program = Some(program);
        Ok(())
    }

    fn arguments(&self) -> Vec<String> {
        let ng = self.ng;
        let mut arguments: Vec<String> = [
            // Without it the configuration of the package is read, with other ports and all interfaces.
            "--config-file=none",
            "--table=-1",
            "--foreground",
            "--log-stderr",
            "--log-level=6",
            "--interface=127.0.0.1",
            "--media-num-threads=1",
            "--http-threads=1",
            // A call that is deleted ends its files at once.
            "--delete-delay=0",
            "--timeout=600",
        ]
        .map(str::to_owned)
        .to_vec();
        arguments.extend([
            format!("--listen-ng={ng}"),
            format!("--num-threads={}", self.settings.threads),
            format!("--port-min={}", self.first_media_port),
            format!("--port-max={}", self.first_media_port + MEDIA_PORTS - 1),
        ]);
        if self.settings.records {
            let spool = self.recording_dir();
            arguments.extend([
                format!("--recording-dir={}", spool.display()),
                "--recording-method=pcap".to_owned(),
                "--recording-format=raw".to_owned(),
            ]);
        }
        arguments.extend(self.settings.arguments.iter().cloned());
        arguments
    }

    fn end_of_log(&self) -> String {
        end_of(&self.log())
    }
}

/// The last lines of a file.
#[must_use]
pub fn end_of(path: &Path) -> String {
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

/// The daemon's user, if this process may become another one and there is such a user.
fn user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields[0] == USER)?;
    Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
}

/// The command as that user, without any right of root. Another program than the installed one may be where that user cannot
/// read.
fn as_user(program: &str) -> Vec<String> {
    let Some((user, group)) = user().filter(|_| program == INSTALLED) else { return vec![program.to_owned()] };
    let mut words = vec!["setpriv".to_owned(), format!("--reuid={user}"), format!("--regid={group}")];
    words.extend(["--clear-groups", "--no-new-privs", "--bounding-set=-all"].map(str::to_owned));
    words.push(program.to_owned());
    words
}

/// A port of UDP that is free now.
///
/// # Errors
///
/// If there is none.
pub fn free_port() -> Result<u16> {
    Ok(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// The first of many ports that are free as far as some of them show; the daemon passes over those that are not. They are
/// below those that the system gives to others.
fn free_range() -> Result<u16> {
    for _ in 0..100 {
        let first = 10_000 + MEDIA_PORTS * fastrand::u16(0..35);
        let free =
            (0..MEDIA_PORTS).step_by(50).all(|port| UdpSocket::bind((Ipv4Addr::LOCALHOST, first + port)).is_ok());
        if free {
            return Ok(first);
        }
    }
    bail!("no {MEDIA_PORTS} ports are free")
}

//! The servers as programs: started, killed, ended in order and frozen.

use crate::client;
use anyhow::{Context as _, Result, bail};
use core::{
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use recording_lab::process::Program;
use std::{
    ffi::OsStr,
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tempfile::TempDir;

/// Where a server is that runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) api: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// The number of this start, of all starts of all servers.
    pub(crate) start: usize,
}

/// How a server is run.
#[derive(Debug)]
pub(crate) struct Runs {
    /// The words of the command that runs it, if it is to run somewhere else.
    pub(crate) within: Vec<String>,
    /// What it listens at.
    pub(crate) address: Ipv4Addr,
    pub(crate) arguments: Vec<String>,
}

#[derive(Debug)]
struct Server {
    runs: Runs,
    program: Option<Program>,
    place: Option<Place>,
}

/// All servers.
#[derive(Debug)]
pub(crate) struct Servers {
    executable: PathBuf,
    folder: TempDir,
    servers: Vec<Mutex<Server>>,
    /// When each start was over.
    ends: Mutex<Vec<Option<u64>>>,
    began: Instant,
    is_over: AtomicBool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Servers {
    /// One server for each of these; none is started.
    pub(crate) fn new(executable: &Path, clients: usize, all: impl Fn(&Path) -> Vec<Runs>) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("recording-cluster-lab-").tempdir()?;
        fs::write(folder.path().join("world.toml"), client::config(clients))?;
        let servers = all(folder.path()).into_iter();
        let servers = servers.map(|runs| Mutex::new(Server { runs, program: None, place: None })).collect();
        let (ends, began, is_over) = (Mutex::default(), Instant::now(), AtomicBool::new(false));
        Ok(Self { executable: executable.to_owned(), folder, servers, ends, began, is_over })
    }

    pub(crate) const fn count(&self) -> usize {
        self.servers.len()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Nanoseconds since the run began.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Clients are to ask no more.
    pub(crate) fn set_over(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// Where a server is, if it runs.
    pub(crate) fn place(&self, server: usize) -> Option<Place> {
        locked(&self.servers[server]).place
    }

    /// The number of a server's process, if it runs.
    pub(crate) fn process(&self, server: usize) -> Option<u32> {
        locked(&self.servers[server]).program.as_ref().map(Program::id)
    }

    /// When each start was over.
    pub(crate) fn ends(&self) -> Vec<Option<u64>> {
        locked(&self.ends).clone()
    }

    /// Starts it, and waits until it says where it is.
    pub(crate) fn start(&self, server: usize) -> Result<()> {
        let mut program = self.spawn(server)?;
        let log = self.log(server);
        let mut lines = BufReader::new(program.take_output().context("its output")?).lines();
        let (mut api, mut admin) = (None, None);
        while api.is_none() || admin.is_none() {
            let Some(line) = lines.next().transpose()? else {
                bail!("server {server} does not start:\n{}", fs::read_to_string(&log).unwrap_or_default());
            };
            let address = |name: &str| line.strip_prefix(name)?.trim().strip_prefix("http://")?.parse().ok();
            (api, admin) = (api.or_else(|| address("API")), admin.or_else(|| address("admin")));
        }
        // What it writes later is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let mut ends = locked(&self.ends);
        let (api, admin) = api.zip(admin).context("its addresses")?;
        let mut one = locked(&self.servers[server]);
        one.place = Some(Place { api, admin, start: ends.len() });
        one.program = Some(program);
        ends.push(None);
        Ok(())
    }

    /// Starts it and kills it, perhaps before it is ready.
    pub(crate) fn start_and_kill(&self, server: usize, after: Duration) -> Result<()> {
        let program = self.spawn(server)?;
        std::thread::sleep(after);
        drop(program);
        Ok(())
    }

    fn log(&self, server: usize) -> PathBuf {
        self.folder.path().join(format!("log-{server}"))
    }

    fn spawn(&self, server: usize) -> Result<Program> {
        let log = fs::File::options().create(true).append(true).open(self.log(server))?;
        let one = locked(&self.servers[server]);
        let Runs { within, address, arguments } = &one.runs;
        let words = within.iter().map(OsStr::new).chain([self.executable.as_os_str()]);
        let mut words = words.map(OsStr::to_owned);
        let mut command = Command::new(words.next().context("a program")?);
        command.args(words).arg("--listen").arg(format!("{address}:0")).arg("--admin").arg(format!("{address}:0"));
        command.args(["--rate", "off", "--log", "warn"]).arg("--config").arg(self.folder.path().join("world.toml"));
        command.args(arguments);
        Program::start(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log))
    }

    /// Kills it (SIGKILL).
    pub(crate) fn kill(&self, server: usize) {
        let mut one = locked(&self.servers[server]);
        let place = one.place.take();
        one.program = None;
        drop(one);
        self.note_end(place);
    }

    /// Ends it in order (SIGTERM).
    pub(crate) fn end(&self, server: usize) -> Result<()> {
        let mut one = locked(&self.servers[server]);
        let place = one.place.take();
        let program = one.program.take();
        drop(one);
        if let Some(program) = program {
            let status = program.end(Duration::from_secs(60))?;
            if !status.success() {
                bail!("server {server} ends with {status}");
            }
        }
        self.note_end(place);
        Ok(())
    }

    fn note_end(&self, place: Option<Place>) {
        if let Some(place) = place {
            let now = self.now();
            locked(&self.ends)[place.start] = Some(now);
        }
    }

    /// Freezes it for a while.
    pub(crate) fn freeze(&self, server: usize, time: Duration) -> Result<()> {
        let signal = |freeze: bool| match &locked(&self.servers[server]).program {
            Some(program) if freeze => program.freeze(),
            Some(program) => program.thaw(),
            None => Ok(()),
        };
        signal(true)?;
        std::thread::sleep(time);
        signal(false)
    }
}

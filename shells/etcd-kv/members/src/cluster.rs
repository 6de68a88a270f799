//! A cluster of members.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::fs::{self, File};
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Instant;

use tempfile::TempDir;

use crate::programs::Programs;
use crate::signal;

/// The most that members take until they serve. A machine with much else to do needs a part of it.
const LONGEST_START: Duration = Duration::from_secs(60);

/// What cluster to start.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// Further arguments of each member.
    pub arguments: Vec<String>,
    /// Has clients use TLS.
    pub tls: Option<TlsFiles>,
    /// Where each member runs, one place for each. If there are none, all run here, on 127.0.0.1.
    pub places: Vec<Place>,
}

/// Where a member runs.
#[derive(Debug, Clone)]
pub struct Place {
    /// The address that it listens at, which can be reached from here.
    pub address: Ipv4Addr,
    /// The words of the command that runs a program there, as in `ip netns exec NAME`: it must become that program.
    pub within: Vec<String>,
}

/// Certificates and keys, all in PEM.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// Whom both sides trust.
    pub authority: PathBuf,
    /// The members' certificate, for 127.0.0.1.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// What etcdctl shows.
    pub client_certificate: PathBuf,
    /// Its key.
    pub client_key: PathBuf,
}

/// A cluster. Its members are killed and its folder is removed when it is dropped.
#[derive(Debug)]
pub struct Cluster {
    programs: Programs,
    setup: Setup,
    members: Vec<Member>,
    folder: TempDir,
}

#[derive(Debug)]
struct Member {
    client_port: u16,
    peer_port: u16,
    process: Option<Child>,
}

impl Setup {
    fn address(&self, index: usize) -> Ipv4Addr {
        self.places.get(index).map_or(Ipv4Addr::LOCALHOST, |place| place.address)
    }
}

impl Cluster {
    /// Starts `count` members and waits until all serve.
    ///
    /// # Errors
    ///
    /// If there is no etcd, or it does not start: with the end of its log.
    pub fn start(count: usize, setup: &Setup) -> Result<Self, String> {
        let programs = Programs::find()?;
        let mut failed = String::new();
        // Another process may take a port between its choice and its use.
        for _ in 0..3 {
            let folder =
                tempfile::Builder::new().prefix("etcd-members-").tempdir().map_err(|error| error.to_string())?;
            let members = ports(count)?;
            let mut cluster = Self { programs: programs.clone(), setup: setup.clone(), members, folder };
            match cluster.start_all().and_then(|()| cluster.wait()) {
                Ok(()) => return Ok(cluster),
                Err(reason) => failed = reason,
            }
        }
        Err(failed)
    }

    /// The members' client URLs.
    #[must_use]
    pub fn endpoints(&self) -> Vec<String> {
        (0..self.members.len()).map(|index| self.endpoint(index)).collect()
    }

    /// A member's client URL.
    #[must_use]
    pub fn endpoint(&self, index: usize) -> String {
        let scheme = if self.setup.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}:{}", self.setup.address(index), self.members[index].client_port)
    }

    /// The cluster's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Kills a member with nothing saved.
    ///
    /// # Errors
    ///
    /// If it does not run.
    pub fn kill(&mut self, index: usize) -> Result<(), String> {
        let mut process = self.members[index].process.take().ok_or("the member does not run")?;
        process.kill().and_then(|()| process.wait()).map(drop).map_err(|error| error.to_string())
    }

    /// Has a member end in an orderly way, and waits for that.
    ///
    /// # Errors
    ///
    /// If it does not run.
    pub fn terminate(&mut self, index: usize) -> Result<(), String> {
        signal::send("TERM", self.pid(index)?)?;
        let mut process = self.members[index].process.take().ok_or("the member does not run")?;
        process.wait().map(drop).map_err(|error| error.to_string())
    }

    /// Stops a member: it keeps its connections and says nothing.
    ///
    /// # Errors
    ///
    /// If it does not run.
    pub fn stop(&self, index: usize) -> Result<(), String> {
        signal::send("STOP", self.pid(index)?)
    }

    /// Continues a member that was stopped.
    ///
    /// # Errors
    ///
    /// If it does not run.
    pub fn resume(&self, index: usize) -> Result<(), String> {
        signal::send("CONT", self.pid(index)?)
    }

    /// Starts a member again that ended or was killed, with its data.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn restart(&mut self, index: usize) -> Result<(), String> {
        if self.members[index].process.is_some() {
            return Err("the member runs".into());
        }
        self.start_one(index)
    }

    /// Waits until all members that run serve.
    ///
    /// # Errors
    ///
    /// If one does not: with the end of its log.
    pub fn wait(&mut self) -> Result<(), String> {
        let end = Instant::now() + LONGEST_START;
        for index in 0..self.members.len() {
            loop {
                match self.members[index].process.as_mut().map(Child::try_wait) {
                    None => break,
                    Some(Ok(None)) => {}
                    Some(_) => return Err(format!("member {index} ended:\n{}", self.log_end(index))),
                }
                if self.ctl(&[&self.endpoint(index)], &["endpoint", "health"], "").is_ok() {
                    break;
                }
                if Instant::now() > end {
                    return Err(format!("member {index} does not serve:\n{}", self.log_end(index)));
                }
                sleep(Duration::from_millis(100));
            }
        }
        Ok(())
    }

    /// What etcdctl says to these words, with the endpoints of all members.
    ///
    /// # Errors
    ///
    /// If it fails: what it says.
    pub fn etcdctl(&self, words: &[&str]) -> Result<String, String> {
        let endpoints = self.endpoints();
        self.ctl(&endpoints.iter().map(String::as_str).collect::<Vec<_>>(), words, "")
    }

    /// The same for words with which it reads something: a password, say.
    ///
    /// # Errors
    ///
    /// If it fails: what it says.
    pub fn etcdctl_reading(&self, words: &[&str], input: &str) -> Result<String, String> {
        self.ctl(&[&self.endpoint(0)], words, input)
    }

    /// The index of the leader.
    ///
    /// # Errors
    ///
    /// If no member says that it is.
    pub fn leader(&self) -> Result<usize, String> {
        (0..self.members.len()).find(|&index| self.leads(index)).ok_or_else(|| "no member leads".into())
    }

    /// Whether a member answers that it is the leader. One that is cut off from the others may still believe that.
    #[must_use]
    pub fn leads(&self, index: usize) -> bool {
        let status = self.ctl(&[&self.endpoint(index)], &["endpoint", "status", "--write-out=fields"], "");
        status.is_ok_and(|status| {
            let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(&format!("\"{name}\" : ")));
            field("MemberID").is_some() && field("MemberID") == field("Leader")
        })
    }

    /// The process of a member.
    ///
    /// # Errors
    ///
    /// If it does not run.
    pub fn pid(&self, index: usize) -> Result<u32, String> {
        Ok(self.members[index].process.as_ref().ok_or("the member does not run")?.id())
    }

    fn ctl(&self, endpoints: &[&str], words: &[&str], input: &str) -> Result<String, String> {
        let mut command = Command::new(&self.programs.etcdctl);
        command.args(["--dial-timeout=2s", "--command-timeout=10s", "--endpoints", &endpoints.join(",")]);
        if let Some(tls) = &self.setup.tls {
            command.arg("--cacert").arg(&tls.authority);
            command.arg("--cert").arg(&tls.client_certificate).arg("--key").arg(&tls.client_key);
        }
        let said = |error: std::io::Error| error.to_string();
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().map_err(said)?;
        // It may have ended without reading; what it says is the reason then.
        let _ = process.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes()));
        let output = process.wait_with_output().map_err(said)?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(said);
        }
        Err(format!("etcdctl {}: {said}{}", words.join(" "), String::from_utf8_lossy(&output.stderr)))
    }

    fn start_all(&mut self) -> Result<(), String> {
        (0..self.members.len()).try_for_each(|index| self.start_one(index))
    }

    fn start_one(&mut self, index: usize) -> Result<(), String> {
        let peer = |index: usize| format!("http://{}:{}", self.setup.address(index), self.members[index].peer_port);
        let all: Vec<_> = (0..self.members.len()).map(|index| format!("m{index}={}", peer(index))).collect();
        let within = self.setup.places.get(index).map(|place| place.within.as_slice()).unwrap_or_default();
        let mut command = match within {
            [] => Command::new(&self.programs.etcd),
            [first, rest @ ..] => {
                let mut command = Command::new(first);
                command.args(rest).arg(&self.programs.etcd);
                command
            }
        };
        command.arg("--name").arg(format!("m{index}"));
        command.arg("--data-dir").arg(self.folder.path().join(format!("m{index}")));
        command.args(["--listen-peer-urls", &peer(index), "--initial-advertise-peer-urls", &peer(index)]);
        command.args(["--listen-client-urls", &self.endpoint(index), "--advertise-client-urls", &self.endpoint(index)]);
        command.args(["--initial-cluster", &all.join(","), "--initial-cluster-state", "new"]);
        command.args(["--logger", "zap", "--log-level", "warn"]);
        if let Some(tls) = &self.setup.tls {
            command.arg("--cert-file").arg(&tls.certificate).arg("--key-file").arg(&tls.key);
            command.arg("--trusted-ca-file").arg(&tls.authority).arg("--client-cert-auth");
        }
        let log = File::options().create(true).append(true).open(self.log(index)).map_err(|error| error.to_string())?;
        let process =
            command.args(&self.setup.arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        self.members[index].process = Some(process.map_err(|error| error.to_string())?);
        Ok(())
    }

    fn log(&self, index: usize) -> PathBuf {
        self.folder.path().join(format!("m{index}.log"))
    }

    fn log_end(&self, index: usize) -> String {
        let log = fs::read_to_string(self.log(index)).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(5)..].join("\n")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for index in 0..self.members.len() {
            let _ = self.kill(index);
        }
    }
}

/// Ports that nothing uses now. All are held until the last is chosen, so that none is chosen twice.
fn ports(members: usize) -> Result<Vec<Member>, String> {
    let held: Result<Vec<_>, _> = (0..2 * members).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect();
    let held = held.map_err(|error| error.to_string())?;
    let ports: Result<Vec<_>, _> = held.iter().map(|one| one.local_addr().map(|address| address.port())).collect();
    let ports = ports.map_err(|error| error.to_string())?;
    Ok(ports.chunks_exact(2).map(|pair| Member { client_port: pair[0], peer_port: pair[1], process: None }).collect())
}

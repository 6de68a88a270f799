//! The server as a program, with rtpengine as its recorder.

use crate::{
    drive::{AGENTS, UCC, UCC_WITHOUT},
    process::Program,
    rtpengine::end_of,
};
use anyhow::{Context as _, Result, bail};
use core::{fmt::Write as _, net::SocketAddr, time::Duration};
use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tempfile::TempDir;

/// What the config says of the recorder.
#[derive(Clone, Debug)]
pub struct Recorder {
    /// Where `ng` is.
    pub address: SocketAddr,
    /// `segments` or `native`.
    pub pause: &'static str,
    /// Where its files are.
    pub recording_dir: PathBuf,
}

const OFF: &str = "off";

/// The server at work on a store of its own. Dropped, it is killed and the store is gone.
#[derive(Debug)]
pub struct Server {
    executable: PathBuf,
    /// The level of the log; without one there is no audit trail either.
    log: &'static str,
    program: Option<Program>,
    addresses: (SocketAddr, SocketAddr),
    place: TempDir,
}

fn config(recorder: Option<&Recorder>) -> Result<String> {
    let mut config = String::new();
    if let Some(Recorder { address, pause, recording_dir }) = recorder {
        write!(
            config,
            "[[recorder]]\nname = \"proxy-a\"\nkind = \"rtpengine\"\naddress = \"{address}\"\npause = \"{pause}\"\n\
             recording_dir = {:?}\nself_test = true\n",
            recording_dir.display().to_string()
        )?;
    }
    let bound = if recorder.is_some() { "recorder = \"proxy-a\"\n" } else { "" };
    for (ucc, line) in [(UCC, bound), (UCC_WITHOUT, "")] {
        write!(
            config,
            "\n[[ucc]]\nname = \"{ucc}\"\nrecording_api_licensed = true\nuse_audio_recording = true\n\
             agent_can_edit_audio_recording = true\nsave_recording_by_default = true\nagents = {AGENTS:?}\n{line}"
        )?;
    }
    Ok(config)
}

impl Server {
    /// Starts a server with sessions in a file, and with a recorder or without any.
    ///
    /// # Errors
    ///
    /// If it does not start, with the end of its log.
    pub fn start(executable: &Path, recorder: Option<&Recorder>) -> Result<Self> {
        Self::begin(executable, recorder, "info")
    }

    /// The same without a log and an audit trail, for times.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub fn bare(executable: &Path, recorder: Option<&Recorder>) -> Result<Self> {
        Self::begin(executable, recorder, OFF)
    }

    fn begin(executable: &Path, recorder: Option<&Recorder>, log: &'static str) -> Result<Self> {
        let place = tempfile::Builder::new().prefix("recording-lab-").tempdir()?;
        fs::write(place.path().join("world.toml"), config(recorder)?)?;
        let nowhere = (([127, 0, 0, 1], 0).into(), ([127, 0, 0, 1], 0).into());
        let mut server = Self { executable: executable.to_owned(), log, program: None, addresses: nowhere, place };
        server.restart()?;
        Ok(server)
    }

    /// The addresses of the API and of the admin's port.
    #[must_use]
    pub const fn addresses(&self) -> (SocketAddr, SocketAddr) {
        self.addresses
    }

    /// Its folder: the store, the log, the trail.
    #[must_use]
    pub fn place(&self) -> &Path {
        self.place.path()
    }

    /// Kills it (SIGKILL), unless it does not run.
    pub fn kill(&mut self) {
        self.program = None;
    }

    /// Kills it if it runs, and starts it on the same store.
    ///
    /// # Errors
    ///
    /// If it does not start, with the end of its log.
    pub fn restart(&mut self) -> Result<()> {
        self.kill();
        let in_place = |name: &str| self.place.path().join(name);
        let log = fs::File::options().create(true).append(true).open(in_place("log"))?;
        let mut command = Command::new(&self.executable);
        command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--rate", "off", "--log", self.log]);
        command.arg("--config").arg(in_place("world.toml"));
        command.arg("--store").arg(format!("file:{}", in_place("sessions").display()));
        if self.log != OFF {
            command.arg("--audit").arg(in_place("trail"));
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut program = Program::start(&mut command)?;
        let mut lines = BufReader::new(program.take_output().context("its output")?).lines();
        let (mut api, mut admin) = (None, None);
        while api.is_none() || admin.is_none() {
            let Some(line) = lines.next().transpose()? else {
                bail!("the server does not start:\n{}", end_of(&in_place("log")));
            };
            let address = |name: &str| line.strip_prefix(name)?.trim().strip_prefix("http://")?.parse().ok();
            (api, admin) = (api.or_else(|| address("API")), admin.or_else(|| address("admin")));
        }
        // What it writes later is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        self.addresses = api.zip(admin).context("its addresses")?;
        self.program = Some(program);
        Ok(())
    }

    /// Ends it in order (SIGTERM).
    ///
    /// # Errors
    ///
    /// If it does not end, or with a failure.
    pub fn end(&mut self) -> Result<()> {
        let Some(program) = self.program.take() else { return Ok(()) };
        let status = program.end(Duration::from_secs(30))?;
        if !status.success() {
            bail!("the server ends with {status}:\n{}", end_of(&self.place.path().join("log")));
        }
        Ok(())
    }

    /// The end of its log, for what went wrong.
    #[must_use]
    pub fn end_of_log(&self) -> String {
        end_of(&self.place.path().join("log"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_ucc_has_a_recorder() -> Result<()> {
        let recorder = Recorder {
            address: ([127, 0, 0, 1], 22222).into(),
            pause: "segments",
            recording_dir: "/var/spool/rtpengine".into(),
        };
        let with = config(Some(&recorder))?;
        assert_eq!(with.matches("recorder = \"proxy-a\"").count(), 1);
        assert_eq!(with.matches("[[ucc]]").count(), 2);
        assert_eq!(config(None)?.matches("recorder = ").count(), 0);
        assert!(with.contains("recording_dir = \"/var/spool/rtpengine\"\n"));
        Ok(())
    }
}

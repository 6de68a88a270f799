//! The programs that are measured, started on free ports and ended by their ids.

use crate::{
    sh::{Sh, say, target},
    text::{found, regex},
    tools,
};
use anyhow::{Context as _, Result, bail};
use core::time::Duration;
use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::Instant,
};
use tempfile::TempDir;

pub(super) const ID: &str = "1d6c6a58-6739-4f0c-98ff-0968292c8c30";
pub(super) const UCC: &str = "ucc-demo-name";
const WORLD: &str = r#"[[ucc]]
name = "ucc-demo-name"
recording_api_licensed = true
use_audio_recording = true
agent_can_edit_audio_recording = true
save_recording_by_default = true
agents = ["sip:agent@domain.com"]
"#;
/// How long a program may take to end in order.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is wanted, and what came of it.
pub(super) struct Goal {
    pub(super) what: String,
    pub(super) wanted: String,
    pub(super) found: String,
    pub(super) reached: bool,
}

impl Goal {
    pub(super) fn line(&self) -> String {
        let verdict = if self.reached { "reached" } else { "**not reached**" };
        crate::text::row(&[&self.what, &self.wanted, &self.found, verdict])
    }
}

pub(super) fn build() -> Result<()> {
    tools::need_toolchain(tools::TOOLCHAIN, &[], &[])?;
    say("building the server and what it is measured next to");
    tools::cargo("build --release --locked -p recording-server -p recording-load").show()
}

pub(in crate::figures) fn release(name: &str) -> PathBuf {
    target().join("release").join(name)
}

/// Runs a program that answers with one number.
pub(super) fn number(command: &Sh) -> Result<f64> {
    let said = command.read()?;
    said.trim().parse().with_context(|| format!("not a number: {said}"))
}

/// A directory on the disk that the build is on too; gone at the end.
pub(super) fn place() -> Result<TempDir> {
    let place = tempfile::Builder::new().prefix("load-").tempdir_in(target())?;
    fs::write(place.path().join("world.toml"), WORLD)?;
    Ok(place)
}

/// Removes the files of a directory whose names begin like this.
pub(super) fn remove(directory: &Path, prefix: &str) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The arguments that start the server.
pub(super) fn server() -> Vec<String> {
    let program = release("recording-server").display().to_string();
    [&program, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--log", "off"].map(str::to_owned).to_vec()
}

/// The same, without a rate: all load comes from one address, whose rate would be what is measured.
pub(super) fn server_without_rate() -> Vec<String> {
    server().into_iter().chain(["--rate", "off"].map(str::to_owned)).collect()
}

/// The same, with the sessions in a file.
pub(super) fn in_file(place: &Path) -> Vec<String> {
    let (world, sessions) =
        (place.join("world.toml").display().to_string(), format!("file:{}", place.join("sessions").display()));
    server_without_rate().into_iter().chain(["--config".to_owned(), world, "--store".to_owned(), sessions]).collect()
}

/// The option that writes a line of each answer to a trail.
pub(super) fn audit(place: &Path) -> [String; 2] {
    ["--audit".to_owned(), place.join("trail").display().to_string()]
}

/// A program that serves.
pub(super) struct Running {
    process: Child,
    pub(super) api: u16,
    pub(super) admin: Option<u16>,
    pub(super) ready_after: Duration,
}

impl Running {
    /// Starts it, and waits until it says its ports.
    pub(super) fn start(command: &[String], environment: &[(&str, &str)]) -> Result<Self> {
        let began = Instant::now();
        let (program, arguments) = command.split_first().context("a program")?;
        let sh = environment.iter().fold(Sh::new(program).args(arguments), |sh, (name, value)| sh.env(name, value));
        let mut process = sh
            .command()
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("`{program}` cannot be started"))?;
        let mut lines = BufReader::new(process.stdout.take().context("its output")?).lines();
        let mut running = Self { process, api: 0, admin: None, ready_after: Duration::ZERO };
        let has_admin = command.iter().any(|word| word == "--admin");
        while running.api == 0 || (has_admin && running.admin.is_none()) {
            let Some(line) = lines.next() else { bail!("`{}` does not start", command.join(" ")) };
            match port(&line?) {
                Some(("API", port)) => running.api = port,
                Some((_, port)) => running.admin = Some(port),
                None => {}
            }
        }
        running.ready_after = began.elapsed();
        // What it writes later is read, so that it never waits for a reader.
        thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Ok(running)
    }

    /// Bytes in memory.
    pub(super) fn resident(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        Ok(1024 * found(r"(?m)^VmRSS:\s*(\d+) kB", &status).context("a size in memory")?.parse::<u64>()?)
    }

    pub(super) fn kill(mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// Ends it in order.
    pub(super) fn end(&mut self) -> Result<()> {
        if self.process.try_wait()?.is_none() {
            Sh::line(&format!("kill -TERM {}", self.process.id())).quiet()?;
            let began = Instant::now();
            while self.process.try_wait()?.is_none() {
                if began.elapsed() > PATIENCE {
                    bail!("process {} does not end", self.process.id());
                }
                thread::sleep(Duration::from_millis(10));
            }
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.end().is_err() {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

/// The port that a line of a program's output names.
fn port(line: &str) -> Option<(&'static str, u16)> {
    let found = regex(r"^(API|admin) +http://127\.0\.0\.1:(\d+)").captures(line)?;
    Some((if &found[1] == "API" { "API" } else { "admin" }, found[2].parse().ok()?))
}

/// One connection, one request after the other.
pub(super) struct Connection(TcpStream);

impl Connection {
    pub(super) fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(stream))
    }

    pub(super) fn exchange(&mut self, request: &[u8]) -> Result<Vec<u8>> {
        self.0.write_all(request)?;
        let (mut reply, mut part) = (Vec::new(), [0; 65_536]);
        while !reply.ends_with(b"}") {
            match self.0.read(&mut part)? {
                0 => bail!("the server closed its connection after {}", String::from_utf8_lossy(&reply)),
                length => reply.extend_from_slice(&part[..length]),
            }
        }
        Ok(reply)
    }
}

pub(super) fn request(method: &str, path: &str, body: &str) -> Vec<u8> {
    let content = if body.is_empty() {
        String::new()
    } else {
        format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len())
    };
    format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: load\r\nAccept: */*\r\n{content}\r\n{body}"
    )
    .into_bytes()
}

pub(super) fn set_body(action: u8) -> String {
    format!(
        r#"{{"Action":{action},"RequesterSipUri":"sip:agent@domain.com","CorrelationId":"{ID}","UCCName":"{UCC}"}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_says_its_ports() {
        assert_eq!(port("API    http://127.0.0.1:8080 and more"), Some(("API", 8080)));
        assert_eq!(port("admin  http://127.0.0.1:9090"), Some(("admin", 9090)));
        assert_eq!(port("ready"), None);
    }

    #[test]
    fn a_request_has_a_length_only_with_a_body() {
        let set = String::from_utf8(request("POST", "/set", "{}")).unwrap_or_default();
        assert!(
            set.starts_with("POST /set HTTP/1.1\r\n")
                && set.contains("\r\nContent-Length: 2\r\n")
                && set.ends_with("\r\n\r\n{}")
        );
        assert!(!request("GET", "/", "").windows(7).any(|window| window == b"Content"));
        assert!(serde_json::from_str::<serde_json::Value>(&set_body(3)).is_ok_and(|body| body["Action"] == 3));
    }
}

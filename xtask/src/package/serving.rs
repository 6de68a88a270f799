//! A server that was started to be looked at.

use crate::sh::Sh;
use anyhow::{Context as _, Result, bail, ensure};
use core::time::Duration;
use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
    sync::mpsc,
    thread,
};

/// How long it may take until it listens; it takes a part of a second.
const PATIENCE: Duration = Duration::from_secs(60);
/// Any free ports, and not the ones of a server that runs on this machine.
const FREE: [&str; 4] = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];

/// A server, which is always ended.
pub(super) struct Serving {
    process: Child,
    /// The address of the admin's port.
    pub(super) admin: String,
}

impl Serving {
    /// Starts it and waits until it listens.
    pub(super) fn start(command: &Sh) -> Result<Self> {
        let mut command = command.clone().args(FREE).command();
        let process = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut serving = Self { process, admin: String::new() };
        let out = BufReader::new(serving.process.stdout.take().context("its output")?);
        let mut err = BufReader::new(serving.process.stderr.take().context("its log")?);
        let (send, receive) = mpsc::channel();
        // Both are read to their ends: a server whose output is not read may not wait for that.
        thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if let Some(admin) = line.strip_prefix("admin  http://") {
                    let _ = send.send(admin.to_owned());
                }
            }
        });
        let log = thread::spawn(move || {
            let mut lines = String::new();
            while matches!(err.read_line(&mut lines), Ok(1..)) {}
            lines
        });
        let Ok(admin) = receive.recv_timeout(PATIENCE) else {
            drop(serving);
            bail!("the server does not listen:\n{}", log.join().unwrap_or_default());
        };
        serving.admin = admin;
        Ok(serving)
    }

    /// Ends it as systemd does.
    pub(super) fn end(mut self) -> Result<()> {
        Sh::line("kill -TERM").arg(self.process.id().to_string()).quiet()?;
        let status = self.process.wait()?;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> Sh {
        Sh::new("sh").args(["-c", text])
    }

    #[test]
    fn a_server_is_waited_for_and_ended() -> Result<()> {
        let serving = Serving::start(&script(
            "trap 'exit 0' TERM; echo 'admin  http://127.0.0.1:1'; while :; do sleep 0.05; done",
        ))?;
        assert_eq!(serving.admin, "127.0.0.1:1");
        serving.end()
    }

    #[test]
    fn one_that_ends_at_once_or_badly_is_noticed() -> Result<()> {
        let failed = Serving::start(&script("echo 'no config' >&2; exit 2"));
        assert!(failed.err().is_some_and(|error| error.to_string().contains("no config")));
        let serving =
            Serving::start(&script("trap 'exit 1' TERM; echo 'admin  http://x'; while :; do sleep 0.05; done"))?;
        assert!(serving.end().is_err());
        Ok(())
    }
}

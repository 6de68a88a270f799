//! Programs that are frozen, killed and always ended.

use anyhow::{Context as _, Result, bail};
use core::time::Duration;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::{
    fs,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Instant,
};

/// Waits for the end of its standard input, which comes however this process ends, and kills then.
const GUARD: &str = r#"trap "" INT TERM HUP; read -r _; kill -KILL "-$1""#;

/// A program that this process started. It is killed when dropped with what it has started, also while it is frozen, and also
/// if this process is killed itself.
#[derive(Debug)]
pub struct Program {
    child: Child,
    guard: Child,
}

impl Program {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn start(command: &mut Command) -> Result<Self> {
        use std::os::unix::process::CommandExt as _;
        let name = command.get_program().display().to_string();
        // In a group of its own: what it starts belongs to it, and the signal of a terminal comes from here.
        let mut child = command.process_group(0).spawn().with_context(|| format!("`{name}` cannot be started"))?;
        let guard = Command::new("sh")
            .args(["-c", GUARD, "sh", &child.id().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        match guard {
            Ok(guard) => Ok(Self { child, guard }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error).context("`sh` cannot be started")
            }
        }
    }

    /// The number of its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it writes to its standard output, once.
    pub const fn take_output(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    fn pid(&self) -> Result<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).context("the number of a process")
    }

    /// Kills it and what it has started, unless it is known to be gone.
    fn kill_all(&mut self) {
        if let (Ok(None), Ok(pid)) = (self.child.try_wait(), self.pid()) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
        let _ = self.child.wait();
    }

    /// Sends a signal. A program that has ended and was not waited for takes it without an effect.
    fn signal(&self, signal: Signal) -> Result<()> {
        kill_process(self.pid()?, signal).with_context(|| format!("signal to process {}", self.child.id()))
    }

    /// Stops it in the middle of what it does, and waits until all of its threads have stopped.
    ///
    /// # Errors
    ///
    /// If there is no such process.
    pub fn freeze(&self) -> Result<()> {
        self.signal(Signal::STOP)?;
        let began = Instant::now();
        while !self.is_stopped()? {
            if began.elapsed() > Duration::from_secs(5) {
                bail!("process {} does not stop", self.child.id());
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    fn is_stopped(&self) -> Result<bool> {
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            // A thread may end meanwhile.
            let stat = fs::read_to_string(thread?.path().join("stat")).unwrap_or_default();
            if !matches!(state_in(&stat), Some('T' | 'Z' | 'X') | None) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Lets it go on.
    ///
    /// # Errors
    ///
    /// If there is no such process.
    pub fn thaw(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Whether it has ended, and how.
    ///
    /// # Errors
    ///
    /// If the system does not say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Asks it to end (SIGTERM), and waits.
    ///
    /// # Errors
    ///
    /// If it does not end within that time: it is killed then.
    pub fn end(mut self, patience: Duration) -> Result<ExitStatus> {
        self.thaw()?;
        self.signal(Signal::TERM)?;
        self.wait(patience)
    }

    /// Waits for its end.
    ///
    /// # Errors
    ///
    /// If it does not end within that time: it is killed then.
    pub fn wait(&mut self, patience: Duration) -> Result<ExitStatus> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            if began.elapsed() > patience {
                bail!("process {} does not end", self.child.id());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // SIGKILL ends a frozen process too.
        self.kill_all();
        let _ = self.guard.kill();
        let _ = self.guard.wait();
    }
}

/// The state in what Linux says of a process or thread, after its name in brackets.
fn state_in(stat: &str) -> Option<char> {
    stat.rsplit_once(") ")?.1.chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(id: u32) -> Option<char> {
        state_in(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
    }

    fn becomes(id: u32, wanted: Option<char>) -> bool {
        (0..500).any(|_| {
            thread::sleep(Duration::from_millis(10));
            state(id) == wanted
        })
    }

    #[test]
    fn a_frozen_program_is_gone_when_dropped() -> Result<()> {
        let program = Program::start(Command::new("sleep").arg("100"))?;
        let id = program.id();
        program.freeze()?;
        assert_eq!(state(id), Some('T'));
        program.thaw()?;
        assert!(becomes(id, Some('S')));
        program.freeze()?;
        drop(program);
        assert_eq!(state(id), None);
        Ok(())
    }

    #[test]
    fn the_guard_kills_when_its_input_ends() -> Result<()> {
        let mut program = Program::start(Command::new("sleep").arg("100"))?;
        program.freeze()?;
        // As if this process were killed.
        drop(program.guard.stdin.take());
        let status = program.wait(Duration::from_secs(10))?;
        assert!(!status.success());
        Ok(())
    }

    #[test]
    fn a_program_that_does_not_end_is_an_error() -> Result<()> {
        let mut program = Program::start(Command::new("sleep").arg("100"))?;
        assert!(program.wait(Duration::from_millis(20)).is_err());
        assert_eq!(program.ended()?, None);
        assert!(Program::start(&mut Command::new("no-such-program")).is_err());
        Ok(())
    }
}

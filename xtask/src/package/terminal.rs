//! A shell whose commands come one after the other, as someone pastes them who looks at what each says.

use crate::sh::Sh;
use anyhow::{Context as _, Result, bail};
use core::time::Duration;
use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Stdio},
    sync::mpsc,
    thread,
    time::Instant,
};

/// How long a block of commands may take; installing packages takes longest.
const PATIENCE: Duration = Duration::from_secs(180);
/// What is printed after each block.
const DONE: &str = "@@ done @@";

/// A shell, which always ends.
pub(super) struct Terminal {
    process: Child,
    lines: mpsc::Receiver<String>,
}

impl Terminal {
    /// Starts it: a shell that reads commands, and ends with the first one that fails.
    pub(super) fn start(shell: &Sh) -> Result<Self> {
        let mut process = shell.command().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let out = BufReader::new(process.stdout.take().context("its output")?);
        let (send, lines) = mpsc::channel();
        thread::spawn(move || {
            out.split(b'\n')
                .map_while(Result::ok)
                .try_for_each(|line| send.send(String::from_utf8_lossy(&line).into_owned()))
        });
        Ok(Self { process, lines })
    }

    /// Pastes a block of commands, and gives what they print.
    pub(super) fn paste(&mut self, commands: &str) -> Result<String> {
        let input = self.process.stdin.as_mut().context("its input")?;
        // What a command would read is no command.
        write!(input, "{{\n{commands}\n}} </dev/null\necho; echo '{DONE}'\n")?;
        input.flush()?;
        let (mut said, until) = (String::new(), Instant::now() + PATIENCE);
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) if line == DONE => return Ok(said),
                Ok(line) => said.extend([line.as_str(), "\n"]),
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    bail!("it takes longer than {} s:\n{commands}\n{said}", PATIENCE.as_secs())
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => bail!("one of these fails:\n{commands}\nIt said:\n{said}"),
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal() -> Result<Terminal> {
        Terminal::start(&Sh::new("bash").args(["-euo", "pipefail"]))
    }

    #[test]
    fn what_a_block_says_is_known_and_its_variables_stay() -> Result<()> {
        let mut terminal = terminal()?;
        assert_eq!(terminal.paste("A=7\nsay() { echo \"$A $1\"; }\nsay one")?, "7 one\n\n");
        assert_eq!(terminal.paste("printf unfinished")?, "unfinished\n");
        assert_eq!(terminal.paste("say two; cat")?, "7 two\n\n", "input is not taken from the next block");
        assert_eq!(terminal.paste("cat >/dev/null <<'END'\nA=8\nEND\nsay three")?, "7 three\n\n");
        Ok(())
    }

    #[test]
    fn a_command_that_fails_is_found_with_what_it_said() -> Result<()> {
        for block in ["echo before; false; echo after", "false | cat", "echo before\nexit 0"] {
            let mut terminal = terminal()?;
            terminal.paste("true")?;
            let failed = terminal.paste(block).err().context("it failed")?.to_string();
            assert!(!failed.contains("\nafter\n"), "{failed}");
        }
        Ok(())
    }
}

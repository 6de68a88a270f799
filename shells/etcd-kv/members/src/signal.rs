//! Signals to one process, by the shell's own `kill`: no program of that name need be there.

use std::process::{Command, Stdio};

pub(crate) fn send(signal: &str, pid: u32) -> Result<(), String> {
    let line = format!("kill -{signal} {pid}");
    let done = Command::new("sh").args(["-c", &line]).stdin(Stdio::null()).output();
    match done {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{line}: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(format!("{line}: {error}")),
    }
}

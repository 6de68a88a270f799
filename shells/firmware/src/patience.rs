//! Nothing that a person waits for is silent for long.

use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};
use std::{io, thread};

/// How often it is said that something still goes on.
pub const SILENCE: Duration = Duration::from_secs(10);

/// Waits for the end of a program, and reports each time that `every` is over how long it has been.
///
/// # Errors
///
/// If its end cannot be waited for.
pub fn wait(child: &mut Child, every: Duration, mut report: impl FnMut(Duration)) -> io::Result<ExitStatus> {
    let (began, mut pause) = (Instant::now(), Duration::from_millis(1));
    let mut next = every;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        let past = began.elapsed();
        if past >= next {
            report(past);
            next = past + every;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(100)).min(every);
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn reports(script: &str, every: Duration) -> (bool, Vec<Duration>) {
        let mut child = Command::new("sh").args(["-c", script]).spawn().expect("a shell");
        let mut reports = Vec::new();
        let status = wait(&mut child, every, |past| reports.push(past)).expect("it is our child");
        (status.success(), reports)
    }

    #[test]
    fn a_program_that_says_nothing_is_reported_again_and_again() {
        let every = Duration::from_millis(50);
        let (success, reports) = reports("sleep 1", every);
        assert!(success && reports.len() >= 3, "{reports:?}");
        assert!(reports[0] >= every && reports.windows(2).all(|two| two[1] - two[0] >= every), "{reports:?}");
    }

    #[test]
    fn one_that_ends_is_not() {
        assert_eq!(reports("exit 3", Duration::from_secs(3600)), (false, Vec::new()));
    }
}

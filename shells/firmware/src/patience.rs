//! Nothing that a person waits for is silent for long.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// How often it is said that something still goes on.
pub const SILENCE: Duration = Duration::from_secs(10);

/// Does some work, and reports each time that `every` is over how long it has been.
pub fn during<T>(every: Duration, mut report: impl FnMut(Duration) + Send, work: impl FnOnce() -> T) -> T {
    let (working, ends) = mpsc::channel::<()>();
    let began = Instant::now();
    thread::scope(|scope| {
        scope.spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = ends.recv_timeout(every) {
                report(began.elapsed());
            }
        });
        // However the work ends, the reports end with it.
        let _working = working;
        work()
    })
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::process::Command;

    use super::*;

    fn reports(script: &str, every: Duration) -> (bool, Vec<Duration>) {
        let mut reports = Vec::new();
        let status = during(every, |past| reports.push(past), || Command::new("sh").args(["-c", script]).status());
        (status.expect("a shell").success(), reports)
    }

    #[test]
    fn a_program_that_says_nothing_is_reported_again_and_again() {
        let every = Duration::from_millis(50);
        let (success, reports) = reports("sleep 1", every);
        assert!(success && reports.len() >= 3, "{reports:?}");
        assert!(reports[0] >= every && reports.is_sorted(), "{reports:?}");
    }

    #[test]
    fn what_ends_before_is_not_and_a_panic_is_passed_on() {
        let never = Duration::from_secs(3600);
        assert_eq!(reports("exit 3", never), (false, Vec::new()));
        let planted = catch_unwind(AssertUnwindSafe(|| during(never, |_| {}, || panic!("planted"))));
        assert!(planted.is_err());
    }
}

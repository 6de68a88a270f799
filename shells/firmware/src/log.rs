//! What a line of text says, line by line, with everything that it said before.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use crate::PATIENCE;

/// The lines that came from somewhere.
#[derive(Debug, Clone, Default)]
pub struct Log {
    shared: Arc<(Mutex<Lines>, Condvar)>,
}

#[derive(Debug, Default)]
struct Lines {
    lines: Vec<String>,
    ended: bool,
}

impl Log {
    /// Everything that comes from `source`, from now on to its end.
    #[must_use]
    pub fn of(source: impl Read + Send + 'static) -> Self {
        let log = Self::default();
        let shared = log.clone();
        thread::spawn(move || {
            let mut source = BufReader::new(source);
            let mut line = Vec::new();
            while source.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                line.clear();
                shared.lines().lines.push(text);
                shared.shared.1.notify_all();
            }
            shared.lines().ended = true;
            shared.shared.1.notify_all();
        });
        log
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All lines so far.
    #[must_use]
    pub fn all(&self) -> Vec<String> {
        self.lines().lines.clone()
    }

    /// How many lines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines().lines.len()
    }

    /// Whether nothing came yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether no more can come.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.lines().ended
    }

    /// Waits for a line from the given place on; gives the line, and the place after it.
    ///
    /// # Errors
    ///
    /// All lines, if there is none like it before the source ends or patience does.
    pub fn wait(&self, from: usize, is_meant: impl Fn(&str) -> bool) -> Result<(String, usize), Vec<String>> {
        let (deadline, mut seen) = (Instant::now() + PATIENCE, from);
        let mut lines = self.lines();
        loop {
            while let Some(line) = lines.lines.get(seen) {
                seen += 1;
                if is_meant(line) {
                    return Ok((line.clone(), seen));
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if lines.ended || left.is_zero() {
                return Err(lines.lines.clone());
            }
            lines = self.shared.1.wait_timeout(lines, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

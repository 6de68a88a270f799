//! A serial line of an emulated board: a socket in the file system.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;

use crate::Log;

/// One end of the line.
#[derive(Debug)]
pub struct Serial {
    stream: UnixStream,
    /// What the board said on it.
    pub log: Log,
    /// How much of that was taken as answers.
    taken: usize,
}

impl Serial {
    pub(crate) fn new(stream: UnixStream) -> io::Result<Self> {
        let log = Log::of(stream.try_clone()?);
        Ok(Self { stream, log, taken: 0 })
    }

    /// Says something, without waiting for an answer.
    ///
    /// # Panics
    ///
    /// If the board is gone.
    pub fn say(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the board listens");
    }

    /// The next line that was not taken yet.
    ///
    /// # Panics
    ///
    /// If none comes.
    pub fn hear(&mut self) -> String {
        let (line, behind) = self.log.wait(self.taken, |_| true).expect("the board answers");
        self.taken = behind;
        line
    }

    /// Says a line and gives the answer.
    ///
    /// # Panics
    ///
    /// If none comes.
    pub fn ask(&mut self, command: &str) -> String {
        self.say(format!("{command}\n").as_bytes());
        self.hear()
    }
}

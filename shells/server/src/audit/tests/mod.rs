//! The trail's files, as they are on this machine and as a model of a file system on which every call may fail.

mod exploration;
mod intents;
mod lines;
mod model;
mod past;
mod rotation;
mod settled;
mod stalled;
mod written;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Trail, TrailSettings, Work, numbered};

impl Trail {
    /// Writes lines and waits for it.
    fn write_now(&self, lines: &[u8]) -> io::Result<()> {
        self.ask(Work::Write { lines: lines.to_vec(), durably: false, revisions: None })
    }

    fn write_now_durably(&self, lines: &[u8]) -> io::Result<()> {
        self.write_durably(lines.to_vec(), None)
    }
}

/// A directory of this test, gone when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("recording-trail-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        Self(directory)
    }

    fn settings(&self, max_bytes: u64, keep: u32) -> TrailSettings {
        TrailSettings { path: self.0.join("trail"), max_bytes, keep, reads: true }
    }

    fn trail(&self) -> Trail {
        Trail::open(&self.settings(1_000_000, 3)).unwrap()
    }

    fn text(&self) -> String {
        fs::read_to_string(self.0.join("trail")).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn files(path: &Path) -> Vec<String> {
    let older = (1..).map(|number| numbered(path, number)).take_while(|file| file.exists());
    let mut files: Vec<_> = older.map(|file| fs::read_to_string(file).unwrap()).collect();
    files.reverse();
    files.push(fs::read_to_string(path).unwrap());
    files
}

//! Going on in a new file: FILE becomes FILE.1, that one FILE.2, and so on.
//!
//! Whatever fails, and whenever the process is killed, every line stays in one of the files, in order:
//!
//! - All that has to be opened is open before anything is renamed.
//! - If FILE is not the file that is written, somebody else has exchanged it: it is opened again, and nothing is shifted.
//! - Archives move up into the first free number, from there downwards. No renaming meets a file, and after a failure the
//!   next attempt goes on where the last one stopped.
//! - The oldest archive is removed after the new one was made, and only with `keep` newer ones before it.
//! - After the last renaming the new file is the one that is written, whether or not the directory could be synced.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use tracing::{error, warn};

use super::file::TrailFile;
use super::files::Files;
use super::guards::Guard;
use super::numbered;
use super::shift::Shift;

impl<F: Files> TrailFile<F> {
    /// Sees to it that a line finds room. Evidence that is written to a file that is too large is better than none.
    pub(super) fn make_room(&mut self) {
        if self.failed.is_some_and(|at| at.elapsed() < self.pause) {
            return;
        }
        self.failed = None;
        if let Err(reason) = self.rotate() {
            self.failed = Some(Instant::now());
            self.shift = Shift::default();
            error!(target: "recording", reason = reason.to_string(), "the audit trail cannot be rotated");
        }
    }

    /// Goes on in a new file, or does a part of what that takes.
    fn rotate(&mut self) -> io::Result<()> {
        if self.guards.stand(Guard::SameFile) && !self.files.is_same(&self.path, &self.file)? {
            return self.reopen();
        }
        // What is in it by now must not depend on this file being synced later.
        if self.guards.stand(Guard::SyncFirst) {
            self.files.sync(&self.file)?;
        }
        let mut new = self.path.as_os_str().to_owned();
        new.push(".new");
        let new = PathBuf::from(new);
        self.remove(&new)?;
        let file = self.files.create(&new)?;
        let directory = self.files.directory(&self.path)?;
        if !self.shift()? {
            return Ok(());
        }
        let is_over = self.shift.is_over;
        let archive = numbered(&self.path, 1);
        self.rename(&self.path, &archive, &self.file)?;
        if let Err(error) = self.rename(&new, &self.path, &file) {
            if self.guards.stand(Guard::NameBack) {
                let _ = self.files.rename(&archive, &self.path);
            }
            return Err(error);
        }
        self.exchanged += 1;
        let synced = self.files.sync_directory(&directory);
        if !self.guards.stand(Guard::TakeNew) {
            synced?;
            (self.file, self.len, self.shift) = (file, 0, Shift::default());
            return Ok(());
        }
        (self.file, self.len, self.shift) = (file, 0, Shift::default());
        if let Err(reason) = synced {
            let reason = reason.to_string();
            warn!(target: "recording", reason, "the audit trail was rotated, but its directory cannot be synced");
        }
        if is_over && let Err(reason) = self.remove(&numbered(&self.path, self.keep + 1)) {
            let reason = reason.to_string();
            warn!(target: "recording", reason, "the oldest file of the audit trail cannot be removed");
        }
        Ok(())
    }

    /// Gives a file another name. An error does not say that it has not got it: a network may have lost the answer.
    fn rename(&self, from: &Path, to: &Path, file: &F::File) -> io::Result<()> {
        let renamed = self.files.rename(from, to);
        renamed.or_else(|error| if matches!(self.files.is_same(to, file), Ok(true)) { Ok(()) } else { Err(error) })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.files
            .remove(path)
            .or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
    }

    /// A rotation that was broken off leaves one number free. Archives move down until it is after the last of them, so that
    /// who reads them one number after the other finds all.
    pub(super) fn close_gap(&self) -> io::Result<()> {
        let there = |number| self.files.exists(&numbered(&self.path, number));
        let mut free = 1;
        while there(free)? {
            free += 1;
        }
        while there(free + 1)? {
            self.files.rename(&numbered(&self.path, free + 1), &numbered(&self.path, free))?;
            free += 1;
        }
        Ok(())
    }

    /// Moves archives up until FILE.1 is free; tells whether it is.
    fn shift(&mut self) -> io::Result<bool> {
        let mut left = self.most;
        let mut go_on = || {
            left = left.saturating_sub(1);
            left > 0
        };
        // Somebody may have put a file there since the last line.
        if self.shift.free > 0 && self.files.exists(&numbered(&self.path, self.shift.free))? {
            self.shift = Shift::default();
        }
        if !self.guards.stand(Guard::FreeNumber) && self.shift.free == 0 {
            self.shift.free = self.keep + 1;
        }
        while self.shift.free == 0 {
            let next = self.shift.seen + 1;
            if !self.files.exists(&numbered(&self.path, next))? {
                self.shift.free = next;
            } else {
                self.shift.seen = next;
                if !go_on() {
                    return Ok(false);
                }
            }
        }
        // More than are kept, all in a row: left by a server that was killed or that kept more.
        while self.shift.seen > self.keep {
            match self.remove(&numbered(&self.path, self.shift.seen)) {
                Ok(()) if self.shift.free == self.shift.seen + 1 => self.shift.free = self.shift.seen,
                Ok(()) => {}
                // What cannot be removed, such as a directory, moves on with the others.
                Err(reason) => {
                    let reason = reason.to_string();
                    warn!(target: "recording", reason, "an old file of the audit trail cannot be removed");
                }
            }
            self.shift.seen -= 1;
            if !go_on() {
                return Ok(false);
            }
        }
        if !self.guards.stand(Guard::OldestLast) && self.shift.free > self.keep {
            self.remove(&numbered(&self.path, self.keep))?;
        }
        self.shift.is_over |= self.shift.free > self.keep;
        while self.shift.free > 1 {
            let from = self.shift.free - 1;
            match self.files.rename(&numbered(&self.path, from), &numbered(&self.path, self.shift.free)) {
                // Somebody has taken it away.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                moved => moved?,
            }
            self.shift.free = from;
            if self.shift.free > 1 && !go_on() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

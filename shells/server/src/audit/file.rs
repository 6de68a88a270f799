//! The file of the trail: lines are written whole, and it makes room for a new one when it has grown.

use core::time::Duration;
use std::io;
use std::path::PathBuf;
use std::time::Instant;

use tracing::warn;

use super::TrailSettings;
use super::files::{Files, Opened};
use super::guards::{Guard, Guards};
use super::shift::{MOST, Shift};

/// How long a rotation that failed is left alone. Meanwhile the file grows on.
const PAUSE: Duration = Duration::from_secs(10);

/// What is written to find out whether anything can be.
const TRIAL: [u8; 4096] = [b' '; 4096];

#[derive(Debug)]
pub(super) struct TrailFile<F: Files> {
    pub(super) files: F,
    /// Where it really is, if the name that was given is a link.
    pub(super) path: PathBuf,
    pub(super) max_bytes: u64,
    pub(super) keep: u32,
    pub(super) file: F::File,
    /// How often another file was taken since the first.
    pub(super) exchanged: u64,
    /// How large it is.
    pub(super) len: u64,
    pub(super) is_regular: bool,
    /// After this length there is something that could not be taken back yet.
    pub(super) torn: Option<u64>,
    /// How far a rotation has come that takes several lines.
    pub(super) shift: Shift,
    /// How much of it is done before one line.
    pub(super) most: u32,
    /// When a rotation failed last.
    pub(super) failed: Option<Instant>,
    pub(super) pause: Duration,
    /// Which of the things that keep lines safe tests have taken away.
    pub(super) guards: Guards,
}

impl<F: Files> TrailFile<F> {
    /// Opens the file that the settings name, at its real place.
    pub(super) fn open(files: F, path: PathBuf, settings: &TrailSettings) -> io::Result<Self> {
        let Opened { file, mut len, is_regular } = files.open(&path)?;
        if is_regular {
            let whole = whole_lines(&files, &file, len)?;
            if whole < len {
                files.set_len(&file, whole)?;
                len = whole;
            }
        }
        let file = Self {
            files,
            path,
            max_bytes: settings.max_bytes,
            keep: settings.keep,
            file,
            exchanged: 0,
            len,
            is_regular,
            torn: None,
            shift: Shift::default(),
            most: MOST,
            failed: None,
            pause: PAUSE,
            guards: Guards::default(),
        };
        if is_regular && let Err(reason) = file.close_gap() {
            let reason = reason.to_string();
            warn!(target: "recording", reason, "a number between older files of the audit trail stays free");
        }
        Ok(file)
    }

    /// Whether so much finds room without a rotation.
    pub(super) const fn has_room(&self, len: usize) -> bool {
        !self.is_regular || self.len + len as u64 <= self.max_bytes
    }

    /// Appends lines, all or none.
    pub(super) fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.guards.stand(Guard::Mend) {
            self.mend()?;
        }
        if self.len > 0 && !self.has_room(lines.len()) {
            self.make_room();
        }
        let mut written = 0;
        while let Some(rest) = lines.get(written..).filter(|rest| !rest.is_empty()) {
            match self.files.write(&self.file, rest) {
                Ok(0) => return Err(self.take_back(written, io::ErrorKind::WriteZero.into())),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.take_back(written, error)),
            }
        }
        self.len += lines.len() as u64;
        Ok(())
    }

    fn take_back(&mut self, written: usize, error: io::Error) -> io::Error {
        if self.is_regular {
            // Of the file as it is: somebody may have emptied it meanwhile.
            let len = self.files.len(&self.file).map(|len| len.saturating_sub(written as u64));
            self.torn = Some(len.unwrap_or(self.len));
        }
        let _ = self.mend();
        error
    }

    /// Cuts off what was written of lines that could not be written whole. Done twice it does no harm: a cut that failed
    /// may have been made.
    fn mend(&mut self) -> io::Result<()> {
        let Some(whole) = self.torn else { return Ok(()) };
        if self.files.len(&self.file)? > whole {
            self.files.set_len(&self.file, whole)?;
        }
        self.torn = None;
        Ok(())
    }

    /// The same, and they are on disk.
    pub(super) fn write_durably(&mut self, lines: &[u8]) -> io::Result<()> {
        self.write(lines)?;
        self.sync().map_err(|error| self.take_back_whole(lines, error))
    }

    /// Takes back lines that were the last to be written, and whose change is not made.
    pub(super) fn take_back_whole(&mut self, lines: &[u8], error: io::Error) -> io::Error {
        self.len = self.len.saturating_sub(lines.len() as u64);
        self.take_back(lines.len(), error)
    }

    /// Writes as much as a few lines take, and takes it back: what a server that was killed in between leaves is no line,
    /// and is cut off at the next start. What is no regular file takes nothing back: there the next line must show it.
    pub(super) fn try_out(&mut self) -> io::Result<()> {
        if !self.is_regular {
            return Err(io::Error::other("no line could be written since the last one that could not"));
        }
        self.write_durably(&TRIAL)?;
        self.len = self.len.saturating_sub(TRIAL.len() as u64);
        self.torn = Some(self.files.len(&self.file)?.saturating_sub(TRIAL.len() as u64));
        self.mend()
    }

    fn sync(&self) -> io::Result<()> {
        if self.is_regular { self.files.sync(&self.file) } else { Ok(()) }
    }

    /// Opens the file by its name again, if that is another one by now.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        if self.is_regular && self.files.is_same(&self.path, &self.file)? {
            return Ok(());
        }
        let Opened { file, len, is_regular } = self.files.open(&self.path)?;
        if self.is_regular && !is_regular {
            // Nothing may read that pipe, and what was answered is not in it for good.
            return Err(io::Error::other("there is a pipe or a device now where the file was"));
        }
        // What is in the old one must not depend on that being synced later, and no half line stays at its end.
        self.mend()?;
        self.sync()?;
        (self.file, self.len, self.is_regular) = (file, len, is_regular);
        self.exchanged += 1;
        (self.shift, self.failed) = (Shift::default(), None);
        Ok(())
    }
}

/// How many bytes there are up to the end of the last whole line.
fn whole_lines<F: Files>(files: &F, file: &F::File, len: u64) -> io::Result<u64> {
    const PART: u64 = 4096;
    let mut end = len;
    while end > 0 {
        let start = end.saturating_sub(PART);
        let mut part = vec![0; (end - start) as usize];
        files.read(file, start, &mut part)?;
        if let Some(at) = part.iter().rposition(|&byte| byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

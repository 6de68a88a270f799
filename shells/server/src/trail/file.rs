//! The file of the trail: lines are written whole, and it makes room for a new one when it has grown.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use tracing::error;

use super::{Settings, numbered};

/// How much is written to find out whether anything can be.
const TRIAL_LEN: usize = 4096;

#[derive(Debug)]
pub(super) struct TrailFile {
    path: PathBuf,
    max_bytes: u64,
    keep: u32,
    file: File,
    /// How large it is.
    len: u64,
    /// Devices and pipes are written to, and that is all.
    is_regular: bool,
    /// A part of a line is at the end that could not be taken back.
    torn: u64,
}

/// Opens a file to append to, and takes the lock that says who writes it.
fn open(path: &Path) -> io::Result<(File, u64, bool)> {
    let file = File::options().create(true).read(true).append(true).open(path).or_else(|error| {
        // What cannot be read, such as a pipe's end, can still be written.
        if error.kind() == io::ErrorKind::PermissionDenied {
            File::options().append(true).open(path)
        } else {
            Err(error)
        }
    })?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok((file, 0, false));
    }
    match file.try_lock() {
        Ok(()) => Ok((file, metadata.len(), true)),
        Err(TryLockError::WouldBlock) => Err(io::Error::other("another server writes it")),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

impl TrailFile {
    pub(super) fn open(settings: &Settings) -> io::Result<Self> {
        let Settings { path, max_bytes, keep, .. } = settings;
        let (mut file, mut len, is_regular) = open(path)?;
        if is_regular {
            let whole = whole_lines(&mut file, len)?;
            if whole < len {
                file.set_len(whole)?;
                len = whole;
            }
        }
        let (max_bytes, keep) = (*max_bytes, *keep);
        Ok(Self { path: path.clone(), max_bytes, keep, file, len, is_regular, torn: 0 })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends lines, all or none.
    pub(super) fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        self.mend()?;
        if self.is_regular && self.len > 0 && self.len + lines.len() as u64 > self.max_bytes {
            // Evidence that is written to a file that is too large is better than none.
            if let Err(reason) = self.rotate() {
                error!(target: "recording", reason = reason.to_string(), "the audit trail cannot be rotated");
            }
        }
        let mut written = 0;
        while let Some(rest) = lines.get(written..).filter(|rest| !rest.is_empty()) {
            match self.file.write(rest) {
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
        self.torn = written as u64;
        let _ = self.mend();
        error
    }

    /// Cuts off what was written of lines that could not be written whole.
    fn mend(&mut self) -> io::Result<()> {
        if self.torn > 0 && self.is_regular {
            // Of the file as it is: somebody may have emptied it meanwhile.
            let len = self.file.metadata()?.len();
            self.file.set_len(len.saturating_sub(self.torn))?;
        }
        self.torn = 0;
        Ok(())
    }

    /// The same, and they are on disk.
    pub(super) fn write_durably(&mut self, lines: &[u8]) -> io::Result<()> {
        self.write(lines)?;
        self.sync().map_err(|error| {
            self.len -= lines.len() as u64;
            self.take_back(lines.len(), error)
        })
    }

    /// Writes as much as a few lines take, and takes it back: what a server that was killed in between leaves is no line,
    /// and is cut off at the next start. What is no regular file takes nothing back: there the next line must show it.
    pub(super) fn try_out(&mut self) -> io::Result<()> {
        if !self.is_regular {
            return Err(io::Error::other("no line could be written since the last one that could not"));
        }
        self.write_durably(&[b' '; TRIAL_LEN])?;
        self.len -= TRIAL_LEN as u64;
        self.torn = TRIAL_LEN as u64;
        self.mend()
    }

    fn sync(&self) -> io::Result<()> {
        if self.is_regular { self.file.sync_data() } else { Ok(()) }
    }

    /// Goes on in a new file. The oldest one goes when there are too many; every other step leaves all lines where a
    /// reader finds them, whatever happens in between.
    fn rotate(&mut self) -> io::Result<()> {
        // What is in it by now must not depend on this file being synced later.
        self.file.sync_data()?;
        let mut new = self.path.as_os_str().to_owned();
        new.push(".new");
        let new = PathBuf::from(new);
        let _ = fs::remove_file(&new);
        let (file, len, _) = open(&new)?;
        for number in (1..self.keep).rev() {
            match fs::rename(numbered(&self.path, number), numbered(&self.path, number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        fs::rename(&self.path, numbered(&self.path, 1))?;
        fs::rename(&new, &self.path)?;
        #[cfg(unix)]
        {
            let directory = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
            File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        (self.file, self.len) = (file, len);
        Ok(())
    }

    /// Opens the file by its name again, if that is another one by now.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        if self.is_regular && is_same(&self.path, &self.file)? {
            return Ok(());
        }
        let (file, len, is_regular) = open(&self.path)?;
        self.sync()?;
        (self.file, self.len, self.is_regular, self.torn) = (file, len, is_regular, 0);
        Ok(())
    }
}

#[cfg(unix)]
fn is_same(path: &Path, file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let id = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match fs::metadata(path) {
        Ok(metadata) => Ok(id(metadata) == id(file.metadata()?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Elsewhere a file that is open cannot be moved away.
#[cfg(not(unix))]
fn is_same(_: &Path, _: &File) -> io::Result<bool> {
    Ok(true)
}

/// How many bytes there are up to the end of the last whole line.
fn whole_lines(file: &mut File, len: u64) -> io::Result<u64> {
    const PART: u64 = 4096;
    let mut end = len;
    while end > 0 {
        let start = end.saturating_sub(PART);
        let mut part = vec![0; (end - start) as usize];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut part)?;
        if let Some(at) = part.iter().rposition(|&byte| byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

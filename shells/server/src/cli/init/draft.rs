//! A directory that is written next to where it goes, or below it, and put in place when it is whole.

use core::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use crate::place;

/// Why nothing was written.
#[derive(Debug)]
pub(in super::super) enum InitError {
    /// What is asked for cannot be done there.
    Refused(String),
    /// It could not be written.
    Failed(String),
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Refused(reason) | Self::Failed(reason)) = self;
        write!(f, "init: {reason}")
    }
}

/// Who may do what with a file, besides the user who made it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mode {
    /// No other user may do anything.
    OwnerOnly,
    /// Others may read it.
    Readable,
    /// No other user may do anything, and the owner may run it.
    Executable,
}

/// What is below an empty directory while it is filled.
const WITHIN: &str = ".init";

/// Files that are being written. Dropped before it is published, it takes them away.
#[derive(Debug)]
pub(super) struct Draft {
    /// Where they are written.
    place: PathBuf,
    /// Where they go.
    directory: PathBuf,
    /// Whether there is no such directory yet.
    is_new: bool,
    is_done: bool,
}

const fn refused<T>(reason: String) -> Result<T, InitError> {
    Err(InitError::Refused(reason))
}

impl Draft {
    /// Begins to fill this directory, which must be new or empty.
    ///
    /// # Errors
    ///
    /// If it is neither, or cannot be written.
    pub(super) fn begin(directory: &Path) -> Result<Self, InitError> {
        let shown = directory.display();
        let cannot = |error: &io::Error| InitError::Failed(format!("{shown} cannot be written: {error}"));
        let mut draft = match fs::metadata(directory) {
            Ok(found) if !found.is_dir() => return refused(format!("{shown} is there, and is no directory")),
            Ok(found) => {
                if others_may_write(&found) {
                    return refused(format!("{shown} can be written by every user of this machine"));
                }
                is_empty(directory)?;
                let directory = directory.canonicalize().map_err(|error| cannot(&error))?;
                Self { place: directory.join(WITHIN), directory, is_new: false, is_done: false }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let (parent, Some(name)) = (place::directory(directory), directory.file_name()) else {
                    return refused(format!("{shown} names no directory"));
                };
                if directory.is_symlink() {
                    return refused(format!("{shown} is a link to what is not there"));
                }
                let parent = parent.canonicalize().map_err(|error| cannot(&error))?;
                let mut hidden = std::ffi::OsString::from(".");
                hidden.push(name);
                hidden.push(WITHIN);
                Self { place: parent.join(hidden), directory: parent.join(name), is_new: true, is_done: false }
            }
            Err(error) => return Err(cannot(&error)),
        };
        if let Err(error) = create(&draft.place) {
            // It is not ours, so it is not taken away.
            draft.is_done = true;
            if error.kind() != ErrorKind::AlreadyExists {
                return Err(cannot(&error));
            }
            let place = draft.place.display();
            return refused(format!("{place} is there: another init is at work, or one was killed; then remove it"));
        }
        // Now that no other init can begin: one may have ended just before.
        if !draft.is_new {
            is_empty(&draft.directory)?;
        }
        Ok(draft)
    }

    /// Where the files will be, as an absolute path.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where a file is for now.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.place.join(name)
    }

    /// Writes a file, down to the disk.
    ///
    /// # Errors
    ///
    /// If it cannot be written, as on a full disk.
    pub(super) fn write(&self, name: &str, mode: Mode, text: &str) -> Result<(), InitError> {
        let written = || -> io::Result<()> {
            let mut file = place::create(OpenOptions::new().write(true), &self.file(name))?;
            file.write_all(text.as_bytes())?;
            grant(&file, mode)?;
            // Some file systems notice only now that there is no room.
            file.sync_all()
        };
        written().map_err(|error| self.cannot(name, &error))
    }

    /// Puts everything in place.
    ///
    /// # Errors
    ///
    /// If that cannot be done: then nothing is in place.
    pub(super) fn publish(mut self) -> Result<(), InitError> {
        sync(&self.place).map_err(|error| self.cannot("", &error))?;
        if self.is_new {
            // In one step. A directory that has come there meanwhile is only replaced if it is empty.
            fs::rename(&self.place, &self.directory).map_err(|error| self.cannot("", &error))?;
            self.is_done = true;
            // It is there, whole, whatever becomes of this.
            let _ = sync(place::directory(&self.directory));
            return Ok(());
        }
        let mut moved = Vec::new();
        if let Err(error) = self.move_all(&mut moved) {
            for path in moved {
                let _ = fs::remove_file(path);
            }
            return Err(self.cannot("", &error));
        }
        self.is_done = true;
        let _ = fs::remove_dir(&self.place).and_then(|()| sync(&self.directory));
        Ok(())
    }

    fn move_all(&self, moved: &mut Vec<PathBuf>) -> io::Result<()> {
        for entry in fs::read_dir(&self.place)? {
            let entry = entry?;
            let target = self.directory.join(entry.file_name());
            if target.symlink_metadata().is_ok() {
                return Err(io::Error::other(format!("{} has come there meanwhile", target.display())));
            }
            fs::rename(entry.path(), &target)?;
            moved.push(target);
        }
        Ok(())
    }

    fn cannot(&self, name: &str, error: &io::Error) -> InitError {
        InitError::Failed(format!("{} cannot be written: {error}", self.directory.join(name).display()))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_done {
            // If even that fails, the next attempt says that it is there.
            let _ = fs::remove_dir_all(&self.place);
        }
    }
}

/// That a directory holds nothing, but for what is written by us.
fn is_empty(directory: &Path) -> Result<(), InitError> {
    let shown = directory.display();
    let failed = |error: io::Error| InitError::Failed(format!("{shown} cannot be read: {error}"));
    for entry in fs::read_dir(directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if name != WITHIN {
            return refused(format!("{shown} is not empty: it has {}; nothing is overwritten", name.display()));
        }
    }
    Ok(())
}

#[cfg(unix)]
fn create(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    DirBuilder::new().mode(0o700).create(directory)?;
    // The umask may have taken away even that.
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn create(directory: &Path) -> io::Result<()> {
    DirBuilder::new().create(directory)
}

#[cfg(unix)]
fn grant(file: &File, mode: Mode) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = match mode {
        Mode::OwnerOnly => 0o600,
        Mode::Readable => 0o644,
        Mode::Executable => 0o700,
    };
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
const fn grant(_file: &File, _mode: Mode) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn others_may_write(directory: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(directory) & 0o002 != 0
}

#[cfg(not(unix))]
const fn others_may_write(_directory: &fs::Metadata) -> bool {
    false
}

/// Has the names in a directory written down to the disk.
#[cfg(unix)]
fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
const fn sync(_directory: &Path) -> io::Result<()> {
    Ok(())
}

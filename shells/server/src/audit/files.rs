//! What the trail needs of a file system: a trait, so that tests can put one in its place whose every call may fail.

use core::fmt::Debug;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use crate::place;

/// A file that was opened.
#[derive(Debug)]
pub(super) struct Opened<F> {
    pub(super) file: F,
    pub(super) len: u64,
    /// Devices and pipes are written to, and that is all.
    pub(super) is_regular: bool,
}

/// A file system.
pub(super) trait Files: Debug {
    /// An open file.
    type File: Debug;
    /// An open directory.
    type Directory: Debug;

    /// Opens a file to append to, or begins one, and takes the lock that says who writes it.
    fn open(&self, path: &Path) -> io::Result<Opened<Self::File>>;
    /// Begins a file that must not exist, and takes its lock.
    fn create(&self, path: &Path) -> io::Result<Self::File>;
    /// Opens the directory that a file is in.
    fn directory(&self, path: &Path) -> io::Result<Self::Directory>;
    /// Whether a name still leads to this file.
    fn is_same(&self, path: &Path, file: &Self::File) -> io::Result<bool>;
    /// Whether there is something of that name.
    fn exists(&self, path: &Path) -> io::Result<bool>;
    /// Gives a file another name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// How long a file is.
    fn len(&self, file: &Self::File) -> io::Result<u64>;
    /// Reads exactly so much.
    fn read(&self, file: &Self::File, at: u64, part: &mut [u8]) -> io::Result<()>;
    /// Appends, perhaps less than all.
    fn write(&self, file: &Self::File, bytes: &[u8]) -> io::Result<usize>;
    /// Cuts a file off.
    fn set_len(&self, file: &Self::File, len: u64) -> io::Result<()>;
    /// What was written is on the disk.
    fn sync(&self, file: &Self::File) -> io::Result<()>;
    /// What was renamed is on the disk.
    fn sync_directory(&self, directory: &Self::Directory) -> io::Result<()>;
}

/// The file system of this machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Machine;

fn lock(file: &File) -> io::Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(io::Error::other("another server writes it")),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

impl Files for Machine {
    type File = File;
    type Directory = Option<File>;

    fn open(&self, path: &Path) -> io::Result<Opened<File>> {
        let file = place::open(File::options().read(true).append(true), path).or_else(|error| {
            // What cannot be read, such as a pipe's end, can still be written.
            if error.kind() == io::ErrorKind::PermissionDenied {
                File::options().append(true).open(path)
            } else {
                Err(error)
            }
        })?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Ok(Opened { file, len: 0, is_regular: false });
        }
        lock(&file)?;
        Ok(Opened { file, len: metadata.len(), is_regular: true })
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        let file = place::create(File::options().read(true).append(true), path)?;
        lock(&file)?;
        Ok(file)
    }

    #[cfg(unix)]
    fn directory(&self, path: &Path) -> io::Result<Option<File>> {
        File::open(place::directory(path)).map(Some)
    }

    /// Elsewhere directories cannot be opened.
    #[cfg(not(unix))]
    fn directory(&self, _: &Path) -> io::Result<Option<File>> {
        Ok(None)
    }

    #[cfg(unix)]
    fn is_same(&self, path: &Path, file: &File) -> io::Result<bool> {
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
    fn is_same(&self, _: &Path, _: &File) -> io::Result<bool> {
        Ok(true)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        match fs::symlink_metadata(path) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn len(&self, file: &File) -> io::Result<u64> {
        Ok(file.metadata()?.len())
    }

    fn read(&self, mut file: &File, at: u64, part: &mut [u8]) -> io::Result<()> {
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(part)
    }

    fn write(&self, mut file: &File, bytes: &[u8]) -> io::Result<usize> {
        file.write(bytes)
    }

    fn set_len(&self, file: &File, len: u64) -> io::Result<()> {
        file.set_len(len)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn sync_directory(&self, directory: &Option<File>) -> io::Result<()> {
        directory.as_ref().map_or(Ok(()), File::sync_all)
    }
}

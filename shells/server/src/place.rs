//! Where a file really is, and files that are for this server's user alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// How many links are followed; as many as Linux follows.
const MOST_LINKS: u32 = 40;

/// The place that a symbolic link names, also if nothing is there yet. A file that is renamed by its link's name would
/// leave the disk that it was meant for.
///
/// # Errors
///
/// If a link cannot be read, or links go round in a circle.
pub(crate) fn real(path: &Path) -> io::Result<PathBuf> {
    let mut place = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::symlink_metadata(&place) {
            Ok(metadata) if metadata.is_symlink() => {
                let target = fs::read_link(&place)?;
                // An absolute target takes the place of what it is joined to.
                place = place.parent().unwrap_or(Path::new("")).join(target);
            }
            // What else is wrong with it is seen when it is opened.
            _ => return Ok(place),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

/// The most bytes that are read of a file of options. A device has no end.
const MOST_READ: u64 = 64 * 1024 * 1024;

/// Reads a file whole, if it is not too large.
///
/// # Errors
///
/// If it cannot be read, or goes on after 64 MiB.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    read_most(path, MOST_READ)
}

/// Reads a file whole, if it has no more than `most` bytes, which are whole MiB.
///
/// # Errors
///
/// If it cannot be read, or goes on after that.
pub(crate) fn read_most(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let len = File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if len as u64 > most { Err(io::Error::other(format!("it is larger than {} MiB", most >> 20))) } else { Ok(bytes) }
}

/// Opens a file as `options` say, or creates it if there is none. A new one can be read and written by this user alone,
/// whatever the umask; an existing one keeps its mode.
pub(crate) fn open(options: &OpenOptions, path: &Path) -> io::Result<File> {
    match create(options, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => options.clone().create(true).open(path),
        created => created,
    }
}

/// Creates a file that must not exist, for this user alone.
pub(crate) fn create(options: &OpenOptions, path: &Path) -> io::Result<File> {
    let mut options = options.clone();
    options.create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    // The umask may have taken away even that. Where there are no modes, that is no error.
    #[cfg(unix)]
    let _ = file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600));
    Ok(file)
}

/// The directory that a file is in.
pub(crate) fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

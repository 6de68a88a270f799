//! Who may do what: bearer tokens, what each is good for, and how often.
//!
//! It stands before everything else on a listener: who shows no good token learns nothing, not even which paths there
//! are. What a request means and whether it may change a recording is for the core alone to say, after this.
//!
//! | order | answer | when |
//! |---|---|---|
//! | 0 | 421 | it is for another host, where nothing but the address protects a listener ([`hosts`]) |
//! | 1 | 204 | a browser asks whether a listed origin may send what it is about to send ([`origins`]) |
//! | 2 | 401 | no token, more than one, or an invalid one ([`tokens`], [`jwt`]) |
//! | 2 | 503 | a JWT that cannot be checked, for lack of keys of its [`issuer`] |
//! | 3 | 403 | the token is not good for this part of the server |
//! | 4 | 429 | the caller has used up its requests ([`rate`]) |
//! | 5 | 403 | a set that was understood, in the name of somebody else than the token allows ([`principal`]) |
//!
//! `OURS`, all of it: the API's page says nothing of who may call.

mod credential;
pub mod guard;
pub mod hosts;
pub mod issuer;
pub mod jwt;
pub mod keys;
pub mod origins;
mod part;
pub mod principal;
pub mod rate;
mod ring_provider;
pub mod tokens;
mod verified;

use core::fmt;
use std::io;
use std::path::{Path, PathBuf};

pub use guard::Guard;
pub use part::Part;
pub use principal::Principal;
use tracing::warn;

use crate::place;
use crate::reloadable::Reloadable;

/// What is wrong with a file, in one line that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError(String);

impl FileError {
    fn new(file: &Path, reason: impl fmt::Display) -> Self {
        Self(format!("{}: {reason}", file.display()))
    }

    fn in_line(file: &Path, line: usize, reason: impl fmt::Display) -> Self {
        Self(format!("{}:{line}: {reason}", file.display()))
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for FileError {}

/// What can be read out of a file's text.
pub trait Parse: Sized {
    /// Reads `text`, which came from `file`.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, in one line.
    fn parse(file: &Path, text: &str) -> Result<Self, FileError>;

    /// How many there are of what it holds, for the log.
    fn len(&self) -> usize;

    /// How many entries of the file it passed over, where that may be.
    fn passed_over(&self) -> Option<usize> {
        None
    }

    /// What is worth a warning, in one line each.
    fn notes(&self) -> &[String] {
        &[]
    }

    /// Whether it holds nothing.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What a file says, read again on demand.
#[derive(Debug)]
pub struct FromFile<T> {
    file: PathBuf,
    value: Reloadable<T>,
}

impl<T: Parse> FromFile<T> {
    /// Reads the file. One that holds nothing is in force as well, and the log warns of it.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or something in it is wrong.
    pub fn load(file: PathBuf) -> Result<Self, FileError> {
        let read: T = read(&file)?;
        if read.is_empty() {
            warn!(target: "recording", file = %file.display(), "holds nothing: no token is accepted by it");
        }
        Ok(Self { file, value: Reloadable::new(read) })
    }

    /// Reads the file again.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load), or if the file was emptied; then what was in force stays so.
    pub fn reload(&self) -> Result<(), FileError> {
        let text = text(&self.file)?;
        let held_any = !self.value.current().is_empty();
        // An editor that was killed or a full disk leaves such a file. If nothing is to be in force, a comment says so.
        if held_any && text.trim().is_empty() {
            return Err(FileError::new(&self.file, "is empty; before it was not"));
        }
        let read: T = parse(&self.file, &text)?;
        if held_any && read.is_empty() {
            warn!(target: "recording", file = %self.file.display(), "holds nothing any more: no token is accepted by it");
        }
        self.value.replace(read);
        Ok(())
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// What is in force.
    #[must_use]
    pub const fn value(&self) -> &Reloadable<T> {
        &self.value
    }
}

fn read<T: Parse>(file: &Path) -> Result<T, FileError> {
    parse(file, &text(file)?)
}

fn text(file: &Path) -> Result<String, FileError> {
    let bytes = place::read(file).and_then(|bytes| String::from_utf8(bytes).map_err(io::Error::other));
    bytes.map_err(|error| FileError::new(file, format_args!("cannot be read: {error}")))
}

fn parse<T: Parse>(file: &Path, text: &str) -> Result<T, FileError> {
    let value = T::parse(file, text)?;
    for note in value.notes() {
        warn!(target: "recording", file = %file.display(), "passed over: {note}");
    }
    Ok(value)
}

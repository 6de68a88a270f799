//! Why a store cannot be opened.

use core::fmt;
use std::io;
use std::path::{Path, PathBuf};

use redb::{CommitError, DatabaseError, StorageError, TableError, TransactionError};

/// Why a file cannot be used as a store, in one line.
#[derive(Debug)]
pub struct OpenError {
    path: PathBuf,
    reason: Reason,
}

/// What is wrong with a file.
#[derive(Debug)]
pub(super) enum Reason {
    /// Another server has it.
    Locked,
    /// The system says no.
    Io(io::Error),
    /// No byte is in it.
    Empty,
    /// It is something else.
    Foreign(String),
    /// It was a store.
    Damaged(String),
    /// A store in another format than those that are read.
    Format { found: u64, oldest: u64, newest: u64 },
    /// The trail cannot be settled with it.
    Trail(io::Error),
}

impl OpenError {
    pub(super) fn new(path: &Path, reason: Reason) -> Self {
        Self { path: path.into(), reason }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store {}: {}", self.path.display(), self.reason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const INSTEAD: &str = "put a backup in its place, or remove it to begin without sessions";
        match self {
            Self::Locked => f.write_str("another server has it open"),
            Self::Io(error) => write!(f, "cannot be read and written: {error}"),
            Self::Empty => write!(f, "is an empty file, which no store is; {INSTEAD}"),
            Self::Foreign(what) => write!(f, "is not a store of this server: {what}"),
            Self::Damaged(what) => write!(f, "is damaged: {what}; {INSTEAD}"),
            Self::Trail(error) => write!(f, "the audit trail cannot be held against it: {error}"),
            Self::Format { found, oldest, newest } => {
                write!(f, "has format {found}, and this version reads formats {oldest} to {newest} only")
            }
        }
    }
}

impl core::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match &self.reason {
            Reason::Io(error) | Reason::Trail(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for Reason {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // What the database says of contents; the system has no such errors.
            io::ErrorKind::InvalidData => Self::Foreign(error.to_string()),
            io::ErrorKind::UnexpectedEof => Self::Damaged("it ends too early".into()),
            _ => Self::Io(error),
        }
    }
}

impl From<StorageError> for Reason {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Io(error) => error.into(),
            StorageError::Corrupted(what) => Self::Damaged(what),
            other => Self::Io(io::Error::other(other.to_string())),
        }
    }
}

impl From<DatabaseError> for Reason {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::DatabaseAlreadyOpen => Self::Locked,
            DatabaseError::UpgradeRequired(version) => {
                Self::Foreign(format!("its database has the old layout {version}"))
            }
            DatabaseError::Storage(error) => error.into(),
            other => Self::Damaged(other.to_string()),
        }
    }
}

impl From<TransactionError> for Reason {
    fn from(error: TransactionError) -> Self {
        match error {
            TransactionError::Storage(error) => error.into(),
            other => Self::Damaged(other.to_string()),
        }
    }
}

impl From<TableError> for Reason {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Storage(error) => error.into(),
            other => Self::Foreign(other.to_string()),
        }
    }
}

impl From<CommitError> for Reason {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Storage(error) => error.into(),
            other => Self::Damaged(other.to_string()),
        }
    }
}

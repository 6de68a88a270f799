//! The history of all changes, from where the store keeps it: the audit trail of a server with a file, or etcd itself.

use crate::chain::Chains;
use crate::{etcd, trail};
use anyhow::Result;
use std::path::PathBuf;

/// Where the changes are read.
#[derive(Debug)]
pub(crate) enum Store {
    Trail(PathBuf),
    Etcd(etcd::Reader),
}

impl Store {
    /// A revision that all changes have or exceed which are asked for from now on.
    pub(crate) fn revision(&self) -> Result<u64> {
        match self {
            Self::Trail(path) => trail::last_revision(path),
            Self::Etcd(reader) => reader.revision(),
        }
    }

    /// All changes. Nothing may be changed meanwhile.
    pub(crate) fn chains(&self) -> Result<Chains> {
        match self {
            Self::Trail(path) => trail::chains(path),
            Self::Etcd(reader) => reader.chains(),
        }
    }
}

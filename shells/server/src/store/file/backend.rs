//! The file under the database; in tests, one whose operations can be made to fail.

use std::fs::File;
use std::io;

use redb::StorageBackend;
use redb::backends::FileBackend;

use super::error::Reason;

/// Which operations fail: none, but in tests.
#[derive(Debug, Clone, Default)]
pub(super) struct Faults(#[cfg(test)] pub(super) std::sync::Arc<super::tests::Planned>);

impl Faults {
    /// Passes an operation on, or not.
    #[cfg_attr(not(test), allow(clippy::unused_self, clippy::missing_const_for_fn, reason = "tests have faults"))]
    pub(super) fn pass(&self) -> io::Result<()> {
        #[cfg(test)]
        self.0.pass()?;
        Ok(())
    }
}

#[derive(Debug)]
pub(super) struct Backend {
    file: FileBackend,
    faults: Faults,
}

impl Backend {
    pub(super) fn new(file: File, faults: Faults) -> Result<Self, Reason> {
        Ok(Self { file: FileBackend::new(file)?, faults })
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.faults.pass()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.faults.pass()?;
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.faults.pass()?;
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
}

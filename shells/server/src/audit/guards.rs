//! What keeps lines safe while files are exchanged, by name: a test takes each away and must notice.

/// Something that keeps lines safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(test), allow(dead_code, reason = "tests name them all"))]
pub(super) enum Guard {
    /// A half line is cut off before anything else is written.
    Mend,
    /// A file is on the disk before it becomes an archive.
    SyncFirst,
    /// Nothing is shifted when the name leads to another file.
    SameFile,
    /// The shift ends at the first free number, so that one that failed is not done twice.
    FreeNumber,
    /// The oldest archive goes only after a new one was made.
    OldestLast,
    /// After the last renaming the new file is written, whatever the directory says.
    TakeNew,
    /// If the new file cannot get the name, the old one has it again.
    NameBack,
}

/// Those that stand: all, but in tests.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Guards(#[cfg(test)] pub(super) Option<Guard>);

impl Guards {
    #[cfg_attr(not(test), allow(clippy::unused_self, reason = "tests take one away"))]
    pub(super) const fn stand(self, guard: Guard) -> bool {
        #[cfg(test)]
        if let Some(away) = self.0 {
            return away as u8 != guard as u8;
        }
        let _ = guard;
        true
    }
}

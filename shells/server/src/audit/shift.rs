//! How far a rotation has come that takes several lines.

/// How many archives are looked for, renamed and removed before one line is written: where there are more, a rotation
/// takes several lines, so that none of them waits for all.
pub(super) const MOST: u32 = 1000;

/// How far the archives are moved up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct Shift {
    /// The archives up to this number are there.
    pub(super) seen: u32,
    /// This number is free, if it is not 0.
    pub(super) free: u32,
    /// An archive has moved beyond those that are kept.
    pub(super) is_over: bool,
}

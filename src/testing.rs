//! How far the unit tests enumerate: as far as there is anything, but not under Miri, which takes a thousand times as long.

/// Every byte.
#[cfg(not(miri))]
pub(crate) fn bytes() -> impl Iterator<Item = u8> {
    0..=u8::MAX
}

/// The bytes on both sides of every edge that the core knows: of control characters, what JSON and paths mark with,
/// digits, letters, ASCII, and of the first bytes of longer characters.
#[cfg(miri)]
pub(crate) fn bytes() -> impl Iterator<Item = u8> {
    (*b"\x00\x1f !\"#%+,-./09:@AFGZ\\afgz{}~\x7f\x80\xbf\xc2\xe0\xf4\xff").into_iter()
}

/// How many places on an enumeration goes: every place, or a share of them.
pub(crate) const STEP: usize = if cfg!(miri) { 7 } else { 1 };

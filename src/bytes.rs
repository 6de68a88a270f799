//! Copying that cannot panic.

/// Copies `from` to the beginning of `to`; `false`, and nothing copied, if it does not fit.
///
/// `copy_from_slice` would do, but keeps a reachable panic when it is optimised for size.
#[inline]
pub(crate) fn copy(to: &mut [u8], from: &[u8]) -> bool {
    let Some(place) = to.get_mut(..from.len()) else { return false };
    for (to, from) in place.iter_mut().zip(from) {
        *to = *from;
    }
    true
}

//! A hash index over the slots of a fixed-capacity table: chains in two arrays, so that a full table is looked up as
//! fast as an empty one, and nothing in it can panic.
//!
//! [`Desk`](crate::Desk) is made of it. It is public only for the C library, whose desk keeps sessions in memory that the
//! caller lends and whose size is known only at run time. A program in Rust does not need it.

/// A slot, counted from 1. Zero is none, so that an empty index is nothing but zeros: a device has it in memory that is
/// cleared at the start anyway, and not in its flash as well.
pub type Link = u16;

const NONE: Link = 0;

/// Finds slots by hash. The keys live with the table; a look-up asks it which slot is meant.
///
/// `S` is where the chains are kept: an array, or a slice that is lent.
///
/// ```
/// use recording_core::desk::index::{Hash, Index};
///
/// let names = ["one", "two", "three"];
/// let hash = |name: &str| Hash::new(0).bytes(name.as_bytes(), 0).finish();
/// let (mut heads, mut nexts) = ([0; 8], [0; 8]);
/// let mut index = Index::over(&mut heads[..], &mut nexts[..]);
/// index.clear();
/// for (slot, name) in names.into_iter().enumerate() {
///     index.insert(hash(name), slot);
/// }
/// assert_eq!(index.find(hash("two"), |slot| names[slot] == "two"), Some(1));
/// assert_eq!(index.find(hash("four"), |slot| names[slot] == "four"), None);
/// ```
#[derive(Debug, Clone)]
pub struct Index<S> {
    /// The first slot of each chain.
    heads: S,
    /// The slot after each slot.
    nexts: S,
}

impl<const N: usize> Index<[Link; N]> {
    pub(super) const fn new() -> Self {
        const { assert!(is_capacity(N), "a capacity is between 1 and 65534") };
        Self { heads: [NONE; N], nexts: [NONE; N] }
    }
}

/// The most slots that an index finds.
pub const MAX_LEN: usize = Link::MAX as usize - 1;

const fn is_capacity(len: usize) -> bool {
    len > 0 && len <= MAX_LEN
}

impl<S> Index<S> {
    /// An index whose chains are kept there, as they are. Before its first use they are [cleared](Self::clear).
    ///
    /// Both are as long as the table, and not longer than [`MAX_LEN`]. A corrupted index is memory-safe but may return
    /// wrong slots or loop.
    #[must_use]
    pub const fn over(heads: S, nexts: S) -> Self {
        Self { heads, nexts }
    }
}

impl<S: AsRef<[Link]>> Index<S> {
    /// The slot that `is_meant`, among those of this hash.
    #[inline]
    pub fn find(&self, hash: u32, mut is_meant: impl FnMut(usize) -> bool) -> Option<usize> {
        self.slots(hash).find(|&slot| is_meant(slot))
    }

    /// The slots that may be meant: those of this hash, and others.
    #[inline(always)]
    pub fn slots(&self, hash: u32) -> Slots<'_> {
        let heads = self.heads.as_ref();
        Slots { link: heads.get(bucket(hash, heads.len())).copied().unwrap_or(NONE), nexts: self.nexts.as_ref() }
    }
}

/// See [`Index::slots`].
#[derive(Debug, Clone)]
pub struct Slots<'a> {
    link: Link,
    nexts: &'a [Link],
}

impl Iterator for Slots<'_> {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        // A chain has each slot at most once. Its end links to the slot before the first one, which does not exist.
        let slot = slot(self.link);
        self.link = *self.nexts.get(slot)?;
        Some(slot)
    }
}

impl<S: AsRef<[Link]> + AsMut<[Link]>> Index<S> {
    /// Takes every slot out.
    pub fn clear(&mut self) {
        self.heads.as_mut().fill(NONE);
        self.nexts.as_mut().fill(NONE);
    }

    /// Enters a slot that is in no chain.
    pub fn insert(&mut self, hash: u32, slot: usize) {
        let heads = self.heads.as_mut();
        let bucket = bucket(hash, heads.len());
        if let (Some(head), Some(next)) = (heads.get_mut(bucket), self.nexts.as_mut().get_mut(slot)) {
            *next = *head;
            *head = (slot + 1) as Link;
        }
    }

    /// Takes a slot out of its chain.
    pub fn remove(&mut self, hash: u32, slot: usize) {
        let (heads, nexts) = (self.heads.as_mut(), self.nexts.as_mut());
        let bucket = bucket(hash, heads.len());
        let Some(after) = nexts.get(slot).copied() else { return };
        let Some(mut link) = heads.get(bucket).copied() else { return };
        if self::slot(link) == slot {
            if let Some(head) = heads.get_mut(bucket) {
                *head = after;
            }
            return;
        }
        while let Some(next) = nexts.get_mut(self::slot(link)) {
            if self::slot(*next) == slot {
                *next = after;
                return;
            }
            link = *next;
        }
    }
}

/// The slot of a link; of [`NONE`] one that no table has.
#[inline]
const fn slot(link: Link) -> usize {
    (link as usize).wrapping_sub(1)
}

/// Spreads a hash over `0..len` by its upper bits.
#[inline]
const fn bucket(hash: u32, len: usize) -> usize {
    ((hash as u64 * len as u64) >> 32) as usize
}

/// A hash in the making, in arithmetic that a 32-bit core does in single instructions. No caller from outside can enter
/// keys, so it need not withstand an attacker.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct Hash(u32);

impl Hash {
    /// Begins a hash.
    #[inline]
    pub const fn new(seed: u32) -> Self {
        Self(0x9e37_79b9 ^ seed)
    }

    /// With one more word.
    #[inline]
    pub const fn word(self, word: u32) -> Self {
        Self((self.0 ^ word).wrapping_mul(0x85eb_ca6b).rotate_left(13))
    }

    /// With bytes, four a word, and `bits` set in each word.
    #[inline]
    pub const fn bytes(mut self, bytes: &[u8], bits: u32) -> Self {
        let mut rest = bytes;
        while let Some((word, after)) = rest.split_first_chunk::<4>() {
            self = self.word(u32::from_le_bytes(*word) | bits);
            rest = after;
        }
        while let Some((&byte, after)) = rest.split_first() {
            self = self.word(byte as u32 | bits);
            rest = after;
        }
        self
    }

    /// The hash.
    #[inline]
    #[must_use]
    pub const fn finish(self) -> u32 {
        let hash = (self.0 ^ self.0 >> 16).wrapping_mul(0xc2b2_ae35);
        (hash ^ hash >> 13).wrapping_mul(0x9e37_79b1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every order of entering and removing up to four slots whose hashes collide or not, against a plain list.
    #[test]
    fn as_a_plain_list() {
        const HASHES: [u32; 4] = [0, 0, u32::MAX, 0];
        // Enough to fill it and to take one out; under Miri more of them take too long.
        const STEPS: u32 = if cfg!(miri) { 5 } else { 7 };
        let mut steps = 0;
        // Each step is a slot: entered if it is out, removed if it is in.
        for sequence in 0..4_u32.pow(STEPS) {
            let mut index = Index::<[Link; 4]>::new();
            let mut inside = [false; 4];
            for step in 0..STEPS {
                let slot = (sequence >> (2 * step) & 3) as usize;
                if inside[slot] {
                    index.remove(HASHES[slot], slot);
                } else {
                    index.insert(HASHES[slot], slot);
                }
                inside[slot] = !inside[slot];
                for (other, &is_inside) in inside.iter().enumerate() {
                    assert_eq!(index.find(HASHES[other], |slot| slot == other).is_some(), is_inside);
                }
                steps += 1;
            }
        }
        assert_eq!(steps, STEPS * 4_u32.pow(STEPS));
    }

    #[test]
    fn buckets_are_within_the_table() {
        for hash in [0, 1, u32::MAX / 2, u32::MAX - 1, u32::MAX] {
            assert!(bucket(hash, 1) < 1 && bucket(hash, 3) < 3 && bucket(hash, MAX_LEN) < MAX_LEN);
        }
        // As many hashes to each.
        assert_eq!([0, 1 << 30, 1 << 31, 3 << 30, u32::MAX].map(|hash| bucket(hash, 4)), [0, 1, 2, 3, 3]);
        assert_eq!([u32::MAX / 3, u32::MAX / 3 + 1].map(|hash| bucket(hash, 3)), [0, 1]);
    }

    #[test]
    fn capacities() {
        assert_eq!(MAX_LEN, 65_534);
        assert_eq!([0, 1, 2, MAX_LEN, MAX_LEN + 1].map(is_capacity), [false, true, true, true, false]);
    }

    /// Taking a slot out links the slot before it to the slot after it, in whatever order that happens.
    #[test]
    fn slots_in_their_chain() {
        let mut index = Index::<[Link; 3]>::new();
        for slot in 0..3 {
            index.insert(0, slot);
        }
        assert!(index.slots(0).eq([2, 1, 0]) && index.slots(u32::MAX).next().is_none());
        index.remove(0, 1);
        assert!(index.slots(0).eq([2, 0]));
        index.clear();
        assert!(index.slots(0).next().is_none());
    }

    /// The arrays may be others', with anything in them.
    #[test]
    fn lent_arrays() {
        let mut index = Index::<[Link; 3]>::over([7; 3], [1; 3]);
        index.clear();
        index.insert(0, 2);
        assert!(index.slots(0).eq([2]) && index.slots(u32::MAX).next().is_none());
    }

    /// Values of the same arithmetic with numbers of any size, reduced to 32 bits: the same on every machine.
    #[test]
    fn hashes_are_these() {
        let hash = |seed, bytes: &[u8], bits| Hash::new(seed).bytes(bytes, bits).finish();
        assert_eq!([0, 1, u32::MAX].map(|seed| hash(seed, b"", 0)), [0x04d9_71dd, 0x3dd3_3b9a, 0x3498_2145]);
        assert_eq!(hash(0, b"a", 0), 0x1341_d8c3);
        assert_eq!(hash(0, b"ab", 0), 0x338a_45d1);
        assert_eq!(hash(0, b"ucc-demo-name", 0), 0x8513_7776);
        assert_eq!(hash(0, &[0xff; 9], 0), 0x5e63_3c4f);
        let agents: [&[u8]; 2] = [b"SIP:Agent@domain.com", b"sip:agent@DOMAIN.COM"];
        assert_eq!(agents.map(|uri| hash(7, uri, 0x2020_2020)), [0xa9e6_9edc; 2]);
    }
}

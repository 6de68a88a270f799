//! A hash index over the slots of a fixed-capacity table: chains in two arrays, so that a full table is looked up as
//! fast as an empty one, and nothing in it can panic.

/// A slot, counted from 1. Zero is none, so that an empty table is nothing but zeros: a device has it in memory that is
/// cleared at the start anyway, and not in its flash as well.
type Link = u16;

const NONE: Link = 0;

/// Finds slots `0..N` by hash. The keys live with the table; a look-up asks it which slot is meant.
#[derive(Debug, Clone)]
pub(super) struct Index<const N: usize> {
    /// The first slot of each chain.
    heads: [Link; N],
    /// The slot behind each slot.
    nexts: [Link; N],
}

impl<const N: usize> Index<N> {
    pub(super) const fn new() -> Self {
        const { assert!(N > 0 && N < Link::MAX as usize, "a capacity is between 1 and 65534") };
        Self { heads: [NONE; N], nexts: [NONE; N] }
    }

    /// The slot that `is_meant`, among those of this hash.
    #[inline]
    pub(super) fn find(&self, hash: u32, mut is_meant: impl FnMut(usize) -> bool) -> Option<usize> {
        let mut link = *self.heads.get(bucket::<N>(hash))?;
        // A chain holds each slot at most once. Behind its end comes the slot in front of the first one, which is none.
        while let Some(&next) = self.nexts.get(slot(link)) {
            if is_meant(slot(link)) {
                return Some(slot(link));
            }
            link = next;
        }
        None
    }

    /// Enters a slot that is in no chain.
    pub(super) fn insert(&mut self, hash: u32, slot: usize) {
        if let (Some(head), Some(next)) = (self.heads.get_mut(bucket::<N>(hash)), self.nexts.get_mut(slot)) {
            *next = *head;
            *head = (slot + 1) as Link;
        }
    }

    /// Takes a slot out of its chain.
    pub(super) fn remove(&mut self, hash: u32, slot: usize) {
        let Some(behind) = self.nexts.get(slot).copied() else { return };
        let Some(mut link) = self.heads.get(bucket::<N>(hash)).copied() else { return };
        if self::slot(link) == slot {
            if let Some(head) = self.heads.get_mut(bucket::<N>(hash)) {
                *head = behind;
            }
            return;
        }
        while let Some(next) = self.nexts.get_mut(self::slot(link)) {
            if self::slot(*next) == slot {
                *next = behind;
                return;
            }
            link = *next;
        }
    }
}

/// The slot of a link; of [`NONE`] one that no table has.
const fn slot(link: Link) -> usize {
    (link as usize).wrapping_sub(1)
}

/// Spreads a hash over `0..N` by its upper bits.
const fn bucket<const N: usize>(hash: u32) -> usize {
    ((hash as u64 * N as u64) >> 32) as usize
}

/// A hash in the making, in arithmetic that a 32-bit core does in single instructions. Nobody from outside can enter
/// keys, so it need not withstand an attacker.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hash(u32);

impl Hash {
    #[inline]
    pub(super) const fn new(seed: u32) -> Self {
        Self(0x9e37_79b9 ^ seed)
    }

    #[inline]
    pub(super) const fn word(self, word: u32) -> Self {
        Self((self.0 ^ word).wrapping_mul(0x85eb_ca6b).rotate_left(13))
    }

    /// Bytes four a word, with `bits` set in each word.
    #[inline]
    pub(super) const fn bytes(mut self, bytes: &[u8], bits: u32) -> Self {
        let mut rest = bytes;
        while let Some((word, behind)) = rest.split_first_chunk::<4>() {
            self = self.word(u32::from_le_bytes(*word) | bits);
            rest = behind;
        }
        while let Some((&byte, behind)) = rest.split_first() {
            self = self.word(byte as u32 | bits);
            rest = behind;
        }
        self
    }

    #[inline]
    pub(super) const fn finish(self) -> u32 {
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
        let mut steps = 0;
        // Each step is a slot: entered if it is out, removed if it is in.
        for sequence in 0..4_u32.pow(7) {
            let mut index = Index::<4>::new();
            let mut inside = [false; 4];
            for step in 0..7 {
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
        assert_eq!(steps, 7 * 4_usize.pow(7));
    }

    #[test]
    fn buckets_are_within_the_table() {
        for hash in [0, 1, u32::MAX / 2, u32::MAX - 1, u32::MAX] {
            assert!(bucket::<1>(hash) < 1 && bucket::<3>(hash) < 3 && bucket::<65534>(hash) < 65534);
        }
    }
}

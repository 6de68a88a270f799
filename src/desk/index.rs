//! A hash index over the slots of a table of fixed capacity: chains whose links the slots hold themselves, so that a full
//! table is looked up as fast as an empty one, and nothing in it can panic.

/// A slot, counted from 1. Zero is none, so that an empty table is nothing but zeros: a device has it in memory that is
/// cleared at the start anyway, and not in its flash as well.
type Link = u16;

const NONE: Link = 0;

/// The most slots that are found.
pub(super) const MAX_LEN: usize = Link::MAX as usize - 1;

pub(super) const fn is_capacity(len: usize) -> bool {
    len > 0 && len <= MAX_LEN
}

/// What a slot holds for the index: the first slot of the chain of its own number, and the slot after itself in whatever chain
/// it is in.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Links {
    first: Link,
    next: Link,
}

impl Links {
    pub(super) const NONE: Self = Self { first: NONE, next: NONE };
}

/// A slot of a table. A corrupted one is memory-safe, but look-ups may then return wrong slots or loop.
pub(super) trait Slot {
    fn links(&self) -> &Links;
    fn links_mut(&mut self) -> &mut Links;
}

/// The slots that may be meant, with their places: those of this hash, and others.
#[inline(always)]
pub(super) fn slots<T: Slot>(table: &[T], hash: u32) -> Slots<'_, T> {
    Slots { link: table.get(bucket(hash, table.len())).map_or(NONE, |slot| slot.links().first), table }
}

/// See [`slots`].
#[derive(Debug)]
pub(super) struct Slots<'a, T> {
    link: Link,
    table: &'a [T],
}

impl<'a, T: Slot> Iterator for Slots<'a, T> {
    type Item = (usize, &'a T);

    #[inline(always)]
    fn next(&mut self) -> Option<(usize, &'a T)> {
        // A chain has each slot at most once. Its end links to the slot before the first one, which does not exist.
        let place = place(self.link);
        let slot = self.table.get(place)?;
        self.link = slot.links().next;
        Some((place, slot))
    }
}

/// Enters a slot that is in no chain.
#[inline]
pub(super) fn insert<T: Slot>(table: &mut [T], hash: u32, place: usize) {
    let bucket = bucket(hash, table.len());
    let Some(first) = table.get(bucket).map(|slot| slot.links().first) else { return };
    let Some(slot) = table.get_mut(place) else { return };
    slot.links_mut().next = first;
    if let Some(slot) = table.get_mut(bucket) {
        slot.links_mut().first = (place + 1) as Link;
    }
}

/// Takes a slot out of its chain.
#[inline]
pub(super) fn remove<T: Slot>(table: &mut [T], hash: u32, place: usize) {
    let bucket = bucket(hash, table.len());
    let Some(after) = table.get(place).map(|slot| slot.links().next) else { return };
    let Some(slot) = table.get_mut(bucket) else { return };
    let mut link = &mut slot.links_mut().first;
    loop {
        let next = self::place(*link);
        if next == place {
            *link = after;
            return;
        }
        let Some(slot) = table.get_mut(next) else { return };
        link = &mut slot.links_mut().next;
    }
}

/// The place of a link; of [`NONE`] one that no table has.
#[inline]
const fn place(link: Link) -> usize {
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
pub(super) struct Hash(u32);

impl Hash {
    /// Begins a hash.
    #[inline]
    pub(super) const fn new(seed: u32) -> Self {
        Self(0x9e37_79b9 ^ seed)
    }

    /// With one more word.
    #[inline]
    pub(super) const fn word(self, word: u32) -> Self {
        Self((self.0 ^ word).wrapping_mul(0x85eb_ca6b).rotate_left(13))
    }

    /// With bytes, four a word, and `bits` set in each word.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) const fn bytes(mut self, bytes: &[u8], bits: u32) -> Self {
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
    pub(super) const fn finish(self) -> u32 {
        let hash = (self.0 ^ self.0 >> 16).wrapping_mul(0xc2b2_ae35);
        (hash ^ hash >> 13).wrapping_mul(0x9e37_79b1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A slot with nothing in it.
    #[derive(Clone, Copy)]
    struct Bare(Links);

    impl Slot for Bare {
        fn links(&self) -> &Links {
            &self.0
        }

        fn links_mut(&mut self) -> &mut Links {
            &mut self.0
        }
    }

    const EMPTY: Bare = Bare(Links::NONE);

    fn places(table: &[Bare], hash: u32) -> impl Iterator<Item = usize> {
        slots(table, hash).map(|(place, _)| place)
    }

    /// Every order of entering and removing up to four slots whose hashes collide or not, against a plain list.
    #[test]
    fn as_a_plain_list() {
        const HASHES: [u32; 4] = [0, 0, u32::MAX, 0];
        // Enough to fill it and to take one out; under Miri more of them take too long.
        const STEPS: u32 = if cfg!(miri) { 5 } else { 7 };
        let mut steps = 0;
        // Each step is a slot: entered if it is out, removed if it is in.
        for sequence in 0..4_u32.pow(STEPS) {
            let mut table = [EMPTY; 4];
            let mut inside = [false; 4];
            for step in 0..STEPS {
                let slot = (sequence >> (2 * step) & 3) as usize;
                if inside[slot] {
                    remove(&mut table, HASHES[slot], slot);
                } else {
                    insert(&mut table, HASHES[slot], slot);
                }
                inside[slot] = !inside[slot];
                for (other, &is_inside) in inside.iter().enumerate() {
                    assert_eq!(places(&table, HASHES[other]).any(|slot| slot == other), is_inside);
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
        let mut table = [EMPTY; 3];
        for slot in 0..3 {
            insert(&mut table, 0, slot);
        }
        assert!(places(&table, 0).eq([2, 1, 0]) && places(&table, u32::MAX).next().is_none());
        remove(&mut table, 0, 1);
        assert!(places(&table, 0).eq([2, 0]));
    }

    /// What is not there changes nothing, and nothing panics: a table without slots, a place outside, links to nowhere.
    #[test]
    fn what_is_not_there() {
        assert!(slots::<Bare>(&[], 7).next().is_none());
        insert::<Bare>(&mut [], 7, 0);
        remove::<Bare>(&mut [], 7, 0);
        let mut table = [EMPTY; 3];
        insert(&mut table, 0, 3);
        remove(&mut table, 0, 3);
        remove(&mut table, 0, 1);
        assert!(table.iter().all(|slot| slot.0.first == NONE && slot.0.next == NONE));
        let mut table = [Bare(Links { first: 9, next: 9 }); 3];
        remove(&mut table, 0, 1);
        assert!(places(&table, 0).next().is_none());
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

//! Where one record ends and the next begins.
//!
//! JSON records end with the byte 0x1e; MessagePack records begin with their length, as a varint of 7 bits a byte, the
//! lowest first. The handshake is JSON whatever follows.

use bytes::BytesMut;

/// What a text record ends with.
pub(crate) const END: u8 = 0x1e;

/// A length is below 2 GiB, so it has at most this many bytes.
const LONGEST_LENGTH: usize = 5;

/// A record over the limit, or a length that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Oversized;

/// Bytes as they came, to be taken out record by record.
#[derive(Debug, Default)]
pub(crate) struct Input {
    bytes: BytesMut,
    /// How many of them are known not to be an end.
    searched: usize,
    /// Whether records were taken out, whose bytes the rest would keep alive.
    taken: bool,
}

impl Input {
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Lets go of what was taken out: a rest keeps no more room than it needs.
    pub(crate) fn settle(&mut self) {
        if self.taken {
            self.taken = false;
            self.bytes = BytesMut::from(&*self.bytes);
        }
    }

    /// The room that it keeps.
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The next record that ends with [`END`], without it.
    pub(crate) fn text(&mut self, limit: usize) -> Result<Option<BytesMut>, Oversized> {
        let end = self.bytes.iter().skip(self.searched).position(|&byte| byte == END).map(|at| at + self.searched);
        match end {
            Some(end) if end <= limit => {
                self.searched = 0;
                let mut record = self.take(end + 1);
                record.truncate(end);
                Ok(Some(record))
            }
            None if self.bytes.len() <= limit => {
                self.searched = self.bytes.len();
                Ok(None)
            }
            _ => Err(Oversized),
        }
    }

    /// The next record that has its length in front, without that.
    pub(crate) fn binary(&mut self, limit: usize) -> Result<Option<BytesMut>, Oversized> {
        self.searched = 0;
        let mut length = 0_usize;
        for at in 0..LONGEST_LENGTH {
            let Some(&byte) = self.bytes.get(at) else { return Ok(None) };
            length |= usize::from(byte & 0x7f) << (7 * at);
            if length > limit {
                return Err(Oversized);
            }
            if byte & 0x80 == 0 {
                let before = at + 1;
                if self.bytes.len() < before + length {
                    return Ok(None);
                }
                let mut record = self.take(before + length);
                return Ok(Some(record.split_off(before)));
            }
        }
        Err(Oversized)
    }

    fn take(&mut self, count: usize) -> BytesMut {
        let taken = self.bytes.split_to(count);
        self.taken = true;
        taken
    }
}

/// Puts the length in front of a binary record.
pub(crate) fn with_length(record: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(record.len() + LONGEST_LENGTH);
    let mut length = record.len();
    while length > 0x7f {
        bytes.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend_from_slice(record);
    bytes
}

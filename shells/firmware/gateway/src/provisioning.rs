//! Where a site's provisioning is in the flash: a region of its own, which begins with a header. One image serves
//! every site.
//!
//! | bytes | what |
//! |---|---|
//! | 16 | [`MARKER`], by which a tool finds the region in an ELF file and in a binary image alike |
//! | 4 | how many bytes of text the region has room for |
//! | 4, 4, 4 | how many UCCs, agents and bytes of names and URIs the image has room for |
//! | 4 | how long the text is; zero, or all ones as in an erased flash, if there is none |
//! | 4 | the CRC-32 of the text, so that a half-written one is seen |
//! | | the text |
//!
//! Numbers are little-endian.

use core::fmt;

use recording_core::desk::provisioning::ProvisioningError;

use crate::text::Text;

/// What the region begins with.
pub const MARKER: [u8; 16] = *b"\x7frecording-pv-1\n";

/// How long the header is.
pub const HEADER_LEN: usize = 40;

/// Where the numbers after the marker begin.
pub const NUMBERS: usize = MARKER.len();

/// What an image has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes of the text.
    pub document: u32,
    /// UCCs.
    pub uccs: u32,
    /// Agents of all UCCs together.
    pub agents: u32,
    /// Bytes of names and URIs together.
    pub text: u32,
}

impl Room {
    /// The header of a region without a text.
    #[must_use]
    #[allow(clippy::indexing_slicing, reason = "at compile time, where a panic is an error of the build")]
    pub const fn header(self) -> [u8; HEADER_LEN] {
        let numbers = [self.document, self.uccs, self.agents, self.text, 0, 0];
        let mut header = [0; HEADER_LEN];
        let mut at = 0;
        while at < HEADER_LEN {
            let number = at.saturating_sub(NUMBERS);
            header[at] = if at < NUMBERS { MARKER[at] } else { numbers[number / 4].to_le_bytes()[number % 4] };
            at += 1;
        }
        header
    }
}

/// Why a gateway has no provisioning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unprovisioned {
    /// None was written.
    Absent,
    /// The length in the header is more than the region holds.
    Length,
    /// The text is not the one that was written, or not all of it.
    Checksum,
    /// The text is invalid.
    Document(ProvisioningError),
}

impl Unprovisioned {
    /// The text that `Display` shows, without what formatting costs a small device.
    #[must_use]
    pub fn text(&self) -> Text<{ ProvisioningError::MAX_LEN }> {
        let mut text = Text::new();
        match self {
            Self::Absent => text.text("there is none"),
            Self::Length => text.text("it claims to be longer than its region"),
            Self::Checksum => text.text("its checksum is wrong: it was not written to its end"),
            Self::Document(error) => {
                text.fill(|buffer| error.write(buffer).map_or(0, <[u8]>::len));
                &mut text
            }
        };
        text
    }
}

impl fmt::Display for Unprovisioned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(core::str::from_utf8(self.text().get()).unwrap_or_default())
    }
}

impl core::error::Error for Unprovisioned {}

/// The text that is in a region.
///
/// # Errors
///
/// All of [`Unprovisioned`] but the last.
pub fn document(region: &[u8]) -> Result<&[u8], Unprovisioned> {
    let (header, rest) = region.split_first_chunk::<HEADER_LEN>().ok_or(Unprovisioned::Absent)?;
    let [.., a, b, c, d, e, f, g, h] = *header;
    let length = u32::from_le_bytes([a, b, c, d]);
    if matches!(length, 0 | u32::MAX) {
        return Err(Unprovisioned::Absent);
    }
    let document = rest.get(..length as usize).ok_or(Unprovisioned::Length)?;
    if crc32(document) == u32::from_le_bytes([e, f, g, h]) { Ok(document) } else { Err(Unprovisioned::Checksum) }
}

/// The CRC-32 of Ethernet and zip.
#[must_use]
pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    const ROOM: Room = Room { document: 64, uccs: 1, agents: 2, text: 3 };

    fn region(length: u32, crc: u32, text: &[u8]) -> Vec<u8> {
        let mut region = ROOM.header().to_vec();
        region[HEADER_LEN - 8..HEADER_LEN - 4].copy_from_slice(&length.to_le_bytes());
        region[HEADER_LEN - 4..].copy_from_slice(&crc.to_le_bytes());
        region.extend(text);
        region
    }

    #[test]
    fn a_text_comes_back() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926, "the check value of this CRC");
        assert_eq!(document(&region(2, crc32(b"{}"), b"{}\xff\xff")), Ok(&b"{}"[..]));
    }

    #[test]
    fn what_is_no_text_is_named() {
        assert_eq!(document(b""), Err(Unprovisioned::Absent));
        assert_eq!(document(&region(0, 0, b"")), Err(Unprovisioned::Absent));
        assert_eq!(document(&region(u32::MAX, u32::MAX, b"\xff")), Err(Unprovisioned::Absent));
        assert_eq!(document(&region(3, crc32(b"{}"), b"{}")), Err(Unprovisioned::Length));
        for bit in 0..16 {
            let mut text = *b"{}";
            text[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(document(&region(2, crc32(b"{}"), &text)), Err(Unprovisioned::Checksum));
        }
    }
}

//! Where a site's provisioning is in the flash: a region of its own, which begins with a header. One image serves
//! every site: its UCCs are in the text, and where it is in the site's network is in the header.
//!
//! | bytes | what |
//! |---|---|
//! | 16 | [`MARKER`], by which a tool finds the region in an ELF file and in a binary image alike |
//! | 4 | how many bytes of text the region has room for |
//! | 4, 4, 4 | how many UCCs, agents and bytes of names and URIs the image has room for |
//! | 16, 4 | the [`Place`] in the network, and its CRC-32: it is known even if the text is damaged |
//! | 4 | how long the text is; zero, or all ones as in an erased flash, if there is none |
//! | 4 | the CRC-32 of the text, so that a half-written one is seen |
//! | | the text |
//!
//! Numbers are little-endian.

use core::fmt;
use core::ops::Range;

use recording_core::desk::provisioning::ProvisioningError;

use crate::link::{Ip, Mac};
use crate::text::Text;

/// What the region begins with.
pub const MARKER: [u8; 16] = *b"\x7frecording-pv-2\n";

/// Where the numbers after the marker begin.
pub const NUMBERS: usize = MARKER.len();

/// Where the place in the network is, with its CRC-32.
pub const PLACE: Range<usize> = NUMBERS + 16..NUMBERS + 16 + Place::LEN + 4;

/// How long the header is.
pub const HEADER_LEN: usize = PLACE.end + 8;

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
        let numbers = [self.document, self.uccs, self.agents, self.text];
        let mut header = [0; HEADER_LEN];
        let mut at = 0;
        while at < PLACE.start {
            let number = at.saturating_sub(NUMBERS);
            header[at] = if at < NUMBERS { MARKER[at] } else { numbers[number / 4].to_le_bytes()[number % 4] };
            at += 1;
        }
        header
    }
}

/// Where a gateway is in its site's network. A router needs no name: replies go to where the request's frame came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Site {
    /// Its address.
    pub ip: Ip,
    /// How many bits of it are the network's.
    pub prefix: u8,
    /// The address of its interface.
    pub mac: Mac,
    /// The port of the API.
    pub api: u16,
    /// The port of the listeners.
    pub events: u16,
}

impl Site {
    /// The API's port if none is named.
    pub const API: u16 = 80;
    /// The listeners' port if none is named.
    pub const EVENTS: u16 = 81;

    /// What is wrong with it: which key, and why. `None` if a gateway can be there.
    #[must_use]
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        let ip = u32::from_be_bytes(self.ip);
        // The bits of the host; a network of two hosts or of one has no broadcast address.
        let hosts = u32::MAX.checked_shr(self.prefix.into()).unwrap_or_default();
        let is_all = hosts > 1 && (ip & hosts == 0 || ip & hosts == hosts);
        if !matches!(self.prefix, 1..=32) {
            Some(("address", "a prefix has 1 to 32 bits"))
        } else if matches!(self.ip[0], 0 | 127 | 224..) || is_all {
            Some(("address", "is not the address of one host"))
        } else if self.mac[0] & 1 != 0 || self.mac == [0; 6] {
            Some(("mac", "is not the address of one interface"))
        } else if self.api == 0 {
            Some(("api_port", "is no port"))
        } else if self.events == 0 || self.events == self.api {
            Some(("events_port", if self.events == 0 { "is no port" } else { "is the API's too" }))
        } else {
            None
        }
    }

    /// `address=10.0.2.15/24 mac=02-00-00-52-47-01 api=80 events=81`
    #[must_use]
    pub fn text(&self) -> Text<80> {
        let mut text = Text::new();
        for (at, byte) in self.ip.into_iter().enumerate() {
            text.text(if at == 0 { "address=" } else { "." }).number(byte.into());
        }
        text.text("/").number(self.prefix.into());
        for (at, byte) in self.mac.into_iter().enumerate() {
            text.text(if at == 0 { " mac=" } else { "-" }).hex(&[byte]);
        }
        text.text(" api=").number(self.api.into()).text(" events=").number(self.events.into());
        text
    }
}

/// What a provisioning says of the gateway's place in the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Where the image was built for.
    Build,
    /// There.
    Given(Site),
}

impl Place {
    /// How long it is in the header.
    pub const LEN: usize = 16;

    /// As it is in the header, before its CRC-32.
    #[must_use]
    pub const fn bytes(self) -> [u8; Self::LEN] {
        match self {
            Self::Build => [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            Self::Given(Site { ip: [a, b, c, d], prefix, mac: [u, v, w, x, y, z], api, events }) => {
                let ([e, f], [g, h]) = (api.to_le_bytes(), events.to_le_bytes());
                [2, prefix, e, f, g, h, a, b, c, d, u, v, w, x, y, z]
            }
        }
    }

    fn from_bytes([kind, prefix, e, f, g, h, a, b, c, d, mac @ ..]: [u8; Self::LEN]) -> Result<Self, Unprovisioned> {
        match kind {
            1 => Ok(Self::Build),
            2 => {
                let (api, events) = (u16::from_le_bytes([e, f]), u16::from_le_bytes([g, h]));
                let site = Site { ip: [a, b, c, d], prefix, mac, api, events };
                // The tool that wrote it has looked; another tool may not have.
                if site.fault().is_none() { Ok(Self::Given(site)) } else { Err(Unprovisioned::Site) }
            }
            _ => Err(Unprovisioned::Absent),
        }
    }
}

/// The gateway's place in the network, of the header of a region.
///
/// # Errors
///
/// [`Unprovisioned::Absent`], [`Unprovisioned::Checksum`] or [`Unprovisioned::Site`].
pub fn place(region: &[u8]) -> Result<Place, Unprovisioned> {
    let bytes = region.get(PLACE).ok_or(Unprovisioned::Absent)?;
    let (&place, crc) = bytes.split_first_chunk().ok_or(Unprovisioned::Absent)?;
    let found = Place::from_bytes(place);
    let is_written = crc == crc32(&place).to_le_bytes();
    if found == Err(Unprovisioned::Absent) || is_written { found } else { Err(Unprovisioned::Checksum) }
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
    /// The place in the network is none where a gateway can be.
    Site,
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
            Self::Site => text.text("no gateway can be at its address"),
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
/// [`Unprovisioned::Absent`], [`Unprovisioned::Length`] or [`Unprovisioned::Checksum`].
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

    const SITE: Site = Site { ip: [192, 168, 1, 20], prefix: 24, mac: [2, 0, 0xfe, 0, 0, 9], api: 80, events: 4096 };

    fn with_place(place: [u8; Place::LEN], crc: u32) -> Vec<u8> {
        let mut region = ROOM.header().to_vec();
        let [start, end] = [PLACE.start + Place::LEN, PLACE.end];
        region[PLACE.start..start].copy_from_slice(&place);
        region[start..end].copy_from_slice(&crc.to_le_bytes());
        region
    }

    #[test]
    fn a_place_comes_back_and_a_damaged_one_does_not() {
        assert_eq!(SITE.text().get(), b"address=192.168.1.20/24 mac=02-00-fe-00-00-09 api=80 events=4096");
        assert_eq!(place(&ROOM.header()), Err(Unprovisioned::Absent));
        assert_eq!(place(&[0xff; HEADER_LEN]), Err(Unprovisioned::Absent));
        assert_eq!(place(b""), Err(Unprovisioned::Absent));
        for one in [Place::Build, Place::Given(SITE)] {
            let bytes = one.bytes();
            let whole = with_place(bytes, crc32(&bytes));
            assert_eq!(place(&whole), Ok(one));
            // Each bit of it, and of its check sequence.
            for bit in 0..8 * (Place::LEN + 4) {
                let mut damaged = whole.clone();
                damaged[PLACE.start + bit / 8] ^= 1 << (bit % 8);
                assert!(place(&damaged).is_err(), "{bit}");
            }
        }
        // What another tool may have written.
        let bytes = Place::Given(Site { prefix: 40, ..SITE }).bytes();
        assert_eq!(place(&with_place(bytes, crc32(&bytes))), Err(Unprovisioned::Site));
    }

    #[test]
    fn a_gateway_is_one_host_with_two_ports() {
        assert_eq!(SITE.fault(), None);
        let ip = |ip, prefix| Site { ip, prefix, ..SITE }.fault().map(|(key, _)| key);
        for (good, prefix) in [([10, 0, 2, 15], 8), ([10, 0, 2, 255], 23), ([10, 0, 2, 0], 31), ([10, 0, 2, 255], 32)] {
            assert_eq!(ip(good, prefix), None, "{good:?}/{prefix}");
        }
        for (bad, prefix) in [
            ([0, 0, 2, 15], 24),
            ([127, 0, 0, 1], 8),
            ([224, 0, 0, 1], 24),
            ([255; 4], 32),
            ([10, 0, 2, 0], 24),
            ([10, 0, 2, 255], 24),
            ([10, 0, 2, 15], 0),
            ([10, 0, 2, 15], 33),
            ([10, 0, 2, 15], 255),
            ([10, 255, 255, 255], 8),
        ] {
            assert_eq!(ip(bad, prefix), Some("address"), "{bad:?}/{prefix}");
        }
        for (site, key) in [
            (Site { mac: [3, 0, 0, 0, 0, 1], ..SITE }, "mac"),
            (Site { mac: [0; 6], ..SITE }, "mac"),
            (Site { api: 0, ..SITE }, "api_port"),
            (Site { events: 0, ..SITE }, "events_port"),
            (Site { events: 80, ..SITE }, "events_port"),
        ] {
            assert_eq!(site.fault().map(|(key, _)| key), Some(key));
        }
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

//! Checks a gateway's provisioning by the reader that the gateway itself has, and writes it into an image: an ELF file or
//! the plain bytes of the flash. Both hold the region with its marker and its header; nothing else of them is touched.

use std::fmt;

use recording_core::Directory;
use recording_core::desk::provisioning::ProvisioningError;
use recording_gateway::provisioning::{HEADER_LEN, MARKER, NUMBERS, Room, crc32};

/// Why a provisioning was not written. The image is as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The image has no region for a provisioning.
    NoRegion,
    /// The image has more than one place that looks like it.
    Ambiguous(usize),
    /// The image ends within its region.
    Cut,
    /// The text is invalid.
    Document(ProvisioningError),
    /// The image has not this much room.
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How much there would be.
        given: usize,
        /// How much there may be.
        room: u32,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRegion => f.write_str("the image has no region for a provisioning"),
            Self::Ambiguous(count) => {
                write!(f, "the image has {count} places that look like a region for a provisioning")
            }
            Self::Cut => f.write_str("the image ends within its region for a provisioning"),
            Self::Document(error) => error.fmt(f),
            Self::TooMuch { what, given, room } => write!(f, "{given} {what}; the image has room for {room}"),
        }
    }
}

impl std::error::Error for Error {}

/// What a document holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contents {
    /// UCCs.
    pub uccs: usize,
    /// Agents of all UCCs together.
    pub agents: usize,
    /// Bytes of names and URIs together.
    pub text: usize,
}

/// More than any board has. The directory's own limits are checked against the image's.
type Roomy = Directory<1024, 16384, 1_048_576>;

/// Checks a document.
///
/// # Errors
///
/// [`Error::Document`]: the first thing that is invalid, and where.
pub fn check(document: &[u8]) -> Result<Contents, Error> {
    // The directory is one value of a megabyte, of which unoptimised code makes copies.
    std::thread::scope(|scope| {
        let large = std::thread::Builder::new().stack_size(64 << 20).spawn_scoped(scope, || contents(document));
        large.expect("there is memory for a thread").join().expect("the core does not panic")
    })
}

fn contents(document: &[u8]) -> Result<Contents, Error> {
    let mut directory = Roomy::new();
    directory.load(document).map_err(Error::Document)?;
    let mut contents = Contents { uccs: 0, agents: 0, text: 0 };
    for ucc in directory.uccs() {
        contents.uccs += 1;
        contents.text += directory.name(ucc).map_or(0, |name| name.as_str().len());
        for agent in directory.agents(ucc) {
            contents.agents += 1;
            contents.text += agent.as_str().len();
        }
    }
    Ok(contents)
}

/// Where the region begins in an image.
///
/// # Errors
///
/// [`Error::NoRegion`], [`Error::Ambiguous`] or [`Error::Cut`].
pub fn find(image: &[u8]) -> Result<(usize, Room), Error> {
    let found: Vec<_> = image.windows(MARKER.len()).enumerate().filter(|(_, window)| *window == MARKER).collect();
    let [(at, _)] = found[..] else {
        return Err(if found.is_empty() { Error::NoRegion } else { Error::Ambiguous(found.len()) });
    };
    let header = image.get(at..at + HEADER_LEN).ok_or(Error::Cut)?;
    let number = |place: usize| {
        let bytes = &header[NUMBERS + 4 * place..][..4];
        u32::from_le_bytes(bytes.try_into().expect("four bytes"))
    };
    let room = Room { document: number(0), uccs: number(1), agents: number(2), text: number(3) };
    Ok((at, room))
}

/// Checks a document and writes it into an image, which must hold the whole region.
///
/// # Errors
///
/// If the document is invalid, or does not fit this image.
pub fn write(image: &mut [u8], document: &[u8]) -> Result<Contents, Error> {
    let contents = check(document)?;
    let (at, room) = find(image)?;
    for (what, given, room) in [
        ("UCCs", contents.uccs, room.uccs),
        ("agents", contents.agents, room.agents),
        ("bytes of names and URIs", contents.text, room.text),
        ("bytes of text", document.len(), room.document),
    ] {
        if given > room as usize {
            return Err(Error::TooMuch { what, given, room });
        }
    }
    put(image, at, document, room)?;
    Ok(contents)
}

/// Writes bytes as they are, sound or not, so that a test sees what a gateway says to them.
///
/// # Errors
///
/// If the image has no place for them.
pub fn write_unchecked(image: &mut [u8], document: &[u8]) -> Result<(), Error> {
    let (at, room) = find(image)?;
    put(image, at, document, room)
}

fn put(image: &mut [u8], at: usize, document: &[u8], room: Room) -> Result<(), Error> {
    let region = image.get_mut(at..at + HEADER_LEN + room.document as usize).ok_or(Error::Cut)?;
    let (header, text) = region.split_at_mut(HEADER_LEN);
    let place = text.get_mut(..document.len()).ok_or(Error::TooMuch {
        what: "bytes of text",
        given: document.len(),
        room: room.document,
    })?;
    place.copy_from_slice(document);
    text[document.len()..].fill(0xff);
    header[HEADER_LEN - 8..HEADER_LEN - 4].copy_from_slice(&(document.len() as u32).to_le_bytes());
    header[HEADER_LEN - 4..].copy_from_slice(&crc32(document).to_le_bytes());
    Ok(())
}

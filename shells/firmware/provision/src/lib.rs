//! Checks a gateway's provisioning by the reader that the gateway itself has, and writes it into an image: an ELF file or
//! the plain bytes of the flash. Both hold the region with its marker and its header; nothing else of them is touched.
//!
//! A document is the core's, with one key more, which is read here alone: `network`, where the gateway is.

mod network;

use std::fmt;

use recording_core::Directory;
use recording_core::desk::provisioning::ProvisioningError;
use recording_gateway::provisioning::{HEADER_LEN, MARKER, NUMBERS, PLACE, Room, crc32};

pub use recording_gateway::provisioning::{Place, Site};

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
    /// What it says of the network is invalid: where, and why.
    Network(String),
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
            Self::Network(why) => f.write_str(why),
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
    /// Where the gateway is.
    pub place: Place,
}

impl fmt::Display for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { uccs, agents, text, place } = self;
        write!(f, "{uccs} UCCs, {agents} agents, {text} bytes of names and URIs; network ")?;
        match place {
            Place::Build => f.write_str("as built, which is for QEMU"),
            Place::Given(site) => f.write_str(&String::from_utf8_lossy(site.text().get())),
        }
    }
}

/// More than any board has. The directory's own limits are checked against the image's.
type Roomy = Directory<1024, 16384, 1_048_576>;

/// Checks a document.
///
/// # Errors
///
/// [`Error::Document`] or [`Error::Network`]: the first thing that is invalid, and where.
pub fn check(document: &[u8]) -> Result<Contents, Error> {
    read(document).map(|(contents, _)| contents)
}

/// What a document holds, and what of it is written as the text.
fn read(document: &[u8]) -> Result<(Contents, Vec<u8>), Error> {
    let (place, rest) = network::divide(document);
    // The directory is one value of a megabyte, of which unoptimised code makes copies.
    let mut contents = std::thread::scope(|scope| {
        let large = std::thread::Builder::new().stack_size(64 << 20).spawn_scoped(scope, || contents(&rest));
        large.expect("there is memory for a thread").join().expect("the core does not panic")
    })?;
    contents.place = place.map_err(Error::Network)?;
    Ok((contents, rest))
}

fn contents(document: &[u8]) -> Result<Contents, Error> {
    let mut directory = Roomy::new();
    directory.load(document).map_err(Error::Document)?;
    let mut contents = Contents { uccs: 0, agents: 0, text: 0, place: Place::Build };
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

/// Where the gateway of a provisioned image is; `None` if it is at the place of its build, or knows none.
#[must_use]
pub fn given(image: &[u8]) -> Option<Site> {
    let (at, _) = find(image).ok()?;
    match recording_gateway::provisioning::place(&image[at..]) {
        Ok(Place::Given(site)) => Some(site),
        _ => None,
    }
}

/// Checks a document and writes it into an image, which must hold the whole region.
///
/// # Errors
///
/// If the document is invalid, or does not fit this image.
pub fn write(image: &mut [u8], document: &[u8]) -> Result<Contents, Error> {
    let (contents, document) = read(document)?;
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
    put(image, at, contents.place, &document, room)?;
    Ok(contents)
}

/// Writes bytes as they are, sound or not, for a gateway at the place of its build: so that a test sees what it says to them.
///
/// # Errors
///
/// If the image has no place for them.
pub fn write_unchecked(image: &mut [u8], document: &[u8]) -> Result<(), Error> {
    let (at, room) = find(image)?;
    put(image, at, Place::Build, document, room)
}

fn put(image: &mut [u8], at: usize, network: Place, document: &[u8], room: Room) -> Result<(), Error> {
    let region = image.get_mut(at..at + HEADER_LEN + room.document as usize).ok_or(Error::Cut)?;
    let (header, text) = region.split_at_mut(HEADER_LEN);
    let place = text.get_mut(..document.len()).ok_or(Error::TooMuch {
        what: "bytes of text",
        given: document.len(),
        room: room.document,
    })?;
    place.copy_from_slice(document);
    text[document.len()..].fill(0xff);
    let network = network.bytes();
    header[PLACE].copy_from_slice(&[&network[..], &crc32(&network).to_le_bytes()].concat());
    header[HEADER_LEN - 8..HEADER_LEN - 4].copy_from_slice(&(document.len() as u32).to_le_bytes());
    header[HEADER_LEN - 4..].copy_from_slice(&crc32(document).to_le_bytes());
    Ok(())
}

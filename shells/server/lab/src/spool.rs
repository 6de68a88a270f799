//! What a recorder wrote: rtpengine's files of packets, as they are, also those that a kill cut off.

use crate::media::Mark;
use anyhow::{Context as _, Result, bail};
use etherparse::{LaxSlicedPacket, TransportSlice};
use pcap_parser::{Linktype, parse_pcap_frame, parse_pcap_header};
use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

/// What a file holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct File {
    /// What was in UDP, in the file's order.
    pub datagrams: Vec<Vec<u8>>,
    /// Whether it ends within a packet or within the file's own head, as after a kill.
    pub is_cut: bool,
}

impl File {
    /// Reads a file's bytes.
    ///
    /// # Errors
    ///
    /// If they are another format: not what rtpengine writes, or something else is in it than IP.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let (mut rest, head) = match parse_pcap_header(bytes) {
            Ok(found) => found,
            Err(_) if bytes.len() < 24 => return Ok(Self { is_cut: true, ..Self::default() }),
            Err(_) => bail!("not a file of packets"),
        };
        if head.network != Linktype::RAW || head.is_bigendian() {
            bail!("a file of packets of another kind: {:?}", head.network);
        }
        let mut file = Self::default();
        while !rest.is_empty() {
            match parse_pcap_frame(rest) {
                Ok((after, packet)) => {
                    file.datagrams.push(datagram(packet.data).context("a packet that is not UDP")?);
                    rest = after;
                }
                Err(pcap_parser::nom::Err::Incomplete(_)) => {
                    file.is_cut = true;
                    break;
                }
                Err(error) => bail!("a packet that cannot be read: {error:?}"),
            }
        }
        Ok(file)
    }
}

/// What an IP packet carries in UDP.
fn datagram(packet: &[u8]) -> Option<Vec<u8>> {
    // Lax: the lengths in heads that were made up need not be right.
    match LaxSlicedPacket::from_ip(packet).ok()?.transport? {
        TransportSlice::Udp(udp) => Some(udp.payload().to_vec()),
        _ => None,
    }
}

/// The files of packets in a recording directory.
///
/// # Errors
///
/// If it cannot be read.
pub fn files(recording_dir: &Path) -> Result<Vec<PathBuf>> {
    let directory = recording_dir.join("pcaps");
    let entries = fs::read_dir(&directory).with_context(|| directory.display().to_string())?;
    let mut files = Vec::new();
    for entry in entries {
        files.push(entry?.path());
    }
    files.sort();
    Ok(files)
}

/// All that a run finds of itself in a recording directory.
#[derive(Debug, Default)]
pub struct Spool {
    /// How many files have packets of this run.
    pub files: usize,
    /// How many of them are cut off.
    pub cut: usize,
    /// Packets that are in the files more than once.
    pub doubles: usize,
    marks: HashMap<u32, HashSet<u32>>,
}

impl Spool {
    /// Reads all files, and keeps what this run sent.
    ///
    /// # Errors
    ///
    /// If a file cannot be understood.
    pub fn read(recording_dir: &Path, run: u64) -> Result<Self> {
        let mut spool = Self::default();
        for path in files(recording_dir)? {
            let file = File::read(&fs::read(&path)?).with_context(|| path.display().to_string())?;
            let mine = file.datagrams.iter().filter(|datagram| spool.note(datagram, run)).count();
            spool.files += usize::from(mine > 0);
            spool.cut += usize::from(mine > 0 && file.is_cut);
        }
        Ok(spool)
    }

    /// Keeps what a datagram says, if it is of this run.
    fn note(&mut self, datagram: &[u8], run: u64) -> bool {
        let mark = rtp_types::RtpPacket::parse(datagram).ok().and_then(|packet| Mark::read(packet.payload()));
        let Some(mark) = mark.filter(|mark| mark.run == run) else { return false };
        let is_new = self.marks.entry(mark.stream).or_default().insert(mark.number);
        self.doubles += usize::from(!is_new);
        true
    }

    /// Whether a packet is in a file.
    #[must_use]
    pub fn has(&self, stream: u32, number: u32) -> bool {
        self.marks.get(&stream).is_some_and(|numbers| numbers.contains(&number))
    }

    /// How many packets of this run are in files.
    #[must_use]
    pub fn packets(&self) -> usize {
        self.marks.values().map(HashSet::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::PacketBuilder;

    fn head(network: u32) -> Vec<u8> {
        let mut head = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
        head.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        head.extend(65_535_u32.to_le_bytes());
        head.extend(network.to_le_bytes());
        head
    }

    fn packet(payload: &[u8]) -> Result<Vec<u8>> {
        let mut ip = Vec::new();
        PacketBuilder::ipv4([127, 0, 0, 1], [127, 0, 0, 1], 64).udp(4000, 4002).write(&mut ip, payload)?;
        let length = u32::try_from(ip.len())?.to_le_bytes();
        let mut packet = vec![0; 8];
        packet.extend(length);
        packet.extend(length);
        packet.extend(ip);
        Ok(packet)
    }

    #[test]
    fn a_file_is_read_up_to_where_it_is_cut() -> Result<()> {
        let whole = [head(101), packet(b"one")?, packet(b"two")?].concat();
        assert_eq!(File::read(&whole)?, File { datagrams: vec![b"one".to_vec(), b"two".to_vec()], is_cut: false });
        let (first, second) = (24, 24 + packet(b"one")?.len());
        for length in 0..whole.len() {
            let file = File::read(&whole[..length]).with_context(|| format!("{length} bytes"))?;
            let expected = usize::from(length >= second);
            assert_eq!(file.datagrams.len(), expected, "{length} bytes");
            assert_eq!(file.is_cut, length != first && length != second, "{length} bytes");
        }
        Ok(())
    }

    #[test]
    fn other_files_are_errors() -> Result<()> {
        assert!(File::read(&[0; 24]).is_err());
        assert!(File::read(&head(1)).is_err());
        let mut tcp = Vec::new();
        PacketBuilder::ipv4([127, 0, 0, 1], [127, 0, 0, 1], 64).tcp(1, 2, 3, 4).write(&mut tcp, b"x")?;
        assert_eq!(datagram(&tcp), None);
        Ok(())
    }
}

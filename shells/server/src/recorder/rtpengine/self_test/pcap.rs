//! The RTP payloads of a pcap file, as rtpengine writes it: raw IP packets (`--recording-format=raw`) or Ethernet frames.

/// The two forms of an RTP packet in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LinkType {
    RawIp,
    Ethernet,
}

/// The RTP payloads of a file. A file that is cut, in its header or in a packet, has those before the cut.
pub(super) fn rtp_payloads(file: &[u8]) -> Vec<&[u8]> {
    let mut payloads = Vec::new();
    let Some((header, mut rest)) = file.split_first_chunk::<24>() else { return payloads };
    let word: fn([u8; 4]) -> u32 = match header[..4] {
        [0xd4, 0xc3, 0xb2, 0xa1] | [0x4d, 0x3c, 0xb2, 0xa1] => u32::from_le_bytes,
        [0xa1, 0xb2, 0xc3, 0xd4] | [0xa1, 0xb2, 0x3c, 0x4d] => u32::from_be_bytes,
        _ => return payloads,
    };
    let link_type = match word([header[20], header[21], header[22], header[23]]) & 0xffff {
        12 | 14 | 101 | 228 | 229 => LinkType::RawIp,
        1 => LinkType::Ethernet,
        _ => return payloads,
    };
    while let Some((record, after)) = rest.split_first_chunk::<16>() {
        let length = word([record[8], record[9], record[10], record[11]]);
        let Some((packet, after)) = usize::try_from(length).ok().and_then(|length| after.split_at_checked(length))
        else {
            break;
        };
        payloads.extend(rtp_payload(packet, link_type));
        rest = after;
    }
    payloads
}

fn rtp_payload(packet: &[u8], link_type: LinkType) -> Option<&[u8]> {
    let packet = match link_type {
        LinkType::RawIp => packet,
        LinkType::Ethernet => packet.get(14..)?,
    };
    let datagram = match packet.first()? >> 4 {
        4 => {
            let is_udp = packet.get(9) == Some(&17);
            packet.get(usize::from(packet.first()? & 0xf) * 4..).filter(|_| is_udp)?
        }
        6 => packet.get(40..).filter(|_| packet.get(6) == Some(&17))?,
        _ => return None,
    };
    let rtp = datagram.get(8..)?;
    let first = *rtp.first()?;
    if first >> 6 != 2 {
        return None;
    }
    let mut start = 12 + usize::from(first & 0xf) * 4;
    if first & 0x10 != 0 {
        let words = u16::from_be_bytes([*rtp.get(start + 2)?, *rtp.get(start + 3)?]);
        start += 4 + usize::from(words) * 4;
    }
    rtp.get(start..)
}

#[cfg(test)]
pub(in super::super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A file with these RTP packets, as rtpengine writes it.
    pub(in super::super::super) fn file(packets: &[Vec<u8>]) -> Vec<u8> {
        let mut file = b"\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0\x65\0\0\0".to_vec();
        for packet in packets {
            file.extend_from_slice(&[0; 8]);
            let length = u32::try_from(packet.len()).expect("short").to_le_bytes();
            file.extend_from_slice(&[length, length].concat());
            file.extend_from_slice(packet);
        }
        file
    }

    /// An RTP packet over IPv4, without checksums.
    pub(in super::super::super) fn packet(rtp: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; 28];
        (packet[0], packet[9]) = (0x45, 17);
        packet.extend_from_slice(rtp);
        packet
    }

    fn rtp(first: u8, between: &[u8], payload: &[u8]) -> Vec<u8> {
        [&[first, 8], &[0; 10][..], between, payload].concat()
    }

    #[test]
    fn payloads_are_found_in_every_form() {
        let plain = rtp(0x80, &[], b"one");
        let long = rtp(0x92, &[0, 0, 0, 0, 0, 0, 0, 0, 0xbe, 0xde, 0, 1, 1, 2, 3, 4], b"two");
        let mut ipv6 = vec![0; 48];
        (ipv6[0], ipv6[6]) = (0x60, 17);
        ipv6.extend_from_slice(&rtp(0x80, &[], b"three"));
        let mut options = packet(&plain);
        options[0] = 0x46;
        options.splice(20..20, [0; 4]);
        let expected = [&b"one"[..], b"two", b"three", b"one"];
        let packets = [packet(&plain), packet(&long), ipv6, options];
        assert_eq!(rtp_payloads(&file(&packets)), expected);
        // As Ethernet frames.
        let frames = packets.map(|packet| [&[0; 14][..], &packet].concat());
        let mut ethernet = file(&frames);
        ethernet[20] = 1;
        assert_eq!(rtp_payloads(&ethernet), expected);
        ethernet[20] = 113;
        assert_eq!(rtp_payloads(&ethernet), [b""; 0]);
    }

    #[test]
    fn a_file_that_is_cut_has_what_is_before_the_cut() {
        let packets = [b"one", b"two"].map(|payload| packet(&rtp(0x80, &[], payload)));
        let whole = file(&packets);
        let first = 24 + 16 + packets[0].len();
        for end in 0..whole.len() {
            let expected: &[&[u8]] = if end < first { &[] } else { &[b"one"] };
            assert_eq!(rtp_payloads(&whole[..end]), expected, "{end}");
        }
        assert_eq!(rtp_payloads(&whole), [b"one", b"two"]);
    }

    #[test]
    fn what_is_not_rtp_over_udp_has_no_payload() {
        let mut tcp = packet(&rtp(0x80, &[], b"x"));
        tcp[9] = 6;
        let rtp_version = packet(&rtp(0x40, &[], b"x"));
        let extension = packet(&[0x9f, 8, 0, 0]);
        assert_eq!(rtp_payloads(&file(&[tcp, rtp_version, extension, vec![], vec![0x45]])), [b""; 0]);
    }

    proptest! {
        #[test]
        fn any_bytes_end_well(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            rtp_payloads(&bytes);
            let mut whole = file(&[]);
            whole.extend_from_slice(&bytes);
            rtp_payloads(&whole);
            rtp_payloads(&file(&[bytes]));
        }
    }
}

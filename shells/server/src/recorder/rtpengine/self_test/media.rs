//! The two ends of the self-test's call: RTP with payloads that are found again.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;
use std::io;

use memchr::memmem;
use tokio::net::UdpSocket;
use tokio::time::sleep;

use super::verdict::{Mark, PACKETS, Phase, Side};

/// Half a packet's time of a call, since two ends send.
const BETWEEN_PACKETS: Duration = Duration::from_millis(2);

/// The length of 20 ms of PCMA.
const PAYLOAD: usize = 160;

/// What every payload begins with; the rest of a mark follows.
const MAGIC: &[u8; 8] = b"selftest";

/// The payload of a packet.
fn payload(nonce: u64, mark: Mark) -> [u8; PAYLOAD] {
    // 0xd5 is silence in PCMA.
    let mut payload = [0xd5; PAYLOAD];
    let head = [&MAGIC[..], &nonce.to_be_bytes(), &[mark.phase as u8, mark.side as u8], &mark.number.to_be_bytes()];
    let head = head.concat();
    payload[..head.len()].copy_from_slice(&head);
    payload
}

/// The marks of this test in a file, wherever they are in it: what is written of a packet in any form is found, also in a file
/// that is cut.
pub(super) fn marks_in(file: &[u8], nonce: u64) -> impl Iterator<Item = Mark> {
    let start = [&MAGIC[..], &nonce.to_be_bytes()].concat();
    let places: Vec<_> = memmem::find_iter(file, &start).map(|at| at + start.len()).collect();
    places.into_iter().filter_map(|at| {
        let (&[phase, side, high, low], _) = file.get(at..)?.split_first_chunk()?;
        let phase = Phase::ALL.into_iter().find(|known| *known as u8 == phase)?;
        let side = [Side::A, Side::B].into_iter().find(|known| *known as u8 == side)?;
        Some(Mark { phase, side, number: u16::from_be_bytes([high, low]) })
    })
}

/// One end of the call.
#[derive(Debug)]
pub(super) struct End {
    side: Side,
    socket: UdpSocket,
    sent: u16,
}

impl End {
    /// An end on any free port, of the family of `ip`.
    pub(super) async fn new(side: Side, ip: IpAddr) -> io::Result<Self> {
        let any: IpAddr = if ip.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        Ok(Self { side, socket: UdpSocket::bind((any, 0)).await?, sent: 0 })
    }

    /// What the end offers or answers, as the host with this address.
    pub(super) fn sdp(&self, ip: IpAddr) -> io::Result<String> {
        let port = self.socket.local_addr()?.port();
        let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
        Ok(format!(
            "v=0\r\no=- 1 1 IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\n\
             a=rtpmap:8 PCMA/8000\r\na=sendrecv\r\na=ptime:20\r\n"
        ))
    }

    /// The packet after those that were sent.
    fn packet(&mut self, nonce: u64, mark: Mark) -> Vec<u8> {
        let sent = self.sent;
        self.sent = sent.wrapping_add(1);
        let mut packet = vec![0x80, 8];
        packet.extend_from_slice(&sent.to_be_bytes());
        packet.extend_from_slice(&(u32::from(sent) * 160).to_be_bytes());
        packet.extend_from_slice(&(0x5e1f_7e57 ^ u32::from(self.side as u8)).to_be_bytes());
        packet.extend_from_slice(&payload(nonce, mark));
        packet
    }
}

/// Where an SDP wants its audio.
pub(super) fn audio_address(sdp: &str) -> Option<SocketAddr> {
    let (mut ip, mut port) = (None, None);
    for line in sdp.lines() {
        // One of the media overrides the session's.
        if let Some(address) = line.strip_prefix("c=IN IP4 ").or_else(|| line.strip_prefix("c=IN IP6 ")) {
            ip = address.trim().parse().ok();
        } else if let Some(media) = line.strip_prefix("m=audio ") {
            port = media.split(' ').next()?.parse().ok();
        }
    }
    Some(SocketAddr::new(ip?, port.filter(|port| *port != 0)?))
}

/// Both ends send the packets of a phase to the recorder's ports.
pub(super) async fn send(ends: &mut [(End, SocketAddr); 2], nonce: u64, phase: Phase) -> io::Result<()> {
    for number in 0..PACKETS {
        for (end, to) in ends.iter_mut() {
            let mark = Mark { phase, side: end.side, number };
            let packet = end.packet(nonce, mark);
            end.socket.send_to(&packet, *to).await?;
        }
        sleep(BETWEEN_PACKETS).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn marks_are_found_wherever_they_are_and_no_others() {
        let sides = |phase| [Side::A, Side::B].map(|side| Mark { phase, side, number: 513 });
        let marks: Vec<_> = Phase::ALL.into_iter().flat_map(sides).collect();
        // Heads of odd lengths before each payload, as in any file of packets, and payloads of another test.
        let mut file = Vec::new();
        for (at, mark) in marks.iter().enumerate() {
            file.extend_from_slice(&vec![0x73; at]);
            file.extend_from_slice(&payload(7, *mark));
            file.extend_from_slice(&payload(8, *mark));
        }
        assert_eq!(marks_in(&file, 7).collect::<Vec<_>>(), marks);
        assert_eq!(marks_in(&file, 9).count(), 0);
        let mut unknown = payload(7, marks[0]);
        unknown[16] = 0;
        assert_eq!(marks_in(&unknown, 7).count(), 0);
        // Cut anywhere it has the marks that are whole.
        let whole: Vec<_> = (0..payload(7, marks[0]).len()).map(|end| marks_in(&file[..end], 7).count()).collect();
        assert!(whole.iter().enumerate().all(|(end, count)| *count == usize::from(end >= 20)), "{whole:?}");
    }

    #[tokio::test]
    async fn what_an_end_offers_is_where_it_listens() {
        for ip in [IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])] {
            let Ok(end) = End::new(Side::A, ip).await else {
                assert!(ip.is_ipv6(), "no IPv4 on this host");
                continue;
            };
            let port = end.socket.local_addr().expect("an address").port();
            assert_eq!(audio_address(&end.sdp(ip).expect("a text")), Some(SocketAddr::new(ip, port)));
        }
    }

    #[test]
    fn an_address_is_read_from_any_sdp_or_not_at_all() {
        let of = |lines: &[&str]| audio_address(&lines.join("\r\n"));
        let expected = Some(SocketAddr::from(([10, 0, 0, 1], 30_000)));
        assert_eq!(of(&["v=0", "c=IN IP4 10.0.0.1", "m=audio 30000 RTP/AVP 8"]), expected);
        assert_eq!(of(&["c=IN IP4 10.9.9.9", "m=audio 30000 RTP/AVP 8", "c=IN IP4 10.0.0.1"]), expected);
        for lines in [
            &["c=IN IP4 10.0.0.1"][..],
            &["m=audio 30000 RTP/AVP 8"],
            &["c=IN IP4 10.0.0.1", "m=audio 0 RTP/AVP 8"],
            &["c=IN IP4 10.0.0.1", "m=audio 70000 RTP/AVP 8"],
            &["c=IN IP4 x", "m=audio 1 RTP/AVP 8"],
            &["c=IN IP4 10.0.0.1", "m=audio "],
            &[],
        ] {
            assert_eq!(of(lines), None, "{lines:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_ends_well(lines in prop::collection::vec("(c=IN IP[46] |m=audio |a=)?[0-9a-f:. ]{0,40}", 0..6)) {
            if let Some(address) = audio_address(&lines.join("\r\n")) {
                prop_assert_ne!(address.port(), 0);
            }
        }
    }
}

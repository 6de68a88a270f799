//! Ethernet below IP: who is answered, and where.

use recording_gateway::link::{ANSWER, Came, HEADER, Ip, Link, Mac, Peer, Wish};

const OWN: Peer = Peer { ip: [10, 0, 2, 15], mac: [2, 0, 0, 0x52, 0x47, 1] };
const BROADCAST: Mac = [0xff; 6];

fn peer(number: u8) -> Peer {
    Peer { ip: [10, 0, 2, number], mac: [2, 0, 0, 0, 1, number] }
}

fn request(from: Peer, to: Mac, wanted: Ip) -> Vec<u8> {
    let parts: [&[u8]; 8] =
        [&to, &from.mac, &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1], &from.mac, &from.ip, &[0; 6], &wanted, &[0; 18]];
    parts.concat()
}

/// A segment, with these flags.
fn segment(from: Peer, to: Peer, flags: u8) -> Vec<u8> {
    let ip = [&[0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0], &from.ip[..], &to.ip].concat();
    let tcp = [&[0x30, 0x39, 0, 80], &[0; 8][..], &[0x50, flags], &[0; 6]].concat();
    [&to.mac[..], &from.mac, &[8, 0], &ip, &tcp].concat()
}

#[test]
fn a_request_for_our_address_is_answered_and_no_other() {
    let link = Link::<2>::new(OWN);
    for to in [BROADCAST, OWN.mac] {
        let Came::Request(answer) = link.read(&request(peer(7), to, OWN.ip)) else { panic!("it is for us") };
        let parts: [&[u8]; 8] =
            [&peer(7).mac, &OWN.mac, &[8, 6], &[0, 1, 8, 0, 6, 4, 0, 2], &OWN.mac, &OWN.ip, &peer(7).mac, &peer(7).ip];
        assert_eq!(answer.to_vec(), parts.concat());
    }
    let good = request(peer(7), BROADCAST, OWN.ip);
    assert_eq!(link.read(&request(peer(7), BROADCAST, peer(8).ip)), Came::Nothing);
    assert_eq!(link.read(&request(peer(7), peer(8).mac, OWN.ip)), Came::Nothing);
    for length in 0..ANSWER {
        assert_eq!(link.read(&good[..length]), Came::Nothing, "{length} bytes of it");
    }
    // Every other byte of it counts, but for the addresses that are asked from and the target's hardware address.
    for at in (12..22).chain(22..28).chain(38..42) {
        let mut other = good.clone();
        other[at] ^= 1;
        assert_eq!(link.read(&other), Came::Nothing, "byte {at}");
    }
}

#[test]
fn packets_are_for_us_or_nothing_and_wishes_are_seen() {
    let link = Link::<2>::new(OWN);
    for flags in 0..=u8::MAX {
        let wish = (flags & 0b1_0010 == 0b10).then_some(Wish { from: 12_345, to: 80 });
        assert_eq!(link.read(&segment(peer(7), OWN, flags)), Came::Packet(peer(7), wish), "{flags:#b}");
    }
    let syn = segment(peer(7), OWN, 2);
    for length in 0..syn.len() {
        let came = link.read(&syn[..length]);
        let expected = match length {
            0..34 => Came::Nothing,
            34..48 => Came::Packet(peer(7), None),
            _ => Came::Packet(peer(7), Some(Wish { from: 12_345, to: 80 })),
        };
        assert_eq!(came, expected, "{length} bytes of it");
    }
    let changed = |at: usize, byte: u8| {
        let mut frame = syn.clone();
        frame[at] = byte;
        link.read(&frame)
    };
    // Another interface's, a group's source, another protocol, another address.
    assert_eq!(changed(5, 9), Came::Nothing);
    assert_eq!(changed(6, 1), Came::Nothing);
    assert_eq!(changed(12, 0x86), Came::Nothing);
    assert_eq!(changed(33, 16), Came::Nothing);
    // Sources that no host can have.
    for first in (0..=u8::MAX).filter(|first| !matches!(first, 1..=126 | 128..=223)) {
        assert_eq!(changed(26, first), Came::Nothing, "{first}");
    }
    assert_eq!(link.read(&segment(Peer { ip: OWN.ip, ..peer(7) }, OWN, 2)), Came::Nothing);
    // A fragment, another transport, options that leave no room: no wish.
    for (at, byte) in [(20, 0x20), (21, 1), (23, 17), (14, 0x4f)] {
        assert_eq!(changed(at, byte), Came::Packet(peer(7), None), "byte {at}");
    }
}

fn way(link: &Link<3>, ip: Ip) -> Option<Mac> {
    let packet = [&[0; 16][..], &ip].concat();
    let header: [u8; HEADER] = link.header(&packet)?;
    assert_eq!(header[6..], [&OWN.mac[..], &[8, 0]].concat());
    Some(header[..6].try_into().expect("six bytes"))
}

/// A host with a connection keeps the way to it, whatever others send, and however many they are; and a host that was heard
/// last is answered.
#[test]
fn peers_with_connections_keep_their_places() {
    let mut link = Link::<3>::new(OWN);
    assert_eq!(way(&link, peer(1).ip), None, "nobody was heard");
    let connected = [peer(1), peer(2)];
    let is_needed = |ip: Ip| connected.iter().any(|peer| peer.ip == ip);
    for peer in connected {
        link.heard(peer, is_needed);
    }
    for number in 3..=250 {
        link.heard(peer(number), is_needed);
        assert_eq!(way(&link, peer(number).ip), Some(peer(number).mac));
        for peer in connected {
            assert_eq!(way(&link, peer.ip), Some(peer.mac), "after {number} others");
        }
    }
    // A peer that has another interface now, or another router in front of it.
    let moved = Peer { mac: [2, 9, 9, 9, 9, 9], ..peer(2) };
    link.heard(moved, is_needed);
    link.heard(peer(9), is_needed);
    assert_eq!(way(&link, peer(2).ip), Some(moved.mac));
    // Every place is needed: the next is answered all the same, as long as no other host was heard.
    link.heard(peer(3), |_| true);
    link.heard(peer(4), |_| true);
    assert_eq!(way(&link, peer(4).ip), Some(peer(4).mac));
    assert_eq!(way(&link, peer(1).ip), Some(peer(1).mac));
}

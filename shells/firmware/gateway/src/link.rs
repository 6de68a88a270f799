//! Ethernet below IP. The gateway never speaks first, so it never asks for an address: what it sends to a peer goes to
//! where the peer's own last frame came from, which is the peer itself or the router in front of it.
//!
//! So there is nothing that requests for addresses, of hosts that are there or not, could push out, and no router has to be
//! named.

/// The address of an interface.
pub type Mac = [u8; 6];
/// An IPv4 address.
pub type Ip = [u8; 4];

/// What is in a frame before its packet.
pub const HEADER: usize = 14;
/// How long the answer to a request for our address is.
pub const ANSWER: usize = HEADER + 28;

const IPV4: [u8; 2] = [0x08, 0x00];
const ARP: [u8; 2] = [0x08, 0x06];
/// A request for an IPv4 address on Ethernet, from its first byte on.
const REQUEST: [u8; 8] = [0, 1, 0x08, 0x00, 6, 4, 0, 1];
const TCP: u8 = 6;
const SYN: u8 = 1 << 1;
const ACK: u8 = 1 << 4;

/// Where a host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub ip: Ip,
    /// Where its frames come from.
    pub mac: Mac,
}

/// A host wants a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// From which port.
    pub from: u16,
    /// To which port.
    pub to: u16,
}

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// Nothing for us.
    Nothing,
    /// A request for our address. This frame is the answer.
    Request([u8; ANSWER]),
    /// A packet for us.
    Packet(Peer, Option<Wish>),
}

/// The gateway's end of the Ethernet, with room for `N` peers: as many as there can be connections.
#[derive(Debug)]
pub struct Link<const N: usize> {
    own: Peer,
    /// The sender of the packet that is dealt with. It is answered whether it has a place or not.
    last: Peer,
    peers: [Peer; N],
}

impl<const N: usize> Link<N> {
    /// No host was heard yet.
    #[must_use]
    pub const fn new(own: Peer) -> Self {
        let nobody = Peer { ip: [0; 4], mac: [0; 6] };
        Self { own, last: nobody, peers: [nobody; N] }
    }

    /// What a frame is.
    #[must_use]
    pub fn read(&self, frame: &[u8]) -> Came {
        self.try_read(frame).unwrap_or(Came::Nothing)
    }

    fn try_read(&self, frame: &[u8]) -> Option<Came> {
        let (&to, rest) = frame.split_first_chunk::<6>()?;
        let (&mac, rest) = rest.split_first_chunk::<6>()?;
        let (&kind, packet) = rest.split_first_chunk::<2>()?;
        let is_group = mac[0] & 1 != 0;
        if is_group || mac == self.own.mac {
            return None;
        }
        match kind {
            // A packet for us alone has no reason to be sent to a group.
            IPV4 if to == self.own.mac => self.packet(mac, packet),
            ARP if to == self.own.mac || to == [0xff; 6] => self.request(mac, packet),
            _ => None,
        }
    }

    fn request(&self, mac: Mac, packet: &[u8]) -> Option<Came> {
        let rest = packet.strip_prefix(&REQUEST)?;
        let (&sender, rest) = rest.split_first_chunk::<6>()?;
        let (&ip, rest) = rest.split_first_chunk::<4>()?;
        let (_, rest) = rest.split_first_chunk::<6>()?;
        let (&wanted, _) = rest.split_first_chunk::<4>()?;
        if wanted != self.own.ip || sender != mac {
            return None;
        }
        let mut answer = [0; ANSWER];
        let own = self.own;
        let said: [&[u8]; 8] = [&mac, &own.mac, &ARP, &[0, 1, 0x08, 0x00, 6, 4, 0, 2], &own.mac, &own.ip, &mac, &ip];
        for (place, &byte) in answer.iter_mut().zip(said.into_iter().flatten()) {
            *place = byte;
        }
        Some(Came::Request(answer))
    }

    fn packet(&self, mac: Mac, packet: &[u8]) -> Option<Came> {
        let (head, _) = packet.split_first_chunk::<20>()?;
        let ip = [head[12], head[13], head[14], head[15]];
        let to = [head[16], head[17], head[18], head[19]];
        // From no host, from loopback, from a group, from ourselves: none of them can be answered.
        let is_host = !matches!(ip[0], 0 | 127 | 224..) && ip != self.own.ip;
        if !is_host || to != self.own.ip {
            return None;
        }
        let length = usize::from(head[0] & 15) * 4;
        let is_whole = head[6] & 0x3f == 0 && head[7] == 0;
        let segment = packet.get(length..).filter(|_| head[9] == TCP && is_whole);
        let wish = segment.and_then(|segment| segment.first_chunk::<14>()).and_then(|tcp| {
            let wish = Wish { from: u16::from_be_bytes([tcp[0], tcp[1]]), to: u16::from_be_bytes([tcp[2], tcp[3]]) };
            (tcp[13] & (SYN | ACK) == SYN).then_some(wish)
        });
        Some(Came::Packet(Peer { ip, mac }, wish))
    }

    /// A packet of this peer is dealt with next. `is_needed` says whether there is a connection with an address: such a
    /// peer keeps its place.
    pub fn heard(&mut self, peer: Peer, is_needed: impl Fn(Ip) -> bool) {
        self.last = peer;
        let known = self.peers.iter_mut().find(|known| known.ip == peer.ip);
        let place = match known {
            Some(known) => Some(known),
            None => self.peers.iter_mut().find(|known| !is_needed(known.ip)),
        };
        if let Some(place) = place {
            *place = peer;
        }
    }

    /// The header of the frame for a packet; `None` if it is for a host that was never heard.
    #[must_use]
    pub fn header(&self, packet: &[u8]) -> Option<[u8; HEADER]> {
        let ip = packet.get(16..)?.first_chunk::<4>()?;
        let peer = core::iter::once(&self.last).chain(&self.peers).find(|peer| peer.ip == *ip)?;
        let mut header = [0; HEADER];
        let said: [&[u8]; 3] = [&peer.mac, &self.own.mac, &IPV4];
        for (place, &byte) in header.iter_mut().zip(said.into_iter().flatten()) {
            *place = byte;
        }
        Some(header)
    }
}

//! An Ethernet device as the TCP wants it: one packet each way at a time, in two frames that stay.

use recording_gateway::link::{Came, HEADER, Ip, Link, Peer, Wish};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;

use super::SOCKETS;
use crate::board::{FRAME, Net};
use crate::driver::Ethernet;

/// Two frames.
pub(crate) struct Frames {
    pub(crate) received: [u8; FRAME],
    pub(crate) sent: [u8; FRAME],
}

/// The device, its frames, and who is at the other end.
pub(crate) struct Wire {
    net: Net,
    frames: &'static mut Frames,
    link: Link<SOCKETS>,
    /// How long the frame is whose packet waits for the TCP.
    waiting: Option<usize>,
}

impl Wire {
    pub(crate) const fn new(net: Net, frames: &'static mut Frames, own: Peer) -> Self {
        Self { net, frames, link: Link::new(own), waiting: None }
    }

    pub(crate) fn has_frame(&self) -> bool {
        self.net.has_frame()
    }

    /// Takes the next frame: `None` if there is none, or none can be taken now. If it holds a packet, the next is for
    /// [`Self::heard`] and the TCP.
    pub(crate) fn fetch(&mut self) -> Option<Option<(Peer, Option<Wish>)>> {
        // What comes in may be answered at once: it has to wait until that can be sent.
        if !self.net.can_send() {
            return None;
        }
        let length = self.net.receive(&mut self.frames.received)?;
        Some(match self.link.read(self.frames.received.get(..length)?) {
            Came::Nothing => None,
            Came::Request(answer) => {
                self.net.send(&answer);
                None
            }
            Came::Packet(peer, wish) => {
                self.waiting = Some(length);
                Some((peer, wish))
            }
        })
    }

    pub(crate) fn heard(&mut self, peer: Peer, is_needed: impl Fn(Ip) -> bool) {
        self.link.heard(peer, is_needed);
    }
}

pub(crate) struct Received<'a>(&'a [u8]);

pub(crate) struct ToSend<'a> {
    net: &'a mut Net,
    frame: &'a mut [u8; FRAME],
    link: &'a Link<SOCKETS>,
}

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(self.0)
    }
}

impl TxToken for ToSend<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        // The TCP keeps to the capabilities.
        let frame = &mut self.frame[..HEADER + length];
        let (header, packet) = frame.split_at_mut(HEADER);
        let result = fill(packet);
        if let Some(found) = self.link.header(packet) {
            header.copy_from_slice(&found);
            self.net.send(frame);
        }
        result
    }
}

impl Device for Wire {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = ToSend<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, ToSend<'_>)> {
        let length = self.waiting.take()?;
        let received = Received(self.frames.received.get(HEADER..length)?);
        // It can be sent: the frame would not have been taken otherwise.
        Some((received, ToSend { net: &mut self.net, frame: &mut self.frames.sent, link: &self.link }))
    }

    fn transmit(&mut self, _: Instant) -> Option<ToSend<'_>> {
        self.net.can_send().then_some(ToSend { net: &mut self.net, frame: &mut self.frames.sent, link: &self.link })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = FRAME - HEADER;
        capabilities.max_burst_size = Some(1);
        capabilities
    }
}

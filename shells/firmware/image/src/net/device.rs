//! An Ethernet device as the TCP wants it: one frame each way at a time, in two buffers that stay.

use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;

use crate::board::{FRAME, Net};
use crate::driver::Ethernet;

/// Two frames.
pub(crate) struct Frames {
    pub(crate) received: [u8; FRAME],
    pub(crate) sent: [u8; FRAME],
}

/// The device and its frames.
pub(crate) struct Wire {
    net: Net,
    frames: &'static mut Frames,
}

impl Wire {
    pub(crate) const fn new(net: Net, frames: &'static mut Frames) -> Self {
        Self { net, frames }
    }

    pub(crate) fn has_frame(&self) -> bool {
        self.net.has_frame()
    }
}

pub(crate) struct Received<'a>(&'a [u8]);

pub(crate) struct ToSend<'a> {
    net: &'a mut Net,
    frame: &'a mut [u8; FRAME],
}

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(self.0)
    }
}

impl TxToken for ToSend<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        // The TCP keeps to the capabilities.
        let frame = &mut self.frame[..length];
        let result = fill(frame);
        self.net.send(frame);
        result
    }
}

impl Device for Wire {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = ToSend<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, ToSend<'_>)> {
        // What comes in may be answered at once: it has to wait until that can be sent.
        if !self.net.can_send() {
            return None;
        }
        let length = self.net.receive(&mut self.frames.received)?;
        let received = Received(self.frames.received.get(..length)?);
        Some((received, ToSend { net: &mut self.net, frame: &mut self.frames.sent }))
    }

    fn transmit(&mut self, _: Instant) -> Option<ToSend<'_>> {
        self.net.can_send().then_some(ToSend { net: &mut self.net, frame: &mut self.frames.sent })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME;
        capabilities.max_burst_size = Some(1);
        capabilities
    }
}

//! The Ethernet controller of the Stellaris parts: one FIFO each way, words at a time.

use super::Ethernet;
use crate::register::Block;

/// That controller.
#[derive(Debug)]
pub(crate) struct Stellaris {
    block: Block,
}

const INTERRUPT: usize = 0x00;
const INTERRUPT_MASK: usize = 0x04;
const RECEIVE_CONTROL: usize = 0x08;
const TRANSMIT_CONTROL: usize = 0x0c;
const DATA: usize = 0x10;
const ADDRESS: usize = 0x14;
const FRAMES_WAITING: usize = 0x34;
const TRANSMIT_REQUEST: usize = 0x38;

const RECEIVED: u32 = 1;
/// Receiver on, frames that are damaged refused.
const RECEIVE_ON: u32 = 1 | 1 << 3;
const RECEIVE_RESET: u32 = 1 << 4;
/// Transmitter on, short frames padded, check sequence added, full duplex.
const TRANSMIT_ON: u32 = 1 | 1 << 1 | 1 << 2 | 1 << 4;

impl Ethernet for Stellaris {
    fn start(block: Block, _clock: u32, mac: [u8; 6]) -> Option<Self> {
        let [a, b, c, d, e, f] = mac;
        block.register(RECEIVE_CONTROL).write(RECEIVE_RESET);
        block.register(ADDRESS).write(u32::from_le_bytes([a, b, c, d]));
        block.register(ADDRESS + 4).write(u32::from_le_bytes([e, f, 0, 0]));
        block.register(TRANSMIT_CONTROL).write(TRANSMIT_ON);
        block.register(INTERRUPT).write(0x7f);
        block.register(INTERRUPT_MASK).write(RECEIVED);
        block.register(RECEIVE_CONTROL).write(RECEIVE_ON);
        Some(Self { block })
    }

    fn receive(&mut self, frame: &mut [u8]) -> Option<usize> {
        if !self.has_frame() {
            return None;
        }
        self.block.register(INTERRUPT).write(RECEIVED);
        let data = self.block.register(DATA);
        // Two bytes of length, which count themselves and the check sequence; then the frame, so that it begins in the
        // middle of a word.
        let first = data.read().to_le_bytes();
        let total = usize::from(u16::from_le_bytes([first[0], first[1]]));
        let length = total.saturating_sub(6);
        let mut words = total.div_ceil(4).saturating_sub(1);
        let mut next = || {
            words = words.checked_sub(1)?;
            Some(data.read().to_le_bytes())
        };
        let (mut word, mut at) = (first, 2);
        let fits = length <= frame.len();
        for place in frame.iter_mut().take(if fits { length } else { 0 }) {
            if at == 4 {
                (word, at) = (next()?, 0);
            }
            *place = *word.get(at)?;
            at += 1;
        }
        while next().is_some() {}
        Some(if fits { length } else { 0 })
    }

    fn can_send(&self) -> bool {
        self.block.register(TRANSMIT_REQUEST).read() & 1 == 0
    }

    fn send(&mut self, frame: &[u8]) {
        let data = self.block.register(DATA);
        // The length without the header, then the frame.
        let length = (frame.len().saturating_sub(14) as u16).to_le_bytes();
        let (mut word, mut at) = ([length[0], length[1], 0, 0], 2);
        for &byte in frame {
            if let Some(place) = word.get_mut(at) {
                *place = byte;
            }
            at += 1;
            if at == 4 {
                data.write(u32::from_le_bytes(word));
                (word, at) = ([0; 4], 0);
            }
        }
        if at > 0 {
            data.write(u32::from_le_bytes(word));
        }
        self.block.register(TRANSMIT_REQUEST).write(1);
    }

    fn has_frame(&self) -> bool {
        self.block.register(FRAMES_WAITING).read() > 0
    }
}

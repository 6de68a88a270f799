//! The LAN9118 and its family, on a parallel bus.

use super::Ethernet;
use crate::register::Block;

/// Such a controller.
#[derive(Debug)]
pub(crate) struct Lan9118 {
    block: Block,
}

const RECEIVE_DATA: usize = 0x00;
const TRANSMIT_DATA: usize = 0x20;
const RECEIVE_STATUS: usize = 0x40;
const TRANSMIT_STATUS: usize = 0x48;
const INTERRUPT_CONFIG: usize = 0x54;
const INTERRUPT_STATUS: usize = 0x58;
const INTERRUPT_ENABLE: usize = 0x5c;
const BYTE_TEST: usize = 0x64;
const FIFO_LEVELS: usize = 0x68;
const TRANSMIT_CONFIG: usize = 0x70;
const HARDWARE_CONFIG: usize = 0x74;
const RECEIVE_FIFO: usize = 0x7c;
const TRANSMIT_FIFO: usize = 0x80;
const MAC_COMMAND: usize = 0xa4;
const MAC_DATA: usize = 0xa8;

/// What `BYTE_TEST` reads when the bus is in order.
const IN_ORDER: u32 = 0x8765_4321;
const MAC_BUSY: u32 = 1 << 31;
/// Full duplex, transmitter and receiver on.
const MAC_ON: u32 = 1 << 20 | 1 << 3 | 1 << 2;
/// The receive status FIFO is above its level.
const RECEIVED: u32 = 1 << 3;
/// How often a register is asked before it is given up.
const PATIENCE: u32 = 100_000;

impl Lan9118 {
    fn wait(&self, offset: usize, is_ready: impl Fn(u32) -> bool) -> Option<()> {
        (0..PATIENCE).any(|_| is_ready(self.block.register(offset).read())).then_some(())
    }

    /// Writes one of the registers that are reached through two others.
    fn mac(&self, register: u32, value: u32) -> Option<()> {
        self.wait(MAC_COMMAND, |command| command & MAC_BUSY == 0)?;
        self.block.register(MAC_DATA).write(value);
        self.block.register(MAC_COMMAND).write(MAC_BUSY | register);
        self.wait(MAC_COMMAND, |command| command & MAC_BUSY == 0)
    }
}

impl Ethernet for Lan9118 {
    fn start(block: Block, _clock: u32, mac: [u8; 6]) -> Option<Self> {
        let device = Self { block };
        device.wait(BYTE_TEST, |value| value == IN_ORDER)?;
        block.register(HARDWARE_CONFIG).write(1);
        device.wait(HARDWARE_CONFIG, |value| value & 1 == 0)?;
        // 5 KB of the FIFOs for what is sent; `must be one`.
        block.register(HARDWARE_CONFIG).write(5 << 16 | 1 << 20);
        block.register(FIFO_LEVELS).write(0x4800_0000);
        // The line is active high and driven; after a reset it is active low.
        block.register(INTERRUPT_CONFIG).write(0x111);
        block.register(INTERRUPT_STATUS).write(u32::MAX);
        block.register(INTERRUPT_ENABLE).write(RECEIVED);
        let [a, b, c, d, e, f] = mac;
        device.mac(2, u32::from_le_bytes([e, f, 0, 0]))?;
        device.mac(3, u32::from_le_bytes([a, b, c, d]))?;
        device.mac(1, MAC_ON)?;
        block.register(TRANSMIT_CONFIG).write(1 << 1);
        Some(device)
    }

    fn receive(&mut self, frame: &mut [u8]) -> Option<usize> {
        if !self.has_frame() {
            return None;
        }
        let status = self.block.register(RECEIVE_STATUS).read();
        // With the check sequence. The FIFO gives its space back only when all of it was read.
        let total = (status >> 16 & 0x3fff) as usize;
        let damaged = status & 1 << 15 != 0;
        let length = total.saturating_sub(4);
        let fits = length <= frame.len() && !damaged;
        let data = self.block.register(RECEIVE_DATA);
        let mut at = 0;
        for _ in 0..total.div_ceil(4) {
            for byte in data.read().to_le_bytes() {
                if let Some(place) = frame.get_mut(at).filter(|_| fits && at < length) {
                    *place = byte;
                }
                at += 1;
            }
        }
        self.block.register(INTERRUPT_STATUS).write(RECEIVED);
        Some(if fits { length } else { 0 })
    }

    fn can_send(&self) -> bool {
        // Room for a whole frame and its two commands.
        self.block.register(TRANSMIT_FIFO).read() & 0xffff >= 1536
    }

    fn send(&mut self, frame: &[u8]) {
        let length = frame.len() as u32;
        let data = self.block.register(TRANSMIT_DATA);
        // The first and the last piece of the frame in one.
        data.write(1 << 13 | 1 << 12 | length);
        data.write(length);
        for word in frame.chunks(4) {
            let mut bytes = [0; 4];
            for (place, &byte) in bytes.iter_mut().zip(word) {
                *place = byte;
            }
            data.write(u32::from_le_bytes(bytes));
        }
        // What became of the frames before is of no interest, but must be taken.
        for _ in 0..4 {
            if self.block.register(TRANSMIT_FIFO).read() >> 16 & 0xff == 0 {
                break;
            }
            let _ = self.block.register(TRANSMIT_STATUS).read();
        }
    }

    fn has_frame(&self) -> bool {
        self.block.register(RECEIVE_FIFO).read() >> 16 & 0xff > 0
    }
}

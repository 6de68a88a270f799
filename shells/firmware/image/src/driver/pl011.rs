//! The PL011, as it is built into the Stellaris parts.

use super::{Output, Received, Uart};
use crate::register::Block;

/// A PL011.
#[derive(Debug)]
pub(crate) struct Pl011 {
    block: Block,
    /// A byte that was taken, and comes after a loss.
    taken: Option<u8>,
}

const DATA: usize = 0x00;
const FLAGS: usize = 0x18;
const BAUD_INTEGER: usize = 0x24;
const BAUD_FRACTION: usize = 0x28;
const LINE: usize = 0x2c;
const CONTROL: usize = 0x30;
const INTERRUPT_MASK: usize = 0x38;
const INTERRUPT_CLEAR: usize = 0x44;

const BUSY: u32 = 1 << 3;
const RECEIVE_EMPTY: u32 = 1 << 4;
const TRANSMIT_FULL: u32 = 1 << 5;
/// In what is read with a byte: there was no room for others; it came without its stop bit, with a wrong parity, or as a
/// break.
const OVERRUN: u32 = 1 << 11;
const DAMAGED: u32 = 0b111 << 8;
/// Bytes wait, or have waited for a while.
const RECEIVE_INTERRUPTS: u32 = 1 << 4 | 1 << 6;

impl Output for Pl011 {
    fn start(block: Block, clock: u32, baud: u32) -> Self {
        // Sixty-fourths of the divisor clock / (16 * baud), rounded.
        let divisor = (clock * 8 / baud).div_ceil(2);
        block.register(CONTROL).write(0);
        block.register(BAUD_INTEGER).write(divisor >> 6);
        block.register(BAUD_FRACTION).write(divisor & 63);
        block.register(LINE).write(3 << 5 | 1 << 4);
        block.register(INTERRUPT_MASK).write(0);
        block.register(CONTROL).write(1 << 9 | 1 << 8 | 1);
        Self { block, taken: None }
    }

    fn attach(block: Block) -> Self {
        Self { block, taken: None }
    }

    fn write(&mut self, byte: u8) -> bool {
        let has_room = self.block.register(FLAGS).read() & TRANSMIT_FULL == 0;
        if has_room {
            self.block.register(DATA).write(byte.into());
        }
        has_room
    }

    fn is_idle(&self) -> bool {
        self.block.register(FLAGS).read() & BUSY == 0
    }
}

impl Uart for Pl011 {
    fn interrupt_on_receive(&mut self) {
        self.block.register(INTERRUPT_MASK).write(RECEIVE_INTERRUPTS);
    }

    fn read(&mut self) -> Option<Received> {
        if let Some(byte) = self.taken.take() {
            return Some(Received::Byte(byte));
        }
        if self.block.register(FLAGS).read() & RECEIVE_EMPTY != 0 {
            self.block.register(INTERRUPT_CLEAR).write(RECEIVE_INTERRUPTS);
            return None;
        }
        let word = self.block.register(DATA).read();
        if word & (OVERRUN | DAMAGED) == 0 {
            return Some(Received::Byte(word as u8));
        }
        // The FIFO notes an overrun with the first byte that it takes after it: the loss comes before that one.
        self.taken = (word & DAMAGED == 0).then_some(word as u8);
        Some(Received::Damage)
    }
}

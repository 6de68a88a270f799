//! The PL011, as it is built into the Stellaris parts.

use super::{Received, Uart};
use crate::register::Block;

/// A PL011.
#[derive(Debug)]
pub(crate) struct Pl011 {
    block: Block,
    /// How many bytes of the FIFO come before those that it had no room for.
    until_loss: Option<u8>,
}

const DATA: usize = 0x00;
const RECEIVE_STATUS: usize = 0x04;
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
const FIFO: u8 = 16;
/// Bytes wait, or have waited for a while.
const RECEIVE_INTERRUPTS: u32 = 1 << 4 | 1 << 6;

impl Uart for Pl011 {
    fn start(block: Block, clock: u32, baud: u32) -> Self {
        // Sixty-fourths of the divisor clock / (16 * baud), rounded.
        let divisor = (clock * 8 / baud).div_ceil(2);
        block.register(CONTROL).write(0);
        block.register(BAUD_INTEGER).write(divisor >> 6);
        block.register(BAUD_FRACTION).write(divisor & 63);
        block.register(LINE).write(3 << 5 | 1 << 4);
        block.register(INTERRUPT_MASK).write(0);
        block.register(CONTROL).write(1 << 9 | 1 << 8 | 1);
        Self { block, until_loss: None }
    }

    fn attach(block: Block) -> Self {
        Self { block, until_loss: None }
    }

    fn interrupt_on_receive(&mut self) {
        self.block.register(INTERRUPT_MASK).write(RECEIVE_INTERRUPTS);
    }

    fn read(&mut self) -> Option<Received> {
        if self.until_loss == Some(0) {
            self.until_loss = None;
            return Some(Received::Damage);
        }
        if self.block.register(FLAGS).read() & RECEIVE_EMPTY != 0 {
            self.block.register(INTERRUPT_CLEAR).write(RECEIVE_INTERRUPTS);
            return self.until_loss.take().map(|_| Received::Damage);
        }
        let word = self.block.register(DATA).read();
        // The FIFO was full when it had no room: what it held then comes before the loss, this byte among it.
        if word & OVERRUN != 0 && self.until_loss.is_none() {
            self.until_loss = Some(FIFO);
            self.block.register(RECEIVE_STATUS).write(0);
        }
        self.until_loss = self.until_loss.map(|left| left.saturating_sub(1));
        Some(if word & DAMAGED == 0 { Received::Byte(word as u8) } else { Received::Damage })
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

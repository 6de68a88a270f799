//! The UART of Arm's Cortex-M System Design Kit. It holds one byte each way, and does not see damaged ones.

use super::{Output, Received, Uart};
use crate::register::Block;

/// A UART of that kit.
#[derive(Debug)]
pub(crate) struct CmsdkUart {
    block: Block,
    /// A byte that was taken, and comes after a loss.
    taken: Option<u8>,
}

const DATA: usize = 0x00;
const STATE: usize = 0x04;
const CONTROL: usize = 0x08;
const INTERRUPT_CLEAR: usize = 0x0c;
const BAUD_DIVISOR: usize = 0x10;

const TRANSMIT_FULL: u32 = 1;
const RECEIVE_FULL: u32 = 1 << 1;
const RECEIVE_OVERRUN: u32 = 1 << 3;
const TRANSMIT: u32 = 1;
const RECEIVE: u32 = 1 << 1;
const RECEIVE_INTERRUPT: u32 = 1 << 3;

impl Output for CmsdkUart {
    fn start(block: Block, clock: u32, baud: u32) -> Self {
        // The divisor is at least 16.
        block.register(BAUD_DIVISOR).write((clock / baud).max(16));
        block.register(CONTROL).write(TRANSMIT | RECEIVE);
        Self { block, taken: None }
    }

    fn attach(block: Block) -> Self {
        Self { block, taken: None }
    }

    fn write(&mut self, byte: u8) -> bool {
        let has_room = self.block.register(STATE).read() & TRANSMIT_FULL == 0;
        if has_room {
            self.block.register(DATA).write(byte.into());
        }
        has_room
    }

    /// But for the byte that is being shifted out, of which the device does not tell.
    fn is_idle(&self) -> bool {
        self.block.register(STATE).read() & TRANSMIT_FULL == 0
    }
}

impl Uart for CmsdkUart {
    fn interrupt_on_receive(&mut self) {
        self.block.register(CONTROL).write(TRANSMIT | RECEIVE | RECEIVE_INTERRUPT);
    }

    fn read(&mut self) -> Option<Received> {
        if let Some(byte) = self.taken.take() {
            return Some(Received::Byte(byte));
        }
        // Asked for again before it is looked at: a byte that comes between is not missed.
        self.block.register(INTERRUPT_CLEAR).write(1 << 1);
        let state = self.block.register(STATE);
        if state.read() & RECEIVE_FULL == 0 {
            return None;
        }
        let byte = self.block.register(DATA).read() as u8;
        // A byte that finds another one here takes its place. Asked after the byte: what is said then is said of it, and
        // the loss comes before it.
        if state.read() & RECEIVE_OVERRUN == 0 {
            return Some(Received::Byte(byte));
        }
        state.write(RECEIVE_OVERRUN);
        self.taken = Some(byte);
        Some(Received::Damage)
    }
}

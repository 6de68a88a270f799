//! The UART of Arm's Cortex-M System Design Kit. It holds one byte each way.

use super::Uart;
use crate::register::Block;

/// A UART of that kit.
#[derive(Debug)]
pub(crate) struct CmsdkUart {
    block: Block,
    lost: bool,
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

impl Uart for CmsdkUart {
    fn start(block: Block, clock: u32, baud: u32) -> Self {
        // The divisor is at least 16.
        block.register(BAUD_DIVISOR).write((clock / baud).max(16));
        block.register(CONTROL).write(TRANSMIT | RECEIVE);
        Self { block, lost: false }
    }

    fn attach(block: Block) -> Self {
        Self { block, lost: false }
    }

    fn interrupt_on_receive(&mut self) {
        self.block.register(CONTROL).write(TRANSMIT | RECEIVE | RECEIVE_INTERRUPT);
    }

    fn read(&mut self) -> Option<u8> {
        // Asked for again before it is looked at: a byte that comes between is not missed.
        self.block.register(INTERRUPT_CLEAR).write(1 << 1);
        let state = self.block.register(STATE);
        if state.read() & RECEIVE_OVERRUN != 0 {
            self.lost = true;
            state.write(RECEIVE_OVERRUN);
        }
        (state.read() & RECEIVE_FULL != 0).then(|| self.block.register(DATA).read() as u8)
    }

    fn lost(&mut self) -> bool {
        core::mem::take(&mut self.lost)
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

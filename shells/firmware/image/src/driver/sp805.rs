//! The watchdog of Arm's SP805 and its descendants, such as the one of the Cortex-M System Design Kit: it asks for an
//! interrupt when its time is over, and resets the board when it is over once more.

use super::Watchdog;
use crate::register::Block;

/// A watchdog that runs.
#[derive(Debug)]
pub(crate) struct Sp805 {
    block: Block,
}

const LOAD: usize = 0x00;
const CONTROL: usize = 0x08;
const INTERRUPT_CLEAR: usize = 0x0c;
const LOCK: usize = 0xc00;

const UNLOCK: u32 = 0x1acc_e551;
const INTERRUPT_AND_RESET: u32 = 0b11;

impl Watchdog for Sp805 {
    /// It cannot be stopped.
    fn start(block: Block, clock: u32, seconds: u32) -> Self {
        block.register(LOCK).write(UNLOCK);
        block.register(LOAD).write(clock.saturating_mul(seconds));
        block.register(CONTROL).write(INTERRUPT_AND_RESET);
        block.register(LOCK).write(0);
        Self { block }
    }

    fn feed(&mut self) {
        self.block.register(LOCK).write(UNLOCK);
        self.block.register(INTERRUPT_CLEAR).write(1);
        self.block.register(LOCK).write(0);
    }
}

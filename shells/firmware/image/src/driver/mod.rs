//! What the gateway needs of a board, and the devices that give it.
#![allow(dead_code, reason = "a board has some of these devices; what it does not use is not in its image")]

pub(crate) mod cmsdk_uart;
pub(crate) mod lan9118;
pub(crate) mod pl011;
pub(crate) mod sp805;
pub(crate) mod stellaris;

use core::marker::PhantomData;

use crate::register::Block;

/// A device of a board: where it is, what its own clock runs at, and by its type which driver it has.
pub(crate) struct Device<D> {
    base: usize,
    clock: u32,
    driver: PhantomData<fn() -> D>,
}

impl<D> Device<D> {
    /// The device whose registers begin at `base`. `clock`, in Hz, is what reaches this device, whatever the core runs at.
    pub(crate) const fn at(base: usize, clock: u32) -> Self {
        Self { base, clock, driver: PhantomData }
    }

    pub(crate) const fn clock(&self) -> u32 {
        self.clock
    }

    pub(crate) const fn block(&self) -> Block {
        // SAFETY: the board's file says that the device of this driver is there. Each device is used by its owner alone:
        // the log's line by the log, the PBX's for reading by its interrupt, everything else by the main loop.
        unsafe { Block::at(self.base) }
    }
}

/// What came in on a serial line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Received {
    /// A byte, undamaged.
    Byte(u8),
    /// At this place bytes are missing, or one was damaged on the way.
    Damage,
}

/// The way out of a serial line: all that the log and the recorders' line need. Nothing here waits.
pub(crate) trait Output {
    /// Starts the device: 8 bits, no parity, one stop bit. `clock`, in Hz, is this device's own.
    fn start(block: Block, clock: u32, baud: u32) -> Self;
    /// A device that was started before.
    fn attach(block: Block) -> Self;
    /// Sends a byte; `false` if the device takes none now.
    fn write(&mut self, byte: u8) -> bool;
    /// Whether everything has left the device.
    fn is_idle(&self) -> bool;
}

/// A serial line, both ways, as the PBX's is. Nothing here waits.
pub(crate) trait Uart: Output {
    /// Asks for an interrupt when something came in.
    fn interrupt_on_receive(&mut self);
    /// The next byte that came in, or where one is missing: in the order in which they came. Until nothing is left, all
    /// calls are for the same device.
    fn read(&mut self) -> Option<Received>;
}

/// What resets the board when the main loop stalls.
pub(crate) trait Watchdog {
    /// Starts it: the board is reset between `seconds` and twice as many after the last feeding. `clock`, in Hz, is the
    /// watchdog's own, which is often a slow one that runs whatever happens to the others.
    fn start(block: Block, clock: u32, seconds: u32) -> Self;
    /// All is well.
    fn feed(&mut self);
}

/// An Ethernet device. Nothing here waits, but for what its registers take.
pub(crate) trait Ethernet: Sized {
    /// Starts the device with its address; `None` if none answers. `clock`, in Hz, is the one that reaches its registers:
    /// one with a PHY of its own divides the PHY's from it.
    fn start(block: Block, clock: u32, mac: [u8; 6]) -> Option<Self>;
    /// Takes the next frame that came in, without its check sequence; `None` if there is none. One that does not fit, or
    /// that was damaged, is taken as an empty one.
    fn receive(&mut self, frame: &mut [u8]) -> Option<usize>;
    /// Whether a frame can be sent now.
    fn can_send(&self) -> bool;
    /// Sends a frame.
    fn send(&mut self, frame: &[u8]);
    /// Whether a frame waits. The device asks for its interrupt as long as one does.
    fn has_frame(&self) -> bool;
}

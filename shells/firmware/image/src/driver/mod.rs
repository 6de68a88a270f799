//! What the gateway needs of a board, and the devices that give it.

#[cfg(feature = "mps2-an386")]
pub(crate) mod cmsdk_uart;
#[cfg(feature = "mps2-an386")]
pub(crate) mod lan9118;
#[cfg(feature = "lm3s6965evb")]
pub(crate) mod pl011;
#[cfg(feature = "lm3s6965evb")]
pub(crate) mod stellaris;
pub(crate) mod watchdog;

use crate::register::Block;

/// What came in on a serial line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Received {
    /// A byte, undamaged.
    Byte(u8),
    /// At this place bytes are missing, or one was damaged on the way.
    Damage,
}

/// A serial line. Nothing here waits.
pub(crate) trait Uart {
    /// Starts the device: 8 bits, no parity, one stop bit.
    fn start(block: Block, clock: u32, baud: u32) -> Self;
    /// A device that was started before.
    fn attach(block: Block) -> Self;
    /// Asks for an interrupt when something came in.
    fn interrupt_on_receive(&mut self);
    /// The next byte that came in, or where one is missing: in the order in which they came. Until nothing is left, all
    /// calls are for the same device.
    fn read(&mut self) -> Option<Received>;
    /// Sends a byte; `false` if the device takes none now.
    fn write(&mut self, byte: u8) -> bool;
    /// Whether everything has left the device.
    fn is_idle(&self) -> bool;
}

/// What resets the board when the main loop stalls.
pub(crate) trait Watchdog {
    /// Starts it: the board is reset at most two times `ticks` of its clock after the last feeding.
    fn start(block: Block, ticks: u32) -> Self;
    /// All is well.
    fn feed(&mut self);
}

/// An Ethernet device. Nothing here waits, but for what its registers take.
pub(crate) trait Ethernet: Sized {
    /// Starts the device with its address; `None` if none answers.
    fn start(block: Block, mac: [u8; 6]) -> Option<Self>;
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

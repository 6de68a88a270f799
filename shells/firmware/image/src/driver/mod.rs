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

/// A serial line. Nothing here waits.
pub(crate) trait Uart {
    /// The next byte that came in.
    fn read(&mut self) -> Option<u8>;
    /// Whether a byte was lost since the last time this was asked.
    fn lost(&mut self) -> bool;
    /// Sends a byte; `false` if the device takes none now.
    fn write(&mut self, byte: u8) -> bool;
    /// Whether everything has left the device.
    fn is_idle(&self) -> bool;
}

/// An Ethernet device. Nothing here waits, but for what its registers take.
pub(crate) trait Ethernet {
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

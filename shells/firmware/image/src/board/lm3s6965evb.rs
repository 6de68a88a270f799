//! The Stellaris LM3S6965 evaluation board: Cortex-M3, 256 KB of flash, 64 KB of RAM.

use crate::driver::Device;
use crate::driver::pl011::Pl011;
use crate::driver::sp805::Sp805;
use crate::driver::stellaris::Stellaris;
use crate::interrupt::Number;
use crate::register::Block;

pub(crate) const NAME: &str = "lm3s6965evb";

pub(crate) const SESSIONS: usize = 64;
pub(crate) const UCCS: usize = 16;
/// 16 of each UCC.
pub(crate) const AGENTS: usize = UCCS * 16;
/// Names of 64 bytes and URIs of 20, or any other division.
pub(crate) const TEXT: usize = UCCS * 64 + AGENTS * 20;
/// As in the memory layout.
pub(crate) const PROVISIONING: usize = 12 * 1024;
/// Clients at once.
pub(crate) const CONNECTIONS: usize = 4;
/// Listeners at once.
pub(crate) const LISTENERS: usize = 2;
/// The longest frame: IPv4 asks every host to take packets of 576 bytes.
pub(crate) const FRAME: usize = 14 + 576;
/// What the TCP keeps of what came in: a segment.
pub(crate) const RECEIVE: usize = 640;

/// What the part runs at after a reset, if its clock is not set; the emulated one too. On this part it drives everything.
pub(crate) const CLOCK: u32 = 12_500_000;

pub(crate) type Log = Pl011;
pub(crate) type Pbx = Pl011;
pub(crate) type Recorder = Pl011;
pub(crate) type Net = Stellaris;
pub(crate) type Dog = Sp805;

pub(super) const LOG: Device<Log> = Device::at(0x4000_c000, CLOCK);
pub(super) const PBX: Device<Pbx> = Device::at(0x4000_d000, CLOCK);
pub(super) const RECORDER: Device<Recorder> = Device::at(0x4000_e000, CLOCK);
pub(super) const NET: Device<Net> = Device::at(0x4004_8000, CLOCK);
pub(super) const WATCHDOG: Device<Dog> = Device::at(0x4000_0000, CLOCK);

pub(super) const INTERRUPTS: usize = 44;
pub(super) const PBX_INTERRUPT: Number = Number(6);
pub(crate) const NET_INTERRUPT: Number = Number(42);

/// Switches the devices' clocks on, and gives them their pins.
pub(super) fn power() {
    let on = |block: usize, offset, bits| {
        // SAFETY: the system control and the ports of this part, which nothing else uses.
        let register = unsafe { Block::at(block) }.register(offset);
        register.write(register.read() | bits);
        // A clock's gate takes a few cycles.
        let _ = register.read();
    };
    let control = 0x400f_e000;
    on(control, 0x100, 1 << 3);
    on(control, 0x104, 0b111);
    // Ports A, D and G for the UARTs' pins, F for the lamps of the Ethernet; the Ethernet and its PHY.
    on(control, 0x108, 1 << 28 | 1 << 30 | 0b110_1001);
    // PA0 and 1, PD2 and 3, PG0 and 1 belong to the UARTs, PF2 and 3 to the Ethernet; all of them are digital.
    for (port, pins) in [(0x4000_4000, 0b11), (0x4000_7000, 0b1100), (0x4002_6000, 0b11), (0x4002_5000, 0b1100)] {
        on(port, 0x420, pins);
        on(port, 0x51c, pins);
    }
}

//! The MPS2 board with the image AN505: a Cortex-M33 with `TrustZone`, 4 MB each for code and for data.
//!
//! The core starts in its secure state and stays there: everything is used at its secure address, at which memory and
//! devices are open to it from the reset on. That is the other address with bit 28 set.

use crate::driver::Device;
use crate::driver::cmsdk_uart::CmsdkUart;
use crate::driver::lan9118::Lan9118;
use crate::driver::sp805::Sp805;
use crate::interrupt::Number;

pub(crate) const NAME: &str = "mps2-an505";

pub(crate) const SESSIONS: usize = 512;
pub(crate) const UCCS: usize = 64;
/// 16 of each UCC.
pub(crate) const AGENTS: usize = UCCS * 16;
/// Names of 64 bytes and URIs of 32, or any other division.
pub(crate) const TEXT: usize = UCCS * 64 + AGENTS * 32;
/// As in the memory layout.
pub(crate) const PROVISIONING: usize = 64 * 1024;
/// Clients at once.
pub(crate) const CONNECTIONS: usize = 8;
/// Listeners at once.
pub(crate) const LISTENERS: usize = 4;
/// The longest frame, without its check sequence.
pub(crate) const FRAME: usize = 14 + 1500;
/// What the TCP keeps of what came in.
pub(crate) const RECEIVE: usize = 2048;

/// The core's, and that of the devices on its buses.
pub(crate) const CLOCK: u32 = 20_000_000;
/// The slow one, which runs when the other does not.
const SLOW_CLOCK: u32 = 32_000;

pub(crate) type Log = CmsdkUart;
pub(crate) type Pbx = CmsdkUart;
pub(crate) type Recorder = CmsdkUart;
pub(crate) type Net = Lan9118;
pub(crate) type Dog = Sp805;

pub(super) const LOG: Device<Log> = Device::at(0x5020_0000, CLOCK);
pub(super) const PBX: Device<Pbx> = Device::at(0x5020_1000, CLOCK);
pub(super) const RECORDER: Device<Recorder> = Device::at(0x5020_2000, CLOCK);
pub(super) const NET: Device<Net> = Device::at(0x5200_0000, CLOCK);
pub(super) const WATCHDOG: Device<Dog> = Device::at(0x5002_e000, SLOW_CLOCK);

pub(super) const INTERRUPTS: usize = 124;
pub(super) const PBX_INTERRUPT: Number = Number(34);
pub(crate) const NET_INTERRUPT: Number = Number(48);

/// Nothing has to be switched on.
pub(super) const fn power() {}

//! The MPS2 board with the image AN386: Cortex-M4F, 4 MB each for code and for data.

use crate::driver::Device;
use crate::driver::cmsdk_uart::CmsdkUart;
use crate::driver::lan9118::Lan9118;
use crate::driver::sp805::Sp805;
use crate::interrupt::Number;

pub(crate) const NAME: &str = "mps2-an386";

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

/// It drives everything.
pub(crate) const CLOCK: u32 = 25_000_000;

pub(crate) type Log = CmsdkUart;
pub(crate) type Pbx = CmsdkUart;
pub(crate) type Recorder = CmsdkUart;
pub(crate) type Net = Lan9118;
pub(crate) type Dog = Sp805;

pub(super) const LOG: Device<Log> = Device::at(0x4000_4000, CLOCK);
pub(super) const PBX: Device<Pbx> = Device::at(0x4000_5000, CLOCK);
pub(super) const RECORDER: Device<Recorder> = Device::at(0x4000_6000, CLOCK);
pub(super) const NET: Device<Net> = Device::at(0x4020_0000, CLOCK);
pub(super) const WATCHDOG: Device<Dog> = Device::at(0x4000_8000, CLOCK);

pub(super) const INTERRUPTS: usize = 32;
pub(super) const PBX_INTERRUPT: Number = Number(2);
pub(crate) const NET_INTERRUPT: Number = Number(13);

/// Nothing has to be switched on.
pub(super) const fn power() {}

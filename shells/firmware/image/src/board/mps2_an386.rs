//! The MPS2 board with the image AN386: Cortex-M4F, 4 MB each for code and for data.

use cortex_m_rt::exception;

use crate::driver::cmsdk_uart::CmsdkUart;
use crate::driver::lan9118::Lan9118;
use crate::driver::watchdog::Watchdog;
use crate::interrupt::{self, Handler, Number};
use crate::register::Block;
use crate::serial;

pub(crate) const NAME: &str = "mps2-an386";

pub(crate) const SESSIONS: usize = 512;
pub(crate) const UCCS: usize = 64;
/// 16 of each UCC.
pub(crate) const AGENTS: usize = UCCS * 16;
/// Names of 64 bytes and URIs of 32, or any other division.
pub(crate) const TEXT: usize = UCCS * 64 + AGENTS * 32;
pub(crate) const PROVISIONING: usize = 64 * 1024;
/// Clients at once.
pub(crate) const CONNECTIONS: usize = 8;
/// Listeners at once.
pub(crate) const LISTENERS: usize = 4;
/// The longest frame, without its check sequence.
pub(crate) const FRAME: usize = 14 + 1500;
/// What the TCP keeps of what came in.
pub(crate) const RECEIVE: usize = 2048;

pub(crate) type Serial = CmsdkUart;
pub(crate) type Net = Lan9118;

pub(crate) const CLOCK: u32 = 25_000_000;

/// The number of the Ethernet's interrupt.
pub(crate) const NET_INTERRUPT: Number = Number(13);
const PBX_INTERRUPT: Number = Number(2);

const UARTS: [usize; 3] = [0x4000_4000, 0x4000_5000, 0x4000_6000];

pub(crate) struct Board {
    pub(crate) pbx: Serial,
    pub(crate) recorder: Serial,
    pub(crate) net: Net,
    pub(crate) watchdog: Watchdog,
}

fn log_device() -> Block {
    // SAFETY: the board has such a device there, and only the log uses it.
    unsafe { Block::at(UARTS[0]) }
}

/// The line of the log, which [`power`] has started.
pub(crate) fn log() -> Serial {
    CmsdkUart::attach(log_device())
}

/// Starts the log. Nothing of this board has to be switched on.
pub(crate) fn power() {
    CmsdkUart::start(log_device(), CLOCK, 115_200);
}

/// Starts the devices. If one does not answer, `Err` says which.
pub(crate) fn start(mac: [u8; 6]) -> Result<Board, &'static str> {
    // SAFETY: the board has these devices there, and nothing else uses them.
    let (pbx, recorder, net, watchdog) =
        unsafe { (Block::at(UARTS[1]), Block::at(UARTS[2]), Block::at(0x4020_0000), Block::at(0x4000_8000)) };
    let mut pbx = CmsdkUart::start(pbx, CLOCK, 115_200);
    pbx.interrupt_on_receive();
    interrupt::enable(PBX_INTERRUPT);
    Ok(Board {
        pbx,
        recorder: CmsdkUart::start(recorder, CLOCK, 115_200),
        net: Lan9118::start(net, mac).ok_or("the Ethernet controller does not answer")?,
        watchdog: Watchdog::start(watchdog, CLOCK * crate::WATCHDOG_SECONDS),
    })
}

unsafe extern "C" fn pbx_received() {
    // SAFETY: the board has such a UART there. The main loop only writes to it.
    let mut pbx = CmsdkUart::attach(unsafe { Block::at(UARTS[1]) });
    serial::PBX.fill(&mut pbx);
}

/// The interrupts of the image.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [Handler; 32] = {
    let mut handlers: [Handler; 32] = [interrupt::unexpected; 32];
    handlers[PBX_INTERRUPT.0 as usize] = pbx_received;
    handlers[NET_INTERRUPT.0 as usize] = interrupt::wake_for_net;
    handlers
};

/// The watchdog's time is over once: it resets the board when it is over again.
#[exception]
unsafe fn NonMaskableInt() {
    loop {
        cortex_m::asm::nop();
    }
}

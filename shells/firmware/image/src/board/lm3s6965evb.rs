//! The Stellaris LM3S6965 evaluation board: Cortex-M3, 256 KB of flash, 64 KB of RAM.

use cortex_m_rt::exception;

use crate::driver::pl011::Pl011;
use crate::driver::stellaris::Stellaris;
use crate::driver::watchdog::Watchdog;
use crate::interrupt::{self, Handler, Number};
use crate::register::Block;
use crate::serial;

pub(crate) const NAME: &str = "lm3s6965evb";

pub(crate) const SESSIONS: usize = 64;
pub(crate) const UCCS: usize = 16;
/// 16 of each UCC.
pub(crate) const AGENTS: usize = UCCS * 16;
/// Names of 64 bytes and URIs of 20, or any other division.
pub(crate) const TEXT: usize = UCCS * 64 + AGENTS * 20;
pub(crate) const PROVISIONING: usize = 12 * 1024;
/// Clients at once.
pub(crate) const CONNECTIONS: usize = 4;
/// Listeners at once.
pub(crate) const LISTENERS: usize = 2;
/// The longest frame: IPv4 asks every host to take packets of 576 bytes.
pub(crate) const FRAME: usize = 14 + 576;
/// What the TCP keeps of what came in: a segment.
pub(crate) const RECEIVE: usize = 640;

pub(crate) type Serial = Pl011;
pub(crate) type Net = Stellaris;

/// What the part runs at behind a reset, if nobody sets its clock; the emulated one too.
pub(crate) const CLOCK: u32 = 12_500_000;

/// The number of the Ethernet's interrupt.
pub(crate) const NET_INTERRUPT: Number = Number(42);
const PBX_INTERRUPT: Number = Number(6);

const UARTS: [usize; 3] = [0x4000_c000, 0x4000_d000, 0x4000_e000];

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
    Pl011::attach(log_device())
}

/// Switches the devices' clocks on, and starts the log. Before this nothing of the board may be used.
pub(crate) fn power() {
    // SAFETY: the system control of this part is there.
    let control = unsafe { Block::at(0x400f_e000) };
    let on = |offset, bits| {
        let gate = control.register(offset);
        gate.write(gate.read() | bits);
        // The gate takes a few cycles.
        let _ = gate.read();
    };
    on(0x100, 1 << 3);
    on(0x104, 0b111);
    // Ports A, D and G for the UARTs' pins, F for the lamps of the Ethernet; the Ethernet and its PHY.
    on(0x108, 1 << 28 | 1 << 30 | 0b110_1001);
    // PA0 and 1, PD2 and 3, PG0 and 1 belong to the UARTs, PF2 and 3 to the Ethernet.
    for (port, pins) in [(0x4000_4000, 0b11), (0x4000_7000, 0b1100), (0x4002_6000, 0b11), (0x4002_5000, 0b1100)] {
        // SAFETY: so are the ports.
        let port = unsafe { Block::at(port) };
        for offset in [0x420, 0x51c] {
            let register = port.register(offset);
            register.write(register.read() | pins);
        }
    }
    Pl011::start(log_device(), CLOCK, 115_200);
}

/// Starts the devices. If one does not answer, `Err` says which.
pub(crate) fn start(mac: [u8; 6]) -> Result<Board, &'static str> {
    // SAFETY: the board has these devices there, and nothing else uses them.
    let (pbx, recorder, net, watchdog) =
        unsafe { (Block::at(UARTS[1]), Block::at(UARTS[2]), Block::at(0x4004_8000), Block::at(0x4000_0000)) };
    let mut pbx = Pl011::start(pbx, CLOCK, 115_200);
    pbx.interrupt_on_receive();
    interrupt::enable(PBX_INTERRUPT);
    Ok(Board {
        pbx,
        recorder: Pl011::start(recorder, CLOCK, 115_200),
        net: Stellaris::start(net, mac),
        watchdog: Watchdog::start(watchdog, CLOCK * crate::WATCHDOG_SECONDS),
    })
}

unsafe extern "C" fn pbx_received() {
    // SAFETY: the board has a PL011 there. The main loop only writes to it.
    let mut pbx = Pl011::attach(unsafe { Block::at(UARTS[1]) });
    serial::PBX.fill(&mut pbx);
}

/// The interrupts of the part.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [Handler; 44] = {
    let mut handlers: [Handler; 44] = [interrupt::unexpected; 44];
    handlers[PBX_INTERRUPT.0 as usize] = pbx_received;
    handlers[NET_INTERRUPT.0 as usize] = interrupt::wake_for_net;
    handlers
};

/// The watchdog of this part has no such interrupt.
#[exception]
unsafe fn NonMaskableInt() {}

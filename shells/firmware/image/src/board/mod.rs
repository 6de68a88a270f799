//! Boards: what each of them is is in one file of its own; what follows from that, here.

#[cfg_attr(feature = "lm3s6965evb", path = "lm3s6965evb.rs")]
#[cfg_attr(feature = "mps2-an386", path = "mps2_an386.rs")]
mod chosen;

pub(crate) use chosen::{
    AGENTS, CLOCK, CONNECTIONS, Dog, FRAME, LISTENERS, NAME, NET_INTERRUPT, Net, PROVISIONING, RECEIVE, SESSIONS,
    Serial, TEXT, UCCS,
};

use crate::driver::{Ethernet, Uart, Watchdog};
use crate::interrupt::{self, Handler};
use crate::register::Block;
use crate::serial;

const BAUD: u32 = 115_200;

/// The main loop's devices, started.
pub(crate) struct Board {
    pub(crate) pbx: Serial,
    pub(crate) recorder: Serial,
    pub(crate) net: Net,
    pub(crate) watchdog: Dog,
}

fn device(at: usize) -> Block {
    // SAFETY: the board's file says that it has the device there. Each is used by its owner alone: the log's line by the
    // log, the PBX's for reading by its interrupt, everything else by the main loop.
    unsafe { Block::at(at) }
}

/// Powers the devices, and starts the log. Before this nothing of the board may be used.
pub(crate) fn power() {
    chosen::power();
    Serial::start(device(chosen::LOG), chosen::SERIAL_CLOCK, BAUD);
}

/// The line of the log, which [`power`] has started.
pub(crate) fn log() -> Serial {
    Serial::attach(device(chosen::LOG))
}

/// Starts the other devices. If one does not answer, `Err` says which.
pub(crate) fn start(mac: [u8; 6]) -> Result<Board, &'static str> {
    let mut pbx = Serial::start(device(chosen::PBX), chosen::SERIAL_CLOCK, BAUD);
    pbx.interrupt_on_receive();
    interrupt::enable(chosen::PBX_INTERRUPT);
    Ok(Board {
        pbx,
        recorder: Serial::start(device(chosen::RECORDER), chosen::SERIAL_CLOCK, BAUD),
        net: Net::start(device(chosen::NET), mac).ok_or("the Ethernet controller does not answer")?,
        watchdog: Dog::start(device(chosen::WATCHDOG), chosen::WATCHDOG_CLOCK * crate::WATCHDOG_SECONDS),
    })
}

unsafe extern "C" fn pbx_received() {
    serial::fill(&mut Serial::attach(device(chosen::PBX)));
}

/// The board's interrupts: two that are wanted.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [Handler; chosen::INTERRUPTS] = {
    let mut handlers: [Handler; chosen::INTERRUPTS] = [interrupt::unexpected; chosen::INTERRUPTS];
    handlers[chosen::PBX_INTERRUPT.0 as usize] = pbx_received;
    handlers[NET_INTERRUPT.0 as usize] = interrupt::wake_for_net;
    handlers
};

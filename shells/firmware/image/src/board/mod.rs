//! Boards: what each of them is is in one file of its own; what follows from that, here.

#[cfg_attr(feature = "lm3s6965evb", path = "lm3s6965evb.rs")]
#[cfg_attr(feature = "mps2-an386", path = "mps2_an386.rs")]
#[cfg_attr(feature = "mps2-an505", path = "mps2_an505.rs")]
mod chosen;

pub(crate) use chosen::{
    AGENTS, CLOCK, CONNECTIONS, Dog, FRAME, LISTENERS, Log, NAME, NET_INTERRUPT, Net, PROVISIONING, Pbx, RECEIVE,
    Recorder, SESSIONS, TEXT, UCCS,
};

use crate::driver::{Device, Ethernet, Output, Uart, Watchdog};
use crate::interrupt::{self, Handler};
use crate::serial;

const BAUD: u32 = 115_200;

/// The main loop's devices, started.
pub(crate) struct Board {
    pub(crate) pbx: Pbx,
    pub(crate) recorder: Recorder,
    pub(crate) net: Net,
    pub(crate) watchdog: Dog,
}

fn started<D: Output>(line: &Device<D>) -> D {
    D::start(line.block(), line.clock(), BAUD)
}

/// Powers the devices, and starts the log. Before this nothing of the board may be used.
pub(crate) fn power() {
    chosen::power();
    started(&chosen::LOG);
}

/// The line of the log, which [`power`] has started.
pub(crate) fn log() -> Log {
    Log::attach(chosen::LOG.block())
}

/// Starts the other devices. If one does not answer, `Err` says which.
pub(crate) fn start(mac: [u8; 6]) -> Result<Board, &'static str> {
    let mut pbx = started(&chosen::PBX);
    pbx.interrupt_on_receive();
    interrupt::enable(chosen::PBX_INTERRUPT);
    Ok(Board {
        pbx,
        recorder: started(&chosen::RECORDER),
        net: Net::start(chosen::NET.block(), chosen::NET.clock(), mac)
            .ok_or("the Ethernet controller does not answer")?,
        watchdog: Dog::start(chosen::WATCHDOG.block(), chosen::WATCHDOG.clock(), crate::WATCHDOG_SECONDS),
    })
}

unsafe extern "C" fn pbx_received() {
    serial::fill(&mut Pbx::attach(chosen::PBX.block()));
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

//! The gateway on a Cortex-M: one loop, in which everything has a bounded turn, and sleep when there is nothing to do.
//!
//! What a board has is in `board/`, one file each; drivers know a device and no board. Whatever is said or decided is
//! `recording_gateway`'s and `recording_core`'s.

#![no_std]
#![no_main]

mod board;
mod driver;
mod interrupt;
mod life;
mod lines;
mod net;
#[cfg(feature = "planted")]
mod planted;
mod register;
mod serial;
/// The site's addresses, from the environment of the build.
mod site {
    include!(concat!(env!("OUT_DIR"), "/site.rs"));
}

use core::mem::MaybeUninit;

use cortex_m_rt::entry;
use recording_gateway::provisioning::{HEADER_LEN, Room};
use recording_gateway::text::Text;

use driver::Watchdog as _;
use lines::Lines;
use net::{Memory, Network, Storage};

type Gateway = recording_gateway::Gateway<{ board::SESSIONS }, { board::UCCS }, { board::AGENTS }, { board::TEXT }>;

/// The board is reset when the loop stalls for twice this long. A turn takes milliseconds.
const WATCHDOG_SECONDS: u32 = 4;

/// The provisioning's region: its header, and erased flash, into which a tool writes the text.
#[unsafe(link_section = ".provisioning")]
#[used]
static PROVISIONING: [u8; board::PROVISIONING] = {
    let header = Room {
        document: (board::PROVISIONING - HEADER_LEN) as u32,
        uccs: board::UCCS as u32,
        agents: board::AGENTS as u32,
        text: board::TEXT as u32,
    }
    .header();
    let mut region = [0xff; board::PROVISIONING];
    let mut at = 0;
    while at < HEADER_LEN {
        region[at] = header[at];
        at += 1;
    }
    region
};

/// What is there now, which is not what the compiler knows of it.
fn provisioning() -> &'static [u8] {
    core::hint::black_box(&PROVISIONING)
}

/// Writes a line of the log, made of pieces.
fn say(pieces: &[&[u8]]) {
    let mut line = Text::<256>::new();
    for piece in pieces {
        line.bytes(piece);
    }
    serial::log(&mut board::log(), &line);
}

fn number(number: u16) -> Text<10> {
    let mut text = Text::new();
    text.number(number.into());
    text
}

/// Reads the site's provisioning, and says what came of it.
#[inline(never)]
fn provision(gateway: &mut Gateway) {
    match gateway.provision(provisioning()) {
        Ok(()) => say(&[b"provisioning uccs=", number(gateway.directory().uccs().count() as u16).get()]),
        Err(why) => say(&[b"provisioning REFUSED: ", why.text().get()]),
    }
}

/// Starts the devices. What it needs of the stack is given back before anything is served.
#[inline(never)]
fn devices() -> board::Board {
    let ended_by = life::begin();
    board::power();
    say(&[b"boot board=", board::NAME.as_bytes(), b" after=", ended_by.as_bytes()]);
    interrupt::start_clock();
    board::start(site::MAC).unwrap_or_else(|why| life::give_up(why))
}

#[entry]
fn main() -> ! {
    static mut GATEWAY: Gateway = Gateway::new();
    static mut MEMORY: Memory = Memory::new();
    static mut STORAGE: Storage = [const { MaybeUninit::uninit() }; net::SOCKETS];
    static mut NETWORK: MaybeUninit<Network> = MaybeUninit::uninit();

    let board::Board { pbx, recorder, net, mut watchdog } = devices();
    provision(GATEWAY);
    let network = Network::start(NETWORK, net, MEMORY, STORAGE);
    let mut lines = Lines::new(pbx, recorder, GATEWAY);
    say(&[b"READY api=", number(net::API).get(), b" events=", number(net::EVENTS).get()]);
    loop {
        watchdog.feed();
        let now = interrupt::now();
        network.receive(GATEWAY, now);
        let mut again = lines.turn(GATEWAY, network.seconds());
        again |= network.serve(GATEWAY, now);
        // A change puts a line in; the reply leaves when that line has.
        again |= lines.turn(GATEWAY, network.seconds());
        network.transmit(now);
        if !again {
            interrupt::sleep(|| network.has_frame());
        }
    }
}

//! The gateway on a Cortex-M: one loop, in which everything has a bounded turn, and sleep when there is nothing to do.
//!
//! What a board has is in `board/`, one file each; drivers know a device and no board. Whatever is said or decided is
//! `recording_gateway`'s and `recording_core`'s.

#![no_std]
#![no_main]

// What defmt logs leaves by RTT.
#[cfg(feature = "defmt")]
use defmt_rtt as _;

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

use core::mem::MaybeUninit;

use cortex_m_rt::entry;
use recording_gateway::provisioning::{self, HEADER_LEN, Place, Room, Site};
use recording_gateway::text::Text;

use driver::Watchdog as _;
use lines::Lines;
use net::{Memory, Network, Storage};

type Gateway = recording_gateway::Gateway<{ board::SESSIONS }, { board::UCCS }, { board::AGENTS }, { board::TEXT }>;

/// The board is reset when the loop stalls for twice this long. A turn takes milliseconds.
const WATCHDOG_SECONDS: u32 = 4;

/// Where a gateway is whose provisioning says "build", or says nothing that can be read: the first address of QEMU's user
/// network, and an interface that no maker has.
const BUILD: Site =
    Site { ip: [10, 0, 2, 15], prefix: 24, mac: [2, 0, 0, 0x52, 0x47, 1], api: Site::API, events: Site::EVENTS };

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
fn region() -> &'static [u8] {
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
    match gateway.provision(region()) {
        Ok(()) => say(&[b"provisioning uccs=", number(gateway.directory().uccs().count() as u16).get()]),
        Err(why) => say(&[b"provisioning REFUSED: ", why.text().get()]),
    }
}

/// Finds out where the gateway is in its network, and says so.
#[inline(never)]
fn site() -> Site {
    let (site, by): (_, &[u8]) = match provisioning::place(region()) {
        Ok(Place::Given(site)) => (site, b"provisioning"),
        Ok(Place::Build) => (BUILD, b"build"),
        Err(why) => {
            say(&[b"network UNKNOWN: ", why.text().get()]);
            (BUILD, b"build")
        }
    };
    say(&[b"network ", site.text().get(), b" by=", by]);
    site
}

/// Starts the devices. What it needs of the stack is given back before anything is served.
#[inline(never)]
fn devices() -> (board::Board, Site) {
    let ended_by = life::begin();
    board::power();
    say(&[b"boot board=", board::NAME.as_bytes(), b" after=", ended_by.as_bytes()]);
    #[cfg(feature = "defmt")]
    defmt::info!("boot board={=str} after={=str}", board::NAME, ended_by);
    interrupt::start_clock();
    let site = site();
    (board::start(site.mac).unwrap_or_else(|why| life::give_up(why)), site)
}

#[entry]
fn main() -> ! {
    static mut GATEWAY: Gateway = Gateway::new();
    static mut MEMORY: Memory = Memory::new();
    static mut STORAGE: Storage = [const { MaybeUninit::uninit() }; net::SOCKETS];
    static mut NETWORK: MaybeUninit<Network> = MaybeUninit::uninit();

    let (board::Board { pbx, recorder, net, mut watchdog }, site) = devices();
    provision(GATEWAY);
    let network = Network::start(NETWORK, net, &site, MEMORY, STORAGE);
    let mut lines = Lines::new(pbx, recorder, GATEWAY);
    say(&[b"READY api=", number(site.api).get(), b" events=", number(site.events).get()]);
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

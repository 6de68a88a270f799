//! An image that links only if nothing in the gateway can panic: everything from the bytes that a client or the PBX sends
//! to those that go to clients, recorders and listeners. As `proofs/no-panic` for the core, with the same trick: the panic
//! handler calls a function that does not exist.
//!
//! Outside: reading the provisioning at the start (serde), the TCP and the drivers. `./check` links it, and once with a
//! planted index, which must fail.

#![no_std]
#![no_main]

use core::hint::black_box;

use recording_gateway::events::{Listener, Next};
use recording_gateway::http::Outgoing;
use recording_gateway::link::{Came, Link, Peer};
use recording_gateway::pbx::{Answer, Surroundings};
use recording_gateway::provisioning::Place;
use recording_gateway::{Connection, Gateway, Line, Ring, Step, provisioning};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        /// Defined nowhere.
        fn a_panic_is_reachable() -> !;
    }
    // SAFETY: it does not link if it is ever called.
    unsafe { a_panic_is_reachable() }
}

type Small = Gateway<64, 16, 256, 6144>;

/// Takes what goes out.
#[inline(never)]
fn sent(bytes: &[u8]) -> usize {
    black_box(bytes).len()
}

fn client(gateway: &mut Small, connection: &mut Connection, out: &mut Outgoing, bytes: &[u8], now: u32) -> usize {
    let room = connection.room();
    let count = room.len().min(bytes.len());
    for (place, &byte) in room.iter_mut().zip(bytes) {
        *place = byte;
    }
    connection.received(count, now);
    if bytes.is_empty() {
        connection.ended();
    }
    let mut count = connection.overdue(now, black_box(true)).unwrap_or_default() as usize;
    match connection.step(gateway, now, black_box(true), out) {
        Step::Send => count = out.pieces().iter().fold(count, |count, piece| count.wrapping_add(sent(piece))),
        Step::SendHeld => count = count.wrapping_add(sent(gateway.held())),
        Step::Close => connection.gone(gateway),
        Step::Abort => {
            black_box(connection.give_way(out));
            connection.open(gateway, now);
        }
        Step::Wait | Step::Again => {}
    }
    count
}

fn pbx(gateway: &mut Small, line: &mut Line, answer: &mut Answer, bytes: &[u8]) -> usize {
    static RECEIVED: Ring<256> = Ring::new();
    for &byte in bytes {
        RECEIVED.put(byte);
    }
    if bytes.is_empty() {
        RECEIVED.damaged();
    }
    while let (false, Some(byte)) = (line.is_whole(), RECEIVED.take()) {
        line.push(byte);
    }
    if line.is_whole() {
        let figures = [("stack", black_box(0))];
        black_box(line.answer(gateway, Surroundings { figures: &figures }, answer));
    }
    sent(answer.get())
}

fn others(gateway: &mut Small, listener: &mut Listener) -> usize {
    while let Some(byte) = gateway.recorder.peek() {
        black_box(byte);
        gateway.recorder.take();
    }
    gateway.recorder.all_gone();
    match listener.next(&gateway.events) {
        Next::Bytes(bytes) => {
            let taken = sent(bytes);
            listener.took(taken);
            taken
        }
        Next::Cut => {
            *listener = Listener::new(&gateway.events);
            0
        }
        Next::Nothing => 0,
    }
}

fn wire(link: &mut Link<6>, bytes: &[u8]) -> usize {
    match link.read(bytes) {
        Came::Nothing => 0,
        Came::Request(answer) => sent(&answer),
        Came::Packet(peer, wish) => {
            black_box(wish);
            link.heard(peer, |ip| black_box(ip) == [0; 4]);
            link.header(bytes).map_or(0, |header| sent(&header))
        }
    }
}

/// Calls everything with values that the optimiser knows nothing of.
#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let mut gateway = Small::new();
    let mut connection = Connection::new();
    let (mut out, mut line, mut answer) = (Outgoing::new(), Line::new(), Answer::new());
    let mut listener = Listener::new(&gateway.events);
    let mut link = Link::new(black_box(Peer { ip: [0; 4], mac: [0; 6] }));
    gateway.recorder.start();
    loop {
        let gateway = black_box(&mut gateway);
        let bytes = black_box(&[0_u8; 16][..]);
        black_box(client(gateway, black_box(&mut connection), black_box(&mut out), bytes, black_box(0)));
        black_box(pbx(gateway, black_box(&mut line), black_box(&mut answer), bytes));
        black_box(others(gateway, black_box(&mut listener)));
        black_box(wire(black_box(&mut link), bytes));
        black_box(provisioning::document(bytes).is_ok());
        if let Ok(Place::Given(site)) = provisioning::place(bytes) {
            black_box(sent(site.text().get()));
        }
        #[cfg(feature = "planted")]
        black_box(bytes[black_box(bytes.len())]);
    }
}

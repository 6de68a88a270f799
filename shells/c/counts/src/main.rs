//! The work of `tests/counts.c` inside Rust: `recording-core-counts WHAT ROUNDS`, for callgrind to count.
//!
//! `./costs` runs both with two numbers of rounds; the difference is what the rounds took.

use core::hint::black_box;
use std::{env, process};

use recording_core::wire::SetRequest;
use recording_core::{Scratch, State};
use recording_instructions::world::{self, Buffers, Office, Raw};
use recording_instructions::{BODY_ID, actions, chain};

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let [_, what, rounds] = arguments.as_slice() else { fail("usage: recording-core-counts WHAT ROUNDS") };
    let Ok(rounds) = rounds.parse::<usize>() else { fail("ROUNDS is a number") };
    match what.as_str() {
        "transition" => {
            let actions = actions();
            for _ in 0..rounds {
                black_box(chain(black_box(State::INITIAL), &actions));
            }
        }
        "set" => {
            let (mut desk, mut buffers) = (world::office::<1024>(1000), Buffers::new());
            // The page's `set`, by turns one that starts and one that pauses: each of them changes something.
            let pause = BODY_ID.replace("\"Action\":1", "\"Action\":3").leak();
            let sets = [Raw::SET, Raw { body: pause, ..Raw::SET }].map(Raw::received);
            for round in 0..2 * rounds {
                let (status, reply, event) = answer(&mut desk, &sets[round % 2], &mut buffers);
                assert!(status == 200 && reply > 0 && event > 0);
            }
        }
        // The other entry points that `benches/instructions` counts, and a server has: what is called from one place alone
        // is compiled for that place, and the library has none that is.
        "read-set" => {
            let (body, mut scratch) = (world::received(0, BODY_ID), Scratch::new());
            for _ in 0..rounds {
                black_box(SetRequest::read(black_box(body.as_bytes()), &mut scratch).is_ok());
            }
        }
        "write-state" => {
            let (reply, mut buffers) = (world::page_reply(), Buffers::new());
            for _ in 0..rounds {
                black_box(black_box(&reply).write(&mut buffers.reply).is_ok());
            }
        }
        "reads" => {
            let mut desk = world::office::<256>(256);
            let requests = world::reads(&desk);
            for _ in 0..rounds {
                world::handle_all(black_box(&mut desk), &requests);
            }
        }
        _ => fail("WHAT is transition, set, read-set, write-state or reads"),
    }
}

/// A function of its own, as it is in a server, and as `benches/instructions` counts it.
#[inline(never)]
fn answer(desk: &mut Office<1024>, raw: &Raw, buffers: &mut Buffers) -> (u16, usize, usize) {
    world::answer(black_box(desk), black_box(raw), black_box(buffers))
}

fn fail(text: &str) -> ! {
    eprintln!("recording-core-counts: {text}");
    process::exit(2)
}

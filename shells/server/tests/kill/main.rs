//! A server that is killed at any moment: what it had answered with success is there when it starts again, nothing is half
//! done, and its audit trail tells exactly what was made.
//!
//! Each round starts the server on the same store and trail, compares what it says with what every client was answered
//! before, lets clients change, begin and end sessions, and kills it (SIGKILL) after a random time; now and then before it
//! is ready. One of ten ends in order (SIGTERM). `KILLS` in the environment says how many rounds.

#![cfg(unix)]

mod client;
mod server;
mod trail;

use core::time::Duration;
use std::collections::BTreeMap;
use std::thread;

use client::Client;
use recording_core::State;
use server::{Place, Server};
use trail::Told;

/// How often the server is killed by default.
const KILLS: u32 = 200;

const CLIENTS: usize = 8;
const SESSIONS_OF_EACH: usize = 5;

/// Open sessions, by number.
type Sessions = BTreeMap<usize, State>;

/// Numbers that look random, the same in every run.
struct Random(u64);

impl Random {
    const fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

#[test]
fn killed_at_any_moment() {
    let kills = std::env::var("KILLS").ok().map_or(KILLS, |kills| kills.parse().expect("KILLS is a number"));
    let place = Place::new("killed");
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut clients: Vec<Client> =
        (0..CLIENTS).map(|number| Client::new(number * SESSIONS_OF_EACH..(number + 1) * SESSIONS_OF_EACH)).collect();
    let mut told = Told::default();
    let (mut changes, mut open_ends, mut made, mut early) = (0, 0, 0, 0);
    for round in 0..kills {
        if random.next(8) == 0 {
            Server::spawn(&place).kill_after(Duration::from_micros(random.next(30_000)));
            early += 1;
        }
        let server = Server::start(&place);

        // There is exactly what was answered; of what was asked last and never answered, all or nothing.
        let sessions = server.sessions();
        for client in &mut clients {
            let (open, was_made) = client.settle(&sessions);
            (open_ends, made) = (open_ends + open, made + was_made);
        }
        told.read_on(&place);
        assert_eq!(told.sessions(), &sessions, "round {round}: the trail says something else");

        let pause = Duration::from_micros(2_000 + random.next(40_000));
        thread::scope(|scope| {
            for client in &mut clients {
                let server = &server;
                let seed = random.next(u64::MAX) | 1;
                scope.spawn(move || client.run(server, &mut Random(seed)));
            }
            thread::sleep(pause);
            if round % 10 == 9 {
                server.end();
            } else {
                server.kill();
            }
        });
        changes += clients.iter_mut().map(Client::take_count).sum::<usize>();
    }
    println!(
        "killed {} times at work, and {early} times while it started, ended {} times: {changes} changes answered with success, all there; \
         {open_ends} never answered, {made} of them made, the others not; {} lines of the trail hold, {} of them withdrawals",
        kills as usize - told.orderly_ends(),
        told.orderly_ends(),
        told.lines(),
        told.withdrawals(),
    );
    assert!(told.orderly_ends() + 1 >= kills as usize / 10);
    assert!(changes > 5 * kills as usize, "{changes}");
    assert!(open_ends > kills as usize / 4, "{open_ends}");
}

//! Instruction counts by callgrind: exact, the same on every run. `../gate` runs this and holds it against
//! `../budgets.csv`.
#![allow(missing_docs, unused_qualifications, reason = "what the macros make")]

use core::hint::black_box;

use gungraun::{Callgrind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main};
use recording_core::wire::{SetRequest, StateReply};
use recording_core::{Action, Request, State};
use recording_instructions::world::{self, Buffers, Office, Raw};
use recording_instructions::{BODY_ID, BODY_NAME, BODY_SPACED, actions, chain, chain_told};

/// What a workload gets is leaked: freeing it must not be counted.
type Leaked<T> = &'static mut T;

fn leak<T>(value: T) -> Leaked<T> {
    Box::leak(Box::new(value))
}

fn leaked_actions() -> &'static [Action] {
    actions().leak()
}

#[library_benchmark(setup = leaked_actions)]
#[bench::chain()]
fn transition(actions: &'static [Action]) -> State {
    chain(black_box(State::INITIAL), actions)
}

#[library_benchmark(setup = leaked_actions)]
#[bench::chain()]
fn transition_told(actions: &'static [Action]) -> (State, usize, usize) {
    chain_told(black_box(State::INITIAL), actions)
}

fn body(text: &str) -> (&'static str, Leaked<Buffers>) {
    (world::received(0, text), leak(Buffers::new()))
}

#[library_benchmark(setup = body)]
#[bench::id(BODY_ID)]
#[bench::name(BODY_NAME)]
#[bench::spaced(BODY_SPACED)]
fn read_set((body, buffers): (&'static str, Leaked<Buffers>)) -> bool {
    let request = SetRequest::read(black_box(body.as_bytes()), &mut buffers.scratch);
    black_box(&request).is_ok()
}

fn page_reply() -> (Leaked<StateReply<'static>>, Leaked<Buffers>) {
    (leak(world::page_reply()), leak(Buffers::new()))
}

#[library_benchmark(setup = page_reply)]
#[bench::page()]
fn write_state((reply, buffers): (Leaked<StateReply<'static>>, Leaked<Buffers>)) -> usize {
    let written = black_box(reply).write(&mut buffers.reply);
    black_box(written).map_or(0, <[u8]>::len)
}

type Connection = (Leaked<Office<1024>>, Leaked<Raw>, Leaked<Buffers>);

fn connection(raw: Raw) -> Connection {
    (Box::leak(world::office(1000)), leak(raw.received()), leak(Buffers::new()))
}

#[library_benchmark(setup = connection)]
#[bench::set(Raw::SET)]
#[bench::set_name(Raw { body: BODY_NAME, ..Raw::SET })]
#[bench::state(Raw::READ)]
fn whole((desk, raw, buffers): Connection) -> (u16, usize, usize) {
    world::answer(black_box(desk), black_box(raw), black_box(buffers))
}

type Reads<const SESSIONS: usize> = (Leaked<Office<SESSIONS>>, &'static [Request<'static>]);

fn full<const SESSIONS: usize>() -> Reads<SESSIONS> {
    let desk = world::office(SESSIONS);
    let requests = world::reads(&desk);
    (Box::leak(desk), requests.leak())
}

#[library_benchmark]
#[bench::full(setup = full::<16>)]
fn desk_16((desk, requests): Reads<16>) {
    world::handle_all(black_box(desk), requests);
}

#[library_benchmark]
#[bench::full(setup = full::<256>)]
fn desk_256((desk, requests): Reads<256>) {
    world::handle_all(black_box(desk), requests);
}

#[library_benchmark]
#[bench::full(setup = full::<4096>)]
fn desk_4096((desk, requests): Reads<4096>) {
    world::handle_all(black_box(desk), requests);
}

library_benchmark_group!(
    name = counts;
    benchmarks = transition, transition_told, read_set, write_state, whole, desk_16, desk_256, desk_4096
);

main!(
    config = LibraryBenchmarkConfig::default().tool(Callgrind::with_args(["--cache-sim=no"]));
    library_benchmark_groups = counts
);

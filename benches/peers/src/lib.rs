//! What this crate is compared with, at the same work: state machines and JSON codecs.

#[macro_use]
pub mod machines;
pub mod codecs;

use core::hint::black_box;

use recording_core::{Action, Reply, Scratch};
use recording_instructions::world::{page_reply, received};
use recording_instructions::{BODY_ID, BODY_NAME, STEPS, actions};

use machines::with_rust_fsm::RustFsm;
use machines::with_smlang::Smlang;
use machines::with_statig::Statig;
use machines::{Machine, Match, Ours, chain};

/// One thing to count and to time.
#[expect(missing_debug_implementations, reason = "it is code")]
pub struct Workload {
    /// What is done: all of one group do the same.
    pub group: &'static str,
    /// By whom.
    pub name: &'static str,
    /// How many units of work one run is.
    pub units: usize,
    /// One run.
    pub run: Box<dyn FnMut()>,
}

fn transitions<M: Machine + 'static>(name: &'static str) -> Workload {
    let actions: Vec<Action> = actions();
    let run = Box::new(move || {
        black_box(chain::<M>(&actions));
    });
    Workload { group: "transition", name, units: STEPS, run }
}

fn codec(group: &'static str, name: &'static str, run: impl FnMut() + 'static) -> Workload {
    Workload { group, name, units: 1, run: Box::new(run) }
}

fn readers(group: &'static str, body: &'static str) -> [Workload; 6] {
    let body = received(0, body).as_bytes();
    let mut scratch = Scratch::new();
    let mut copy = Vec::with_capacity(body.len());
    [
        codec(group, "recording-core", move || {
            black_box(&codecs::ours(black_box(body), &mut scratch));
        }),
        codec(group, "serde_json", move || {
            black_box(&codecs::serde_json(black_box(body)));
        }),
        codec(group, "serde-json-core", move || {
            black_box(&codecs::serde_json_core(black_box(body)));
        }),
        codec(group, "sonic-rs", move || {
            black_box(&codecs::sonic_rs(black_box(body)));
        }),
        codec(group, "simd-json", move || {
            black_box(&codecs::simd_json(black_box(body), &mut copy));
        }),
        codec(group, "jiter", move || {
            black_box(&codecs::jiter(black_box(body)));
        }),
    ]
}

fn writers() -> [Workload; 5] {
    const GROUP: &str = "write state reply";
    let reply = page_reply();
    let page = codecs::PAGE;
    let (mut ours, mut one, mut two) = ([0; Reply::MAX_LEN], [0; Reply::MAX_LEN], [0; Reply::MAX_LEN]);
    let (mut three, mut four) = (Vec::with_capacity(256), Vec::with_capacity(256));
    [
        codec(GROUP, "recording-core", move || {
            black_box(codecs::write_ours(black_box(&reply), black_box(&mut ours)));
        }),
        codec(GROUP, "serde_json", move || {
            black_box(codecs::write_serde_json(black_box(&page), black_box(&mut one)));
        }),
        codec(GROUP, "serde-json-core", move || {
            black_box(codecs::write_serde_json_core(black_box(&page), black_box(&mut two)));
        }),
        codec(GROUP, "sonic-rs", move || {
            black_box(codecs::write_sonic_rs(black_box(&page), black_box(&mut three)));
        }),
        codec(GROUP, "simd-json", move || {
            black_box(codecs::write_simd_json(black_box(&page), black_box(&mut four)));
        }),
    ]
}

/// Everything, ours first in each group.
#[must_use]
pub fn workloads() -> Vec<Workload> {
    let mut all = vec![
        transitions::<Ours>("recording-core"),
        transitions::<Match>("plain match"),
        transitions::<Statig>("statig"),
        transitions::<RustFsm>("rust-fsm"),
        transitions::<Smlang>("smlang"),
    ];
    all.extend(readers("read set, action by id", BODY_ID));
    all.extend(readers("read set, action by name", BODY_NAME));
    all.extend(writers());
    all
}

#[cfg(test)]
mod tests {
    use recording_core::State;
    use recording_core::wire::SetRequest;
    use recording_instructions::REPLY;

    use super::*;

    #[test]
    fn all_machines_agree() {
        let actions = actions();
        for steps in (0..200).chain([actions.len()]) {
            let actions = &actions[..steps];
            let ours = chain::<Ours>(actions);
            assert_eq!(ours, recording_instructions::chain(State::INITIAL, actions));
            assert_eq!(chain::<Match>(actions), ours, "after {steps}");
            assert_eq!(chain::<Statig>(actions), ours, "after {steps}");
            assert_eq!(chain::<RustFsm>(actions), ours, "after {steps}");
            assert_eq!(chain::<Smlang>(actions), ours, "after {steps}");
        }
    }

    #[test]
    fn all_readers_agree() {
        for text in [BODY_ID, BODY_NAME] {
            let (mut scratch, mut copy) = (Scratch::new(), Vec::new());
            let body = text.as_bytes();
            let ours: SetRequest<'_> = codecs::ours(body, &mut scratch).expect("a body");
            for theirs in [
                codecs::serde_json(body),
                codecs::serde_json_core(body),
                codecs::sonic_rs(body),
                codecs::simd_json(body, &mut copy),
                codecs::jiter(body),
            ] {
                assert!(codecs::agrees(&ours, &theirs.expect("a body")), "{theirs:?}");
            }
        }
    }

    #[test]
    fn all_writers_write_the_same() {
        let mut buffer = [0; Reply::MAX_LEN];
        let len = codecs::write_ours(&page_reply(), &mut buffer);
        assert_eq!(&buffer[..len], REPLY.as_bytes());
        let len = codecs::write_serde_json(&codecs::PAGE, &mut buffer);
        assert_eq!(&buffer[..len], REPLY.as_bytes());
        let len = codecs::write_serde_json_core(&codecs::PAGE, &mut buffer);
        assert_eq!(&buffer[..len], REPLY.as_bytes());
        let mut buffer = Vec::new();
        codecs::write_sonic_rs(&codecs::PAGE, &mut buffer);
        assert_eq!(buffer, REPLY.as_bytes());
        codecs::write_simd_json(&codecs::PAGE, &mut buffer);
        assert_eq!(buffer, REPLY.as_bytes());
    }
}

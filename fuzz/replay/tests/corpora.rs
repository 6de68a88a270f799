//! Replays what fuzzing found worth keeping: every file of the committed corpora through its property.

use core::panic::AssertUnwindSafe;
use std::collections::BTreeSet;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::{env, fs};

use recording_fuzz_properties::{Reached, TARGETS, desk_reaching, seeds};

/// The files of a target's corpus in the order of their names. Under Miri each look at one is slow.
fn corpus(target: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(target);
    let entries = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
    names.sort();
    names.into_iter().map(|name| directory.join(name)).collect()
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// `CORPUS_SHARE=40` replays every 40th file only, for tools that take a long time for each.
#[test]
fn every_corpus_file_holds() {
    let share = env::var("CORPUS_SHARE").map_or(1, |share| share.parse().expect("CORPUS_SHARE is a number"));
    let (mut replayed, mut all) = (0, 0);
    for (target, property) in TARGETS {
        let files = corpus(target);
        assert!(files.len() >= 10, "{target}: {} files: the corpus is missing", files.len());
        all += files.len();
        for path in files.into_iter().step_by(share) {
            replayed += 1;
            let held = catch_unwind(AssertUnwindSafe(|| property(&read(&path))));
            assert!(held.is_ok(), "{target}: {} fails, see above", path.display());
        }
    }
    eprintln!("{replayed} of {all} corpus files");
}

#[test]
fn every_seed_holds() {
    let mut targets = Vec::new();
    for (target, seeds) in seeds::seeds() {
        let (_, property) = TARGETS.into_iter().find(|(name, _)| *name == target).expect("a target of this name");
        assert!(!seeds.is_empty(), "{target}");
        seeds.iter().for_each(|seed| property(seed));
        targets.push(target);
    }
    assert_eq!(targets, TARGETS.map(|(target, _)| target));
}

/// Each of the 36 states met each of the 7 actions, with every check before the transition passed.
#[test]
fn the_desk_corpus_reaches_every_cell() {
    let reached = |inputs: &mut dyn Iterator<Item = Vec<u8>>| {
        inputs.flat_map(|bytes| desk_reaching(&bytes).cells().collect::<Vec<_>>()).collect::<BTreeSet<_>>()
    };
    let every: BTreeSet<_> = (0..Reached::CELLS).collect();
    assert_eq!(every.len(), 36 * 7);
    assert_eq!(reached(&mut corpus("desk").iter().map(|path| read(path))), every);
    let [.., (_, seeds), _, _, _] = seeds::seeds();
    assert_eq!(reached(&mut seeds.into_iter()), every);
    assert!(desk_reaching(&[]).cells().next().is_none());
}

//! What servers that were killed, or whose store was replaced, left open.

use std::fs;
use std::path::Path;

use super::Scratch;
use crate::audit::{Trail, numbered, past, withdraw};

fn told(revision: u64) -> String {
    format!(r#"{{"Time":"…","UCCName":"a\",\"Revision\":1}}","Outcome":"changed","Revision":{revision}}}"#) + "\n"
}

fn read(n: usize) -> String {
    format!(r#"{{"Time":"…","Call":"state","Outcome":"read","n":{n}}}"#) + "\n"
}

#[test]
fn what_a_killed_server_left_is_withdrawn_once() {
    let scratch = Scratch::new("settle");
    let path = scratch.0.join("trail");
    let mut lines: String = (1..=9).map(told).collect();
    lines.extend((0..3000).map(read));
    fs::write(numbered(&path, 1), &lines).unwrap();
    let mut rest: String = (10..=12).map(told).collect();
    let mut withdrawn = Vec::new();
    withdraw([11].into_iter(), "…", &mut withdrawn);
    rest.push_str(str::from_utf8(&withdrawn).unwrap());
    rest.extend((0..3000).map(read));
    fs::write(&path, &rest).unwrap();

    for stored in [12, 11, 10, 9, 8, 7, 0] {
        let expected: Vec<u64> = (stored + 1..=12).filter(|&revision| revision != 11).collect();
        let past::Past { open, last, .. } = past::of(&path, stored, 5).unwrap();
        assert_eq!((open, last), (expected, 12), "{stored}");
    }
    let trail = scratch.trail();
    assert_eq!(trail.settle(8, 5).unwrap(), 12);
    let text = scratch.text();
    let new: Vec<_> = text.strip_prefix(&rest).unwrap().lines().collect();
    assert_eq!(new.len(), 3);
    for (line, revision) in new.into_iter().zip([9, 10, 12]) {
        assert!(line.ends_with(&format!(r#","Outcome":"withdrawn","Revision":{revision}}}"#)), "{line}");
    }
    // It is settled: the next start has nothing to do.
    assert_eq!(trail.settle(8, 5).unwrap(), 12);
    assert_eq!(scratch.text(), text);
    trail.started("file:sessions").unwrap();
    assert_eq!(found(&path, 8, 5), (vec![], 12));
    // Another store that was put back has all that this one had withdrawn, and less.
    assert_eq!(found(&path, 7, 5), (vec![8], 12));
}

fn found(path: &Path, stored: u64, id: u64) -> (Vec<u64>, u64) {
    let past::Past { open, last, .. } = past::of(path, stored, id).unwrap();
    (open, last)
}

/// Lines about another store are not this one's to withdraw.
#[test]
fn another_store_withdraws_nothing() {
    let scratch = Scratch::new("another");
    let trail = scratch.trail();
    assert_eq!(trail.settle(6, 5).unwrap(), 6);
    trail.started("file:sessions").unwrap();
    trail.write_now(told(7).as_bytes()).unwrap();
    let path = scratch.0.join("trail");
    for stored in [0, 6] {
        assert_eq!(found(&path, stored, 5), (vec![7], 7));
        assert_eq!(found(&path, stored, 55), (vec![], 7));
    }
    // Nor if a smaller number of the other store comes first.
    trail.write_now(told(8).as_bytes()).unwrap();
    assert_eq!(found(&path, 7, 5), (vec![8], 8));
    assert_eq!(found(&path, 7, 55), (vec![], 8));
}

/// However often servers ended in order since: what a store that was put back does not have is withdrawn, and no number
/// comes again.
#[test]
fn a_store_that_was_put_back_withdraws_what_it_does_not_have() {
    for runs in 1..4 {
        let scratch = Scratch::new(&format!("put-back-{runs}"));
        let path = scratch.0.join("trail");
        let mut last = 2;
        for _ in 0..runs {
            let trail = scratch.trail();
            assert_eq!(trail.settle(last, 5).unwrap(), last);
            trail.started("file:sessions").unwrap();
            for _ in 0..2 {
                last += 1;
                trail.giving(last);
                trail.write_now_durably(told(last).as_bytes()).unwrap();
                trail.settled(last);
            }
            trail.ended().unwrap();
        }
        assert_eq!(found(&path, last, 5), (vec![], last));
        assert_eq!(found(&path, 2, 5), ((3..=last).collect(), last));
        let trail = scratch.trail();
        assert_eq!(trail.settle(2, 5).unwrap(), last);
        trail.started("file:sessions").unwrap();
        assert_eq!(found(&path, 2, 5), (vec![], last));
        assert_eq!(scratch.text().matches("withdrawn").count() as u64, last - 2);
    }
}

/// Reads without end do not make the next start read without end.
#[test]
fn the_search_ends_at_a_line_of_a_running_server() {
    let scratch = Scratch::new("running");
    let path = scratch.0.join("trail");
    let trail = Trail::open(&scratch.settings(u64::MAX, 3)).unwrap();
    trail.settle(6, 5).unwrap();
    trail.started("file:sessions").unwrap();
    let reads: String = (0..1000).map(read).collect();
    let mut lines = 0;
    let write = |lines: &mut u64, millions: usize| {
        for _ in 0..millions * 1_000_000 / reads.len() {
            trail.write_now(reads.as_bytes()).unwrap();
            *lines += 1000;
        }
    };
    write(&mut lines, 10);
    let past = past::of(&path, 6, 5).unwrap();
    assert_eq!((&past.open, past.last), (&vec![], 6));
    assert!(past.lines < lines * 6 / 10, "{} of {lines} lines were read", past.lines);
    // While a change is open no such line is written: the search goes on to the change.
    trail.giving(7);
    trail.write_now_durably(told(7).as_bytes()).unwrap();
    write(&mut lines, 10);
    assert_eq!(found(&path, 6, 5), (vec![7], 7));
    assert_eq!(found(&path, 7, 5), (vec![], 7));
    trail.settled(7);
    write(&mut lines, 10);
    let past = past::of(&path, 7, 5).unwrap();
    assert_eq!((&past.open, past.last), (&vec![], 7));
    assert!(past.lines < lines * 2 / 10, "{} of {lines} lines were read", past.lines);
    assert_eq!(found(&path, 6, 5), (vec![7], 7));
}

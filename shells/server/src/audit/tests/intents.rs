//! Intents and what became of them: on disk in that order, found again wherever the file ends, and never lost.

use core::time::Duration;
use std::collections::BTreeSet;
use std::fs;

use recording_core::wire::{CorrelationId, SetRequest, SipUri, UccName};
use recording_core::{Action, State};
use serde_json::Value;
use tokio::runtime::Builder;

use super::Scratch;
use super::stalled::Gated;
use crate::audit::{Became, Intent, Trail, TrailSettings, intents, line, numbered};
use crate::caller::Caller;
use crate::session::{OpId, SessionKey};

const STORE: u64 = 7;

fn op(number: u64) -> OpId {
    OpId { start: 0xabc, number }
}

fn intent(number: u64) -> Intent {
    let id = CorrelationId::from_u128(number.into());
    let ucc = UccName::new("a\"b,\"Op\":\"\u{2028}").unwrap();
    let request = SetRequest {
        action: Action::Pause,
        requester: SipUri::new("sip:agent:secret@domain.com").unwrap(),
        correlation_id: id,
        ucc,
    };
    let note = line::changed(&request, (State::ALL[0], State::ALL[1]), Caller::default());
    Intent::new(op(number), SessionKey::new(ucc, id), 40 + number, note)
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

fn intend(trail: &Trail, numbers: impl IntoIterator<Item = u64>) -> std::io::Result<()> {
    wait(trail.intend(&numbers.into_iter().map(intent).collect::<Vec<_>>()))
}

fn became(trail: &Trail, number: u64, what: &Became) {
    trail.became(&intent(number), what, false);
}

fn shared(scratch: &Scratch, settings: &TrailSettings) -> Trail {
    let trail = Trail::open(settings).unwrap();
    assert!(trail.open_intents(STORE).unwrap().is_empty(), "{}", scratch.text());
    trail.is_shared(STORE, 40);
    trail.started("etcd:x").unwrap();
    trail
}

fn found(path: &std::path::Path) -> Vec<u64> {
    intents::open(path, STORE).unwrap().into_iter().map(|intent| intent.op.number).collect()
}

/// What is open at the end of a text, by another way: line after line, as JSON.
fn open_by_hand(text: &str) -> Vec<u64> {
    let mut open = Vec::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let Some(number) = line["Op"].as_str().map(|op| op.split_once('-').unwrap().1.parse().unwrap()) else {
            continue;
        };
        match line["Outcome"].as_str().unwrap() {
            "intent" if !open.contains(&number) => open.push(number),
            "intent" => {}
            "unknown" if line["Settled"].is_null() => {}
            _ => open.retain(|one| *one != number),
        }
    }
    open
}

#[test]
fn each_line_says_what_it_is_to() {
    let intent = intent(5);
    let text = |line: Vec<u8>| String::from_utf8(line).unwrap();
    let line = text(intent.line());
    let head =
        line.strip_suffix(",\"Outcome\":\"intent\",\"Op\":\"0000000000000abc-5\",\"KnownRevision\":45}\n").unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    assert!(said["Before"] == "Uninitialized/None/None" && said["After"].is_string(), "{line}");
    assert!(head.contains("sip:agent:***@domain.com") && !line.contains("secret"), "{line}");
    let made = text(intent.became(&Became::Made(77), false));
    assert_eq!(made, format!("{head},\"Outcome\":\"changed\",\"Op\":\"0000000000000abc-5\",\"Revision\":77}}\n"));
    // Read again it is the same, but for what a store needs no more.
    let read = Intent::read(line.trim_end().as_bytes()).unwrap();
    assert_eq!((read.op, &read.key, read.known), (intent.op, &intent.key, 45));
    assert_eq!(text(read.line()), line);
    let settled = text(read.became(&Became::Made(77), true));
    let (before, after) = settled.split_once(",\"Settled\":\"").unwrap();
    assert_eq!(before, format!("{head},\"Outcome\":\"changed\",\"Op\":\"0000000000000abc-5\""));
    assert!(after.ends_with("Z\",\"Revision\":77}\n"), "{after}");
    for (became, says) in [
        (Became::Conflict, r#""Call":"store","Outcome":"conflict","Op":"0000000000000abc-5"}"#),
        (
            Became::NotMade("w\"hy".into()),
            r#""Call":"store","Message":"w\"hy","Outcome":"not stored","Op":"0000000000000abc-5"}"#,
        ),
        (
            Became::Unknown("why".into()),
            r#""Call":"store","Message":"why","Outcome":"unknown","Op":"0000000000000abc-5"}"#,
        ),
    ] {
        assert!(text(intent.became(&became, false)).trim_end().ends_with(says), "{became:?}");
        assert!(Intent::read(&intent.became(&became, true)).is_none());
        let is_final = |settled| line::intent::op(&intent.became(&became, settled)).unwrap();
        assert_eq!(is_final(false), (op(5), !matches!(became, Became::Unknown(_))));
        assert_eq!(is_final(true), (op(5), true));
    }
    assert_eq!(line::intent::op(line.as_bytes()), Some((op(5), false)));
}

/// A trail with every outcome, and the next start at every place where a killed one may have left it.
#[test]
fn wherever_the_file_ends_what_is_open_is_found() {
    let scratch = Scratch::new("cut");
    let trail = shared(&scratch, &scratch.settings(1_000_000, 3));
    intend(&trail, 1..=3).unwrap();
    became(&trail, 2, &Became::Made(50));
    trail.write_now(b"{\"Time\":\"\",\"Call\":\"set\",\"Outcome\":\"refused\"}\n").unwrap();
    became(&trail, 1, &Became::Conflict);
    intend(&trail, [4]).unwrap();
    became(&trail, 4, &Became::Unknown("late".into()));
    became(&trail, 3, &Became::NotMade("no space".into()));
    intend(&trail, 5..=6).unwrap();
    trail.became(&intent(4), &Became::Made(51), true);
    became(&trail, 6, &Became::Unknown("late".into()));
    trail.became(&intent(6), &Became::Unknown("compacted".into()), true);
    drop(trail);
    let text = scratch.text();
    assert_eq!(open_by_hand(&text), [5]);
    let mut seen = BTreeSet::new();
    let cut = Scratch::new("cut-off");
    let path = cut.0.join("trail");
    // At each end of a line, and in the middle of the next one.
    let ends = text.match_indices('\n').flat_map(|(at, _)| [at + 1, at + 20]).filter(|at| *at <= text.len());
    for end in ends {
        fs::write(&path, &text[..end]).unwrap();
        let whole = text[..end].rfind('\n').map_or(0, |at| at + 1);
        let trail = Trail::open(&cut.settings(1_000_000, 3)).unwrap();
        let open = trail.open_intents(STORE).unwrap();
        let expected = open_by_hand(&text[..whole]);
        assert_eq!(open.iter().map(|intent| intent.op.number).collect::<Vec<_>>(), expected, "{}", &text[..end]);
        seen.insert(expected.clone());
        // Another store has nothing to do with it.
        assert!(trail.open_intents(STORE + 1).unwrap().is_empty());
        // Settled, they stay so, though the server is killed before it has said that it starts.
        let settled: Vec<_> = open.into_iter().map(|intent| (intent, Became::Made(60))).collect();
        wait(trail.settle_intents(&settled)).unwrap();
        assert!(trail.open_intents(STORE).unwrap().is_empty());
        trail.is_shared(STORE, 60);
        trail.started("etcd:x").unwrap();
        assert_eq!(found(&path), [0; 0]);
    }
    assert!(seen.len() > 6, "{seen:?}");
}

/// Files come and go, and an intent that stays open is found in those that are left.
#[test]
fn no_rotation_loses_an_open_intent() {
    for keep in [1, 3] {
        let scratch = Scratch::new(&format!("kept-{keep}"));
        let settings = scratch.settings(8 * 1024, keep);
        let path = settings.path.clone();
        let trail = shared(&scratch, &settings);
        intend(&trail, [1]).unwrap();
        intend(&trail, [2]).unwrap();
        became(&trail, 2, &Became::Unknown("late".into()));
        for number in 10..300 {
            intend(&trail, [number]).unwrap();
            assert_eq!(found(&path), [1, 2, number]);
            became(&trail, number, &Became::Made(number + 100));
            // A question after it, so that it is written.
            trail.write_now(b"{\"Time\":\"\"}\n").unwrap();
            assert_eq!(found(&path), [1, 2]);
        }
        let kept = super::files(&path);
        assert_eq!(kept.len(), keep as usize + 1);
        let first = kept.concat();
        // The files in which these two were written first went long ago.
        assert!(!first.contains("0abc-10\""));
        for file in kept {
            let running = file.lines().next().into_iter().chain(file.lines()).any(|line| line.contains(r#""Open":"#));
            assert!(running, "{file}");
        }
        // With the file, a copy of what is open goes; moved away, the next one has it again.
        fs::rename(&path, scratch.0.join("away")).unwrap();
        (1..=keep).for_each(|number| fs::remove_file(numbered(&path, number)).unwrap());
        trail.reopen().unwrap();
        assert_eq!(found(&path), [1, 2]);
        became(&trail, 1, &Became::Conflict);
        trail.became(&intent(2), &Became::Made(300), true);
        trail.write_now(b"{\"Time\":\"\"}\n").unwrap();
        assert_eq!(found(&path), [0; 0]);
    }
}

/// Lines without end do not make the next start read without end.
#[test]
fn the_search_ends_where_the_server_says_what_is_open() {
    let scratch = Scratch::new("said");
    let trail = shared(&scratch, &scratch.settings(u64::MAX, 3));
    intend(&trail, [1]).unwrap();
    let reads = "{\"Time\":\"…\",\"Call\":\"state\",\"Outcome\":\"read\"}\n".repeat(1000);
    let mut bytes = 0;
    while bytes < 10_000_000 {
        trail.write_now(reads.as_bytes()).unwrap();
        bytes += reads.len();
    }
    let text = scratch.text();
    let mut search = intents::Search::of(STORE);
    let mut lines = text.lines().rev();
    let looked = lines.by_ref().take_while(|line| search.goes_on(line.as_bytes())).count();
    assert!(looked * 2 < text.lines().count(), "{looked} lines");
    assert_eq!(search.found().iter().map(|intent| intent.op).collect::<Vec<_>>(), [op(1)]);
    // One that is cut off before the line says so is none.
    let last = text.rfind(r#""Outcome":"running""#).unwrap();
    let cut = text[..last].rfind('\n').unwrap();
    fs::write(scratch.0.join("trail"), &text[..=cut]).unwrap();
    assert_eq!(found(&scratch.0.join("trail")), [1]);
}

/// The disk is full after an intent was written: no other is, until what became of it is.
#[test]
fn what_became_of_a_change_is_written_before_the_next_intent() {
    let scratch = Scratch::new("owed");
    let files = Gated::default();
    let trail = Trail::over(files.clone(), &scratch.settings(u64::MAX, 3), Duration::from_secs(5)).unwrap();
    trail.is_shared(STORE, 40);
    intend(&trail, 1..=2).unwrap();
    files.is_full.store(true, core::sync::atomic::Ordering::SeqCst);
    became(&trail, 1, &Became::Made(50));
    became(&trail, 2, &Became::Conflict);
    trail.tell_soon(b"{\"Time\":\"\"}\n".to_vec());
    assert!(intend(&trail, [3]).is_err());
    assert!(trail.is_failing() && !scratch.text().contains("changed"));
    files.is_full.store(false, core::sync::atomic::Ordering::SeqCst);
    intend(&trail, [4]).unwrap();
    let text = scratch.text();
    let ops: Vec<_> = text.lines().filter_map(|line| line::intent::op(line.as_bytes())).collect();
    assert_eq!(ops, [(op(1), false), (op(2), false), (op(1), true), (op(2), true), (op(4), false)]);
    // Of lines about what changes nothing one is lost, and counted.
    assert_eq!(trail.lost(), 1);
}

/// The disk hangs: the change is given up, and its intent says nothing that is wrong when the disk goes on.
#[test]
fn an_intent_that_comes_too_late_is_of_a_change_that_was_not_made() {
    let scratch = Scratch::new("late");
    let files = Gated::default();
    let trail = Trail::over(files.clone(), &scratch.settings(u64::MAX, 3), Duration::from_millis(500)).unwrap();
    trail.is_shared(STORE, 40);
    files.shut(true);
    assert_eq!(intend(&trail, [1]).unwrap_err().kind(), std::io::ErrorKind::TimedOut);
    // And no other waits for so long.
    assert_eq!(intend(&trail, [2]).unwrap_err().kind(), std::io::ErrorKind::TimedOut);
    files.shut(false);
    while intend(&trail, [3]).is_err() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let text = scratch.text();
    assert_eq!(open_by_hand(&text), [3]);
    assert!(
        text.contains(
            r#""Message":"Its intent was not written in time.","Outcome":"not stored","Op":"0000000000000abc-1""#
        ),
        "{text}"
    );
    assert!(!text.contains("0abc-2\""), "{text}");
}

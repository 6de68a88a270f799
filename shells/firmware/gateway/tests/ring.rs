//! The ring of a serial line: whatever is lost, each line has its own fate, and all of them come in order.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use recording_gateway::ring::{DAMAGE, Ring};

/// Small, so that everything can be tried.
const N: usize = 8;

/// Lines of all lengths around the ring's, empty ones too, no two of them alike.
fn lines() -> Vec<String> {
    let lengths = [3, 0, 1, 9, 0, 0, 4, 2, 7, 1, 12, 5, 0, 8, 2, 6];
    lengths.iter().enumerate().map(|(at, &length)| format!("{}{}", at, "x".repeat(length))).collect()
}

/// What the reader makes of bytes: each line, or `None` for one with damage in it.
fn read(bytes: &[u8]) -> Vec<Option<String>> {
    let mut lines: Vec<_> = bytes.split(|&byte| byte == b'\n').collect();
    assert_eq!(lines.pop(), Some(&b""[..]), "the last line has its end");
    let text = |line: &[u8]| String::from_utf8(line.to_vec()).ok().filter(|_| !line.contains(&DAMAGE));
    lines.into_iter().map(text).collect()
}

/// What becomes of each line, by a queue of places: those that find no room are dropped, and after them all others until
/// everything before was taken. Shares nothing with the ring.
struct Oracle {
    queue: VecDeque<usize>,
    dropping: bool,
    dropped: Vec<usize>,
}

impl Oracle {
    fn put(&mut self, place: usize) {
        if self.dropping || self.queue.len() == N {
            self.dropping = true;
            self.dropped.push(place);
        } else {
            self.queue.push_back(place);
        }
    }
}

fn ends(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}

/// Puts the whole stream in while the reader stalls from one place on for a while, then takes so many bytes for each
/// one that comes.
fn overrun(stream: &[u8], stands_at: usize, for_bytes: usize, pace: usize) {
    let ring = Ring::<N>::new();
    let mut oracle = Oracle { queue: VecDeque::new(), dropping: false, dropped: Vec::new() };
    let mut came = Vec::new();
    for (place, &byte) in stream.iter().enumerate() {
        ring.put(byte);
        oracle.put(place);
        if (stands_at..stands_at + for_bytes).contains(&place) {
            continue;
        }
        for _ in 0..pace {
            let kept = oracle.queue.pop_front();
            let taken = ring.take();
            came.extend(taken);
            if let Some(kept) = kept {
                assert_eq!(taken, Some(stream[kept]), "what was kept comes as it was");
            }
            // Once it got all line ends, and knows of what was dropped after the last one, there is room again.
            let knows = stream[place] == b'\n' || taken == Some(DAMAGE);
            if oracle.queue.is_empty() && knows && ends(&came) == ends(&stream[..=place]) {
                oracle.dropping = false;
            }
        }
    }
    while let Some(byte) = ring.take() {
        came.push(byte);
    }
    assert_eq!(ends(&came), ends(stream), "each line has its end");
    let mut at = 0;
    let expected: Vec<_> = lines()
        .into_iter()
        .map(|line| {
            let places = at..=at + line.len();
            at += line.len() + 1;
            let is_whole = !oracle.dropped.iter().any(|place| places.contains(place));
            is_whole.then_some(line)
        })
        .collect();
    assert_eq!(read(&came), expected, "stands at {stands_at} for {for_bytes}, then {pace} a byte");
}

#[test]
fn an_overrun_at_every_place_refuses_the_damaged_lines_and_no_other() {
    let stream: Vec<u8> = lines().iter().flat_map(|line| line.bytes().chain(*b"\n")).collect();
    let mut runs = 0;
    for stands_at in 0..stream.len() {
        for for_bytes in 0..=stream.len() - stands_at {
            for pace in [1, 2, 3, N + 3] {
                overrun(&stream, stands_at, for_bytes, pace);
                runs += 1;
            }
        }
    }
    println!("{runs} overruns");
    assert!(runs > 10_000);
}

/// A byte that is damaged or missing at every place, which the device tells of: that line is refused, and no other. If it
/// was the line's end, the two lines are one, and that is refused.
#[test]
fn damage_at_every_place_is_the_damage_of_its_line() {
    let stream: Vec<u8> = lines().iter().flat_map(|line| line.bytes().chain(*b"\n")).collect();
    for damaged in 0..stream.len() {
        let ring = Ring::<N>::new();
        let mut came = Vec::new();
        for (place, &byte) in stream.iter().enumerate() {
            if place == damaged {
                ring.damaged();
            } else {
                ring.put(byte);
            }
            came.extend(ring.take());
        }
        let before = ends(&stream[..damaged]);
        let mut expected: Vec<_> = lines().into_iter().map(Some).collect();
        expected[before] = None;
        if stream[damaged] == b'\n' && before + 1 < expected.len() {
            expected.remove(before + 1);
        }
        if damaged + 1 == stream.len() {
            // Its end did not come: it goes on.
            came.push(b'\n');
        }
        assert_eq!(read(&came), expected, "damage at {damaged}");
    }
}

/// Both ends at once, at their own speeds: as many line ends come as went, and what comes whole is what went.
#[test]
fn both_ends_at_once_lose_no_line() {
    const LINES: usize = 200_000;
    static RING: Ring<16> = Ring::new();
    static DONE: AtomicBool = AtomicBool::new(false);
    let writer = thread::spawn(|| {
        for line in 0..LINES {
            for byte in format!("{line:x}\n").bytes() {
                RING.put(byte);
            }
            if line % 64 == 0 {
                thread::yield_now();
            }
        }
        DONE.store(true, Ordering::Release);
    });
    let mut came = Vec::new();
    loop {
        let is_done = DONE.load(Ordering::Acquire);
        match RING.take() {
            Some(byte) => came.push(byte),
            // What it has not learned yet comes with another look.
            None if is_done && RING.take().is_none() => break,
            None => thread::yield_now(),
        }
    }
    writer.join().expect("the writer");
    let read = read(&came);
    assert_eq!(read.len(), LINES);
    let whole = read.iter().enumerate().filter_map(|(at, line)| Some((at, line.as_ref()?)));
    let mut count = 0;
    for (at, line) in whole {
        assert_eq!(*line, format!("{at:x}"));
        count += 1;
    }
    println!("{count} of {LINES} lines were whole");
}

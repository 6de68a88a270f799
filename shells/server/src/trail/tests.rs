//! The trail's file: whole lines only, in one order, over all its files; and what a killed server left.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Settings, Trail, numbered, past, withdraw};

/// A directory of this test, gone when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("recording-trail-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        Self(directory)
    }

    fn settings(&self, max_bytes: u64, keep: u32) -> Settings {
        Settings { path: self.0.join("trail"), max_bytes, keep, reads: true }
    }

    fn trail(&self) -> Trail {
        Trail::open(&self.settings(1_000_000, 3)).unwrap()
    }

    fn text(&self) -> String {
        fs::read_to_string(self.0.join("trail")).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn files(path: &Path) -> Vec<String> {
    let older = (1..).map(|number| numbered(path, number)).take_while(|file| file.exists());
    let mut files: Vec<_> = older.map(|file| fs::read_to_string(file).unwrap()).collect();
    files.reverse();
    files.push(fs::read_to_string(path).unwrap());
    files
}

/// However lines of any length follow each other: nothing is lost or cut, no file is too large, none is too many.
#[test]
fn rotation_loses_no_line_but_those_of_files_that_are_too_many() {
    for keep in [1, 2, 5, 1000] {
        let scratch = Scratch::new(&format!("rotation-{keep}"));
        let settings = scratch.settings(100, keep);
        let mut all = String::new();
        for run in 0..3 {
            // Opened again, it goes on where it was.
            let trail = Trail::open(&settings).unwrap();
            for number in 0..60 {
                let line = format!("{run} {number} {}\n", "x".repeat(number * 7 % 83));
                trail.write_by(line.as_bytes(), number % 2 == 0).unwrap();
                all.push_str(&line);
            }
        }
        let files = files(&settings.path);
        assert!(files.len() <= keep as usize + 1);
        assert!(files.iter().all(|file| file.len() <= 100 && file.ends_with('\n')));
        let kept = files.concat();
        assert!(all.ends_with(&kept) && (keep < 1000 || kept == all), "{keep}");
        assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), files.len(), "nothing else is there");
    }
}

#[test]
fn the_rest_of_a_line_is_cut_off() {
    let scratch = Scratch::new("torn");
    let path = scratch.0.join("trail");
    for whole in ["", "{}\n", &"{}\n".repeat(5000)] {
        for torn in ["", "{\"Time", &"x".repeat(10_000)] {
            fs::write(&path, [whole, torn].concat()).unwrap();
            scratch.trail().write(b"{1}\n").unwrap();
            assert_eq!(scratch.text(), [whole, "{1}\n"].concat());
        }
    }
}

#[test]
fn one_server_writes_it() {
    let scratch = Scratch::new("locked");
    let first = scratch.trail();
    let second = Trail::open(&scratch.settings(1_000_000, 3)).unwrap_err();
    assert_eq!(second.to_string(), "another server writes it");
    drop(first);
    let _ = scratch.trail();
}

/// A device that is always full: an error, and nothing that would be taken for a line.
#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_written_is_an_error() {
    let trail = Trail::open(&Settings { path: "/dev/full".into(), ..Settings::default() }).unwrap();
    for _ in 0..2 {
        assert_eq!(trail.write(b"{}\n").unwrap_err().kind(), std::io::ErrorKind::StorageFull);
        assert_eq!(trail.write_durably(b"{}\n").unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    }
}

#[cfg(unix)]
#[test]
fn moved_away_it_is_written_on_until_it_is_opened_again() {
    let scratch = Scratch::new("moved");
    let (path, away) = (scratch.0.join("trail"), scratch.0.join("away"));
    let trail = scratch.trail();
    trail.write(b"1\n").unwrap();
    trail.reopen().unwrap();
    fs::rename(&path, &away).unwrap();
    trail.write(b"2\n").unwrap();
    trail.reopen().unwrap();
    trail.write(b"3\n").unwrap();
    assert_eq!(fs::read_to_string(&away).unwrap(), "1\n2\n");
    assert_eq!(scratch.text(), "3\n");
    // Emptied in place, as others do it.
    fs::write(&path, "").unwrap();
    trail.write(b"4\n").unwrap();
    assert_eq!(scratch.text(), "4\n");
}

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
        let past::Past { open, last } = past::of(&path, stored, 5).unwrap();
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
    // It is settled: whoever starts next has nothing to do.
    assert_eq!(trail.settle(8, 5).unwrap(), 12);
    assert_eq!(scratch.text(), text);
    trail.server("started", "file:sessions", Some((5, 12))).unwrap();
    assert_eq!(past::of(&path, 0, 5).unwrap(), past::Past { open: vec![], last: 12 });
}

/// What was told of another store is not this one's to withdraw.
#[test]
fn another_store_withdraws_nothing() {
    let scratch = Scratch::new("another");
    let trail = scratch.trail();
    trail.server("started", "file:sessions", Some((5, 6))).unwrap();
    trail.write(told(7).as_bytes()).unwrap();
    let path = scratch.0.join("trail");
    assert_eq!(past::of(&path, 0, 5).unwrap(), past::Past { open: vec![7], last: 7 });
    assert_eq!(past::of(&path, 0, 55).unwrap(), past::Past { open: vec![], last: 7 });
}

//! A disk that hangs, and a pipe that is not read: reads wait for nothing, changes only so long.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use super::Scratch;
use crate::audit::Trail;
use crate::audit::files::{Files, Machine, Opened};
use crate::audit::queue::{OTHERS, READS};

/// This machine's files, but that syncing waits at a gate, and that they may pass for a pipe.
#[derive(Debug, Clone, Default)]
pub(super) struct Gated {
    is_shut: Arc<(Mutex<bool>, Condvar)>,
    /// Somebody waits there.
    is_waited_at: Arc<AtomicBool>,
    is_pipe: bool,
    /// Writing fails.
    pub(super) is_full: Arc<AtomicBool>,
    /// Writing panics.
    is_broken: Arc<AtomicBool>,
}

impl Gated {
    pub(super) fn shut(&self, shut: bool) {
        *self.is_shut.0.lock().unwrap() = shut;
        self.is_shut.1.notify_all();
    }

    fn pass(&self) {
        let shut = self.is_shut.0.lock().unwrap();
        self.is_waited_at.store(*shut, Ordering::SeqCst);
        drop(self.is_shut.1.wait_while(shut, |shut| *shut).unwrap());
        self.is_waited_at.store(false, Ordering::SeqCst);
    }

    fn until_waited_at(&self) {
        while !self.is_waited_at.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Files for Gated {
    type File = File;
    type Directory = Option<File>;

    fn open(&self, path: &Path) -> io::Result<Opened<File>> {
        let opened = Machine.open(path)?;
        Ok(Opened { is_regular: !self.is_pipe, ..opened })
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        Machine.create(path)
    }

    fn directory(&self, path: &Path) -> io::Result<Option<File>> {
        Machine.directory(path)
    }

    fn is_same(&self, path: &Path, file: &File) -> io::Result<bool> {
        Machine.is_same(path, file)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        Machine.exists(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Machine.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        Machine.remove(path)
    }

    fn len(&self, file: &File) -> io::Result<u64> {
        Machine.len(file)
    }

    fn read(&self, file: &File, at: u64, part: &mut [u8]) -> io::Result<()> {
        Machine.read(file, at, part)
    }

    /// A pipe waits for its reader here.
    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<usize> {
        if self.is_pipe {
            self.pass();
        }
        assert!(!self.is_broken.load(Ordering::SeqCst), "as it was to");
        if self.is_full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Machine.write(file, bytes)
    }

    fn set_len(&self, file: &File, len: u64) -> io::Result<()> {
        Machine.set_len(file, len)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.pass();
        Machine.sync(file)
    }

    fn sync_directory(&self, directory: &Option<File>) -> io::Result<()> {
        Machine.sync_directory(directory)
    }
}

const PATIENCE: Duration = Duration::from_millis(700);

fn open(scratch: &Scratch, files: &Gated) -> Trail {
    Trail::over(files.clone(), &scratch.settings(u64::MAX, 3), PATIENCE).unwrap()
}

/// Writes as soon as that is possible again.
fn write_again(trail: &Trail, line: &str) {
    for _ in 0..1000 {
        match trail.write_now(line.as_bytes()) {
            Ok(()) => return,
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::TimedOut),
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("it is never written again");
}

#[test]
fn reads_do_not_wait_for_a_disk_that_hangs_and_a_change_only_so_long() {
    let scratch = Scratch::new("hangs");
    let files = Gated::default();
    let trail = open(&scratch, &files);
    trail.write_now(b"first\n").unwrap();
    files.shut(true);
    let (is_late, told) = thread::scope(|scope| {
        let change = scope.spawn(|| trail.write_now_durably(b"change\n").unwrap_err().kind());
        files.until_waited_at();
        // All of these return though the gate stays shut.
        let mut told = 0;
        while trail.lost() < 10 {
            trail.tell_read(format!("read {told:0>90}\n").into_bytes());
            told += 1;
        }
        (change.join().unwrap(), told)
    });
    assert_eq!(is_late, io::ErrorKind::TimedOut);
    assert!(trail.is_failing());
    // Lines of something else still find room; and no caller waits again for a writer that is known to be stuck.
    trail.tell_soon(b"refused\n".to_vec());
    assert_eq!(trail.lost(), 10);
    assert!(files.is_waited_at.load(Ordering::SeqCst));
    for _ in 0..100 {
        assert_eq!(trail.write_now(b"another change\n").unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
    assert!(files.is_waited_at.load(Ordering::SeqCst));
    files.shut(false);
    write_again(&trail, "last\n");
    assert!(!trail.is_failing());
    drop(trail);
    // What was not made is not there; the rest is, in its order, and so is how much is not.
    let text = scratch.text();
    let lines: Vec<&str> = text.lines().collect();
    let reads = lines.iter().filter(|line| line.starts_with("read ")).count();
    assert_eq!(reads, told - 10);
    assert!((READS / 200..READS / 90).contains(&reads), "{reads}");
    assert_eq!((lines[0], lines[1 + reads]), ("first", "refused"));
    let rest: Vec<_> = lines[reads + 2..].iter().map(|line| line.contains(r#""Outcome":"lost","Lines":10}"#)).collect();
    assert_eq!(rest.len(), 2, "{:?}", &lines[reads + 1..]);
    assert_eq!(rest.iter().filter(|&&is_lost| is_lost).count(), 1);
    assert!(!text.contains("change"), "a change that was not made is there");
}

/// What a pipe has taken it does not give back: the changes are withdrawn.
#[test]
fn a_pipe_whose_reader_comes_too_late_is_told_that_the_change_was_not_made() {
    let scratch = Scratch::new("pipe");
    let files = Gated { is_pipe: true, ..Gated::default() };
    let trail = open(&scratch, &files);
    files.shut(true);
    let late = trail.write_durably(b"changed 7\nchanged 8\n".to_vec(), Some(7..=8)).unwrap_err();
    assert_eq!(late.kind(), io::ErrorKind::TimedOut);
    // One that was not begun is not written at all.
    assert!(trail.write_durably(b"changed 9\n".to_vec(), Some(9..=9)).is_err());
    files.shut(false);
    write_again(&trail, "last\n");
    drop(trail);
    let text = scratch.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 5, "{lines:?}");
    assert_eq!((lines[0], lines[1], lines[4]), ("changed 7", "changed 8", "last"));
    for (line, revision) in lines[2..4].iter().zip([7, 8]) {
        assert!(line.ends_with(&format!(r#""Outcome":"withdrawn","Revision":{revision}}}"#)), "{line}");
    }
}

/// A full disk: what could not be written is counted, and said as soon as there is room.
#[test]
fn what_found_no_room_on_the_disk_is_counted_and_said() {
    let scratch = Scratch::new("no-room");
    let files = Gated::default();
    let trail = open(&scratch, &files);
    files.is_full.store(true, Ordering::SeqCst);
    for number in 0..7 {
        trail.tell_soon(format!("{number}\n").into_bytes());
    }
    assert_eq!(trail.write_now(b"change\n").unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(trail.lost(), 7);
    assert!(trail.try_out().is_err());
    files.is_full.store(false, Ordering::SeqCst);
    trail.try_out().unwrap();
    trail.write_now(b"again\n").unwrap();
    drop(trail);
    let text = scratch.text();
    assert_eq!(text.matches(r#""Outcome":"lost","Lines":7}"#).count(), 1, "{text}");
    assert_eq!(text.lines().count(), 2, "{text}");
}

/// At the end what waits is written, unless that takes too long.
#[test]
fn the_end_waits_for_what_is_written_but_not_without_end() {
    for hangs in [false, true] {
        let scratch = Scratch::new(&format!("end-{hangs}"));
        let files = Gated::default();
        let trail = open(&scratch, &files);
        for number in 0..1000 {
            trail.tell_read(format!("{number}\n").into_bytes());
        }
        if hangs {
            files.shut(true);
            assert!(trail.write_now_durably(b"change\n").is_err());
        }
        drop(trail);
        assert_eq!(scratch.text().lines().count(), if hangs { 1001 } else { 1000 });
        files.shut(false);
    }
}

/// Texts of any length, too: both kinds of lines have their own bound.
#[test]
fn what_waits_is_bounded_in_bytes() {
    let scratch = Scratch::new("bounds");
    let files = Gated::default();
    let trail = open(&scratch, &files);
    files.shut(true);
    thread::scope(|scope| {
        scope.spawn(|| drop(trail.write_now_durably(b"change\n")));
        files.until_waited_at();
        for (of, most) in [(true, READS), (false, OTHERS)] {
            let before = trail.lost();
            for _ in 0..100 {
                let line = vec![b'x'; most / 10];
                if of { trail.tell_read(line) } else { trail.tell_soon(line) }
            }
            assert_eq!(trail.lost() - before, 90);
        }
        files.shut(false);
    });
}

/// The thread is gone: no request waits for it, no change is made, and the server learns so.
#[tokio::test]
async fn a_thread_that_is_gone_is_noticed() {
    let scratch = Scratch::new("gone");
    let files = Gated::default();
    let trail = open(&scratch, &files);
    let gone = trail.is_gone();
    trail.write(b"line\n".to_vec()).await.unwrap();
    files.is_broken.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let error = trail.write(b"change\n".to_vec()).await.unwrap_err();
        assert_eq!(error.to_string(), "the thread that writes it has ended");
    }
    gone.await;
    assert_eq!(scratch.text(), "line\n");
}

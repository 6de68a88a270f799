//! The thread that writes: no request is at the mercy of the disk.

use std::io;
use std::sync::Arc;

use super::file::TrailFile;
use super::files::Files;
use super::queue::{Ask, Entry, Queue, Work, late};
use super::{EVERY, Shared, line, locked, withdraw};

/// How much of lines that decide nothing is written at once.
const AT_ONCE: usize = 16 * 1024;

/// The file and what is written to it.
pub(super) struct TrailWriter<F: Files> {
    file: TrailFile<F>,
    shared: Arc<Shared>,
    /// Lines that decide nothing, on their way into the file.
    gathered: Vec<u8>,
    lines: u64,
    /// Lines that are lost, and no line says so yet.
    lost: u64,
}

/// However the thread ends, what waits for it learns so.
struct Over<'s>(&'s Queue);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.over();
    }
}

impl<F: Files> TrailWriter<F> {
    pub(super) const fn new(file: TrailFile<F>, shared: Arc<Shared>) -> Self {
        Self { file, shared, gathered: Vec::new(), lines: 0, lost: 0 }
    }

    /// Works until nothing will come any more.
    pub(super) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let over = Over(&shared.queue);
        while let Some((entries, lost)) = shared.queue.take() {
            for entry in entries {
                match entry {
                    Entry::Line(line) => self.gather(&line),
                    Entry::Ask(ask) => {
                        self.write_gathered();
                        shared.queue.goes_on();
                        self.answer(ask);
                    }
                }
            }
            self.write_gathered();
            // If that cannot be said, it is as soon as something else could be written.
            self.lost += lost;
            if self.lost > 0 && (lost > 0 || !shared.is_failing()) && self.write(&line::lost(self.lost), false).is_ok()
            {
                self.lost = 0;
            }
        }
        // The file is closed before anybody hears that it is.
        drop(self);
        drop(over);
    }

    fn gather(&mut self, line: &[u8]) {
        let len = self.gathered.len() + line.len();
        if len > AT_ONCE || !self.file.has_room(len) {
            self.write_gathered();
        }
        self.gathered.extend_from_slice(line);
        self.lines += 1;
    }

    fn write_gathered(&mut self) {
        let (gathered, lines) = (core::mem::take(&mut self.gathered), core::mem::take(&mut self.lines));
        if !gathered.is_empty() {
            self.shared.queue.goes_on();
            match self.write(&gathered, false) {
                Ok(()) => self.say_now_and_then(gathered.len() as u64),
                Err(_) => self.shared.queue.lost(lines),
            }
        }
        self.gathered = gathered;
        self.gathered.clear();
    }

    fn answer(&mut self, Ask { work, wanted, tell }: Ask) {
        match work {
            Work::Write { lines, durably, revisions } => {
                if !wanted.take() {
                    // The change was not made for want of its line, which is not written either.
                    return;
                }
                let mut written = self.write(&lines, durably);
                if wanted.done() {
                    if written.is_ok() {
                        self.say_now_and_then(lines.len() as u64);
                    }
                } else if written.is_ok() {
                    written = Err(self.file.take_back_whole(&lines, late()));
                    self.shared.outcome(&written);
                    if !self.file.is_regular
                        && let Some(revisions) = revisions
                    {
                        let mut withdrawn = Vec::new();
                        withdraw(revisions, "Its line was not written in time.", &mut withdrawn);
                        let _ = self.write(&withdrawn, false);
                    }
                }
                tell(written);
            }
            Work::Reopen => tell(self.file.reopen()),
            Work::TryOut => {
                let tried = if self.shared.is_failing() { self.file.try_out() } else { Ok(()) };
                if tried.is_ok() {
                    self.shared.outcome(&Ok(()));
                }
                tell(tried);
            }
        }
    }

    fn write(&mut self, lines: &[u8], durably: bool) -> io::Result<()> {
        let written = if durably { self.file.write_durably(lines) } else { self.file.write(lines) };
        self.shared.outcome(&written);
        written
    }

    /// After so much, a line says up to where everything is settled: so the next start need not read farther back.
    fn say_now_and_then(&mut self, len: u64) {
        let mut known = locked(&self.shared.known);
        known.unsaid += len;
        if known.unsaid > EVERY && known.revisions.is_some() && !known.is_open {
            known.unsaid = 0;
            let line = line::server("running", &known.store, known.revisions);
            drop(known);
            // If it cannot be written, the next start reads farther.
            let _ = self.file.write(&line);
        }
    }
}

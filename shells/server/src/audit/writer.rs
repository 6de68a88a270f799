//! The thread that writes: no request is at the mercy of the disk.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;

use super::file::TrailFile;
use super::files::Files;
use super::queue::{Ask, Entry, Outcome, Queue, Work, late};
use super::{EVERY, Shared, intents, line, locked, withdraw};
use crate::session::OpId;

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
    /// Intents that are written, and not yet what became of them for good.
    open: BTreeMap<OpId, Vec<u8>>,
    /// What became of changes and is not written yet. No intent is before it is.
    owed: Vec<Outcome>,
    /// Which file says which intents are open.
    said_in: u64,
}

/// However the thread ends, what waits for it learns so.
struct Over<'s>(&'s Queue);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.over();
    }
}

impl<F: Files> TrailWriter<F> {
    pub(super) fn new(file: TrailFile<F>, shared: Arc<Shared>) -> Self {
        let said_in = file.exchanged;
        let (gathered, owed, open) = (Vec::new(), Vec::new(), BTreeMap::new());
        Self { file, shared, gathered, lines: 0, lost: 0, open, owed, said_in }
    }

    /// Works until nothing will come any more.
    pub(super) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let over = Over(&shared.queue);
        while let Some((mut entries, lost)) = shared.queue.take() {
            while let Some(entry) = entries.pop_front() {
                match entry {
                    Entry::Line(line) => {
                        let _ = self.write_owed();
                        self.gather(&line);
                    }
                    Entry::Outcome(outcome) => {
                        self.write_gathered();
                        self.owed.push(outcome);
                    }
                    Entry::Ask(ask) => {
                        self.write_gathered();
                        let _ = self.write_owed();
                        shared.queue.goes_on();
                        match ask.work {
                            Work::Intents(_) => self.write_intents(ask, &mut entries),
                            _ => self.answer(ask),
                        }
                    }
                }
            }
            self.write_gathered();
            let _ = self.write_owed();
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
            // Written together: see `write_intents`.
            Work::Intents(_) => tell(Err(io::ErrorKind::Unsupported.into())),
            Work::Reopen => {
                let reopened = self.file.reopen();
                self.say_what_is_open();
                tell(reopened);
            }
            Work::TryOut => {
                let tried = if self.shared.is_failing() { self.file.try_out() } else { Ok(()) };
                if tried.is_ok() {
                    self.shared.outcome(&Ok(()));
                }
                tell(tried);
            }
        }
    }

    /// Writes these intents, and those that wait right after them, so that they share one wait for the disk.
    fn write_intents(&mut self, first: Ask, entries: &mut VecDeque<Entry>) {
        let mut asks = vec![first];
        while let Some(Entry::Ask(Ask { work: Work::Intents(_), .. })) = entries.front() {
            asks.extend(
                entries.pop_front().and_then(|entry| if let Entry::Ask(ask) = entry { Some(ask) } else { None }),
            );
        }
        asks.retain(|ask| ask.wanted.take());
        let mut lines = Vec::new();
        for ask in &asks {
            if let Work::Intents(intents) = &ask.work {
                intents.iter().for_each(|(_, line)| lines.extend_from_slice(line));
            }
        }
        if lines.is_empty() {
            return;
        }
        // What became of earlier changes comes first: if there is no room for that, there is none for intents.
        let written = self.write_owed().and_then(|()| self.write(&lines, true));
        for Ask { work, wanted, tell } in asks {
            let Work::Intents(intents) = work else { continue };
            let in_time = wanted.done();
            if written.is_ok() {
                if !in_time {
                    let late = intents.iter().filter_map(|(_, line)| intents::not_in_time(line));
                    self.owed.extend(late);
                }
                self.open.extend(intents);
            }
            let same = |error: &io::Error| io::Error::new(error.kind(), error.to_string());
            tell(if in_time { written.as_ref().copied().map_err(same) } else { Err(late()) });
        }
        if written.is_ok() {
            let _ = self.write_owed();
            self.say_now_and_then(lines.len() as u64);
        }
    }

    /// Writes what became of changes. If that fails it is tried again before anything else is written.
    fn write_owed(&mut self) -> io::Result<()> {
        if self.owed.is_empty() {
            return Ok(());
        }
        self.shared.queue.goes_on();
        let lines = self.owed.iter().flat_map(|outcome| &outcome.line).copied().collect::<Vec<u8>>();
        self.write(&lines, false)?;
        for Outcome { op, is_final, .. } in core::mem::take(&mut self.owed) {
            if is_final {
                self.open.remove(&op);
            }
        }
        self.say_now_and_then(lines.len() as u64);
        Ok(())
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
        if known.shared.is_some() {
            let is_due = known.unsaid > EVERY;
            drop(known);
            return if is_due { self.write_what_is_open() } else { self.say_what_is_open() };
        }
        if known.unsaid > EVERY && known.revisions.is_some() && !known.is_open {
            known.unsaid = 0;
            let line = line::server("running", &known.store, known.revisions);
            drop(known);
            // If it cannot be written, the next start reads farther.
            let _ = self.file.write(&line);
        }
    }

    /// Another file says again which intents are open, so that no file has to be kept for them.
    fn say_what_is_open(&mut self) {
        if self.said_in != self.file.exchanged {
            self.write_what_is_open();
        }
    }

    /// Writes the open intents once more, and then how many they are. A server that is killed in between has not said it.
    fn write_what_is_open(&mut self) {
        let mut known = locked(&self.shared.known);
        if known.shared.is_none() {
            return;
        }
        known.unsaid = 0;
        let line = known.line("running", Some(self.open.len()));
        drop(known);
        let mut lines: Vec<u8> = self.open.values().flatten().copied().collect();
        lines.extend(line);
        // If it cannot be written, the next start reads farther.
        if self.file.write(&lines).is_ok() {
            self.said_in = self.file.exchanged;
        }
    }
}

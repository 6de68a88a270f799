//! What the last servers that wrote the trail left open.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::{line, numbered};

/// What is to be known of lines that were written before.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Past {
    /// The revisions of changes that have a line and were, as nothing withdraws them and the store does not have them, not made;
    /// in rising order.
    pub(super) open: Vec<u64>,
    /// The last revision that was given out, as far as was read; 0 if there is none.
    pub(super) last: u64,
    /// How many lines were read.
    pub(super) lines: u64,
}

/// Reads the trail backwards, as far as there may be changes that the store, which has all up to revision `stored`, does
/// not have: to the line of a change that it has, or to one by which a server says that there is nothing open before it.
/// Lines that were written while another store was in use are not this one's.
pub(super) fn of(path: &Path, stored: u64, store_id: u64) -> io::Result<Past> {
    let mut search = Search {
        stored,
        id: format!("{}{store_id},", line::STORE_ID),
        told: Vec::new(),
        withdrawn: Vec::new(),
        ours: 0,
        ours_withdrawn: 0,
        is_only_whose: false,
        is_foreign: false,
        last: 0,
        lines: 0,
    };
    each_backwards(path, &mut |line| search.goes_on(line))?;
    Ok(search.end())
}

/// Shows the lines of the trail from the last to the first, as long as `look` wants.
pub(super) fn each_backwards(path: &Path, look: &mut impl FnMut(&[u8]) -> bool) -> io::Result<()> {
    let (mut number, mut missing) = (0, 0);
    // A rotation that was broken off leaves one number free.
    while missing < 2 {
        let file = if number == 0 { path.to_owned() } else { numbered(path, number) };
        match File::open(&file) {
            Ok(opened) if opened.metadata()?.is_file() => {
                missing = 0;
                if !backwards(opened, look)? {
                    break;
                }
            }
            // Somebody else's; or the trail is a pipe.
            Ok(_) if number == 0 => break,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing += 1,
            Err(error) => return Err(error),
        }
        number += 1;
    }
    Ok(())
}

#[derive(Debug)]
struct Search {
    stored: u64,
    /// What a line of a server with this store holds.
    id: String,
    told: Vec<u64>,
    withdrawn: Vec<u64>,
    /// So many of those told, and of those withdrawn, are known to be of this store.
    ours: usize,
    ours_withdrawn: usize,
    /// All that is left to find out is whose they are.
    is_only_whose: bool,
    is_foreign: bool,
    last: u64,
    lines: u64,
}

impl Search {
    /// Looks at a line; tells whether the one before it matters.
    fn goes_on(&mut self, line: &[u8]) -> bool {
        self.lines += 1;
        let revision = revision(line);
        self.last = self.last.max(revision.unwrap_or_default());
        if holds(line, line::OF_SERVER) {
            let is_barrier = holds(line, line::STARTED) || holds(line, line::RUNNING);
            return !is_barrier || self.passes(line, revision.is_some());
        }
        match revision {
            None => {}
            Some(_) if self.is_only_whose => {}
            Some(revision) if holds(line, line::WITHDRAWN) => self.withdrawn.push(revision),
            Some(revision) if revision > self.stored => self.told.push(revision),
            Some(_) => self.is_only_whose = true,
        }
        !self.is_only_whose || self.told.len() > self.ours
    }

    /// Whether a server that starts or goes on leaves something open before it.
    fn passes(&mut self, line: &[u8], has_store: bool) -> bool {
        if has_store && !holds(line, &self.id) {
            self.is_foreign = true;
            return false;
        }
        (self.ours, self.ours_withdrawn) = (self.told.len(), self.withdrawn.len());
        // One of a version that does not say it had all withdrawn that its store did not have.
        let stored = number_after(line, line::STORED);
        !self.is_only_whose && stored.is_some_and(|stored| stored > self.stored)
    }

    fn end(mut self) -> Past {
        if self.is_foreign {
            self.told.truncate(self.ours);
            self.withdrawn.truncate(self.ours_withdrawn);
        }
        let withdrawn: HashSet<u64> = self.withdrawn.into_iter().collect();
        self.told.retain(|revision| !withdrawn.contains(revision));
        self.told.sort_unstable();
        Past { open: self.told, last: self.last, lines: self.lines }
    }
}

/// Shows the lines of a file from the last to the first, as long as `look` wants; tells whether it saw them all.
fn backwards(mut file: File, look: &mut impl FnMut(&[u8]) -> bool) -> io::Result<bool> {
    const PART: u64 = 64 * 1024;
    let mut start = file.seek(SeekFrom::End(0))?;
    // What is known of the line whose beginning is not read yet.
    let mut rest = Vec::new();
    while start > 0 {
        let begin = start.saturating_sub(PART);
        let mut part = vec![0; (start - begin) as usize];
        file.seek(SeekFrom::Start(begin))?;
        file.read_exact(&mut part)?;
        part.append(&mut rest);
        start = begin;
        let mut lines: Vec<&[u8]> = part.split(|&byte| byte == b'\n').collect();
        // The first one may go on in the part before.
        let first = if start > 0 { lines.remove(0).to_vec() } else { Vec::new() };
        for line in lines.into_iter().rev() {
            if !look(line) {
                return Ok(false);
            }
        }
        rest = first;
    }
    Ok(true)
}

/// The revision is the last thing that a line says. No text in it can look like that: its quotes are escaped.
fn revision(line: &[u8]) -> Option<u64> {
    let text = core::str::from_utf8(line).ok()?.strip_suffix("}")?;
    let (_, number) = text.rsplit_once(line::REVISION)?;
    number.parse().ok()
}

pub(super) fn holds(line: &[u8], part: &str) -> bool {
    memchr::memmem::find(line, part.as_bytes()).is_some()
}

pub(super) fn number_after(line: &[u8], key: &str) -> Option<u64> {
    let (_, rest) = str::from_utf8(line).ok()?.rsplit_once(key)?;
    rest.split(',').next()?.parse().ok()
}

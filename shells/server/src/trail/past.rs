//! What the last server that wrote the trail left open.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::numbered;

/// What is to be known of lines that were written before.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Past {
    /// The revisions of changes that were told and, as nothing withdraws them and the store does not have them, not made;
    /// in rising order.
    pub(super) open: Vec<u64>,
    /// The last revision that was given out, as far as was read; 0 if there is none.
    pub(super) last: u64,
}

/// Reads the trail backwards, to the line of a change that the store has, which are all up to revision `stored`, or to the
/// start of the last server, before which nothing is open. If that one had another store, nothing is open at all.
pub(super) fn of(path: &Path, stored: u64, store_id: u64) -> io::Result<Past> {
    let (mut told, mut withdrawn) = (Vec::new(), Vec::new());
    let (mut last, mut is_ours) = (0, true);
    let id = format!("{}{store_id},", super::line::STORE_ID);
    let mut look = |line: &[u8]| {
        let Some(revision) = revision(line) else { return !holds(line, super::line::STARTED) };
        last = last.max(revision);
        if holds(line, super::line::STARTED) {
            is_ours = holds(line, &id);
            return false;
        }
        if holds(line, super::line::WITHDRAWN) {
            withdrawn.push(revision);
            return true;
        }
        told.push(revision);
        revision > stored
    };
    let mut file = path.to_owned();
    for number in 1.. {
        match File::open(&file) {
            Ok(opened) if opened.metadata()?.is_file() => {
                if !backwards(opened, &mut look)? {
                    break;
                }
            }
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) => return Err(error),
        }
        file = numbered(path, number);
    }
    let withdrawn: HashSet<u64> = withdrawn.into_iter().collect();
    let mut open: Vec<u64> =
        told.into_iter().filter(|revision| is_ours && *revision > stored && !withdrawn.contains(revision)).collect();
    open.sort_unstable();
    Ok(Past { open, last })
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
    let line = core::str::from_utf8(line).ok()?.strip_suffix('}')?;
    let (_, number) = line.rsplit_once(super::line::REVISION)?;
    number.parse().ok()
}

fn holds(line: &[u8], part: &str) -> bool {
    line.windows(part.len()).any(|here| here == part.as_bytes())
}

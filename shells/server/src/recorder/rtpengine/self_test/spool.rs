//! The files of the self-test's call.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::media::marks_in;
use super::verdict::Mark;
use crate::recorder::rtpengine::call_id::is_of_call;

/// Far longer than the recording of this call.
const LONGEST_FILE: u64 = 4 << 20;

/// Folder, what a name begins with and ends with.
const PLACES: [(&str, &str, &str); 3] =
    [("pcaps", "", ".pcap"), ("metadata", "rtpengine-meta-", ".txt"), ("tmp", "rtpengine-meta-", ".tmp")];

fn files(recording_dir: &Path, in_a_name: &str, place: (&str, &str, &str)) -> io::Result<Vec<PathBuf>> {
    let (folder, before, after) = place;
    let mut found = Vec::new();
    for entry in fs::read_dir(recording_dir.join(folder))? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|name| is_of_call(name, before, in_a_name, after)) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// The packets of this test that are in the call's recordings.
pub(super) fn packets(recording_dir: &Path, in_a_name: &str, nonce: u64) -> Result<BTreeSet<Mark>, String> {
    let wrong = |path: &Path, error: &io::Error| format!("{} cannot be read: {error}", path.display());
    let folder = recording_dir.join("pcaps");
    let mut found = BTreeSet::new();
    for path in files(recording_dir, in_a_name, PLACES[0]).map_err(|error| wrong(&folder, &error))? {
        let mut file = Vec::new();
        let read = File::open(&path).and_then(|opened| opened.take(LONGEST_FILE).read_to_end(&mut file));
        read.map_err(|error| wrong(&path, &error))?;
        found.extend(marks_in(&file, nonce));
    }
    Ok(found)
}

/// Removes the call's files, as far as this process may.
pub(super) fn remove(recording_dir: &Path, in_a_name: &str) {
    for place in PLACES {
        for path in files(recording_dir, in_a_name, place).unwrap_or_default() {
            // A few kilobytes stay if they belong to another user.
            let _ = fs::remove_file(path);
        }
    }
}

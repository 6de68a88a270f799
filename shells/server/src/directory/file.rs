//! A file of agents, one a line, that is read again when it changes.
//!
//! ```text
//! # The day shift.
//! sip:anna@domain.com
//! sip:ben@domain.com    # until May
//! ```
//!
//! It is looked at every second (its time, size and place), and not by the system's notifications: those miss what comes over a
//! network, what is mounted, and a link that is exchanged above the file, and have limits of their own. A file that has
//! changed is read when it has stayed as it is for a second, since it may be written bit by bit.

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use recording_core::wire::SipUri;
use ring::digest::{SHA256, digest};

use super::agents::Agents;
use crate::place;
use crate::reloadable::Reloadable;

/// The most bytes of such a file: so its agents never take more than about 12 MiB.
pub const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// How often a file is read again after it was read, to find what was written within the same tick of a file system's clock.
const RECHECKS: u32 = 3;

/// A file of agents, and those of it that are in force.
#[derive(Debug)]
pub struct AgentsFile {
    path: PathBuf,
    agents: Reloadable<Agents>,
    seen: Mutex<Seen>,
    is_bad: AtomicBool,
}

/// What a look at the file has brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// Nothing new.
    Same,
    /// It was read again, and so many agents are in force now.
    Read(usize),
    /// It cannot be read or is wrong, in one line that names it. What was in force stays so.
    Bad(String),
}

/// What tells one content of a file from another without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Print {
    len: u64,
    modified: Option<SystemTime>,
    /// Device, number and time of the last change to the entry.
    place: (u64, u64, i64, i64),
}

#[derive(Debug)]
struct Seen {
    /// What the file was when it was read.
    read: Print,
    /// Another one that was seen just now.
    changing: Option<Print>,
    /// The hash of what is in force.
    hash: Vec<u8>,
    /// How often it is to be read again although it looks as it did.
    rechecks: u32,
    /// Whether it could not be read, and may be any time.
    is_unreadable: bool,
    /// What was reported last, while the file is bad.
    reported: Option<String>,
}

impl Print {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let place = {
            use std::os::unix::fs::MetadataExt as _;
            (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
        };
        #[cfg(not(unix))]
        let place = (0, 0, 0, 0);
        Self { len: metadata.len(), modified: metadata.modified().ok(), place }
    }

    fn at(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        // A pipe would have its reader wait for ever.
        if metadata.is_file() { Ok(Self::of(&metadata)) } else { Err(io::Error::other("it is no file")) }
    }
}

impl AgentsFile {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or something in it is wrong, in one line that names it.
    pub fn load(path: PathBuf) -> Result<Self, String> {
        let read = Print::at(&path).map_err(|error| unreadable(&path, &error))?;
        let bytes = place::read_most(&path, MAX_BYTES).map_err(|error| unreadable(&path, &error))?;
        let agents = parse(&path, &bytes)?;
        let hash = hash(&bytes);
        let seen = Seen { read, changing: None, hash, rechecks: RECHECKS, is_unreadable: false, reported: None };
        Ok(Self { path, agents: Reloadable::new(agents), seen: Mutex::new(seen), is_bad: AtomicBool::new(false) })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The agents in force.
    #[must_use]
    pub fn agents(&self) -> Arc<Agents> {
        self.agents.current()
    }

    /// Whether what is on the disk is not what is in force.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        self.is_bad.load(Ordering::Relaxed)
    }

    /// Looks at the file, and reads it if it has changed and stayed so since the last look.
    pub fn look(&self) -> Look {
        // What panics leaves what was seen as good as before.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let print = match Print::at(&self.path) {
            Ok(print) => print,
            Err(error) => return self.unreadable(&mut seen, &error),
        };
        if print != seen.read && seen.changing.as_ref() != Some(&print) {
            seen.changing = Some(print);
            return Look::Same;
        }
        let is_changed = print != seen.read;
        if !is_changed && seen.rechecks == 0 && !seen.is_unreadable {
            return Look::Same;
        }
        let bytes = match place::read_most(&self.path, MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(error) => return self.unreadable(&mut seen, &error),
        };
        if Print::at(&self.path).ok().as_ref() != Some(&print) {
            // It was written while it was read: the next look finds it changed.
            return Look::Same;
        }
        seen.rechecks = if is_changed { RECHECKS } else { seen.rechecks.saturating_sub(1) };
        (seen.read, seen.changing, seen.is_unreadable) = (print, None, false);
        if hash(&bytes) == seen.hash {
            return if self.is_bad() { self.good(&mut seen) } else { Look::Same };
        }
        // An editor that was killed or a full disk leaves such a file. If it is meant so, a comment says it.
        if bytes.trim_ascii().is_empty() && !self.agents().is_empty() {
            return self.bad(&mut seen, format!("{}: is empty; before it was not", self.path.display()));
        }
        match parse(&self.path, &bytes) {
            Ok(agents) => {
                self.agents.replace(agents);
                seen.hash = hash(&bytes);
                self.good(&mut seen)
            }
            Err(reason) => self.bad(&mut seen, reason),
        }
    }

    /// What is on the disk is in force.
    fn good(&self, seen: &mut Seen) -> Look {
        seen.reported = None;
        self.is_bad.store(false, Ordering::Relaxed);
        Look::Read(self.agents().len())
    }

    fn unreadable(&self, seen: &mut Seen, error: &io::Error) -> Look {
        seen.is_unreadable = true;
        self.bad(seen, unreadable(&self.path, error))
    }

    /// The same reason is reported once, however often the file is looked at.
    fn bad(&self, seen: &mut Seen, reason: String) -> Look {
        self.is_bad.store(true, Ordering::Relaxed);
        if seen.reported.as_ref() == Some(&reason) {
            return Look::Same;
        }
        seen.reported = Some(reason.clone());
        Look::Bad(reason)
    }
}

fn hash(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    format!("{}: cannot be read: {error}", path.display())
}

/// The agents of a file.
///
/// # Errors
///
/// The first thing that is wrong, with its line.
fn parse(path: &Path, bytes: &[u8]) -> Result<Agents, String> {
    let at = |line: usize, reason: &dyn fmt::Display| format!("{}:{line}: {reason}", path.display());
    let lines = |before: &[u8]| before.iter().filter(|&&byte| byte == b'\n').count();
    let text = str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        at(lines(before) + 1, &"is not UTF-8")
    })?;
    let mut uris = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let mut words = line.split_whitespace();
        let Some(uri) = words.next().filter(|word| !word.starts_with('#')) else { continue };
        if words.next().is_some_and(|word| !word.starts_with('#')) {
            return Err(at(number, &"one agent a line, and after it nothing but a comment that begins with '#'"));
        }
        if uri.starts_with('\u{feff}') {
            return Err(at(number, &"begins with a byte order mark"));
        }
        if uri.contains('*') {
            return Err(at(
                number,
                &format_args!("{uri:?} looks like a pattern: those go into agent_patterns of the config"),
            ));
        }
        uris.push(SipUri::new(uri).map_err(|error| at(number, &format_args!("{uri:?} {}", error.kind)))?);
    }
    // A URI that was cut off may be another one.
    if !bytes.is_empty() && !bytes.ends_with(b"\n") {
        return Err(at(lines(bytes) + 1, &"the last line has no end: was the file cut off?"));
    }
    Ok(uris.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;

    use super::*;

    /// A file of this test, gone when dropped.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str, text: &str) -> Self {
            let place = Self(std::env::temp_dir().join(format!("recording-agents-{}-{name}", std::process::id())));
            place.write(text);
            place
        }

        fn write(&self, text: &str) {
            fs::write(&self.0, text).unwrap();
        }

        fn load(&self) -> AgentsFile {
            AgentsFile::load(self.0.clone()).unwrap()
        }

        /// `…: reason`
        fn says(&self, reason: &str) -> String {
            format!("{}:{reason}", self.0.display())
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    fn names(file: &AgentsFile) -> Vec<String> {
        file.agents().iter().map(str::to_owned).collect()
    }

    /// Looks until there is something new.
    fn looks(file: &AgentsFile) -> Look {
        let found = (0..3).map(|_| file.look()).find(|look| *look != Look::Same);
        found.unwrap_or(Look::Same)
    }

    const A: &str = "# The day shift.\nsip:a@d\n";
    const B: &str = "sip:b@d   # until May\r\n\r\n\t sip:a@d\nSIP:A@D\n";

    #[test]
    fn a_change_is_taken_when_it_has_stayed() {
        let place = Place::new("stays", A);
        let file = place.load();
        assert_eq!((names(&file), looks(&file)), (vec!["sip:a@d".to_owned()], Look::Same));
        place.write(B);
        assert_eq!((file.look(), file.agents().len()), (Look::Same, 1));
        assert_eq!((file.look(), file.look(), file.is_bad()), (Look::Read(2), Look::Same, false));
        assert_eq!(names(&file), ["sip:a@d", "sip:b@d"]);
        // As long as it grows it is not taken, not even when a line is whole.
        let mut text = B.to_owned();
        for number in 0..20 {
            text.push_str(&format!("sip:{number}@d\n"));
            place.write(&text);
            assert_eq!((file.look(), file.agents().len()), (Look::Same, 2));
        }
        assert_eq!((file.look(), file.look()), (Look::Read(22), Look::Same));
        // Another file in its place.
        let other = Place::new("stays-other", A);
        fs::rename(&other.0, &place.0).unwrap();
        assert_eq!((file.look(), file.look()), (Look::Same, Look::Read(1)));
    }

    /// A clock that did not move between two writings: the file looks as it did when it was read.
    #[test]
    fn a_change_that_does_not_show_is_found_for_a_while() {
        let place = Place::new("racy", A);
        let file = place.load();
        for looks in 0..=RECHECKS {
            let (is_found, text) = (looks < RECHECKS, if looks % 2 == 0 { "sip:c@d\n" } else { "sip:e@d\n" });
            for _ in 0..looks {
                assert_eq!(file.look(), Look::Same);
            }
            place.write(text);
            file.seen.lock().unwrap().read = Print::at(&place.0).unwrap();
            assert_eq!(file.look(), if is_found { Look::Read(1) } else { Look::Same }, "after {looks} looks");
            file.seen.lock().unwrap().rechecks = RECHECKS;
        }
    }

    #[test]
    fn a_bad_file_is_reported_once_and_changes_nothing() {
        let place = Place::new("bad", B);
        let file = place.load();
        let away = place.0.with_extension("away");
        let bad = |reason: &str| Look::Bad(place.says(reason));
        let stays = |reason: &str| {
            assert_eq!(looks(&file), bad(reason));
            for _ in 0..5 {
                assert_eq!((file.look(), file.is_bad(), file.agents().len()), (Look::Same, true, 2));
            }
        };
        let no_uri = format!("2: \"sip:a@@d\" {}", SipUri::new("sip:a@@d").unwrap_err().kind);
        for (text, reason) in [
            ("sip:a@d\nsip:a@@d\n", &*no_uri),
            ("sip:a@d sip:b@d\n", "1: one agent a line, and after it nothing but a comment that begins with '#'"),
            ("\n\nsip:*@d\n", r#"3: "sip:*@d" looks like a pattern: those go into agent_patterns of the config"#),
            ("\u{feff}sip:a@d\n", "1: begins with a byte order mark"),
            ("sip:a@d\nsip:b@d", "2: the last line has no end: was the file cut off?"),
            ("", " is empty; before it was not"),
            ("a\n", "1: \"a\" does not begin with sip: or sips:"),
            (" \n", " is empty; before it was not"),
        ] {
            place.write(text);
            stays(reason);
        }
        fs::write(&place.0, b"sip:a@d\n\xff\n").unwrap();
        stays("2: is not UTF-8");
        fs::rename(&place.0, &away).unwrap();
        stays(" cannot be read: No such file or directory (os error 2)");
        fs::create_dir(&place.0).unwrap();
        stays(" cannot be read: it is no file");
        fs::remove_dir(&place.0).unwrap();
        stays(" cannot be read: No such file or directory (os error 2)");
        // What was in force before comes back, and counts as read.
        place.write(B);
        assert_eq!((looks(&file), file.is_bad(), looks(&file)), (Look::Read(2), false, Look::Same));
        // Away for a moment, and back as it was.
        fs::rename(&place.0, &away).unwrap();
        assert!(matches!(file.look(), Look::Bad(_)));
        fs::rename(&away, &place.0).unwrap();
        assert_eq!((looks(&file), file.is_bad()), (Look::Read(2), false));
        // A file of comments is meant so.
        place.write("# none today\n");
        assert_eq!((looks(&file), file.agents().is_empty(), file.is_bad()), (Look::Read(0), true, false));
        place.write("");
        assert_eq!(looks(&file), Look::Read(0));
    }

    #[test]
    fn a_file_has_a_bound_and_is_a_file() {
        let place = Place::new("large", A);
        let file = place.load();
        let large = OpenOptions::new().append(true).open(&place.0).unwrap();
        large.set_len(MAX_BYTES + 1).unwrap();
        assert_eq!(looks(&file), Look::Bad(place.says(" cannot be read: it is larger than 8 MiB")));
        assert_eq!(file.agents().len(), 1);
        for path in ["/dev/zero", "/", "/nowhere"] {
            assert!(AgentsFile::load(path.into()).unwrap_err().starts_with(&format!("{path}: cannot be read: ")));
        }
    }

    /// Wherever a file is cut off, it is refused or holds none but its own agents.
    #[test]
    fn a_file_that_was_cut_off_lets_no_other_in() {
        let text = "# shifts\nsip:anna@domain.com\r\nsip:ben@domain.com # until May\nsip:carla@domain.com";
        let whole = format!("{text}\n");
        let all: Vec<_> = whole.lines().filter_map(|line| line.split_whitespace().next()).collect();
        let mut taken = 0;
        for cut in 0..whole.len() {
            if let Ok(agents) = parse(Path::new("x"), &whole.as_bytes()[..cut]) {
                assert!(agents.iter().all(|uri| all.contains(&uri)), "{cut}");
                taken += 1;
            }
        }
        assert_eq!(taken, 4);
        assert_eq!(parse(Path::new("x"), whole.as_bytes()).unwrap().len(), 3);
    }
}

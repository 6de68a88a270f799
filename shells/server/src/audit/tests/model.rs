//! A file system in memory, on which every call may fail, before or after it did what it was asked, and the process may
//! be killed at every one.

use core::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use recording_test_support::schedule::Schedule;

use crate::audit::files::{Files, Opened};
use crate::audit::numbered;

/// Its number, as long as it exists.
pub(super) type Inode = usize;

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Contents {
    pub(super) data: Vec<u8>,
    /// So much of it is on the disk.
    pub(super) synced: usize,
}

/// How a call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Done,
    Failed,
    /// An error is all that the caller learns, and yet it was done.
    DoneAndFailed,
}

/// All files, and what becomes of the next calls.
#[derive(Debug, Clone, Default)]
pub(super) struct World {
    pub(super) inodes: Vec<Contents>,
    pub(super) names: BTreeMap<PathBuf, Inode>,
    /// Files that somebody else has moved away, in that order.
    pub(super) away: Vec<Inode>,
    /// A file that is not the server's.
    pub(super) foreign: Option<Inode>,
    pub(super) keep: u32,
    /// The lines of files that were pushed out, as they may be.
    pub(super) pushed_out: Vec<u8>,
    /// What must never happen, and did.
    pub(super) wrong: Option<String>,
    /// What becomes of each call in this run.
    pub(super) schedule: Schedule,
    pub(super) faults_left: u32,
    pub(super) is_killed: bool,
    /// Whether all that failed was to sync the directory.
    pub(super) directory_failed: bool,
}

pub(super) fn path() -> PathBuf {
    "t".into()
}

impl World {
    /// What becomes of a call; if it changes something, it may do so and yet fail.
    fn fate(&mut self, changes: bool) -> Fate {
        if self.is_killed {
            return Fate::Failed;
        }
        if self.faults_left == 0 {
            return Fate::Done;
        }
        match self.schedule.choose(if changes { 4 } else { 3 }) {
            0 => return Fate::Done,
            1 => self.is_killed = true,
            2 => {}
            _ => {
                self.faults_left -= 1;
                return Fate::DoneAndFailed;
            }
        }
        self.faults_left -= 1;
        Fate::Failed
    }

    fn begin(&mut self, path: &Path) -> Inode {
        self.inodes.push(Contents::default());
        self.names.insert(path.to_owned(), self.inodes.len() - 1);
        self.inodes.len() - 1
    }

    /// The archives, from the newest.
    pub(super) fn archives(&self) -> Vec<(u32, Inode)> {
        (1..20).filter_map(|number| Some((number, *self.names.get(&numbered(&path(), number))?))).collect()
    }

    /// A file loses its name for good. That is in order if it is empty, or if as many newer archives are kept as are to be.
    fn lose(&mut self, name: &Path) {
        let Some(inode) = self.names.remove(name) else { return };
        let data = self.inodes[inode].data.clone();
        if data.is_empty() || self.foreign == Some(inode) {
            return;
        }
        // FILE itself, which nothing pushes out, counts as newer than all.
        let number = (1..20).find(|&number| numbered(&path(), number) == name).unwrap_or(0);
        let newer = self
            .archives()
            .into_iter()
            .filter(|&(newer, inode)| newer < number && newer <= self.keep && !self.inodes[inode].data.is_empty());
        if newer.count() < self.keep as usize {
            self.wrong.get_or_insert(format!("{} is lost, and nothing has pushed it out", name.display()));
        }
        self.pushed_out.extend(data);
    }
}

fn error() -> io::Error {
    io::Error::other("made to fail")
}

fn missing() -> io::Error {
    io::ErrorKind::NotFound.into()
}

/// A handle on the world.
#[derive(Debug, Clone, Default)]
pub(super) struct Model(pub(super) Rc<RefCell<World>>);

impl Model {
    fn call<T>(&self, changes: bool, work: impl FnOnce(&mut World) -> io::Result<T>) -> io::Result<T> {
        let mut world = self.0.borrow_mut();
        match world.fate(changes) {
            Fate::Done => work(&mut world),
            Fate::Failed => Err(error()),
            Fate::DoneAndFailed => {
                let _ = work(&mut world);
                Err(error())
            }
        }
    }
}

impl Files for Model {
    type File = Inode;
    type Directory = ();

    fn open(&self, path: &Path) -> io::Result<Opened<Inode>> {
        self.call(true, |world| {
            let file = world.names.get(path).copied().unwrap_or_else(|| world.begin(path));
            if world.foreign == Some(file) {
                // From now on it is the server's.
                world.foreign = None;
            }
            Ok(Opened { file, len: world.inodes[file].data.len() as u64, is_regular: true })
        })
    }

    fn create(&self, path: &Path) -> io::Result<Inode> {
        self.call(true, |world| {
            if world.names.contains_key(path) {
                Err(io::ErrorKind::AlreadyExists.into())
            } else {
                Ok(world.begin(path))
            }
        })
    }

    fn directory(&self, _: &Path) -> io::Result<()> {
        self.call(false, |_| Ok(()))
    }

    fn is_same(&self, path: &Path, file: &Inode) -> io::Result<bool> {
        self.call(false, |world| Ok(world.names.get(path) == Some(file)))
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.call(false, |world| Ok(world.names.contains_key(path)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(true, |world| {
            let inode = *world.names.get(from).ok_or_else(missing)?;
            world.lose(to);
            world.names.remove(from);
            world.names.insert(to.to_owned(), inode);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call(true, |world| {
            if !world.names.contains_key(path) {
                return Err(missing());
            }
            world.lose(path);
            Ok(())
        })
    }

    fn len(&self, file: &Inode) -> io::Result<u64> {
        self.call(false, |world| Ok(world.inodes[*file].data.len() as u64))
    }

    fn read(&self, file: &Inode, at: u64, part: &mut [u8]) -> io::Result<()> {
        self.call(false, |world| {
            part.copy_from_slice(&world.inodes[*file].data[at as usize..][..part.len()]);
            Ok(())
        })
    }

    /// May write one byte, too.
    fn write(&self, file: &Inode, bytes: &[u8]) -> io::Result<usize> {
        let mut world = self.0.borrow_mut();
        let most = match world.fate(false) {
            Fate::Failed => return Err(error()),
            _ if world.faults_left > 0 && bytes.len() > 1 && world.schedule.choose(2) == 1 => 1,
            _ => bytes.len(),
        };
        world.inodes[*file].data.extend_from_slice(&bytes[..most]);
        Ok(most)
    }

    fn set_len(&self, file: &Inode, len: u64) -> io::Result<()> {
        self.call(true, |world| {
            let contents = &mut world.inodes[*file];
            contents.data.truncate(len as usize);
            contents.synced = contents.synced.min(len as usize);
            Ok(())
        })
    }

    fn sync(&self, file: &Inode) -> io::Result<()> {
        self.call(true, |world| {
            let contents = &mut world.inodes[*file];
            contents.synced = contents.data.len();
            Ok(())
        })
    }

    fn sync_directory(&self, (): &()) -> io::Result<()> {
        let synced = self.call(false, |_| Ok(()));
        let mut world = self.0.borrow_mut();
        world.directory_failed = synced.is_err() && !world.is_killed;
        synced
    }
}

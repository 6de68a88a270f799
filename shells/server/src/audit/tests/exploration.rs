//! The real code over the model of a file system: all sequences of lines, of files moved away, of SIGHUPs and of starts,
//! and in each of them every call may fail, also twice, and the process be killed.

use core::cell::RefCell;
use core::time::Duration;
use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

use recording_test_support::schedule::Schedule;

use super::model::{Inode, Model, World, path};
use crate::audit::TrailSettings;
use crate::audit::file::TrailFile;
use crate::audit::guards::{Guard, Guards};

/// Two lines find room in a file.
const MAX_BYTES: u64 = 4;

/// How many calls fail in one step.
const FAULTS: u32 = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Line,
    DurableLine,
    /// SIGHUP.
    Reopen,
    /// Somebody moves FILE away.
    MoveAway,
    /// The same, and puts an empty file there.
    Replace,
    /// The process is killed, unless it was, and starts again.
    Start,
}

const STEPS: [Step; 6] = [Step::Line, Step::DurableLine, Step::Reopen, Step::MoveAway, Step::Replace, Step::Start];

/// The world, the server in it, and what the server has said.
#[derive(Debug)]
struct Case {
    world: Rc<RefCell<World>>,
    server: Option<TrailFile<Model>>,
    /// The next line, a letter and the end of the line.
    next: u8,
    acknowledged: Vec<u8>,
    /// Those after which a line was acknowledged as being on the disk.
    durable: Vec<u8>,
}

impl Case {
    fn new(keep: u32) -> Self {
        let world = World { keep, ..World::default() };
        Self { world: Rc::new(RefCell::new(world)), server: None, next: b'a', acknowledged: vec![], durable: vec![] }
    }

    fn copy(&self) -> Self {
        let world = Rc::new(RefCell::new(self.world.borrow().clone()));
        let server = self.server.as_ref().map(|server| TrailFile {
            files: Model(Rc::clone(&world)),
            path: server.path.clone(),
            ..*server
        });
        let (acknowledged, durable) = (self.acknowledged.clone(), self.durable.clone());
        Self { world, server, next: self.next, acknowledged, durable }
    }

    /// All that the future depends on, with files by their order and not by their numbers.
    fn key(&self) -> String {
        let world = self.world.borrow();
        let show = |inode: Inode| (&world.inodes[inode], world.foreign == Some(inode));
        let names: Vec<_> = world.names.iter().map(|(name, &inode)| (name, show(inode))).collect();
        let away: Vec<_> = world.away.iter().map(|&inode| show(inode)).collect();
        let server = self.server.as_ref().map(|server| {
            let place = world.names.iter().find(|&(_, &inode)| inode == server.file).map(|(name, _)| name);
            let place = (place, world.away.iter().position(|&inode| inode == server.file));
            (place, show(server.file), server.len, server.torn, server.shift, server.failed.is_some())
        });
        format!("{names:?}{away:?}{server:?}{}{:?}{:?}", self.next, self.acknowledged, self.durable)
    }

    fn take(&mut self, step: Step, options: Options) {
        let settings =
            TrailSettings { path: path(), max_bytes: MAX_BYTES, keep: self.world.borrow().keep, reads: true };
        match (step, &mut self.server) {
            (Step::Line | Step::DurableLine, Some(server)) => {
                let line = [self.next, b'\n'];
                let durably = step == Step::DurableLine;
                let written = if durably { server.write_durably(&line) } else { server.write(&line) };
                if written.is_ok() && !self.world.borrow().is_killed {
                    self.acknowledged.push(self.next);
                    if durably {
                        self.durable.clone_from(&self.acknowledged);
                    }
                }
                self.next += 1;
            }
            (Step::Reopen, Some(server)) => drop(server.reopen()),
            (Step::MoveAway | Step::Replace, _) => {
                let mut world = self.world.borrow_mut();
                if let Some(inode) = world.names.remove(&path()) {
                    world.away.push(inode);
                }
                if step == Step::Replace {
                    world.inodes.push(Default::default());
                    let new = world.inodes.len() - 1;
                    world.names.insert(path(), new);
                    world.foreign = Some(new);
                }
            }
            (Step::Start, _) => {
                // A file that was moved away before the server was killed is synced only by its mover.
                let mut world = self.world.borrow_mut();
                for inode in world.away.clone() {
                    world.inodes[inode].synced = world.inodes[inode].data.len();
                }
                drop(world);
                let opened = TrailFile::open(Model(Rc::clone(&self.world)), path(), &settings);
                self.server = opened.ok().map(|server| TrailFile {
                    guards: Guards(options.away),
                    most: options.most,
                    pause: options.pause,
                    ..server
                });
            }
            _ => {}
        }
        if self.world.borrow().is_killed {
            self.server = None;
        }
    }

    /// What must hold whatever happened. `calm` if in this step nothing failed.
    fn check(&self, step: Step, calm: bool, options: Options) -> Result<(), String> {
        let world = self.world.borrow();
        if let Some(wrong) = &world.wrong {
            return Err(wrong.clone());
        }
        // The files from the oldest: archives, then FILE. Those moved away are parts of it by themselves.
        let mut kept: Vec<Inode> = world.archives().into_iter().rev().map(|(_, inode)| inode).collect();
        kept.extend(world.names.get(&path()));
        let mut places: BTreeMap<u8, u32> = BTreeMap::new();
        for chain in world.away.iter().map(core::slice::from_ref).chain([&kept[..]]) {
            let mut last = 0;
            for &inode in chain {
                let contents = &world.inodes[inode];
                let writes = self.server.as_ref().is_none_or(|server| server.file == inode && server.torn.is_some());
                // A half line may be at the end of the file that is written until something else is, or of one that was
                // taken away from under it.
                let may_be_torn = writes || world.away.contains(&inode);
                for (at, line) in contents.data.split_inclusive(|&byte| byte == b'\n').enumerate() {
                    let is_last = (at + 1) * 2 >= contents.data.len();
                    match *line {
                        [letter, b'\n'] if letter > last => {
                            last = letter;
                            *places.entry(letter).or_default() += 1;
                            if self.durable.contains(&letter) && contents.synced < (at + 1) * 2 {
                                return Err(format!("{} is not on the disk", letter as char));
                            }
                        }
                        [_] if is_last && may_be_torn => {}
                        _ => return Err(format!("{line:?} is out of order or torn in {:?}", contents.data)),
                    }
                }
            }
        }
        if let Some((letter, _)) = places.iter().find(|&(_, &count)| count > 1) {
            return Err(format!("{} is there twice", *letter as char));
        }
        let is_there = |letter: &u8| places.contains_key(letter) || world.pushed_out.contains(letter);
        if let Some(letter) = self.acknowledged.iter().find(|letter| !is_there(letter)) {
            return Err(format!("{} is lost", *letter as char));
        }
        let Some(server) = &self.server else { return Ok(()) };
        let wrote = matches!(step, Step::Line | Step::DurableLine);
        let calm = calm || (options.faults == 1 && world.directory_failed);
        if calm && (step == Step::Reopen || (wrote && options.is_due && options.is_prompt())) {
            if world.names.get(&path()) != Some(&server.file) {
                return Err("what is written is not FILE".into());
            }
            if wrote && server.len > MAX_BYTES {
                return Err("it grows on though nothing fails".into());
            }
        }
        // After a single failure there is still a file of that name.
        if wrote && options.faults == 1 && options.had_name && !world.names.contains_key(&path()) {
            return Err("nothing has the name".into());
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy)]
struct Options {
    away: Option<Guard>,
    faults: u32,
    most: u32,
    pause: Duration,
    /// Before this step.
    had_name: bool,
    is_due: bool,
}

impl Options {
    /// Each rotation is done before the next line, and tried again at once.
    fn is_prompt(self) -> bool {
        self.pause.is_zero() && self.most > 20
    }
}

#[derive(Debug, Default)]
struct Explored {
    states: usize,
    steps: usize,
    pushed_out: usize,
}

/// Takes every sequence of `depth` steps, with all that can fail in each; states that were reached before are not
/// followed twice.
fn explore(keep: u32, depth: u32, options: Options) -> Result<Explored, String> {
    let mut explored = Explored::default();
    let mut known = HashSet::new();
    let mut start = Case::new(keep);
    start.take(Step::Start, options);
    // As many archives as are kept, and FILE is full: each rotation pushes one out.
    for _ in 0..2 * (keep + 1) {
        start.take(Step::Line, Options { most: 100, ..options });
    }
    let mut now = vec![(start, Vec::new())];
    for _ in 0..depth {
        let mut next = Vec::new();
        for (case, path_here) in &now {
            for step in STEPS {
                let had_name = case.world.borrow().names.contains_key(&path());
                let is_due = case.server.as_ref().is_some_and(|server| server.len + 2 > MAX_BYTES);
                let options = Options { had_name, is_due, ..options };
                let mut schedule = Schedule::default();
                loop {
                    let mut after = case.copy();
                    {
                        let mut world = after.world.borrow_mut();
                        (world.schedule, world.faults_left) = (schedule, options.faults);
                        (world.is_killed, world.directory_failed) = (false, false);
                    }
                    after.take(step, options);
                    explored.steps += 1;
                    let calm = {
                        let mut world = after.world.borrow_mut();
                        schedule = core::mem::take(&mut world.schedule);
                        world.faults_left == options.faults
                    };
                    let mut here: Vec<(Step, Vec<usize>)> = path_here.clone();
                    here.push((step, schedule.chosen().collect()));
                    after.check(step, calm, options).map_err(|wrong| format!("{wrong}: {here:?}"))?;
                    if known.insert(after.key()) {
                        explored.states += 1;
                        explored.pushed_out += usize::from(!after.world.borrow().pushed_out.is_empty());
                        next.push((after, here));
                    }
                    if !schedule.advance() {
                        break;
                    }
                }
            }
        }
        now = next;
    }
    Ok(explored)
}

const PLAIN: Options =
    Options { away: None, faults: FAULTS, most: 100, pause: Duration::ZERO, had_name: true, is_due: false };

#[test]
fn whatever_fails_no_line_is_lost_or_there_twice() {
    let (mut states, mut steps) = (0, 0);
    for (keep, depth, options) in [
        (1, 2, PLAIN),
        (1, 4, Options { faults: 1, ..PLAIN }),
        (2, 4, Options { faults: 1, ..PLAIN }),
        // Rotations that take several lines, and such as are not tried again.
        (2, 4, Options { faults: 1, most: 1, ..PLAIN }),
        (1, 4, Options { faults: 1, pause: Duration::MAX, ..PLAIN }),
    ] {
        let explored = explore(keep, depth, options).unwrap_or_else(|wrong| panic!("keep {keep}: {wrong}"));
        println!("keep {keep}, {depth} steps, {options:?}: {explored:?}");
        states += explored.states;
        steps += explored.steps;
    }
    println!("rotation: {states} states after {steps} steps, nothing lost, twice, torn or out of order");
    assert!(states > 10_000, "{states}");
}

/// Each of the things that keep lines safe is needed: without it the exploration finds what goes wrong.
#[test]
fn every_guard_that_is_taken_away_is_missed() {
    let all = [
        Guard::Mend,
        Guard::SyncFirst,
        Guard::SameFile,
        Guard::FreeNumber,
        Guard::OldestLast,
        Guard::TakeNew,
        Guard::NameBack,
    ];
    for guard in all {
        // A half line stays only if taking it back fails as well.
        let faults = if guard == Guard::Mend { 2 } else { 1 };
        let options = Options { away: Some(guard), faults, ..PLAIN };
        let missed = [1, 2].into_iter().find_map(|keep| explore(keep, 3, options).err());
        println!("without {guard:?}: {missed:?}");
        assert!(missed.is_some(), "without {guard:?} nothing goes wrong");
    }
}

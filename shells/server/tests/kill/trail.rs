//! The audit trail, read as an auditor reads it.

use std::collections::BTreeMap;
use std::fs;

use recording_core::State;
use serde_json::Value;

use super::Sessions;
use super::server::Place;

/// What the trail tells of the sessions, line after line.
#[derive(Default)]
pub(crate) struct Told {
    /// How many bytes of all files together were read.
    read: usize,
    sessions: Sessions,
    /// What each change of the last run was made to, and from: needed if it is withdrawn.
    undo: BTreeMap<u64, (usize, Option<State>)>,
    last: u64,
    lines: usize,
    withdrawals: usize,
    orderly_ends: usize,
}

impl Told {
    pub(crate) const fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    pub(crate) const fn lines(&self) -> usize {
        self.lines
    }

    pub(crate) const fn orderly_ends(&self) -> usize {
        self.orderly_ends
    }

    pub(crate) const fn withdrawals(&self) -> usize {
        self.withdrawals
    }

    /// Reads what has come since.
    pub(crate) fn read_on(&mut self, place: &Place) {
        let files = (1..).map(|number| place.path(&format!("trail.{number}")));
        let mut files: Vec<_> = files.map_while(|file| fs::read(file).ok()).collect();
        assert!(files.iter().all(|file| file.len() <= 200_000), "a file is too large");
        files.reverse();
        files.push(fs::read(place.path("trail")).unwrap());
        let all = files.concat();
        let new = str::from_utf8(&all[self.read..]).unwrap();
        assert!(new.ends_with('\n'), "a line is torn: {new:?}");
        for line in new.lines() {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
            self.line(&line);
        }
        self.read = all.len();
        // What an earlier server left open was settled by the one that runs now.
        self.undo.clear();
    }

    fn line(&mut self, line: &Value) {
        self.lines += 1;
        let text = |key: &str| line[key].as_str();
        let number = || usize::from_str_radix(text("CorrelationId").unwrap().rsplit('-').next().unwrap(), 16).unwrap();
        let state = |key| {
            text(key)
                .map(|text| State::ALL.into_iter().find(|state| state.to_string() == text).expect("a state's name"))
        };
        match text("Outcome").unwrap() {
            "withdrawn" => {
                let (number, before) = self.undo.remove(&line["Revision"].as_u64().unwrap()).expect("it has a line");
                self.put(number, before);
                self.withdrawals += 1;
            }
            "changed" | "opened" | "ended" if text("Call") != Some("server") => {
                let (revision, number) = (line["Revision"].as_u64().unwrap(), number());
                assert!(revision > self.last, "{line}: revision {} came before", self.last);
                self.last = revision;
                let before = self.sessions.get(&number).copied();
                assert_eq!(before, state("Before"), "{line}");
                self.undo.insert(revision, (number, before));
                self.put(number, state("After"));
            }
            "started" | "running" => {}
            "ended" => {
                assert_eq!(line["Revision"].as_u64(), Some(self.last), "{line}");
                self.orderly_ends += 1;
            }
            other => panic!("unexpected: {other}: {line}"),
        }
    }

    fn put(&mut self, number: usize, state: Option<State>) {
        match state {
            Some(state) => self.sessions.insert(number, state),
            None => self.sessions.remove(&number),
        };
    }
}

//! The audit trails of servers that share etcd, held against etcd's history: each change is in one of them, once, after its intent,
//! and of nothing else it is said that it was made.
//!
//! The trails are merged by the commands that the page about them has.

use crate::chain::{Chains, Change};
use crate::trail;
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the commands are.
const PAGE: &str = include_str!("../../../../docs/audit.md");
/// What they are given there.
const FILES: &str = "trail-a* trail-b* trail-c*";

/// Where a server's trail is.
pub(crate) fn path(folder: &Path, server: usize) -> PathBuf {
    folder.join(format!("trail-{server}"))
}

/// Trails as they were read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trails {
    /// The lines of each server, with those of its archives, in their order.
    servers: Vec<Vec<Value>>,
    /// What the page's first command makes of all of them: the changes that were made.
    merged: Vec<Value>,
    /// What its second one makes of them: what is open, or stayed unknown.
    open: Vec<Value>,
}

impl Trails {
    /// Reads the trails of so many servers.
    pub(crate) fn read(folder: &Path, count: usize) -> Result<Self> {
        let servers = (0..count).map(|server| lines_of(&path(folder, server))).collect::<Result<_>>()?;
        let [merged, open] = commands()?;
        Ok(Self { servers, merged: asked(&merged, folder)?, open: asked(&open, folder)? })
    }

    /// How many intents there are, and how many outcomes that were found out later than by an answer.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let ops = self.servers.iter().flatten().filter(|line| line["Op"].is_string());
        let (intents, outcomes): (Vec<_>, Vec<_>) = ops.partition(|line| line["Outcome"] == "intent");
        let intents: BTreeSet<_> = intents.iter().map(|line| line["Op"].as_str()).collect();
        (intents.len(), outcomes.iter().filter(|line| line["Settled"].is_string()).count())
    }

    /// Takes out the line of one change, as if it had never been written.
    pub(crate) fn lose_one(&mut self) {
        let Some(lost) = self.merged.pop() else { return };
        self.servers.iter_mut().for_each(|lines| lines.retain(|line| *line != lost));
    }

    /// Holds them against the history. Gives it with the clients that the trails name.
    pub(crate) fn check(&self, history: &Chains) -> Result<Chains> {
        let mut made = BTreeSet::new();
        for (server, lines) in self.servers.iter().enumerate() {
            made.append(&mut check_server(lines).with_context(|| format!("the trail of server {server}"))?);
        }
        ensure!(
            made.len() == self.merged.len(),
            "{} changes are in the trails, {} merged",
            made.len(),
            self.merged.len()
        );
        if let Some(open) = self.open.first() {
            bail!("{} changes are open or unknown, among them {open}", self.open.len());
        }
        let mut chains = Chains::new();
        let mut last = 0;
        for line in &self.merged {
            let revision = line["Revision"].as_u64().context("a revision")?;
            ensure!(revision >= last, "merged, revision {revision} comes after {last}");
            last = revision;
            trail::read(line, &mut chains).with_context(|| format!("a line of the trail: {line}"))?;
        }
        let sessions: BTreeSet<_> = chains.keys().chain(history.keys()).collect();
        for session in sessions {
            let changes = |chains: &Chains| chains.get(session).cloned().unwrap_or_default();
            let without = |change: Change| Change { by: None, ..change };
            let (ours, theirs) = (changes(&chains), changes(history));
            let ours: Vec<_> = ours.into_iter().map(without).collect();
            if ours != theirs {
                let not_in =
                    |some: &[Change], others: &[Change]| some.iter().find(|one| !others.contains(one)).cloned();
                let (more, less) = (not_in(&ours, &theirs), not_in(&theirs, &ours));
                bail!("session {session}: only the trails have {more:?}, only the history has {less:?}");
            }
        }
        Ok(chains)
    }
}

/// That each outcome follows an intent and is the only one, but for one after an unknown. Gives the changes that were made.
fn check_server(lines: &[Value]) -> Result<BTreeSet<String>> {
    let mut state: BTreeMap<&str, &str> = BTreeMap::new();
    let mut made = BTreeSet::new();
    for line in lines {
        let Some(op) = line["Op"].as_str() else { continue };
        let outcome = line["Outcome"].as_str().context("an outcome")?;
        let is_next = match (state.get(op).copied(), outcome) {
            // Written once more where another file begins.
            (None | Some("intent" | "unknown"), "intent") => true,
            (Some("intent"), _) => true,
            (Some("unknown"), _) => line["Settled"].is_string(),
            _ => false,
        };
        ensure!(is_next, "after {:?} comes {line}", state.get(op));
        if !(outcome == "intent" && state.contains_key(op)) {
            state.insert(op, outcome);
        }
        if line["Revision"].is_u64() {
            made.insert(op.to_owned());
        }
    }
    Ok(made)
}

/// The lines of a trail and its archives, the oldest first.
fn lines_of(path: &Path) -> Result<Vec<Value>> {
    let archive =
        |number: u32| path.with_file_name(format!("{}.{number}", path.file_name().unwrap_or_default().display()));
    let mut files: Vec<_> = (1..).map(archive).take_while(|file| file.exists()).collect();
    files.reverse();
    files.push(path.to_owned());
    let mut lines = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        for line in text.lines() {
            lines.push(serde_json::from_str(line).with_context(|| format!("a line of the trail: {line}"))?);
        }
    }
    Ok(lines)
}

/// The two commands of the page.
fn commands() -> Result<[String; 2]> {
    let commands: Vec<_> = PAGE.lines().filter(|line| line.starts_with("jq -c -n ")).collect();
    let commands: [&str; 2] = commands.try_into().ok().context("the page has two commands")?;
    ensure!(commands.iter().all(|command| command.ends_with(FILES)), "they are for {FILES}");
    Ok(commands.map(|command| command.replace(FILES, "trail-*")))
}

fn asked(command: &str, folder: &Path) -> Result<Vec<Value>> {
    let output = Command::new("sh").args(["-c", command]).current_dir(folder).output()?;
    ensure!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)?.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Cause;
    use crate::client;

    const STARTED: &str = "Started/None/None";

    fn intent(op: &str) -> Value {
        serde_json::json!({"Call": "begin", "Outcome": "intent", "Op": op, "KnownRevision": 1})
    }

    fn begun(op: &str, session: usize, revision: u64) -> Value {
        serde_json::json!({
            "Call": "begin", "CorrelationId": client::id(session), "After": STARTED, "Outcome": "opened", "Op": op,
            "Revision": revision,
        })
    }

    fn fate(op: &str, outcome: &str) -> Value {
        serde_json::json!({"Call": "store", "Outcome": outcome, "Op": op})
    }

    fn settled(mut line: Value) -> Value {
        line["Settled"] = "then".into();
        line
    }

    /// Two servers: one has begun session 1, met a conflict and was killed; the other has begun session 2, unanswered at first.
    fn sound() -> (Vec<Vec<Value>>, Chains) {
        let first = vec![
            intent("a-1"),
            begun("a-1", 1, 5),
            intent("a-2"),
            fate("a-2", "conflict"),
            intent("a-3"),
            intent("a-3"),
            settled(fate("a-3", "not stored")),
        ];
        let second = vec![intent("b-1"), fate("b-1", "unknown"), settled(begun("b-1", 2, 4))];
        let change =
            |revision| Change { revision, cause: Cause::Begin, before: None, after: Some((1, 0, 0)), by: None };
        (vec![first, second], Chains::from([(1, vec![change(5)]), (2, vec![change(4)])]))
    }

    /// What is found of files with these lines. It needs `jq`, which `cargo xtask cluster history` installs.
    fn found(plant: impl FnOnce(&mut Vec<Vec<Value>>, &mut Chains)) -> Result<String> {
        let (mut servers, mut history) = sound();
        plant(&mut servers, &mut history);
        let folder = tempfile::tempdir()?;
        for (server, lines) in servers.iter().enumerate() {
            let text = |lines: &[Value]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
            // The first lines are in an archive.
            let (old, new) = lines.split_at(lines.len() / 2);
            std::fs::write(path(folder.path(), server), text(new))?;
            std::fs::write(folder.path().join(format!("trail-{server}.1")), text(old))?;
        }
        let trails = Trails::read(folder.path(), servers.len())?;
        Ok(trails.check(&history).err().map_or_else(String::new, |error| format!("{error:#}")))
    }

    #[test]
    fn each_planted_fault_is_found() -> Result<()> {
        assert_eq!(found(|_, _| ())?, "");
        type Plant = fn(&mut Vec<Vec<Value>>, &mut Chains);
        let plants: [(&str, Plant); 9] = [
            ("are open or unknown", |servers, _| drop(servers[0].pop())),
            ("are open or unknown", |servers, _| drop(servers[1].pop())),
            ("are open or unknown", |servers, _| servers[1][2] = settled(fate("b-1", "unknown"))),
            ("only the history has Some", |servers, _| servers[0][1] = fate("a-1", "not stored")),
            ("only the trails have Some", |_, history| drop(history.remove(&1))),
            ("only the trails have Some", |servers, _| servers[0][3] = begun("a-2", 3, 6)),
            ("session 1: only", |servers, _| servers[0][1] = begun("a-1", 1, 7)),
            ("after None comes", |servers, _| drop(servers[1].remove(0))),
            ("after Some(\"opened\") comes", |servers, _| servers[0].push(begun("a-1", 1, 5))),
        ];
        for (says, plant) in plants {
            let said = found(plant)?;
            assert!(said.contains(says), "{says}: {said}");
        }
        Ok(())
    }

    #[test]
    fn a_line_that_is_lost_is_found() -> Result<()> {
        let (servers, history) = sound();
        let merged = vec![servers[1][2].clone(), servers[0][1].clone()];
        let mut trails = Trails { servers, merged, open: Vec::new() };
        assert_eq!(trails.check(&history)?, history);
        assert_eq!(trails.counts(), (4, 2));
        trails.lose_one();
        assert!(trails.check(&history).is_err());
        Ok(())
    }
}

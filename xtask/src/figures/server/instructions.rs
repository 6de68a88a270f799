//! Instructions a request, by callgrind: the difference of two numbers of requests, divided.

use super::programs::{Connection, Goal, ID, Running, UCC, audit, place, release, request, server, set_body};
use crate::{
    sh::say,
    text::{decimal, found, row},
    tools,
};
use anyhow::{Context as _, Result, bail};
use std::{fs, path::Path};

/// What is requested, of which program, by which requests.
type Measured<'a> = (&'static str, &'a [String], Vec<Vec<u8>>);

const FEW: u32 = 1000;
const MANY: u32 = 3000;

/// Instructions by what is requested, in the order of the table.
pub(super) struct Counts(Vec<(&'static str, f64)>);

const BARE_GET: &str = "bare GET";
const BARE_POST: &str = "bare POST";

pub(super) fn measure() -> Result<Counts> {
    tools::need_valgrind()?;
    let place = place()?;
    let with_trail: Vec<_> = server().into_iter().chain(audit(place.path())).collect();
    let bare = vec![release("bare").display().to_string()];
    let state = vec![request("GET", &format!("/attendantservice/api/recording/{UCC}/{ID}"), "")];
    // Pause and Start in turns, so that every one is a change.
    let sets: Vec<_> =
        [3, 1].map(|action| request("POST", "/attendantservice/api/recording/set", &set_body(action))).into();
    let measured: [Measured<'_>; 6] = [
        (BARE_GET, &bare, vec![request("GET", "/hello", "")]),
        ("read of a state", &server(), state.clone()),
        ("read of a state, with its line in the trail", &with_trail, state),
        (BARE_POST, &bare, vec![request("POST", "/set", &set_body(3))]),
        ("set in memory", &server(), sets.clone()),
        ("set in memory, with its line in the trail", &with_trail, sets),
    ];
    let mut counts = Vec::new();
    for (what, command, requests) in measured {
        say(&format!("counting instructions: {what}"));
        let (few, many) =
            (count(place.path(), command, &requests, FEW)?, count(place.path(), command, &requests, MANY)?);
        counts.push((what, f64::from(u32::try_from(many - few)?) / f64::from(MANY - FEW)));
    }
    Ok(Counts(counts))
}

/// Instructions of a whole run with so many requests.
fn count(place: &Path, command: &[String], requests: &[Vec<u8>], number: u32) -> Result<u64> {
    let log = place.join("valgrind.log");
    let out = format!("--callgrind-out-file={}", place.join("callgrind.out").display());
    let valgrind = ["valgrind".to_owned(), "--tool=callgrind".to_owned(), out, format!("--log-file={}", log.display())];
    let command: Vec<_> = valgrind.iter().chain(command).cloned().collect();
    // One thread does all the work: what is counted does not depend on which of them was free.
    let mut program = Running::start(&command, &[("TOKIO_WORKER_THREADS", "1")])?;
    let mut connection = Connection::open(program.api)?;
    for request in requests.iter().cycle().take(number as usize) {
        let reply = connection.exchange(request)?;
        if !reply.starts_with(b"HTTP/1.1 200 ") {
            bail!("{} answered {}", command[4], String::from_utf8_lossy(&reply));
        }
    }
    drop(connection);
    program.end()?;
    // A program without an end of its own is ended by the signal; valgrind reports all the same.
    let said = fs::read_to_string(log)?;
    Ok(found(r"Collected : (\d+)", &said)
        .with_context(|| format!("valgrind counted nothing of {}:\n{said}", command[4]))?
        .parse()?)
}

impl Counts {
    fn of(&self, what: &str) -> Result<f64> {
        let found = self.0.iter().find(|(name, _)| *name == what);
        Ok(found.with_context(|| format!("{what} was not counted"))?.1)
    }

    pub(super) fn table(&self) -> Result<Vec<String>> {
        let mut lines = vec!["| request | instructions | of the bare one |".to_owned(), "|---|--:|--:|".to_owned()];
        for (what, instructions) in &self.0 {
            let bare = self.of(if what.contains("GET") || what.contains("read") { BARE_GET } else { BARE_POST })?;
            lines.push(row(&[what, &decimal(*instructions, 0), &format!("{:.2}", instructions / bare)]));
        }
        Ok(lines)
    }

    pub(super) fn goals(&self) -> Result<Vec<Goal>> {
        let goal = |(what, bare, most): (&str, &str, f64)| {
            let ratio = self.of(what)? / self.of(bare)?;
            Ok(Goal {
                what: format!("instructions of a {what}"),
                wanted: format!("at most {most:.2} times the {bare}"),
                found: format!("{ratio:.2}"),
                reached: ratio <= most,
            })
        };
        [
            ("read of a state", BARE_GET, 1.2),
            ("set in memory", BARE_POST, 1.05),
            ("set in memory, with its line in the trail", BARE_POST, 1.8),
        ]
        .into_iter()
        .map(goal)
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_held_against_bare_ones() -> Result<()> {
        let trail = "set in memory, with its line in the trail";
        let counts = Counts(vec![
            (BARE_GET, 15_787.0),
            ("read of a state", 16_640.0),
            (BARE_POST, 31_324.0),
            ("set in memory", 27_206.0),
            (trail, 58_000.0),
        ]);
        assert_eq!(counts.table()?[3..5], ["| read of a state | 16,640 | 1.05 |", "| bare POST | 31,324 | 1.00 |"]);
        let goals: Vec<_> = counts.goals()?.iter().map(Goal::line).collect();
        assert_eq!(goals[1], "| instructions of a set in memory | at most 1.05 times the bare POST | 0.87 | reached |");
        assert!(goals[2].ends_with("| 1.85 | **not reached** |"));
        assert!(Counts(Vec::new()).goals().is_err());
        Ok(())
    }
}

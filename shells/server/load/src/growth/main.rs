//! What each of many costs, at the usual number of them, at ten and at a hundred times as many.
//!
//! ```text
//! growth            prints the table
//! growth --write    writes docs/growth.md as well
//! growth --gate     only up to ten times as many; fails if what one costs grows with their number
//! growth WORD ...   only the lines that have one of these words
//! ```
//!
//! What counts is the time for which the process worked, not what passed meanwhile: on a machine that others use that means
//! little. What is compared was measured in one run, by one process, and the shortest of several runs counts.

mod access;
mod config;
mod connections;
mod hub;
mod measure;
mod page;
mod store;
mod webhooks;

use measure::{Grown, Outcome, Thing};
use std::process::ExitCode;

/// All that there can be many of.
fn things() -> Vec<Thing> {
    [config::THINGS, access::THINGS, store::THINGS, hub::THINGS, connections::THINGS, webhooks::THINGS].concat()
}

fn run() -> Outcome<bool> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |option: &str| arguments.iter().any(|argument| argument == option);
    let words: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with("--")).collect();
    let steps = if has("--gate") { 2 } else { 3 };
    let mut table = Vec::new();
    println!("{}", page::HEAD);
    for thing in things() {
        if words.is_empty() || words.iter().any(|word| thing.one.contains(*word)) {
            let grown = Grown::of(thing, steps)?;
            println!("{}", page::line(&grown));
            table.push(grown);
        }
    }
    if has("--write") {
        page::write(&table)?;
    }
    Ok(table.iter().all(Grown::is_bounded))
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("growth: what one costs grows with their number, see above");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("growth: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check can fail: one of many that looks at all the others is found. One that looks at none is not.
    fn the_check_can_fail() -> Outcome<()> {
        let all = |number: usize| {
            let names: Vec<String> = (0..number).map(|name| format!("name-{name:08}")).collect();
            Ok(measure::shortest(|| {
                let twice = names.iter().filter(|name| names.iter().filter(|other| other == name).count() > 1);
                assert_eq!(twice.count(), 0);
            }))
        };
        let grown = Grown::of(Thing { one: "a name among names", usual: 100, each: true, time: all }, 2)?;
        assert!(!grown.is_bounded(), "{}", page::line(&grown));
        let one = |number: usize| {
            let began = measure::Cpu::now();
            while began.elapsed() < core::time::Duration::from_micros(2 * number as u64) {}
            Ok(began.elapsed())
        };
        let grown = Grown::of(Thing { one: "a wait", usual: 100, each: true, time: one }, 3)?;
        assert!(grown.is_bounded(), "{}", page::line(&grown));
        Ok(())
    }

    /// One test: two at once would count each other's work.
    #[test]
    fn nothing_costs_more_where_there_is_more_of_it() -> Outcome<()> {
        the_check_can_fail()?;
        let mut over = Vec::new();
        for thing in things() {
            let grown = Grown::of(thing, 2)?;
            println!("{}", page::line(&grown));
            if !grown.is_bounded() {
                over.push(thing.one);
            }
        }
        assert!(over.is_empty(), "{over:?}");
        Ok(())
    }
}

//! The real service, its real tasks and a store in a storm: the store fails, does not know, delays; the server is killed at any
//! of its calls; the recorder loses, delays, repeats, refuses, forgets, starts again and records by itself; clients pause and
//! start all the while, and sessions end and begin again.
//!
//! At each change of what is stored and of what the recorder does the invariant is looked at. Afterwards the weather is fair,
//! and everything must come to its end. `RECORDER_STORM=20000` makes so many runs.
//!
//! Faults planted in the store, the adapter and the recorder must be found. One of the task's own was planted by hand: without
//! the second try of a reply that could not be stored (`Pump::give`) orders are never settled, found within 10 runs. A session
//! that is not read again after the store did not know comes to the same as a store that says it has not stored, and is found
//! about as seldom, once in a hundred runs: mostly the next compare-and-set notices. That two steps of a session never run
//! at once cannot be planted: a step needs `&mut Inner`, which only the lock gives.

use core::time::Duration;

use recording_core::recorder::Channel;

use super::weather::{Planted, Report, Weather, run};

/// How many runs each test makes.
fn runs(usual: u64) -> core::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|runs| runs.parse().ok());
    let first = number("RECORDER_SEED").unwrap_or(0);
    first..first + number("RECORDER_STORM").unwrap_or(usual)
}

/// A run of each seed, on a runtime with a clock of its own.
fn all(channel: Channel, planted: Planted, seeds: core::ops::Range<u64>) -> Report {
    let mut report = Report::default();
    let began = std::time::Instant::now();
    for seed in seeds {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let one = runtime.expect("a runtime").block_on(run(Weather { seed, channel, planted }));
        report.add(one);
        if planted != Planted::Nothing && !report.violations.is_empty() {
            break;
        }
        // A machine that is busy with something else still comes to an end.
        if began.elapsed() > Duration::from_secs(if planted == Planted::Nothing { 3600 } else { 90 }) {
            break;
        }
    }
    report
}

#[test]
fn nothing_breaks_in_a_storm() {
    for channel in [Channel::Ordered, Channel::Drained] {
        let report = all(channel, Planted::Nothing, runs(120));
        println!("recorder storm, {channel:?}: {report}");
        assert!(
            report.violations.is_empty(),
            "{channel:?}: {:#?}",
            &report.violations[..report.violations.len().min(5)]
        );
        assert!(report.runs < 100 || report.confirmed > 100 && report.killed > 50 && report.unknown > 50, "{report}");
        assert!(report.runs < 100 || report.held_back > 50 && report.released > 20, "{report}");
    }
}

#[test]
fn each_plant_is_found() {
    for (planted, channel) in [
        (Planted::StoresLater, Channel::Ordered),
        (Planted::StoresLater, Channel::Drained),
        (Planted::SaysNotStored, Channel::Ordered),
        (Planted::DrainsNothing, Channel::Drained),
        (Planted::HidesRestarts, Channel::Drained),
        (Planted::NoFence, Channel::Ordered),
        (Planted::ClaimsSilence, Channel::Ordered),
        (Planted::KeepsNoHolds, Channel::Drained),
    ] {
        let report = all(channel, planted, runs(3000));
        let first = report.violations.first();
        println!("recorder storm, planted {planted:?} ({channel:?}): found in run {}: {first:?}", report.runs);
        assert!(first.is_some(), "{planted:?} in {channel:?} was not found: {report}");
    }
}

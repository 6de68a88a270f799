//! What a confirmed pause costs, and that a set without a recorder does not pay for it. Everything is measured in turns, within
//! one run: another machine, or another hour, has other times.

use anyhow::{Context as _, Result, bail};
use core::time::Duration;
use recording_lab::{
    Rtpengine, Settings,
    calls::new_id,
    clock,
    drive::{AGENTS, Action, Answer, ByServer, Driver as _, UCC, UCC_WITHOUT},
    ng::{Ng, cookie},
    server::{Recorder, Server},
};
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    process::Command,
    thread,
};

/// Pauses that are measured, and pairs of sets without a recorder between two of them.
const PAUSES: usize = 100;
const SETS: usize = 10;
/// What a pause is compared with comes after such a time as well: a disk and a processor that rested are slower.
const LONELY: Duration = Duration::from_millis(100);
/// The goal for a confirmed pause above what it is made of, at the median.
const MOST: f64 = 1.0;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The server's program, built with --release
    #[arg(long)]
    server: PathBuf,
    /// The program that measures the store alone
    #[arg(long)]
    store_alone: PathBuf,
    /// An older server, which its sets without a recorder are compared with
    #[arg(long)]
    baseline: Option<PathBuf>,
    /// The recorder's program
    #[arg(long, default_value = "rtpengine")]
    rtpengine: String,
}

/// Times in milliseconds.
#[derive(Default)]
struct Times(Vec<f64>);

impl Times {
    /// How long something takes that must succeed.
    fn take(&mut self, what: impl FnOnce() -> Result<()>) -> Result<()> {
        let began = clock::now();
        what()?;
        self.0.push(clock::milliseconds(clock::now() - began));
        Ok(())
    }

    fn at(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        sorted.get(((last as f64) * share).round() as usize).copied().unwrap_or(f64::NAN)
    }

    fn row(&self, what: &str) -> String {
        format!("| {what} | {:.3} | {:.3} |", self.at(0.5), self.at(0.99))
    }
}

fn set(driver: &ByServer, ucc: &str, call: &str, action: Action) -> Result<()> {
    match driver.set_in(ucc, call, AGENTS[0], action) {
        Answer::Done => Ok(()),
        answer => bail!("{action:?} is answered {answer:?}"),
    }
}

/// The median of a commit by the store without a server around it, one after the other.
fn commit(store_alone: &Path) -> Result<f64> {
    let place = tempfile::tempdir()?;
    let mut command = Command::new(store_alone);
    command.arg("median").arg(place.path().join("sessions")).args(["100", &LONELY.as_millis().to_string()]);
    let said = command.output().with_context(|| store_alone.display().to_string())?;
    String::from_utf8_lossy(&said.stdout).trim().parse().context("a number of milliseconds")
}

/// A session without a recorder, at a server.
struct Without {
    server: Server,
    driver: ByServer,
    call: String,
    times: Times,
}

impl Without {
    fn begin(server: Server) -> Result<Self> {
        let (driver, call) = (ByServer::new(server.addresses()), new_id());
        driver.begin_with(UCC_WITHOUT, &call, None)?;
        set(&driver, UCC_WITHOUT, &call, Action::Start)?;
        Ok(Self { server, driver, call, times: Times::default() })
    }

    fn turns(&mut self) -> Result<()> {
        for _ in 0..SETS {
            for action in [Action::Pause, Action::Start] {
                self.times.take(|| set(&self.driver, UCC_WITHOUT, &self.call, action))?;
            }
        }
        Ok(())
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let daemon = Rtpengine::start(Settings { program: options.rtpengine.clone(), ..Settings::default() })?;
    let recorder = Recorder { address: daemon.ng(), pause: "segments", recording_dir: daemon.recording_dir() };
    let before = commit(&options.store_alone)?;
    let mut with = Without::begin(Server::bare(&options.server, Some(&recorder))?)?;
    let mut plain = Without::begin(Server::bare(&options.server, None)?)?;
    let mut baseline = options.baseline.as_deref().map(|path| Without::begin(Server::bare(path, None)?)).transpose()?;
    let call = new_id();
    let ng = Ng::new(daemon.ng())?;
    let alone = new_id();
    ng.call(&call, 4000, 4002, &json!({}))?;
    ng.call(&alone, 4004, 4006, &json!({}))?;
    with.driver.begin(&call)?;
    usable(&with.driver, &call)?;
    let (mut round_trips, mut pauses, mut starts) = (Times::default(), Times::default(), Times::default());
    for turn in 0..PAUSES {
        for command in ["start recording", "stop recording"] {
            let message = json!({"command": command, "call-id": alone});
            let cookie = cookie();
            let ask = || ng.ask_with(&cookie, &message).map(drop).context("rtpengine does not answer");
            thread::sleep(LONELY);
            if command == "stop recording" { round_trips.take(ask)? } else { ask()? }
        }
        if turn > 0 {
            starts.take(|| set(&with.driver, UCC, &call, Action::Start))?;
        }
        thread::sleep(LONELY);
        pauses.take(|| set(&with.driver, UCC, &call, Action::Pause))?;
        // In another order each time: what comes after the wait for a guard is slower.
        let mut servers: Vec<_> =
            [Some(&mut with), Some(&mut plain), baseline.as_mut()].into_iter().flatten().collect();
        let count = servers.len();
        servers.rotate_left(turn % count);
        servers.into_iter().try_for_each(Without::turns)?;
    }
    let commit = before.min(commit(&options.store_alone)?);
    for server in [Some(&mut with), Some(&mut plain), baseline.as_mut()].into_iter().flatten() {
        server.server.end()?;
    }
    let above = pauses.at(0.5) - round_trips.at(0.5) - 2.0 * commit;
    println!("| what, one after the other | p50 (ms) | p99 (ms) |\n|---|--:|--:|");
    println!("{}", round_trips.row("`stop recording` to rtpengine, round trip alone, after 100 ms"));
    println!("| a commit, store alone, after 100 ms | {commit:.3} | |");
    println!("{}", pauses.row("a Pause by `set`, confirmed by rtpengine, after 100 ms"));
    println!("{}", starts.row("a Start by `set`, with the guard's 100 ms"));
    println!("{}", with.times.row("a `set` without a recorder, in a server that has one"));
    println!("{}", plain.times.row("a `set` in a server without recorders"));
    if let Some(baseline) = &baseline {
        println!("{}", baseline.times.row("a `set` in an older server"));
    }
    let verdict = |is_reached| if is_reached { "reached" } else { "**not reached**" };
    println!("\n| goal | wanted | found | |\n|---|---|--:|---|");
    println!(
        "| a confirmed Pause above one round trip and two commits, p50 | under {MOST} ms | {above:.3} ms | {} |",
        verdict(above < MOST)
    );
    let share = with.times.at(0.5) / plain.times.at(0.5);
    println!(
        "| a `set` without a recorder, next to a server without recorders, p50 | at most 1.05 times | {share:.2} | {} |",
        verdict(share <= 1.05)
    );
    if let Some(baseline) = &baseline {
        let share = plain.times.at(0.5) / baseline.times.at(0.5);
        println!(
            "| the same next to an older server, p50 | at most 1.05 times | {share:.2} | {} |",
            verdict(share <= 1.05)
        );
    }
    Ok(())
}

/// Waits until the server uses its recorder: it tests it first.
fn usable(driver: &ByServer, call: &str) -> Result<()> {
    for _ in 0..500 {
        if set(driver, UCC, call, Action::Start).is_ok() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(20));
    }
    set(driver, UCC, call, Action::Start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_in_the_middle() -> Result<()> {
        let times = Times((1..=101).rev().map(f64::from).collect());
        assert!((times.at(0.5) - 51.0).abs() < f64::EPSILON);
        assert!((times.at(0.99) - 100.0).abs() < f64::EPSILON);
        assert!(Times::default().at(0.5).is_nan());
        assert!(Times::default().take(|| bail!("no")).is_err());
        Ok(())
    }
}

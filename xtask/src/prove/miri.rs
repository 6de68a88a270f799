//! Miri runs the core's tests and the fuzz corpora, and finds no undefined behaviour in them or in what they call.

use super::checks::passed;
use crate::{names::Names, sh::target, text::regex, tools};
use anyhow::{Context as _, Result, anyhow, bail};
use std::thread;

/// In the quick run: of the files of each corpus every so many-th, and the unit tests that are no enumerations.
pub(super) const SHARE: u64 = 100;
/// In the long run: all of them would take more than an hour.
pub(super) const LONG_SHARE: u64 = 4;

pub(super) fn quick() -> Result<String> {
    run(SHARE, &Names::read()?.miri)
}

pub(super) fn everything() -> Result<String> {
    run(LONG_SHARE, &[])
}

fn run(share: u64, tests: &[String]) -> Result<String> {
    tools::need_toolchain(tools::NIGHTLY, &[], &["miri", "rust-src"])?;
    // The corpora are read from files. Each share has a build of its own: cargo-miri runs a test with the environment that
    // it was built with, whatever that is by then.
    let miri = tools::cargo("miri test --locked")
        .env("MIRIFLAGS", "-Zmiri-disable-isolation")
        .env("CARGO_TARGET_DIR", target().join(format!("prove/miri-{share}")))
        .env("CORPUS_SHARE", share.to_string())
        .toolchain(tools::NIGHTLY);
    let unit = miri.clone().args(["-p", "recording-core", "--lib", "--all-features", "--"]).args(tests);
    let corpora =
        miri.args(["-p", "recording-fuzz-replay", "--test", "corpora", "--", "--nocapture", "every_corpus_file_holds"]);
    // Miri runs on one core.
    let (unit, corpora) = thread::scope(|scope| {
        let unit = scope.spawn(|| unit.merged());
        let corpora = corpora.merged();
        (unit.join().unwrap_or_else(|_| Err(anyhow!("a thread ended early"))), corpora)
    });
    let unit = passed(&unit?);
    if unit == 0 {
        bail!("no unit test ran");
    }
    let (some, all) = replayed(&corpora?).context("the corpora were not replayed")?;
    if some > all / share + 6 {
        bail!("{some} of {all} corpus files are not every {share}th of seven corpora");
    }
    Ok(format!("{unit} unit tests and {some} of {all} corpus files"))
}

fn replayed(said: &str) -> Option<(u64, u64)> {
    let found = regex(r"(\d+) of (\d+) corpus files").captures(said)?;
    Some((found[1].parse().ok()?, found[2].parse().ok()?))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_files_that_were_replayed_are_counted() {
        assert_eq!(super::replayed("running 1 test\n19 of 1536 corpus files\ntest result: ok."), Some((19, 1536)));
        assert_eq!(super::replayed("all corpus files"), None);
    }
}

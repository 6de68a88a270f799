//! The self-test: what an instance of the recorder does with packets, before it is asked to record.
//!
//! Versions differ in ways that no reply shows. One answers `ok` to a pause and writes every packet of it, one overwrites
//! what was recorded before the pause, and any of them answers `ok` and records nothing if its method, its folder or its
//! disk is not right.

mod media;
mod procedure;
mod spool;
mod verdict;

use core::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::{debug, error, info, warn};

use super::link::Link;
use super::options::Options;
use crate::recorder::port::Condition;
use procedure::Test;

/// How long a test may take. It takes two seconds.
const WITHIN: Duration = Duration::from_secs(20);

/// How long after a test that failed the next one is done: twice as long each time, up to [`RARELY`].
const SOON: Duration = Duration::from_secs(5);
const RARELY: Duration = Duration::from_secs(60);

/// Tests each instance, for ever, and publishes whether it may be used. One that failed is tested again: a folder can be made
/// readable while the recorder runs.
pub(super) async fn keep_testing(link: &Link, options: &Options, condition: &watch::Sender<Condition>) {
    let mut changes = condition.subscribe();
    let mut tested = 0;
    let (mut wait, mut logged) = (SOON, String::new());
    loop {
        let instance = other_than(&mut changes, 0).await;
        if instance != tested {
            (tested, wait, logged) = (instance, SOON, String::new());
        }
        let verdict = tokio::select! {
            verdict = test(link, options) => verdict,
            _ = other_than(&mut changes, instance) => continue,
        };
        publish(condition, options, instance, &verdict);
        match verdict {
            Ok(()) => {
                other_than(&mut changes, instance).await;
            }
            Err(wrong) => {
                if wrong == logged {
                    debug!(target: "recording", recorder = &*options.name, "failed its self-test again: {wrong}");
                } else {
                    error!(
                        target: "recording",
                        recorder = &*options.name,
                        "the recorder failed its self-test and is not asked to record: {wrong}"
                    );
                    logged = wrong;
                }
                tokio::select! {
                    () = sleep(wait) => wait = RARELY.min(wait * 2),
                    _ = other_than(&mut changes, instance) => {}
                }
            }
        }
    }
}

/// Waits until an instance is known that is another one than this.
async fn other_than(changes: &mut watch::Receiver<Condition>, instance: u64) -> u64 {
    let known = changes.wait_for(|condition| condition.instance != instance).await;
    let known = known.ok().map(|condition| condition.instance);
    match known {
        Some(known) => known,
        None => core::future::pending().await,
    }
}

async fn test(link: &Link, options: &Options) -> Result<(), String> {
    if !options.self_test {
        return Ok(());
    }
    let Some(recording_dir) = &options.recording_dir else {
        return Err("no recording_dir says where its files are".to_owned());
    };
    let mut nonce = [0; 8];
    SystemRandom::new().fill(&mut nonce).map_err(|_| "there are no random numbers".to_owned())?;
    let test = Test::new(link, options.pause, recording_dir, u64::from_be_bytes(nonce));
    let verdict = timeout(WITHIN, test.run()).await;
    verdict.unwrap_or_else(|_| Err(format!("it was not done within {} s", WITHIN.as_secs())))
}

fn publish(condition: &watch::Sender<Condition>, options: &Options, instance: u64, verdict: &Result<(), String>) {
    let is_published = condition.send_if_modified(|condition| {
        let is_of_it = condition.instance == instance;
        if is_of_it {
            condition.usable = Some(verdict.clone());
            if options.self_test {
                condition.self_tests_passed += u64::from(verdict.is_ok());
                condition.self_tests_failed += u64::from(verdict.is_err());
            }
        }
        is_of_it
    });
    if is_published && verdict.is_ok() {
        let recorder = &*options.name;
        if options.self_test {
            info!(target: "recording", recorder, "the recorder passed its self-test");
        } else {
            warn!(
                target: "recording",
                recorder, "the recorder is used without a self-test: no test has shown that it pauses"
            );
        }
    }
}

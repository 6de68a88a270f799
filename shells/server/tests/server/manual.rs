//! The page about running the server, against the program: nothing is left out, nothing is made up.

use std::collections::BTreeSet;

use recording_core::State;
use recording_server::cli::HELP;

use crate::support::{Client, get, world};

const PAGE: &str = include_str!("../../../../docs/running.md");

/// Words that begin so, up to what cannot be part of one.
fn words(text: &str, begin: &str, part: impl Fn(char) -> bool) -> BTreeSet<String> {
    let starts = text.match_indices(begin).map(|(at, _)| at);
    // Not in the middle of another word.
    let starts = starts.filter(|&at| !text[..at].ends_with(&part));
    starts.map(|at| text[at..].split(|char: char| !part(char)).next().unwrap_or_default().to_owned()).collect()
}

fn options(text: &str) -> BTreeSet<String> {
    let options = words(text, "--", |char| char == '-' || char.is_ascii_alphanumeric());
    options.into_iter().filter(|option| option.len() > 2 && !option.starts_with("---")).collect()
}

/// The rows of a table begin with what they are about.
fn explained() -> String {
    PAGE.lines().filter(|line| line.starts_with("| `--")).filter_map(|line| line.split('|').nth(1)).collect()
}

#[test]
fn every_option_is_explained_and_no_other() {
    let help = options(HELP);
    assert!(help.len() > 12, "{help:?}");
    let explained = options(&explained());
    assert_eq!(help.difference(&explained).collect::<Vec<_>>(), Vec::<&String>::new(), "not explained");
    assert_eq!(explained.difference(&help).collect::<Vec<_>>(), Vec::<&String>::new(), "explained, and not there");
}

#[tokio::test]
async fn every_metric_is_explained_and_no_other() {
    let running = world(State::INITIAL).await;
    let mut admin = Client::connect(running.addresses().admin).await;
    admin.send(&get("/metrics")).await;
    let metrics = admin.receive_any("GET").await.body;
    let families = |line: &str| line.strip_prefix("# TYPE ")?.split(' ').next().map(str::to_owned);
    let mut told: BTreeSet<_> = metrics.lines().filter_map(families).collect();
    // Only a store on a disk has these.
    told.extend(["recording_store_commit_seconds", "recording_store_group_size"].map(str::to_owned));
    let name = |char: char| char == '_' || char.is_ascii_alphanumeric();
    let explained = words(PAGE, "recording_", name);
    assert_eq!(explained, told);
}

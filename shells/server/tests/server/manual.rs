//! The page about running the server, and the manual page, against the program: nothing is left out, nothing is made up.

mod man_page;

use std::collections::BTreeSet;

use recording_core::State;
use recording_server::cli::command;

use crate::support::{Client, get, world};

const PAGE: &str = include_str!("../../../../docs/running.md");

/// The families of metrics that only a store in a cluster has.
pub const OF_ETCD: [&str; 12] = [
    "recording_etcd_config_agrees",
    "recording_etcd_database_bytes",
    "recording_etcd_database_quota_bytes",
    "recording_etcd_lists_total",
    "recording_etcd_member_changes_total",
    "recording_etcd_members",
    "recording_etcd_members_answering",
    "recording_etcd_requests_total",
    "recording_etcd_unknown_outcomes_total",
    "recording_etcd_watch_lag_revisions",
    "recording_etcd_watch_restarts_total",
    "recording_etcd_watch_silence_seconds",
];

/// Words that begin so, up to what cannot be part of one.
fn words(text: &str, begin: &str, part: impl Fn(char) -> bool) -> BTreeSet<String> {
    let starts = text.match_indices(begin).map(|(at, _)| at);
    // Not in the middle of another word.
    let starts = starts.filter(|&at| !text[..at].ends_with(&part));
    starts.map(|at| text[at..].split(|char: char| !part(char)).next().unwrap_or_default().to_owned()).collect()
}

const BEGIN: &str = "<!-- options: written by `WRITE_DOCS=1 cargo test -p recording-server --test server the_page_has_every_option` -->\n";
const END: &str = "<!-- end of options -->\n";

/// A row for each option, under the headings of `--help`.
fn table() -> String {
    let command = command();
    let mut text = BEGIN.to_owned() + &rows(&command);
    for subcommand in command.get_subcommands() {
        let (name, about) = (subcommand.get_name(), subcommand.get_about().expect("what it does"));
        let places = subcommand.get_positionals().map(|arg| format!(" {}", arg.get_value_names().unwrap()[0]));
        let first = format!("### recording-server {name}{}\n\n{about}", places.collect::<String>());
        text += &format!("\n{first}\n\n| option | what it does |\n|---|---|\n{}", rows(subcommand));
    }
    text + "\n" + END
}

fn rows(command: &clap::Command) -> String {
    let (mut text, mut heading) = (String::new(), None);
    for arg in command.get_arguments().filter(|arg| !arg.is_positional()) {
        if heading != arg.get_help_heading() {
            heading = arg.get_help_heading();
            text += &format!("\n### {}\n\n| option | what it does |\n|---|---|\n", heading.unwrap_or_default());
        }
        let values = if arg.get_action().takes_values() { arg.get_value_names() } else { None };
        let value = values.and_then(<[_]>::first).map_or_else(String::new, |name| format!(" {name}"));
        let defaults = if values.is_some() { arg.get_default_values() } else { &[] };
        let default = defaults.first().map_or_else(String::new, |default| format!(" [default: {}]", default.display()));
        let help = arg.get_help().unwrap_or_else(|| panic!("{} is not explained", arg.get_id()));
        let option = format!("`--{}{value}`", arg.get_long().expect("a long option"));
        text += &format!("| {} | {help}{default} |\n", option.replace('|', "\\|"));
    }
    text
}

#[test]
fn the_page_has_every_option() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/running.md");
    let (before, rest) = PAGE.split_once(BEGIN).expect("the begin of the options");
    let (_, after) = rest.split_once(END).expect("the end of the options");
    let table = table();
    assert!(table.lines().filter(|line| line.starts_with("| `--")).count() > 30, "{table}");
    let expected = [before, &table, after].concat();
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::write(file, expected).unwrap();
    } else {
        assert!(PAGE == expected, "docs/running.md is not what --help says; WRITE_DOCS=1 writes it");
    }
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
    // Only a server with recorders has these.
    let of_recorders = ["answers", "usable", "restarts_total", "self_tests_total"];
    told.extend(of_recorders.map(|name| format!("recording_recorder_{name}")));
    // Only a server that fetches keys has these.
    let of_issuer = ["fetches_total", "unknown_keys_total", "keys", "keys_fetched_seconds", "keys_usable"];
    told.extend(of_issuer.map(|name| format!("recording_issuer_{name}")));
    // Only a store in a cluster of etcd has these: a test in `cluster` reads them.
    let of_etcd = words(PAGE, "recording_etcd_", |char| char == '_' || char.is_ascii_alphanumeric());
    assert_eq!(of_etcd, OF_ETCD.map(str::to_owned).into());
    told.extend(of_etcd);
    // Only a server with webhooks has these.
    let of_webhooks = [
        "answers",
        "delivered_total",
        "retried_total",
        "dropped_total",
        "queue_bytes",
        "queue_events",
        "oldest_seconds",
    ];
    told.extend(of_webhooks.map(|name| format!("recording_webhook_{name}")));
    let name = |char: char| char == '_' || char.is_ascii_alphanumeric();
    let explained = words(PAGE, "recording_", name);
    assert_eq!(explained, told);
}

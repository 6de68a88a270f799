//! What the command line accepts.

use std::collections::BTreeMap;

use clap::ArgMatches;

use super::options::{Command, Options, command, read};

fn matches(arguments: &[&str]) -> Result<ArgMatches, clap::Error> {
    command().try_get_matches_from(arguments)
}

fn serves(arguments: &[&str]) -> Box<Options> {
    match read(arguments.iter().map(Into::into)) {
        Ok(Command::Serve(options)) => options,
        other => panic!("{arguments:?}: {other:?}"),
    }
}

#[test]
fn clap_finds_nothing_wrong_with_the_options() {
    command().debug_assert();
}

/// Both ends of each range are accepted, and what is next to them is not.
#[test]
fn each_number_has_its_range() {
    let ranges = BTreeMap::from([
        ("audit-keep", (1, 100_000)),
        ("audit-max-bytes", (65_536, 1 << 40)),
        ("grace", (1, 86_400)),
        ("idle-timeout", (1, 86_400)),
        ("jwt-leeway", (0, 3600)),
        ("max-connections", (1, 1_000_000)),
        ("max-head", (8192, 1_048_576)),
        ("max-listeners", (0, 1_000_000)),
        ("oidc-max-age", (30, 604_800)),
        ("rate", (1, 1_000_000)),
        ("recorder-wait", (500, 10_000)),
        ("request-timeout", (1, 86_400)),
        ("write-timeout", (1, 86_400)),
    ]);
    let command = command();
    let numbers = command.get_arguments().filter(|arg| {
        arg.get_help().is_some_and(|help| {
            let help = help.to_string();
            let (_, range) = help.rsplit_once('[').unwrap_or_default();
            range.contains(" to ")
        })
    });
    let mut with_range: Vec<_> = numbers.filter_map(clap::Arg::get_long).collect();
    with_range.sort_unstable();
    assert_eq!(with_range, ranges.keys().copied().collect::<Vec<_>>());
    for (option, (low, high)) in ranges {
        let is_taken = |number: i64| matches(&[&format!("--{option}"), &number.to_string()]).is_ok();
        let taken = [low - 1, low, high, high + 1].map(is_taken);
        assert_eq!(taken, [false, true, true, false], "{option}");
        for text in ["", "1.5", "1e3", "0x10", " 9", "9 ", "18446744073709551616"] {
            assert!(matches(&[&format!("--{option}={text}")]).is_err(), "{option} {text:?}");
        }
    }
}

/// Each option that lost a letter is recognised, unless what is left is another option.
#[test]
fn a_lost_letter_is_found() {
    let command = command();
    let options: Vec<_> = command.get_arguments().filter_map(clap::Arg::get_long).collect();
    for option in &options {
        for at in 1..option.len() {
            let wrong = format!("{}{}", &option[..at], &option[at + 1..]);
            if options.contains(&wrong.as_str()) {
                continue;
            }
            let error = read([format!("--{wrong}").into()]).expect_err("no such option").to_string();
            assert_eq!(error, format!("unknown option '--{wrong}'; did you mean --{option}? (see --help)"));
        }
    }
}

#[test]
fn the_last_of_an_option_counts_and_lists_grow() {
    let options = serves(&["--grace", "5", "--grace=7", "--rate", "1", "--rate", "off"]);
    assert_eq!(options.grace().as_secs(), 7);
    assert!(!options.protection.limits_rates() && options.limits().frames.is_none());
    let matches = matches(&["--cors-origin", "https://a", "--cors-origin", "https://b"]).expect("good options");
    let origins = matches.get_many::<String>("cors_origin").expect("two of them");
    assert_eq!(origins.collect::<Vec<_>>(), ["https://a", "https://b"]);
}

/// Without options everything is as the parts of the server have it.
#[test]
fn the_defaults_are_those_of_the_parts() {
    let options = serves(&[]);
    assert_eq!(options.limits(), crate::net::Limits::default());
    assert_eq!(options.listeners(), options.limits().connections / 2);
    assert_eq!((options.audit(), options.config()), (None, None));
    let audit = serves(&["--audit", "x"]).audit().expect("a trail");
    assert_eq!(audit, crate::audit::TrailSettings { path: "x".into(), ..crate::audit::TrailSettings::default() });
}

/// Wherever a token was pasted, the error does not repeat it.
#[test]
fn no_token_is_repeated() {
    let token = format!("rec_{}", "0123456789abcdef".repeat(4));
    let command = command();
    let options: Vec<_> = command.get_arguments().filter_map(clap::Arg::get_long).collect();
    assert!(options.len() > 30);
    let mut lines = vec![vec![token.clone()], vec![format!("--{token}")], vec![format!("payments {token}")]];
    for option in options {
        lines.push(vec![format!("--{option}={token}")]);
        lines.push(vec![format!("--{option}"), token.clone()]);
        lines.push(vec![format!("--{option}"), format!("file:{token}")]);
        lines.push(vec![format!("--{option}"), format!("Bearer {token}\n")]);
    }
    for line in lines {
        let result = read(line.iter().map(Into::into));
        let text = result.expect_err("a token is nowhere taken").to_string();
        assert!(!text.contains(&token) && text.contains("--make-token"), "{text}");
    }
}

//! What the command line accepts.

use std::collections::BTreeMap;

use super::options::{Asked, Command, command, read};

fn asked(arguments: &[&str]) -> Asked {
    let needed = ["--url", "http://a", "--admin", "http://b"];
    match read(needed.iter().chain(arguments).map(Into::into)) {
        Ok(Command::Run(asked)) => *asked,
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
    let ranges = BTreeMap::from([("cases", (1, 1_000_000_000)), ("patience", (1, 3600)), ("steps", (1, 1000))]);
    let command = command();
    let numbers = command.get_arguments().filter(|arg| {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        help.rsplit_once('[').is_some_and(|(_, range)| range.contains(" to "))
    });
    let mut with_range: Vec<_> = numbers.filter_map(clap::Arg::get_long).collect();
    with_range.sort_unstable();
    assert_eq!(with_range, ranges.keys().copied().collect::<Vec<_>>());
    for (option, (low, high)) in ranges {
        let is_taken =
            |number: i64| self::command().try_get_matches_from([&format!("--{option}"), &number.to_string()]).is_ok();
        assert_eq!([low - 1, low, high, high + 1].map(is_taken), [false, true, true, false], "{option}");
        let error = read([format!("--{option}=1.5").into()]).expect_err("no whole number");
        assert_eq!(error, format!("--{option}: '1.5' is not a number from {low} to {high}"));
    }
    assert_eq!(asked(&["--seed", "18446744073709551615"]).options.seed, u64::MAX);
}

#[test]
fn errors_name_the_option_and_what_it_takes() {
    let url = ["--url", "http://a", "--admin", "http://b"];
    for (arguments, line) in [
        (&[][..], "--url is missing"),
        (&["--url"], "--url needs a value"),
        (&["--url", "localhost"], "--url: 'localhost' is not a base URL such as http://127.0.0.1:8080"),
        (&["--profile", "some"], "--profile: 'some' is not all or documented"),
        (&["--session", "x"], "--session: 'x' is not a GUID"),
        (&["--agent", "me"], "--agent: 'me' is not a SIP URI"),
        (&["--ucc", "a/b"], "--ucc: 'a/b' is not a UCC's name"),
        (&["--unlicensed="], "--unlicensed: '' is not a UCC's name"),
        (&["--quiet=yes"], "--quiet takes no value"),
        (&["--urk=secret"], "unknown option '--urk'"),
        (&["-x"], "unknown option '-x'"),
        (&["secret"], "an argument belongs to no option"),
        (&["--cases", "-1"], "--cases: '-1' is not a number from 1 to 1000000000"),
    ] {
        assert_eq!(read(arguments.iter().map(Into::into)).expect_err(line), line, "{arguments:?}");
    }
    let needs = "give either --admin, or --session for each session that may be used (at most 100)";
    let session = ["--session", "1d6c6a58-6739-4f0c-98ff-0968292c8c30"];
    for arguments in [&url[..2], &[&url[..], &session].concat(), &[&url[..2], &session.repeat(101)].concat()] {
        assert_eq!(read(arguments.iter().map(Into::into)).expect_err(needs), needs);
    }
    assert!(read([&url[..2], &session.repeat(100)].concat().iter().map(Into::into)).is_ok());
}

#[test]
fn the_last_of_an_option_counts_and_lists_grow() {
    let asked = asked(&[
        "--cases",
        "5",
        "--cases=7",
        "--refusing",
        "r",
        "--unlicensed",
        "u",
        "--unlicensed",
        "v",
        "--repeats-refused",
        "--saved-by-default",
    ]);
    assert_eq!(asked.options.cases, 7);
    let uccs: Vec<_> = asked.plan.uccs.iter().map(|ucc| (ucc.name.as_str(), ucc.settings)).collect();
    let [(open, Some(first)), ("u", Some(u)), ("v", Some(v)), ("r", Some(r)), (none, None)] = uccs[..] else {
        panic!("{uccs:?}")
    };
    assert!(open == "ucc-demo-name" && none.starts_with("no-ucc-of-this-name-"));
    assert!(first.licensed && !first.repeats_accepted && !r.repeats_accepted && !u.licensed && !v.licensed);
    assert!([first, u, v, r].iter().all(|ucc| ucc.save_by_default && ucc.use_audio_recording && ucc.agent_can_edit));
}

/// Without options everything is as the parts of the tool have it.
#[test]
fn the_defaults_are_those_of_the_parts() {
    let asked = asked(&[]);
    let default = recording_testkit::explore::Options::default();
    assert_eq!((asked.options.cases, asked.options.steps), (default.cases, default.steps));
    assert_eq!(asked.api.patience, crate::access::PATIENCE);
    assert_eq!((asked.plan.agent.as_str(), asked.plan.slots, asked.plan.can_begin), ("sip:agent@domain.com", 2, true));
    assert!(asked.hub.is_none() && asked.json.is_none() && !asked.quiet);
}

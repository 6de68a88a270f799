//! UCCs and agents.

use core::fmt::Write as _;
use core::time::Duration;

use recording_server::config;

use crate::measure::{Outcome, Thing, shortest};

pub(crate) const THINGS: &[Thing] = &[
    Thing { one: "a UCC of a config, read", usual: 100, each: true, time: uccs },
    Thing { one: "a UCC of a config with a fault in each, told", usual: 100, each: true, time: faults },
    Thing { one: "an agent of a UCC, read", usual: 100, each: true, time: agents },
    Thing { one: "a name that is there twice, told", usual: 100, each: true, time: twice },
];

const ONE: &str = "\"sip:agent@domain.com\"";

pub(crate) fn text(number: usize, agents: &str) -> String {
    let mut text = String::new();
    for ucc in 0..number {
        let _ = write!(
            text,
            "[[ucc]]\nname = \"ucc-{ucc}\"\nrecording_api_licensed = true\nuse_audio_recording = true\n\
             agent_can_edit_audio_recording = true\nsave_recording_by_default = true\nagents = [{agents}]\n"
        );
    }
    text
}

fn uccs(number: usize) -> Outcome<Duration> {
    let text = text(number, ONE);
    Ok(shortest(|| assert_eq!(config::parse(&text).map(|directory| directory.len()), Ok(number))))
}

fn faults(number: usize) -> Outcome<Duration> {
    let text = text(number, ONE).replace("save_recording_by_default = true", "save_recording_by_default = 1");
    Ok(shortest(|| assert_eq!(config::parse(&text).map(drop).map_err(|errors| errors.len()), Err(number))))
}

fn agents(number: usize) -> Outcome<Duration> {
    let agents: Vec<_> = (0..number).map(|agent| format!("\"sip:{agent}@domain.com\"")).collect();
    let text = text(1, &agents.join(",\n"));
    Ok(shortest(|| assert_eq!(config::parse(&text).map(|directory| directory.agents()), Ok(number))))
}

fn twice(number: usize) -> Outcome<Duration> {
    let text = text(number + 1, ONE).replace("name = \"ucc-", "name = \"ucc\" #");
    Ok(shortest(|| assert_eq!(config::parse(&text).map(drop).map_err(|errors| errors.len()), Err(number))))
}

//! UCCs and agents.

use core::fmt::Write as _;
use core::hint::black_box;
use core::time::Duration;

use recording_core::wire::{SipUri, SipUriBuf};
use recording_server::directory::{AgentsFile, Ucc};
use recording_server::{config, demo};

use crate::measure::{Outcome, Thing, shortest};
use crate::store::Place;

pub(crate) const THINGS: &[Thing] = &[
    Thing { one: "a UCC of a config, read", usual: 100, each: true, time: uccs },
    Thing { one: "a UCC of a config with a fault in each, told", usual: 100, each: true, time: faults },
    Thing { one: "an agent of a UCC, read", usual: 100, each: true, time: agents },
    Thing { one: "an agent of a file, read", usual: 100, each: true, time: agents_of_a_file },
    Thing { one: "a requester among so many agents", usual: 100, each: false, time: requester },
    Thing { one: "a hold's agent among so many, looked up", usual: 100, each: false, time: holder },
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

fn agents_of_a_file(number: usize) -> Outcome<Duration> {
    let place = Place::new()?;
    let file = place.file("agents");
    std::fs::write(&file, (0..number).map(|agent| format!("sip:{agent}@domain.com\n")).collect::<String>())?;
    Ok(shortest(|| assert_eq!(AgentsFile::load(file.clone()).map(|file| file.agents().len()), Ok(number))))
}

/// How many lookups are timed together.
const LOOKUPS: u32 = 1000;

fn ucc(number: usize) -> Outcome<Ucc> {
    let agents: Result<Vec<_>, _> =
        (0..number).map(|agent| SipUriBuf::new(&format!("sip:{agent}@domain.com"))).collect();
    let patterns = (0..63).map(|domain| format!("sip:*@{domain}.example").parse()).collect::<Result<Vec<_>, _>>()?;
    Ok(Ucc::new(demo::SETTINGS, agents?).with_patterns(patterns))
}

fn requester(number: usize) -> Outcome<Duration> {
    let ucc = ucc(number)?;
    let (last, none) = (format!("sip:{}@domain.com", number - 1), SipUri::new("sip:none@domain.com")?);
    let last = SipUri::new(&last)?;
    let time = shortest(|| {
        for _ in 0..LOOKUPS {
            assert!(ucc.is_agent(black_box(last)) && !ucc.is_agent(black_box(none)));
        }
    });
    Ok(time / LOOKUPS)
}

fn holder(number: usize) -> Outcome<Duration> {
    let ucc = ucc(number)?;
    let last = Ucc::holder(SipUri::new(&format!("sip:{}@domain.com", number - 1))?);
    let time = shortest(|| {
        for _ in 0..LOOKUPS {
            assert!(ucc.holder_uri(black_box(last)).is_some());
        }
    });
    Ok(time / LOOKUPS)
}

fn twice(number: usize) -> Outcome<Duration> {
    let text = text(number + 1, ONE).replace("name = \"ucc-", "name = \"ucc\" #");
    Ok(shortest(|| assert_eq!(config::parse(&text).map(drop).map_err(|errors| errors.len()), Err(number))))
}

//! A whole call: sipp calls through kamailio, the media go through rtpengine, and the caller says a card's number while the
//! agent has paused the recording.

mod card;

use anyhow::{Context as _, Result, bail};
use card::{DIGITS, Heard, NUMBER, PACKETS, SPEECH};
use core::time::Duration;
use recording_lab::{
    Rtpengine, Settings,
    calls::new_id,
    direct::{Direct, Fault},
    drive::{AGENTS, Action, Answer, ByServer, Driver, UCC},
    ng::Ng,
    process::Program,
    rtpengine::{end_of, free_port},
    server::{Recorder, Server},
    spool::{File, files},
};
use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Instant,
};
use tempfile::TempDir;

use crate::proofs::PauseBy;

/// Packets between what is ordered and what must not be recorded.
const MARGIN: usize = 25;
const PATIENCE: Duration = Duration::from_secs(30);

/// The programs of a call.
struct Telephony {
    daemon: Rtpengine,
    kamailio: Program,
    agent: Program,
    caller: Program,
    place: TempDir,
}

impl Telephony {
    fn start(program: &str) -> Result<Self> {
        let daemon = Rtpengine::start(Settings { program: program.to_owned(), ..Settings::default() })?;
        let place = tempfile::Builder::new().prefix("recording-lab-").tempdir()?;
        let (sip, agent, caller) = (free_port()?, free_port()?, free_port()?);
        let write = |name: &str, text: &str| fs::write(place.path().join(name), text);
        let config = include_str!("kamailio.cfg").replace("{sip}", &sip.to_string());
        write(
            "kamailio.cfg",
            &config.replace("{agent}", &agent.to_string()).replace("{ng}", &daemon.ng().to_string()),
        )?;
        write("agent.xml", include_str!("agent.xml"))?;
        let milliseconds = 20 * (2 * SPEECH + DIGITS) + 500;
        write("caller.xml", &include_str!("caller.xml").replace("{milliseconds}", &milliseconds.to_string()))?;
        fs::write(place.path().join("card.pcap"), card::file()?)?;
        let start = |name: &str, words: &str| {
            let log = fs::File::create(place.path().join(format!("{name}.log")))?;
            let mut words = words.split_whitespace();
            let mut command = Command::new(words.next().unwrap_or_default());
            command.args(words).current_dir(place.path()).stdin(Stdio::null());
            Program::start(command.stdout(log.try_clone()?).stderr(log))
        };
        let at = place.path().display();
        let kamailio = start(
            "kamailio",
            &format!("kamailio -f {at}/kamailio.cfg -DD -E -m 32 -M 4 -w {at} -Y {at} -P {at}/kamailio.pid"),
        )?;
        let sipp = |scenario: &str, port: u16| -> Result<String> {
            let media = free_port()?;
            Ok(format!("sipp -sf {scenario}.xml -i 127.0.0.1 -p {port} -mi 127.0.0.1 -mp {media} -m 1 -nostdin"))
        };
        let agent = start("agent", &format!("{} -rtp_echo", sipp("agent", agent)?))?;
        // Both must listen: the caller sends its INVITE again, but only after half a second.
        thread::sleep(Duration::from_millis(700));
        let caller = start("caller", &format!("{} 127.0.0.1:{sip}", sipp("caller", caller)?))?;
        Ok(Self { daemon, kamailio, agent, caller, place })
    }

    /// The SIP Call-ID, once the call is there.
    fn call(&self, ng: &Ng) -> Result<String> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let listed = ng.must(&json!({"command": "list"}))?;
            // Others may have calls of their own.
            let calls = listed["calls"].as_array().into_iter().flatten().filter_map(Value::as_str);
            for call in calls {
                if call.contains('@') && spoken(ng, call).is_some_and(|packets| packets > 0) {
                    return Ok(call.to_owned());
                }
            }
            thread::sleep(Duration::from_millis(5));
        }
        bail!("no call comes:\n{}\n{}", self.end_of("kamailio"), self.end_of("caller"))
    }

    fn end_of(&self, name: &str) -> String {
        end_of(&self.place.path().join(format!("{name}.log")))
    }

    /// Waits until both have hung up.
    fn end(mut self) -> Result<Rtpengine> {
        for (name, program) in [("caller", &mut self.caller), ("agent", &mut self.agent)] {
            let status = program.wait(PATIENCE).with_context(|| format!("the {name} does not end"))?;
            if !status.success() {
                bail!("the {name} ends with {status}: {}", end_of(&self.place.path().join(format!("{name}.log"))));
            }
        }
        self.kamailio.end(PATIENCE)?;
        self.daemon.end()?;
        Ok(self.daemon)
    }
}

/// How many packets rtpengine has had of the caller.
fn spoken(ng: &Ng, call: &str) -> Option<u64> {
    let reply = ng.ask(&json!({"command": "query", "call-id": call}))?;
    let caller = reply["tags"].as_object()?.iter().find(|(tag, _)| tag.contains("caller"))?.1;
    caller["medias"][0]["streams"][0]["stats"]["packets"].as_u64()
}

/// A run: with a pause while the number is said, or without.
fn one(program: &str, server: Option<(&Path, PauseBy)>, is_paused: bool) -> Result<(Heard, usize)> {
    let telephony = Telephony::start(program)?;
    let daemon = &telephony.daemon;
    let ng = daemon.client()?;
    let recorder =
        |pause: PauseBy| Recorder { address: daemon.ng(), pause: pause.word(), recording_dir: daemon.recording_dir() };
    let server = server.map(|(path, pause)| Server::start(path, Some(&recorder(pause)))).transpose()?;
    let call = telephony.call(&ng)?;
    let (driver, id): (Box<dyn Driver>, _) = match &server {
        None => (Box::new(Direct::new(daemon.ng(), Fault::None)), call.clone()),
        Some(server) => {
            let (driver, id) = (ByServer::new(server.addresses()), new_id());
            let codes = json!({"RecordingState": 0, "MarkingState": 0, "SavingState": 0});
            let mut begin = codes;
            begin["Recorder"] = json!({"CallId": call});
            driver.begin_with(UCC, &id, Some(&begin))?;
            (Box::new(driver), id)
        }
    };
    let set = |action: Action| match driver.set(&id, AGENTS[0], action) {
        Answer::Done => Ok(()),
        answer => bail!("{action:?} is answered {answer:?}"),
    };
    let until = |packets: usize| {
        let began = Instant::now();
        while spoken(&ng, &call).is_some_and(|spoken| spoken < packets as u64) && began.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(3));
        }
    };
    set(Action::Start)?;
    if is_paused {
        until(SPEECH - MARGIN);
        set(Action::Pause)?;
        let at = spoken(&ng, &call);
        if at.is_none_or(|at| at > SPEECH as u64) {
            bail!("the pause came too late to show something: at packet {at:?}");
        }
        until(SPEECH + 2 * DIGITS + MARGIN);
        set(Action::Start)?;
    }
    until(PACKETS);
    driver.end(&id)?;
    let daemon = telephony.end()?;
    let mut heard = Heard::default();
    let mut count = 0;
    for path in files(&daemon.recording_dir())? {
        // What the self-test recorded is not of this call.
        if path.file_name().is_some_and(|name| name.to_string_lossy().contains("%40")) {
            heard.add(&File::read(&fs::read(&path)?)?);
            count += 1;
        }
    }
    Ok((heard, count))
}

/// Both runs at the same time, and what must be found in each.
pub(crate) fn run(program: &str, server: Option<&Path>, pause: PauseBy) -> Result<()> {
    let server = server.map(|path| (path, pause));
    let (control, paused) = thread::scope(|scope| {
        let control = scope.spawn(|| one(program, server, false).context("the control run"));
        let paused = one(program, server, true).context("the paused run");
        (control.join().unwrap_or_else(|_| Err(anyhow::anyhow!("the control run panicked"))), paused)
    });
    let (control, paused) = (control?, paused?);
    for (name, (heard, files)) in [("without a pause", &control), ("with a pause", &paused)] {
        println!(
            "lab call {name}: {} packets of speech before the number and {} after it, {} of its tones, {} events of its digits; \
             {files} files",
            heard.before, heard.after, heard.tones, heard.events
        );
    }
    judge(&control.0, &paused.0)
}

fn judge(control: &Heard, paused: &Heard) -> Result<()> {
    // Of a digit at least one tone, and no other digits: an echo of the agent comes later.
    let mut rest = NUMBER.chars().peekable();
    for digit in control.digits.chars() {
        rest.next_if_eq(&digit);
    }
    if control.tones < NUMBER.len() || control.events < NUMBER.len() || control.before == 0 || control.after == 0 {
        bail!("the control run does not find what was said: {control:?}");
    }
    if rest.peek().is_some() {
        bail!("the control run does not find the number {NUMBER}: {}", control.digits);
    }
    if paused.tones > 0 || paused.events > 0 {
        bail!("digits are in the recording: {paused:?}");
    }
    if paused.before < SPEECH / 4 || paused.after < SPEECH / 4 {
        bail!("the speech is not recorded: {paused:?}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_fails_for_each_reason() {
        let digits: String = NUMBER.chars().flat_map(|digit| [digit; 8]).collect();
        let control = Heard { before: 200, after: 200, tones: 128, events: 96, other: 64, digits };
        let paused = Heard { before: 150, after: 150, ..Heard::default() };
        let fails = |control: &Heard, paused: &Heard| judge(control, paused).is_err();
        assert!(!fails(&control, &paused));
        assert!(fails(&Heard::default(), &paused));
        assert!(fails(&Heard { digits: NUMBER[1..].to_owned(), ..control.clone() }, &paused));
        assert!(fails(&Heard { events: 0, ..control.clone() }, &paused));
        assert!(fails(&control, &Heard { tones: 1, ..paused.clone() }));
        assert!(fails(&control, &Heard { events: 1, ..paused.clone() }));
        assert!(fails(&control, &Heard { before: 0, ..paused.clone() }));
        assert!(fails(&control, &Heard { after: 0, ..paused }));
    }
}

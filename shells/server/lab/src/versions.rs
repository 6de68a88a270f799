//! Other versions of rtpengine: one that works in both ways of pausing, and one that must be refused.

use crate::proofs::{self, Lab, PauseBy};
use anyhow::{Context as _, Result, bail};
use core::time::Duration;
use recording_lab::{
    Rtpengine, Settings,
    calls::new_id,
    drive::{AGENTS, Action, Answer, ByServer, Driver as _},
    ng::Ng,
    server::{Recorder, Server},
};
use serde_json::json;
use std::{fs, path::Path, process::Command, thread, time::Instant};

/// What is expected of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Expected {
    Works,
    Refused,
}

pub(crate) fn run(lab: &Lab, server: &Path, expected: Expected) -> Result<()> {
    let version = Command::new(&lab.program).arg("--version").output().context(lab.program.clone())?;
    let version = [version.stdout, version.stderr].concat();
    println!("lab version: {}", String::from_utf8_lossy(&version).trim());
    let (sent, written) = proofs::natively(lab)?;
    match expected {
        Expected::Works if written > 0 => bail!("it writes {written} of {sent} packets while it is paused"),
        Expected::Refused if written == 0 => bail!("nothing is wrong with its pause: {sent} packets, none written"),
        Expected::Works => {
            let names = ["undisturbed", "recorder-frozen"].map(str::to_owned);
            for pause in [PauseBy::Segments, PauseBy::Native] {
                println!("lab version: by {}", pause.word());
                proofs::by_server(lab, server, pause, &names)?;
            }
            Ok(())
        }
        Expected::Refused => [PauseBy::Segments, PauseBy::Native].into_iter().try_for_each(|pause| {
            let line = refused(&lab.program, server, pause)?;
            println!("lab version: by {} it is refused: {line}", pause.word());
            Ok(())
        }),
    }
}

/// The line by which a server says that it does not use a daemon. A Start must be refused as well.
fn refused(program: &str, server: &Path, pause: PauseBy) -> Result<String> {
    let daemon = Rtpengine::start(Settings { program: program.to_owned(), ..Settings::default() })?;
    let recorder = Recorder { address: daemon.ng(), pause: pause.word(), recording_dir: daemon.recording_dir() };
    let server = Server::start(server, Some(&recorder))?;
    let driver = ByServer::new(server.addresses());
    let call = new_id();
    Ng::new(daemon.ng())?.call(&call, 4000, 4002, &json!({}))?;
    let began = Instant::now();
    let line = loop {
        let log = fs::read_to_string(server.place().join("log"))?;
        if let Some(line) = log.lines().find(|line| line.contains("failed its self-test") && line.contains("proxy-a")) {
            break line.to_owned();
        }
        if began.elapsed() > Duration::from_secs(30) {
            bail!("the log says nothing of a self-test:\n{}", server.end_of_log());
        }
        thread::sleep(Duration::from_millis(20));
    };
    driver.begin(&call)?;
    match driver.set(&call, AGENTS[0], Action::Start) {
        Answer::NotDone(text) if text.contains("is not possible with the recorder") => Ok(line),
        answer => bail!("a Start is answered {answer:?}; the log: {line}"),
    }
}

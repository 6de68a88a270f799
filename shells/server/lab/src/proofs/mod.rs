//! The runs: calls that are paused hundreds of times, and what disturbs them meanwhile.

mod controls;
mod disturb;

use crate::chosen;
use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use core::{net::SocketAddr, time::Duration};
use disturb::Disturbance;
use recording_lab::{
    Rtpengine, Settings,
    calls::{self, Found, Plan},
    drive::ByServer,
    proxy::Proxy,
    server::{Recorder, Server},
};
use serde_json::json;
use std::path::Path;

pub(crate) use controls::{controls, natively};

/// What is common to all runs.
pub(crate) struct Lab {
    pub(crate) program: String,
    pub(crate) pauses: usize,
    pub(crate) seed: u64,
    pub(crate) is_verbose: bool,
}

/// How the server pauses its recorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PauseBy {
    Segments,
    Native,
}

impl PauseBy {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Segments => "segments",
            Self::Native => "native",
        }
    }
}

/// A run with the server.
struct Proof {
    name: &'static str,
    disturbance: Disturbance,
    /// The largest share of the wanted packets that may be missing. With a recorder that is killed, or a network that holds
    /// orders back, there is none: it is only shown that something was recorded.
    most_missing: f64,
}

const PROOFS: &[Proof] = &[
    Proof { name: "undisturbed", disturbance: Disturbance::None, most_missing: 0.001 },
    Proof { name: "server-killed", disturbance: Disturbance::ServerKilled, most_missing: 0.9 },
    Proof { name: "recorder-killed", disturbance: Disturbance::RecorderKilled, most_missing: 0.9 },
    Proof { name: "recorder-frozen", disturbance: Disturbance::RecorderFrozen, most_missing: 0.9 },
    Proof { name: "network", disturbance: Disturbance::Network, most_missing: 0.9 },
    Proof { name: "together", disturbance: Disturbance::Together, most_missing: 0.9 },
];

impl Lab {
    fn daemon(&self, disturbance: Disturbance) -> Result<Rtpengine> {
        // Several threads where that makes it harder: they reorder what was not answered.
        let is_harder = disturbance.has_bad_network() || disturbance == Disturbance::RecorderFrozen;
        let threads = if is_harder { 4 } else { 1 };
        Rtpengine::start(Settings { program: self.program.clone(), threads, ..Settings::default() })
    }

    /// All at once is slow: half as many pauses are enough.
    const fn pauses_under(&self, disturbance: Disturbance) -> usize {
        if matches!(disturbance, Disturbance::Together) { self.pauses / 2 } else { self.pauses }
    }

    fn plan(&self, disturbance: Disturbance) -> Plan {
        let plan = Plan {
            pauses: self.pauses_under(disturbance),
            seed: self.seed,
            shortest: disturbance.shortest(),
            longest: Duration::from_secs(90),
            ..Plan::default()
        };
        match disturbance {
            // While it is frozen more packets have to wait than the daemon takes from a socket at once (50), and fewer than a
            // socket holds (277): of one that overflowed it never reads again, and records nothing of that call.
            Disturbance::RecorderFrozen | Disturbance::Together => Plan { calls: 12, ..plan },
            Disturbance::RecorderKilled => Plan { again: Some(json!({})), ..plan },
            _ => plan,
        }
    }

    /// The way to the daemon, which may be a bad one.
    fn way(&self, daemon: &Rtpengine, disturbance: Disturbance) -> Result<(SocketAddr, Option<Proxy>)> {
        if !disturbance.has_bad_network() {
            return Ok((daemon.ng(), None));
        }
        let proxy = Proxy::start(daemon.ng(), disturb::weather(self.seed))?;
        Ok((proxy.address(), Some(proxy)))
    }
}

pub(crate) fn by_server(lab: &Lab, program: &Path, pause: PauseBy, names: &[String]) -> Result<()> {
    let mut failed = Vec::new();
    for proof in chosen(PROOFS, |proof| proof.name, names)? {
        let (found, more) = one(lab, program, pause, proof).with_context(|| proof.name)?;
        println!("{}", line(proof.name, &found, &more));
        if let Err(error) = judge(lab, proof, &found) {
            println!("{}: {error:#}", proof.name);
            failed.push(proof.name);
        }
        if lab.is_verbose || failed.contains(&proof.name) {
            for (what, packets) in [("forbidden", &found.counts.leaks), ("missing", &found.counts.gaps)] {
                for packet in packets {
                    println!("  {what}: {packet:?}");
                }
            }
            for (text, count) in &found.not_done {
                println!("  {count} times: {text}");
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("failed: {}", failed.join(", ")) }
}

fn one(lab: &Lab, program: &Path, pause: PauseBy, proof: &Proof) -> Result<(Found, String)> {
    let mut daemon = lab.daemon(proof.disturbance)?;
    let ng = daemon.ng();
    let (address, proxy) = lab.way(&daemon, proof.disturbance)?;
    let recorder = Recorder { address, pause: pause.word(), recording_dir: daemon.recording_dir() };
    let mut server = Server::start(program, Some(&recorder))?;
    let driver = ByServer::new(server.addresses());
    let plan = lab.plan(proof.disturbance);
    let mut times = 0;
    let run = calls::run(&plan, &driver, ng, |progress| {
        times = disturb::go(proof.disturbance, progress, &mut daemon, Some((&mut server, &driver)), lab.seed)?;
        Ok(())
    })
    .with_context(|| format!("the server's log ends:\n{}", server.end_of_log()))?;
    server.end()?;
    daemon.end()?;
    let found = run.judge(&daemon.recording_dir())?;
    Ok((found, disturb::described(proof.disturbance, times, proxy.as_ref())))
}

/// What a run says of itself.
fn line(name: &str, found: &Found, more: &str) -> String {
    let counts = &found.counts;
    let again =
        if found.offered_again > 0 { format!(", {} offered again", found.offered_again) } else { String::new() };
    format!(
        "lab {name}: {} pauses, {} packets sent in them, {} forbidden in files; {} wanted, {} missing ({:.3} %); {} at edges; \
         {} calls{again}, {} files, {} cut off; pause p50 {:.2} ms; {:.1} s{more}",
        counts.pauses,
        counts.in_pauses,
        counts.forbidden,
        counts.wanted,
        counts.missing,
        100.0 * counts.missing_share(),
        counts.edges,
        found.calls,
        found.spool.files,
        found.spool.cut,
        found.pause_p50,
        found.took.as_secs_f64(),
    )
}

/// Whether a run shows what it has to show.
fn judge(lab: &Lab, proof: &Proof, found: &Found) -> Result<()> {
    let counts = &found.counts;
    if counts.forbidden > 0 {
        bail!("{} packets that were sent in pauses are in files", counts.forbidden);
    }
    let least = lab.pauses_under(proof.disturbance);
    if counts.pauses < least {
        bail!("{} pauses instead of {least}", counts.pauses);
    }
    if counts.in_pauses < counts.pauses {
        bail!("{} packets in {} pauses are too few", counts.in_pauses, counts.pauses);
    }
    if counts.wanted < counts.pauses {
        bail!("{} packets that are wanted are too few", counts.wanted);
    }
    if counts.missing_share() > proof.most_missing {
        bail!("{} of {} packets are missing that should have been recorded", counts.missing, counts.wanted);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use recording_lab::verdict::Counts;

    fn found(counts: Counts) -> Found {
        Found {
            counts,
            spool: recording_lab::spool::Spool::default(),
            calls: 1,
            offered_again: 0,
            not_done: Default::default(),
            pause_p50: 0.0,
            took: Duration::ZERO,
        }
    }

    #[test]
    fn a_run_fails_for_each_reason() {
        let lab = Lab { program: String::new(), pauses: 100, seed: 1, is_verbose: false };
        let good = Counts { pauses: 100, in_pauses: 900, wanted: 1000, missing: 1, ..Counts::default() };
        let judge = |counts: Counts| judge(&lab, &PROOFS[0], &found(counts)).is_ok();
        assert!(judge(good.clone()));
        assert!(!judge(Counts { forbidden: 1, ..good.clone() }));
        assert!(!judge(Counts { pauses: 99, ..good.clone() }));
        assert!(!judge(Counts { in_pauses: 99, ..good.clone() }));
        assert!(!judge(Counts { missing: 2, ..good.clone() }));
        assert!(!judge(Counts { wanted: 0, missing: 0, ..good }));
    }
}

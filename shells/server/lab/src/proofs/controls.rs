//! Planted faults: a laboratory that does not find them shows nothing.

use super::{Disturbance, Lab, disturb, line};
use crate::chosen;
use anyhow::{Context as _, Result, bail};
use recording_lab::{
    calls::{self, Found, Plan},
    direct::{Direct, Fault},
};
use serde_json::{Value, json};

/// What must come of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// Nothing forbidden, and nearly all that is wanted.
    Clean,
    /// Nothing forbidden.
    Silent,
    /// Forbidden packets.
    Leaks,
    /// Wanted packets are missing.
    Missing,
}

/// A run without the server: orders go to rtpengine directly.
struct Control {
    name: &'static str,
    fault: Fault,
    disturbance: Disturbance,
    /// A call that was lost is offered again with `record-call=on`, which the documentation forbids.
    records_by_itself: bool,
    expected: Expected,
}

const fn control(name: &'static str, fault: Fault, disturbance: Disturbance, expected: Expected) -> Control {
    Control { name, fault, disturbance, records_by_itself: false, expected }
}

const CONTROLS: &[Control] = &[
    control("direct", Fault::None, Disturbance::None, Expected::Clean),
    control("direct-frozen", Fault::None, Disturbance::RecorderFrozen, Expected::Silent),
    control("before-reply", Fault::BeforeReply, Disturbance::RecorderFrozen, Expected::Leaks),
    control("used-cookie", Fault::UsedCookie, Disturbance::None, Expected::Leaks),
    control("nothing-recorded", Fault::NoStart, Disturbance::None, Expected::Missing),
    control("no-guard", Fault::NoGuard, Disturbance::RecorderFrozen, Expected::Leaks),
    control("no-drain", Fault::NoDrain, Disturbance::Network, Expected::Leaks),
    Control {
        name: "records-by-itself",
        fault: Fault::None,
        disturbance: Disturbance::RecorderKilled,
        records_by_itself: true,
        expected: Expected::Leaks,
    },
];

pub(crate) fn controls(lab: &Lab, names: &[String]) -> Result<()> {
    let mut failed = Vec::new();
    for control in chosen(CONTROLS, |control| control.name, names)? {
        let mut is_shown = false;
        // A fault needs its moment, and that may not come in one run.
        for _ in 0..if control.expected == Expected::Leaks { 3 } else { 1 } {
            is_shown = is_shown || shows(lab, control).with_context(|| control.name)?;
        }
        if !is_shown {
            failed.push(control.name);
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("the laboratory does not see what it should: {}", failed.join(", ")) }
}

fn shows(lab: &Lab, control: &Control) -> Result<bool> {
    let (found, more) = one(lab, control)?;
    let is_as_expected = holds(control.expected, &found);
    let verdict = if is_as_expected { "as expected" } else { "NOT AS EXPECTED" };
    println!("{} ({verdict}: {:?})", line(control.name, &found, &more), control.expected);
    Ok(is_as_expected)
}

fn holds(expected: Expected, found: &Found) -> bool {
    let counts = &found.counts;
    match expected {
        Expected::Clean => counts.forbidden == 0 && counts.in_pauses > 0 && counts.missing_share() <= 0.001,
        Expected::Silent => counts.forbidden == 0 && counts.in_pauses > 0 && counts.missing_share() < 0.9,
        Expected::Leaks => counts.forbidden > 0,
        Expected::Missing => counts.missing_share() > 0.001,
    }
}

/// What a daemon's own pause does, without the server. Gives how many packets were sent in pauses, and how many of them are in
/// files.
pub(crate) fn natively(lab: &Lab) -> Result<(usize, usize)> {
    let mut daemon = lab.daemon(Disturbance::None)?;
    let driver = Direct::new(daemon.ng(), Fault::None).natively();
    let ng = daemon.ng();
    let run = calls::run(&lab.plan(Disturbance::None), &driver, ng, |progress| {
        disturb::go(Disturbance::None, progress, &mut daemon, None, lab.seed).map(drop)
    })?;
    daemon.end()?;
    let found = run.judge(&daemon.recording_dir())?;
    println!("{}", line("direct, pause recording", &found, ""));
    Ok((found.counts.in_pauses, found.counts.forbidden))
}

fn one(lab: &Lab, control: &Control) -> Result<(Found, String)> {
    let mut daemon = lab.daemon(control.disturbance)?;
    let ng = daemon.ng();
    let (address, proxy) = lab.way(&daemon, control.disturbance)?;
    let driver = Direct::new(address, control.fault);
    let again = if control.records_by_itself { json!({"record-call": "on"}) } else { Value::Null };
    let plan = lab.plan(control.disturbance);
    let plan = Plan { again: plan.again.map(|_| again), ..plan };
    let mut times = 0;
    let run = calls::run(&plan, &driver, ng, |progress| {
        times = disturb::go(control.disturbance, progress, &mut daemon, None, lab.seed)?;
        Ok(())
    })?;
    daemon.end()?;
    Ok((run.judge(&daemon.recording_dir())?, disturb::described(control.disturbance, times, proxy.as_ref())))
}

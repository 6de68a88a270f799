//! What is done to the servers while clients ask them.

use crate::servers::Servers;
use anyhow::Result;
use clap::ValueEnum;
use core::time::Duration;
use fastrand::Rng;
use std::{collections::BTreeMap, thread::sleep};

/// One kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Fault {
    /// A server is killed (SIGKILL) and started again.
    Kill,
    /// The same, and it is killed once more while it starts.
    KillTwice,
    /// A server is ended in order (SIGTERM) and started again.
    End,
    /// A server is stopped for a while (SIGSTOP), and goes on.
    Freeze,
}

/// The faults of a round; kills are most of them.
const ROUND: [Fault; 8] =
    [Fault::Kill, Fault::Kill, Fault::Freeze, Fault::Kill, Fault::KillTwice, Fault::Kill, Fault::End, Fault::Kill];

/// Does `count` of them, and says how often each was done.
pub(crate) fn disturb(servers: &Servers, count: usize, random: &mut Rng) -> Result<BTreeMap<Fault, usize>> {
    let mut done = BTreeMap::new();
    for &fault in ROUND.iter().cycle().take(count) {
        sleep(Duration::from_millis(random.u64(200..900)));
        let server = random.usize(..servers.count());
        match fault {
            Fault::Freeze => servers.freeze(server, Duration::from_millis(random.u64(50..400)))?,
            Fault::End => servers.end(server)?,
            Fault::Kill => servers.kill(server),
            Fault::KillTwice => {
                servers.kill(server);
                servers.start_and_kill(server, Duration::from_millis(random.u64(..60)))?;
            }
        }
        if fault != Fault::Freeze {
            servers.start(server)?;
        }
        *done.entry(fault).or_default() += 1;
    }
    sleep(Duration::from_millis(500));
    Ok(done)
}

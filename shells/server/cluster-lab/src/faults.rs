//! What is done to the servers, and to the members of etcd, while clients ask.

use crate::links::Link;
use crate::servers::Servers;
use anyhow::{Context as _, Result};
use core::time::Duration;
use etcd_members::Cluster;
use fastrand::Rng;
use std::{collections::BTreeMap, thread::sleep, time::Instant};

/// One kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// A server is killed (SIGKILL) and started again.
    Kill,
    /// The same, and it is killed once more while it starts.
    KillTwice,
    /// A server is ended in order (SIGTERM) and started again.
    End,
    /// A server is stopped for a while (SIGSTOP), and goes on.
    Freeze,
    KillLeader,
    KillFollower,
    KillAllMembers,
    /// The leader is stopped for a while (SIGSTOP), and goes on.
    FreezeLeader,
    /// A server's link to the leader loses everything for a while.
    CutFromLeader,
    /// The same for what the leader sends; what the server sends arrives.
    CutOneWay,
}

use Fault::{
    CutFromLeader, CutOneWay, End, Freeze, FreezeLeader, Kill, KillAllMembers, KillFollower, KillLeader, KillTwice,
};

/// The faults of a round of one server.
const ALONE: &[Fault] = &[Kill, Kill, Freeze, Kill, KillTwice, Kill, End, Kill];

/// The faults of a round of servers and members.
const TOGETHER: &[Fault] = &[
    Kill,
    KillLeader,
    CutFromLeader,
    Kill,
    KillFollower,
    FreezeLeader,
    CutOneWay,
    KillAllMembers,
    Freeze,
    KillTwice,
    End,
];

/// How long a server may need until it starts, while members come back.
const PATIENCE: Duration = Duration::from_secs(60);

/// What etcd runs in.
#[derive(Debug)]
pub(crate) struct Members {
    pub(crate) cluster: Cluster,
    /// Of each server, its link to each member.
    pub(crate) links: Vec<Vec<Link>>,
}

/// Does `count` faults, and says how often each was done.
pub(crate) fn disturb(
    servers: &Servers,
    mut members: Option<&mut Members>,
    count: usize,
    random: &mut Rng,
) -> Result<BTreeMap<Fault, usize>> {
    let mut done = BTreeMap::new();
    let round = if members.is_some() { TOGETHER } else { ALONE };
    for &fault in round.iter().cycle().take(count) {
        sleep(Duration::from_millis(random.u64(200..900)));
        let server = random.usize(..servers.count());
        match fault {
            Freeze => servers.freeze(server, Duration::from_millis(random.u64(50..400)))?,
            End => servers.end(server)?,
            Kill => servers.kill(server),
            KillTwice => {
                servers.kill(server);
                servers.start_and_kill(server, Duration::from_millis(random.u64(..60)))?;
            }
            _ => {
                let members = members.as_deref_mut().context("there are members")?;
                of_members(fault, members, server, random).map_err(anyhow::Error::msg)?;
            }
        }
        if matches!(fault, End | Kill | KillTwice) {
            start(servers, server)?;
        }
        *done.entry(fault).or_default() += 1;
    }
    sleep(Duration::from_millis(500));
    Ok(done)
}

/// Starts a server, again and again while it does not start.
fn start(servers: &Servers, server: usize) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    loop {
        match servers.start(server) {
            Err(_) if servers.count() > 1 && Instant::now() < end => sleep(Duration::from_millis(200)),
            result => return result,
        }
    }
}

fn of_members(fault: Fault, members: &mut Members, server: usize, random: &mut Rng) -> Result<(), String> {
    let Members { cluster, links } = members;
    let count = links[server].len();
    let leader = cluster.leader()?;
    let follower = (leader + random.usize(1..count)) % count;
    let pause = Duration::from_millis(random.u64(500..2500));
    match fault {
        KillLeader | KillFollower => {
            let member = if fault == KillLeader { leader } else { follower };
            cluster.kill(member)?;
            sleep(pause);
            cluster.restart(member)?;
        }
        KillAllMembers => {
            (0..count).try_for_each(|member| cluster.kill(member))?;
            sleep(pause);
            (0..count).try_for_each(|member| cluster.restart(member))?;
        }
        FreezeLeader => {
            cluster.stop(leader)?;
            sleep(pause);
            cluster.resume(leader)?;
        }
        _ => {
            links[server][leader].cut(fault == CutFromLeader);
            sleep(pause);
            links[server][leader].heal();
        }
    }
    cluster.wait()
}

//! What is done to the servers, and to the members of etcd, while clients ask.

use crate::net::{Net, Node};
use crate::servers::Servers;
use anyhow::{Context as _, Result, bail};
use core::ops::Range;
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
    /// The leader is cut off from the other members until they have another; servers reach all of them.
    LeaderAlone,
    /// The same for what the leader sends to the others; what they send arrives.
    LeaderMute,
    /// The same for what the others send to the leader; what it sends arrives.
    LeaderDeaf,
    /// A follower is cut off from the other members for a while.
    FollowerAlone,
    /// A server is cut off from the leader for a while.
    CutFromLeader,
    /// The same for what the leader sends; what the server sends arrives.
    DeafToLeader,
    /// The same for what the server sends; what the leader sends arrives.
    MuteToLeader,
    /// A server is cut off from all members for a while.
    CutFromAll,
}

use Fault::{
    CutFromAll, CutFromLeader, DeafToLeader, End, FollowerAlone, Freeze, FreezeLeader, Kill, KillAllMembers,
    KillFollower, KillLeader, KillTwice, LeaderAlone, LeaderDeaf, LeaderMute, MuteToLeader,
};

/// The faults of a round of one server.
const ALONE: &[Fault] = &[Kill, Kill, Freeze, Kill, KillTwice, Kill, End, Kill];

/// The faults of a round of servers and members: each kind once.
const TOGETHER: &[Fault] = &[
    Kill,
    KillLeader,
    LeaderAlone,
    CutFromLeader,
    KillFollower,
    LeaderMute,
    FreezeLeader,
    DeafToLeader,
    LeaderDeaf,
    KillAllMembers,
    Freeze,
    MuteToLeader,
    FollowerAlone,
    KillTwice,
    CutFromAll,
    End,
];

/// How long a server may need until it starts, while members come back.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long members may take until they have another leader than one that they do not hear, or that does not hear them: some
/// seconds on a machine with nothing else to do.
const LONGEST_ELECTION: Duration = Duration::from_secs(30);

/// Members of etcd on a network that can be cut.
#[derive(Debug)]
pub(crate) struct Members {
    pub(crate) cluster: Cluster,
    pub(crate) net: Net,
    pub(crate) count: usize,
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
                of_members(fault, members, server, random).with_context(|| format!("{fault:?}"))?;
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

fn of_members(fault: Fault, members: &mut Members, server: usize, random: &mut Rng) -> Result<()> {
    let count = members.count;
    let leader = members.cluster.leader().map_err(anyhow::Error::msg)?;
    let follower = (leader + random.usize(1..count)) % count;
    let pause = Duration::from_millis(random.u64(500..2500));
    let ways = lost(fault, (leader, follower, count), server);
    match fault {
        LeaderAlone | LeaderMute | LeaderDeaf => members.cut(&ways, || members.has_leader_without(leader))?,
        FollowerAlone | CutFromLeader | DeafToLeader | MuteToLeader | CutFromAll => {
            members.cut(&ways, || {
                sleep(pause);
                Ok(())
            })?;
        }
        _ => of_processes(fault, &mut members.cluster, (leader, follower, count), pause).map_err(anyhow::Error::msg)?,
    }
    members.cluster.wait().map_err(anyhow::Error::msg)
}

/// From where to where everything is lost.
fn lost(fault: Fault, (leader, follower, count): (usize, usize, usize), server: usize) -> Vec<(Node, Node)> {
    let from_member = |one: usize| {
        let others = (0..count).filter(move |other| *other != one);
        others.map(move |other| (Node::Member(one), Node::Member(other))).collect::<Vec<_>>()
    };
    let from_server =
        |members: Range<usize>| members.map(|member| (Node::Server(server), Node::Member(member))).collect();
    let (out, back) = match fault {
        LeaderAlone => (from_member(leader), true),
        LeaderMute | LeaderDeaf => (from_member(leader), false),
        FollowerAlone => (from_member(follower), true),
        CutFromLeader => (from_server(leader..leader + 1), true),
        MuteToLeader | DeafToLeader => (from_server(leader..leader + 1), false),
        CutFromAll => (from_server(0..count), true),
        _ => (Vec::new(), false),
    };
    let turned = out.iter().map(|&(from, to)| (to, from)).collect();
    match fault {
        LeaderDeaf | DeafToLeader => turned,
        _ if back => [out, turned].concat(),
        _ => out,
    }
}

fn of_processes(
    fault: Fault,
    cluster: &mut Cluster,
    (leader, follower, count): (usize, usize, usize),
    pause: Duration,
) -> Result<(), String> {
    match fault {
        KillAllMembers => {
            (0..count).try_for_each(|member| cluster.kill(member))?;
            sleep(pause);
            (0..count).try_for_each(|member| cluster.restart(member))
        }
        FreezeLeader => {
            cluster.stop(leader)?;
            sleep(pause);
            cluster.resume(leader)
        }
        _ => {
            let member = if fault == KillLeader { leader } else { follower };
            cluster.kill(member)?;
            sleep(pause);
            cluster.restart(member)
        }
    }
}

impl Members {
    /// Loses what is sent along these ways until `meanwhile` is over.
    fn cut(&self, ways: &[(Node, Node)], meanwhile: impl FnOnce() -> Result<()>) -> Result<()> {
        ways.iter().try_for_each(|&(from, to)| self.net.cut(from, to))?;
        let done = meanwhile();
        ways.iter().try_for_each(|&(from, to)| self.net.heal(from, to))?;
        done
    }

    /// Waits until the others have a leader of their own, and a little longer: servers may ask either then.
    fn has_leader_without(&self, old: usize) -> Result<()> {
        let end = Instant::now() + LONGEST_ELECTION;
        while !(0..self.count).any(|member| member != old && self.cluster.leads(member)) {
            if Instant::now() > end {
                bail!("member {old} is cut off from the others, and no other leads within {LONGEST_ELECTION:?}");
            }
            sleep(Duration::from_millis(50));
        }
        sleep(Duration::from_millis(500));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_has_each_kind() {
        let mut round = TOGETHER.to_vec();
        round.sort_unstable();
        round.dedup();
        assert_eq!(round.len(), 16);
        assert_eq!(round.len(), TOGETHER.len());
    }

    #[test]
    fn what_is_lost_is_what_a_fault_says() {
        let (member, server) = (Node::Member, Node::Server(7));
        let ways = |fault| lost(fault, (1, 2, 3), 7);
        let mute = [(member(1), member(0)), (member(1), member(2))];
        let deaf = [(member(0), member(1)), (member(2), member(1))];
        assert_eq!(ways(LeaderMute), mute);
        assert_eq!(ways(LeaderDeaf), deaf);
        assert_eq!(ways(LeaderAlone), [mute, deaf].concat());
        assert_eq!(ways(FollowerAlone).len(), 4);
        assert!(ways(FollowerAlone).iter().all(|&(from, to)| (from == member(2)) != (to == member(2))));
        assert_eq!(ways(MuteToLeader), [(server, member(1))]);
        assert_eq!(ways(DeafToLeader), [(member(1), server)]);
        assert_eq!(ways(CutFromLeader), [(server, member(1)), (member(1), server)]);
        assert_eq!(ways(CutFromAll).len(), 6);
        assert!(ways(CutFromAll).iter().all(|&(from, to)| from == server || to == server));
        assert_eq!(ways(KillLeader), []);
    }
}

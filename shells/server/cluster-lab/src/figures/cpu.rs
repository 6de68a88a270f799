//! CPU time of processes: what members, servers and clients on one machine share.

use anyhow::{Context as _, Result};
use core::ops::{AddAssign, Sub};
use etcd_members::Cluster;
use std::fs;

use super::place::TOGETHER;
use crate::servers::Servers;

/// CPU seconds, of all threads, in the kernel as well.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Cpu {
    pub(super) members: f64,
    pub(super) servers: f64,
    /// This process: the clients, or who makes changes without servers.
    pub(super) clients: f64,
}

impl Cpu {
    /// What all of them have taken so far. Servers that do not run count for nothing.
    pub(super) fn taken(cluster: &Cluster, servers: &Servers) -> Result<Self> {
        let members = (0..TOGETHER).map(|member| of(cluster.pid(member).map_err(anyhow::Error::msg)?));
        let running = (0..TOGETHER).filter_map(|server| servers.process(server)).map(of);
        Ok(Self {
            members: members.sum::<Result<_>>()?,
            servers: running.sum::<Result<_>>()?,
            clients: of(std::process::id())?,
        })
    }

    /// All of it, in microseconds for each of so many changes.
    pub(super) fn each(self, changes: usize) -> [f64; 3] {
        [self.members, self.servers, self.clients].map(|seconds| seconds * 1e6 / changes as f64)
    }
}

impl Sub for Cpu {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            members: self.members - earlier.members,
            servers: self.servers - earlier.servers,
            clients: self.clients - earlier.clients,
        }
    }
}

impl AddAssign for Cpu {
    fn add_assign(&mut self, other: Self) {
        self.members += other.members;
        self.servers += other.servers;
        self.clients += other.clients;
    }
}

fn of(process: u32) -> Result<f64> {
    read(&fs::read_to_string(format!("/proc/{process}/stat"))?)
}

/// Of `/proc/PID/stat`: user and system time, in hundredths of a second, which Linux promises to programs.
fn read(stat: &str) -> Result<f64> {
    // The name of the program may have spaces and brackets of its own.
    let (_, fields) = stat.rsplit_once(") ").context("a process has a name")?;
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(ticks as f64 / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_system_time_are_read_after_the_name() -> Result<()> {
        let stat = "7 (a) (b c) S 1 7 7 0 -1 4194560 900 0 1 0 250 130 3 4 20 0 9 0 99 1000 200";
        assert!((read(stat)? - 3.8).abs() < 1e-9);
        assert!(read("7 a S 1").is_err());
        assert!(of(std::process::id())? >= 0.0);
        Ok(())
    }

    #[test]
    fn a_difference_is_shared_by_the_changes() {
        let cpu = |members, servers, clients| Cpu { members, servers, clients };
        let mut sum = cpu(3.0, 2.0, 1.5) - cpu(1.0, 1.0, 1.0);
        sum += cpu(0.0, 1.0, 0.5);
        assert_eq!(sum.each(1_000_000), [2.0, 2.0, 1.0]);
    }
}

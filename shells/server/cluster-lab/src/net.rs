//! A network on which any node can be cut off from any other, in one direction or in both.
//!
//! Each node is a network namespace, and a bridge joins them. What one node sends to another is lost while the first believes
//! that the second has another hardware address: the bridge takes the packets, and no node takes them in. As on a network that
//! loses every packet, neither side gets an error. It needs nothing of the kernel but namespaces, and no packet filter.

use anyhow::{Context as _, Result, ensure};
use core::{net::Ipv4Addr, time::Duration};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::{
    fs::File,
    net::UdpSocket,
    os::fd::AsFd as _,
    process::{Command, Stdio},
    thread,
    time::Instant,
};

const BRIDGE: &str = "hub0";
/// No node has it.
const NOWHERE: &str = "02:00:00:00:ff:ff";
/// How long a packet is waited for that has to arrive: any network may be slow.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one is waited for that must not arrive.
const NEVER: Duration = Duration::from_millis(300);

/// A place in the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Member(usize),
    Server(usize),
}

impl Node {
    fn name(self) -> String {
        match self {
            Self::Member(number) => format!("member{number}"),
            Self::Server(number) => format!("server{number}"),
        }
    }

    /// The last part of its addresses.
    const fn number(self) -> u8 {
        match self {
            Self::Member(number) => 100 + low(number),
            Self::Server(number) => 200 + low(number),
        }
    }

    pub(crate) const fn address(self) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, 0, self.number())
    }

    fn hardware(self) -> String {
        format!("02:00:00:00:00:{:02x}", self.number())
    }

    /// The words that run a command there; the process becomes that command.
    pub(crate) fn within(self) -> Vec<String> {
        ["ip", "netns", "exec", &self.name()].map(str::to_owned).to_vec()
    }
}

/// There are few of each.
const fn low(number: usize) -> u8 {
    assert!(number < 50, "there are addresses for that many");
    number.to_le_bytes()[0]
}

/// The network. It is gone with this process and those that it has started.
#[derive(Debug)]
pub(crate) struct Net;

impl Net {
    /// Joins nodes by a bridge, which has an address here, and tries that cuts are cuts.
    ///
    /// # Errors
    ///
    /// What `ip` says.
    pub(crate) fn lay(nodes: &[Node]) -> Result<Self> {
        ip("link set lo up")?;
        ip(&format!("link add name {BRIDGE} type bridge"))?;
        ip(&format!("addr add 10.77.0.1/24 dev {BRIDGE}"))?;
        ip(&format!("link set {BRIDGE} up"))?;
        for node in nodes {
            let (name, hardware, address) = (node.name(), node.hardware(), node.address());
            ip(&format!("netns add {name}"))?;
            ip(&format!("link add name {name} type veth peer name eth0 address {hardware} netns {name}"))?;
            ip(&format!("link set {name} master {BRIDGE} up"))?;
            ip(&format!("-n {name} addr add {address}/24 dev eth0"))?;
            ip(&format!("-n {name} link set lo up"))?;
            ip(&format!("-n {name} link set eth0 up"))?;
        }
        let net = Self;
        if let [a, b, ..] = *nodes {
            net.try_out(a, b).context("the network does not do what it should")?;
        }
        Ok(net)
    }

    /// From now on, nothing arrives at `to` that `from` sends to it.
    pub(crate) fn cut(&self, from: Node, to: Node) -> Result<()> {
        self.believes(from, to, NOWHERE)
    }

    /// It arrives again.
    pub(crate) fn heal(&self, from: Node, to: Node) -> Result<()> {
        self.believes(from, to, &to.hardware())
    }

    fn believes(&self, from: Node, to: Node, hardware: &str) -> Result<()> {
        ip(&format!("-n {} neigh replace {} lladdr {hardware} dev eth0 nud permanent", from.name(), to.address()))
    }

    /// That a cut loses what is sent in its direction, and nothing else.
    fn try_out(&self, a: Node, b: Node) -> Result<()> {
        let (at_a, at_b) = (socket(a)?, socket(b)?);
        ensure!(arrives(&at_a, &at_b, PATIENCE)?, "nothing arrives");
        self.cut(a, b)?;
        ensure!(!arrives(&at_a, &at_b, NEVER)?, "a cut lets a packet through");
        ensure!(arrives(&at_b, &at_a, PATIENCE)?, "a cut has an effect in the other direction");
        self.heal(a, b)?;
        ensure!(arrives(&at_a, &at_b, PATIENCE)?, "nothing arrives after a cut");
        Ok(())
    }
}

/// A socket at a node.
fn socket(node: Node) -> Result<UdpSocket> {
    let opening = move || -> Result<UdpSocket> {
        let namespace = File::open(format!("/run/netns/{}", node.name()))?;
        // Only of this thread.
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
        Ok(UdpSocket::bind((node.address(), 0))?)
    };
    thread::spawn(opening).join().map_err(|_| anyhow::anyhow!("a thread panicked"))?
}

/// Whether what one socket sends arrives at the other, which is tried again and again.
fn arrives(from: &UdpSocket, to: &UdpSocket, longest: Duration) -> Result<bool> {
    let (mut packet, token) = ([0; 8], fastrand::u64(..).to_be_bytes());
    let end = Instant::now() + longest;
    to.set_read_timeout(Some(longest / 4))?;
    while Instant::now() < end {
        from.send_to(&token, to.local_addr()?)?;
        while to.recv(&mut packet).is_ok() {
            if packet == token {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn ip(words: &str) -> Result<()> {
    let done = Command::new("ip").args(words.split_whitespace()).stdin(Stdio::null()).output();
    let done = done.context("`ip` cannot be run: install iproute2")?;
    ensure!(done.status.success(), "ip {words}: {}", String::from_utf8_lossy(&done.stderr).trim());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_nodes_are_at_one_place() {
        let nodes: Vec<_> = (0..50).flat_map(|number| [Node::Member(number), Node::Server(number)]).collect();
        let places: HashSet<_> = nodes.iter().map(|node| (node.address(), node.hardware(), node.name())).collect();
        assert_eq!(places.len(), nodes.len());
        assert!(nodes.iter().all(|node| node.hardware() != NOWHERE && node.address().octets()[3] > 1));
        // Names of interfaces have at most 15 bytes.
        assert!(nodes.iter().all(|node| node.name().len() <= 15));
    }
}

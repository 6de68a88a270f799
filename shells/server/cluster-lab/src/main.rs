//! Servers under faults, and a check of everything that was asked, answered, stored and sent to listeners.
//!
//! Clients set states, read, begin and end sessions; a listener is connected to each server; servers are killed, stopped and
//! started again. Each request and reply is recorded with its times. Afterwards the history of changes is read from where the
//! store keeps it, and it is checked that
//!
//! - the changes of each session follow one from the other ([`chain`]);
//! - some order of each session's requests explains every reply, and makes exactly these changes ([`linear`]): so everything
//!   that was acknowledged is there, nothing is there that was not asked for, and no reply was out of date;
//! - each listener got each change once and in order, or was disconnected ([`heard`]).
//!
//! Nothing of the server's code is used: the programs are run as they are.

mod apart;
mod chain;
mod client;
mod etcd;
mod faults;
mod figures;
mod heard;
mod linear;
mod listener;
mod model;
mod net;
#[cfg(test)]
mod planted;
mod servers;
mod store;
mod trail;
mod trails;
mod verdict;

use anyhow::{Context as _, Result, bail, ensure};
use chain::Chains;
use clap::{Args, Parser};
use client::Client;
use core::{
    net::Ipv4Addr,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use etcd_members::{Cluster, Place, Setup};
use fastrand::Rng;
use faults::Members;
use model::{Op, Outcome, Request};
use net::{Net, Node};
use servers::{Runs, Servers};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::Instant,
};
use store::Store;
use trails::Trails;
use verdict::Run;

/// How long listeners may take to get the last events.
const PATIENCE: Duration = Duration::from_secs(30);

/// Servers that share their sessions: under faults, and next to etcd alone
#[derive(Parser)]
enum Command {
    /// Checks what clients and listeners get of servers that are killed, stopped, cut off and started again
    History(Arguments),
    /// Measures servers over members of etcd next to members without servers; prints tables as JSON
    Figures(figures::Arguments),
}

#[derive(Args)]
struct Arguments {
    /// The server's program
    #[arg(long)]
    server: PathBuf,
    /// Three servers over three members of etcd, which are killed, stopped and cut off as well; else one server with a file
    #[arg(long)]
    etcd: bool,
    /// How many clients ask at the same time
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// How many sessions they share
    #[arg(long, default_value_t = 24)]
    sessions: usize,
    /// How many faults there are
    #[arg(long, default_value_t = 16)]
    faults: usize,
    /// Makes the same choices in each run; the times are those of the machine
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::History(arguments) => run(&arguments).map(|said| format!("cluster {said}")),
        Command::Figures(arguments) => figures::run(&arguments),
    };
    match done {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("recording-cluster-lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// One server, with its sessions in a file and an audit trail.
fn with_file(folder: &Path) -> Vec<Runs> {
    let path = |name: &str| folder.join(name).display().to_string();
    let mut arguments = vec!["--store".to_owned(), format!("file:{}", path("sessions"))];
    arguments.extend(["--audit".to_owned(), path("trail"), "--audit-reads".to_owned(), "off".to_owned()]);
    // One file has the whole history, however long the run.
    arguments.extend(["--audit-max-bytes".to_owned(), (1_u64 << 40).to_string()]);
    vec![Runs { within: Vec::new(), address: Ipv4Addr::LOCALHOST, arguments }]
}

/// How many servers there are over etcd, and how many members.
const TOGETHER: usize = 3;
const PREFIX: &str = "lab";
/// Longer than a server tries to have a change stored.
const LONGEST_TRY: Duration = Duration::from_secs(6);

/// Members of etcd, each in a namespace of its own, as the servers will be.
fn members() -> Result<Members> {
    let nodes: Vec<_> = (0..TOGETHER).map(Node::Member).chain((0..TOGETHER).map(Node::Server)).collect();
    let net = Net::lay(&nodes)?;
    let place = |node: Node| Place { address: node.address(), within: node.within() };
    let places = (0..TOGETHER).map(|member| place(Node::Member(member))).collect();
    let cluster = Cluster::start(TOGETHER, &Setup { places, ..Setup::default() }).map_err(anyhow::Error::msg)?;
    Ok(Members { cluster, net, count: TOGETHER })
}

/// Servers with their sessions in etcd, each with an audit trail. Each begins at another member.
fn with_etcd(folder: &Path, members: &Members) -> Vec<Runs> {
    let runs = |server: usize| {
        let mut urls = members.cluster.endpoints();
        urls.rotate_left(server % TOGETHER);
        let mut arguments = vec!["--store".to_owned(), format!("etcd:{PREFIX}")];
        // What is between them is nothing but this program's own network.
        arguments.extend(["--etcd-endpoints".to_owned(), urls.join(","), "--insecure".to_owned()]);
        // Small, so that files are exchanged while intents are open.
        let audit = "--audit-reads off --audit-max-bytes 65536 --audit-keep 10000";
        arguments.extend(audit.split(' ').map(str::to_owned));
        arguments.extend(["--audit".to_owned(), trails::path(folder, server).display().to_string()]);
        let node = Node::Server(server);
        Runs { within: node.within(), address: node.address(), arguments }
    };
    (0..TOGETHER).map(runs).collect()
}

/// Runs it, and says how much was done.
fn run(arguments: &Arguments) -> Result<String> {
    let began = Instant::now();
    if arguments.etcd {
        apart::enter()?;
    }
    let mut random = Rng::with_seed(arguments.seed);
    let mut members = arguments.etcd.then(members).transpose()?;
    let servers = Servers::new(&arguments.server, arguments.clients, |folder| {
        members.as_ref().map_or_else(|| with_file(folder), |members| with_etcd(folder, members))
    })?;
    let store = match &members {
        Some(members) => Store::Etcd(etcd::Reader::new(members.cluster.endpoints(), PREFIX)?),
        None => Store::Trail(servers.folder().join("trail")),
    };
    for server in 0..servers.count() {
        servers.start(server)?;
    }
    let (log, no_listeners) = (listener::Log::default(), AtomicBool::new(false));
    let mut clients: Vec<_> = (0..arguments.clients)
        .map(|number| Client {
            number,
            servers: &servers,
            random: Rng::with_seed(random.u64(..)),
            connections: Default::default(),
            ops: Vec::new(),
            not_sent: 0,
        })
        .collect();
    let (done, chains) = thread::scope(|scope| {
        let over = Over(&servers, &no_listeners);
        let listeners: Vec<_> = (0..servers.count())
            .map(|server| {
                let (servers, store, log, is_over) = (&servers, &store, &log, &no_listeners);
                scope.spawn(move || listener::listen(servers, server, store, log, is_over))
            })
            .collect();
        let working: Vec<_> = clients.iter_mut().map(|client| scope.spawn(|| client.run(arguments.sessions))).collect();
        let done = faults::disturb(&servers, members.as_mut(), arguments.faults, &mut random)?;
        servers.set_over();
        for client in working {
            client.join().map_err(|_| anyhow::anyhow!("a client panicked"))??;
        }
        if arguments.etcd {
            // What was not answered may still be tried.
            thread::sleep(LONGEST_TRY);
        }
        let chains = store.chains()?;
        // The last events may still be on their way.
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end && log.all().iter().any(|heard| heard::check(heard, &chains).is_err()) {
            thread::sleep(Duration::from_millis(100));
        }
        drop(over);
        for listener in listeners {
            listener.join().map_err(|_| anyhow::anyhow!("a listener panicked"))??;
        }
        anyhow::Ok((done, chains))
    })?;
    // What every server says in the end.
    let last = clients.first_mut().context("there is a client")?;
    for (server, session) in
        (0..servers.count()).flat_map(|server| (0..arguments.sessions).map(move |one| (server, one)))
    {
        last.ask(server, session, Request::Read)?.context("a server is gone in the end")?;
    }
    let not_sent: usize = clients.iter().map(|client| client.not_sent).sum();
    let ends = servers.ends();
    let ops: Vec<Op> =
        clients.into_iter().flat_map(|client| client.ops).map(|op| ended(op, &ends, !arguments.etcd)).collect();
    let (chains, trails) = if arguments.etcd { settled(&servers, &chains)? } else { (chains, String::new()) };
    let run = Run { ops, chains, heard: log.all() };
    let (wrong, looked_at) = verdict::judge(&run);
    let said = counted(&run, not_sent, looked_at) + &trails;
    let faults: Vec<_> = done.iter().map(|(fault, count)| format!("{count} {fault:?}")).collect();
    let said = format!(
        "servers: {}, clients: {}: {said}; faults: {}; {} s",
        if arguments.etcd { "3 over 3 members" } else { "1 with a file" },
        arguments.clients,
        faults.join(", "),
        began.elapsed().as_secs()
    );
    if !wrong.is_empty() {
        bail!("{said}\nwrong:\n{}", wrong.join("\n"));
    }
    let changes: usize = run.chains.values().map(Vec::len).sum();
    let events: usize = run.heard.iter().map(|heard| heard.events.len()).sum();
    if changes < 20 * arguments.faults || events < 5 * arguments.faults || 2 * run.heard.len() < ends.len() {
        bail!("{said}\nthat is too little to show anything");
    }
    Ok(said)
}

/// Starts every server once more, which settles its trail, and holds the trails against etcd's history. Gives that with the
/// clients that the trails name, and how much there was.
fn settled(servers: &Servers, history: &Chains) -> Result<(Chains, String)> {
    for server in 0..servers.count() {
        servers.kill(server);
        servers.start(server)?;
        servers.end(server)?;
    }
    let mut trails = Trails::read(servers.folder(), servers.count())?;
    let chains = trails.check(history)?;
    let (intents, settled) = trails.counts();
    trails.lose_one();
    ensure!(trails.check(history).is_err(), "a line was taken out of the trails, and that is not found");
    Ok((chains, format!("; {intents} intents in the audit trails, {settled} of them settled later")))
}

/// Ends clients and listeners, also after an error.
struct Over<'a>(&'a Servers, &'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.set_over();
        self.1.store(true, Ordering::Relaxed);
    }
}

/// What a server answered, it had done before it was gone. If it was `alone`, nothing that was asked of it is done later either.
fn ended(mut op: Op, ends: &[Option<u64>], alone: bool) -> Op {
    if let Some(end) = ends.get(op.start).copied().flatten() {
        op.to = op.to.min(end).max(op.from);
        if alone && op.outcome == Outcome::Unknown {
            op.until = Some(end.max(op.from));
        }
    }
    op
}

fn counted(run: &Run, not_sent: usize, looked_at: usize) -> String {
    let count = |kind: fn(&Outcome) -> bool| run.ops.iter().filter(|op| kind(&op.outcome)).count();
    format!(
        "{} requests, {} answered, {} unknown, {} not done, {not_sent} not sent; {} changes of {} sessions, {} situations; \
         {} events on {} connections of listeners",
        run.ops.len(),
        count(|outcome| matches!(outcome, Outcome::Answered(_))),
        count(|outcome| *outcome == Outcome::Unknown),
        count(|outcome| *outcome == Outcome::NotDone),
        run.chains.values().map(Vec::len).sum::<usize>(),
        run.chains.len(),
        looked_at,
        run.heard.iter().map(|heard| heard.events.len()).sum::<usize>(),
        run.heard.len(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_is_sound() {
        Command::command().debug_assert();
    }
}

//! Two servers over one store, with every order of what they ask, what of it arrives, what is answered, and kills: the trails,
//! once settled, are the store's history.
//!
//! Lines are written, found again and settled by the code that servers run. The store is a few lines here: one session, a
//! comparison of revisions, and a fence for each start of a server.

use std::collections::{HashMap, HashSet};

use recording_core::wire::{CorrelationId, UccName};

use crate::audit::intents::Search;
use crate::audit::{Became, Evidence, Intent, settle};
use crate::session::{OpId, SessionKey};

const STORE: u64 = 7;

/// How many changes both servers ask for, how often a server is killed, and how many requests are sent, at most.
const MOST_CHANGES: u64 = 3;
const MOST_KILLS: usize = 2;
const MOST_SENT: usize = 4;

/// A change of another server.
const OTHER: OpId = OpId { start: 0, number: 0 };

/// What is done wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plant {
    /// A start leaves the fences of those before it.
    NoFence,
    /// The store is asked before the intent is on disk.
    AskedFirst,
    /// What is not there is taken for not made, whatever the store has forgotten.
    Guessed,
    /// An end is taken for ours since the session was as we expected.
    EndByRevision,
    /// A begin is asked for again without a new fence.
    BeginTwice,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Begin,
    Set,
    End,
}

/// A change on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Request {
    op: OpId,
    kind: Kind,
    expected: u64,
    fence: u64,
}

/// What a server waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Pending {
    request: Request,
    known: u64,
    /// So many requests for it are not answered.
    sent: usize,
}

/// What a line says, for comparing two worlds: the times in lines differ.
type Said = (OpId, String, Option<u64>);

#[derive(Debug, Clone)]
struct Server {
    start: u64,
    changes: u64,
    /// On disk.
    lines: Vec<(Said, Vec<u8>)>,
    /// Not on disk yet.
    queued: Vec<(Said, Vec<u8>)>,
    pending: Option<Pending>,
    unanswered: Vec<Intent>,
}

#[derive(Debug, Clone)]
struct World {
    plant: Option<Plant>,
    revision: u64,
    /// The revision and the change that made it so, if the session is open.
    session: Option<(u64, OpId)>,
    history: Vec<(u64, OpId, Kind)>,
    fences: HashMap<u64, u64>,
    net: Vec<Request>,
    servers: [Server; 2],
    starts: u64,
    changes: u64,
    kills: usize,
    sent: usize,
    /// The store has forgotten its history at some start.
    forgot: bool,
}

/// A step of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// A server writes the intent of a change.
    Intend(usize, Kind),
    /// It asks for it, perhaps again.
    Ask(usize),
    /// A request arrives; its answer may be lost.
    Arrive(usize, bool),
    /// A server gives up.
    GiveUp(usize),
    /// What it has queued gets on disk.
    Flush(usize),
    /// It finds out what became of what was not answered.
    Settle(usize),
    /// It is killed and starts again; the store may have forgotten its history then.
    Kill(usize, bool),
}

fn key() -> SessionKey {
    SessionKey::new(UccName::new("u").unwrap(), CorrelationId::from_u128(1))
}

fn intent(op: OpId, kind: Kind, known: u64) -> Intent {
    let call = match kind {
        Kind::Begin => "begin",
        Kind::Set => "set",
        Kind::End => "end",
    };
    let id = CorrelationId::from_u128(1);
    let line = format!(
        r#"{{"Time":"","Call":"{call}","UCCName":"u","CorrelationId":"{id}","Outcome":"intent","Op":"{op}","KnownRevision":{known}}}"#
    );
    let intent = Intent::read(line.as_bytes()).expect("an intent");
    assert_eq!(intent.line(), [line.as_bytes(), b"\n"].concat());
    intent
}

fn said(line: &[u8]) -> Said {
    let line: serde_json::Value = serde_json::from_slice(line).expect("JSON");
    let op = line["Op"].as_str().and_then(|op| op.parse().ok()).expect("an op");
    let settled = if line["Settled"].is_null() { "" } else { " settled" };
    (op, format!("{}{settled}", line["Outcome"].as_str().expect("an outcome")), line["Revision"].as_u64())
}

impl World {
    /// With a session that is open, begun by another server, or without.
    fn new(plant: Option<Plant>, is_open: bool) -> Self {
        let server = |start| Server {
            start,
            changes: 0,
            lines: Vec::new(),
            queued: Vec::new(),
            pending: None,
            unanswered: Vec::new(),
        };
        Self {
            plant,
            revision: 2,
            session: is_open.then_some((2, OTHER)),
            history: Vec::new(),
            fences: HashMap::from([(1, 1), (2, 2)]),
            net: Vec::new(),
            servers: [server(1), server(2)],
            starts: 2,
            changes: 0,
            kills: 0,
            sent: 0,
            forgot: false,
        }
    }

    /// What two worlds are compared by.
    fn seen(&self) -> impl core::hash::Hash + Eq + use<> {
        let servers = self.servers.each_ref().map(|server| {
            let said = |lines: &[(Said, Vec<u8>)]| lines.iter().map(|(said, _)| said.clone()).collect::<Vec<_>>();
            let unanswered: Vec<_> = server.unanswered.iter().map(|intent| intent.op).collect();
            (server.start, said(&server.lines), said(&server.queued), server.pending, unanswered)
        });
        let mut fences: Vec<_> = self.fences.iter().map(|(start, fence)| (*start, *fence)).collect();
        fences.sort_unstable();
        let counts = (self.starts, self.changes, self.kills, self.sent, self.forgot);
        (self.revision, self.session, self.history.clone(), fences, self.net.clone(), servers, counts)
    }

    fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for (at, server) in self.servers.iter().enumerate() {
            match &server.pending {
                None if self.changes < MOST_CHANGES => {
                    let kinds = if self.session.is_none() { &[Kind::Begin][..] } else { &[Kind::Set, Kind::End] };
                    steps.extend(kinds.iter().map(|kind| Step::Intend(at, *kind)));
                }
                None => {}
                Some(pending) => {
                    if pending.sent < 2 && self.sent < MOST_SENT {
                        steps.push(Step::Ask(at));
                    }
                    if pending.sent > 0 {
                        steps.push(Step::GiveUp(at));
                    }
                }
            }
            if !server.queued.is_empty() {
                steps.push(Step::Flush(at));
            }
            if !server.unanswered.is_empty() {
                steps.push(Step::Settle(at));
            }
            if self.kills < MOST_KILLS {
                steps.extend([Step::Kill(at, false), Step::Kill(at, true)]);
            }
        }
        for at in 0..self.net.len() {
            steps.extend([Step::Arrive(at, false), Step::Arrive(at, true)]);
        }
        steps
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Intend(at, kind) => {
                self.changes += 1;
                let server = &mut self.servers[at];
                server.changes += 1;
                let op = OpId { start: server.start, number: server.changes };
                let intent = intent(op, kind, self.revision);
                let line = (said(&intent.line()), intent.line());
                if self.plant == Some(Plant::AskedFirst) {
                    server.queued.push(line);
                } else {
                    // What waits in the queue comes before it.
                    server.lines.append(&mut server.queued);
                    server.lines.push(line);
                }
                let expected = self.session.map_or(0, |(revision, _)| revision);
                let request = Request { op, kind, expected, fence: 0 };
                server.pending = Some(Pending { request, known: self.revision, sent: 0 });
            }
            Step::Ask(at) => {
                let start = self.servers[at].start;
                let mut pending = self.servers[at].pending.expect("there is one");
                if pending.sent > 0 && pending.request.kind == Kind::Begin && self.plant != Some(Plant::BeginTwice) {
                    self.raise(start);
                    // The watch has shown by now whether a request that was given up has made it.
                    let made = self.history.iter().find(|(_, made, _)| *made == pending.request.op);
                    if let Some(&(revision, ..)) = made {
                        return self.answered(at, revision);
                    }
                }
                pending.sent += 1;
                self.sent += 1;
                pending.request.fence = self.fences[&start];
                self.net.push(pending.request);
                self.servers[at].pending = Some(pending);
            }
            Step::Arrive(at, is_lost) => {
                let request = self.net.remove(at);
                let answer = self.arrives(request);
                let asked = self
                    .servers
                    .iter()
                    .position(|server| server.pending.is_some_and(|pending| pending.request.op == request.op));
                if let (Some(at), false, Some(answer)) = (asked, is_lost, answer) {
                    self.answered(at, answer);
                }
            }
            Step::GiveUp(at) => {
                let pending = self.servers[at].pending.take().expect("there is one");
                let intent = intent(pending.request.op, pending.request.kind, pending.known);
                self.write(at, &intent, &Became::Unknown("late".to_owned()), false);
                self.servers[at].unanswered.push(intent);
            }
            Step::Flush(at) => {
                let Server { lines, queued, .. } = &mut self.servers[at];
                lines.append(queued);
            }
            Step::Settle(at) => {
                self.raise(self.servers[at].start);
                for intent in core::mem::take(&mut self.servers[at].unanswered) {
                    let became = settle(&intent, &self.evidence(&[], false));
                    self.write(at, &intent, &became, true);
                }
            }
            Step::Kill(at, forgot) => self.kill(at, forgot),
        }
    }

    fn raise(&mut self, start: u64) {
        self.revision += 1;
        self.fences.insert(start, self.revision);
    }

    fn write(&mut self, at: usize, intent: &Intent, became: &Became, settled: bool) {
        let line = intent.became(became, settled);
        self.servers[at].queued.push((said(&line), line));
    }

    /// What the store does with a request: the revision that it made, or 0. `None` if it met another fence.
    fn arrives(&mut self, request: Request) -> Option<u64> {
        if self.fences.get(&request.op.start) != Some(&request.fence) {
            return None;
        }
        if self.session.map_or(0, |(revision, _)| revision) != request.expected {
            return Some(0);
        }
        self.revision += 1;
        self.session = (request.kind != Kind::End).then_some((self.revision, request.op));
        self.history.push((self.revision, request.op, request.kind));
        Some(self.revision)
    }

    fn answered(&mut self, at: usize, revision: u64) {
        let pending = self.servers[at].pending.take().expect("it waits");
        let Request { op, kind, expected, .. } = pending.request;
        let by_us = self.history.iter().find(|(_, made, _)| *made == op).map(|(revision, ..)| *revision);
        let like_ours = self.history.iter().find(|(_, _, made)| {
            self.plant == Some(Plant::EndByRevision) && kind == Kind::End && *made == Kind::End && expected > 0
        });
        let made = match revision {
            0 => by_us.or(like_ours.map(|(revision, ..)| *revision)),
            revision => Some(revision),
        };
        let became = made.map_or(Became::Conflict, Became::Made);
        self.write(at, &intent(op, kind, pending.known), &became, false);
    }

    fn evidence(&self, open: &[Intent], forgot: bool) -> Evidence {
        if !forgot {
            return Evidence::History(self.history.iter().map(|(revision, op, _)| (*op, *revision)).collect());
        }
        if self.plant == Some(Plant::Guessed) {
            let there = self.session.map(|(revision, op)| (op, revision));
            return Evidence::History(there.into_iter().collect());
        }
        let sessions = self.session.map(|(revision, op)| (key(), (op, revision))).into_iter().collect();
        // A mark of an end is overwritten by the next one of the same start.
        let starts: HashSet<_> = open.iter().map(|intent| intent.op.start).collect();
        let last = |start: u64| {
            let mut ends = self.history.iter().filter(|(_, op, kind)| *kind == Kind::End && op.start == start);
            ends.next_back().map(|(revision, op, _)| (*op, *revision))
        };
        Evidence::Now { sessions, ends: starts.into_iter().filter_map(last).collect(), is_older: false }
    }

    fn kill(&mut self, at: usize, forgot: bool) {
        self.kills += 1;
        self.forgot |= forgot;
        let mut search = Search::of(STORE);
        let server = &mut self.servers[at];
        (server.queued, server.pending, server.unanswered) = Default::default();
        let mut lines = server.lines.iter().rev();
        while lines.next().is_some_and(|(_, line)| search.goes_on(line.trim_ascii_end())) {}
        let open = search.found();
        if self.plant != Some(Plant::NoFence) {
            for intent in &open {
                self.fences.remove(&intent.op.start);
            }
        }
        let evidence = self.evidence(&open, forgot);
        for intent in &open {
            self.write(at, intent, &settle(intent, &evidence), true);
        }
        self.starts += 1;
        let start = self.starts;
        self.raise(start);
        let server = &mut self.servers[at];
        server.start = start;
        server.lines.append(&mut server.queued);
    }

    /// Everything arrives that is on its way, and both servers are started again.
    fn end(&mut self) -> Result<usize, String> {
        while !self.net.is_empty() {
            self.step(Step::Arrive(0, false));
        }
        self.kill(0, false);
        self.kill(1, false);
        self.check()
    }

    fn check(&self) -> Result<usize, String> {
        let mut made = Vec::new();
        let mut unknown = 0;
        for server in &self.servers {
            let mut intents = HashSet::new();
            let mut last: HashMap<OpId, (String, Option<u64>)> = HashMap::new();
            for ((op, outcome, revision), _) in &server.lines {
                if outcome == "intent" {
                    intents.insert(*op);
                } else if !intents.contains(op) {
                    return Err(format!("{op} has no intent before it"));
                } else if let Some((before, _)) = last.insert(*op, (outcome.clone(), *revision))
                    && before != "unknown"
                {
                    return Err(format!("{op} was {before}, and is {outcome}"));
                }
            }
            for op in intents {
                match last.get(&op).ok_or_else(|| format!("{op} is open"))? {
                    (_, Some(revision)) => made.push((*revision, op)),
                    (outcome, None) if outcome.starts_with("unknown") => {
                        if outcome == "unknown" {
                            return Err(format!("{op} is open"));
                        }
                        if !self.forgot {
                            return Err(format!("{op} is unknown, and the store has forgotten nothing"));
                        }
                        unknown += 1;
                        made.extend(self.history.iter().filter(|(_, one, _)| *one == op).map(|(at, op, _)| (*at, *op)));
                    }
                    _ => {}
                }
            }
        }
        made.sort_unstable();
        let history: Vec<_> = self.history.iter().map(|(revision, op, _)| (*revision, *op)).collect();
        if made == history { Ok(unknown) } else { Err(format!("the trails have {made:?}, the history {history:?}")) }
    }
}

/// Looks at every order of steps; returns how many worlds there were, and in how many something stayed unknown.
fn explore(plant: Option<Plant>, most_steps: usize) -> Result<(usize, usize), String> {
    let mut seen = HashSet::new();
    let mut waiting = vec![(World::new(plant, false), 0), (World::new(plant, true), 0)];
    let mut unknown = 0;
    while let Some((world, steps)) = waiting.pop() {
        if !seen.insert((world.seen(), steps)) {
            continue;
        }
        unknown += usize::from(world.clone().end()? > 0);
        if steps < most_steps {
            for step in world.steps() {
                let mut next = world.clone();
                next.step(step);
                waiting.push((next, steps + 1));
            }
        }
    }
    Ok((seen.len(), unknown))
}

#[test]
fn settled_trails_are_the_history() {
    let (worlds, unknown) = explore(None, 6).unwrap();
    println!("{worlds} worlds, {unknown} of them with something unknown");
    assert!(worlds > 5_000 && unknown > 100, "{worlds} {unknown}");
}

#[test]
fn each_planted_fault_is_found() {
    let all = [Plant::NoFence, Plant::AskedFirst, Plant::Guessed, Plant::EndByRevision, Plant::BeginTwice];
    for plant in all {
        let found = (1..=8).find_map(|steps| explore(Some(plant), steps).err());
        assert!(found.is_some(), "{plant:?}");
    }
}

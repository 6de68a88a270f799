//! Makes sequences up from a seed, runs them, and shrinks those that diverge.

use core::fmt;
use core::sync::atomic::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::drive::{Run, Start, pursue};
use crate::machine::sequences;
use crate::naive::State;
use crate::plan::{Ids, Plan};
use crate::reply::Reply;
use crate::rules::Rule;
use crate::shrink::{Blame, Tree};
use crate::step::{At, Step};
use crate::transport::Transport;

/// How often a rule may turn out not to be to blame, or not to be shown again, until no more is tried for it.
const MOST_IN_VAIN: u32 = 12;

/// What to try, and how much.
#[derive(Debug, Clone)]
pub struct Options {
    /// What the sequences are made up from: the same seed makes the same ones.
    pub seed: u64,
    /// How many sequences.
    pub cases: u32,
    /// How many steps one has at most.
    pub steps: usize,
    /// How many findings end it, if `stop` is set. Each broken rule is one, and each is shrunk.
    pub findings: usize,
    /// Whether that many findings end it.
    pub stop: bool,
    /// What the ids of sessions are made of, so that two runs against one server do not meet.
    pub ids: u64,
    /// The sessions of the plan's first UCC that are open, if none can be begun.
    pub sessions: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { seed: 0, cases: 256, steps: 24, findings: usize::MAX, stop: false, ids: 1, sessions: Vec::new() }
    }
}

/// How far it is.
#[derive(Debug, Clone, Copy)]
pub enum Progress {
    /// A sequence was run.
    Case {
        /// How many were.
        done: u32,
        /// How many will be.
        of: u32,
        /// How many requests were sent.
        requests: u64,
    },
    /// A finding is made shorter.
    Shrinking {
        /// The rule that did not hold.
        rule: Rule,
        /// How many steps are left.
        steps: usize,
    },
}

/// A rule that did not hold, and the shortest sequence found that shows it.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Which sequence it was, counted from 0.
    pub case: u32,
    /// The steps.
    pub steps: Vec<Step>,
    /// How they went.
    pub run: Run,
    /// Whether the same steps showed it once more.
    pub repeated: bool,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// What was found, one of each rule that did not hold, the worst first: by [`Rule::harm`].
    pub findings: Vec<Finding>,
    /// The rules that were held against something, and held.
    pub held: BTreeSet<Rule>,
    /// The rules that did not.
    pub diverged: BTreeSet<Rule>,
    /// How many sequences were run.
    pub cases: u32,
    /// How many requests were sent.
    pub requests: u64,
}

/// Why it went no further.
#[derive(Debug)]
pub enum ExploreError<E> {
    /// The transport failed.
    Transport(E),
    /// A session that should be open is not, or cannot be read.
    Session {
        /// Its id.
        id: String,
        /// What came instead.
        got: String,
    },
    /// No sequence could be made up: the world has nothing to ask for.
    NothingToAsk,
}

impl<E> From<E> for ExploreError<E> {
    fn from(error: E) -> Self {
        Self::Transport(error)
    }
}

impl<E: fmt::Display> fmt::Display for ExploreError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(error) => error.fmt(f),
            Self::Session { id, got } => write!(f, "session {id} cannot be read: {got}"),
            Self::NothingToAsk => f.write_str("there is nothing to ask for"),
        }
    }
}

impl<E: fmt::Display + fmt::Debug> core::error::Error for ExploreError<E> {}

impl Report {
    /// Whether nothing diverged.
    #[must_use]
    pub fn held(&self) -> bool {
        self.diverged.is_empty()
    }
}

/// One exploration.
pub(crate) struct Explorer<'a, T> {
    transport: &'a mut T,
    pub(crate) plan: &'a Arc<Plan>,
    options: &'a Options,
    runs: u64,
    /// Where each session that is there is brought back to before a run.
    homes: BTreeMap<String, State>,
    /// How often each rule was tried in vain.
    in_vain: BTreeMap<Rule, u32>,
    /// What was seen and not shrunk: since it was not seen again, or not yet.
    unshrunk: BTreeMap<Rule, Finding>,
    report: Report,
}

/// Explores.
///
/// # Errors
///
/// If the transport fails, or a session is not what it should be. What was found by then [`explore_to_the_end`] tells.
pub fn explore<T: Transport>(
    transport: &mut T,
    plan: &Arc<Plan>,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, ExploreError<T::Error>> {
    let (report, ended) = explore_to_the_end(transport, plan, options, progress);
    ended.map(|()| report)
}

/// The same; what was found, and next to it why it went no further, if it did not.
pub fn explore_to_the_end<T: Transport>(
    transport: &mut T,
    plan: &Arc<Plan>,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> (Report, Result<(), ExploreError<T::Error>>) {
    let mut explorer = Explorer {
        transport,
        plan,
        options,
        runs: 0,
        homes: BTreeMap::new(),
        in_vain: BTreeMap::new(),
        unshrunk: BTreeMap::new(),
        report: Report::default(),
    };
    let mut ended = Ok(());
    for case in 0..options.cases {
        if explorer.is_enough() {
            break;
        }
        ended = explorer.case(case, progress);
        if ended.is_err() {
            break;
        }
        explorer.report.cases += 1;
        progress(Progress::Case { done: case + 1, of: options.cases, requests: explorer.report.requests });
    }
    let Explorer { mut report, unshrunk, .. } = explorer;
    for (rule, finding) in unshrunk {
        if report.diverged.insert(rule) {
            report.findings.push(finding);
        }
    }
    let rank = |finding: &Finding| finding.run.divergence.as_ref().map(|found| (found.rule.harm(), found.rule));
    report.findings.sort_by_key(rank);
    let Report { held, diverged, .. } = &mut report;
    held.retain(|rule| !diverged.contains(rule));
    (report, ended)
}

impl<T: Transport> Explorer<'_, T> {
    const fn is_enough(&self) -> bool {
        self.options.stop && self.report.findings.len() >= self.options.findings
    }

    /// Whether a rule is still to be tried.
    fn is_open(&self, rule: Rule) -> bool {
        !self.report.diverged.contains(&rule) && self.in_vain.get(&rule).is_none_or(|times| *times < MOST_IN_VAIN)
    }

    fn case(&mut self, case: u32, progress: &mut dyn FnMut(Progress)) -> Result<(), ExploreError<T::Error>> {
        let open = self.start()?.open;
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.options.seed.to_le_bytes());
        seed[8..12].copy_from_slice(&case.to_le_bytes());
        let strategy = sequences(self.plan, &open, 1..=self.options.steps.max(1));
        // The same for each rule that the sequence breaks.
        let make = || {
            let config = Config { failure_persistence: None, ..Config::default() };
            let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
            strategy.new_tree(&mut runner).map_err(|_| ExploreError::NothingToAsk)
        };
        let (_, steps, _) = make()?.current();
        let mut first = self.run(&steps, None)?;
        self.report.held.append(&mut first.held);
        for (seen, divergence) in first.divergences.clone() {
            if self.is_enough() {
                break;
            }
            if !self.is_open(divergence.rule) {
                continue;
            }
            let mut tree = make()?;
            // What proptest does not shrink but drops at once: the steps after the divergence.
            if let (_, _, Some(counter)) = tree.current() {
                counter.store(seen, Ordering::Relaxed);
            }
            let steps = &steps[..seen];
            if !self.pursue(case, divergence.rule, steps, Some(&mut tree), progress)? && self.is_open(divergence.rule) {
                let mut shown = first.clone();
                shown.exchanges.truncate(first.exchanges_of(seen));
                shown.divergence = Some(divergence.clone());
                let finding = Finding { case, steps: steps.to_vec(), run: shown, repeated: false };
                self.unshrunk.entry(divergence.rule).or_insert(finding);
            }
        }
        Ok(())
    }

    /// Finds out whether these steps show that a rule is broken, shrinks them if so, and keeps them. `false` if the
    /// same steps do not show it again.
    fn pursue(
        &mut self,
        case: u32,
        rule: Rule,
        steps: &[Step],
        tree: Option<&mut dyn Tree>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<bool, ExploreError<T::Error>> {
        let run = self.run(steps, Some(rule))?;
        if run.divergence.is_none() {
            *self.in_vain.entry(rule).or_default() += 1;
            return Ok(false);
        }
        let steps = &steps[..run.seen];
        if let Blame::Other(other) = self.blame(rule, steps, &run)? {
            *self.in_vain.entry(rule).or_default() += 1;
            if let Some((other, steps)) = other.filter(|(other, _)| *other != rule && self.is_open(*other)) {
                self.pursue(case, other, &steps, None, progress)?;
            }
            return Ok(true);
        }
        // Should the server break off while it is shrunk, this is what is left of it.
        let found = Finding { case, steps: steps.to_vec(), run: run.clone(), repeated: true };
        self.unshrunk.insert(rule, found);
        let (steps, run) = match tree {
            Some(tree) => self.shrink(rule, tree, steps.to_vec(), run, progress)?,
            None => (steps.to_vec(), run),
        };
        let (steps, mut best) = self.minimize(rule, steps, run, progress)?;
        let again = self.run(&steps, Some(rule))?;
        let repeated = again.divergence.is_some();
        if repeated {
            best = again;
        }
        self.unshrunk.remove(&rule);
        self.report.diverged.insert(rule);
        self.report.findings.push(Finding { case, steps, run: best, repeated });
        Ok(true)
    }

    /// Fresh ids; or the sessions that are there.
    fn start(&mut self) -> Result<Start, ExploreError<T::Error>> {
        self.runs += 1;
        let fresh = Ids::of(self.options.ids, self.runs, self.plan.slots);
        if self.plan.can_begin {
            return Ok(Start { ids: fresh, open: BTreeMap::new() });
        }
        let mut ids = self.options.sessions.clone();
        let mut open = BTreeMap::new();
        for (slot, id) in (0..).zip(&ids) {
            let state = self.settled(id)?;
            open.insert(At { ucc: 0, slot }, Some(state));
        }
        ids.push(fresh.get(self.plan.slots).to_owned());
        Ok(Start { ids: Ids(ids), open })
    }

    /// The state of a session that is there, after it was brought back to where it was first seen. What is wrong on the
    /// way is not judged; where it cannot be brought back, it is taken as it is. `None`, as marking or as saving, and
    /// `Uninitialized` have no way back: for them stand Unmark, Delete and Started.
    fn settled(&mut self, id: &str) -> Result<State, ExploreError<T::Error>> {
        let now = self.state(id)?;
        let Some(&home) = self.homes.get(id) else {
            let first = |code, otherwise| if code == 0 { otherwise } else { code };
            self.homes.insert(id.to_owned(), (first(now.0, 1), first(now.1, 2), first(now.2, 2)));
            return Ok(now);
        };
        let mut actions = Vec::new();
        if now.0 != home.0 {
            // A recorder that is Stopped pauses only after a Start.
            actions.extend(if home.0 == 3 { vec![1, 3] } else { vec![home.0] });
        }
        actions.extend((now.1 != home.1).then_some(5 + home.1));
        actions.extend((now.2 != home.2).then_some(3 + home.2));
        for action in &actions {
            self.transport.set(&self.plan.ucc(0).name, id, &self.plan.agent, *action)?;
            self.report.requests += 1;
        }
        if actions.is_empty() { Ok(now) } else { self.state(id) }
    }

    fn state(&mut self, id: &str) -> Result<State, ExploreError<T::Error>> {
        let response = self.transport.read(&self.plan.ucc(0).name, id)?;
        self.report.requests += 1;
        let reply = Reply::of(&response.body);
        let state = reply.state().filter(|_| !reply.is_error() && response.status < 400);
        let got = || format!("{} {}", response.status, response.text());
        state.ok_or_else(|| ExploreError::Session { id: id.to_owned(), got: got() })
    }

    pub(crate) fn run(&mut self, steps: &[Step], pursued: Option<Rule>) -> Result<Run, ExploreError<T::Error>> {
        let start = self.start()?;
        let run = pursue(self.transport, self.plan, start, steps, pursued)?;
        self.report.requests += run.exchanges.len() as u64;
        Ok(run)
    }
}

//! What is known of the sessions while a sequence runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::http::Response;
use crate::judge::leaves;
use crate::naive::{self, State};
use crate::plan::{Plan, Profile};
use crate::reply::Reply;
use crate::rules::Rule;
use crate::step::{At, Spelling, Step};

/// The open sessions and their states, by the naive model.
#[derive(Debug, Clone)]
pub struct Model {
    /// The world.
    pub plan: Arc<Plan>,
    /// The open sessions. `None` is a state that no documented rule tells; the next read will.
    pub open: BTreeMap<At, Option<State>>,
    /// Where an `UnMark` of what was marked succeeded and no read has shown it since.
    pub(crate) unmarked: BTreeSet<At>,
    /// What is marked for certain, where only documented rules count.
    marked: BTreeSet<At>,
    /// By which rule the state of a session is what it is, since a read showed it.
    touched: BTreeMap<At, Rule>,
}

impl Model {
    /// A model in which these sessions are open.
    #[must_use]
    pub const fn new(plan: Arc<Plan>, open: BTreeMap<At, Option<State>>) -> Self {
        Self { plan, open, unmarked: BTreeSet::new(), marked: BTreeSet::new(), touched: BTreeMap::new() }
    }

    /// Whether a session of this id is open in another UCC.
    pub(crate) fn is_open_elsewhere(&self, at: At) -> bool {
        self.open.keys().any(|open| open.slot == at.slot && open.ucc != at.ucc)
    }

    /// The rule that a read breaks which shows another state.
    pub(crate) fn touched_by(&self, at: At) -> Rule {
        self.touched.get(&at).copied().unwrap_or(Rule::StateRead)
    }

    /// The facts about a session, for the naive model. A state that is not known counts as the first one.
    #[must_use]
    pub fn facts(&self, at: At, is_agent: bool) -> naive::World {
        self.plan.facts(at.ucc, is_agent, self.open.get(&at).map(|state| state.unwrap_or_default()))
    }

    /// Whether a step makes sense: only what is not open begins, only what is open ends.
    #[must_use]
    pub fn allows(&self, step: &Step) -> bool {
        match step {
            Step::Begin { at, .. } => {
                let known = self.plan.ucc(at.ucc).settings.is_some();
                // That one id in two UCCs is two sessions is chosen here.
                let alone = self.plan.profile == Profile::All || !self.is_open_elsewhere(*at);
                self.plan.can_begin && known && alone && !self.open.contains_key(at)
            }
            Step::End { at } => self.plan.can_begin && self.open.contains_key(at),
            _ => true,
        }
    }

    /// What a step leads to, by the rules alone.
    pub fn apply(&mut self, step: &Step) {
        match step {
            Step::Begin { at, state } => drop(self.open.insert(*at, Some(*state))),
            Step::End { at } => drop(self.open.remove(at)),
            Step::Set { at, action, by_agent, .. } => {
                if let Some(state) = naive::set(&self.facts(*at, *by_agent), "", "", "", *action).store {
                    self.open.insert(*at, Some(state));
                }
            }
            _ => {}
        }
    }

    /// Knows no more in which state the sessions of this id are: that one of another UCC is another session is chosen here.
    fn forget(&mut self, at: At) {
        for (open, state) in self.open.iter_mut().filter(|(open, _)| open.slot == at.slot) {
            *state = None;
            if *open != at {
                self.unmarked.remove(open);
                self.marked.remove(open);
            }
        }
    }

    /// What a step led to: by the rules if all of them count, else by what the response shows.
    pub fn follow(&mut self, step: &Step, response: &Response) {
        if self.plan.profile == Profile::All {
            self.touched.extend(leaves(self, step, response));
            if let Step::Read { at, spelling: Spelling::Plain } = step {
                self.touched.remove(at);
            }
            return self.apply(step);
        }
        let reply = Reply::of(&response.body);
        match step {
            Step::Begin { at, .. } => {
                self.open.insert(*at, reply.state());
                if reply.state().is_some_and(|state| state.1 == 1) {
                    self.marked.insert(*at);
                }
            }
            Step::End { at } => {
                self.unmarked.remove(at);
                self.marked.remove(at);
                self.apply(step);
            }
            Step::Set { at, action, .. } => {
                self.forget(*at);
                if !self.open.contains_key(at) {
                    return;
                }
                let succeeded = response.status < 400 && reply.value.is_object() && !reply.is_error();
                match (*action, succeeded) {
                    // That UnMark leads to Unmark without a Mark before it is chosen here.
                    (7, true) if self.marked.remove(at) => drop(self.unmarked.insert(*at)),
                    (6, true) => {
                        self.unmarked.remove(at);
                        self.marked.insert(*at);
                    }
                    (6 | 7, _) => {
                        self.unmarked.remove(at);
                        self.marked.remove(at);
                    }
                    _ => {}
                }
            }
            Step::Read { at, spelling: Spelling::Plain | Spelling::V2 } if reply.is_state() && !reply.is_error() => {
                if let Some(known) = self.open.get_mut(at) {
                    *known = reply.state();
                }
                if reply.state().is_some_and(|state| state.1 == 1) {
                    self.marked.insert(*at);
                } else {
                    self.marked.remove(at);
                }
            }
            // A request that must not be understood, and yet may have been.
            Step::Wrong { at, .. } => {
                self.forget(*at);
                self.unmarked.remove(at);
                self.marked.remove(at);
            }
            _ => {}
        }
    }
}

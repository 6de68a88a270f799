//! What is known of the sessions while a sequence runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::http::Response;
use crate::naive::{self, State};
use crate::plan::{Plan, Profile};
use crate::reply::Reply;
use crate::step::{At, Spelling, Step};

/// The open sessions and their states, by the naive model.
#[derive(Debug, Clone)]
pub struct Model {
    /// The world.
    pub plan: Arc<Plan>,
    /// The open sessions. `None` is a state that no documented rule tells; the next read will.
    pub open: BTreeMap<At, Option<State>>,
    /// Where an `UnMark` succeeded and no read has shown it since.
    pub(crate) unmarked: BTreeSet<At>,
}

impl Model {
    /// A model in which these sessions are open.
    #[must_use]
    pub const fn new(plan: Arc<Plan>, open: BTreeMap<At, Option<State>>) -> Self {
        Self { plan, open, unmarked: BTreeSet::new() }
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
                self.plan.can_begin && known && !self.open.contains_key(at)
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

    /// What a step led to: by the rules if all of them count, else by what the response shows.
    pub fn follow(&mut self, step: &Step, response: &Response) {
        if self.plan.profile == Profile::All {
            return self.apply(step);
        }
        let reply = Reply::of(&response.body);
        match step {
            Step::Begin { at, .. } => drop(self.open.insert(*at, reply.state())),
            Step::End { .. } => self.apply(step),
            Step::Set { at, action, .. } if self.open.contains_key(at) => {
                self.open.insert(*at, None);
                let succeeded = response.status < 400 && reply.value.is_object() && !reply.is_error();
                match (*action, succeeded) {
                    (7, true) => drop(self.unmarked.insert(*at)),
                    (6, _) => drop(self.unmarked.remove(at)),
                    _ => {}
                }
            }
            Step::Read { at, spelling: Spelling::Plain | Spelling::V2 } if reply.is_state() && !reply.is_error() => {
                if let Some(known) = self.open.get_mut(at) {
                    *known = reply.state();
                }
            }
            // A request that must not be understood, and yet may have been.
            Step::Wrong { at, .. } if self.open.contains_key(at) => drop(self.open.insert(*at, None)),
            _ => {}
        }
    }
}

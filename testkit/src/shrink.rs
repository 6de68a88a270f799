//! Whether a sequence shows a fault of the rule that it breaks, and the shortest one that does.

use proptest::strategy::ValueTree;

use crate::attribute::{careful_twin, plain_twin, same_answer};
use crate::drive::Run;
use crate::explore::{ExploreError, Explorer, Progress};
use crate::rules::Rule;
use crate::step::Step;
use crate::transport::Transport;

/// How often one finding is tried again while it shrinks.
const MOST_TRIES: u32 = 500;

/// What a rule's divergence turned out to be.
pub(crate) enum Blame {
    /// Its own.
    Own,
    /// Not its own; of that rule, perhaps, which these steps show.
    Other(Option<(Rule, Vec<Step>)>),
}

/// A sequence that proptest made, and can make simpler.
pub(crate) trait Tree {
    fn steps(&self) -> Vec<Step>;
    fn simplify(&mut self) -> bool;
    fn complicate(&mut self) -> bool;
}

impl<S, C, V: ValueTree<Value = (S, Vec<Step>, C)>> Tree for V {
    fn steps(&self) -> Vec<Step> {
        self.current().1
    }

    fn simplify(&mut self) -> bool {
        ValueTree::simplify(self)
    }

    fn complicate(&mut self) -> bool {
        ValueTree::complicate(self)
    }
}

impl<T: Transport> Explorer<'_, T> {
    /// Whether a rule is to blame itself for what `run` of `steps` shows: by the same steps with the plain spelling, and by
    /// the same steps with reads between them.
    pub(crate) fn blame(&mut self, rule: Rule, steps: &[Step], run: &Run) -> Result<Blame, ExploreError<T::Error>> {
        if let Some(twin) = plain_twin(steps, rule) {
            let plain = self.run(&twin, None)?;
            let same = same_answer(self.plan, run, &plain);
            let reached = plain.exchanges.last().is_some_and(|exchange| Some(&exchange.step) == twin.last());
            if reached && !same {
                return Ok(Blame::Own);
            }
            let other = plain.divergences.last().map(|(seen, divergence)| (divergence.rule, twin[..*seen].to_vec()));
            return Ok(Blame::Other(other));
        }
        let Some(twin) = careful_twin(steps, &run.start) else { return Ok(Blame::Own) };
        let careful = self.run(&twin, None)?;
        // Where the reads hide it, it is left at that.
        if !careful.unsure || careful.divergences.iter().any(|(_, divergence)| divergence.rule == rule) {
            return Ok(Blame::Own);
        }
        let other = careful.divergences.last().map(|(seen, other)| (other.rule, twin[..*seen].to_vec()));
        Ok(Blame::Other(other))
    }

    /// The run of these steps, if it shows that the rule is broken, and is to blame itself.
    fn shown(&mut self, rule: Rule, steps: &[Step]) -> Result<Option<Run>, ExploreError<T::Error>> {
        let run = self.run(steps, Some(rule))?;
        if run.divergence.is_none() {
            return Ok(None);
        }
        let own = matches!(self.blame(rule, &steps[..run.seen], &run)?, Blame::Own);
        Ok(own.then_some(run))
    }

    /// Shrinks as proptest does: fewer steps, then simpler ones.
    pub(crate) fn shrink(
        &mut self,
        rule: Rule,
        tree: &mut dyn Tree,
        mut steps: Vec<Step>,
        mut best: Run,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Vec<Step>, Run), ExploreError<T::Error>> {
        let mut more = tree.simplify();
        let mut tries = 0;
        while more && tries < MOST_TRIES {
            tries += 1;
            let mut shorter = tree.steps();
            more = if let Some(tried) = self.shown(rule, &shorter)? {
                shorter.truncate(tried.seen);
                (steps, best) = (shorter, tried);
                progress(Progress::Shrinking { rule, steps: steps.len() });
                tree.simplify()
            } else {
                tree.complicate()
            };
        }
        Ok((steps, best))
    }

    /// Leaves out whatever single step can be left out, and spells as the page does what can be written so, until nothing
    /// can.
    pub(crate) fn minimize(
        &mut self,
        rule: Rule,
        mut steps: Vec<Step>,
        mut best: Run,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Vec<Step>, Run), ExploreError<T::Error>> {
        let mut at = steps.len();
        while at > 0 {
            at -= 1;
            let mut shorter = steps.clone();
            shorter.remove(at);
            let mut plainer = steps.clone();
            plainer[at] = plainer[at].plain();
            for mut simpler in [shorter, plainer] {
                if simpler == steps {
                    continue;
                }
                if let Some(tried) = self.shown(rule, &simpler)? {
                    simpler.truncate(tried.seen);
                    (steps, best) = (simpler, tried);
                    progress(Progress::Shrinking { rule, steps: steps.len() });
                    at = steps.len();
                    break;
                }
            }
        }
        Ok((steps, best))
    }
}

//! Runs one sequence against somebody who speaks the API.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::http::{Request, Response};
use crate::judge::{Divergence, Verdict, expected_event, judge};
use crate::model::Model;
use crate::naive::State;
use crate::plan::{Ids, Plan};
use crate::render;
use crate::rules::Rule;
use crate::step::{At, Step};
use crate::transport::Transport;

/// Where a run starts: its ids, and the sessions that are open already.
#[derive(Debug, Clone)]
pub struct Start {
    /// The ids.
    pub ids: Ids,
    /// What is open, in which state.
    pub open: BTreeMap<At, Option<State>>,
}

/// What was sent and what came.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The step.
    pub step: Step,
    /// The request; `None` for what went by the call's side.
    pub request: Option<Request>,
    /// The response.
    pub response: Response,
}

/// What became of a sequence.
#[derive(Debug, Clone)]
pub struct Run {
    /// Where it started.
    pub start: Start,
    /// What was sent and what came, up to the divergence.
    pub exchanges: Vec<Exchange>,
    /// How many steps were come to.
    pub seen: usize,
    /// The rules that held.
    pub held: BTreeSet<Rule>,
    /// The rule that did not, if there is one. The run ended there.
    pub divergence: Option<Divergence>,
}

/// Runs a sequence to its end, or to the first divergence. Sessions that it began are ended again either way. Steps that
/// make no sense where they stand are left out.
///
/// # Errors
///
/// If the transport fails.
pub fn run<T: Transport>(transport: &mut T, plan: &Arc<Plan>, start: Start, steps: &[Step]) -> Result<Run, T::Error> {
    let mut model = Model::new(Arc::clone(plan), start.open.clone());
    let mut run = Run { start, exchanges: Vec::new(), seen: 0, held: BTreeSet::new(), divergence: None };
    let mut begun = BTreeSet::new();
    let _ = transport.events();
    for step in steps {
        run.seen += 1;
        if !model.allows(step) {
            continue;
        }
        let ids = &run.start.ids;
        let request = render::request(step, plan, ids);
        let response = match (step, &request) {
            (Step::Begin { at, state }, _) => {
                begun.insert(*at);
                transport.begin(&plan.ucc(at.ucc).name, ids.get(at.slot), *state)?
            }
            (Step::End { at }, _) => {
                begun.remove(at);
                transport.end(&plan.ucc(at.ucc).name, ids.get(at.slot))?
            }
            (_, Some(request)) => transport.send(request)?,
            (_, None) => continue,
        };
        let mut verdict = judge(&model, ids, step, request.as_ref(), &response);
        if let Some(events) = transport.events() {
            event(&mut verdict, expected_event(&model, ids, step), &events);
        }
        model.follow(step, &response);
        run.exchanges.push(Exchange { step: step.clone(), request, response });
        run.held.extend(verdict.held);
        if verdict.diverged.is_some() {
            run.divergence = verdict.diverged;
            break;
        }
    }
    for at in begun {
        transport.end(&plan.ucc(at.ucc).name, run.start.ids.get(at.slot))?;
    }
    Ok(run)
}

fn event(verdict: &mut Verdict, expected: Option<String>, events: &[String]) {
    let expected: Vec<String> = expected.into_iter().collect();
    verdict.check(
        Rule::Event,
        events == expected,
        || format!("events: {expected:?}"),
        || format!("events: {events:?}"),
    );
}

//! Runs one sequence against somebody who speaks the API.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use crate::http::{Request, Response};
use crate::judge::{Divergence, Verdict, expected_event, judge};
use crate::model::Model;
use crate::naive::State;
use crate::plan::{Ids, Plan, Profile};
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
    /// How many steps were come to; of a rule that is pursued, the steps up to the one that broke it.
    pub seen: usize,
    /// The rules that held.
    pub held: BTreeSet<Rule>,
    /// The rule that is pursued, if it did not hold: the run ended there. If none is, the first that did not hold.
    pub divergence: Option<Divergence>,
    /// All rules that did not hold, and how many steps were come to with the one that broke it.
    pub divergences: Vec<(usize, Divergence)>,
    /// Whether it ended early, because the server's sessions may be in other states than the rules say.
    pub unsure: bool,
    /// After how many steps each exchange was come to.
    places: Vec<usize>,
}

/// Runs a sequence to its end, or until the server's sessions may be in other states than the rules say. Sessions that it
/// began are ended again either way. Steps that make no sense where they stand are left out.
///
/// # Errors
///
/// If the transport fails.
pub fn run<T: Transport>(transport: &mut T, plan: &Arc<Plan>, start: Start, steps: &[Step]) -> Result<Run, T::Error> {
    pursue(transport, plan, start, steps, None)
}

/// The same, ending as soon as the pursued rule, if there is one, is broken.
///
/// # Errors
///
/// If the transport fails.
pub fn pursue<T: Transport>(
    transport: &mut T,
    plan: &Arc<Plan>,
    start: Start,
    steps: &[Step],
    pursued: Option<Rule>,
) -> Result<Run, T::Error> {
    let mut model = Model::new(Arc::clone(plan), start.open.clone());
    let mut run = Run {
        start,
        exchanges: Vec::new(),
        seen: 0,
        held: BTreeSet::new(),
        divergence: None,
        divergences: Vec::new(),
        unsure: false,
        places: Vec::new(),
    };
    let mut begun = BTreeSet::new();
    // An event is not documented: then none is waited for.
    let hears = plan.profile == Profile::All;
    // What came of another run, and what bringing a session back has made.
    if hears && !plan.can_begin {
        transport.settle()?;
    }
    let _ = transport.events(None)?;
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
        if hears && !verdict.unsure {
            let expected = expected_event(&model, ids, step);
            if let Some(events) = transport.events(expected.as_deref())? {
                event(&mut verdict, ids, expected.as_deref(), &events);
            }
        }
        model.follow(step, &response);
        run.places.push(run.seen);
        run.exchanges.push(Exchange { step: step.clone(), request, response });
        if run.note(verdict, pursued) {
            break;
        }
    }
    if hears && !run.unsure && (pursued.is_none() || run.divergence.is_none()) {
        // One too many may come late.
        transport.settle()?;
        if let Some(events) = transport.events(None)? {
            let mut verdict = Verdict::new(plan.profile);
            event(&mut verdict, &run.start.ids, None, &events);
            run.note(verdict, pursued);
        }
    }
    for at in begun {
        transport.end(&plan.ucc(at.ucc).name, run.start.ids.get(at.slot))?;
    }
    Ok(run)
}

impl Run {
    /// How many exchanges the first `seen` steps made.
    #[must_use]
    pub fn exchanges_of(&self, seen: usize) -> usize {
        self.places.iter().filter(|place| **place <= seen).count()
    }

    /// Takes a verdict on the last step in; whether it is the end.
    fn note(&mut self, verdict: Verdict, pursued: Option<Rule>) -> bool {
        self.held.extend(verdict.held);
        self.unsure |= verdict.unsure;
        for divergence in verdict.diverged {
            if self.divergence.is_none() && pursued.is_none_or(|rule| rule == divergence.rule) {
                self.divergence = Some(divergence.clone());
            }
            self.divergences.push((self.seen, divergence));
        }
        self.unsure || (pursued.is_some() && self.divergence.is_some())
    }
}

/// Compares the events that came with the expected one. A listener hears of all calls: events of sessions
/// that are not of this run are others' affair.
fn event(verdict: &mut Verdict, ids: &Ids, expected: Option<&str>, events: &[String]) {
    let is_ours = |event: &Value| match event["CorrelationId"].as_str() {
        Some(id) => ids.0.iter().any(|own| own.eq_ignore_ascii_case(id)),
        None => true,
    };
    let came: Vec<Value> = events.iter().map(|event| read(event)).filter(is_ours).collect();
    let wanted: Vec<Value> = expected.into_iter().map(read).collect();
    verdict.check(
        Rule::Event,
        came == wanted,
        || format!("events: [{}]", expected.unwrap_or_default()),
        || format!("events: [{}]", came.iter().map(Value::to_string).collect::<Vec<_>>().join(", ")),
    );
}

/// An event as a value; what is no JSON, as a string.
fn read(event: &str) -> Value {
    serde_json::from_str(event).unwrap_or_else(|_| event.into())
}

//! The whole API as an abstract state machine: sequences that proptest makes up and shrinks.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::SizeRange;
use proptest::strategy::{BoxedStrategy, Just, Strategy, Union};
use proptest_state_machine::{ReferenceStateMachine, Sequential};

use crate::model::Model;
use crate::plan::{Plan, Profile};
use crate::step::{At, Spelling, Step};
use crate::wrong::WRONG;
use crate::{naive, strategies};

/// The API with the world of [`Plan::full`]. For another world there is [`sequences`].
#[derive(Debug, Clone, Copy)]
pub struct Api;

impl ReferenceStateMachine for Api {
    type State = Model;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Model> {
        Just(Model::new(Arc::new(Plan::full()), BTreeMap::new())).boxed()
    }

    fn transitions(state: &Model) -> BoxedStrategy<Step> {
        transitions(state)
    }

    fn apply(mut state: Model, transition: &Step) -> Model {
        state.apply(transition);
        state
    }

    fn preconditions(state: &Model, transition: &Step) -> bool {
        state.allows(transition)
    }
}

/// Sequences of steps over a world of one's own, in which `open` is open at the start.
#[must_use]
pub fn sequences(
    plan: &Arc<Plan>,
    open: &BTreeMap<At, Option<naive::State>>,
    size: impl Into<SizeRange>,
) -> Sequential<Model, Step, BoxedStrategy<Model>, BoxedStrategy<Step>> {
    let model = Model::new(Arc::clone(plan), open.clone());
    Sequential::new(
        size.into(),
        move || Just(model.clone()).boxed(),
        Api::preconditions,
        Api::transitions,
        <Api as ReferenceStateMachine>::apply,
    )
}

/// Any session: mostly the first ones.
fn anywhere(plan: &Plan) -> BoxedStrategy<At> {
    let (uccs, slots) = (plan.uccs.len() as u8, plan.slots);
    let ucc = Union::new_weighted(vec![(2, Just(0).boxed()), (3, (0..uccs).boxed())]);
    let slot = Union::new_weighted(vec![(5, Just(0).boxed()), (2, (0..=slots).boxed())]);
    (ucc, slot).prop_map(|(ucc, slot)| At { ucc, slot }).boxed()
}

/// A session to ask for: mostly an open one.
fn target(model: &Model) -> BoxedStrategy<At> {
    let open: Vec<At> = model.open.keys().copied().collect();
    if open.is_empty() {
        return anywhere(&model.plan);
    }
    Union::new_weighted(vec![(5, proptest::sample::select(open).boxed()), (1, anywhere(&model.plan))]).boxed()
}

fn spelling(plan: &Plan, all: &[Spelling]) -> BoxedStrategy<Spelling> {
    let others = match plan.profile {
        Profile::All => all.to_vec(),
        Profile::Documented => Spelling::documented(all),
    };
    Union::new_weighted(vec![(3, Just(Spelling::Plain).boxed()), (2, proptest::sample::select(others).boxed())]).boxed()
}

/// What may come next.
pub fn transitions(model: &Model) -> BoxedStrategy<Step> {
    let plan = &model.plan;
    let mut steps: Vec<(u32, BoxedStrategy<Step>)> = Vec::new();
    let read =
        (target(model), spelling(plan, Spelling::OF_READ)).prop_map(|(at, spelling)| Step::Read { at, spelling });
    steps.push((6, read.boxed()));
    let by_agent = Union::new_weighted(vec![(7, Just(true)), (1, Just(false))]);
    let set = (target(model), naive::actions(), by_agent, spelling(plan, Spelling::OF_SET))
        .prop_map(|(at, action, by_agent, spelling)| Step::Set { at, action, by_agent, spelling });
    steps.push((12, set.boxed()));
    let capabilities = (anywhere(plan), spelling(plan, Spelling::OF_CAPABILITIES))
        .prop_map(|(at, spelling)| Step::Capabilities { ucc: at.ucc, spelling });
    steps.push((2, capabilities.boxed()));
    let body_only = plan.profile == Profile::Documented;
    let kinds: Vec<usize> = (0..WRONG.len()).filter(|which| !body_only || WRONG[*which].status == 400).collect();
    let wrong = (proptest::sample::select(kinds), target(model), naive::actions())
        .prop_map(|(which, at, action)| Step::Wrong { which, at, action });
    steps.push((4, wrong.boxed()));
    steps.push((1, strategies::junk().prop_map(|body| Step::Junk { body }).boxed()));
    if plan.can_begin {
        let begin = beginnings(model);
        if !begin.is_empty() {
            let weight = if model.open.is_empty() { 24 } else { 4 };
            let begin = (proptest::sample::select(begin), strategies::naive_state());
            steps.push((weight, begin.prop_map(|(at, state)| Step::Begin { at, state }).boxed()));
        }
        if !model.open.is_empty() {
            let open: Vec<At> = model.open.keys().copied().collect();
            steps.push((2, proptest::sample::select(open).prop_map(|at| Step::End { at }).boxed()));
        }
    }
    Union::new_weighted(steps).boxed()
}

/// What could begin: the first UCC counts for as much as all others.
fn beginnings(model: &Model) -> Vec<At> {
    let plan = &model.plan;
    let mut all = Vec::new();
    for ucc in 0..plan.uccs.len() as u8 {
        for slot in 0..plan.slots {
            let at = At { ucc, slot };
            if plan.ucc(ucc).settings.is_some() && !model.open.contains_key(&at) {
                all.extend(core::iter::repeat_n(at, if ucc == 0 { plan.uccs.len() } else { 1 }));
            }
        }
    }
    all
}

//! Whether a rule that did not hold is to blame itself, or another one is whose fault only showed there.

use std::collections::BTreeSet;

use crate::drive::{Exchange, Run, Start};
use crate::plan::{Ids, Plan};
use crate::reply::{Reply, refuses};
use crate::rules::Rule;
use crate::step::{At, Spelling, Step};

/// The steps of a sequence with the last one as the page spells it, if a spelling is what broke `rule`: what it is held
/// against.
pub(crate) fn plain_twin(steps: &[Step], rule: Rule) -> Option<Vec<Step>> {
    let (last, before) = steps.split_last()?;
    (last.spelling().rule() == Some(rule)).then(|| before.iter().cloned().chain([last.plain()]).collect())
}

/// The steps of a sequence with reads of all open sessions after each one that could change one, up to the last step: if
/// what was wrong was so before the last step, one of them shows it.
pub(crate) fn careful_twin(steps: &[Step], start: &Start) -> Option<Vec<Step>> {
    let (last, before) = steps.split_last()?;
    let mut twin = Vec::new();
    let mut open: BTreeSet<At> = start.open.keys().copied().collect();
    for step in before {
        twin.push(step.clone());
        match step {
            Step::Begin { at, .. } => drop(open.insert(*at)),
            Step::End { at } => drop(open.remove(at)),
            Step::Set { .. } | Step::Wrong { .. } => {}
            _ => continue,
        }
        twin.extend(open.iter().map(|at| Step::Read { at: *at, spelling: Spelling::Plain }));
    }
    let more = twin.len() > before.len();
    twin.push(last.clone());
    more.then_some(twin)
}

/// Whether the last request of `written` was answered as the plain one was: then the spelling makes no difference.
pub(crate) fn same_answer(plan: &Plan, spelt: &Run, plain: &Run) -> bool {
    let (Some(one), Some(other)) = (spelt.exchanges.last(), plain.exchanges.last()) else { return false };
    let spelling = one.step.spelling();
    if other.step != one.step.plain() {
        return false;
    }
    if spelling == Spelling::Head {
        return one.response.body.is_empty() && one.response.status == other.response.status;
    }
    let (refused, refused_plain) = (
        refuses(&one.response, &Reply::of(&one.response.body)),
        refuses(&other.response, &Reply::of(&other.response.body)),
    );
    if one.response.status != other.response.status || refused != refused_plain {
        return false;
    }
    // A session that could not be brought back stands elsewhere now: then the states differ for that.
    if spelt.start.open != plain.start.open {
        return true;
    }
    let told = named(one, &spelt.start.ids);
    let mut wanted = named(other, &plain.start.ids);
    if spelling == Spelling::RequesterUpper {
        // It is echoed as it was sent.
        for requester in [&plan.agent, &plan.stranger] {
            wanted = wanted.replace(requester.as_str(), &requester.to_ascii_uppercase());
        }
    }
    told == wanted
}

/// The body with slots in place of ids, since each run has its own.
fn named(exchange: &Exchange, ids: &Ids) -> String {
    let mut text = exchange.response.text();
    for (slot, id) in ids.0.iter().enumerate() {
        text = text
            .replace(id.as_str(), &format!("<id {slot}>"))
            .replace(&id.to_ascii_uppercase(), &format!("<ID {slot}>"));
    }
    text
}

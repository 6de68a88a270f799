//! What came of it: for people, and as JSON.

use core::fmt::Write as _;

use recording_testkit::explore::{Finding, Report};
use recording_testkit::plan::{Plan, Profile};
use recording_testkit::rules::Rule;
use recording_testkit::step::Step;
use recording_testkit::wrong::WRONG;
use serde_json::{Value, json};

use crate::access::Endpoint;
use crate::plain::shown;
use crate::{curl, http};

/// What was tested.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The API.
    pub api: &'a Endpoint,
    /// The call's side.
    pub admin: Option<&'a Endpoint>,
    /// The world.
    pub plan: &'a Plan,
    /// What the sequences were made of.
    pub seed: u64,
}

impl Subject<'_> {
    const fn profile(&self) -> &'static str {
        match self.plan.profile {
            Profile::Documented => "documented",
            Profile::All => "all",
        }
    }
}

/// How a rule fared: `held`, `diverged` or `not reached`.
#[must_use]
pub fn status(report: &Report, rule: Rule) -> &'static str {
    if report.diverged.contains(&rule) {
        "diverged"
    } else if report.held.contains(&rule) {
        "held"
    } else {
        "not reached"
    }
}

/// The rules that this profile counts.
fn rules(subject: &Subject<'_>) -> impl Iterator<Item = Rule> {
    let all = subject.plan.profile == Profile::All;
    Rule::ALL.iter().copied().filter(move |rule| all || rule.is_documented())
}

/// The requests of a finding as curl commands, in their order.
#[must_use]
pub fn commands(subject: &Subject<'_>, finding: &Finding) -> Vec<String> {
    let ids = &finding.run.start.ids;
    let admin = subject.admin.unwrap_or(subject.api);
    let command = |exchange: &recording_testkit::drive::Exchange| match (&exchange.request, &exchange.step) {
        (Some(request), _) => Some(curl::command(subject.api, request)),
        (None, Step::Begin { at, state }) => {
            Some(curl::command(admin, &http::begin(&subject.plan.ucc(at.ucc).name, ids.get(at.slot), *state)))
        }
        (None, Step::End { at }) => {
            Some(curl::command(admin, &http::end(&subject.plan.ucc(at.ucc).name, ids.get(at.slot))))
        }
        (None, _) => None,
    };
    finding.run.exchanges.iter().filter_map(command).collect()
}

/// The commands that end again what those of a finding began, so that they can be given once more.
#[must_use]
pub fn cleanup(subject: &Subject<'_>, finding: &Finding) -> Vec<String> {
    let mut begun = std::collections::BTreeSet::new();
    for step in &finding.steps {
        match step {
            Step::Begin { at, .. } => drop(begun.insert(*at)),
            Step::End { at } => drop(begun.remove(at)),
            _ => {}
        }
    }
    let ids = &finding.run.start.ids;
    let end = |at: recording_testkit::step::At| http::end(&subject.plan.ucc(at.ucc).name, ids.get(at.slot));
    let admin = subject.admin.unwrap_or(subject.api);
    begun.into_iter().map(|at| curl::command(admin, &end(at))).collect()
}

/// What the last request of a finding was about, where its name says more than its bytes.
fn remark(finding: &Finding) -> Option<&'static str> {
    match finding.steps.last()? {
        Step::Wrong { which, .. } => Some(WRONG[*which % WRONG.len()].name),
        _ => None,
    }
}

/// The report for people.
#[must_use]
pub fn text(subject: &Subject<'_>, report: &Report) -> String {
    let mut out = String::new();
    // Writing into a `String` cannot fail.
    let _ = writeln!(out, "{:<22}{:<8}{:<13}rule", "section and name", "source", "status");
    for rule in rules(subject) {
        let _ = writeln!(out, "{:<22}{:<8}{:<13}{}", rule.id(), rule.source(), status(report, rule), rule.text());
    }
    let count = |wanted| rules(subject).filter(|rule| status(report, *rule) == wanted).count();
    let _ = writeln!(
        out,
        "\n{}: {} held, {} diverged, {} not reached ({} sequences, {} requests, profile {}, seed {})",
        subject.api.address,
        count("held"),
        count("diverged"),
        count("not reached"),
        report.cases,
        report.requests,
        subject.profile(),
        subject.seed,
    );
    for (number, finding) in report.findings.iter().enumerate() {
        divergence(&mut out, subject, finding, number + 1, report.findings.len());
    }
    out
}

fn divergence(out: &mut String, subject: &Subject<'_>, finding: &Finding, number: usize, of: usize) {
    let Some(divergence) = &finding.run.divergence else { return };
    let rule = divergence.rule;
    let place = if of > 1 { format!(" {number} of {of}") } else { String::new() };
    let _ = writeln!(out, "\nDivergence{place}: {} ({}): {}", rule.id(), rule.source(), rule.text());
    if let Some(remark) = remark(finding) {
        let _ = writeln!(out, "The last request is wrong in one point: {remark}.");
    }
    if !finding.repeated {
        let _ = writeln!(out, "The same requests did not show it a second time.");
    }
    for (at, state) in &finding.run.start.open {
        if let Some((recording, marking, saving)) = state {
            let id = finding.run.start.ids.get(at.slot);
            let _ = writeln!(
                out,
                "Before: session {id} is at {}/{}/{}.",
                naive_name(&recording_testkit::naive::RECORDING, *recording),
                naive_name(&recording_testkit::naive::MARKING, *marking),
                naive_name(&recording_testkit::naive::SAVING, *saving),
            );
        }
    }
    let _ = writeln!(out);
    for command in commands(subject, finding) {
        let _ = writeln!(out, "  {command}");
    }
    let _ = writeln!(out, "\n  expected: {}\n  got:      {}", shown(&divergence.expected), shown(&divergence.got));
    let cleanup = cleanup(subject, finding);
    if !cleanup.is_empty() {
        let _ = writeln!(out, "\nBefore the same commands are given again:\n");
    }
    for command in cleanup {
        let _ = writeln!(out, "  {command}");
    }
}

fn naive_name(names: &[&'static str], code: u8) -> &'static str {
    names.get(usize::from(code)).copied().unwrap_or("?")
}

/// The report as JSON.
#[must_use]
pub fn json(subject: &Subject<'_>, report: &Report) -> Value {
    let rules: Vec<Value> = rules(subject)
        .map(|rule| {
            json!({
                "rule": rule.id(),
                "source": rule.source().name(),
                "status": status(report, rule),
                "text": rule.text(),
            })
        })
        .collect();
    let divergences: Vec<Value> = report
        .findings
        .iter()
        .filter_map(|finding| {
            let divergence = finding.run.divergence.as_ref()?;
            Some(json!({
                "rule": divergence.rule.id(),
                "source": divergence.rule.source().name(),
                "harm": divergence.rule.harm().name(),
                "sequence": finding.case,
                "repeated": finding.repeated,
                "requests": commands(subject, finding),
                "cleanup": cleanup(subject, finding),
                "remark": remark(finding),
                "expected": divergence.expected,
                "got": divergence.got,
            }))
        })
        .collect();
    json!({
        "url": subject.api.address.to_string(),
        "profile": subject.profile(),
        "seed": subject.seed,
        "sequences": report.cases,
        "requests": report.requests,
        "held": report.held(),
        "rules": rules,
        "divergences": divergences,
    })
}

//! Holds a response against the rules, one aspect after the other, so that what differs has a name.

use crate::http::{Request, Response};
use crate::model::Model;
use crate::naive;
use crate::plan::{Ids, Profile};
use crate::render;
use crate::reply::{Reply, refuses};
use crate::rules::Rule;
use crate::step::{At, Spelling, Step};
use crate::wrong::WRONG;

/// What one response says about the rules.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// The rules that it was held against and that held.
    pub held: Vec<Rule>,
    /// The first one that did not.
    pub diverged: Option<Divergence>,
    documented_only: bool,
}

/// A rule that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Divergence {
    /// The rule.
    pub rule: Rule,
    /// What should have come.
    pub expected: String,
    /// What came.
    pub got: String,
}

/// An understood request: what it asks of whom.
struct Ask<'a> {
    /// The action and who asks; `None` for a read.
    set: Option<(u8, String)>,
    at: At,
    id: &'a str,
    ucc: &'a str,
    facts: naive::World,
}

impl Verdict {
    pub(crate) const fn new(profile: Profile) -> Self {
        Self { held: Vec::new(), diverged: None, documented_only: matches!(profile, Profile::Documented) }
    }

    pub(crate) fn check(
        &mut self,
        rule: Rule,
        holds: bool,
        expected: impl FnOnce() -> String,
        got: impl FnOnce() -> String,
    ) {
        if self.diverged.is_some() || (self.documented_only && !rule.is_documented()) {
            return;
        }
        if holds {
            self.held.push(rule);
        } else {
            self.diverged = Some(Divergence { rule, expected: expected(), got: got() });
        }
    }

    /// The same, shown by the whole response.
    fn whole(&mut self, rule: Rule, holds: bool, expected: &str, response: &Response) {
        self.check(rule, holds, || expected.to_owned(), || shown(response));
    }

    fn headers(&mut self, response: &Response) {
        let expected = "Content-Type: application/json; charset=utf-8, Cache-Control: no-store";
        let (kind, cache) = (response.content_type.as_deref(), response.cache_control.as_deref());
        let holds = kind == Some("application/json; charset=utf-8") && cache == Some("no-store");
        let got = || format!("Content-Type: {}, Cache-Control: {}", kind.unwrap_or("none"), cache.unwrap_or("none"));
        self.check(Rule::ReplyHeaders, holds, || expected.to_owned(), got);
    }
}

/// A response in one line.
fn shown(response: &Response) -> String {
    format!("{} {}", response.status, response.text())
}

/// What a response to `step` says. `model` is what was known before it.
#[must_use]
pub fn judge(model: &Model, ids: &Ids, step: &Step, request: Option<&Request>, response: &Response) -> Verdict {
    let mut verdict = Verdict::new(model.plan.profile);
    let plan = &model.plan;
    let ask = |at: At, set: Option<(u8, String)>, is_agent| Ask {
        facts: model.facts(at, is_agent),
        set,
        at,
        id: ids.get(at.slot),
        ucc: &plan.ucc(at.ucc).name,
    };
    match step {
        Step::Begin { state, .. } => {
            let holds = matches!(response.status, 200 | 201) && Reply::of(&response.body).state() == Some(*state);
            verdict.whole(Rule::Begins, holds, &format!("201 and the states {state:?}"), response);
        }
        Step::End { at } => {
            if let (Some(ucc), Some(Some(state))) = (plan.ucc(at.ucc).settings, model.open.get(at)) {
                let body = format!(r#"{{"Disposition":"{}"}}"#, naive::disposition(*state, ucc.save_by_default));
                verdict.whole(Rule::Disposition, response.text() == body, &format!("200 {body}"), response);
            }
        }
        Step::Read { at, spelling } => session(&mut verdict, model, &ask(*at, None, true), *spelling, response),
        Step::Set { at, action, by_agent, spelling } => {
            let requester = render::requester(plan, *by_agent, *spelling);
            session(&mut verdict, model, &ask(*at, Some((*action, requester)), *by_agent), *spelling, response);
        }
        Step::Capabilities { ucc, spelling } => capabilities(&mut verdict, model, *ucc, *spelling, response),
        Step::Wrong { which, .. } => {
            let wrong = &WRONG[*which % WRONG.len()];
            refused(&mut verdict, wrong.rule, wrong.status, wrong.allow, response);
        }
        Step::Junk { .. } => refused(&mut verdict, Rule::BadJson, 400, None, response),
    }
    if request.is_some() {
        verdict.headers(response);
    }
    verdict
}

fn refused(verdict: &mut Verdict, rule: Rule, status: u16, allow: Option<&'static str>, response: &Response) {
    let expected = format!("{status} {{\"ErrorMessage\":{{\"ErrorType\":2,\"Message\":\"…\"}}}}");
    verdict.whole(rule, response.status == status, &expected, response);
    let reply = Reply::of(&response.body);
    // What is not understood is chosen here; the page tells only how that is answered, where it is.
    let told = rule == Rule::BadJson || response.status >= 400;
    if !verdict.documented_only || (status == 400 && told) {
        verdict.whole(Rule::BareError, reply.is_bare_error(), &expected, response);
    }
    verdict.whole(Rule::ErrorTypes, reply.error_type() == Some(2), &expected, response);
    if status != 405 {
        return;
    }
    let got = || format!("{status}, Allow: {}", response.allow.as_deref().unwrap_or("none"));
    let should = || format!("{status}, Allow: {}", allow.unwrap_or("none"));
    verdict.check(Rule::WrongMethod, response.allow.as_deref() == allow, should, got);
}

/// Another spelling of a request: the reply is that of the plain one, and if not, the spelling is to blame. Sequences
/// shrink to the plain spelling where that shows the same.
fn spelt(verdict: &mut Verdict, spelling: Spelling, expected: &str, response: &Response) {
    let Some(rule) = spelling.rule() else { return };
    let body = if spelling == Spelling::Head { "" } else { expected };
    let holds = if verdict.documented_only {
        // Not turned away before it was looked at: more the page does not tell.
        response.status < 400 && !Reply::of(&response.body).is_bare_error()
    } else {
        response.status == 200 && response.body == body.as_bytes()
    };
    verdict.whole(rule, holds, &format!("200 {body}"), response);
}

fn session(verdict: &mut Verdict, model: &Model, ask: &Ask<'_>, spelling: Spelling, response: &Response) {
    let expected = match &ask.set {
        None => naive::state_reply(&ask.facts, ask.ucc, ask.id),
        Some((action, requester)) => naive::set(&ask.facts, ask.ucc, ask.id, requester, *action).reply,
    };
    let known = model.open.get(&ask.at).is_none_or(Option::is_some);
    let (reply, wanted) = (Reply::of(&response.body), Reply::of(expected.as_bytes()));
    if spelling != Spelling::Plain {
        // Where only the page counts, this is told only by what must succeed: how a refusal looks is not documented.
        let safe = match &ask.set {
            None => matches!(wanted.check(), 0 | 7),
            Some((action, _)) => {
                let before = ask.facts.session.unwrap_or_default();
                wanted.check() == 0 && *action >= 4 && naive::step(before, *action) != naive::Step::Unchanged
            }
        };
        if !verdict.documented_only || (known && safe) {
            spelt(verdict, spelling, &expected, response);
        }
        return;
    }
    let line = format!("200 {expected}");
    let check = wanted.check();
    let is_read = ask.set.is_none();

    // Whether it is refused at all comes first: that is what matters most.
    let presence = presence(ask, check);
    if known || is_read || matches!(check, 2..=7) {
        verdict.whole(presence, refuses(response, &reply) == (check != 0), &line, response);
    }
    verdict.whole(Rule::Understood, response.status == 200, &line, response);
    // Where the page knows of an error, it does not say that states stand beside it; older editions do for check 7.
    let shape = if is_read { Rule::StateShape } else { Rule::SetShape };
    if !verdict.documented_only || matches!(check, 0 | 7) {
        verdict.whole(shape, reply.is_state(), &line, response);
        if is_read || !verdict.documented_only {
            verdict.whole(Rule::EchoId, reply.text("CorrelationId") == ask.id, &line, response);
            verdict.whole(Rule::EchoUcc, reply.text("UCCName") == ask.ucc, &line, response);
        }
    }
    if check == 7 && is_read {
        let same = reply.error_type() == Some(2) && reply.message() == wanted.message();
        verdict.whole(Rule::NotFoundReply, same && reply.state() == wanted.state(), &line, response);
    } else if check != 0 {
        verdict.whole(Rule::CheckOrder, matches!(reply.check(), 0 | 8 | 9) || reply.check() == check, &line, response);
        let rule = if check <= 7 { Rule::NothingForStrangers } else { Rule::StatesWithRefusal };
        verdict.whole(rule, reply.state() == wanted.state(), &line, response);
        verdict.whole(Rule::ErrorTypes, reply.error_type() == wanted.error_type(), &line, response);
        verdict.whole(Rule::Messages, reply.message() == wanted.message(), &line, response);
    } else {
        states(verdict, model, ask, known, &reply, &wanted, &line, response);
    }
    verdict.whole(Rule::ExactForm, response.body == expected.as_bytes(), &line, response);
}

/// The rule by which there is an error or none.
fn presence(ask: &Ask<'_>, check: u8) -> Rule {
    let before = ask.facts.session.unwrap_or_default();
    match (check, &ask.set) {
        (2, _) => Rule::UnknownUcc,
        (3, _) => Rule::NeedsLicense,
        (4, _) => Rule::NeedsAudio,
        (5, _) => Rule::NeedsEditing,
        (6, _) => Rule::NeedsAgent,
        (7, _) => Rule::NotFound,
        (8, _) => Rule::Refused,
        (9, _) => Rule::RepeatsRefused,
        (_, None) => Rule::StateRead,
        (_, Some((action, _))) => match (naive::step(before, *action), action) {
            (naive::Step::Unchanged, _) => Rule::RepeatsAccepted,
            (_, action) => axis(*action),
        },
    }
}

const fn axis(action: u8) -> Rule {
    match action {
        1..=3 => Rule::Recording,
        4..=5 => Rule::Saving,
        _ => Rule::Marking,
    }
}

/// The states of a success.
#[allow(clippy::too_many_arguments, reason = "each is a part of one comparison")]
fn states(
    verdict: &mut Verdict,
    model: &Model,
    ask: &Ask<'_>,
    known: bool,
    reply: &Reply,
    wanted: &Reply,
    line: &str,
    response: &Response,
) {
    let (Some(got), Some(want)) = (reply.state(), wanted.state()) else { return };
    let Some((action, _)) = ask.set else {
        if model.unmarked.contains(&ask.at) {
            verdict.whole(Rule::UnmarkIsAState, got.1 == 2, "200 and MarkingState 2", response);
        }
        if known {
            let rule = if verdict.documented_only { Rule::StateRead } else { Rule::Stored };
            verdict.whole(rule, got == want, line, response);
        }
        return;
    };
    let own = |(recording, marking, saving): naive::State| match action {
        1..=3 => recording,
        4..=5 => saving,
        _ => marking,
    };
    // What a set answers is no documented thing: there only the read that follows shows it.
    if action == 7 && !verdict.documented_only {
        verdict.whole(Rule::UnmarkIsAState, got.1 == 2, line, response);
    }
    verdict.whole(axis(action), own(got) == own(want), line, response);
    verdict.whole(Rule::OtherAxes, got == want, line, response);
}

fn capabilities(verdict: &mut Verdict, model: &Model, ucc: u8, spelling: Spelling, response: &Response) {
    let name = &model.plan.ucc(ucc).name;
    let facts = model.plan.facts(ucc, true, None);
    let expected = naive::capabilities_reply(&facts, name);
    if spelling != Spelling::Plain {
        if !verdict.documented_only || facts.ucc.is_some() {
            spelt(verdict, spelling, &expected, response);
        }
        return;
    }
    let line = format!("200 {expected}");
    let (reply, wanted) = (Reply::of(&response.body), Reply::of(expected.as_bytes()));
    if facts.ucc.is_none() {
        verdict.whole(Rule::UnknownUcc, refuses(response, &reply), &line, response);
    }
    verdict.whole(Rule::Understood, response.status == 200, &line, response);
    if facts.ucc.is_some() || !verdict.documented_only {
        verdict.whole(Rule::CapabilitiesShape, reply.is_capabilities(), &line, response);
    }
    let key = "AgentCanEditRecordings";
    verdict.whole(Rule::CapabilitiesValue, reply.value[key] == wanted.value[key], &line, response);
    verdict.whole(Rule::CapabilitiesValue, reply.is_error() == wanted.is_error(), &line, response);
    verdict.whole(Rule::ErrorTypes, reply.error_type() == wanted.error_type(), &line, response);
    verdict.whole(Rule::Messages, reply.message() == wanted.message(), &line, response);
    verdict.whole(Rule::ExactForm, response.body == expected.as_bytes(), &line, response);
}

/// The event that a step must publish, as its JSON.
#[must_use]
pub fn expected_event(model: &Model, ids: &Ids, step: &Step) -> Option<String> {
    let Step::Set { at, action, by_agent, spelling } = step else { return None };
    let ucc = &model.plan.ucc(at.ucc).name;
    let requester = render::requester(&model.plan, *by_agent, *spelling);
    naive::set(&model.facts(*at, *by_agent), ucc, ids.get(at.slot), &requester, *action).event
}

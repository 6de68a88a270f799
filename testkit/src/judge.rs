//! Holds a response against the rules, one aspect after the other, so that what differs has a name.

use crate::http::{Request, Response};
use crate::model::Model;
use crate::naive;
use crate::plan::{Ids, Profile};
use crate::render;
use crate::reply::{Reply, refuses};
use crate::rules::Rule;
use crate::step::{At, Spelling, Step};
use crate::wrong::{WRONG, Wrong};

/// What one response says about the rules.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// The rules that it was held against and that held.
    pub held: Vec<Rule>,
    /// Those that did not, each once: no consequence of another one is among them.
    pub diverged: Vec<Divergence>,
    /// Whether the session may be in another state now than the rules say: what comes next proves nothing.
    pub unsure: bool,
    /// Whether what is left to look at would only repeat what diverged.
    closed: bool,
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
    pub(crate) fn new(profile: Profile) -> Self {
        Self { documented_only: profile == Profile::Documented, ..Self::default() }
    }

    /// Whether it held; so does what does not count.
    pub(crate) fn check(
        &mut self,
        rule: Rule,
        holds: bool,
        expected: impl FnOnce() -> String,
        got: impl FnOnce() -> String,
    ) -> bool {
        if self.closed || (self.documented_only && !rule.is_documented()) {
            return true;
        }
        if holds {
            self.held.push(rule);
        } else if self.diverged.iter().all(|divergence| divergence.rule != rule) {
            self.diverged.push(Divergence { rule, expected: expected(), got: got() });
        }
        holds
    }

    /// The same, shown by the whole response.
    fn whole(&mut self, rule: Rule, holds: bool, expected: &str, response: &Response) -> bool {
        self.check(rule, holds, || expected.to_owned(), || shown(response))
    }

    /// The same; if it is broken, nothing else of this response counts.
    fn first(&mut self, rule: Rule, holds: bool, expected: &str, response: &Response) -> bool {
        let held = self.whole(rule, holds, expected, response);
        self.closed |= !held;
        held
    }

    fn headers(&mut self, response: &Response) {
        let expected = "Content-Type: application/json; charset=utf-8, Cache-Control: no-store";
        let (kind, cache) = (response.content_type.as_deref(), response.cache_control.as_deref());
        let holds = kind == Some("application/json; charset=utf-8") && cache == Some("no-store");
        let got = || format!("Content-Type: {}, Cache-Control: {}", kind.unwrap_or("none"), cache.unwrap_or("none"));
        // Whatever the body is.
        self.closed = false;
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
            let shown = Reply::of(&response.body).state();
            let holds = matches!(response.status, 200 | 201) && shown == Some(*state);
            verdict.whole(Rule::Begins, holds, &format!("201 and the states {state:?}"), response);
            verdict.unsure = shown.is_some_and(|shown| shown != *state) && !verdict.documented_only;
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
        Step::Wrong { which, .. } => refused(&mut verdict, &WRONG[*which % WRONG.len()], response),
        Step::Junk { .. } => not_understood(&mut verdict, Rule::BadJson, 400, true, response),
    }
    if request.is_some() {
        verdict.headers(response);
    }
    let Verdict { held, diverged, .. } = &mut verdict;
    held.retain(|rule| diverged.iter().all(|divergence| divergence.rule != *rule));
    verdict
}

/// The rule by which a step leaves the state of a session as it then is; `None` if it has nothing to do with it. A state
/// that is read and is another one breaks this rule.
pub(crate) fn leaves(model: &Model, step: &Step, response: &Response) -> Option<(At, Rule)> {
    match step {
        Step::Begin { at, .. } => Some((*at, Rule::Begins)),
        Step::Set { at, action, by_agent, .. } => {
            let facts = model.facts(*at, *by_agent);
            let ask = Ask { set: Some((*action, String::new())), at: *at, id: "", ucc: "", facts };
            let check = Reply::of(naive::set(&facts, "", "", "", *action).reply.as_bytes()).check();
            // What a set did that does not say so, only a read can tell.
            let told = Reply::of(&response.body).state().is_some();
            let done = if told { Rule::Stored } else { axis(*action) };
            Some((*at, if check == 0 { done } else { presence(&ask, check) }))
        }
        Step::Wrong { which, at, .. } => Some((*at, WRONG[*which % WRONG.len()].rule)),
        _ => None,
    }
}

fn refused(verdict: &mut Verdict, wrong: &Wrong, response: &Response) {
    not_understood(verdict, wrong.rule, wrong.status, wrong.is_senseless(), response);
    if wrong.status == 405 && response.status == 405 {
        let allowed = |allow: Option<&str>| format!("405, Allow: {}", allow.unwrap_or("none"));
        let got = response.allow.as_deref();
        verdict.check(Rule::WrongMethod, got == wrong.allow, || allowed(wrong.allow), || allowed(got));
    }
}

/// What must not be understood. Where only the page counts, it does not say what to refuse, but how: by the bare error, if
/// the server itself says that it did not understand, or if there is nothing to understand.
fn not_understood(verdict: &mut Verdict, rule: Rule, status: u16, senseless: bool, response: &Response) {
    let expected = format!("{status} {{\"ErrorMessage\":{{\"ErrorType\":2,\"Message\":\"…\"}}}}");
    let reply = Reply::of(&response.body);
    let is_open = !refuses(response, &reply);
    verdict.unsure = is_open && !verdict.documented_only;
    // A server that understood it shows that by another reply than the bare error: how errors look is not the question then.
    if is_open || (response.status < 400 && !reply.is_bare_error()) {
        verdict.first(rule, false, &expected, response);
    }
    verdict.whole(rule, response.status == status, &expected, response);
    let is_told = response.status == 400 && !reply.is_state();
    if !verdict.documented_only || senseless || is_told {
        verdict.first(Rule::BareError, reply.is_bare_error(), &expected, response);
    }
    verdict.whole(Rule::ErrorTypes, reply.error_type() == Some(2), &expected, response);
}

/// Another spelling of a request: it means what the plain one means, and if not, the spelling may be to blame; whether it
/// is, the plain one shows. How the reply is written is not looked at: that of the plain one is.
fn spelt(verdict: &mut Verdict, spelling: Spelling, expected: &str, meaning: bool, response: &Response) {
    let Some(rule) = spelling.rule() else { return };
    let reply = Reply::of(&response.body);
    let body = if spelling == Spelling::Head { "" } else { expected };
    let holds = if verdict.documented_only {
        // Not turned away before it was looked at: more the page does not tell.
        response.status < 400 && !reply.is_bare_error()
    } else if spelling == Spelling::Head {
        let refused = Reply::of(expected.as_bytes()).is_error();
        response.body.is_empty() && (refused || response.status < 400)
    } else {
        meaning && refuses(response, &reply) == Reply::of(expected.as_bytes()).is_error()
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
    let (check, is_read) = (wanted.check(), ask.set.is_none());
    let documented = verdict.documented_only;
    // That a session belongs to its UCC is chosen here.
    if documented && check == 7 && model.is_open_elsewhere(ask.at) {
        return;
    }
    let same_refusal = refuses(response, &reply) == (check != 0);
    let same_state = check != 0 || reply.state().is_none_or(|state| Some(state) == wanted.state());
    let headless = spelling == Spelling::Head;
    verdict.unsure = !(documented || headless || (same_refusal && same_state));
    if spelling != Spelling::Plain {
        // Where only the page counts, this is shown only by what must succeed: how a refusal looks is not documented.
        let safe = match &ask.set {
            None => matches!(check, 0 | 7),
            Some((action, _)) => {
                let before = ask.facts.session.unwrap_or_default();
                check == 0 && *action >= 4 && naive::step(before, *action) != naive::Step::Unchanged
            }
        };
        if !documented || (known && safe) {
            let echoes = match spelling.rule() {
                Some(Rule::IdForms) => !reply.is_state() || reply.text("CorrelationId") == ask.id,
                Some(Rule::RequesterCase) => {
                    !reply.message().eq_ignore_ascii_case(wanted.message()) || reply.message() == wanted.message()
                }
                _ => true,
            };
            spelt(verdict, spelling, &expected, same_state && echoes, response);
        }
        return;
    }
    let line = format!("200 {expected}");

    // Whether it is refused at all comes first: that is what matters most.
    if known || is_read || matches!(check, 2..=7) {
        verdict.first(presence(ask, check), same_refusal, &line, response);
    }
    verdict.whole(Rule::Understood, response.status == 200, &line, response);
    // Where the page knows of an error, it does not say that states are next to it; older editions do for check 7.
    let beside = if matches!(check, 8 | 9) { Rule::StatesWithRefusal } else { Rule::NothingForStrangers };
    let shape = match (is_read, check) {
        _ if reply.state().is_none() && !matches!((is_read, check), (true, 7) | (_, 0)) => beside,
        (true, _) => Rule::StateShape,
        (false, _) => Rule::SetShape,
    };
    if !documented || matches!(check, 0 | 7) {
        verdict.whole(shape, reply.is_state(), &line, response);
        // Each of the rest by itself, where it is there: a key too many must not hide what the others say.
        if is_read || !documented {
            let id = reply.text("CorrelationId");
            // In which of its forms an id is written is chosen here.
            let same = id == ask.id || (documented && naive::guid(id).as_deref() == Some(ask.id));
            verdict.whole(Rule::EchoId, same || !reply.has_text("CorrelationId"), &line, response);
            let same = reply.text("UCCName") == ask.ucc;
            verdict.whole(Rule::EchoUcc, same || !reply.has_text("UCCName"), &line, response);
        }
    }
    if check == 7 && is_read {
        let text = reply.message() == wanted.message() || (documented && not_found(reply.message(), ask.id));
        // Where no states are shown, its shape is what differs.
        let zeros = reply.state().is_none_or(|state| Some(state) == wanted.state());
        let same = reply.error_type() == Some(2) && text && zeros;
        verdict.whole(Rule::NotFoundReply, same, &line, response);
    } else if check != 0 {
        verdict.whole(beside, reply.state() == wanted.state(), &line, response);
        // The bare error is that of what was not understood, which then is the difference.
        if reply.is_error() && !reply.is_bare_error() {
            let checked = reply.check();
            verdict.first(Rule::CheckOrder, matches!(checked, 0 | 8 | 9) || checked == check, &line, response);
            verdict.whole(Rule::ErrorTypes, reply.error_type() == wanted.error_type(), &line, response);
            verdict.whole(Rule::Messages, reply.message() == wanted.message(), &line, response);
        }
    } else {
        states(verdict, model, ask, known, &reply, &wanted, &line, response);
    }
    if verdict.diverged.is_empty() {
        verdict.whole(Rule::ExactForm, response.body == expected.as_bytes(), &line, response);
    }
}

/// The known text, whatever form the id has in it.
fn not_found(message: &str, id: &str) -> bool {
    let inner = message.strip_prefix("No Audio session with correlation Id:'");
    let told = inner.and_then(|rest| rest.strip_suffix("' was found."));
    told.and_then(naive::guid).as_deref() == Some(id)
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
            verdict.first(Rule::UnmarkIsAState, got.1 == 2, "200 and MarkingState 2", response);
        }
        if known {
            let rule = if verdict.documented_only { Rule::StateRead } else { model.touched_by(ask.at) };
            verdict.first(rule, got == want, line, response);
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
        verdict.first(Rule::UnmarkIsAState, got.1 == 2, line, response);
    }
    verdict.first(axis(action), own(got) == own(want), line, response);
    verdict.first(Rule::OtherAxes, got == want, line, response);
}

fn capabilities(verdict: &mut Verdict, model: &Model, ucc: u8, spelling: Spelling, response: &Response) {
    let name = &model.plan.ucc(ucc).name;
    let facts = model.plan.facts(ucc, true, None);
    let expected = naive::capabilities_reply(&facts, name);
    let (reply, wanted) = (Reply::of(&response.body), Reply::of(expected.as_bytes()));
    let key = "AgentCanEditRecordings";
    if verdict.documented_only && wanted.value[key] != true {
        return;
    }
    if spelling != Spelling::Plain {
        let meaning = refuses(response, &reply) || reply.value[key] == wanted.value[key];
        return spelt(verdict, spelling, &expected, meaning, response);
    }
    let line = format!("200 {expected}");
    if facts.ucc.is_none() {
        verdict.first(Rule::UnknownUcc, refuses(response, &reply), &line, response);
    }
    verdict.whole(Rule::Understood, response.status == 200, &line, response);
    // What they are where something is off or unknown is chosen here, and so is that they have this shape then.
    let shape = if wanted.value[key] == true { Rule::CapabilitiesShape } else { Rule::CapabilitiesValue };
    verdict.first(shape, reply.is_capabilities(), &line, response);
    let same = reply.value[key] == wanted.value[key] && reply.is_error() == wanted.is_error();
    verdict.first(Rule::CapabilitiesValue, same, &line, response);
    verdict.whole(Rule::ErrorTypes, reply.error_type() == wanted.error_type(), &line, response);
    verdict.whole(Rule::Messages, reply.message() == wanted.message(), &line, response);
    if verdict.diverged.is_empty() {
        verdict.whole(Rule::ExactForm, response.body == expected.as_bytes(), &line, response);
    }
}

/// The event that a step must publish, as its JSON.
#[must_use]
pub fn expected_event(model: &Model, ids: &Ids, step: &Step) -> Option<String> {
    let Step::Set { at, action, by_agent, spelling } = step else { return None };
    let ucc = &model.plan.ucc(at.ucc).name;
    let requester = render::requester(&model.plan, *by_agent, *spelling);
    naive::set(&model.facts(*at, *by_agent), ucc, ids.get(at.slot), &requester, *action).event
}

//! No rule is blamed for another's fault, and no server for what this project chose, where only the page counts.

use core::convert::Infallible;
use std::collections::BTreeSet;
use std::sync::Arc;

use recording_testkit::explore::{Options, Report, explore};
use recording_testkit::faults::Fault;
use recording_testkit::faulty::FaultyDesk;
use recording_testkit::http::{Request, Response};
use recording_testkit::naive;
use recording_testkit::plan::{Plan, Profile};
use recording_testkit::rules::{Harm, Rule};
use recording_testkit::step::Step;
use recording_testkit::transport::Transport;
use recording_testkit::vendor::{Manner, Vendor};

fn explored<T: Transport>(server: &mut T, profile: Profile, seed: u64, cases: u32) -> Report {
    let plan = Arc::new(Plan { profile, ..Plan::full() });
    explore(server, &plan, &Options { cases, seed, ..Options::default() }, &mut |_| {}).expect("it always answers")
}

fn names(rules: &BTreeSet<Rule>) -> Vec<&'static str> {
    rules.iter().map(|rule| rule.id()).collect()
}

/// The rules that each planted fault breaks, and no others. Where there are two, the fault is so made: it does not look at
/// repeats, for one.
const fn broken_by(fault: Fault) -> &'static [Rule] {
    use Fault::*;
    match fault {
        PauseNotStored => &[Rule::Stored],
        ResumeRefused | RestartRefused => &[Rule::Recording],
        RepeatRefused => &[Rule::RepeatsAccepted],
        RepeatAccepted => &[Rule::RepeatsRefused],
        StopWithoutStart => &[Rule::Refused],
        UnMarkToNone => &[Rule::UnmarkIsAState, Rule::RepeatsRefused],
        MarkNeedsRecorder => &[Rule::Marking, Rule::RepeatsAccepted, Rule::RepeatsRefused],
        DeleteStops => &[Rule::OtherAxes, Rule::RepeatsRefused],
        FirstDecisionCounts => &[Rule::Saving, Rule::RepeatsRefused],
        EventMissing | EventTwice | EventOfRepeat => &[Rule::Event],
        SessionBeforeAgent | AgentBeforeLicense => &[Rule::CheckOrder],
        AnybodyMaySet => &[Rule::NeedsAgent],
        UnlicensedServed => &[Rule::NeedsLicense],
        ErrorTypesSwapped => &[Rule::NotFoundReply, Rule::ErrorTypes],
        StateShownToStranger => &[Rule::NothingForStrangers],
        IdInUpperCase => &[Rule::EchoId],
        UnknownUccNotFound => &[Rule::NothingForStrangers, Rule::CapabilitiesValue, Rule::Understood],
        KeysInOtherOrder => &[Rule::ExactForm],
        StatesByName => &[Rule::StateShape, Rule::SetShape, Rule::NothingForStrangers, Rule::StatesWithRefusal],
        CapabilitiesAlwaysTrue => &[Rule::CapabilitiesValue],
        NotFoundWithoutError | SessionsOfUccsMixed => &[Rule::NotFound],
        VersionTwoUnknown => &[Rule::VersionTwo],
        ActionNameRefused => &[Rule::ActionByName],
        IdOfActionAsText => &[Rule::BadAction],
        FirstKeyWins => &[Rule::KeyTwice],
        RequesterByCase => &[Rule::RequesterCase],
        DispositionForgetsSave => &[Rule::Disposition],
        BeginsStarted => &[Rule::Begins],
    }
}

/// Some faults are of several rules: each is shown, the worst first, and no other rule is blamed. In two halves, for two
/// cores.
fn no_rule_is_blamed(half: usize) {
    for &fault in Fault::ALL.iter().skip(half).step_by(2) {
        let report = explored(&mut FaultyDesk::new(&Plan::full(), Some(fault)), Profile::All, 1, 150);
        let broken = broken_by(fault);
        assert!(report.diverged.contains(&broken[0]), "{fault:?}: {:?}", names(&report.diverged));
        let others: Vec<_> = report.diverged.iter().filter(|rule| !broken.contains(rule)).collect();
        assert!(others.is_empty(), "{fault:?}: {others:?}: {:#?}", report.findings);
        for finding in &report.findings {
            assert!(finding.repeated && finding.steps.len() <= 4, "{fault:?}: {:#?}", finding.steps);
        }
    }
}

#[test]
fn no_rule_is_blamed_for_a_fault_of_another() {
    no_rule_is_blamed(0);
}

#[test]
fn no_rule_is_blamed_for_a_fault_of_another_either() {
    no_rule_is_blamed(1);
}

/// What JSON readers of other languages take is all that differs in the good twin; the other one has a bug, too: Pause from
/// Stopped succeeds.
#[test]
fn a_foreign_server_and_its_twin_with_a_bug() {
    for seed in [1, 4711] {
        let explored = |bug| explored(&mut Vendor::new(&Plan::full(), Manner::Strict, bug), Profile::All, seed, 256);
        let (good, wrong) = (explored(false), explored(true));
        let json = BTreeSet::from([Rule::ExactForm, Rule::BadJson, Rule::KeyTwice, Rule::TooDeep]);
        assert_eq!(names(&good.diverged), names(&json));
        let more: Vec<_> = wrong.diverged.difference(&good.diverged).collect();
        assert_eq!(more, [&Rule::Refused]);
        assert!(good.diverged.is_subset(&wrong.diverged));
        // It comes first, in as few requests as it takes.
        let first = &wrong.findings[0];
        assert_eq!(first.run.divergence.as_ref().unwrap().rule, Rule::Refused);
        // Begun as Stopped, or stopped by a request.
        assert!(first.steps.len() <= 3, "{:#?}", first.steps);
        assert!(matches!(first.steps.last(), Some(Step::Set { action: 3, by_agent: true, .. })), "{:#?}", first.steps);
        for report in [&good, &wrong] {
            assert_eq!(report.findings.len(), report.diverged.len());
            assert!(report.findings.iter().all(|finding| finding.repeated && finding.steps.len() <= 3));
        }
    }
}

/// A desk with a fault whose replies differ as those of others may.
struct Differing {
    desk: FaultyDesk,
    differ: Vec<fn(&mut Response)>,
}

impl Differing {
    fn response(&self, mut response: Response) -> Response {
        self.differ.iter().for_each(|differ| differ(&mut response));
        response
    }
}

impl Transport for Differing {
    type Error = Infallible;

    fn send(&mut self, request: &Request) -> Result<Response, Infallible> {
        let response = self.desk.send(request)?;
        Ok(self.response(response))
    }

    fn begin(&mut self, ucc: &str, id: &str, state: naive::State) -> Result<Response, Infallible> {
        self.desk.begin(ucc, id, state)
    }

    fn end(&mut self, ucc: &str, id: &str) -> Result<Response, Infallible> {
        self.desk.end(ucc, id)
    }
}

/// Harmless differences, of every reply or of many.
const HARMLESS: [fn(&mut Response); 8] = [
    |response| response.content_type = Some("application/json".into()),
    |response| response.cache_control = None,
    |response| edit(response, |text| text.replace("\":", "\": ")),
    |response| edit(response, |text| text.replace(",\"UCCName\"", ",\"Version\":1,\"UCCName\"")),
    |response| edit(response, |text| text.replace("\"ErrorType\":2", "\"ErrorType\":7")),
    |response| edit(response, |text| text.replace("\"Message\":\"", "\"Message\":\"Sorry. ")),
    |response| edit(response, |text| text.replace("\"CorrelationId\":\"0", "\"CorrelationId\":\"{0")),
    |response| {
        if response.text().contains("\"ErrorMessage\":{") && response.status == 200 {
            response.status = 409;
        }
    },
];

fn edit(response: &mut Response, edit: fn(String) -> String) {
    response.body = edit(response.text()).into_bytes();
}

#[test]
fn no_harmless_difference_hides_a_dangerous_one() {
    let faults = [Fault::PauseNotStored, Fault::StopWithoutStart, Fault::DeleteStops, Fault::AnybodyMaySet];
    let ways = HARMLESS.iter().map(|differ| vec![*differ]).chain([HARMLESS.to_vec()]);
    for (way, differ) in ways.enumerate() {
        // All faults where all replies differ, else by turns.
        for fault in faults.into_iter().enumerate().filter(|(at, _)| way == HARMLESS.len() || at % 4 == way % 4) {
            let desk = FaultyDesk::new(&Plan::full(), Some(fault.1));
            let report = explored(&mut Differing { desk, differ: differ.clone() }, Profile::All, 3, 120);
            let first = report.findings[0].run.divergence.as_ref().unwrap();
            assert_eq!(first.rule, broken_by(fault.1)[0], "{way}, {fault:?}: {:?}", names(&report.diverged));
            assert!(report.findings.len() > 1, "{way}: {:?}", names(&report.diverged));
            let blamed: Vec<_> = report.diverged.iter().filter(|rule| rule.harm() <= Harm::Requests).collect();
            assert!(blamed.iter().all(|rule| broken_by(fault.1).contains(rule)), "{way}, {fault:?}: {blamed:?}");
        }
    }
}

/// What this project chose is outside the documented profile: a server that keeps to the page and chose something else
/// wherever it could is not blamed there.
#[test]
fn who_chose_otherwise_holds_what_is_documented() {
    let server = || Vendor::new(&Plan::full(), Manner::Otherwise, false);
    for seed in [1, 2] {
        let report = explored(&mut server(), Profile::Documented, seed, 600);
        assert!(report.held(), "{:#?}", report.findings);
        // All of the page, and nothing else.
        let documented: BTreeSet<Rule> = Rule::ALL.iter().copied().filter(|rule| rule.is_documented()).collect();
        assert_eq!(names(&report.held), names(&documented));
    }
    let report = explored(&mut server(), Profile::All, 1, 256);
    let chosen = Rule::ALL.iter().filter(|rule| !rule.is_documented()).count();
    let differ = report.diverged.iter().filter(|rule| !rule.is_documented()).count();
    // It would prove little if it were like ours.
    assert!(differ * 3 > chosen * 2 - 12, "{differ} of {chosen}: {:?}", names(&report.diverged));
}

/// The lines of the protocol that mark a source are where each rule's section is.
#[test]
fn each_rule_has_a_source_in_its_section() {
    let protocol = include_str!("../../docs/protocol.md");
    for &rule in Rule::ALL {
        let number = rule.id().split('-').next().unwrap();
        let begin =
            protocol.find(&format!("\n## {number}. ")).unwrap_or_else(|| panic!("{}: no such section", rule.id()));
        let section = &protocol[begin + 1..];
        let section = &section[..section.find("\n## ").unwrap_or(section.len())];
        assert!(section.contains(&format!("`{}`", rule.source())), "{} is not {}", rule.id(), rule.source());
    }
}

#[test]
fn a_recording_that_goes_on_comes_before_a_spelling() {
    let mut rules = Rule::ALL.to_vec();
    rules.sort_by_key(|rule| rule.harm());
    assert_eq!((rules[0].harm(), rules.last().unwrap().harm()), (Harm::Deceives, Harm::Spellings));
    for rule in [Rule::Stored, Rule::Refused, Rule::OtherAxes, Rule::Event, Rule::StateRead] {
        assert_eq!(rule.harm(), Harm::Deceives);
    }
    assert!(Rule::BadJson.harm() > Rule::NeedsAgent.harm() && Rule::IdForms.harm() > Rule::BareError.harm());
}

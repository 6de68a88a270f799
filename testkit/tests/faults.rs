//! The kit finds every planted fault, and nothing in a server that has none.

use std::sync::Arc;

use recording_testkit::explore::{Options, Report, explore};
use recording_testkit::faults::Fault;
use recording_testkit::faulty::FaultyDesk;
use recording_testkit::plan::{Plan, Profile};
use recording_testkit::rules::Rule;

fn explored(fault: Option<Fault>, profile: Profile, cases: u32) -> Report {
    let plan = Arc::new(Plan { profile, ..Plan::full() });
    let mut server = FaultyDesk::new(&plan, fault);
    let options = Options { cases, findings: 1, stop: true, ..Options::default() };
    explore(&mut server, &plan, &options, &mut |_| {}).expect("a desk in this process always answers")
}

#[test]
fn a_server_without_faults_holds_every_rule() {
    for profile in [Profile::All, Profile::Documented] {
        let report = explored(None, profile, 700);
        let found = report.findings.first().map(|finding| (&finding.steps, &finding.run.divergence));
        assert!(report.held(), "{found:#?}");
        let counts = |rule: &&Rule| profile == Profile::All || rule.is_documented();
        let missed: Vec<_> = Rule::ALL.iter().filter(counts).filter(|rule| !report.held.contains(rule)).collect();
        assert!(missed.is_empty(), "{profile:?} does not reach {missed:?}");
    }
}

#[test]
fn every_fault_is_found_and_shown_in_few_steps() {
    for &fault in Fault::ALL {
        let report = explored(Some(fault), Profile::All, 1000);
        let finding = report.findings.first().unwrap_or_else(|| panic!("{fault:?} is not found"));
        let rule = finding.run.divergence.as_ref().map(|divergence| divergence.rule);
        println!("{fault:?}: {} steps, {rule:?}: {:?}", finding.steps.len(), finding.steps);
        assert!(finding.repeated && finding.steps.len() <= 4, "{fault:?}: {:#?}", finding.steps);
    }
}

#[test]
fn documented_rules_alone_find_what_breaks_them_and_nothing_else() {
    for &fault in Fault::ALL {
        let report = explored(Some(fault), Profile::Documented, if fault.breaks_documented() { 1000 } else { 60 });
        let found = report.findings.first().map(|finding| (&finding.steps, &finding.run.divergence));
        assert_eq!(!report.held(), fault.breaks_documented(), "{fault:?}: {found:#?}");
        assert!(report.diverged.iter().all(|rule| rule.is_documented()));
    }
}

#[test]
fn the_same_seed_finds_the_same() {
    let steps = || explored(Some(Fault::DeleteStops), Profile::All, 200).findings.remove(0).steps;
    assert_eq!(steps(), steps());
}

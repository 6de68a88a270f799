//! Histories with a planted fault: each must be found, and the same history without it must not.

use crate::chain::{Cause, Chains, Change};
use crate::heard::Heard;
use crate::model::{Op, Outcome, Reply, Request, State};
use crate::verdict::{Run, judge};

const STARTED: State = (1, 0, 0);
const PAUSED: State = (3, 0, 0);
const MARKED: State = (3, 1, 0);

fn op(client: usize, from: u64, to: u64, request: Request, outcome: Outcome) -> Op {
    Op { client, session: 7, start: 0, request, from, to, outcome, until: None }
}

fn answered(client: usize, from: u64, to: u64, request: Request, reply: Reply) -> Op {
    op(client, from, to, request, Outcome::Answered(reply))
}

fn change(revision: u64, cause: Cause, before: Option<State>, after: Option<State>, by: usize) -> Change {
    Change { revision, cause, before, after, by: Some(by) }
}

/// Begun as started, paused by client 1, marked by client 2, ended by client 0; one refusal, one unknown that was done.
fn sound() -> Run {
    let ops = vec![
        answered(0, 0, 10, Request::Begin(STARTED), Reply::Begun),
        answered(1, 20, 40, Request::Set(3), Reply::Open(PAUSED)),
        // While the pause is under way: either state may be read.
        answered(2, 25, 30, Request::Read, Reply::Open(STARTED)),
        answered(3, 31, 36, Request::Read, Reply::Open(PAUSED)),
        answered(1, 50, 60, Request::Set(3), Reply::Open(PAUSED)),
        op(2, 70, 80, Request::Set(6), Outcome::Unknown),
        answered(3, 90, 95, Request::Read, Reply::Open(MARKED)),
        answered(0, 100, 110, Request::End, Reply::Ended("Discard")),
        answered(1, 120, 130, Request::Set(3), Reply::NoSession),
        answered(0, 140, 150, Request::Begin((2, 0, 0)), Reply::Begun),
        answered(1, 160, 170, Request::Set(3), Reply::Refused((2, 0, 0))),
        op(1, 180, 190, Request::Set(1), Outcome::NotDone),
        answered(1, 200, 210, Request::Read, Reply::Open((2, 0, 0))),
    ];
    let chain = vec![
        change(1, Cause::Begin, None, Some(STARTED), 0),
        change(2, Cause::Set(3), Some(STARTED), Some(PAUSED), 1),
        change(4, Cause::Set(6), Some(PAUSED), Some(MARKED), 2),
        change(5, Cause::End, Some(MARKED), None, 0),
        change(6, Cause::Begin, None, Some((2, 0, 0)), 0),
    ];
    let heard = |since, events: &[u8], is_over| Heard {
        server: 0,
        since: Some(since),
        events: events.iter().map(|&action| (7, action)).collect(),
        is_over,
    };
    let mut chain = Chains::from([(7, chain)]);
    // Another session, whose replies and events are of no matter to the first.
    chain.insert(8, Vec::new());
    Run { ops, chains: chain, heard: vec![heard(0, &[3, 6], false), heard(1, &[3], true), heard(2, &[6], false)] }
}

/// What is found of the sound history with this done to it.
fn found(plant: impl FnOnce(&mut Run)) -> String {
    let mut run = sound();
    plant(&mut run);
    judge(&run).0.join("\n")
}

fn chain(run: &mut Run) -> &mut Vec<Change> {
    run.chains.get_mut(&7).expect("it is there")
}

#[test]
fn a_sound_history_is_sound() {
    assert_eq!(found(|_| ()), "");
    // Without a reply it may also have been done at any later time, or never.
    assert_eq!(
        found(|run| {
            run.ops.retain(|op| op.from != 90);
            chain(run).remove(2);
            chain(run)[2].before = Some(PAUSED);
            run.heard[0].events.pop();
            run.heard[2].events.pop();
        }),
        ""
    );
}

#[test]
fn a_lost_update_is_found() {
    // The pause was acknowledged, and what came next began where it had not been made.
    let said = found(|run| {
        chain(run).remove(1);
        chain(run)[1].before = Some(STARTED);
        chain(run)[1].after = Some((1, 1, 0));
        chain(run)[2].before = Some((1, 1, 0));
        run.ops[6].outcome = Outcome::Answered(Reply::Open((1, 1, 0)));
        run.ops.retain(|op| !matches!(op.from, 31 | 50));
        run.heard.clear();
    });
    assert!(said.contains("no order explains Op { client: 1"), "{said}");
    assert!(said.contains("with any changes"), "{said}");
}

#[test]
fn a_stale_read_is_found() {
    let said = found(|run| run.ops[6].outcome = Outcome::Answered(Reply::Open(STARTED)));
    assert!(said.contains("no order explains Op { client: 3"), "{said}");
    // Two reads one after the other may not go back either, although the pause is under way.
    let said = found(|run| {
        run.ops[2].outcome = Outcome::Answered(Reply::Open(PAUSED));
        run.ops[3].outcome = Outcome::Answered(Reply::Open(STARTED));
    });
    assert!(said.contains("no order explains Op { client: 3"), "{said}");
}

#[test]
fn an_acknowledged_change_that_is_not_in_the_chain_is_found() {
    let said = found(|run| {
        chain(run).truncate(4);
        run.ops.truncate(10);
    });
    assert!(said.contains("not with the changes of the history"), "{said}");
}

#[test]
fn a_change_that_was_not_asked_for_is_found() {
    let more = change(7, Cause::Set(1), Some((2, 0, 0)), Some(STARTED), 1);
    // Reported as not done, and done all the same; the last read was before it.
    let said = found(|run| {
        chain(run).push(more);
        run.heard.clear();
    });
    assert!(said.contains("no request explains one of the changes from Some(Change { revision: 7"), "{said}");
    // Done, but by a client that did not ask.
    let said = found(|run| chain(run)[1].by = Some(2));
    assert!(said.contains("no order explains"), "{said}");
}

#[test]
fn what_can_have_no_effect_any_more_is_found() {
    // The server was gone at 85, and the mark was made after a read of 88.
    let plant = |run: &mut Run| {
        run.ops[5].until = Some(85);
        run.ops.push(answered(4, 86, 88, Request::Read, Reply::Open(PAUSED)));
    };
    let said = found(plant);
    assert!(said.contains("no order explains"), "{said}");
    assert_eq!(found(|run| run.ops.push(answered(4, 86, 88, Request::Read, Reply::Open(PAUSED)))), "");
}

#[test]
fn a_broken_chain_is_found() {
    let said = found(|run| chain(run)[2].before = Some(STARTED));
    assert!(said.contains("the chain is broken"), "{said}");
    let said = found(|run| chain(run)[3].revision = 4);
    assert!(said.contains("revision 4 comes before"), "{said}");
    let said = found(|run| chain(run)[1].cause = Cause::Set(2));
    assert!(said.contains("no such change"), "{said}");
}

#[test]
fn an_impossible_refusal_is_found() {
    // A Pause is not refused while the recorder runs.
    let said = found(|run| run.ops[4].outcome = Outcome::Answered(Reply::Refused(PAUSED)));
    assert!(said.contains("no order explains Op { client: 1"), "{said}");
    let said = found(|run| run.ops[8].outcome = Outcome::Answered(Reply::Refused((2, 0, 0))));
    assert!(said.contains("no order explains Op { client: 1"), "{said}");
}

#[test]
fn a_wrong_disposition_is_found() {
    let said = found(|run| run.ops[7].outcome = Outcome::Answered(Reply::Ended("Keep")));
    assert!(said.contains("no order explains Op { client: 0"), "{said}");
}

#[test]
fn each_fault_of_a_listener_is_found() {
    let events = |events: &[u8]| {
        let events: Vec<_> = events.iter().map(|&action| (7, action)).collect();
        found(|run| run.heard[0].events = events)
    };
    for (what, said) in [
        ("doubled", events(&[3, 3, 6])),
        ("missing at the end", events(&[3])),
        ("missing at the begin", events(&[6])),
        ("all missing", events(&[])),
        ("out of order", events(&[6, 3])),
        ("never made", events(&[3, 6, 5])),
        ("after the end", found(|run| run.heard[1].events = vec![(7, 6), (7, 3)])),
        ("of no session", found(|run| run.heard[0].events.push((9, 1)))),
        ("of another session", found(|run| run.heard[0].events.push((8, 1)))),
    ] {
        assert!(said.contains("a listener of server 0 got"), "{what}: {said}");
    }
    // A connection that came later may still get what was on its way, and one that is over may lack the end.
    assert_eq!(found(|run| run.heard[2].events = vec![(7, 3), (7, 6)]), "");
    assert_eq!(found(|run| run.heard[1].events.clear()), "");
}

//! Every request with every combination of facts, against a second implementation that shares no code: order of checks,
//! reply bytes, event bytes, stored state. Enumerated, not sampled.

use recording_core::decide::{Decision, SetFacts, StateFacts};
use recording_core::state::ActionSet;
use recording_core::wire::{
    CapabilitiesReply, CapabilitiesRequest, CorrelationId, SetRequest, StateReply, StateRequest,
};
use recording_core::{Action, Event, Reply, State};
use recording_test_support::{all_settings, codes, naive, report};

const UCC: &str = "ucc \"demo\" \\ Größe";
const SIP: &str = "SIP:Agent\"1\\@domain.com";
const ID: &str = "1d6c6a58-6739-4f0c-98ff-0968292c8c30";

fn id() -> CorrelationId {
    ID.parse().expect("a GUID")
}

fn written(reply: &StateReply<'_>) -> String {
    let mut buffer = [0; Reply::MAX_LEN];
    let bytes = reply.write(&mut buffer).expect("room");
    let bytes_again = Reply::State(*reply).write(&mut [0; Reply::MAX_LEN]).expect("room").to_vec();
    assert_eq!(bytes, bytes_again);
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// All 36 states, and no session.
fn all_sessions() -> impl Iterator<Item = Option<State>> {
    State::ALL.into_iter().map(Some).chain([None])
}

#[test]
fn every_set() {
    let ucc = UCC.try_into().expect("a name");
    let requester = SIP.try_into().expect("a URI");
    let mut combinations = 0;
    for (settings, naive_settings) in all_settings() {
        for known in [true, false] {
            for requester_is_agent in [true, false] {
                for session in all_sessions() {
                    for &action in Action::ALL {
                        let request = SetRequest { action, requester, correlation_id: id(), ucc };
                        let facts = known.then_some(SetFacts { settings, requester_is_agent, session });
                        let world = naive::World {
                            ucc: known.then_some(naive_settings),
                            is_agent: requester_is_agent,
                            session: session.map(codes),
                        };
                        let expected = naive::set(&world, UCC, ID, SIP, action.code());

                        let (reply, event, store) = match request.decide(facts) {
                            Decision::Reply(answer) => {
                                assert_eq!(answer.reply.error, answer.refusal.map(Into::into));
                                (answer.reply, None, None)
                            }
                            Decision::Change(pending) => {
                                assert_eq!(Some(pending.expected()), session);
                                assert_eq!((pending.ucc(), pending.correlation_id()), (ucc, id()));
                                assert_eq!((pending.action(), pending.requester()), (action, requester));
                                let to = pending.new_state();
                                let stored = pending.commit();
                                assert_eq!(stored.audit_name, expected.audit);
                                (stored.reply, Some(stored.event), Some(to))
                            }
                        };
                        let context = || format!("{action} {session:?} {settings:?} {known} {requester_is_agent}");
                        assert_eq!(written(&reply), expected.reply, "{}", context());
                        let event = event.map(|event| {
                            let mut buffer = [0; Event::MAX_LEN];
                            String::from_utf8(event.write(&mut buffer).expect("room").to_vec()).expect("UTF-8")
                        });
                        assert_eq!(event, expected.event, "{}", context());
                        assert_eq!(store.map(codes), expected.store, "{}", context());
                        combinations += 1;
                    }
                }
            }
        }
    }
    assert_eq!(combinations, 32 * 2 * 2 * 37 * 7);
    report(format_args!("set decisions: {combinations} combinations of request and facts, against the naive model"));
}

#[test]
fn what_is_allowed_is_what_is_decided() {
    let ucc = UCC.try_into().expect("a name");
    let requester = SIP.try_into().expect("a URI");
    let mut some = [0; 2];
    for (settings, _) in all_settings() {
        for state in State::ALL {
            let (mut allowed, mut changing) = (ActionSet::EMPTY, ActionSet::EMPTY);
            for &action in Action::ALL {
                let request = SetRequest { action, requester, correlation_id: id(), ucc };
                let facts = SetFacts { settings, requester_is_agent: true, session: Some(state) };
                match request.decide(Some(facts)) {
                    Decision::Change(_) => (allowed, changing) = (allowed.with(action), changing.with(action)),
                    Decision::Reply(decided) if decided.refusal.is_none() => allowed = allowed.with(action),
                    Decision::Reply(_) => {}
                }
            }
            assert_eq!(settings.allowed(state), allowed, "{state} {settings:?}");
            assert_eq!(settings.changing(state), changing, "{state} {settings:?}");
            let capabilities = CapabilitiesRequest { ucc }.decide(Some(settings));
            assert_eq!(settings.allows_changes(), capabilities.agent_can_edit_recordings, "{settings:?}");
            some[0] += usize::from(!changing.is_empty());
            some[1] += usize::from(allowed != changing);
        }
    }
    // Four of the 32 settings allow changes; two of them accept repeats, of which every state but the first has some.
    assert_eq!(some, [36 * 4, 35 * 2]);
}

#[test]
fn every_read_and_every_capability() {
    let ucc = UCC.try_into().expect("a name");
    let mut combinations = 0;
    for (settings, naive_settings) in all_settings() {
        for known in [true, false] {
            for session in all_sessions() {
                let request = StateRequest { ucc, correlation_id: id() };
                let reply = request.decide(known.then_some(StateFacts { settings, session }));
                for is_agent in [true, false] {
                    let ucc = known.then_some(naive_settings);
                    let world = naive::World { ucc, is_agent, session: session.map(codes) };
                    assert_eq!(written(&reply), naive::state_reply(&world, UCC, ID), "{session:?} {settings:?}");
                    combinations += 1;
                }
            }
            let reply = CapabilitiesRequest { ucc }.decide(known.then_some(settings));
            let mut buffer = [0; CapabilitiesReply::MAX_LEN];
            let bytes = reply.write(&mut buffer).expect("room");
            let world = naive::World { ucc: known.then_some(naive_settings), is_agent: false, session: None };
            assert_eq!(str::from_utf8(bytes), Ok(naive::capabilities_reply(&world, UCC).as_str()));
            // True exactly when a set would get past every check of type Configuration.
            let world = naive::World { is_agent: true, session: Some((0, 0, 0)), ..world };
            let set_passes = naive::set(&world, UCC, ID, SIP, 1).reply.contains(r#""ErrorMessage":null"#);
            assert_eq!(reply.agent_can_edit_recordings, set_passes);
            combinations += 1;
        }
    }
    assert_eq!(combinations, 32 * 2 * (37 * 2 + 1));
    report(format_args!("state and capabilities decisions: {combinations} combinations"));
}

#[test]
fn what_is_not_stored_is_not_told() {
    let request = SetRequest {
        action: Action::Start,
        requester: SIP.try_into().expect("a URI"),
        correlation_id: id(),
        ucc: UCC.try_into().expect("a name"),
    };
    let settings = all_settings().last().expect("settings").0;
    let facts = SetFacts { settings, requester_is_agent: true, session: Some(State::INITIAL) };
    let Decision::Change(pending) = request.decide(Some(facts)) else { panic!("a change") };
    let reply = Reply::from(pending.abort());
    assert_eq!((reply.status(), reply.allow()), (503, None));
    let mut buffer = [0; Reply::MAX_LEN];
    assert_eq!(
        str::from_utf8(reply.write(&mut buffer).expect("room")),
        Ok(r#"{"ErrorMessage":{"ErrorType":1,"Message":"The new state could not be stored. Nothing was changed."}}"#),
    );
}

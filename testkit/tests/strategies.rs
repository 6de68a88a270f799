//! What the strategies make is what they say.

use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;
use recording_core::wire::RequestParts;
use recording_core::wire::SetRequest;
use recording_core::{Request, Scratch};
use recording_testkit::drive::{Start, run};
use recording_testkit::faulty::FaultyDesk;
use recording_testkit::machine::Api;
use recording_testkit::plan::{Ids, Plan};
use recording_testkit::transport::Transport;
use recording_testkit::{http, naive, strategies};
use std::collections::BTreeMap;
use std::sync::Arc;

fn status(request: &http::Request) -> u16 {
    let content_type = request.content_type.map(str::as_bytes);
    let mut scratch = Scratch::new();
    let method = request.method.as_bytes();
    let read = Request::read(
        RequestParts { method, target: &request.target, content_type, body: &request.body },
        &mut scratch,
    );
    read.err().map_or(200, |rejection| rejection.status())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn requests_are_understood(request in strategies::request()) {
        prop_assert_eq!(status(&request), 200);
    }

    #[test]
    fn nearly_valid_requests_are_not(request in strategies::nearly_valid_request()) {
        prop_assert!(status(&request) >= 400);
    }

    #[test]
    fn junk_is_no_object(body in strategies::junk()) {
        prop_assert!(serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&body).is_err());
        prop_assert!(body.len() <= SetRequest::MAX_BODY_LEN);
    }

    #[test]
    fn hostile_bodies_do_no_harm(body in strategies::hostile_body()) {
        let _ = SetRequest::read(&body, &mut Scratch::new());
    }

    #[test]
    fn set_requests_are_written_and_read_back(request in strategies::set_request()) {
        let mut buffer = [0; SetRequest::MAX_LEN];
        let written = request.to_ref().write(&mut buffer).expect("room").to_vec();
        prop_assert!(naive::sip_ok(request.requester.as_str()) && naive::ucc_name_ok(request.ucc.as_str()));
        let mut scratch = Scratch::new();
        prop_assert_eq!(SetRequest::read(&written, &mut scratch), Ok(request.to_ref()));
    }

    #[test]
    fn states_and_actions_are_those_of_the_naive_model(
        state in strategies::state(), action in strategies::action(), settings in strategies::settings(),
    ) {
        let codes = |state: recording_core::State| {
            (state.recording().code(), state.marking().code(), state.saving().code())
        };
        let after = match naive::step(codes(state), action.code()) {
            naive::Step::Changed(after) => after,
            naive::Step::Unchanged | naive::Step::Refused => codes(state),
        };
        prop_assert_eq!(codes(state.apply(action).state()), after);
        let disposition = naive::disposition(codes(state), settings.save_recording_by_default);
        prop_assert_eq!(settings.disposition(state).name(), disposition);
    }

    /// The reference machine by proptest's own means, without the kit's explorer.
    #[test]
    fn the_reference_machine_agrees_with_the_desk((model, steps, _) in Api::sequential_strategy(1..12)) {
        let mut server = FaultyDesk::new(&model.plan, None);
        let start = Start { ids: Ids::of(1, 1, model.plan.slots), open: BTreeMap::new() };
        let run = run(&mut server, &model.plan, start, &steps).expect("a desk in this process always answers");
        prop_assert_eq!(run.divergence, None);
        prop_assert_eq!(run.seen, steps.len());
    }
}

#[test]
fn a_transport_asks_in_plain_words() {
    let plan = Arc::new(Plan::full());
    let mut server = FaultyDesk::new(&plan, None);
    let id = "1d6c6a58-6739-4f0c-98ff-0968292c8c30";
    assert_eq!(server.begin("ucc-open", id, (1, 0, 0)).map(|response| response.status), Ok(201));
    let paused = server.set("ucc-open", id, &plan.agent, 3).expect("an answer");
    assert_eq!(server.read("ucc-open", id).map(|response| response.body), Ok(paused.body));
    assert!(server.capabilities("ucc-open").expect("an answer").text().contains("true"));
    assert_eq!(server.end("ucc-open", id).map(|response| response.text()), Ok(r#"{"Disposition":"Discard"}"#.into()));
}

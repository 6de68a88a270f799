//! All cells of the transition table, by id and by name, over HTTP.

use recording_core::state::{MarkingState, RecordingState, SavingState};
use recording_core::{Action, State};
use recording_server::net::Limits;
use recording_server::store::Store;

use crate::support::{Client, ID, SET_PATH, directory, key, published, put, request, serve, set_body};

const CELLS: &str = include_str!("../../../../tests/vectors/transitions.csv");

struct Cell {
    from: State,
    action: Action,
    outcome: &'static str,
    to: State,
}

const fn state(recording: &str, marking: &str, saving: &str) -> State {
    State::new(
        RecordingState::from_name(recording).unwrap(),
        MarkingState::from_name(marking).unwrap(),
        SavingState::from_name(saving).unwrap(),
    )
}

fn cells() -> impl Iterator<Item = Cell> {
    CELLS.lines().skip(1).map(|line| {
        let columns: Vec<_> = line.split(',').collect();
        let [r, m, s, action, outcome, r_after, m_after, s_after] = columns[..] else { panic!("{line}") };
        Cell {
            from: state(r, m, s),
            action: Action::from_name(action).unwrap(),
            outcome,
            to: state(r_after, m_after, s_after),
        }
    })
}

#[tokio::test]
async fn every_cell_by_id_and_by_name_over_http() {
    let service = recording_server::service::Service::new(
        directory(&["ucc-demo-name"]),
        recording_server::store::MemoryStore::new(),
    );
    let running = serve(std::sync::Arc::new(service), Limits::default()).await;
    let mut events = running.service().events().subscribe();
    let mut client = Client::connect(running.addresses().api).await;
    let session = key("ucc-demo-name", ID);
    let store = running.service().store();
    let mut ran = 0;
    for Cell { from, action, outcome, to } in cells() {
        for spelling in [action.code().to_string(), format!("{:?}", action.name())] {
            put(store, &session, from).await;
            let body = set_body(&spelling);
            let headers = [("Content-Type", "application/json")];
            let response = client.exchange(&request("POST", SET_PATH, &headers, body.as_bytes())).await;

            let error = if outcome == "refused" {
                let recorder = from.recording();
                format!(
                    r#"{{"ErrorType":2,"Message":"Action:'{action}' is not allowed while the recorder is '{recorder}'."}}"#
                )
            } else {
                "null".to_owned()
            };
            let expected = format!(
                r#"{{"CorrelationId":"{ID}","RecordingState":{},"MarkingState":{},"SavingState":{},"ErrorMessage":{error},"UCCName":"ucc-demo-name"}}"#,
                to.recording().code(),
                to.marking().code(),
                to.saving().code(),
            );
            assert_eq!((response.status, response.body.as_str()), (200, expected.as_str()), "{from} {spelling}");
            assert_eq!(store.read(&session).await.unwrap().unwrap().session, to.into(), "{from} {spelling}");
            let code = action.code();
            let event = format!(r#"{{"UccName":"ucc-demo-name","CorrelationId":"{ID}","StateAction":{code}}}"#);
            let expected = if outcome == "changed" { vec![event] } else { Vec::new() };
            assert_eq!(published(&mut events), expected, "{from} {spelling}");
            ran += 1;
        }
    }
    println!("{ran} transitions over HTTP: every cell by id and by name");
    assert_eq!(ran, 2 * 252);
}

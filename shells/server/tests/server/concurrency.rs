//! Many clients at one session.

use recording_core::state::Outcome;
use recording_core::{Action, State};

use crate::support::{Client, set, stored, world};

const CLIENTS: usize = 32;
const REQUESTS: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_transition_is_lost_and_events_tell_all_of_them() {
    let running = world(State::INITIAL).await;
    let mut events = running.service().events().subscribe();
    let address = running.addresses().api;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            tokio::spawn(async move {
                let mut connection = Client::connect(address).await;
                let mut replies = Vec::new();
                for turn in 0..REQUESTS {
                    // Each client goes through the seven actions in a stride of its own.
                    let action = Action::ALL[(turn * (client % 6 + 1) + client) % 7];
                    let response = connection.exchange(&set(&action.code().to_string())).await;
                    assert_eq!(response.status, 200);
                    replies.push(response.body);
                }
                replies
            })
        })
        .collect();
    let mut replies = Vec::new();
    for client in clients {
        replies.extend(client.await.unwrap());
    }
    assert_eq!(replies.len(), CLIENTS * REQUESTS);

    // The events alone, from the state at the beginning: each is a change, and they lead to the state at the end.
    let mut state = State::INITIAL;
    let mut changes = 0;
    while let Ok(event) = events.try_recv() {
        let Outcome::Changed { to, .. } = state.apply(event.action) else {
            panic!("{} in {state} is no change", event.action);
        };
        state = to;
        changes += 1;
    }
    assert_eq!(state, stored(&running).await);
    assert!(changes > CLIENTS, "{changes}");
    println!("{} requests of {CLIENTS} clients at one session: {changes} changes", replies.len());
}

/// Each of many clients makes the one change that only one of them can make: exactly one event each round.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_ask_the_same_one_makes_the_change() {
    let running = world(State::INITIAL).await;
    let mut events = running.service().events().subscribe();
    let address = running.addresses().api;
    for action in [Action::Start, Action::Pause, Action::Mark, Action::UnMark, Action::Save, Action::Delete] {
        let clients: Vec<_> = (0..16)
            .map(|_| tokio::spawn(async move { crate::support::once(address, &set(&action.code().to_string())).await }))
            .collect();
        for client in clients {
            let response = client.await.unwrap();
            assert!(response.body.contains(r#""ErrorMessage":null"#), "{}", response.body);
        }
        let told: Vec<_> = core::iter::from_fn(|| events.try_recv().ok()).map(|event| event.action).collect();
        assert_eq!(told, [action]);
    }
}

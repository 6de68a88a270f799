//! What the server tells of itself: counters that count what happened, readiness, the `OpenAPI` document.

use std::collections::BTreeMap;

use recording_core::{Action, State};
use recording_server::net::Limits;
use recording_server::service::Service;
use recording_server::store::MemoryStore;

use crate::support::{
    Client, ID, Response, STATE_PATH, directory, get, key, put, request, serve, set, set_body, world,
};

async fn metrics(client: &mut Client, accept: &str) -> Response {
    client.send(&request("GET", "/metrics", &[("Accept", accept)], b"")).await;
    let response = client.receive_any("GET").await;
    assert_eq!((response.status, response.header("cache-control")), (200, Some("no-store")));
    response
}

/// Every sample of a page by its name and labels.
fn samples(page: &str) -> BTreeMap<String, f64> {
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    let samples = lines.map(|line| {
        let (name, value) = line.rsplit_once(' ').expect(line);
        (name.to_owned(), value.parse().expect(line))
    });
    let all: Vec<_> = samples.collect();
    let by_name: BTreeMap<_, _> = all.iter().cloned().collect();
    assert_eq!(by_name.len(), all.len(), "a sample is there twice");
    by_name
}

async fn counted(client: &mut Client) -> BTreeMap<String, f64> {
    samples(&metrics(client, "*/*").await.body)
}

/// What grew between two pages, and by how much; times are left out, since they cannot be predicted, and what the hub counts,
/// which follows when it comes to it.
fn grown(before: &BTreeMap<String, f64>, after: &BTreeMap<String, f64>) -> Vec<(String, f64)> {
    assert!(before.keys().eq(after.keys()), "samples come or go");
    let differences = after.iter().map(|(name, value)| (name.clone(), value - before[name]));
    let told =
        |name: &str| !name.contains("_bucket{") && !name.contains("_sum{") && !name.starts_with("recording_hub_");
    differences.filter(|(name, difference)| *difference != 0.0 && told(name)).collect()
}

/// Every action in every state, each with exactly the counters that it must move.
#[tokio::test]
async fn each_decision_moves_its_counters_and_no_others() {
    let running = world(State::INITIAL).await;
    let mut api = Client::connect(running.addresses().api).await;
    let mut admin = Client::connect(running.addresses().admin).await;
    let mut before = counted(&mut admin).await;
    let mut moved = BTreeMap::<&str, usize>::new();
    for state in State::ALL {
        for &action in Action::ALL {
            let key = key("ucc-demo-name", ID);
            put(running.service().store(), &key, state).await;
            api.exchange(&set(&action.code().to_string())).await;
            let after = counted(&mut admin).await;
            let outcome = match state.apply(action) {
                recording_core::state::Outcome::Changed { .. } => "changed",
                recording_core::state::Outcome::Unchanged { .. } => "unchanged",
                recording_core::state::Outcome::Refused { .. } => "refused",
            };
            let mut expected = vec![
                (format!(r#"recording_decisions_total{{action="{action}",outcome="{outcome}"}}"#), 1.0),
                (r#"recording_request_duration_seconds_count{call="set"}"#.to_owned(), 1.0),
                (r#"recording_responses_total{status="200"}"#.to_owned(), 1.0),
            ];
            if outcome == "refused" {
                expected.push((r#"recording_refusals_total{reason="not allowed in this state"}"#.to_owned(), 1.0));
            }
            expected.sort_by(|one, other| one.0.cmp(&other.0));
            assert_eq!(grown(&before, &after), expected, "{state} {action}");
            *moved.entry(outcome).or_default() += 1;
            before = after;
        }
    }
    assert_eq!(moved, BTreeMap::from([("changed", 150), ("unchanged", 75), ("refused", 27)]));
}

#[tokio::test]
async fn each_kind_of_request_is_counted_as_what_it_was() {
    let running = world(State::INITIAL).await;
    let mut api = Client::connect(running.addresses().api).await;
    let mut admin = Client::connect(running.addresses().admin).await;
    let stranger = set_body("1").replace("agent@", "stranger@");
    let refused = request(
        "POST",
        "/attendantservice/api/recording/set",
        &[("Content-Type", "application/json")],
        stranger.as_bytes(),
    );
    for (bytes, call, status, also) in [
        (get(STATE_PATH), "state", 200, ""),
        (get("/attendantservice/api/recording/capabilities/ucc-demo-name"), "capabilities", 200, ""),
        (get("/attendantservice/api/recording/ucc-demo-name/1234"), "unknown", 400, ""),
        (get("/nothing"), "unknown", 404, ""),
        (request("POST", STATE_PATH, &[], b""), "unknown", 405, ""),
        (request("POST", "/attendantservice/api/recording/set", &[], b"{}"), "unknown", 415, ""),
        (refused, "set", 200, "not an agent"),
    ] {
        let before = counted(&mut admin).await;
        assert_eq!(api.exchange(&bytes).await.status, status);
        let mut expected = vec![
            (format!(r#"recording_request_duration_seconds_count{{call="{call}"}}"#), 1.0),
            (format!(r#"recording_responses_total{{status="{status}"}}"#), 1.0),
        ];
        if !also.is_empty() {
            expected.insert(0, (r#"recording_decisions_total{action="Start",outcome="refused"}"#.to_owned(), 1.0));
            expected.insert(1, (format!(r#"recording_refusals_total{{reason="{also}"}}"#), 1.0));
        }
        assert_eq!(grown(&before, &counted(&mut admin).await), expected, "{call} {status}");
    }
}

#[tokio::test]
async fn open_sessions_are_as_many_as_there_are() {
    let running = world(State::INITIAL).await;
    let mut admin = Client::connect(running.addresses().admin).await;
    let target = "/sessions/ucc-demo-name/6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
    let mut seen = Vec::new();
    for method in ["", "PUT", "PUT", "DELETE", "DELETE"] {
        if !method.is_empty() {
            admin.exchange(&request(method, target, &[], b"")).await;
        }
        let counted = counted(&mut admin).await;
        seen.push(
            ["recording_open_sessions", "recording_sessions_begun_total", "recording_sessions_ended_total"]
                .map(|name| counted[name]),
        );
        assert_eq!(
            (counted["recording_uccs"], counted["recording_agents"], counted["recording_ready"]),
            (1.0, 1.0, 1.0)
        );
    }
    assert_eq!(seen, [[1.0, 0.0, 0.0], [2.0, 1.0, 0.0], [2.0, 1.0, 0.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]);
}

/// The form that was asked for, and the same samples in both.
#[tokio::test]
async fn metrics_come_in_two_forms() {
    let running = world(State::INITIAL).await;
    let mut admin = Client::connect(running.addresses().admin).await;
    let prometheus = metrics(&mut admin, "text/plain").await;
    let open = metrics(&mut admin, "application/openmetrics-text; version=1.0.0,text/plain;q=0.5").await;
    assert_eq!(prometheus.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert_eq!(open.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    assert!(open.body.ends_with("# EOF\n") && !prometheus.body.contains("# EOF"));
    // They spell the bounds of buckets differently; the rest is the same to the letter.
    let of = |page: &Response| -> Vec<_> {
        samples(&page.body).into_iter().filter(|(name, _)| !name.contains("_bucket{")).collect()
    };
    assert_eq!(of(&prometheus), of(&open));
    assert_eq!(samples(&prometheus.body).len(), samples(&open.body).len());
}

/// `Accept` on several lines is one list, and a weight of 0 excludes.
#[tokio::test]
async fn the_form_is_chosen_from_all_lines() {
    let running = world(State::INITIAL).await;
    let mut admin = Client::connect(running.addresses().admin).await;
    let open = "application/openmetrics-text";
    for (lines, is_open) in [
        (vec!["text/plain", open], true),
        (vec!["text/plain;q=0.9", "application/openmetrics-text;q=0.8"], false),
        (vec!["text/plain;version=0.0.4,application/openmetrics-text;q=0"], false),
    ] {
        let headers: Vec<_> = lines.iter().map(|line| ("Accept", *line)).collect();
        admin.send(&request("GET", "/metrics", &headers, b"")).await;
        let response = admin.receive_any("GET").await;
        let found = response.header("content-type").is_some_and(|found| found.starts_with(open));
        assert_eq!(found, is_open, "{lines:?}");
    }
}

/// A server on its way out says so to each client that still has a connection.
#[tokio::test]
async fn a_server_that_ends_is_not_ready() {
    let service = Service::new(directory(&["ucc-demo-name"]), MemoryStore::new());
    let service = std::sync::Arc::new(service);
    let running = serve(std::sync::Arc::clone(&service), Limits::default()).await;
    assert_eq!(service.ready().await, Ok(()));
    assert!(running.stop(core::time::Duration::from_secs(5)).await);
    assert_eq!(service.ready().await, Err("The server is ending.".into()));
}

#[tokio::test]
async fn the_openapi_document_is_served() {
    let running = world(State::INITIAL).await;
    let mut admin = Client::connect(running.addresses().admin).await;
    let response = admin.exchange(&get("/openapi.json")).await;
    let document: serde_json::Value = serde_json::from_str(&response.body).unwrap();
    assert_eq!((response.status, document["openapi"].as_str()), (200, Some("3.1.0")));
    let post = admin.exchange(&request("POST", "/openapi.json", &[], b"")).await;
    assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD")));
}

/// What listeners get is counted by the hub, and shown here.
#[tokio::test]
async fn listeners_and_their_events_are_counted() {
    let running = world(State::INITIAL).await;
    let mut api = Client::connect(running.addresses().api).await;
    let mut admin = Client::connect(running.addresses().admin).await;
    assert_eq!(counted(&mut admin).await["recording_hub_events_published_total"], 0.0);
    api.exchange(&set("1")).await;
    let deadline = std::time::Instant::now() + crate::support::PATIENCE;
    while counted(&mut admin).await["recording_hub_events_published_total"] != 1.0 {
        assert!(std::time::Instant::now() < deadline, "the event is not counted");
    }
    let counted = counted(&mut admin).await;
    let transports = ["WebSockets", "ServerSentEvents", "LongPolling"];
    let open = transports.map(|transport| counted[&format!(r#"recording_hub_connections{{transport="{transport}"}}"#)]);
    assert_eq!((open, counted["recording_hub_events_delivered_total"]), ([0.0; 3], 0.0));
}

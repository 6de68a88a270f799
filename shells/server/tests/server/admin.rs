//! Call control: begin, end, list; and that the two ports do not serve each other's paths.

use recording_core::{Marking, Recording, Saving, State};
use recording_server::store::Store;
use serde_json::Value;

use crate::support::{Client, ID, SET_PATH, STATE_PATH, directory, get, once, request, serve, set, world};

const OTHER: &str = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

fn put(target: &str, body: &str) -> Vec<u8> {
    request("PUT", target, &[], body.as_bytes())
}

fn delete(target: &str) -> Vec<u8> {
    request("DELETE", target, &[], b"")
}

fn state_reply(id: &str, [r, m, s]: [u8; 3], ucc: &str) -> String {
    format!(
        r#"{{"CorrelationId":"{id}","RecordingState":{r},"MarkingState":{m},"SavingState":{s},"ErrorMessage":null,"UCCName":"{ucc}"}}"#
    )
}

#[tokio::test]
async fn a_session_is_begun_once_and_ended_once() {
    let running = world(State::INITIAL).await;
    let (api, admin) = (running.addresses().api, running.addresses().admin);
    let mut client = Client::connect(admin).await;
    let target = format!("/sessions/ucc-demo-name/{OTHER}");

    let opened = client.exchange(&put(&target, "")).await;
    assert_eq!((opened.status, opened.body), (201, state_reply(OTHER, [0, 0, 0], "ucc-demo-name")));
    // Open: it stays as it is, whatever the body says.
    let again = client.exchange(&put(&target, r#"{"RecordingState":1,"MarkingState":1,"SavingState":1}"#)).await;
    assert_eq!((again.status, again.body), (200, state_reply(OTHER, [0, 0, 0], "ucc-demo-name")));
    let ended = client.exchange(&delete(&target)).await;
    assert_eq!((ended.status, ended.body.as_str()), (200, r#"{"Disposition":"NothingRecorded"}"#));
    let gone = client.exchange(&delete(&target)).await;
    assert_eq!(gone.status, 404);
    assert_eq!(gone.error(2), format!("No Audio session with correlation Id:'{OTHER}' was found."));
    let read = once(api, &get(&format!("/attendantservice/api/recording/ucc-demo-name/{OTHER}"))).await;
    assert!(read.body.contains("No Audio session"), "{}", read.body);

    // In another state, by another form of the id.
    let braced = "/sessions/ucc%2Ddemo-name/%7B6F9619FF-8B86-4D01-B42D-00CF4FC964FF%7D";
    let opened = client.exchange(&put(braced, r#"{"RecordingState":3,"MarkingState":2,"SavingState":0}"#)).await;
    assert_eq!((opened.status, opened.body), (201, state_reply(OTHER, [3, 2, 0], "ucc-demo-name")));
    let ended = client.exchange(&delete(&target)).await;
    assert_eq!(ended.body, r#"{"Disposition":"Discard"}"#);
}

#[tokio::test]
async fn what_becomes_of_a_recording_follows_its_state() {
    let running = world(State::INITIAL).await;
    let mut client = Client::connect(running.addresses().admin).await;
    let target = format!("/sessions/ucc-demo-name/{OTHER}");
    for state in State::ALL {
        let mut document = [0; State::WRITTEN_LEN];
        let document = core::str::from_utf8(state.write(&mut document).unwrap()).unwrap();
        assert_eq!(client.exchange(&put(&target, document)).await.status, 201);
        let expected = match (state.recording(), state.saving()) {
            (Recording::Uninitialized, _) => "NothingRecorded",
            (_, Saving::Save) => "Keep",
            _ => "Discard",
        };
        let ended = client.exchange(&delete(&target)).await;
        assert_eq!(ended.body, format!(r#"{{"Disposition":"{expected}"}}"#), "{state}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_in_the_shape_of_the_api() {
    let running = world(State::INITIAL).await;
    let mut client = Client::connect(running.addresses().admin).await;
    let known = format!("/sessions/ucc-demo-name/{ID}");
    let nowhere = format!("/sessions/nowhere/{ID}");
    let no_ucc = "No UCC with name:'nowhere' was found.";
    let not = |what: &str| format!("The request could not be understood: {what}.");
    let recording = not("RecordingState is missing");
    let cases = [
        (put(&nowhere, ""), 404, no_ucc),
        (delete(&nowhere), 404, no_ucc),
        (put("/sessions/ucc-demo-name/1234", ""), 400, &not("CorrelationId is not a GUID")),
        (delete("/sessions/ucc-demo-name/1234"), 400, &not("CorrelationId is not a GUID")),
        (put(&format!("/sessions/a%2Fb/{ID}"), ""), 400, &not("UCCName contains '/'")),
        (put(&format!("/sessions/a%2/{ID}"), ""), 400, &not("UCCName contains '%' without two hexadecimal digits")),
        (put(&known, "{}"), 400, &recording),
        (put("/sessions/ucc-demo-name", ""), 404, "There is nothing at this path."),
        (put(&format!("{known}/"), ""), 404, "There is nothing at this path."),
        (put(&format!("/sessions//{ID}"), ""), 404, "There is nothing at this path."),
        (get("/"), 404, "There is nothing at this path."),
        (get("/sessions?limit=0"), 400, "The parameter limit is not a number from 1 to 1000."),
        (get("/sessions?limit=1001"), 400, "The parameter limit is not a number from 1 to 1000."),
        (get("/sessions?limit=ten"), 400, "The parameter limit is not a number from 1 to 1000."),
        (get("/sessions?after=x"), 400, "The parameter after is not what a page gave as Next."),
        (get(&format!("/sessions?after={ID}.7")), 400, "The parameter after is not what a page gave as Next."),
    ];
    for (bytes, status, message) in cases {
        let response = client.exchange(&bytes).await;
        assert_eq!((response.status, response.error(2).as_str()), (status, message));
    }
    for (bytes, allow) in [
        (get(&known), "PUT, DELETE"),
        (request("POST", &known, &[], b""), "PUT, DELETE"),
        (delete("/sessions"), "GET, HEAD"),
        (request("POST", "/healthz", &[], b""), "GET, HEAD"),
    ] {
        let response = client.exchange(&bytes).await;
        assert_eq!((response.status, response.header("allow")), (405, Some(allow)));
        response.error(2);
    }
    let too_large = client.exchange(&put(&known, &" ".repeat(2049))).await;
    assert_eq!((too_large.status, too_large.error(2).as_str()), (413, "The body is longer than 2048 bytes."));
}

#[tokio::test]
async fn the_ports_do_not_serve_each_other() {
    let running = world(State::INITIAL).await;
    let (api, admin) = (running.addresses().api, running.addresses().admin);
    for (address, bytes) in [
        (api, get("/healthz")),
        (api, get("/sessions")),
        (api, put(&format!("/sessions/ucc-demo-name/{OTHER}"), "")),
        (api, delete(&format!("/sessions/ucc-demo-name/{ID}"))),
        (admin, get(STATE_PATH)),
        (admin, set("1")),
        (admin, request("PUT", SET_PATH, &[], b"")),
    ] {
        let response = once(address, &bytes).await;
        assert_eq!((response.status, response.error(2).as_str()), (404, "There is nothing at this path."));
    }
    let health = once(admin, &get("/healthz")).await;
    assert_eq!((health.status, health.body.as_str()), (200, r#"{"Status":"ok"}"#));
}

/// A page as it came: names with ids, and where the next one begins.
async fn page(client: &mut Client, query: &str) -> (Vec<(String, String)>, Option<String>) {
    let response = client.exchange(&get(&format!("/sessions?{query}"))).await;
    assert_eq!(response.status, 200, "{}", response.body);
    let page: Value = serde_json::from_str(&response.body).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let sessions = page["Sessions"].as_array().unwrap();
    let sessions =
        sessions.iter().map(|session| (text(&session["UCCName"]), text(&session["CorrelationId"]))).collect();
    (sessions, page["Next"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn open_sessions_are_listed_in_pages() {
    let names = ["plain", "capabilities", "set", r#"quo"te\slash"#, "Größe & Co"];
    let service =
        recording_server::service::Service::new(directory(&names), recording_server::store::MemoryStore::new());
    let running = serve(std::sync::Arc::new(service), Default::default()).await;
    let mut client = Client::connect(running.addresses().admin).await;
    let empty = client.exchange(&get("/sessions")).await;
    assert_eq!(empty.body, r#"{"Sessions":[],"Next":null}"#);

    let targets = ["plain", "capabilities", "set", "quo%22te%5Cslash", "Gr%C3%B6%C3%9Fe%20%26%20Co"];
    let mut all = Vec::new();
    for number in 0..25_u128 {
        // The same id in each UCC: these are different sessions.
        let id = recording_core::CorrelationId::from_u128(number * 0x0123_4567_89ab_cdef_0123_4567_89ab).to_string();
        for (name, target) in names.iter().zip(targets) {
            let opened = client.exchange(&put(&format!("/sessions/{target}/{id}"), "")).await;
            assert_eq!(opened.status, 201, "{}", opened.body);
            all.push(((*name).to_owned(), id.clone()));
        }
    }
    all.sort();

    for limit in [1, 7, 100, 125, 1000] {
        let (mut seen, mut query) = (Vec::new(), format!("limit={limit}"));
        loop {
            let (sessions, next) = page(&mut client, &query).await;
            assert!(sessions.len() == limit || next.is_none());
            seen.extend(sessions);
            let Some(next) = next else { break };
            query = format!("after={next}&limit={limit}");
        }
        seen.sort();
        assert_eq!(seen, all, "pages of {limit}");
    }
    let (sessions, next) = page(&mut client, "").await;
    assert_eq!((sessions.len(), next.is_some()), (100, true));

    // Sessions that end while somebody turns pages, the last one seen among them: the others are still seen once.
    let (first, next) = page(&mut client, "limit=10").await;
    for (name, id) in &first {
        let target = targets[names.iter().position(|known| known == name).unwrap()];
        assert_eq!(client.exchange(&delete(&format!("/sessions/{target}/{id}"))).await.status, 200);
    }
    let (rest, _) = page(&mut client, &format!("limit=1000&after={}", next.unwrap())).await;
    let mut seen = [first, rest].concat();
    seen.sort();
    assert_eq!(seen, all);
}

#[tokio::test]
async fn a_list_shows_states_and_escapes_names() {
    let service =
        recording_server::service::Service::new(directory(&[r#"a"b\c"#]), recording_server::store::MemoryStore::new());
    let state = State::new(Recording::Paused, Marking::Unmark, Saving::Delete);
    let _ = service.store().begin(&crate::support::key(r#"a"b\c"#, ID), state).await.unwrap();
    let running = serve(std::sync::Arc::new(service), Default::default()).await;
    let list = once(running.addresses().admin, &get("/sessions")).await;
    let session = format!(
        r#"{{"UCCName":"a\"b\\c","CorrelationId":"{ID}","RecordingState":3,"MarkingState":2,"SavingState":2}}"#
    );
    assert_eq!(list.body, format!(r#"{{"Sessions":[{session}],"Next":null}}"#));
    let mut client = Client::connect(running.addresses().admin).await;
    client.send(&request("HEAD", "/sessions", &[], b"")).await;
    let head = client.receive_to("HEAD").await;
    assert_eq!(head.header("content-length"), Some(list.body.len().to_string().as_str()));
}

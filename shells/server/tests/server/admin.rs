//! Call control: begin, end, list; and that the API's port serves none of it.

use recording_core::State;
use recording_core::state::{MarkingState, RecordingState, SavingState};
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

const ASK_THE_TRAIL: &str =
    "Of one that ended more than a minute ago, the audit trail says what became of its recording.";

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
    // A client whose reply was lost asks again.
    for _ in 0..2 {
        let again = client.exchange(&delete(&target)).await;
        assert_eq!((again.status, again.body.as_str()), (200, r#"{"Disposition":"NothingRecorded"}"#));
    }
    let never = target.replace("6f96", "0000");
    let gone = client.exchange(&delete(&never)).await;
    assert_eq!(gone.status, 404);
    let text =
        format!("No Audio session with correlation Id:'{}' was found. {ASK_THE_TRAIL}", OTHER.replace("6f96", "0000"));
    assert_eq!(gone.error(2), text);
    let read = once(api, &get(&format!("/attendantservice/api/recording/ucc-demo-name/{OTHER}"))).await;
    assert!(read.body.contains("No Audio session"), "{}", read.body);

    // In another state, by another form of the id.
    let braced = "/sessions/ucc%2Ddemo-name/%7B6F9619FF-8B86-4D01-B42D-00CF4FC964FF%7D";
    let opened = client.exchange(&put(braced, r#"{"RecordingState":3,"MarkingState":2,"SavingState":0}"#)).await;
    assert_eq!((opened.status, opened.body), (201, state_reply(OTHER, [3, 2, 0], "ucc-demo-name")));
    let ended = client.exchange(&delete(&target)).await;
    assert_eq!(ended.body, r#"{"Disposition":"Discard"}"#);
    // The repeated answer is what became of the last of them, until it is begun again.
    assert_eq!(client.exchange(&delete(&target)).await.body, r#"{"Disposition":"Discard"}"#);
    assert_eq!(client.exchange(&put(&target, "")).await.status, 201);
    assert_eq!(client.exchange(&delete(&target)).await.body, r#"{"Disposition":"NothingRecorded"}"#);
    assert_eq!(client.exchange(&delete(&target)).await.body, r#"{"Disposition":"NothingRecorded"}"#);
    // It is counted once for each end.
    client.send(&get("/metrics")).await;
    let metrics = client.receive_any("GET").await.body;
    assert!(metrics.contains("\nrecording_sessions_ended_total 3\n"), "{metrics}");
}

/// A session whose UCC is not in the config any more is listed and can be ended; of a recording that no agent decided on it
/// is not known what the UCC wanted, and it is kept.
#[tokio::test]
async fn a_session_whose_ucc_is_gone_can_be_ended() {
    let running = world(State::INITIAL).await;
    let mut client = Client::connect(running.addresses().admin).await;
    running.service().directory().replace(directory(&["another"]));
    let target = format!("/sessions/ucc-demo-name/{ID}");
    for state in State::ALL {
        crate::support::put(running.service().store(), &crate::support::key("ucc-demo-name", ID), state).await;
        assert!(client.exchange(&get("/sessions")).await.body.contains(ID));
        let expected = match (state.recording(), state.saving()) {
            (RecordingState::Uninitialized, _) => "NothingRecorded",
            (_, SavingState::Delete) => "Discard",
            _ => "Keep",
        };
        for _ in 0..2 {
            let ended = client.exchange(&delete(&target)).await;
            assert_eq!((ended.status, ended.body), (200, format!(r#"{{"Disposition":"{expected}"}}"#)), "{state}");
        }
        assert!(!client.exchange(&get("/sessions")).await.body.contains(ID));
    }
    // It cannot be begun, and no agent may change it.
    assert_eq!(client.exchange(&put(&target, "")).await.status, 404);
}

#[tokio::test]
async fn what_becomes_of_a_recording_follows_its_state() {
    let running = world(State::INITIAL).await;
    let mut client = Client::connect(running.addresses().admin).await;
    let target = format!("/sessions/ucc-demo-name/{OTHER}");
    for state in State::ALL {
        let mut document = [0; State::DOCUMENT_LEN];
        let document = core::str::from_utf8(state.write(&mut document).unwrap()).unwrap();
        assert_eq!(client.exchange(&put(&target, document)).await.status, 201);
        let expected = match (state.recording(), state.saving()) {
            (RecordingState::Uninitialized, _) => "NothingRecorded",
            (_, SavingState::Save) => "Keep",
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
        (delete(&nowhere), 404, &format!("{no_ucc} {ASK_THE_TRAIL}")),
        (put("/sessions/ucc-demo-name/1234", ""), 400, &not("CorrelationId is not a GUID")),
        (delete("/sessions/ucc-demo-name/1234"), 400, &not("CorrelationId is not a GUID")),
        (put(&format!("/sessions/a%2Fb/{ID}"), ""), 400, &not("UCCName contains '/'")),
        (put(&format!("/sessions/a%2/{ID}"), ""), 400, &not("UCCName contains '%' without two hexadecimal digits")),
        (put(&known, "{}"), 400, &recording),
        (put("/sessions/ucc-demo-name", ""), 404, "There is nothing at this path."),
        (delete(&format!("{known}/other")), 404, "There is nothing at this path."),
        (delete(&format!("{known}/holds/")), 404, "There is nothing at this path."),
        (get("/sessions/ucc-demo-name/1234"), 400, &not("CorrelationId is not a GUID")),
        (get(&nowhere), 404, no_ucc),
        (delete(&format!("{nowhere}/holds")), 404, no_ucc),
        (put(&format!("{known}/"), ""), 404, "There is nothing at this path."),
        (put(&format!("/sessions//{ID}"), ""), 404, "There is nothing at this path."),
        (get("/console"), 404, "There is nothing at this path."),
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
        (request("POST", &known, &[], b""), "GET, HEAD, PUT, DELETE"),
        (get(&format!("{known}/holds")), "DELETE"),
        (put(&format!("{known}/recorder"), ""), "DELETE"),
        (delete("/recorders"), "GET, HEAD"),
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
async fn the_apis_port_serves_nothing_of_the_admins() {
    let running = world(State::INITIAL).await;
    let (api, admin) = (running.addresses().api, running.addresses().admin);
    for (address, bytes) in [
        (api, get("/healthz")),
        (api, get("/sessions")),
        (api, put(&format!("/sessions/ucc-demo-name/{OTHER}"), "")),
        (api, delete(&format!("/sessions/ucc-demo-name/{ID}"))),
        (api, get("/metrics")),
        (api, get("/openapi.json")),
        (api, get("/uccs")),
        (api, get("/recorders")),
        (api, get(&format!("/sessions/ucc-demo-name/{ID}"))),
        (api, delete(&format!("/sessions/ucc-demo-name/{ID}/holds"))),
        (api, get("/")),
        (admin, get("/console.html")),
        (admin, get("/uccs/")),
        (admin, get("/uccs/nowhere")),
        (admin, get("/uccs/ucc-demo-name/x")),
    ] {
        let response = once(address, &bytes).await;
        assert_eq!((response.status, response.error(2).as_str()), (404, "There is nothing at this path."));
    }
    // The other way round it does, for the console: the same answers.
    for bytes in [get(STATE_PATH), set("1"), request("PUT", SET_PATH, &[], b""), get("/attendantservice/x")] {
        assert_eq!(once(admin, &bytes).await, once(api, &bytes).await);
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
    assert_eq!(empty.body, r#"{"Next":null,"Sessions":[]}"#);

    let targets = ["plain", "capabilities", "set", "quo%22te%5Cslash", "Gr%C3%B6%C3%9Fe%20%26%20Co"];
    let mut all = Vec::new();
    for number in 0..25_u128 {
        // The same id in each UCC: these are different sessions.
        let id =
            recording_core::wire::CorrelationId::from_u128(number * 0x0123_4567_89ab_cdef_0123_4567_89ab).to_string();
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
    let state = State::new(RecordingState::Paused, MarkingState::Unmark, SavingState::Delete);
    let _ = service.store().begin(&crate::support::key(r#"a"b\c"#, ID), state).await.unwrap();
    let running = serve(std::sync::Arc::new(service), Default::default()).await;
    let list = once(running.addresses().admin, &get("/sessions")).await;
    let document: Value = serde_json::from_str(&list.body).unwrap();
    let session = serde_json::json!({
        "UCCName": "a\"b\\c", "CorrelationId": ID, "RecordingState": 3, "MarkingState": 2, "SavingState": 2,
        "Allowed": ["Start", "Stop", "Pause", "Save", "Delete", "Mark", "UnMark"],
        "Changing": ["Start", "Stop", "Save", "Mark"],
    });
    assert_eq!(document, serde_json::json!({ "Sessions": [session], "Next": null }));
    let mut client = Client::connect(running.addresses().admin).await;
    client.send(&request("HEAD", "/sessions", &[], b"")).await;
    let head = client.receive_to("HEAD").await;
    assert_eq!(head.header("content-length"), Some(list.body.len().to_string().as_str()));
}

/// Every beginning of every id, and every UCC, against a search by hand; in pages of every small size.
#[tokio::test]
async fn a_list_can_be_narrowed_down() {
    let names = ["one", "two", "Größe & Co"];
    let service =
        recording_server::service::Service::new(directory(&names), recording_server::store::MemoryStore::new());
    let ids = [0, 1, 0xff << 120, 0xff1 << 116, u128::MAX, u128::MAX - 1, 0x1d6c_6a58_6739_4f0c_98ff_0968_292c_8c30];
    let mut all = Vec::new();
    for id in ids {
        let id = recording_core::wire::CorrelationId::from_u128(id).to_string();
        for name in names {
            let _ = service.store().begin(&crate::support::key(name, &id), State::INITIAL).await.unwrap();
            all.push((name.to_owned(), id.clone()));
        }
    }
    let running = serve(std::sync::Arc::new(service), Default::default()).await;
    let mut client = Client::connect(running.addresses().admin).await;
    let beginnings: std::collections::BTreeSet<_> =
        all.iter().flat_map(|(_, id)| (0..=36).map(|end| &id[..end])).collect();
    let mut asked = 0;
    for beginning in beginnings {
        for (ucc, target) in [(None, ""), (Some("two"), "two"), (Some("Größe & Co"), "Gr%C3%B6%C3%9Fe%20%26%20Co")] {
            let mut expected: Vec<_> = all
                .iter()
                .filter(|(name, id)| id.starts_with(beginning) && ucc.is_none_or(|ucc| ucc == name))
                .cloned()
                .collect();
            expected.sort();
            for limit in [1, 2, 100] {
                let mut query = format!("limit={limit}");
                query += &ucc.map(|_| format!("&ucc={target}")).unwrap_or_default();
                // An empty beginning is none.
                query += &if beginning.is_empty() { String::new() } else { format!("&id={beginning}") };
                let (mut seen, mut next) = (Vec::new(), Some(String::new()));
                while let Some(after) = next {
                    let behind = if after.is_empty() { String::new() } else { format!("&after={after}") };
                    let (sessions, following) = page(&mut client, &format!("{query}{behind}")).await;
                    assert!(sessions.len() <= limit);
                    seen.extend(sessions);
                    next = following;
                    asked += 1;
                }
                seen.sort();
                assert_eq!(seen, expected, "{query}");
            }
        }
    }
    println!("narrowed lists: {asked}");
    for (query, text) in [
        ("id=x", "The parameter id is not the beginning of a GUID."),
        ("id=-", "The parameter id is not the beginning of a GUID."),
        ("ucc=", "The parameter ucc is not the name of a UCC."),
        ("ucc=a%2Fb", "The parameter ucc is not the name of a UCC."),
        ("ucc=%ff", "The parameter ucc is not the name of a UCC."),
    ] {
        let response = client.exchange(&get(&format!("/sessions?{query}"))).await;
        assert_eq!((response.status, response.error(2).as_str()), (400, text), "{query}");
    }
}

/// A session without a recorder is shown as the list has it, and there is nothing to release.
#[tokio::test]
async fn a_single_session_is_its_row_of_the_list() {
    let running = world(State::INITIAL).await;
    let mut client = Client::connect(running.addresses().admin).await;
    let page: Value = serde_json::from_str(&client.exchange(&get("/sessions")).await.body).unwrap();
    for target in [format!("/sessions/ucc-demo-name/{ID}"), format!("/sessions/ucc%2Ddemo-name/%7B{ID}%7D")] {
        let one = client.exchange(&get(&target)).await;
        assert_eq!((one.status, serde_json::from_str::<Value>(&one.body).unwrap()), (200, page["Sessions"][0].clone()));
        let holds = client.exchange(&delete(&format!("{target}/holds"))).await;
        assert_eq!((holds.status, holds.body.as_str()), (200, r#"{"Released":false}"#));
        assert_eq!(client.exchange(&delete(&format!("{target}/recorder"))).await.status, 409);
    }
    let none = client.exchange(&get("/recorders")).await;
    assert_eq!((none.status, none.body.as_str()), (200, r#"{"Recorders":[]}"#));
}

#[tokio::test]
async fn uccs_and_their_agents_can_be_chosen_from() {
    let service = recording_server::service::Service::new(
        directory(&["two", "Größe & Co", "capabilities"]),
        recording_server::store::MemoryStore::new(),
    );
    let running = serve(std::sync::Arc::new(service), Default::default()).await;
    let mut client = Client::connect(running.addresses().admin).await;
    let ucc = |name: &str, agents: Value| serde_json::json!({ "UCCName": name, "AgentCanEditRecordings": true, "Agents": agents });
    let all = client.exchange(&get("/uccs")).await;
    let all: Value = serde_json::from_str(&all.body).unwrap();
    let expected: Vec<_> = ["Größe & Co", "capabilities", "two"].map(|name| ucc(name, 1.into())).into();
    assert_eq!(all, serde_json::json!({ "UCCs": expected }));
    for (target, name) in [("Gr%C3%B6%C3%9Fe%20%26%20Co", "Größe & Co"), ("capabilities", "capabilities")] {
        let one = client.exchange(&get(&format!("/uccs/{target}"))).await;
        let mut expected = ucc(name, serde_json::json!(["sip:agent@domain.com"]));
        expected["More"] = false.into();
        assert_eq!(serde_json::from_str::<Value>(&one.body).unwrap(), expected);
    }
    let bad = client.exchange(&get("/uccs/%ff")).await;
    assert_eq!((bad.status, bad.error(2).contains("UCCName")), (400, true));
}

/// The page is there, and may do nothing that it need not.
#[tokio::test]
async fn the_console_is_served_with_a_strict_policy() {
    let running = world(State::INITIAL).await;
    let mut client = Client::connect(running.addresses().admin).await;
    for (path, content_type, holds) in [
        ("/", "text/html; charset=utf-8", "<title>Recording console</title>"),
        ("/console.js", "text/javascript; charset=utf-8", "RecordingStateChangedEvent"),
        ("/console.css", "text/css; charset=utf-8", "prefers-color-scheme:dark"),
        ("/console.svg", "image/svg+xml", "<svg"),
    ] {
        client.send(&get(path)).await;
        let response = client.receive_any("GET").await;
        assert_eq!((response.status, response.header("content-type")), (200, Some(content_type)), "{path}");
        assert!(response.body.contains(holds), "{path}");
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
        let policy = response.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        // This server and no other, and nothing that is in the page itself.
        for source in policy.split([' ', ';']).filter(|word| word.starts_with('\'')) {
            assert!(matches!(source, "'self'" | "'none'"), "{policy}");
        }
        assert!(!policy.contains(':') && !policy.contains('*'), "{policy}");
        let inline = ["<style", "style=", "onclick=", "javascript:"];
        assert!(path != "/" || inline.iter().all(|word| !response.body.contains(word)), "{}", response.body);
    }
}

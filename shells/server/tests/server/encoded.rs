//! What is around a request and is easily overlooked: codings, spaces, passwords.

use recording_core::State;

use crate::process::{File, Running, refuses};
use crate::support::{Client, ID, SET_PATH, get, once, request, set, set_body, stored, world};

/// Nothing here undoes a coding, so a body that says it has one is not taken, whatever it holds.
#[tokio::test]
async fn an_encoded_body_is_not_taken() {
    let running = world(State::INITIAL).await;
    let mut client = Client::connect(running.addresses().api).await;
    let json = ("Content-Type", "application/json");
    for (codings, is_taken) in [
        (&["gzip"][..], false),
        (&["GZIP"], false),
        (&["br"], false),
        (&["identity, gzip"], false),
        (&["identity", "deflate"], false),
        (&["something"], false),
        (&["identity"], true),
        (&["Identity", ""], true),
        (&[""], true),
    ] {
        let headers: Vec<_> =
            [json].into_iter().chain(codings.iter().map(|coding| ("Content-Encoding", *coding))).collect();
        let response = client.exchange(&request("POST", SET_PATH, &headers, set_body("1").as_bytes())).await;
        if is_taken {
            assert_eq!(response.status, 200, "{codings:?}");
            continue;
        }
        assert_eq!((response.status, response.header("accept-encoding")), (415, Some("identity")), "{codings:?}");
        assert_eq!(response.error(2), "A Content-Encoding other than identity is not understood.");
        assert_eq!(stored(&running).await, State::INITIAL, "{codings:?}");
        let path = format!("/sessions/ucc-demo-name/{}", ID.replace("1d6c", "2d6c"));
        let begin = request("PUT", &path, &headers[1..], b"{}");
        assert_eq!(once(running.addresses().admin, &begin).await.status, 415, "{codings:?}");
    }
    // What comes before it in the order of answers is reported first; where there is no body it is not checked.
    for (method, path, status) in
        [("POST", "/nowhere", 404), ("PUT", SET_PATH, 405), ("GET", crate::support::STATE_PATH, 200)]
    {
        let bytes = request(method, path, &[("Content-Encoding", "gzip")], b"");
        assert_eq!(client.exchange(&bytes).await.status, status, "{method} {path}");
    }
}

/// The names of two UCCs that have a space, and one that has a plus.
#[tokio::test]
async fn a_plus_in_the_query_is_a_space() {
    let config = |name: &str| {
        format!(
            "[[ucc]]\nname = {name:?}\nrecording_api_licensed = true\nuse_audio_recording = true\n\
             agent_can_edit_audio_recording = true\nsave_recording_by_default = true\nagents = []\n"
        )
    };
    let file = File::new("plus.toml", &(config("Support Team") + &config("A+B")));
    let running = Running::start(&["--config", file.path(), "--store", "memory"]);
    for path in ["Support%20Team", "A%2BB"] {
        let begun = once(running.admin, &request("PUT", &format!("/sessions/{path}/{ID}"), &[], b"")).await;
        assert_eq!(begun.status, 201, "{}", begun.body);
    }
    for (query, name) in
        [("Support+Team", "Support Team"), ("Support%20Team", "Support Team"), ("A%2BB", "A+B"), ("A+B", "")]
    {
        let page = once(running.admin, &get(&format!("/sessions?ucc={query}"))).await;
        let page: serde_json::Value = serde_json::from_str(&page.body).unwrap();
        let found: Vec<_> =
            page["Sessions"].as_array().unwrap().iter().map(|row| row["UCCName"].as_str().unwrap()).collect();
        assert_eq!(found.join(","), name, "{query}");
    }
    for name in [".", ".."] {
        let file = File::new("dots.toml", &config(name));
        let reason = format!("name: {name:?} is a name that no client can ask for: in a path it means another place");
        refuses(&["--check-config", "--config", file.path()], &format!("{}:2: {reason}", file.path()));
    }
}

/// A password is in the reply to the one who sent it, as the protocol has it, and nowhere else.
#[tokio::test]
async fn a_password_stays_out_of_log_and_trail() {
    let trail = File::new("password.trail", "");
    let mut running = Running::start(&["--audit", trail.path(), "--log", "debug"]);
    let uri = "sip:agent:the-secret@domain.com";
    let bytes = String::from_utf8(set("3")).unwrap();
    let body = set_body("3").replace("sip:agent@domain.com", uri);
    let bytes = bytes
        .replace(&set_body("3"), &body)
        .replace(&format!("Content-Length: {}", set_body("3").len()), &format!("Content-Length: {}", body.len()));
    let response = once(running.api, bytes.as_bytes()).await;
    assert_eq!(response.status, 200);
    assert!(response.body.contains(uri), "{}", response.body);
    let line = running.logged("not an agent");
    assert!(line.contains("sip:agent:***@domain.com") && !line.contains("the-secret"), "{line}");
    running.signal("-TERM");
    let (_, rest) = running.end();
    let trail = std::fs::read_to_string(trail.path()).unwrap();
    assert_eq!(trail.matches("sip:agent:***@domain.com").count(), 2, "{trail}");
    assert!(!trail.contains("the-secret") && !rest.contains("the-secret"), "{trail} {rest}");
}

//! HTTP as clients really send it, and as they should not.

use recording_core::State;
use recording_core::state::{MarkingState, RecordingState, SavingState};

use crate::support::{Client, ID, PATIENCE, SET_PATH, STATE_PATH, get, once, request, set, set_body, stored, world};

const STARTED: State = State::new(RecordingState::Started, MarkingState::None, SavingState::None);
const JSON: (&str, &str) = ("Content-Type", "application/json");

fn state_reply(recording: u8) -> String {
    format!(
        r#"{{"CorrelationId":"{ID}","RecordingState":{recording},"MarkingState":0,"SavingState":0,"ErrorMessage":null,"UCCName":"ucc-demo-name"}}"#
    )
}

/// Head and body of a set, the body chunked as given.
fn chunked(chunks: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!(
        "POST {SET_PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    .into_bytes();
    for chunk in chunks {
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

#[tokio::test]
async fn one_connection_serves_many_requests_sent_ahead() {
    let running = world(STARTED).await;
    let mut client = Client::connect(running.addresses().api).await;
    let ahead =
        [get(STATE_PATH), set("3"), get(STATE_PATH), get("/nowhere"), set(r#""start""#), get(STATE_PATH)].concat();
    client.send(&ahead).await;
    for expected in [Some(1), Some(3), Some(3), None, Some(1), Some(1)] {
        let response = client.receive().await;
        assert!(response.header("connection").is_none());
        match expected {
            Some(recording) => assert_eq!((response.status, response.body), (200, state_reply(recording))),
            None => assert_eq!((response.status, response.error(2).as_str()), (404, "There is nothing at this path.")),
        }
    }
}

#[tokio::test]
async fn a_request_may_come_byte_by_byte() {
    let running = world(STARTED).await;
    let mut client = Client::connect(running.addresses().api).await;
    for byte in set("3") {
        client.send(&[byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.receive().await.body, state_reply(3));
    let body = set_body("1");
    let bytes: Vec<_> = body.as_bytes().chunks(3).collect();
    let mut request = chunked(&bytes);
    request.extend_from_slice(b"0\r\nX-Trailer: none\r\n\r\n");
    for byte in request {
        client.send(&[byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.receive().await.body, state_reply(1));
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let running = world(STARTED).await;
    let mut client = Client::connect(running.addresses().api).await;
    for target in [
        STATE_PATH,
        "/attendantservice/api/v2/recording/capabilities/ucc-demo-name",
        "/attendantservice/api/recording/ucc-demo-name/1234",
        "/nowhere",
        SET_PATH,
    ] {
        let full = client.exchange(&get(target)).await;
        client.send(&request("HEAD", target, &[], b"")).await;
        let head = client.receive_to("HEAD").await;
        assert_eq!(head.status, full.status);
        let of = |response: &crate::support::Response| {
            let mut headers = response.headers.clone();
            headers.retain(|(name, _)| name != "date");
            headers
        };
        assert_eq!(of(&head), of(&full));
        assert_eq!(full.header("content-length"), Some(full.body.len().to_string().as_str()));
    }
}

type Headers = &'static [(&'static str, &'static str)];

#[tokio::test]
async fn the_first_row_that_applies_decides() {
    let running = world(STARTED).await;
    let address = running.addresses().api;
    let (large, sound) = (vec![b'x'; 5000], set_body("3"));
    let cases: [(&str, &str, Headers, &[u8], u16); 12] = [
        ("POST", "/nowhere", &[], &large, 404),
        ("OPTIONS", "*", &[], b"", 404),
        ("PUT", SET_PATH, &[], &large, 405),
        ("POST", STATE_PATH, &[JSON], &large, 405),
        ("post", SET_PATH, &[JSON], b"{}", 405),
        ("POST", SET_PATH, &[], &large, 415),
        ("POST", SET_PATH, &[("Content-Type", "text/plain")], &large, 415),
        ("POST", SET_PATH, &[JSON, JSON], sound.as_bytes(), 415),
        ("POST", SET_PATH, &[JSON], &large, 413),
        ("POST", SET_PATH, &[JSON], b"x", 400),
        ("POST", SET_PATH, &[JSON], b"", 400),
        ("POST", SET_PATH, &[("content-type", "APPLICATION/JSON ; charset=x")], b"[]", 400),
    ];
    for (method, target, headers, body, status) in cases {
        let response = once(address, &request(method, target, headers, body)).await;
        assert_eq!(response.status, status, "{method} {target} {headers:?} {}", response.body);
        response.error(2);
    }
    // A type that is no text at all.
    let mut bytes = request("POST", SET_PATH, &[("Content-Type", "application/json\u{ff}")], b"{}");
    bytes.retain(|&byte| byte != 0xc3);
    assert_eq!(once(address, &bytes).await.status, 415);
    assert_eq!(stored(&running).await, STARTED);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_without_reading_it() {
    let running = world(STARTED).await;
    let address = running.addresses().api;
    let too_large = "The body is longer than 2048 bytes.";

    // By its length: the reply comes though the body never does.
    let head = format!(
        "POST {SET_PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2049\r\n\r\n"
    );
    let mut client = Client::connect(address).await;
    let response = client.exchange(head.as_bytes()).await;
    assert_eq!((response.status, response.error(2).as_str()), (413, too_large));
    assert!(response.closes());

    // By its chunks: the reply comes when there was one byte too many, and is not lost to a reset though more is sent.
    let mut client = Client::connect(address).await;
    client.send(&chunked(&[&[b' '; 2000], &[b' '; 49]])).await;
    let response = client.receive().await;
    assert_eq!((response.status, response.error(2).as_str()), (413, too_large));
    assert!(response.closes());
    for _ in 0..64 {
        client.send(&[b' '; 16 * 1024]).await;
    }
    client.ended_in_order().await;

    // Exactly the limit is no fault, whichever way it comes.
    let body = format!("{:<2048}", set_body("3"));
    assert_eq!(once(address, &request("POST", SET_PATH, &[JSON], body.as_bytes())).await.body, state_reply(3));
    let (one, other) = body.as_bytes().split_at(1000);
    let whole = [chunked(&[one, other]), b"0\r\n\r\n".to_vec()].concat();
    assert_eq!(once(address, &whole).await.body, state_reply(3));
}

#[tokio::test]
async fn a_connection_goes_on_after_a_small_body_that_nobody_wants() {
    let running = world(STARTED).await;
    let mut client = Client::connect(running.addresses().api).await;
    for (method, target, status) in [("POST", "/nowhere", 404), ("PUT", SET_PATH, 405), ("GET", STATE_PATH, 200)] {
        // Head and body apart, as many clients send them.
        let bytes = request(method, target, &[("Content-Type", "text/plain")], b"a body");
        let (head, body) = bytes.split_at(bytes.len() - 6);
        client.send(head).await;
        tokio::task::yield_now().await;
        client.send(body).await;
        let response = client.receive().await;
        assert_eq!((response.status, response.closes()), (status, false), "{method} {target}");
    }
    // A large one is not waited for.
    let response = client.exchange(&request("POST", "/nowhere", &[], &[b'x'; 100_000])).await;
    assert_eq!((response.status, response.closes()), (404, true));
    client.ended_in_order().await;
}

#[tokio::test]
async fn who_asks_before_sending_is_told_to_go_on_or_why_not() {
    let running = world(STARTED).await;
    let address = running.addresses().api;
    let head = |target: &str, length: usize| {
        format!(
            "POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    let body = set_body("3");
    let mut client = Client::connect(address).await;
    client.send(head(SET_PATH, body.len()).as_bytes()).await;
    assert_eq!(client.receive().await.status, 100);
    assert_eq!(client.exchange(body.as_bytes()).await.body, state_reply(3));

    for (target, length, status) in [("/nowhere", 10, 404), (STATE_PATH, 10, 405), (SET_PATH, 5000, 413)] {
        let mut client = Client::connect(address).await;
        let response = client.exchange(head(target, length).as_bytes()).await;
        assert_eq!((response.status, response.closes()), (status, true));
        client.stream.set_nodelay(true).unwrap();
        drop(client);
    }
}

#[tokio::test]
async fn targets_reach_the_core_as_they_came() {
    let running = world(STARTED).await;
    let mut client = Client::connect(running.addresses().api).await;
    let base = "/attendantservice/api/recording";
    for (target, status) in [
        (format!("http://localhost:1{STATE_PATH}"), 200),
        (format!("HTTPS://LOCALHOST{STATE_PATH}?a=b"), 200),
        (format!("ftp://localhost{STATE_PATH}"), 404),
        ("http://localhost".to_owned(), 404),
        (format!("{STATE_PATH}?"), 200),
        (format!("{STATE_PATH}?%zz/&&?="), 200),
        (format!("/{STATE_PATH}"), 404),
        (format!("{STATE_PATH}/"), 404),
        (format!("{base}/./ucc-demo-name/{ID}"), 404),
        (format!("{base}/ucc-demo-name/../{ID}"), 404),
        (format!("{base}/ucc%2ddemo%2Dname/{ID}"), 200),
        (format!("{base}/a%2/{ID}"), 400),
        (format!("{base}/a%00/{ID}"), 400),
        (format!("{base}/%ff/{ID}"), 400),
    ] {
        let response = client.exchange(&get(&target)).await;
        assert_eq!(response.status, status, "{target} {}", response.body);
    }
    // Bytes that no URI has, but clients send: what the library lets through is the name that was asked for.
    for name in [r#"a"b"#, "{a}", "[a]", "a|b", "a'b!$&()*+,;=:@~", "Größe", "a\\b^c"] {
        let response = client.exchange(&get(&format!("{base}/{name}/{ID}"))).await;
        let expected = format!("No UCC with name:'{name}' was found.").replace('\\', r"\\").replace('"', r#"\""#);
        assert!(response.body.contains(&expected), "{name}: {}", response.body);
    }
}

/// Which bytes the HTTP library lets through in a target, and that those arrive as they are.
#[tokio::test]
async fn every_byte_in_a_target_arrives_or_is_refused() {
    let running = world(STARTED).await;
    let mut refused = String::new();
    for byte in 0..=u8::MAX {
        let mut bytes = b"GET /attendantservice/api/recording/a".to_vec();
        bytes.push(byte);
        bytes.extend_from_slice(format!("b/{ID} HTTP/1.1\r\n\r\n").as_bytes());
        let response = once(running.addresses().api, &bytes).await;
        let expected = match byte {
            // It ends the path, so a part is missing: `/…/a` is no path.
            b'?' | b'#' => (404, "There is nothing at this path.".to_owned()),
            b'/' => (404, "There is nothing at this path.".to_owned()),
            b'%' => (400, "percent".to_owned()),
            0x21..=0x7e => (200, format!("a{}b", char::from(byte))),
            _ => (400, String::new()),
        };
        if response.status == 400 && byte.is_ascii_graphic() && byte != b'%' {
            assert_eq!(response.error(2), "This is not a request that HTTP/1.1 allows.");
            refused.push(char::from(byte));
        } else {
            assert_eq!(response.status, expected.0, "{byte:#x} {}", response.body);
            let body = response.body.replace(r#"\""#, r#"""#).replace(r"\\", r"\");
            assert!(byte == b'%' || body.contains(&expected.1), "{byte:#x} {body}");
        }
    }
    println!("refused: {refused}");
    assert_eq!(refused, "<>`");
}

#[tokio::test]
async fn what_is_no_http_gets_the_bare_error_and_the_end() {
    let running = world(STARTED).await;
    let address = running.addresses().api;
    let long = "x".repeat(17 * 1024);
    let many: String = (0..101).map(|number| format!("X-{number}: y\r\n")).collect();
    let no_http = "This is not a request that HTTP/1.1 allows.";
    let large_head = "The head of the request is too large.";
    let length = format!("POST {SET_PATH} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: ");
    let cases = [
        ("nonsense\r\n\r\n".to_owned(), 400, no_http),
        (format!("GET {STATE_PATH} HTTP/3.0\r\n\r\n"), 400, no_http),
        (format!("GET  {STATE_PATH} HTTP/1.1\r\n\r\n"), 400, no_http),
        (format!("GET {STATE_PATH}<> HTTP/1.1\r\n\r\n"), 400, no_http),
        (format!("GET {STATE_PATH} HTTP/1.1\r\nbad header: x\r\n\r\n"), 400, no_http),
        (format!("{length}-1\r\n\r\n"), 400, no_http),
        (format!("{length}1\r\nContent-Length: 2\r\n\r\n"), 400, no_http),
        (format!("POST {SET_PATH} HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n"), 400, no_http),
        (format!("GET {STATE_PATH} HTTP/1.1\r\nX-Long: {long}\r\n\r\n"), 431, large_head),
        (format!("GET /{long} HTTP/1.1\r\n\r\n"), 431, large_head),
        (format!("GET {STATE_PATH} HTTP/1.1\r\n{many}\r\n"), 431, large_head),
    ];
    for (bytes, status, message) in cases {
        let mut client = Client::connect(address).await;
        // After a good request it is the same.
        if status == 400 {
            assert_eq!(client.exchange(&get(STATE_PATH)).await.status, 200);
        }
        let response = client.exchange(bytes.as_bytes()).await;
        let start: String = bytes.chars().take(90).collect();
        assert_eq!((response.status, response.error(2).as_str()), (status, message), "{start}");
        assert!(response.closes());
        client.ended_in_order().await;
    }
    // Up to the limit it is no fault.
    let most = "x".repeat(15 * 1024);
    let bytes = request("GET", STATE_PATH, &[("X-Long", &most)], b"");
    assert_eq!(once(address, &bytes).await.status, 200);
}

#[tokio::test]
async fn a_body_that_breaks_off_changes_nothing() {
    let running = world(STARTED).await;
    let address = running.addresses().api;
    for bytes in [
        [&set("3")[..set("3").len() - 1]].concat(),
        [chunked(&[set_body("3").as_bytes()]), b"zz\r\n".to_vec()].concat(),
        chunked(&[set_body("3").as_bytes()]),
    ] {
        let mut client = Client::connect(address).await;
        client.send(&bytes).await;
        tokio::io::AsyncWriteExt::shutdown(&mut client.stream).await.unwrap();
        let response = client.receive().await;
        assert_eq!(response.status, 400);
        assert_eq!(response.error(2), "The body broke off or is not framed as HTTP says.");
        client.ended_in_order().await;
    }
    assert_eq!(stored(&running).await, STARTED);
}

#[tokio::test]
async fn who_closes_the_sending_side_still_gets_the_reply() {
    let running = world(STARTED).await;
    let mut client = Client::connect(running.addresses().api).await;
    client.send(&[set("3"), get(STATE_PATH)].concat()).await;
    tokio::io::AsyncWriteExt::shutdown(&mut client.stream).await.unwrap();
    assert_eq!(client.receive().await.body, state_reply(3));
    assert_eq!(client.receive().await.body, state_reply(3));
    tokio::time::timeout(PATIENCE, client.ended_in_order()).await.unwrap();
}

#[tokio::test]
async fn older_clients_and_those_who_ask_for_the_end_get_it() {
    let running = world(STARTED).await;
    let address = running.addresses().api;
    let mut client = Client::connect(address).await;
    let response = client.exchange(&request("GET", STATE_PATH, &[("Connection", "close")], b"")).await;
    assert_eq!(response.body, state_reply(1));
    client.ended_in_order().await;
}

//! Connections as a client sees them, with time as a number.

mod support;

use recording_gateway::connection::{IDLE, LINGER, REQUEST, STALLED};
use recording_gateway::http::Outgoing;
use recording_gateway::{Connection, Step};
use support::{ID, Peer, SET, gateway, read, set};

#[test]
fn requests_in_a_row_and_at_once_are_answered_in_order() {
    let mut peer = Peer::new();
    let one = read("");
    let first = peer.exchange(one.as_bytes());
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].status, 200);
    let many = peer.exchange(format!("{one}{}{one}", set("Pause")).as_bytes());
    let states: Vec<_> = many.iter().map(|reply| reply.body.contains("\"RecordingState\":3")).collect();
    assert_eq!(states, [false, true, true]);
}

#[test]
fn a_request_byte_by_byte_is_the_same_request() {
    for request in [read(""), set("Pause"), chunked(&["{\"Action\":3", SET[11..].trim()], "\r\n"), set("\"Mark\"")] {
        let whole = Peer::new().exchange(request.as_bytes());
        let mut peer = Peer::new();
        let mut replies = Vec::new();
        for byte in request.as_bytes() {
            replies.extend(peer.exchange(&[*byte]));
        }
        assert_eq!(replies, whole, "{request}");
    }
}

fn chunked(chunks: &[&str], trailer: &str) -> String {
    let mut request =
        "POST /attendantservice/api/recording/set HTTP/1.1\r\nHost: gw\r\nContent-Type: application/json\r\n\
        Transfer-Encoding: chunked\r\n\r\n"
            .to_owned();
    for chunk in chunks {
        request += &format!("{:X};name=\"value\"\r\n{chunk}\r\n", chunk.len());
    }
    request + "0\r\n" + trailer
}

#[test]
fn chunks_of_any_size_make_the_same_body() {
    let body = SET.replace("{action}", "3");
    let expected = Peer::new().exchange(set("3").as_bytes());
    for size in 1..=body.len() {
        let chunks: Vec<_> = body.as_bytes().chunks(size).map(|chunk| str::from_utf8(chunk).unwrap()).collect();
        let replies = Peer::new().exchange(chunked(&chunks, "Some: trailer\r\n\r\n").as_bytes());
        assert_eq!(replies, expected, "chunks of {size}");
    }
}

/// What makes two servers see different requests is refused, and nothing after it is looked at.
#[test]
fn smuggling_is_refused_and_the_connection_closed() {
    let body = SET.replace("{action}", "3");
    let with = |headers: &str| {
        format!(
            "POST /attendantservice/api/recording/set HTTP/1.1\r\nHost: gw\r\nContent-Type: application/json\r\n\
             {headers}\r\n\r\n{body}{}",
            read("")
        )
    };
    let length = body.len();
    let chunks = format!("{length:x}\r\n{body}\r\n0\r\n\r\n");
    let cases = [
        (400, with(&format!("Content-Length: {length}\r\nTransfer-Encoding: chunked"))),
        (400, with(&format!("Content-Length: {length}\r\nContent-Length: {length}"))),
        (400, with(&format!("Content-Length: {length}\r\nContent-Length: 0"))),
        (400, with(&format!("Content-Length: {length}, {length}"))),
        (400, with(&format!("Content-Length: +{length}"))),
        (400, with("Content-Length: -1")),
        (400, with("Content-Length: 0x10")),
        (400, with("Content-Length:")),
        (400, with(&format!("Content-Length : {length}"))),
        (400, with(&format!(" Content-Length: {length}"))),
        (400, with(&format!("X: y\r\n Content-Length: {length}"))),
        (400, with(&format!("X: y\n Content-Length: {length}"))),
        (400, with(&format!("X: y\rContent-Length: {length}"))),
        (400, with(&format!("X: \0\r\nContent-Length: {length}"))),
        (501, with("Transfer-Encoding: gzip, chunked")),
        (501, with("Transfer-Encoding: identity")),
        (501, with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")),
        (501, with("Transfer-Encoding: xchunked")),
        (400, with("Transfer-Encoding: chunked\r\nHost: other")),
        (400, with("Transfer-Encoding: chunked").replace("HTTP/1.1", "HTTP/1.0")),
        (400, with("Transfer-Encoding: chunked")),
        (400, with("Transfer-Encoding: chunked").replace(&body, &chunks.replacen("\r\n", "\n", 1))),
        (400, with("Transfer-Encoding: chunked").replace(&body, &chunks.replacen("\r\n", " x\r\n", 1))),
        (400, with("Transfer-Encoding: chunked").replace(&body, &format!("-{chunks}"))),
        (400, with("Transfer-Encoding: chunked").replace(&body, &format!("+{chunks}"))),
        (400, with("Transfer-Encoding: chunked").replace(&body, &format!("0x{chunks}"))),
        (413, with("Transfer-Encoding: chunked").replace(&body, &format!("100000000{chunks}"))),
        (400, with("Transfer-Encoding: chunked").replace(&body, &chunks.replace("}\r\n", "}"))),
        (400, with("Transfer-Encoding: chunked").replace(&body, &chunks.replace("}\r\n", "}xx\r\n"))),
    ];
    for (status, request) in cases {
        let mut peer = Peer::new();
        let replies = peer.exchange(request.as_bytes());
        assert_eq!(replies.len(), 1, "{request}");
        assert_eq!(replies[0].status, status, "{request}");
        assert!(replies[0].head.contains("Connection: close"), "{request}");
        assert!(replies[0].body.starts_with("{\"ErrorMessage\":{\"ErrorType\":2,"), "{request}");
        assert!(peer.closed, "{request}");
        assert_eq!(peer.gateway.counts.changes, 0, "{request}");
    }
}

#[test]
fn what_is_no_http_is_told_so() {
    let long = |bytes| "x".repeat(bytes);
    for (status, request) in [
        (400, "GET  / HTTP/1.1\r\nHost: gw\r\n\r\n".to_owned()),
        (400, "GET / HTTP/1.1 \r\nHost: gw\r\n\r\n".to_owned()),
        (400, "GET / HTTP/1.1\r\n\r\n".to_owned()),
        (400, "GET / http/1.1\r\nHost: gw\r\n\r\n".to_owned()),
        (400, "GET /\r\nHost: gw\r\n\r\n".to_owned()),
        (400, "G(T / HTTP/1.1\r\nHost: gw\r\n\r\n".to_owned()),
        (400, "GET /\u{7f} HTTP/1.1\r\nHost: gw\r\n\r\n".to_owned()),
        (400, "GET / HTTP/1.1\r\nHost gw\r\n\r\n".to_owned()),
        (400, "\r\n\r\n\r\n: x\r\n\r\n".to_owned()),
        (505, "GET / HTTP/2.0\r\nHost: gw\r\n\r\n".to_owned()),
        (417, "GET / HTTP/1.1\r\nHost: gw\r\nExpect: miracles\r\n\r\n".to_owned()),
        (414, format!("GET /{} HTTP/1.1\r\nHost: gw\r\n\r\n", long(1024))),
        (414, format!("GET /{}", long(4096))),
        (431, format!("GET / HTTP/1.1\r\nHost: gw\r\nX: {}", long(4096))),
    ] {
        let mut peer = Peer::new();
        let replies = peer.exchange(request.as_bytes());
        assert_eq!(replies.len(), 1, "{request}");
        assert_eq!(replies[0].status, status, "{request}");
        assert!(peer.closed && replies[0].head.contains("Connection: close"), "{request}");
    }
}

#[test]
fn what_the_core_turns_away_keeps_the_connection() {
    let body = "x".repeat(2049);
    let post = "POST /attendantservice/api/recording/set HTTP/1.1\r\nHost: gw\r\n";
    let json = "Content-Type: application/json\r\n";
    for (status, request) in [
        (404, "GET / HTTP/1.1\r\nHost: gw\r\n\r\n".to_owned()),
        (404, "POST /x HTTP/1.1\r\nHost: gw\r\nContent-Length: 3\r\n\r\nabc".to_owned()),
        (404, "POST /x HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".to_owned()),
        (405, "GET /attendantservice/api/recording/set HTTP/1.1\r\nHost: gw\r\n\r\n".to_owned()),
        (415, format!("{post}Content-Length: 2\r\n\r\n{{}}")),
        (415, format!("{post}{json}{json}Content-Length: 2\r\n\r\n{{}}")),
        (415, format!("{post}Content-Type: application/json;a=b\r\n{json}Content-Length: 2\r\n\r\n{{}}")),
        (413, format!("{post}{json}Content-Length: 2049\r\n\r\n{body}")),
        (400, format!("{post}{json}Content-Length: 2\r\n\r\n{{}}")),
        (400, format!("{post}{json}\r\n")),
    ] {
        let mut peer = Peer::new();
        let replies = peer.exchange(format!("{request}{}", read("")).as_bytes());
        let statuses: Vec<_> = replies.iter().map(|reply| reply.status).collect();
        assert_eq!(statuses, [status, 200], "{request}");
        assert_eq!(replies[0].head.contains("Allow: POST"), status == 405);
        assert!(!peer.closed);
    }
    let mut peer = Peer::new();
    let replies = peer.exchange(format!("{post}{json}Content-Length: 65537\r\n\r\n").as_bytes());
    assert_eq!((replies[0].status, peer.closed), (413, true), "too long to be passed over");
    let mut peer = Peer::new();
    let replies = peer.exchange(format!("{post}{json}Content-Length: 99999999999999999999\r\n\r\n").as_bytes());
    assert_eq!((replies[0].status, peer.closed), (413, true));
}

#[test]
fn the_longest_body_is_read_and_one_more_is_not() {
    let body = SET.replace("{action}", "3");
    for (length, status) in [(2048, 200), (2049, 413)] {
        let padded = format!("{body:<length$}");
        let mut peer = Peer::new();
        let whole = support::post(&padded);
        assert_eq!(peer.exchange(whole.as_bytes())[0].status, status);
        let mut peer = Peer::new();
        assert_eq!(peer.exchange(chunked(&[&padded], "\r\n").as_bytes())[0].status, status);
    }
}

#[test]
fn head_has_the_head_of_get_and_no_body() {
    let get = Peer::new().exchange(read("").as_bytes());
    let mut peer = Peer::new();
    peer.to_head = true;
    let head = peer.exchange(read("").replace("GET", "HEAD").as_bytes());
    assert_eq!((&head[0].head, head[0].body.as_str()), (&get[0].head, ""));
}

#[test]
fn a_client_that_waits_for_100_continue_gets_it_once() {
    let request = set("3").replace("Host: gw\r\n", "Host: gw\r\nExpect: 100-Continue\r\n");
    let (head, body) = request.split_at(request.find("\r\n\r\n").unwrap() + 4);
    let mut peer = Peer::new();
    assert_eq!(peer.raw(head.as_bytes()), b"HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(peer.exchange(body.as_bytes())[0].status, 200);
    let mut peer = Peer::new();
    assert_eq!(peer.exchange(request.as_bytes())[0].status, 200, "its body is here: nothing to wait for");
    // Turned away: whether the body comes is not known, so nothing can come after it.
    let mut peer = Peer::new();
    let replies = peer.exchange(head.replace("application/json", "text/plain").as_bytes());
    assert_eq!((replies[0].status, peer.closed), (415, true));
}

#[test]
fn who_wants_to_be_closed_is_closed() {
    for request in [
        read("Connection: close\r\n"),
        read("Connection: keep-alive, Close\r\n"),
        read("").replace("HTTP/1.1\r\nHost: gw\r\n", "HTTP/1.0\r\n"),
    ] {
        let mut peer = Peer::new();
        let replies = peer.exchange(format!("{request}{request}").as_bytes());
        assert_eq!((replies.len(), replies[0].status, peer.closed), (1, 200, true));
        assert!(replies[0].head.contains("Connection: close"));
    }
}

#[test]
fn what_a_client_sent_before_it_ended_is_answered() {
    let mut peer = Peer::new();
    peer.connection.ended();
    let replies = peer.exchange(format!("{}{}", read(""), &read("")[..20]).as_bytes());
    assert_eq!((replies.len(), peer.closed), (1, true));
}

#[test]
fn idle_and_dribbling_clients_are_timed_out() {
    let mut peer = Peer::new();
    peer.now = u32::MAX - 100; // The clock wraps.
    peer.connection.open(&mut peer.gateway, peer.now);
    peer.pass(IDLE);
    assert!(!peer.closed);
    assert!(peer.pass(1).is_empty() && peer.closed);

    let request = set("3");
    for cut in [1, 20, request.len() - 1] {
        let mut peer = Peer::new();
        let (before, _) = request.split_at(cut);
        let bytes = before.as_bytes();
        let step = REQUEST / bytes.len() as u32;
        for byte in bytes {
            assert!(peer.raw(&[*byte]).is_empty());
            peer.now = peer.now.wrapping_add(step);
        }
        let replies = peer.pass(REQUEST);
        assert!(replies.starts_with(b"HTTP/1.1 408 "), "{cut}");
        assert!(peer.closed);
    }
}

#[test]
fn who_leaves_replies_where_they_are_is_dropped() {
    let (mut gateway, mut connection, mut out) = (gateway(), Connection::new(), Outgoing::new());
    connection.open(&mut gateway, 0);
    let request = read("");
    connection.room()[..request.len()].copy_from_slice(request.as_bytes());
    connection.received(request.len(), 0);
    assert_eq!(connection.step(&mut gateway, 0, false, &mut out), Step::Wait);
    assert_eq!(connection.step(&mut gateway, STALLED, false, &mut out), Step::Wait);
    assert_eq!(connection.step(&mut gateway, STALLED + 1, false, &mut out), Step::Abort);
}

#[test]
fn a_closed_connection_waits_for_the_client_for_a_while() {
    let mut peer = Peer::new();
    peer.exchange(read("Connection: close\r\n").as_bytes());
    assert!(peer.closed && !peer.aborted);
    peer.exchange(read("").as_bytes());
    peer.pass(LINGER + 1);
    assert!(peer.aborted);
}

#[test]
fn the_reply_to_a_change_waits_for_the_recorder() {
    let mut peer = Peer::new();
    peer.recorder_stands = true;
    peer.raw(b"");
    assert!(peer.raw(set("3").as_bytes()).is_empty());
    // No other client's change goes on before, and reads do.
    let (mut other, mut out) = (Connection::new(), Outgoing::new());
    other.open(&mut peer.gateway, 0);
    let request = set("1");
    other.room()[..request.len()].copy_from_slice(request.as_bytes());
    other.received(request.len(), 0);
    assert_eq!(other.step(&mut peer.gateway, 0, true, &mut out), Step::Again);
    assert_eq!(other.step(&mut peer.gateway, 0, true, &mut out), Step::Wait);
    let mut third = Connection::new();
    third.open(&mut peer.gateway, 0);
    let request = read("");
    third.room()[..request.len()].copy_from_slice(request.as_bytes());
    third.received(request.len(), 0);
    assert_eq!(third.step(&mut peer.gateway, 0, true, &mut out), Step::Send);
    assert!(str::from_utf8(out.pieces()[1]).unwrap().contains("\"RecordingState\":3"));

    peer.recorder_stands = false;
    assert!(peer.pass(0).starts_with(b"HTTP/1.1 200 OK"));
    assert!(peer.recorded.ends_with(&format!("paused {ID} ucc-demo-name\n")));
    assert_eq!(other.step(&mut peer.gateway, 0, true, &mut out), Step::Wait, "held itself now");
    assert_eq!(peer.gateway.counts.changes, 2);
}

#[test]
fn a_client_that_is_gone_holds_nobody_up() {
    let mut peer = Peer::new();
    peer.recorder_stands = true;
    assert!(peer.raw(set("3").as_bytes()).is_empty());
    peer.connection.gone(&mut peer.gateway);
    peer.connection.open(&mut peer.gateway, 0);
    peer.recorder_stands = false;
    peer.drain();
    assert_eq!(peer.exchange(set("1").as_bytes())[0].status, 200);
    assert_eq!(peer.gateway.counts.changes, 2, "the change stood");
}

#[test]
fn without_provisioning_everything_is_refused() {
    let mut peer = Peer::new();
    peer.gateway = support::Small::new();
    for request in [read(""), set("3"), "GET / HTTP/1.1\r\nHost: gw\r\n\r\n".to_owned()] {
        let replies = peer.exchange(request.as_bytes());
        assert_eq!(replies[0].status, 503);
        assert_eq!(
            replies[0].body,
            "{\"ErrorMessage\":{\"ErrorType\":1,\"Message\":\"The gateway's provisioning is invalid; until it is replaced, \
             nothing is served.\"}}"
        );
    }
}

/// However a stream is cut, the same comes back: whole, byte by byte, and in pieces of a few.
#[test]
fn the_fuzz_corpora_in_pieces() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../fuzz/corpus");
    let mut tried = 0;
    for name in ["request", "body", "made_request"] {
        for file in std::fs::read_dir(corpus.join(name)).expect("a corpus") {
            let bytes = std::fs::read(file.expect("a file").path()).expect("a file");
            let head =
                "POST /attendantservice/api/recording/set HTTP/1.1\r\nHost: gw\r\nContent-Type: application/json\r\n";
            let by_length = format!("{head}Content-Length: {}\r\n\r\n", bytes.len());
            let in_chunks = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
            for before in ["", &by_length, &in_chunks] {
                let stream = [before.as_bytes(), &bytes, b"\r\n0\r\n\r\n"].concat();
                let whole = Peer::new().raw(&stream);
                for size in [1, 7, 1000] {
                    let mut peer = Peer::new();
                    let cut: Vec<_> = stream.chunks(size).flat_map(|piece| peer.raw(piece)).collect();
                    assert_eq!(
                        String::from_utf8_lossy(&cut),
                        String::from_utf8_lossy(&whole),
                        "in pieces of {size}: {}",
                        String::from_utf8_lossy(&stream)
                    );
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 2000, "{tried}");
}

/// The longest reply that is ever held: a name of which every byte is escaped.
#[test]
fn the_longest_reply_to_a_change_is_held_whole() {
    let name = "\\\"".repeat(64);
    let mut peer = Peer::new();
    peer.gateway.provision(&support::region(&support::UCC.replace("ucc-demo-name", &name))).expect("it holds");
    let begun = support::obey(&mut peer.gateway, &format!("begin {ID} Started/None/None {}", "\"".repeat(64)));
    assert!(begun.starts_with("begun "), "{begun}");
    let body = SET.replace("{action}", "3").replace("ucc-demo-name", &name);
    let replies = peer.exchange(support::post(&body).as_bytes());
    let expected = format!(
        "{{\"CorrelationId\":\"{ID}\",\"RecordingState\":3,\"MarkingState\":0,\"SavingState\":0,\"ErrorMessage\":null,\
         \"UCCName\":\"{name}\"}}"
    );
    assert_eq!(replies[0].body, expected);
    assert!(peer.recorded.ends_with(&format!("paused {ID} {}\n", "\"".repeat(64))));
}

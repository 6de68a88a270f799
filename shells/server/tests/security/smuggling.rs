//! Requests that hide another one: what is inside must not be carried out, and must not be taken for the next request.

use crate::attempts::{Attempt, Group, outcome, world};
use crate::support::{SET_PATH, STATE_PATH, set, set_body};

/// One request: the lines of its head that tell how long its body is, and the body.
struct Case {
    what: &'static str,
    /// `LEN` in it stands for the number of bytes of [`Body::Pause`].
    lines: &'static str,
    body: Body,
    outcome: &'static str,
}

#[derive(Clone, Copy)]
enum Body {
    /// The body of a set that would pause the recorder.
    Pause,
    /// The same in one chunk.
    Chunked,
    /// No chunk but the last one, and after it a whole request that would pause the recorder.
    Hidden,
    /// The body of [`Body::Pause`] between these bytes and those.
    Between(&'static str, &'static str),
}

const fn case(what: &'static str, lines: &'static str, body: Body, outcome: &'static str) -> Case {
    Case { what, lines, body, outcome }
}

use Body::{Between, Chunked, Hidden, Pause};

const BAD: &str = "400, closed";

/// The body is a good one, so the answer depends on how its end is given.
const LENGTHS: &[Case] = &[
    case("two lengths that differ", "Content-Length: LEN\r\nContent-Length: 0", Pause, BAD),
    case("the same, the smaller one first", "Content-Length: 0\r\nContent-Length: LEN", Pause, BAD),
    case("a list of equal lengths", "Content-Length: LEN, LEN", Pause, BAD),
    case("a list of lengths that differ", "Content-Length: LEN, 0", Pause, BAD),
    case("a negative length", "Content-Length: -LEN", Pause, BAD),
    case("a length with a plus sign", "Content-Length: +LEN", Pause, BAD),
    case("a length in hex", "Content-Length: 0x85", Pause, BAD),
    case("a length with a fraction", "Content-Length: LEN.0", Pause, BAD),
    case("a length with a space inside", "Content-Length: 1 LEN", Pause, BAD),
    case("a length of nothing", "Content-Length:", Pause, BAD),
    case("a length beyond 64 bits", "Content-Length: 18446744073709551749", Pause, BAD),
    case("a length in quotes", "Content-Length: \"LEN\"", Pause, BAD),
    case("a space before the colon", "Content-Length : LEN", Pause, BAD),
    case("a tab before the colon", "Content-Length\t: LEN", Pause, BAD),
    case("a length on a folded line", "Content-Length:\r\n LEN", Pause, BAD),
    case("a folded line after a length", "Content-Length: 0\r\n LEN", Pause, BAD),
    case("a NUL after a length", "Content-Length: LEN\0", Pause, BAD),
    case("a bare CR in place of a line's end", "X: y\rContent-Length: LEN", Pause, BAD),
    case("a space before the name", " Content-Length: LEN", Pause, BAD),
    case("a length after a line without a colon", "Content-Length\r\nContent-Length: LEN", Pause, BAD),
    case(
        "an underscore for the dash: no length, so the body is the next request",
        "Content_Length: LEN",
        Pause,
        "400, 400, closed",
    ),
];

const CHUNKS: &[Case] = &[
    case(
        "a length and chunks, a request after the last chunk",
        "Content-Length: 400\r\nTransfer-Encoding: chunked",
        Hidden,
        BAD,
    ),
    case(
        "chunks and a length, a request after the last chunk",
        "Transfer-Encoding: chunked\r\nContent-Length: 400",
        Hidden,
        BAD,
    ),
    case("`xchunked`", "Transfer-Encoding: xchunked", Chunked, BAD),
    case("`identity`", "Transfer-Encoding: identity", Chunked, BAD),
    case("`identity`, and a length", "Transfer-Encoding: identity\r\nContent-Length: LEN", Pause, BAD),
    case("`chunked, identity`", "Transfer-Encoding: chunked, identity", Chunked, BAD),
    case("`identity, chunked`", "Transfer-Encoding: identity, chunked", Chunked, BAD),
    case("`gzip, chunked`", "Transfer-Encoding: gzip, chunked", Chunked, BAD),
    case("`chunked, chunked`", "Transfer-Encoding: chunked, chunked", Chunked, BAD),
    case("`chunked` on two lines", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", Chunked, BAD),
    case(
        "`chunked` and `identity` on two lines",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        Chunked,
        BAD,
    ),
    case("`chunked` with a parameter", "Transfer-Encoding: chunked;q=1", Chunked, BAD),
    case("`chunked` in quotes", "Transfer-Encoding: \"chunked\"", Chunked, BAD),
    case("`chunked` after a vertical tab", "Transfer-Encoding: \x0bchunked", Chunked, BAD),
    case("`chunked` on a folded line", "Transfer-Encoding:\r\n chunked", Chunked, BAD),
    case("a space before the colon", "Transfer-Encoding : chunked", Chunked, BAD),
    case("no coding at all", "Transfer-Encoding:", Chunked, BAD),
    case(
        "an underscore for the dash: no chunks, so they are the next request",
        "Transfer_Encoding: chunked",
        Chunked,
        "400, 400, closed",
    ),
    case("a chunk's size with a plus sign", "Transfer-Encoding: chunked", Between("+LEN\r\n", "\r\n0\r\n\r\n"), BAD),
    case("a chunk's size with `0x`", "Transfer-Encoding: chunked", Between("0xLEN\r\n", "\r\n0\r\n\r\n"), BAD),
    case("a negative chunk's size", "Transfer-Encoding: chunked", Between("-LEN\r\n", "\r\n0\r\n\r\n"), BAD),
    case(
        "a chunk's size beyond 64 bits",
        "Transfer-Encoding: chunked",
        Between("100000000000000LEN\r\n", "\r\n0\r\n\r\n"),
        BAD,
    ),
    case("a chunk's size of nothing", "Transfer-Encoding: chunked", Between("\r\n", "\r\n0\r\n\r\n"), BAD),
    case("a space inside a chunk's size", "Transfer-Encoding: chunked", Between("0 LEN\r\n", "\r\n0\r\n\r\n"), BAD),
    case(
        "a line that ends with LF alone after a chunk's size",
        "Transfer-Encoding: chunked",
        Between("LEN\n", "\r\n0\r\n\r\n"),
        BAD,
    ),
    case(
        "LF alone in a chunk's extension",
        "Transfer-Encoding: chunked",
        Between("LEN;a\nb\r\n", "\r\n0\r\n\r\n"),
        BAD,
    ),
    case(
        "CR alone in a chunk's extension",
        "Transfer-Encoding: chunked",
        Between("LEN;a\rb\r\n", "\r\n0\r\n\r\n"),
        BAD,
    ),
    case("a chunk that is longer than it says", "Transfer-Encoding: chunked", Between("1\r\n", "\r\n0\r\n\r\n"), BAD),
    case("a chunk that does not end with CR LF", "Transfer-Encoding: chunked", Between("LEN\r\n", "\n0\r\n\r\n"), BAD),
];

/// What looks odd and yet has one meaning only.
const HARMLESS: &[Case] = &[
    case(
        "a length of 0 and chunks: the chunks count",
        "Content-Length: 0\r\nTransfer-Encoding: chunked",
        Chunked,
        "200, closed, changed",
    ),
    case(
        "a length among the trailers",
        "Transfer-Encoding: chunked",
        Between("LEN\r\n", "\r\n0\r\nContent-Length: 9\r\n\r\n"),
        "200, closed, changed",
    ),
    case("the same length twice", "Content-Length: LEN\r\nContent-Length: LEN", Pause, "200, open, changed"),
    case("a length with zeros in front", "Content-Length: 000LEN", Pause, "200, open, changed"),
    case("spaces and tabs around a length", "Content-Length: \t LEN \t", Pause, "200, open, changed"),
    case("`CHUNKED` with tabs around it", "Transfer-Encoding:\tCHUNKED\t", Chunked, "200, open, changed"),
    case(
        "an extension of a chunk",
        "Transfer-Encoding: chunked",
        Between("LEN;a=\"b\"\r\n", "\r\n0\r\n\r\n"),
        "200, open, changed",
    ),
];

fn bytes(case: &Case) -> Vec<u8> {
    let body = set_body("3");
    let in_hex = |text: &str| text.replace("LEN", &format!("{:x}", body.len()));
    let behind = match case.body {
        Pause => body.clone(),
        Chunked => in_hex("LEN\r\n") + &body + "\r\n0\r\n\r\n",
        Hidden => "0\r\n\r\n".to_owned() + core::str::from_utf8(&set("3")).unwrap(),
        Between(before, after) => in_hex(before) + &body + after,
    };
    let lines = case.lines.replace("LEN", &body.len().to_string());
    format!("POST {SET_PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{lines}\r\n\r\n{behind}")
        .into_bytes()
}

pub fn groups() -> Vec<Group> {
    let attempts = |cases: &'static [Case]| {
        cases.iter().map(|case| Attempt { what: case.what.into(), outcome: case.outcome.into() }).collect()
    };
    let test = "smuggling::each_form_has_its_outcome";
    vec![
        Group { title: "Smuggling by length", note: "", test, attempts: attempts(LENGTHS) },
        Group { title: "Smuggling by chunks", note: "", test, attempts: attempts(CHUNKS) },
        Group { title: "Odd, but with one meaning only", note: "", test, attempts: attempts(HARMLESS) },
    ]
}

#[tokio::test]
async fn each_form_has_its_outcome() {
    let mut wrong = Vec::new();
    for case in LENGTHS.iter().chain(CHUNKS).chain(HARMLESS) {
        let running = world().await;
        let outcome = outcome(&running, &bytes(case)).await;
        if outcome != case.outcome {
            wrong.push(format!("{}: {outcome}, not {}", case.what, case.outcome));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The whole of a request is its own: neither is an unwanted body taken for the next request.
#[tokio::test]
async fn a_request_in_the_body_of_another_is_not_carried_out() {
    let inside = set("3");
    for (target, method) in [(STATE_PATH, "GET"), ("/nowhere", "POST"), (SET_PATH, "PUT")] {
        let running = world().await;
        let head = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n");
        let by_length = [format!("{head}Content-Length: {}\r\n\r\n", inside.len()).as_bytes(), &inside].concat();
        let by_chunks = [
            format!("{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", inside.len()).as_bytes(),
            &inside,
            b"\r\n0\r\n\r\n",
        ]
        .concat();
        for bytes in [by_length, by_chunks] {
            let outcome = outcome(&running, &bytes).await;
            // With chunks around it its length ends the connection, too.
            let one_answer = outcome.split_once(", ").is_some_and(|(_, end)| end == "open" || end == "closed");
            assert!(one_answer, "{method} {target}: {outcome}");
        }
    }
}

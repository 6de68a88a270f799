//! Heads that are too large, too many, cut up, or no HTTP.

use crate::attempts::{Attempt, Case, Group, case, outcome, world};
use crate::support::STATE_PATH;

/// A read with these lines in its head.
fn read(lines: &str) -> Vec<u8> {
    format!("GET {STATE_PATH} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n").into_bytes()
}

fn text(text: &str) -> Vec<u8> {
    text.replace("PATH", STATE_PATH).into_bytes()
}

fn many(count: usize) -> String {
    (0..count).map(|number| format!("X-{number}: y\r\n")).collect()
}

const BAD: &str = "400, closed";
const LARGE: &str = "431, closed";

const CASES: &[Case] = &[
    case("one line of 15 KiB", || read(&format!("X: {}\r\n", "x".repeat(15 * 1024))), "200, open"),
    case("one line of 17 KiB", || read(&format!("X: {}\r\n", "x".repeat(17 * 1024))), LARGE),
    case("one line of 1 MiB", || read(&format!("X: {}\r\n", "x".repeat(1024 * 1024))), LARGE),
    case("a name of 17 KiB", || read(&format!("{}: x\r\n", "x".repeat(17 * 1024))), LARGE),
    case("a target of 17 KiB", || text(&format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(17 * 1024))), LARGE),
    case("a method of 17 KiB", || text(&format!("{} / HTTP/1.1\r\n\r\n", "X".repeat(17 * 1024))), LARGE),
    case("99 lines more", || read(&many(99)), "200, open"),
    case("100 lines more", || read(&many(100)), LARGE),
    case("10,000 lines more", || read(&many(10_000)), LARGE),
    case("empty lines before the request, 3", || text("\r\n\r\n\r\nGET PATH HTTP/1.1\r\n\r\n"), "200, open"),
    case("a line without a colon", || read("nonsense\r\n"), BAD),
    case("a line without a name", || read(": x\r\n"), BAD),
    case("a space in a name", || read("X Y: z\r\n"), BAD),
    case("a space before a colon", || read("X : z\r\n"), BAD),
    case("a folded line", || read("X: y\r\n z\r\n"), BAD),
    case("a NUL in a value", || read("X: y\0z\r\n"), BAD),
    case("a bare CR in a value", || read("X: y\rz\r\n"), BAD),
    case("a byte of 0x7f in a value", || read("X: y\u{7f}z\r\n"), BAD),
    case("bytes beyond ASCII in a value", || read("X: ü\r\n"), "200, open"),
    case("bytes beyond ASCII in a name", || read("Ü: x\r\n"), BAD),
    case("lines that end with LF alone", || text("GET PATH HTTP/1.1\nHost: localhost\n\n"), "200, open"),
    case("two spaces after the method", || text("GET  PATH HTTP/1.1\r\n\r\n"), BAD),
    case("a tab after the method", || text("GET\tPATH HTTP/1.1\r\n\r\n"), BAD),
    case("a space inside the target", || text("GET PATH x HTTP/1.1\r\n\r\n"), BAD),
    case("no version (HTTP/0.9)", || text("GET PATH\r\n\r\n"), BAD),
    case("HTTP/1.2", || text("GET PATH HTTP/1.2\r\n\r\n"), BAD),
    case("HTTP/2.0 without TLS", || text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "closed"),
    case("`http/1.1` in small letters", || text("GET PATH http/1.1\r\n\r\n"), BAD),
    case("HTTP/1.0 without keep-alive", || text("GET PATH HTTP/1.0\r\n\r\n"), "200, closed"),
    case("chunks in HTTP/1.0", || text("POST PATH HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), BAD),
    case("no Host", || text("GET PATH HTTP/1.1\r\n\r\n"), "200, open"),
    case("two Hosts", || read("Host: localhost\r\n"), "421, open"),
    case("the begin of a TLS handshake", || vec![22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3], BAD),
    case("bytes of nothing", || vec![0xff; 64], BAD),
];

pub fn groups() -> Vec<Group> {
    let attempts = CASES.iter().map(|case| Attempt { what: case.what.into(), outcome: case.outcome.into() });
    vec![Group { title: "Heads", note: "", test: "heads::each_head_has_its_outcome", attempts: attempts.collect() }]
}

#[tokio::test]
async fn each_head_has_its_outcome() {
    let running = world().await;
    let mut wrong = Vec::new();
    for case in CASES {
        let outcome = outcome(&running, &(case.bytes)()).await;
        if outcome != case.outcome {
            wrong.push(format!("{}: {outcome}, not {}", case.what, case.outcome));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A head that comes in two pieces, cut at every place, is the same head; and so is what is wrong with it.
#[tokio::test]
async fn a_split_head_has_the_outcome_of_the_whole() {
    let running = world().await;
    let good = read("Content-Type: x\r\n");
    let bad = read("Content-Length : 5\r\n");
    for (bytes, expected) in [(good, 200), (bad, 400)] {
        let end = bytes.len();
        for cut in 1..end {
            let mut client = crate::support::Client::connect(running.addresses().api).await;
            client.send(&bytes[..cut]).await;
            tokio::task::yield_now().await;
            // The server may have refused the first piece, and be gone.
            let _ = tokio::io::AsyncWriteExt::write_all(&mut client.stream, &bytes[cut..]).await;
            assert_eq!(client.next_status().await.map(|(status, _)| status), Some(expected), "cut at {cut} of {end}");
        }
    }
}

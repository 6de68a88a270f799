//! Floods of what no rate of requests counts: invalid tokens, and frames of HTTP/2 without a request. Each is
//! counted, which no busy machine can spoil; and good requests are timed among them.

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use recording_server::auth::tokens::make;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::access::{bearer, get_with, jwt_options};
use crate::attempts::{Attempt, Group};
use crate::certificates::Certificate;
use crate::jwts::{Issuer, claims};
use crate::process::{File, Running};
use crate::slow::p99_of;
use crate::support::{Client, STATE_PATH};
use crate::tls::HTTP_2;

/// How much slower the slowest hundredth of the good ones may get.
const MOST: u32 = 5;

/// A busy machine may spoil a round; a server that suffers spoils all of them. So the best time in a flood is compared
/// with the longest without one.
const ROUNDS: usize = 8;

/// How many connections a flood has.
const CONNECTIONS: usize = 8;

pub fn groups() -> Vec<Group> {
    let attempt = |what: &str| Attempt {
        what: what.to_owned(),
        outcome: format!("p99 of good requests under {MOST} times what it is without them"),
    };
    let attempts = vec![
        attempt("JWTs signed by an unknown key, on 8 connections"),
        attempt("pings of HTTP/2 on 8 connections, each opened again when it is ended"),
        attempt("the same with settings"),
        attempt("the same with priorities"),
    ];
    vec![Group { title: "Floods", note: "", test: "floods::good_requests_go_on_in_a_flood", attempts }]
}

/// A JWT that is not one of the issuer's, different each time.
fn forged(number: usize) -> String {
    let mut claims = claims();
    claims["sub"] = json!(number);
    let token = Issuer::new().sign_as(&json!({"alg": "ES256", "kid": "e"}), &claims, "e");
    get_token(&token)
}

fn get_token(token: &str) -> String {
    String::from_utf8(get_with(STATE_PATH, &[("Authorization", &bearer(token))])).unwrap()
}

/// An address may show so many invalid tokens; the others are not even looked at. Valid ones are let in all
/// the while, from the same address.
#[tokio::test]
async fn tokens_that_do_not_hold_are_counted_before_they_are_checked() {
    let issuer = Issuer::new();
    let fixed = make("fixed").unwrap();
    let (jwks, tokens) = (File::new("flood.jwks", &issuer.jwks().to_string()), File::new("flood.tokens", &fixed.line));
    let mut options = jwt_options(&jwks).to_vec();
    options.extend(["--tokens", tokens.path(), "--log", "off"]);
    for (rate, is_limited) in [(None, true), (Some("off"), false)] {
        let mut options = options.clone();
        options.extend(rate.iter().flat_map(|rate| ["--rate", rate]));
        let running = Running::start(&options);
        let good = [get_token(&fixed.token), get_token(&issuer.token(&claims()))];
        let mut client = Client::connect(running.api).await;
        for good in &good {
            assert_eq!(client.exchange(good.as_bytes()).await.status, 200);
        }
        let (began, mut checked, mut refused) = (Instant::now(), 0_u32, 0);
        let unknown = [forged(1), get_token("rec_nobody"), get_token("a.b.c")];
        for number in 0..600 {
            let response = client.exchange(unknown[number % 3].as_bytes()).await;
            match response.status {
                401 => checked += 1,
                429 => {
                    refused += 1;
                    assert_eq!(response.header("retry-after"), Some("1"));
                }
                status => panic!("{status}"),
            }
            if number % 10 == 0 {
                assert_eq!(client.exchange(good[number / 10 % 2].as_bytes()).await.status, 200, "{number}");
            }
        }
        if is_limited {
            let most = 200.0 * (1.0 + began.elapsed().as_secs_f64()) + 1.0;
            assert!(f64::from(checked) <= most, "{checked} of at most {most}");
            assert!(refused > 0 && checked >= 200, "{checked} {refused}");
        } else {
            assert_eq!((checked, refused), (600, 0));
        }
        // A new one that holds is let in as soon as there is room.
        let mut claims = claims();
        claims["sub"] = json!("another");
        let new = get_token(&issuer.token(&claims));
        let begin = Instant::now();
        while client.exchange(new.as_bytes()).await.status != 200 {
            assert!(begin.elapsed() < crate::support::PATIENCE);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// With `--rate off` frames are not counted either.
#[tokio::test]
async fn frames_are_counted_unless_rates_are_off() {
    let certificate = Arc::new(Certificate::new("frames"));
    for (rate, is_ended) in [("5000", true), ("off", false)] {
        let mut options = certificate.options().to_vec();
        options.extend(["--rate", rate, "--log", "off"]);
        let running = Running::start(&options);
        let stream = Client::connect(running.api).await.stream;
        let mut stream = certificate.try_connect(stream, &[HTTP_2]).await.unwrap();
        let sent = [PREFACE, &PING.repeat(20_000)].concat();
        let (mut read, mut write) = tokio::io::split(&mut stream);
        let sending = async {
            let _ = write.write_all(&sent).await;
            let _ = write.flush().await;
        };
        let answers = async {
            // A ping's answer has 17 bytes.
            let (mut bytes, mut chunk) = (0, [0; 16 * 1024]);
            while bytes < 20_000 * 17 {
                match read.read(&mut chunk).await {
                    Ok(0) | Err(_) => return true,
                    Ok(count) => bytes += count,
                }
            }
            false
        };
        let ((), was_ended) =
            tokio::time::timeout(crate::support::PATIENCE, async { tokio::join!(sending, answers) }).await.unwrap();
        assert_eq!(was_ended, is_ended, "{rate}");
    }
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0\0\0\0\0\0\0\0\0";
const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";
const PRIORITY: &[u8] = b"\0\0\x05\x02\0\0\0\0\x03\0\0\0\0\x01";

/// Sends `frame` as fast as it goes, and comes back when it is cut.
fn frames(address: SocketAddr, certificate: &Arc<Certificate>, frame: &'static [u8]) -> JoinSet<()> {
    let mut flood = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let certificate = Arc::clone(certificate);
        flood.spawn(async move {
            loop {
                let stream = Client::connect(address).await.stream;
                let Ok(stream) = certificate.try_connect(stream, &[HTTP_2]).await else { continue };
                let (mut read, mut write) = tokio::io::split(stream);
                let sending = async {
                    let many = [PREFACE, &frame.repeat(100)].concat();
                    let mut next = &many[..];
                    while write.write_all(next).await.is_ok() && write.flush().await.is_ok() {
                        next = &many[PREFACE.len()..];
                        tokio::task::yield_now().await;
                    }
                };
                let taking = async { while let Ok(1..) = read.read(&mut [0; 4096]).await {} };
                tokio::select! { () = sending => {}, () = taking => {} }
                // To come back at once would be a flood of handshakes, which is another one.
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        });
    }
    flood
}

fn tokens(address: SocketAddr) -> JoinSet<()> {
    let mut flood = JoinSet::new();
    for number in 0..CONNECTIONS {
        flood.spawn(async move {
            let token = forged(number);
            let mut client = Client::connect(address).await;
            loop {
                let _ = client.exchange(token.as_bytes()).await;
            }
        });
    }
    flood
}

/// The flood on a thread of its own, until what comes with it is dropped: those who flood are not the good client's work.
fn apart(
    what: &'static str,
    address: SocketAddr,
    certificate: &Arc<Certificate>,
) -> (std::thread::JoinHandle<()>, oneshot::Sender<()>) {
    let (end, ended) = oneshot::channel::<()>();
    let certificate = Arc::clone(certificate);
    let flood = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let _flood = match what {
                "tokens" => tokens(address),
                "pings" => frames(address, &certificate, PING),
                "settings" => frames(address, &certificate, SETTINGS),
                _ => frames(address, &certificate, PRIORITY),
            };
            let _ = ended.await;
        });
    });
    (flood, end)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn good_requests_go_on_in_a_flood() {
    let issuer = Issuer::new();
    let fixed = make("fixed").unwrap();
    let (jwks, list) = (File::new("p99.jwks", &issuer.jwks().to_string()), File::new("p99.tokens", &fixed.line));
    let certificate = Arc::new(Certificate::new("p99"));
    // To see what it is for: RATE=off, and the times are those of a server without it.
    let rate = std::env::var("RATE").unwrap_or_else(|_| "5000".to_owned());
    let mut options = jwt_options(&jwks).to_vec();
    options.extend(["--tokens", list.path(), "--log", "off", "--rate", &rate]);
    let plain = Running::start(&options);
    options.extend(certificate.options());
    let tls = Running::start(&options);
    let good = get_token(&fixed.token);
    for what in ["tokens", "pings", "settings", "priorities"] {
        let (mut longest_quiet, mut best_in_flood) = (Duration::ZERO, Duration::MAX);
        for _ in 0..ROUNDS {
            let (address, with) = if what == "tokens" { (plain.api, None) } else { (tls.api, Some(&certificate)) };
            let usual = p99_of(address, with, good.as_bytes()).await;
            let (flood, end) = apart(what, address, &certificate);
            tokio::time::sleep(Duration::from_millis(300)).await;
            let in_flood = p99_of(address, with, good.as_bytes()).await;
            drop(end);
            flood.join().unwrap();
            println!("{what}: p99 {usual:?} without, {in_flood:?} with");
            (longest_quiet, best_in_flood) = (longest_quiet.max(usual), best_in_flood.min(in_flood));
            if best_in_flood < MOST * longest_quiet {
                break;
            }
        }
        assert!(best_in_flood < MOST * longest_quiet, "{what}: {longest_quiet:?} without, {best_in_flood:?} with");
    }
}

//! Hundreds of clients that hold their connections and send next to nothing, and good ones among them.

use core::net::SocketAddr;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::attempts::{Attempt, Group};
use crate::certificates::Certificate;
use crate::process::Running;
use crate::support::{Client, SET_PATH, STATE_PATH, get};

/// Of each kind.
const MANY: usize = 500;

/// How often a slow one sends a byte.
const BEAT: Duration = Duration::from_millis(500);

/// How many good requests are timed at least.
const GOOD: usize = 1000;

/// How long they may take to be there, on however busy a machine.
const ARRIVAL: Duration = Duration::from_secs(120);

/// How the bad ones come.
struct Siege {
    certificate: Option<Arc<Certificate>>,
    /// The server's time for a request, in seconds.
    request: &'static str,
    /// How far apart they come, the first time and whenever they come back.
    apart: Duration,
    /// Whether as many must have come back as there are before it is over.
    comes_back: bool,
}

/// How much slower the slowest hundredth of the good ones may get.
const MOST: u32 = 5;

/// A busy machine may spoil a round; a server that suffers spoils all of them.
const ROUNDS: usize = 3;

pub fn groups() -> Vec<Group> {
    let attempt = |what: &str| Attempt {
        what: what.to_owned(),
        outcome: format!("p99 of good requests under {MOST} times what it is without them"),
    };
    let attempts = vec![
        attempt(
            "500 slow senders (a byte each 500 ms, half of them of a head, half of a body) and 500 half-open connections (nothing sent), all at once, each coming back when it is cut",
        ),
        attempt("the same through TLS, the half-open ones in the middle of the handshake"),
    ];
    vec![Group { title: "Slow clients", note: "", test: "slow::good_requests_go_on_among_slow_ones", attempts }]
}

/// The bad clients at work.
struct Bad {
    tasks: JoinSet<()>,
    connected: Arc<AtomicUsize>,
    cut: Arc<AtomicUsize>,
}

/// Counts a connection as long as it is open.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Bad {
    fn start(address: SocketAddr, siege: &Siege) -> Self {
        let mut bad = Self { tasks: JoinSet::new(), connected: Arc::default(), cut: Arc::default() };
        let head = format!(
            "POST {SET_PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2000\r\n"
        );
        let head: Arc<str> = (head + "X-Slow: " + &"x".repeat(4000)).into();
        for number in 0..2 * MANY {
            let (connected, cut) = (Arc::clone(&bad.connected), Arc::clone(&bad.cut));
            let (certificate, head, pause) =
                (siege.certificate.clone(), Arc::clone(&head), siege.apart * number as u32);
            bad.tasks.spawn(async move {
                tokio::time::sleep(pause).await;
                loop {
                    let Ok(stream) = TcpStream::connect(address).await else { continue };
                    let counted = Counted::new(&connected);
                    match (number % 4, &certificate) {
                        (0, None) => trickle(stream, &head, 0).await,
                        (1, None) => trickle(stream, &head, MANY).await,
                        (0 | 1, Some(certificate)) => {
                            let whole = if number % 4 == 0 { 0 } else { MANY };
                            if let Ok(stream) = certificate.try_connect(stream, &[]).await {
                                trickle(stream, &head, whole).await;
                            }
                        }
                        (_, None) => hold(stream, b"").await,
                        // The begin of a handshake.
                        (_, Some(_)) => hold(stream, &[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]).await,
                    }
                    drop(counted);
                    cut.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        bad
    }

    /// Waits until nearly all are connected: at any moment a few are on their way back.
    async fn are_there(&self) {
        let begin = Instant::now();
        while self.connected.load(Ordering::Relaxed) < 2 * MANY * 9 / 10 {
            assert!(begin.elapsed() < ARRIVAL, "only {} came", self.connected.load(Ordering::Relaxed));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Sends a head byte by byte; or a whole one, if it is to be `whole`, and then its body.
async fn trickle(stream: impl AsyncRead + AsyncWrite, head: &str, whole: usize) {
    let (mut read, mut write) = tokio::io::split(stream);
    let lines = head.split_inclusive("\r\n").filter(|line| line.ends_with('\n')).collect::<String>() + "\r\n";
    let sending = async {
        if whole > 0 && write.write_all(lines.as_bytes()).await.is_err() {
            return;
        }
        for byte in head.bytes() {
            if write.write_all(&[byte]).await.is_err() || write.flush().await.is_err() {
                return;
            }
            tokio::time::sleep(BEAT).await;
        }
    };
    let mut answer = [0; 1];
    tokio::select! {
        () = sending => {}
        // An answer or the end: both are the end here.
        _ = read.read(&mut answer) => {}
    }
}

async fn hold(mut stream: TcpStream, begin: &[u8]) {
    if stream.write_all(begin).await.is_ok() {
        let _ = stream.read(&mut [0; 1]).await;
    }
}

/// The time that 99 of 100 good requests do not exceed, timed until there are enough and `is_over`. Every tenth has a
/// connection of its own.
async fn p99(address: SocketAddr, certificate: Option<&Arc<Certificate>>, is_over: impl Fn() -> bool) -> Duration {
    p99_until(address, certificate, &get(STATE_PATH), is_over).await
}

/// The same of this request, for as long as it takes to have enough.
pub async fn p99_of(address: SocketAddr, certificate: Option<&Arc<Certificate>>, request: &[u8]) -> Duration {
    p99_until(address, certificate, request, || true).await
}

async fn p99_until(
    address: SocketAddr,
    certificate: Option<&Arc<Certificate>>,
    request: &[u8],
    is_over: impl Fn() -> bool,
) -> Duration {
    let mut times = Vec::new();
    let mut plain = Client::connect(address).await;
    let mut tls = None;
    for turn in 0.. {
        if turn >= GOOD && is_over() {
            break;
        }
        let begin = Instant::now();
        let is_new = turn % 10 == 0;
        let response = match certificate {
            None => {
                if is_new {
                    plain = Client::connect(address).await;
                }
                plain.exchange(request).await
            }
            Some(certificate) => {
                if is_new {
                    let stream = Client::connect(address).await.stream;
                    tls = Some(Client::over(certificate.try_connect(stream, &[]).await.unwrap()));
                }
                tls.as_mut().unwrap().exchange(request).await
            }
        };
        assert_eq!(response.status, 200);
        times.push(begin.elapsed());
    }
    times.sort();
    times[times.len() * 99 / 100]
}

async fn hold_out(siege: Siege) {
    // Two ends of a thousand connections, the server's in its own process.
    let files = rlimit::increase_nofile_limit(4096).unwrap();
    assert!(files > 2 * MANY as u64 + 100, "this machine allows {files} open files only");
    let mut options = vec!["--request-timeout", siege.request, "--log", "off", "--rate", "off"];
    if let Some(certificate) = &siege.certificate {
        options.extend(certificate.options());
    }
    let running = Running::start(&options);
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let usual = p99(running.api, siege.certificate.as_ref(), || true).await;
        let bad = Bad::start(running.api, &siege);
        bad.are_there().await;
        let is_over = || !siege.comes_back || bad.cut.load(Ordering::Relaxed) >= 2 * MANY;
        let among_bad = p99(running.api, siege.certificate.as_ref(), is_over).await;
        bad.are_there().await;
        println!("p99 {usual:?} without, {among_bad:?} with; cut and come back: {}", bad.cut.load(Ordering::Relaxed));
        rounds.push((usual, among_bad));
        if among_bad < MOST * usual {
            return;
        }
    }
    panic!("{MOST} times slower or more: {rounds:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn good_requests_go_on_among_slow_ones() {
    // A thousand within 3 s, which is all the time that a request has: so some are cut and come back at every moment.
    let plain = Siege { certificate: None, request: "3", apart: Duration::from_millis(3), comes_back: true };
    hold_out(plain).await;
    // Handshakes are work, most of all without optimisation, and half of them is this test's: once is enough.
    let certificate = Some(Arc::new(Certificate::new("slow-senders")));
    hold_out(Siege { certificate, request: "100", apart: Duration::from_millis(5), comes_back: false }).await;
}

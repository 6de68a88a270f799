//! Clients that set states through servers, over connections that stay.

use super::cpu::Cpu;
use super::stats::{Times, count};
use crate::client::{UCC, agent};
use crate::servers::Place;
use anyhow::{Context as _, Result, bail, ensure};
use core::net::SocketAddr;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Longer than a server takes to say that something is not known.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many sessions sets are spread over.
pub(super) const SESSIONS: usize = 6400;
/// How many connections begin sessions.
const BEGINNERS: usize = 64;

/// The number that a session's id is written from: they are spread, as those of real calls are.
pub(super) fn spread(session: usize) -> u128 {
    let session = session as u64;
    u128::from(session.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64 | u128::from(session)
}

/// A session's id, as requests have it.
pub(super) fn id(session: usize) -> String {
    let digits = format!("{:032x}", spread(session));
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

/// A connection to a server.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(4096) })
    }

    /// Asks, and gives status and body.
    pub(super) async fn exchange(&mut self, method: &str, target: &str, body: &str) -> Result<(u16, &[u8])> {
        let length = body.len();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        timeout(PATIENCE, self.ask(head.as_bytes())).await.context("a server does not answer")?
    }

    async fn ask(&mut self, message: &[u8]) -> Result<(u16, &[u8])> {
        self.stream.write_all(message).await?;
        self.buffer.clear();
        loop {
            if let Some((status, from, to)) = whole(&self.buffer)? {
                return Ok((status, &self.buffer[from..to]));
            }
            ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "a server ends a connection");
        }
    }
}

/// Status, begin and end of the body, if the reply is whole.
fn whole(reply: &[u8]) -> Result<Option<(u16, usize, usize)>> {
    let Some(end) = reply.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = str::from_utf8(&reply[..end])?;
    let status = head.get(9..12).context("a status")?.parse()?;
    let length = head.lines().filter_map(|line| line.split_once(':'));
    let length = length.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = length.context("a reply has a length")?.1.trim().parse()?;
    let end = end + 4;
    Ok((reply.len() >= end + length).then_some((status, end, end + length)))
}

/// Sessions, and which of them are marked.
pub(super) type Sessions = Arc<Vec<AtomicBool>>;

/// Begins sessions through servers.
pub(super) async fn begin(admin: Vec<SocketAddr>, count: usize) -> Result<Sessions> {
    let mut beginning = JoinSet::new();
    for first in 0..BEGINNERS.min(count) {
        let admin = admin[first % admin.len()];
        beginning.spawn(async move {
            let mut connection = Connection::open(admin).await?;
            for session in (first..count).step_by(BEGINNERS) {
                let (status, body) =
                    connection.exchange("PUT", &format!("/sessions/{UCC}/{}", id(session)), "").await?;
                ensure!(status == 201, "a begin is answered {status} {}", String::from_utf8_lossy(body));
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = beginning.join_next().await {
        done??;
    }
    Ok(Arc::new((0..count).map(|_| AtomicBool::new(false)).collect()))
}

/// Marks a session, or unmarks one that is marked: each is a change.
pub(super) async fn set(connection: &mut Connection, sessions: &Sessions, session: usize) -> Result<u16> {
    let marked = sessions[session].load(Ordering::Relaxed);
    let (action, agent, id) = (if marked { 7 } else { 6 }, agent(0), id(session));
    let body = format!(r#"{{"Action":{action},"RequesterSipUri":"{agent}","CorrelationId":"{id}","UCCName":"{UCC}"}}"#);
    let (status, said) = connection.exchange("POST", "/attendantservice/api/recording/set", &body).await?;
    match status {
        200 if contains(said, br#""ErrorMessage":null"#) => sessions[session].store(!marked, Ordering::Relaxed),
        503 => {}
        _ => bail!("a set is answered {status} {}", String::from_utf8_lossy(said)),
    }
    Ok(status)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// What clients got.
#[derive(Clone, Debug, Default)]
pub(super) struct Load {
    pub(super) times: Times,
    pub(super) seconds: f64,
    /// What it took of the machine.
    pub(super) cpu: Cpu,
}

impl Load {
    /// Changes a second.
    pub(super) fn rate(&self) -> f64 {
        self.times.len() as f64 / self.seconds
    }

    /// What tables say of it: changes a second, and the median and the 99th percentile in milliseconds.
    pub(super) fn cells(&self) -> [String; 3] {
        let rate = count(self.rate().round() as usize);
        [rate, format!("{:.2}", self.times.median()), format!("{:.2}", self.times.slow())]
    }

    pub(super) fn extend(&mut self, other: &Self) {
        self.times.extend(&other.times);
        self.seconds += other.seconds;
        self.cpu += other.cpu;
    }
}

/// How many changes servers have made, and in how many groups.
pub(super) async fn groups(places: &[Place]) -> Result<(f64, f64)> {
    let mut all = (0.0, 0.0);
    for place in places {
        let mut connection = Connection::open(place.admin).await?;
        let (_, body) = connection.exchange("GET", "/metrics", "").await?;
        let metrics = String::from_utf8_lossy(body);
        let number = |name: &str| {
            let name = format!("recording_store_group_size_{name} ");
            let found = metrics.lines().find_map(|line| line.strip_prefix(&name)?.parse::<f64>().ok());
            found.with_context(|| format!("no {name}"))
        };
        all = (all.0 + number("sum")?, all.1 + number("count")?);
    }
    Ok(all)
}

/// Which of so many sessions are this client's.
pub(super) fn own(client: usize, clients: usize, sessions: usize) -> impl Iterator<Item = usize> + Clone {
    (client..sessions).step_by(clients)
}

/// Loads servers with so many clients for so long. Each has sessions of its own, a connection of its own, and one request on
/// its way.
pub(super) async fn load(
    servers: Vec<SocketAddr>,
    sessions: Sessions,
    clients: usize,
    longest: Duration,
) -> Result<Load> {
    let mut connections = Vec::new();
    for client in 0..clients {
        connections.push(Connection::open(servers[client % servers.len()]).await?);
    }
    let end = Instant::now() + longest;
    let mut working = JoinSet::new();
    for (client, mut connection) in connections.into_iter().enumerate() {
        let sessions = Arc::clone(&sessions);
        working.spawn(async move {
            let mut times = Times::default();
            for session in own(client, clients, sessions.len()).cycle() {
                let began = Instant::now();
                let status = set(&mut connection, &sessions, session).await?;
                ensure!(status == 200, "a set is answered {status}");
                if Instant::now() > end {
                    break;
                }
                times.push(began.elapsed());
            }
            anyhow::Ok(times)
        });
    }
    gather(working, longest).await
}

/// What all clients got.
pub(super) async fn gather(mut working: JoinSet<Result<Times>>, longest: Duration) -> Result<Load> {
    let mut load = Load { seconds: longest.as_secs_f64(), ..Load::default() };
    while let Some(times) = working.join_next().await {
        load.times.extend(&times??);
    }
    Ok(load)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_whole_or_not() -> Result<()> {
        let reply = b"HTTP/1.1 200 OK\r\nContent-Type: x\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(whole(reply)?, Some((200, reply.len() - 2, reply.len())));
        for length in 0..reply.len() {
            assert_eq!(whole(&reply[..length])?, None);
        }
        assert!(whole(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        Ok(())
    }

    #[test]
    fn each_session_has_one_client() {
        for clients in [1, 3, 16] {
            let mut all: Vec<_> = (0..clients).flat_map(|client| own(client, clients, 40)).collect();
            all.sort_unstable();
            assert_eq!(all, (0..40).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_id_is_that_of_the_key() {
        assert_eq!(id(1), "9e3779b9-7f4a-7c15-0000-000000000001");
    }
}

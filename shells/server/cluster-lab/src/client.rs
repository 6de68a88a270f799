//! A client that asks for changes, and records what it asked and what it was answered.

use crate::model::{Op, Outcome, Reply, Request, SAVE_BY_DEFAULT, State};
use crate::servers::Servers;
use anyhow::{Context as _, Result, bail};
use core::{net::SocketAddr, time::Duration};
use fastrand::Rng;
use recording_test_support::naive;
use serde_json::Value;
use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread::sleep;

pub(crate) const UCC: &str = "lab";
/// Longer than a server takes to say that an outcome is not known.
const PATIENCE: Duration = Duration::from_secs(15);

/// The id of a session.
pub(crate) fn id(session: usize) -> String {
    format!("00000000-0000-4000-8000-{session:012x}")
}

/// The session with this id.
pub(crate) fn session(id: &str) -> Option<usize> {
    usize::from_str_radix(id.strip_prefix("00000000-0000-4000-8000-")?, 16).ok()
}

/// The agent that a client is.
pub(crate) fn agent(client: usize) -> String {
    format!("sip:c{client}@domain.com")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Port {
    Api,
    Admin,
}

#[derive(Debug)]
pub(crate) struct Client<'a> {
    pub(crate) number: usize,
    pub(crate) servers: &'a Servers,
    pub(crate) random: Rng,
    /// By server and port, with the start that it leads to: what led to an earlier start is closed.
    pub(crate) connections: HashMap<(usize, Port), (usize, TcpStream)>,
    pub(crate) ops: Vec<Op>,
    /// How often no server could be connected to: then nothing was asked.
    pub(crate) not_sent: usize,
}

impl Client<'_> {
    /// Asks until the servers are not to be asked any more.
    pub(crate) fn run(&mut self, sessions: usize) -> Result<()> {
        let mut is_open = vec![false; sessions];
        while !self.servers.is_over() {
            let session = self.random.usize(..sessions);
            let request = match self.random.u8(..100) {
                0..12 => Request::Read,
                12..17 => Request::End,
                17..20 => Request::Begin(self.state()),
                _ if !is_open[session] => Request::Begin(self.state()),
                _ => Request::Set(self.random.u8(1..=7)),
            };
            let server = self.random.usize(..self.servers.count());
            match self.ask(server, session, request)? {
                Some(Outcome::Answered(reply)) => {
                    is_open[session] = !matches!(reply, Reply::NoSession | Reply::Ended(_));
                    sleep(Duration::from_micros(self.random.u64(..20_000)));
                }
                Some(_) => {}
                None => sleep(Duration::from_millis(20)),
            }
        }
        Ok(())
    }

    fn state(&mut self) -> State {
        (self.random.u8(..4), self.random.u8(..3), self.random.u8(..3))
    }

    /// Asks a server. `None` if it cannot be connected to.
    pub(crate) fn ask(&mut self, server: usize, session: usize, request: Request) -> Result<Option<Outcome>> {
        let Some(place) = self.servers.place(server) else {
            self.not_sent += 1;
            return Ok(None);
        };
        let (port, message) = match request {
            Request::Set(action) => (Port::Api, set(self.number, session, action)),
            Request::Read => {
                let path = format!("/attendantservice/api/recording/{UCC}/{}", id(session));
                (Port::Api, message("GET", &path, ""))
            }
            Request::End => (Port::Admin, message("DELETE", &format!("/sessions/{UCC}/{}", id(session)), "")),
            Request::Begin((recording, marking, saving)) => {
                let body =
                    format!(r#"{{"RecordingState":{recording},"MarkingState":{marking},"SavingState":{saving}}}"#);
                (Port::Admin, message("PUT", &format!("/sessions/{UCC}/{}", id(session)), &body))
            }
        };
        let kept = self.connections.remove(&(server, port)).filter(|(start, _)| *start == place.start);
        let address = match port {
            Port::Api => place.api,
            Port::Admin => place.admin,
        };
        let stream = kept.map(|(_, stream)| stream).or_else(|| connect(address).ok());
        let Some(mut stream) = stream else {
            self.not_sent += 1;
            return Ok(None);
        };
        let from = self.servers.now();
        let answer = exchange(&mut stream, &message);
        let to = self.servers.now();
        let outcome = match answer {
            Ok((status, body)) => {
                self.connections.insert((server, port), (place.start, stream));
                outcome(request, status, &body).with_context(|| format!("{request:?} is answered {status} {body}"))?
            }
            Err(_) => Outcome::Unknown,
        };
        self.ops.push(Op { client: self.number, session, start: place.start, request, from, to, outcome, until: None });
        Ok(Some(outcome))
    }
}

fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

fn message(method: &str, target: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

fn set(client: usize, session: usize, action: u8) -> String {
    let (agent, id) = (agent(client), id(session));
    let body = format!(r#"{{"Action":{action},"RequesterSipUri":"{agent}","CorrelationId":"{id}","UCCName":"{UCC}"}}"#);
    message("POST", "/attendantservice/api/recording/set", &body)
}

/// Sends a request; gives status and body.
fn exchange(stream: &mut TcpStream, message: &str) -> Result<(u16, Value)> {
    stream.write_all(message.as_bytes())?;
    let mut buffer = Vec::new();
    loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            let (head, body) = (str::from_utf8(&buffer[..end])?, &buffer[end + 4..]);
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            let length: usize = length.context("a reply has a length")?;
            if body.len() >= length {
                let status = head.get(9..12).context("a status")?.parse()?;
                return Ok((status, serde_json::from_slice(&body[..length])?));
            }
        }
        let mut part = [0; 4096];
        match stream.read(&mut part)? {
            0 => bail!("the connection ends"),
            count => buffer.extend_from_slice(&part[..count]),
        }
    }
}

/// What a reply says, by the protocol's document. An error if it has no such reply.
pub(crate) fn outcome(request: Request, status: u16, body: &Value) -> Result<Outcome> {
    let text = body["ErrorMessage"]["Message"].as_str();
    let shown = || -> Result<State> {
        let code = |key: &str| body[key].as_u64().and_then(|code| u8::try_from(code).ok()).context("a state");
        Ok((code("RecordingState")?, code("MarkingState")?, code("SavingState")?))
    };
    let reply = match (request, status, text) {
        (_, 503, Some(text)) if text.contains("not known") => return Ok(Outcome::Unknown),
        (_, 503, Some(_)) => return Ok(Outcome::NotDone),
        (Request::Begin(_), 201, None) => Reply::Begun,
        (Request::Begin(_) | Request::Set(_) | Request::Read, 200, None) => Reply::Open(shown()?),
        (Request::End, 200, None) => {
            let said = body["Disposition"].as_str().context("a disposition")?;
            let known = ["Keep", "Discard", "NothingRecorded"].into_iter().find(|known| *known == said);
            Reply::Ended(known.context("a known disposition")?)
        }
        (Request::End, 404, Some(_)) => Reply::NoSession,
        (Request::Set(_) | Request::Read, 200, Some(text)) if text.starts_with("No Audio session") => Reply::NoSession,
        (Request::Set(action), 200, Some(text)) => {
            let shown = shown()?;
            let recording = naive::RECORDING.get(usize::from(shown.0)).context("a state")?;
            let name = naive::action_name(action);
            if text != format!("Action:'{name}' is not allowed while the recorder is '{recording}'.") {
                bail!("no such error");
            }
            Reply::Refused(shown)
        }
        _ => bail!("no such reply"),
    };
    if let (Request::Begin(wanted), Reply::Begun) = (request, reply)
        && wanted != shown()?
    {
        bail!("it begins in another state");
    }
    Ok(Outcome::Answered(reply))
}

/// The config of every server.
pub(crate) fn config(clients: usize) -> String {
    let agents: Vec<_> = (0..clients).map(agent).collect();
    format!(
        "[[ucc]]\nname = \"{UCC}\"\nrecording_api_licensed = true\nuse_audio_recording = true\n\
         agent_can_edit_audio_recording = true\nsave_recording_by_default = {SAVE_BY_DEFAULT}\nagents = {agents:?}\n"
    )
}

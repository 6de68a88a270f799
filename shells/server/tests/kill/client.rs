//! A client that remembers its answers.

use core::net::SocketAddr;
use core::ops::Range;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

use recording_core::{Action, State};
use serde_json::Value;

use super::server::{self, Server};
use super::{Random, Sessions};

/// A client with sessions of its own, so that it knows what they must be.
pub(crate) struct Client {
    numbers: Range<usize>,
    /// What it was answered.
    told: Sessions,
    /// What it asked and was not answered: the session, and what it would be.
    asked: Option<(usize, Option<State>)>,
    count: usize,
}

impl Client {
    pub(crate) const fn new(numbers: Range<usize>) -> Self {
        Self { numbers, told: Sessions::new(), asked: None, count: 0 }
    }

    /// How many changes were answered with success since the last time.
    pub(crate) fn take_count(&mut self) -> usize {
        core::mem::take(&mut self.count)
    }

    /// Compares what the server has with what was answered. Gives how many requests were open, and how many of them were done.
    pub(crate) fn settle(&mut self, sessions: &Sessions) -> (usize, usize) {
        let asked = self.asked.take();
        for number in self.numbers.clone() {
            let (found, told) = (sessions.get(&number).copied(), self.told.get(&number).copied());
            match asked {
                Some((asked, state)) if asked == number => {
                    assert!(
                        found == told || found == state,
                        "session {number}: {found:?} is neither {told:?} nor {state:?}"
                    );
                }
                _ => assert_eq!(found, told, "session {number}"),
            }
        }
        let Some((number, state)) = asked else { return (0, 0) };
        let was_made = sessions.get(&number).copied() == state;
        self.note(number, sessions.get(&number).copied());
        (1, usize::from(was_made))
    }

    fn note(&mut self, number: usize, state: Option<State>) {
        match state {
            Some(state) => self.told.insert(number, state),
            None => self.told.remove(&number),
        };
    }

    /// Asks for changes until the server is gone.
    pub(crate) fn run(&mut self, server: &Server, random: &mut Random) {
        let (Ok(mut api), Ok(mut admin)) = (Connection::open(server.api), Connection::open(server.admin)) else {
            return;
        };
        loop {
            let number = self.numbers.start + random.next(self.numbers.len() as u64) as usize;
            let (connection, request, state) = match self.told.get(&number) {
                None => {
                    let state = State::ALL[random.next(36) as usize];
                    let mut buffer = [0; State::DOCUMENT_LEN];
                    let document = str::from_utf8(state.write(&mut buffer).unwrap()).unwrap().to_owned();
                    (&mut admin, server::request("PUT", &server::session(number), &document), Some(state))
                }
                Some(_) if random.next(20) == 0 => {
                    (&mut admin, server::request("DELETE", &server::session(number), ""), None)
                }
                Some(&state) => {
                    let action = Action::ALL[random.next(7) as usize];
                    let to = state.apply(action).state();
                    if to == state {
                        continue;
                    }
                    (&mut api, server::set(number, action), Some(to))
                }
            };
            self.asked = Some((number, state));
            match connection.exchange(&request) {
                Err(_) => return,
                Ok((status, body)) => {
                    assert!(matches!(status, 200 | 201), "{status} {body}");
                    if let Some(state) = state {
                        assert_eq!(server::state(&body), state, "{body}");
                    }
                    self.note(number, state);
                    self.asked = None;
                    self.count += 1;
                }
            }
        }
    }
}

/// A connection for one request after the other.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::new() })
    }

    /// Sends a request; gives status and body.
    pub(crate) fn exchange(&mut self, request: &str) -> io::Result<(u16, Value)> {
        self.stream.write_all(request.as_bytes())?;
        loop {
            if let Some(reply) = self.reply() {
                return Ok(reply);
            }
            let mut part = [0; 16 * 1024];
            match self.stream.read(&mut part)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => self.buffer.extend_from_slice(&part[..count]),
            }
        }
    }

    fn reply(&mut self) -> Option<(u16, Value)> {
        let end = self.buffer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let head = str::from_utf8(&self.buffer[..end]).unwrap();
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse::<usize>().unwrap();
        let status = head["HTTP/1.1 ".len()..][..3].parse().unwrap();
        let body = serde_json::from_slice(self.buffer.get(end..end + length)?).unwrap();
        self.buffer.drain(..end + length);
        Some((status, body))
    }
}

//! HTTP/1.1 as a client: one connection that is kept, one request after the other.
//!
//! Client libraries parse targets and mend them; a conformance test must send what it made up, byte for byte. So only
//! the head of a response is left to a library.

use std::io::{self, Read, Write};

use recording_testkit::http::{Request, Response};
use recording_testkit::naive::State;
use recording_testkit::render;
use recording_testkit::transport::Transport;

use crate::access::Endpoint;
use crate::address::Address;
use crate::connection::Stream;
use crate::hub::Hub;
use crate::plain::shown;

/// No head and no body that the API knows comes near this, nor all of them that answer one request.
const MOST: usize = 1 << 20;

/// Interim responses before the one that counts: more than any server sends.
const MOST_INTERIM: usize = 16;

/// A server, and what it said last on the connection that is kept.
#[derive(Debug)]
struct Client {
    endpoint: Endpoint,
    stream: Option<Stream>,
    buffer: Vec<u8>,
}

/// The API's listener, perhaps the one for the call's side, and perhaps the hub.
#[derive(Debug)]
pub struct Server {
    api: Client,
    admin: Option<Client>,
    hub: Option<Hub>,
}

/// A connection that failed.
#[derive(Debug)]
pub struct Failed(String);

impl Failed {
    /// Who failed, and how, in one line.
    pub(crate) fn new(who: &str, how: &dyn core::fmt::Display) -> Self {
        // What a server said may be in it.
        Self(format!("{who}: {}", shown(&how.to_string())))
    }
}

impl core::fmt::Display for Failed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for Failed {}

impl Server {
    /// A server; nothing is connected yet.
    #[must_use]
    pub fn new(api: Endpoint, admin: Option<Endpoint>) -> Self {
        let client = |endpoint| Client { endpoint, stream: None, buffer: Vec::new() };
        Self { api: client(api), admin: admin.map(client), hub: None }
    }

    /// Where the API is.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.api.endpoint.address
    }

    /// Whose events are heard by that hub from now on.
    #[must_use]
    pub fn heard_by(self, hub: Hub) -> Self {
        Self { hub: Some(hub), ..self }
    }

    fn admin(&mut self, request: &Request) -> Result<Response, Failed> {
        let admin = self.admin.as_mut().ok_or_else(|| Failed("sessions cannot be begun without --admin".into()))?;
        admin.send(request)
    }
}

/// The request that begins a session.
#[must_use]
pub fn begin(ucc: &str, id: &str, state: State) -> Request {
    let (recording, marking, saving) = state;
    let body = format!(r#"{{"RecordingState":{recording},"MarkingState":{marking},"SavingState":{saving}}}"#);
    Request { method: "PUT", content_type: Some("application/json"), body: body.into_bytes(), ..end(ucc, id) }
}

/// The request that ends a session.
#[must_use]
pub fn end(ucc: &str, id: &str) -> Request {
    let target = String::from_utf8_lossy(&render::read(ucc, id).target).replacen(render::PREFIX, "/sessions/", 1);
    Request { method: "DELETE", ..Request::get(target.into_bytes()) }
}

impl Transport for Server {
    type Error = Failed;

    fn send(&mut self, request: &Request) -> Result<Response, Failed> {
        self.api.send(request)
    }

    fn begin(&mut self, ucc: &str, id: &str, state: State) -> Result<Response, Failed> {
        let response = self.admin(&begin(ucc, id, state))?;
        if matches!(response.status, 200 | 201) {
            return Ok(response);
        }
        Err(Failed(format!(
            "a session in UCC '{ucc}' cannot be begun: {} {}",
            response.status,
            shown(&response.text())
        )))
    }

    fn end(&mut self, ucc: &str, id: &str) -> Result<Response, Failed> {
        self.admin(&end(ucc, id))
    }

    fn events(&mut self, expected: Option<&str>) -> Result<Option<Vec<String>>, Failed> {
        self.hub.as_mut().map(|hub| hub.events(expected)).transpose()
    }

    fn settle(&mut self) -> Result<(), Failed> {
        self.hub.as_mut().map_or(Ok(()), Hub::settle)
    }
}

impl Client {
    fn send(&mut self, request: &Request) -> Result<Response, Failed> {
        let kept = self.stream.is_some();
        let result = match self.exchange(request) {
            // The server may close a connection that waits, before it has read anything of this request.
            Err(error) if kept && self.buffer.is_empty() && closed(&error) => {
                self.stream = None;
                self.exchange(request)
            }
            result => result,
        };
        result.map_err(|error| {
            self.stream = None;
            self.buffer.clear();
            Failed::new(&self.endpoint.address.to_string(), &error)
        })
    }

    fn exchange(&mut self, request: &Request) -> io::Result<Response> {
        if self.stream.is_none() {
            self.buffer.clear();
            self.stream = Some(Stream::connect(&self.endpoint)?);
        }
        let bytes = self.bytes(request);
        let stream = self.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        // For all of it, whatever comes in between.
        stream.within(self.endpoint.patience)?;
        // A server may answer and close before it has read a body that is too large: then its answer counts.
        let written = stream.write_all(&bytes);
        let answer = self.receive(request.method == "HEAD");
        match (written, answer) {
            (_, Ok(response)) => Ok(response),
            (Err(error), Err(_)) | (Ok(()), Err(error)) => Err(error),
        }
    }

    fn bytes(&self, request: &Request) -> Vec<u8> {
        let Endpoint { address, token, .. } = &self.endpoint;
        let mut bytes = [request.method.as_bytes(), b" ", &address.target(&request.target), b" HTTP/1.1\r\n"].concat();
        let mut header = |name: &str, value: &str| bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        header("Host", &address.authority);
        header("Accept", "application/json");
        if let Some(token) = token {
            header("Authorization", &token.header());
        }
        if let Some(content_type) = request.content_type {
            header("Content-Type", content_type);
        }
        if request.method != "GET" && request.method != "HEAD" {
            header("Content-Length", &request.body.len().to_string());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&request.body);
        bytes
    }

    /// Reads until `enough` finds something in what came.
    fn until<F>(&mut self, mut enough: impl FnMut(&[u8]) -> io::Result<Option<F>>) -> io::Result<F> {
        loop {
            if let Some(found) = enough(&self.buffer)? {
                return Ok(found);
            }
            if self.buffer.len() > MOST {
                return Err(invalid("the response is longer than any of this API"));
            }
            let mut chunk = [0; 8192];
            let count = self.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?.read(&mut chunk)?;
            if count == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection"));
            }
            self.buffer.extend_from_slice(&chunk[..count]);
        }
    }

    fn receive(&mut self, headless: bool) -> io::Result<Response> {
        let mut interim = 0;
        let (head_len, head) = loop {
            let (len, head) = self.until(Head::read)?;
            if head.response.status >= 200 {
                break (len, head);
            }
            self.buffer.drain(..len);
            interim += 1;
            if interim > MOST_INTERIM {
                return Err(invalid("one interim response follows the other, and no final one"));
            }
        };
        self.buffer.drain(..head_len);
        let mut response = head.response;
        let mut close = head.close;
        if !headless && response.status != 204 && response.status != 304 {
            if head.chunked {
                let (len, body) = self.until(chunks)?;
                self.buffer.drain(..len);
                response.body = body;
            } else if let Some(len) = head.length {
                self.until(|bytes| Ok((bytes.len() >= len).then_some(())))?;
                response.body = self.buffer.drain(..len).collect();
            } else {
                let stream = self.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
                stream.take(MOST as u64 + 1).read_to_end(&mut self.buffer)?;
                if self.buffer.len() > MOST {
                    return Err(invalid("the response is longer than any of this API"));
                }
                response.body = core::mem::take(&mut self.buffer);
                close = true;
            }
        }
        if close {
            self.stream = None;
        }
        Ok(response)
    }
}

fn closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

struct Head {
    response: Response,
    length: Option<usize>,
    chunked: bool,
    close: bool,
}

impl Head {
    /// The head and its length, once it is there as a whole.
    fn read(bytes: &[u8]) -> io::Result<Option<(usize, Self)>> {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Response::new(&mut headers);
        let len = match parsed.parse(bytes) {
            Ok(httparse::Status::Complete(len)) => len,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(error) => return Err(invalid(&format!("this is no HTTP: {error}"))),
        };
        let value = |name: &str| {
            let header = parsed.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
            Some(String::from_utf8_lossy(header.value).into_owned())
        };
        let is = |name, wanted: &str| value(name).is_some_and(|value| value.eq_ignore_ascii_case(wanted));
        let response = Response {
            status: parsed.code.unwrap_or_default(),
            content_type: value("Content-Type"),
            cache_control: value("Cache-Control"),
            allow: value("Allow"),
            body: Vec::new(),
        };
        let length = match value("Content-Length").map(|length| length.parse()) {
            Some(Ok(length)) if length <= MOST => Some(length),
            Some(_) => return Err(invalid("the Content-Length is none that can be waited for")),
            None => None,
        };
        let close = is("Connection", "close") || parsed.version == Some(0);
        Ok(Some((len, Self { response, length, chunked: is("Transfer-Encoding", "chunked"), close })))
    }
}

/// A chunked body and the length of its framing, once it is there as a whole. Trailers are passed over.
fn chunks(bytes: &[u8]) -> io::Result<Option<(usize, Vec<u8>)>> {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let (head, size) = match httparse::parse_chunk_size(rest) {
            Ok(httparse::Status::Complete((head, size))) => (head, usize::try_from(size).unwrap_or(usize::MAX)),
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(invalid("a chunk of the body has no size")),
        };
        at += head;
        if size == 0 {
            let rest = &bytes[at..];
            let end = if rest.starts_with(b"\r\n") {
                Some(2)
            } else {
                rest.windows(4).position(|w| w == b"\r\n\r\n").map(|at| at + 4)
            };
            return Ok(end.map(|end| (at + end, body)));
        }
        let Some(data) = at.checked_add(size).and_then(|end| bytes.get(at..end)) else { return Ok(None) };
        body.extend_from_slice(data);
        at += size + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::chunks;

    #[test]
    fn chunked_bodies() {
        let whole = b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\nnext";
        assert_eq!(chunks(whole).unwrap(), Some((whole.len() - 4, b"abcde".to_vec())));
        for len in 0..whole.len() - 4 {
            assert_eq!(chunks(&whole[..len]).unwrap(), None, "{len}");
        }
        assert!(chunks(b"x\r\n").is_err());
    }
}

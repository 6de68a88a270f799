//! Listens to the events of a SignalR hub: JSON over a WebSocket, without negotiation, as the protocol allows.

use core::time::Duration;
use std::io;
use std::time::Instant;

use serde::Deserialize;
use serde_json::value::RawValue;
use tungstenite::client::IntoClientRequest as _;
use tungstenite::http::{HeaderValue, header};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{HandshakeError, Message, WebSocket};

use crate::access::Endpoint;
use crate::connection::Stream;
use crate::http::Failed;

/// What the API calls its event.
const EVENT: &str = "RecordingStateChangedEvent";

/// Ends every message of the hub protocol.
const SEPARATOR: char = '\u{1e}';

/// How long an event may be on its way after the reply to the request that made it, until one did not come at all.
const ON_ITS_WAY: Duration = Duration::from_secs(5);

/// How many times as long as any event took is waited from then on, so that shrinking does not take hours; and the least.
const TIMES: u32 = 20;
const LEAST: Duration = Duration::from_millis(100);

/// How long to wait for events that are not expected.
const SETTLED: Duration = Duration::from_millis(25);

/// How many texts are heard in one go.
const MOST_AT_ONCE: usize = 1000;

/// No message of a hub, and not all that is heard in one go, comes near this many bytes.
const MOST: usize = 1 << 20;

/// Servers hang up on a client that says nothing for 30 seconds; clients say something after half of that.
const PING_AFTER: Duration = Duration::from_secs(15);

/// A listener that is connected.
#[derive(Debug)]
pub struct Hub {
    name: String,
    patience: Duration,
    socket: WebSocket<Stream>,
    last_sent: Instant,
    events: Vec<String>,
    /// The longest time that an expected event took.
    longest: Duration,
    one_did_not_come: bool,
}

/// A message of the hub, as far as it means anything here.
#[derive(Deserialize)]
struct Told<'a> {
    r#type: u8,
    target: Option<String>,
    #[serde(borrow, default)]
    arguments: Vec<&'a RawValue>,
    error: Option<String>,
}

impl Hub {
    /// Connects, and hears whatever is published from then on.
    ///
    /// # Errors
    ///
    /// If no server is there, or none that speaks SignalR.
    pub fn connect(endpoint: &Endpoint) -> Result<Self, Failed> {
        let name = endpoint.address.to_string();
        let failed = |error: &dyn core::fmt::Display| Failed::new(&name, error);
        let stream = Stream::connect(endpoint).map_err(|error| failed(&error))?;
        let url = name.replacen("http", "ws", 1);
        let mut request = url.into_client_request().map_err(|error| failed(&error))?;
        if let Some(token) = &endpoint.token {
            let value = HeaderValue::from_str(&token.header()).map_err(|error| failed(&error))?;
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        let limits = WebSocketConfig::default().max_message_size(Some(MOST)).max_frame_size(Some(MOST));
        let opened = tungstenite::client::client_with_config(request, stream, Some(limits));
        let (socket, _) = opened.map_err(|error| match error {
            HandshakeError::Interrupted(_) => failed(&"the hub does not answer in time"),
            HandshakeError::Failure(error) => failed(&error),
        })?;
        let mut hub = Self {
            name: name.clone(),
            patience: endpoint.patience,
            socket,
            last_sent: Instant::now(),
            events: Vec::new(),
            longest: Duration::ZERO,
            one_did_not_come: false,
        };
        hub.say(r#"{"protocol":"json","version":1}"#)?;
        let answer = hub.next(endpoint.patience)?.ok_or_else(|| failed(&"the hub does not answer the handshake"))?;
        let (answer, rest) = answer.split_once(SEPARATOR).ok_or_else(|| failed(&"this is no SignalR hub"))?;
        match serde_json::from_str::<serde_json::Value>(answer) {
            Ok(answer) if answer.get("error").is_some() => {
                Err(failed(&format!("the hub refuses: {}", answer["error"])))
            }
            Ok(answer) if answer.is_object() => hub.hear(rest).map(|()| hub),
            _ => Err(failed(&"this is no SignalR hub")),
        }
    }

    /// The events since the last call. Waits for one of this meaning, if there is one.
    ///
    /// # Errors
    ///
    /// If the connection failed.
    pub fn events(&mut self, expected: Option<&str>) -> Result<Vec<String>, Failed> {
        if self.last_sent.elapsed() > PING_AFTER {
            self.say(r#"{"type":6}"#)?;
        }
        let value = |event: &str| serde_json::from_str::<serde_json::Value>(event).ok();
        let expected = expected.and_then(value);
        let began = Instant::now();
        let patience = if self.one_did_not_come { (self.longest * TIMES).clamp(LEAST, ON_ITS_WAY) } else { ON_ITS_WAY };
        while expected.is_some() {
            let took = began.elapsed();
            if self.events.iter().any(|event| value(event) == expected) {
                self.longest = self.longest.max(took);
                break;
            }
            if took >= patience {
                self.one_did_not_come = true;
                break;
            }
            self.listen(patience - took)?;
        }
        self.listen(Duration::ZERO)?;
        Ok(core::mem::take(&mut self.events))
    }

    /// Waits for events that are not expected, as long whether or not others' events come meanwhile.
    pub(crate) fn settle(&mut self) -> Result<(), Failed> {
        let began = Instant::now();
        while let Some(left) = SETTLED.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) {
            self.listen(left)?;
        }
        Ok(())
    }

    /// Hears the next text, if one comes in that time, and those that are there then; not for ever, where others keep
    /// the hub busy.
    fn listen(&mut self, mut within: Duration) -> Result<(), Failed> {
        for _ in 0..MOST_AT_ONCE {
            let Some(text) = self.next(within)? else { break };
            self.hear(&text)?;
            within = Duration::ZERO;
        }
        Ok(())
    }

    fn failed(&self, error: impl core::fmt::Display) -> Failed {
        Failed::new(&self.name, &error)
    }

    fn say(&mut self, message: &str) -> Result<(), Failed> {
        self.last_sent = Instant::now();
        self.socket.get_mut().within(self.patience).map_err(|error| self.failed(error))?;
        let sent = self.socket.send(Message::text(format!("{message}{SEPARATOR}")));
        sent.map_err(|error| self.failed(error))
    }

    /// The next text; `None` if none came in that time.
    fn next(&mut self, within: Duration) -> Result<Option<String>, Failed> {
        self.socket.get_mut().within(within).map_err(|error| self.failed(error))?;
        for _ in 0..MOST_AT_ONCE {
            match self.socket.read() {
                Ok(Message::Text(text)) => return Ok(Some(text.as_str().to_owned())),
                // The library answers pings by itself.
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
                Ok(Message::Binary(_)) => return Err(self.failed("the hub speaks binary to a listener of JSON")),
                Ok(Message::Close(_)) => return Err(self.failed("the hub closed the connection")),
                Err(tungstenite::Error::Io(error))
                    if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) =>
                {
                    return Ok(None);
                }
                Err(error) => return Err(self.failed(error)),
            }
        }
        Err(self.failed("the hub sends frames without end, and no text"))
    }

    fn hear(&mut self, text: &str) -> Result<(), Failed> {
        for message in text.split_terminator(SEPARATOR) {
            let told: Told<'_> =
                serde_json::from_str(message).map_err(|error| self.failed(format!("{error}: {message}")))?;
            match (told.r#type, told.target) {
                (1, Some(target)) if target == EVENT => {
                    // The API's event has one argument. Whatever else comes is no event of its form.
                    let event = match told.arguments[..] {
                        [event] => event.get().to_owned(),
                        _ => message.to_owned(),
                    };
                    self.events.push(event);
                    if self.events.iter().map(String::len).sum::<usize>() > MOST {
                        return Err(self.failed("the hub says more than any hub of this API"));
                    }
                }
                (7, _) => {
                    let why = told.error.unwrap_or_else(|| "no reason given".into());
                    return Err(self.failed(format!("the hub ends the connection: {why}")));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

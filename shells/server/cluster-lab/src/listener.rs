//! A listener of one server: over WebSocket, in SignalR's JSON protocol, connected again each time it is disconnected.

use crate::client;
use crate::heard::Heard;
use crate::servers::{Place, Servers};
use crate::store::Store;
use anyhow::{Context as _, Result, bail};
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use serde_json::Value;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::sync::{Mutex, PoisonError};
use std::thread::{self, sleep};
use tungstenite::{Message, WebSocket};

const HUB: &str = "/attendantservice/hubs/recording";
const RECORD: char = '\u{1e}';

/// What the connections of all listeners got, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Vec<Heard>>);

impl Log {
    fn with<T>(&self, what: impl FnOnce(&mut Vec<Heard>) -> T) -> T {
        what(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn all(&self) -> Vec<Heard> {
        self.with(|all| all.clone())
    }
}

/// Listens to a server until it is over.
pub(crate) fn listen(servers: &Servers, server: usize, store: &Store, log: &Log, is_over: &AtomicBool) -> Result<()> {
    while !is_over.load(Ordering::Relaxed) {
        let Some(place) = servers.place(server) else {
            sleep(Duration::from_millis(5));
            continue;
        };
        // If it is gone already, the next one is asked.
        let Ok(socket) = connect(place) else {
            sleep(Duration::from_millis(5));
            continue;
        };
        let index = log.with(|all| {
            all.push(Heard { server, ..Heard::default() });
            all.len() - 1
        });
        let result = thread::scope(|scope| {
            // Asked after the connection is there, so that the server has subscribed it.
            scope.spawn(|| {
                let since = (0..20).find_map(|_| store.revision().ok());
                log.with(|all| all[index].since = since);
            });
            read(socket, index, log, is_over)
        });
        if !is_over.load(Ordering::Relaxed) || result.is_err() {
            log.with(|all| all[index].is_over = true);
        }
        result?;
    }
    Ok(())
}

/// A connection of a listener.
pub(crate) type Socket = WebSocket<TcpStream>;

/// Connects to a server, which has the listener then.
pub(crate) fn connect(place: Place) -> Result<Socket> {
    let stream = TcpStream::connect_timeout(&place.api, Duration::from_secs(2))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let (mut socket, _) = tungstenite::client(format!("ws://{}{HUB}", place.api), stream)?;
    socket.send(Message::text(format!("{{\"protocol\":\"json\",\"version\":1}}{RECORD}")))?;
    let answer = socket.read()?;
    if answer.to_text()? != format!("{{}}{RECORD}") {
        bail!("the handshake is answered {answer:?}");
    }
    socket.get_ref().set_read_timeout(Some(Duration::from_millis(100)))?;
    Ok(socket)
}

/// Reads until the connection ends.
///
/// # Errors
///
/// If there is what no server may send.
fn read(mut socket: Socket, index: usize, log: &Log, is_over: &AtomicBool) -> Result<()> {
    while !is_over.load(Ordering::Relaxed) {
        let records = match socket.read() {
            Ok(Message::Text(text)) => split(&text)?,
            Err(error) if !is_only_late(&error) => return Ok(()),
            _ => continue,
        };
        for record in records {
            match record["type"].as_u64() {
                Some(1) => {
                    let event = event(&record).with_context(|| format!("a listener gets {record}"))?;
                    log.with(|all| all[index].events.push(event));
                }
                Some(6) => {}
                Some(7) => return Ok(()),
                _ => bail!("a listener gets {record}"),
            }
        }
    }
    Ok(())
}

/// The records that come next; `None` if there are none for a while.
pub(crate) fn records(socket: &mut Socket) -> Result<Option<Vec<Value>>> {
    match socket.read() {
        Ok(Message::Text(text)) => split(&text).map(Some),
        Ok(_) => Ok(None),
        Err(error) if is_only_late(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn is_only_late(error: &tungstenite::Error) -> bool {
    matches!(error, tungstenite::Error::Io(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
}

fn split(text: &str) -> Result<Vec<Value>> {
    let records = text.split_terminator(RECORD);
    records.map(|record| serde_json::from_str(record).with_context(|| format!("a listener gets {record}"))).collect()
}

fn event(record: &Value) -> Option<(usize, u8)> {
    let event = &record["arguments"][0];
    if record["target"] != "RecordingStateChangedEvent" || event["UccName"] != client::UCC {
        return None;
    }
    let action = u8::try_from(event["StateAction"].as_u64()?).ok()?;
    Some((client::session(event["CorrelationId"].as_str()?)?, action))
}

//! WebSockets.

use core::time::Duration;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message, Utf8Bytes};

use super::metered::Metered;
use super::upgrade::Upgrade;
use super::{Refusal, origin, parameter};
use crate::handshake::Protocol;
use crate::hub::{Hub, Methods};
use crate::meters::Meter;
use crate::opened::Opened;
use crate::slot::{Next, NotOpened, Transport};

/// How many records are put together before they are sent, and how many bytes, unless one has more.
const TOGETHER: usize = 64;
const BYTES_TOGETHER: usize = 16 * 1024;

/// How long the other side's part of the closing is waited for.
const CLOSING: Duration = Duration::from_secs(1);

/// A connection is mostly silent, and there are many: the defaults of the library would take 256 KiB for each.
const READ_BUFFER: usize = 4 * 1024;
const WRITE_BUFFER: usize = 16 * 1024;

type Socket = WebSocketStream<Metered<TokioIo<Upgraded>>>;

impl<M: Methods> Hub<M> {
    pub(super) fn web_socket(&self, parts: &mut Parts, caller: &Arc<str>) -> Result<Response, Refusal> {
        if !origin::is_allowed(parts, &self.options().origins) {
            return Err(Refusal::new(StatusCode::FORBIDDEN, "This page may not open a WebSocket here"));
        }
        let upgrade = Upgrade::of(parts)?;
        // Before the upgrade: a client that learns from a WebSocket that opens and closes that there is no place for it would
        // come back for ever.
        let opened = self.open_by(parameter(parts, "id"), caller)?;
        let options = self.options();
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            .max_frame_size(Some(options.body))
            .max_message_size(Some(options.body));
        let (limits, meter) = (options.limits, self.meter(caller));
        let (response, upgrade) = upgrade.accept();
        tokio::spawn(async move {
            // If the client is gone by now there is nothing to serve.
            let Ok(upgraded) = upgrade.await else { return };
            let stream = Metered::new(TokioIo::new(upgraded), limits, Arc::clone(&meter));
            serve(WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await, opened, &meter).await;
        });
        Ok(response)
    }

    /// Opens the connection that was negotiated here under this token. Any other token is as good as none: another server
    /// negotiated it, or its client comes back with the token of a connection that it had. What it gets is a new connection,
    /// with a token that this server chose and a place as any other: no client has one of its own choice.
    fn open_by(&self, token: Option<&str>, caller: &Arc<str>) -> Result<Opened<M>, Refusal> {
        if let Some(slot) = token.and_then(|token| self.find(token)) {
            match self.hold(&slot, Transport::WebSocket, caller) {
                // It was given up just now; or its client has lost a connection that looks alive from here.
                Err(NotOpened::Unknown | NotOpened::InUse) => {}
                opened => return Ok(opened?),
            }
        }
        Ok(self.hold_new(Transport::WebSocket, caller)?)
    }
}

async fn serve<M: Methods>(mut socket: Socket, opened: Opened<M>, meter: &Meter) {
    let slot = opened.slot();
    let limits = opened.options().limits;
    let mut heard = Instant::now();
    let mut ping_at = heard + limits.keep_alive;
    let code = loop {
        let may_read = slot.takes_at().max(meter.ready_at());
        let hears = async {
            if let Some(at) = may_read {
                sleep_until(at).await;
            }
            socket.next().await
        };
        tokio::select! {
            next = slot.next(None) => match next {
                Next::Send(record) => match timeout(limits.write, send(&mut socket, record, &opened)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return,
                    Err(_) => return slot.stuck(),
                },
                Next::Over | Next::Superseded => break CloseCode::Normal,
            },
            received = hears => {
                heard = Instant::now();
                match received {
                    Some(Ok(Message::Text(text))) => meter.charge(opened.received(text.as_bytes())),
                    Some(Ok(Message::Binary(bytes))) => meter.charge(opened.received(&bytes)),
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {
                        meter.charge(slot.took_something());
                    }
                    Some(Ok(Message::Close(_))) => {
                        slot.gone();
                        // The library has its answer ready, with the client's own code: reading on sends it.
                        let _ = timeout(CLOSING, until_closed(&mut socket)).await;
                        return;
                    }
                    Some(Err(error)) => {
                        slot.gone();
                        break fault(&error);
                    }
                    None => return slot.gone(),
                }
            }
            () = sleep_until(ping_at) => {
                ping_at = Instant::now() + limits.keep_alive;
                // A client that reads answers these by itself. One that does not may look as if it were there for ever:
                // what is sent to it fits into the buffers on the way.
                if heard.elapsed() >= limits.unanswered {
                    return slot.silent();
                }
                // One that says something by itself needs no ping.
                if heard.elapsed() < limits.keep_alive {
                    continue;
                }
                match timeout(limits.write, socket.send(Message::Ping(Bytes::new()))).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return,
                    Err(_) => return slot.stuck(),
                }
            }
        }
    };
    let closing = async {
        let frame = CloseFrame { code, reason: Utf8Bytes::default() };
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            until_closed(&mut socket).await;
        }
    };
    let _ = timeout(CLOSING, closing).await;
}

async fn until_closed(socket: &mut Socket) {
    while let Some(Ok(_)) = socket.next().await {}
}

/// The message to a client that broke the rules of WebSockets.
const fn fault(error: &tungstenite::Error) -> CloseCode {
    match error {
        tungstenite::Error::Capacity(_) => CloseCode::Size,
        tungstenite::Error::Utf8(_) => CloseCode::Invalid,
        _ => CloseCode::Protocol,
    }
}

/// Sends a record, and with it what else is there.
async fn send<M: Methods>(socket: &mut Socket, first: Bytes, opened: &Opened<M>) -> Result<(), tungstenite::Error> {
    let mut bytes = first.len();
    socket.feed(message(first, opened)).await?;
    for _ in 1..TOGETHER {
        if bytes >= BYTES_TOGETHER {
            break;
        }
        let Some(Next::Send(record)) = opened.slot().next_now() else { break };
        bytes += record.len();
        socket.feed(message(record, opened)).await?;
    }
    socket.flush().await
}

fn message<M: Methods>(record: Bytes, opened: &Opened<M>) -> Message {
    if opened.slot().protocol() == Some(Protocol::MessagePack) {
        return Message::Binary(record);
    }
    match Utf8Bytes::try_from(record.clone()) {
        Ok(text) => Message::Text(text),
        Err(_) => Message::Binary(record),
    }
}

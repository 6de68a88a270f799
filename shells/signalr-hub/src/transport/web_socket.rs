//! WebSockets.

use core::time::Duration;

use axum::extract::FromRequestParts as _;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::SinkExt as _;
use tokio::time::timeout;

use super::{Refusal, origin, parameter};
use crate::handshake::Protocol;
use crate::hub::{Hub, Methods, Opened};
use crate::slot::{Next, NotOpened, Transport};

/// How many records are put together before they are sent.
const TOGETHER: usize = 64;

/// How long the other side's part of the closing is waited for.
const CLOSING: Duration = Duration::from_secs(1);

/// A connection is mostly silent, and there are many: the defaults of the library would take 256 KiB for each.
const READ_BUFFER: usize = 4 * 1024;
const WRITE_BUFFER: usize = 16 * 1024;

impl<M: Methods> Hub<M> {
    pub(super) async fn web_socket(&self, parts: &mut Parts) -> Result<Response, Refusal> {
        if !origin::is_allowed(parts, &self.options().origins) {
            return Err(Refusal::new(StatusCode::FORBIDDEN, "This page may not open a WebSocket here"));
        }
        // Whether there is such a connection is known before the upgrade: a client told so by a WebSocket that opens and
        // closes would come back for ever.
        let known = match parameter(parts, "id") {
            None => None,
            Some(token) => Some(self.find(token).ok_or(NotOpened::Unknown)?),
        };
        let upgrade = match WebSocketUpgrade::from_request_parts(parts, &()).await {
            Ok(upgrade) => upgrade,
            Err(rejection) => return Ok(rejection.into_response()),
        };
        let slot = match known {
            Some(slot) => slot,
            None => self.prepare()?,
        };
        let opened = self.hold(&slot, Transport::WebSocket)?;
        let body = self.options().body;
        let upgrade = upgrade
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            .max_frame_size(body)
            .max_message_size(body);
        Ok(upgrade.on_upgrade(|socket| serve(socket, opened)))
    }
}

async fn serve<M: Methods>(mut socket: WebSocket, opened: Opened<M>) {
    let slot = opened.slot();
    let write = opened.options().limits.write;
    loop {
        tokio::select! {
            next = slot.next(None) => match next {
                Next::Send(record) => match timeout(write, send(&mut socket, record, &opened)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return,
                    Err(_) => return slot.stuck(),
                },
                Next::Over | Next::Superseded => break,
            },
            received = socket.recv() => match received {
                Some(Ok(Message::Text(text))) => opened.received(text.as_bytes()),
                Some(Ok(Message::Binary(bytes))) => opened.received(&bytes),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => {
                    slot.gone();
                    break;
                }
            },
        }
    }
    let closing = async {
        if socket.send(Message::Close(None)).await.is_ok() {
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    let _ = timeout(CLOSING, closing).await;
}

/// Sends a record, and with it what else is there.
async fn send<M: Methods>(socket: &mut WebSocket, first: Bytes, opened: &Opened<M>) -> Result<(), axum::Error> {
    socket.feed(message(first, opened)).await?;
    for _ in 1..TOGETHER {
        let Some(Next::Send(record)) = opened.slot().next_now() else { break };
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

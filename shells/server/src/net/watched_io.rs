//! The bytes of a connection, watched on their way.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io;
use std::sync::Arc;

use recording_core::wire::{CACHE_CONTROL, CONTENT_TYPE, ErrorMessage, ErrorReply, ErrorType};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connection_state::ConnectionState;
use super::frames::FrameAllowance;
use super::smuggling::LinePosition;

/// The text of a 414.
pub(crate) const TARGET_TOO_LONG: &str = "The request target is too long.";

/// The text of a 431.
pub(crate) const HEAD_TOO_LARGE: &str = "The head of the request is too large.";

/// How much is still read from a client after `ENHANCE_YOUR_CALM`, so that it sees that.
const LAST_TAKEN: usize = 64 * 1024;

/// Which HTTP is on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// One request after the other: its bytes tell where it stands.
    Http1,
    /// Requests and more between each other: only the library knows where they stand.
    Http2,
}

/// A connection's stream. It tells [`ConnectionState`] what happens, puts the API's error body into the answers that the HTTP
/// library makes of its own, and ends a connection so that the last reply arrives.
#[derive(Debug)]
pub(super) struct WatchedIo<S> {
    stream: S,
    state: Arc<ConnectionState>,
    version: Version,
    /// Where in a line the bytes that come are.
    line: LinePosition,
    /// What stands for the library's own answer, and how much of it is written.
    own_answer: Option<(Vec<u8>, usize)>,
    /// What may come besides requests, where that is watched.
    frames: Option<FrameAllowance>,
    /// More of it came.
    has_had_enough: bool,
    /// The client is being told so. For the library the connection is at its end.
    is_calmed: bool,
    /// How much came after the server's side was closed.
    taken_at_end: usize,
    /// The client has closed its side.
    ended: bool,
}

impl<S: AsyncWrite + Unpin> WatchedIo<S> {
    pub(super) const fn new(
        stream: S,
        state: Arc<ConnectionState>,
        version: Version,
        frames: Option<FrameAllowance>,
    ) -> Self {
        let (line, own_answer) = (LinePosition::first(), None);
        Self {
            stream,
            state,
            version,
            line,
            own_answer,
            frames,
            has_had_enough: false,
            is_calmed: false,
            taken_at_end: 0,
            ended: false,
        }
    }

    fn poll_own_answer(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some((bytes, written)) = &mut self.own_answer {
            let Some(rest) = bytes.get(*written..).filter(|rest| !rest.is_empty()) else { break };
            match Pin::new(&mut self.stream).poll_write(cx, rest) {
                Poll::Ready(count) => *written += count?,
                Poll::Pending => {
                    self.state.write_blocked();
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S> Drop for WatchedIo<S> {
    fn drop(&mut self) {
        self.state.io_gone();
    }
}

/// The HTTP library answers what is no HTTP by itself, with a status and nothing else. Such a head is recognised by its
/// empty body, which no reply of ours has.
fn own_status(bytes: &[u8]) -> Option<&str> {
    const EMPTY: &[u8] = b"\r\ncontent-length: 0\r\n";
    if bytes.len() > 256 || !bytes.starts_with(b"HTTP/1.1 4") || !bytes.windows(EMPTY.len()).any(|part| part == EMPTY) {
        return None;
    }
    let line = bytes.split(|&byte| byte == b'\r').next()?;
    core::str::from_utf8(line.get(b"HTTP/1.1 ".len()..)?).ok()
}

fn answer(status: &str) -> Vec<u8> {
    let text = match status.get(..3) {
        Some("414") => TARGET_TOO_LONG,
        Some("431") => HEAD_TOO_LARGE,
        _ => "This is not a request that HTTP/1.1 allows.",
    };
    head_and_body(status, text)
}

/// A whole answer of the API's shape, after which the connection is closed.
pub(super) fn head_and_body(status: &str, text: &str) -> Vec<u8> {
    let mut buffer = [0; ErrorReply::MAX_LEN];
    let error = ErrorMessage::new(ErrorType::Validation, text);
    let body = ErrorReply { error }.write(&mut buffer).unwrap_or_default();
    let length = body.len();
    let mut answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {CONTENT_TYPE}\r\ncache-control: {CACHE_CONTROL}\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n"
    )
    .into_bytes();
    answer.extend_from_slice(body);
    answer
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for WatchedIo<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.has_had_enough {
            // The library may hold a part of a frame, and would only drop the connection: the farewell is said here.
            if !self.is_calmed {
                self.own_answer = self.frames.as_ref().and_then(FrameAllowance::farewell).map(|bytes| (bytes, 0));
                self.is_calmed = true;
                self.state.calmed();
            }
            let _ = ready!(self.as_mut().poll_shutdown(cx));
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        let is_end = read.is_err() || (buffer.filled().len() == before && buffer.remaining() > 0);
        if is_end && self.version == Version::Http1 {
            // The request in hand gets its answer first. The library would drop it.
            if self.state.is_only_at_work() {
                self.state.hide_end();
                return Poll::Pending;
            }
            // A body may be all there, and its request not answered: that has its turn first.
            if self.state.is_within_body() && !self.ended {
                self.ended = true;
                self.state.hide_end();
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        read?;
        if buffer.filled().len() > before {
            let this = &mut *self;
            if let Some(frames) = &mut this.frames {
                this.has_had_enough = !frames.receive(buffer.filled().get(before..).unwrap_or_default());
            }
            if self.version == Version::Http1 {
                let this = &mut *self;
                this.state.received();
                this.state.lengths.watch(&mut this.line, buffer.filled().get(before..).unwrap_or_default());
            }
        } else if buffer.remaining() > 0 {
            self.ended = true;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for WatchedIo<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.version == Version::Http1 && self.own_answer.is_none() && self.state.is_between_requests() {
            self.own_answer = own_status(bytes).map(|status| (answer(status), 0));
        }
        if self.is_calmed {
            return Poll::Ready(Ok(bytes.len()));
        }
        if self.own_answer.is_some() {
            // The library closes after it; nothing else comes.
            self.state.linger();
            ready!(self.poll_own_answer(cx))?;
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        match (&written, &mut self.frames) {
            (Poll::Pending, _) => self.state.write_blocked(),
            (Poll::Ready(Ok(count)), Some(frames)) => frames.send(bytes.get(..*count).unwrap_or_default()),
            _ => {}
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_calmed {
            ready!(self.poll_own_answer(cx))?;
        }
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        match flushed {
            Poll::Ready(Ok(())) => self.state.flushed(),
            // TLS takes what it is given and only then waits.
            Poll::Pending => self.state.write_blocked(),
            Poll::Ready(Err(_)) => {}
        }
        flushed
    }

    /// Closes the server's side; then, if the client may still be sending, takes what it sends until it has seen that.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_calmed {
            ready!(self.poll_own_answer(cx))?;
        }
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        if !self.state.lingers() && !self.is_calmed {
            return Poll::Ready(Ok(()));
        }
        self.state.closing();
        let mut dropped = [0; 4096];
        while !self.ended {
            let mut buffer = ReadBuf::new(&mut dropped);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            self.taken_at_end += buffer.filled().len();
            self.ended = buffer.filled().is_empty() || (self.is_calmed && self.taken_at_end > LAST_TAKEN);
        }
        Poll::Ready(Ok(()))
    }
}

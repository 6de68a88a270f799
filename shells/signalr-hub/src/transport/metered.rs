//! A stream that is read from no faster than its client may send.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::budget::Budget;
use crate::limits::Limits;
use crate::meters::Meter;

/// What a read costs next to its bytes.
const READ_COST: usize = 64;

/// The bytes under a WebSocket. Much of what a client can send never becomes a message: pings, empty fragments. So its
/// bytes are counted here.
pub(super) struct Metered<S> {
    stream: S,
    budget: Budget,
    /// The caller's, for all its connections.
    meter: Arc<Meter>,
    epoch: Instant,
    pause: Option<Pin<Box<Sleep>>>,
}

impl<S> Metered<S> {
    pub(super) fn new(stream: S, limits: Limits, meter: Arc<Meter>) -> Self {
        let budget = Budget::new(limits.input_rate, limits.input_burst, core::time::Duration::ZERO);
        Self { stream, budget, meter, epoch: Instant::now(), pause: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let read = buffer.filled().len() - before;
        let now = self.epoch.elapsed();
        self.budget.charge(now, read + READ_COST);
        // What was read is given on; the next read waits.
        self.meter.charge(read + READ_COST);
        let own = self.budget.ready_at(now).map(|ready| self.epoch + ready);
        self.pause = own.max(self.meter.ready_at()).map(|ready| Box::pin(sleep_until(ready)));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use tokio::io::AsyncReadExt as _;

    use super::*;
    use crate::meters::Meters;

    /// How much is read in a minute, in pieces of this size, on so many connections of one caller.
    async fn read_in_a_minute(limits: Limits, piece: usize, connections: usize) -> usize {
        let meter = Meters::new(limits, Instant::now()).of(&"one".into());
        let begin = Instant::now();
        let mut reading = tokio::task::JoinSet::new();
        for _ in 0..connections {
            let stream = tokio::io::join(tokio::io::repeat(0), tokio::io::sink());
            let mut stream = Metered::new(stream, limits, Arc::clone(&meter));
            reading.spawn(async move {
                let (mut buffer, mut read) = (vec![0; piece], 0);
                while begin.elapsed() < Duration::from_secs(60) {
                    read += stream.read(&mut buffer).await.expect("bytes") + READ_COST;
                }
                read
            });
        }
        reading.join_all().await.iter().sum()
    }

    /// However large the pieces are in which it is read: over a long time the rate gets through, and no more.
    #[tokio::test(start_paused = true)]
    async fn a_stream_without_end_is_read_at_its_rate() {
        let limits = Limits { input_rate: 10_000, input_burst: 20_000, ..Limits::default() };
        for piece in [1, 10, 1000, 4096] {
            let read = read_in_a_minute(limits, piece, 1).await;
            assert!((600_000..=640_000).contains(&read), "{piece}: {read}");
        }
        // Many connections of one caller have its rate together.
        let limits = Limits { caller_rate: 30_000, caller_burst: 20_000, ..limits };
        for piece in [10, 4096] {
            let read = read_in_a_minute(limits, piece, 20).await;
            assert!((1_700_000..=2_000_000).contains(&read), "{piece}: {read}");
        }
    }
}

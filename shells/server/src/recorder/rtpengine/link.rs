//! The way to one recorder: a socket, and who waits for which reply.
//!
//! Datagrams get lost, and so does the recorder; neither is an error here. A sender sends again, and the socket is opened
//! again when nothing has come through it for a while, since the host's own addresses may have changed.

use core::net::{IpAddr, SocketAddr};
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::{UdpSocket, lookup_host};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::bencode::Value;
use super::command::datagram;
use super::options::{MOST_WAITING, RESEND_EVERY};

/// The longest datagram that there is.
const LONGEST: usize = 65_536;

/// A socket through which nothing came for this long is closed, and another one opened. The recorder is asked every second.
const SILENT_FOR: Duration = Duration::from_secs(10);

/// How long after a failure the socket is opened again.
const OPEN_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// A reply.
#[derive(Debug)]
pub(super) struct Heard {
    /// When it came.
    pub(super) at: Instant,
    /// What followed the cookie.
    pub(super) body: Box<[u8]>,
}

type Waiting = HashMap<Box<str>, oneshot::Sender<Heard>>;

/// The way to one recorder.
#[derive(Debug)]
pub(super) struct Link {
    address: Box<str>,
    /// What cookies of questions start with: drawn when this process began, so that no instance has seen them.
    nonce: u64,
    asked: AtomicU64,
    socket: Mutex<Option<Arc<UdpSocket>>>,
    waiting: Mutex<Waiting>,
    /// The recorder's host said that it does not listen.
    pub(super) refused: Notify,
    /// What its name is looked up as.
    #[cfg(test)]
    pub(super) instead: Vec<SocketAddr>,
}

/// Waits for the reply to one cookie. Dropped, it waits no more.
#[derive(Debug)]
pub(super) struct Waiter<'a> {
    link: &'a Link,
    cookie: Box<str>,
    reply: oneshot::Receiver<Heard>,
}

impl Waiter<'_> {
    /// The first reply. May be called again after it was dropped unfinished, until there is one.
    pub(super) async fn reply(&mut self) -> Heard {
        match (&mut self.reply).await {
            Ok(heard) => heard,
            // The sender is only dropped with a reply sent, or by a waiter for the same cookie, of which there is none.
            Err(_) => core::future::pending().await,
        }
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.link.waiting().remove(&self.cookie);
    }
}

fn is_refused(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ConnectionRefused
}

impl Link {
    pub(super) fn new(address: &str, nonce: u64) -> Self {
        Self {
            address: address.into(),
            nonce,
            asked: AtomicU64::new(0),
            socket: Mutex::default(),
            waiting: Mutex::default(),
            refused: Notify::new(),
            #[cfg(test)]
            instead: Vec::new(),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn socket(&self) -> MutexGuard<'_, Option<Arc<UdpSocket>>> {
        self.socket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This host's address on the way to the recorder.
    pub(super) fn local_ip(&self) -> Option<IpAddr> {
        self.socket().as_ref()?.local_addr().ok().map(|address| address.ip())
    }

    /// A cookie that was never used before.
    pub(super) fn fresh_cookie(&self) -> String {
        format!("{:016x}-{}", self.nonce, self.asked.fetch_add(1, Ordering::Relaxed))
    }

    /// Waits for the reply to `cookie` from now on. `None` if too many wait, or one waits for this cookie.
    pub(super) fn wait_for(&self, cookie: &str) -> Option<Waiter<'_>> {
        let mut waiting = self.waiting();
        if waiting.len() >= MOST_WAITING || waiting.contains_key(cookie) {
            return None;
        }
        let (sender, reply) = oneshot::channel();
        waiting.insert(cookie.into(), sender);
        drop(waiting);
        Some(Waiter { link: self, cookie: cookie.into(), reply })
    }

    /// Sends a datagram, if that can be done.
    pub(super) async fn send(&self, datagram: &[u8]) {
        let Some(socket) = self.socket().clone() else { return };
        // An error that came for an earlier datagram is reported by the next call, which then sends nothing.
        if let Err(error) = socket.send(datagram).await
            && self.note(&error)
        {
            let _ = socket.send(datagram).await;
        }
    }

    /// Whether the error says only that the recorder does not listen.
    fn note(&self, error: &io::Error) -> bool {
        let is_refused = is_refused(error);
        if is_refused {
            self.refused.notify_one();
        }
        is_refused
    }

    /// Asks under a fresh cookie, again and again until there is an answer, for at most this long.
    pub(super) async fn ask(&self, body: &Value<'_>, within: Duration) -> Option<Heard> {
        self.ask_as(&self.fresh_cookie(), body, within).await
    }

    /// The same under a cookie of the caller's.
    pub(super) async fn ask_as(&self, cookie: &str, body: &Value<'_>, within: Duration) -> Option<Heard> {
        let datagram = datagram(cookie, body);
        let mut waiter = self.wait_for(cookie)?;
        let end = Instant::now() + within;
        loop {
            self.send(&datagram).await;
            let next = end.min(Instant::now() + RESEND_EVERY);
            match timeout_at(next, waiter.reply()).await {
                Ok(heard) => return Some(heard),
                Err(_) if Instant::now() >= end => return None,
                Err(_) => {}
            }
        }
    }

    /// Receives, for ever.
    pub(super) async fn run(&self) {
        let mut buffer = vec![0; LONGEST];
        let mut place = 0;
        loop {
            if let Ok((socket, at, count)) = self.open(place).await {
                let socket = Arc::new(socket);
                *self.socket() = Some(Arc::clone(&socket));
                let ended = self.receive(&socket, &mut buffer, count > 1).await;
                // A name may have an address at which the recorder does not listen, as `localhost` has.
                place = if matches!(ended, Ok(true)) { at } else { at + 1 };
                if ended.is_ok() {
                    if place < count || count == 1 {
                        continue;
                    }
                    // It was at none of them.
                    self.refused.notify_one();
                }
                place %= count;
            }
            *self.socket() = None;
            sleep(OPEN_AGAIN_AFTER).await;
        }
    }

    async fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        #[cfg(test)]
        if !self.instead.is_empty() {
            return Ok(self.instead.clone());
        }
        Ok(lookup_host(&*self.address).await?.collect())
    }

    /// Opens the way to the first of the recorder's addresses that there is a way to, from this place on. Says which it is, and of
    /// how many.
    async fn open(&self, place: usize) -> io::Result<(UdpSocket, usize, usize)> {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        let addresses = self.addresses().await?;
        let count = addresses.len();
        for (at, address) in addresses.into_iter().enumerate().cycle().skip(place).take(count) {
            let any: IpAddr = if address.is_ipv4() { [0; 4].into() } else { [0_u16; 8].into() };
            let opened = async {
                let socket = UdpSocket::bind((any, 0)).await?;
                socket.connect(address).await?;
                Ok(socket)
            };
            match opened.await {
                Ok(socket) => return Ok((socket, at, count)),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Receives until nothing comes any more, or the socket fails, or the recorder does not listen here and has other addresses.
    /// Says whether anything came.
    async fn receive(&self, socket: &UdpSocket, buffer: &mut [u8], has_others: bool) -> io::Result<bool> {
        let mut has_heard = false;
        loop {
            match timeout(SILENT_FOR, socket.recv(buffer)).await {
                Err(_) => return Ok(has_heard),
                Ok(Ok(length)) => {
                    has_heard = true;
                    self.heard(buffer.get(..length).unwrap_or_default());
                }
                Ok(Err(error)) if is_refused(&error) && has_others && !has_heard => return Ok(false),
                // Each is about one datagram that was sent, so they cannot come faster than those.
                Ok(Err(error)) if self.note(&error) => {}
                Ok(Err(error)) => return Err(error),
            }
        }
    }

    /// Hands a datagram to the one that waits for it; others are dropped, such as copies of a reply.
    fn heard(&self, datagram: &[u8]) {
        let Some(space) = datagram.iter().position(|byte| *byte == b' ') else { return };
        let (cookie, rest) = datagram.split_at(space);
        let Ok(cookie) = core::str::from_utf8(cookie) else { return };
        let Some(waiter) = self.waiting().remove(cookie) else { return };
        let body = rest.get(1..).unwrap_or_default().into();
        // It may wait no more.
        let _ = waiter.send(Heard { at: Instant::now(), body });
    }
}

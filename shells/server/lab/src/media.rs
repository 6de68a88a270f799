//! What people say: RTP whose payload says who sent it, which packet it is, and when.

use crate::clock;
use anyhow::Result;
use core::{
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use rtp_types::RtpPacketBuilder;
use std::{
    net::UdpSocket,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

/// PCMA.
const PAYLOAD_TYPE: u8 = 8;
/// 20 ms of PCMA.
const PAYLOAD: usize = 160;
const MAGIC: &[u8; 8] = b"reclab-1";

/// A packet, as its payload says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mark {
    /// Which run of this program.
    pub run: u64,
    /// Which stream of that run: one side of one call.
    pub stream: u32,
    /// Which packet of that stream.
    pub number: u32,
    /// When it was sent, by `clock::now`.
    pub sent: u64,
}

impl Mark {
    fn payload(self) -> [u8; PAYLOAD] {
        let mut payload = [0xd5; PAYLOAD];
        let parts: [&[u8]; 5] = [
            MAGIC,
            &self.run.to_be_bytes(),
            &self.stream.to_be_bytes(),
            &self.number.to_be_bytes(),
            &self.sent.to_be_bytes(),
        ];
        let mut at = 0;
        for part in parts {
            payload[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        payload
    }

    /// What a payload says, if it is one of these.
    #[must_use]
    pub fn read(payload: &[u8]) -> Option<Self> {
        let rest = payload.strip_prefix(MAGIC)?;
        let (run, rest) = rest.split_first_chunk()?;
        let (stream, rest) = rest.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (sent, _) = rest.split_first_chunk()?;
        Some(Self {
            run: u64::from_be_bytes(*run),
            stream: u32::from_be_bytes(*stream),
            number: u32::from_be_bytes(*number),
            sent: u64::from_be_bytes(*sent),
        })
    }

    fn packet(self) -> Result<Vec<u8>> {
        let payload = self.payload();
        let packet = RtpPacketBuilder::<&[u8], &[u8]>::new()
            .payload_type(PAYLOAD_TYPE)
            .sequence_number(self.number as u16)
            .timestamp(self.number.wrapping_mul(PAYLOAD as u32))
            .ssrc(0xa000_0000 | self.stream)
            .payload(&payload[..]);
        packet.write_vec().map_err(|error| anyhow::anyhow!("an RTP packet: {error}"))
    }
}

/// When a packet was sent: before and after the system took it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Just before.
    pub before: u64,
    /// Just after.
    pub after: u64,
}

struct Stream {
    socket: UdpSocket,
    to: SocketAddr,
    is_on: bool,
    due: u64,
    /// By number.
    sent: Vec<Sent>,
}

/// All senders of a run, in one thread.
#[derive(Debug)]
pub struct Media {
    shared: Arc<Shared>,
    thread: Option<thread::JoinHandle<Result<()>>>,
}

struct Shared {
    run: u64,
    /// Nanoseconds between two packets of a stream.
    pause: u64,
    streams: Mutex<Vec<Stream>>,
    is_over: AtomicBool,
}

impl core::fmt::Debug for Shared {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Shared").field("run", &self.run).field("pause", &self.pause).finish_non_exhaustive()
    }
}

impl Shared {
    fn streams(&self) -> MutexGuard<'_, Vec<Stream>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Media {
    /// Senders of so many packets a second each.
    #[must_use]
    pub fn start(rate: u32) -> Self {
        let shared = Arc::new(Shared {
            run: fastrand::u64(..),
            pause: 1_000_000_000 / u64::from(rate.max(1)),
            streams: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        let thread = thread::spawn({
            let shared = Arc::clone(&shared);
            move || send_all(&shared)
        });
        Self { shared, thread: Some(thread) }
    }

    /// What tells the packets of this run from all others.
    #[must_use]
    pub fn run(&self) -> u64 {
        self.shared.run
    }

    /// A sender that is silent until it is pointed somewhere. Gives its number, and the port that it sends from.
    ///
    /// # Errors
    ///
    /// If there is no socket.
    pub fn add(&self) -> Result<(u32, u16)> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_nonblocking(true)?;
        let port = socket.local_addr()?.port();
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
        let mut streams = self.shared.streams();
        let number = u32::try_from(streams.len())?;
        streams.push(Stream { socket, to, is_on: false, due: 0, sent: Vec::new() });
        Ok((number, port))
    }

    /// Has a sender send to a port of this machine.
    pub fn point(&self, stream: u32, port: u16) {
        if let Some(stream) = self.shared.streams().get_mut(stream as usize) {
            stream.to.set_port(port);
            // Not all at the same time.
            stream.due = clock::now() + fastrand::u64(0..self.shared.pause);
            stream.is_on = true;
        }
    }

    /// Silences a sender.
    pub fn silence(&self, stream: u32) {
        if let Some(stream) = self.shared.streams().get_mut(stream as usize) {
            stream.is_on = false;
        }
    }

    /// Ends all. Gives what each stream sent, by its packets' numbers.
    ///
    /// # Errors
    ///
    /// If sending failed.
    pub fn end(mut self) -> Result<Vec<Vec<Sent>>> {
        self.shared.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().map_err(|_| anyhow::anyhow!("the thread of the senders panicked"))??;
        }
        Ok(self.shared.streams().drain(..).map(|stream| stream.sent).collect())
    }
}

impl Drop for Media {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
    }
}

fn send_all(shared: &Shared) -> Result<()> {
    let mut received = [0; 2048];
    while !shared.is_over.load(Ordering::Relaxed) {
        let mut next = clock::now() + 1_000_000;
        for (number, stream) in (0..).zip(&mut *shared.streams()) {
            if !stream.is_on {
                continue;
            }
            if stream.due <= clock::now() {
                send(shared, number, stream)?;
                // What the other side says is taken and not looked at.
                while stream.socket.recv(&mut received).is_ok() {}
            }
            next = next.min(stream.due);
        }
        thread::sleep(Duration::from_nanos(next.saturating_sub(clock::now()).max(100_000)));
    }
    Ok(())
}

fn send(shared: &Shared, number: u32, stream: &mut Stream) -> Result<()> {
    let before = clock::now();
    let mark = Mark { run: shared.run, stream: number, number: u32::try_from(stream.sent.len())?, sent: before };
    // A packet that the system does not take is sent with the same number next time.
    if stream.socket.send_to(&mark.packet()?, stream.to).is_ok() {
        stream.sent.push(Sent { before, after: clock::now() });
    }
    // After a delay no packets are made up for.
    stream.due = (stream.due + shared.pause).max(before);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_says_what_it_is() -> Result<()> {
        let mark = Mark { run: 7, stream: 3, number: 70_000, sent: 123_456_789 };
        assert_eq!(Mark::read(&mark.payload()), Some(mark));
        assert_eq!(Mark::read(&mark.payload()[..20]), None);
        assert_eq!(Mark::read(&[0xd5; PAYLOAD]), None);
        let packet = mark.packet()?;
        let packet = rtp_types::RtpPacket::parse(&packet)?;
        assert_eq!((packet.payload_type(), packet.sequence_number()), (8, 4464));
        assert_eq!(Mark::read(packet.payload()), Some(mark));
        Ok(())
    }

    #[test]
    fn what_is_sent_arrives_in_order_and_is_logged() -> Result<()> {
        let media = Media::start(500);
        let (stream, port) = media.add()?;
        let receiver = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        receiver.set_read_timeout(Some(Duration::from_secs(10)))?;
        media.point(stream, receiver.local_addr()?.port());
        let mut buffer = [0; 2048];
        let mut marks = Vec::new();
        for _ in 0..20 {
            let (length, from) = receiver.recv_from(&mut buffer)?;
            assert_eq!(from.port(), port);
            marks.extend(Mark::read(rtp_types::RtpPacket::parse(&buffer[..length])?.payload()));
        }
        media.silence(stream);
        let sent = media.end()?;
        assert_eq!(marks.iter().map(|mark| mark.number).collect::<Vec<_>>(), (0..20).collect::<Vec<_>>());
        assert!(marks.iter().all(|mark| sent[0][mark.number as usize].before == mark.sent));
        Ok(())
    }
}

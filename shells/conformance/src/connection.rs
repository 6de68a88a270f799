//! Connections, with TLS or without.

use core::time::Duration;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Instant;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use crate::access::Endpoint;

/// A connection.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(Timed),
    Tls(Box<StreamOwned<ClientConnection, Timed>>),
}

/// A socket that gives up at a time: a limit of each read would never end where bytes come one after the other.
#[derive(Debug)]
pub(crate) struct Timed {
    tcp: TcpStream,
    /// `None` does not wait at all.
    until: Option<Instant>,
}

impl Stream {
    /// Connects, TLS included: a certificate that is not trusted is reported here.
    pub(crate) fn connect(endpoint: &Endpoint) -> io::Result<Self> {
        let timed = connect(endpoint)?;
        if !endpoint.address.tls {
            return Ok(Self::Plain(timed));
        }
        let trust = endpoint.trust.as_ref().ok_or_else(|| io::Error::other("no certificates to believe"))?;
        let name = ServerName::try_from(endpoint.address.host().to_owned()).map_err(io::Error::other)?;
        let connection = ClientConnection::new(Arc::clone(&trust.config), name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, timed);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).map_err(plainly)?;
        }
        Ok(Self::Tls(Box::new(stream)))
    }

    const fn timed(&mut self) -> &mut Timed {
        match self {
            Self::Plain(timed) => timed,
            Self::Tls(tls) => &mut tls.sock,
        }
    }

    /// Reads and writes from now on fail with `TimedOut` when so much time has gone by, however often something comes;
    /// after no time, as soon as there is nothing to read.
    pub(crate) fn within(&mut self, time: Duration) -> io::Result<()> {
        let timed = self.timed();
        timed.until = (!time.is_zero()).then(|| Instant::now() + time);
        timed.tcp.set_nonblocking(time.is_zero())
    }
}

impl Timed {
    /// The time that is left.
    fn left(&self) -> io::Result<Option<Duration>> {
        let Some(until) = self.until else { return Ok(None) };
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "it took too long"));
        }
        // Less than this some systems take for none.
        Ok(Some(left.max(Duration::from_millis(1))))
    }
}

/// A time that is over, in the same words everywhere.
fn over(error: io::Error) -> io::Error {
    let is_over = error.kind() == io::ErrorKind::WouldBlock;
    if is_over { io::Error::new(io::ErrorKind::TimedOut, "it took too long") } else { error }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(left) = self.left()? else { return self.tcp.read(buffer) };
        self.tcp.set_read_timeout(Some(left))?;
        acknowledge_at_once(&self.tcp);
        self.tcp.read(buffer).map_err(over)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(left) = self.left()? else { return self.tcp.write(bytes) };
        self.tcp.set_write_timeout(Some(left))?;
        self.tcp.write(bytes).map_err(over)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}

/// A server that writes head and body by themselves, and has Nagle's algorithm on, holds the body back until the head is
/// acknowledged, which this side would put off for 40 ms. Where there is no such option it is only slower.
fn acknowledge_at_once(tcp: &TcpStream) {
    #[cfg(target_os = "linux")]
    {
        use std::os::linux::net::TcpStreamExt as _;
        let _ = tcp.set_quickack(true);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = tcp;
}

/// The two most frequent mistakes, explained.
fn plainly(error: io::Error) -> io::Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)) => {
            io::Error::other("no TLS is spoken there")
        }
        Some(inner) if inner.to_string().contains("CaUsedAsEndEntity") => io::Error::other(
            "the server shows the certificate of an authority, which is believed only if --ca has that very certificate",
        ),
        _ => error,
    }
}

fn connect(endpoint: &Endpoint) -> io::Result<Timed> {
    let until = Instant::now() + endpoint.patience;
    let mut last = io::Error::new(io::ErrorKind::NotFound, "this host has no address");
    for socket in endpoint.address.host_and_port().to_socket_addrs()? {
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_secs(1));
        match TcpStream::connect_timeout(&socket, left) {
            Ok(tcp) => {
                tcp.set_nodelay(true)?;
                return Ok(Timed { tcp, until: Some(Instant::now() + endpoint.patience) });
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

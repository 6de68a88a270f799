//! Connections, with TLS or without.

use core::time::Duration;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use crate::access::Endpoint;

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A connection.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Stream {
    /// Connects, TLS included: who is not believed is told here.
    pub(crate) fn connect(endpoint: &Endpoint) -> io::Result<Self> {
        let tcp = connect(endpoint)?;
        if !endpoint.address.tls {
            return Ok(Self::Plain(tcp));
        }
        let trust = endpoint.trust.as_ref().ok_or_else(|| io::Error::other("no certificates to believe"))?;
        let name = ServerName::try_from(endpoint.address.host().to_owned()).map_err(io::Error::other)?;
        let connection = ClientConnection::new(Arc::clone(&trust.config), name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, tcp);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).map_err(plainly)?;
        }
        Ok(Self::Tls(Box::new(stream)))
    }

    /// The connection below.
    pub(crate) fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => &tls.sock,
        }
    }
}

/// The two mistakes that are made most, told in words.
fn plainly(error: io::Error) -> io::Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)) => {
            io::Error::other("no TLS is spoken there")
        }
        Some(inner) if inner.to_string().contains("CaUsedAsEndEntity") => io::Error::other(
            "the server shows the certificate of an authority, which is not believed \
             (openssl makes another one by -addext basicConstraints=critical,CA:FALSE)",
        ),
        _ => error,
    }
}

fn connect(endpoint: &Endpoint) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "this host has no address");
    for socket in endpoint.address.host_and_port().to_socket_addrs()? {
        match TcpStream::connect_timeout(&socket, PATIENCE) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                return Ok(stream);
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

//! Making a connection: TCP, TLS, HTTP/2.

use std::io;

use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::connection::Connection;
use crate::endpoint::Endpoint;
use crate::error::{Error, Kind};
use crate::options::Options;
use crate::tls::Tls;

/// Room for what a member sends before it is read: a watch that catches up gets much at once.
const WINDOW: u32 = 4 << 20;

/// Connects within the time that the options give.
pub(crate) async fn dial(endpoint: &Endpoint, options: &Options) -> Result<Connection, Error> {
    let connecting = async {
        match connected(endpoint, options, Tls::connector).await? {
            Io::Plain(tcp) => http(tcp, endpoint, options).await,
            Io::Tls(tls) => http(*tls, endpoint, options).await,
        }
    };
    let late = || Error::not_done(Kind::Connect, format!("no connection within {:?}", options.connect));
    timeout(options.connect, connecting).await.unwrap_or_else(|_| Err(late())).map_err(|error| error.at(&endpoint.name))
}

/// A connection to a member, over TLS or not.
pub(crate) enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Connects to read the member's pages. It may take as long as it likes.
pub(crate) async fn plain_or_tls(endpoint: &Endpoint, options: &Options) -> Result<Io, Error> {
    connected(endpoint, options, Tls::connector_of_pages).await
}

async fn connected(
    endpoint: &Endpoint,
    options: &Options,
    connector: impl Fn(&Tls) -> TlsConnector,
) -> Result<Io, Error> {
    let tcp = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await.map_err(|error| connect(&error))?;
    tcp.set_nodelay(true).map_err(|error| connect(&error))?;
    let tls = match (endpoint.tls, &options.tls) {
        (false, _) => return Ok(Io::Plain(tcp)),
        (true, Some(tls)) => connector(tls),
        (true, None) => {
            return Err(Error::not_done(Kind::Connect, "https needs the certificate authority of the members"));
        }
    };
    let name = ServerName::try_from(endpoint.host.clone())
        .map_err(|_| Error::not_done(Kind::Connect, "its host is no name that a certificate can have"))?;
    let stream = tls.connect(name, tcp).await;
    stream.map(|tls| Io::Tls(Box::new(tls))).map_err(|error| Error::not_done(Kind::Connect, tls_failed(&error)))
}

async fn http(
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    endpoint: &Endpoint,
    options: &Options,
) -> Result<Connection, Error> {
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .keep_alive_interval(options.keep_alive)
        .keep_alive_timeout(options.keep_alive_answer)
        // A watch is open without a request, and nothing else would notice that the member is gone.
        .keep_alive_while_idle(true)
        .handshake(TokioIo::new(io))
        .await
        .map_err(|error| Error::not_done(Kind::Connect, format!("no HTTP/2: {error}")))?;
    // Ends when the last sender is dropped, or the connection breaks. The requests that are open then say so.
    tokio::spawn(async move { drop(connection.await) });
    Ok(Connection::new(sender, endpoint.origin.clone()))
}

fn connect(error: &io::Error) -> Error {
    Error::not_done(Kind::Connect, format!("no connection: {error}"))
}

fn tls_failed(error: &io::Error) -> String {
    format!("no TLS connection: {error}")
}

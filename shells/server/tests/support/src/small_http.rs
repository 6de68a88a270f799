//! What servers of the tests are made of that speak HTTP: recorders, receivers of webhooks.

use core::net::SocketAddr;
use std::io::BufRead;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// Serves each connection on a thread of its own, for as long as the process lives. Gives the address.
pub(crate) fn listen<T: Send + Sync + 'static>(
    address: SocketAddr,
    shared: &Arc<T>,
    serve: fn(&TcpStream, &T),
) -> SocketAddr {
    let listener = TcpListener::bind(address).expect("a port");
    let address = listener.local_addr().expect("an address");
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let shared = Arc::clone(&shared);
            thread::spawn(move || serve(&stream, &shared));
        }
    });
    address
}

/// A request, with the names of its headers in lower case.
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) head: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// The next request; `None` if none comes whole.
pub(crate) fn read(reader: &mut impl BufRead) -> Option<Request> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        match reader.read_line(&mut line) {
            Ok(1..) if line != "\r\n" => lines.push(line.trim_end().to_owned()),
            Ok(1..) => break,
            _ => return None,
        }
    }
    let mut lines = lines.into_iter();
    let line = lines.next()?;
    let named = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_lowercase(), value.trim().to_owned()))
    });
    let head: Vec<_> = named.collect();
    let length = head.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some(Request { line, head, body })
}

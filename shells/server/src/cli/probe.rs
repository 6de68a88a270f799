//! Asks a server whether it is ready: for images that have no other program to ask with.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether the server at this address says that it is ready.
///
/// # Errors
///
/// Why it is not, or why that is not known.
pub(super) fn ready(admin: SocketAddr) -> Result<(), String> {
    let answer = ask(admin).map_err(|error| format!("{admin}: {error}"))?;
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    match head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)) {
        Some("200") => Ok(()),
        Some(status) => Err(format!("{admin}: {status} {body}")),
        None => Err(format!("{admin}: this is no answer of HTTP/1.1")),
    }
}

fn ask(admin: SocketAddr) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&admin, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(format!("GET /readyz HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut answer = Vec::new();
    // Whatever answers here, it does not fill the memory.
    stream.take(16 * 1024).read_to_end(&mut answer)?;
    Ok(answer)
}

//! Plain HTTP that comes where TLS is spoken: a client that was given `http://` by mistake. Nothing of its request is
//! looked at, and the answer says what to do instead.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::watched_io::head_and_body;

const TEXT: &str = "This port speaks TLS: use https.";

/// How much of the request is taken before the connection is closed, so that the client sees the answer.
const MOST: usize = 64 * 1024;

/// Whether the first byte that comes is that of a method. A handshake begins with another one.
pub(super) async fn is_plain(stream: &TcpStream) -> bool {
    let mut first = [0];
    matches!(stream.peek(&mut first).await, Ok(1)) && first[0].is_ascii_alphabetic()
}

/// Answers, and closes.
pub(super) async fn answer(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(&head_and_body("400 Bad Request", TEXT)).await?;
    stream.shutdown().await?;
    let (mut dropped, mut taken) = ([0; 4096], 0);
    while taken < MOST {
        match stream.read(&mut dropped).await? {
            0 => break,
            count => taken += count,
        }
    }
    Ok(())
}

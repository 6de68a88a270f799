//! How long one event takes to reach every listener of a server that runs.
//!
//! `cargo xtask fan-out` starts a server and this against it. The server must serve its demo world.

use core::error::Error;
use core::time::Duration;
use std::env::args;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

const BODY: &str = r#"{"Action":6,"RequesterSipUri":"sip:agent@domain.com","CorrelationId":"1d6c6a58-6739-4f0c-98ff-0968292c8c30","UCCName":"ucc-demo-name"}"#;

/// Nothing takes longer, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

type Result<T> = core::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = args().skip(1).collect();
    let [address, listeners, events] = &arguments[..] else {
        return Err("usage: fan_out HOST:PORT LISTENERS EVENTS".into());
    };
    let (listeners, events): (usize, usize) = (listeners.parse()?, events.parse()?);
    let (heard, mut hearing) = mpsc::unbounded_channel();
    for _ in 0..listeners {
        listen(address, heard.clone()).await?;
    }
    let mut requests = TcpStream::connect(address.as_str()).await?;
    requests.set_nodelay(true)?;

    let (mut each, mut last) = (Vec::new(), Vec::new());
    for event in 0..events {
        // Mark and UnMark in turns: each changes something.
        let body = BODY.replace(":6,", if event % 2 == 0 { ":6," } else { ":7," });
        let length = body.len();
        let request = format!(
            "POST /attendantservice/api/recording/set HTTP/1.1\r\nHost: {address}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let begin = Instant::now();
        requests.write_all(request.as_bytes()).await?;
        let mut reply = [0; 4096];
        let count = timeout(PATIENCE, requests.read(&mut reply)).await??;
        let reply = String::from_utf8_lossy(&reply[..count]);
        if !reply.contains(r#""ErrorMessage":null"#) {
            return Err(format!("the server says: {reply}").into());
        }
        for _ in 0..listeners {
            let at: Instant = timeout(PATIENCE, hearing.recv()).await?.ok_or("a listener was closed")?;
            each.push(at - begin);
        }
        last.extend(each[event * listeners..].iter().max());
    }
    println!("{events} events to {listeners} listeners, from sending the request on:");
    tell("until a listener has it", each);
    tell("until the last one has it", last);
    Ok(())
}

/// Connects, and from then on tells when it hears of an event.
async fn listen(address: &str, heard: mpsc::UnboundedSender<Instant>) -> Result<()> {
    let (mut socket, _) = connect_async(format!("ws://{address}/attendantservice/hubs/recording")).await?;
    socket.send(Message::text("{\"protocol\":\"json\",\"version\":1}\u{1e}")).await?;
    let answer = timeout(PATIENCE, socket.next()).await?.ok_or("the server closed")??;
    if answer.to_text()? != "{}\u{1e}" {
        return Err(format!("the handshake is answered with {answer}").into());
    }
    tokio::spawn(async move {
        while let Some(Ok(message)) = socket.next().await {
            let now = Instant::now();
            if message.to_text().is_ok_and(|text| text.contains("RecordingStateChangedEvent"))
                && heard.send(now).is_err()
            {
                return;
            }
        }
    });
    Ok(())
}

fn tell(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at =
        |percent: usize| times.get((times.len() * percent / 100).min(times.len() - 1)).copied().unwrap_or_default();
    let milliseconds = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1e3);
    println!("{what}: p50 {}, p99 {}, slowest {}", milliseconds(at(50)), milliseconds(at(99)), milliseconds(at(100)));
}

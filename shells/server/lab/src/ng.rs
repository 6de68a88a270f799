//! The side of a call towards rtpengine: its protocol `ng` over UDP, in JSON.
//!
//! The server's adapter writes bencode. This client shares nothing with it.

use anyhow::{Context as _, Result, bail};
use core::{
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use serde_json::{Value, json};
use std::{net::UdpSocket, thread, time::Instant};

static COOKIES: AtomicU64 = AtomicU64::new(0);

/// A cookie that no other message of this machine has.
#[must_use]
pub fn cookie() -> String {
    format!("lab-{}-{:x}-{}", std::process::id(), fastrand::u64(..), COOKIES.fetch_add(1, Ordering::Relaxed))
}

/// Two ports of rtpengine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Where the caller sends to.
    pub caller: u16,
    /// Where the agent sends to.
    pub agent: u16,
}

/// A client with a socket of its own, for one command after the other.
#[derive(Debug)]
pub struct Ng {
    socket: UdpSocket,
    /// How long one transmission waits for its reply.
    pub patience: Duration,
    /// How often the same bytes are sent.
    pub tries: u32,
}

impl Ng {
    /// A client of the daemon at this address.
    ///
    /// # Errors
    ///
    /// If there is no socket.
    pub fn new(to: SocketAddr) -> Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.connect(to)?;
        Ok(Self { socket, patience: Duration::from_millis(500), tries: 4 })
    }

    /// Sends a message once, and waits for nothing.
    ///
    /// # Errors
    ///
    /// If it cannot be sent.
    pub fn send(&self, cookie: &str, message: &Value) -> Result<()> {
        self.socket.send(format!("{cookie} {message}").as_bytes())?;
        Ok(())
    }

    /// The reply to a message; `None` if there is none in time. The same bytes are sent again meanwhile.
    #[must_use]
    pub fn ask_with(&self, cookie: &str, message: &Value) -> Option<Value> {
        for _ in 0..self.tries {
            let end = Instant::now() + self.patience;
            // A daemon that is gone refuses; it may come back.
            let _ = self.send(cookie, message);
            if let Some(reply) = self.reply(cookie, end) {
                return Some(reply);
            }
        }
        None
    }

    /// The reply to a message with a cookie of its own.
    #[must_use]
    pub fn ask(&self, message: &Value) -> Option<Value> {
        self.ask_with(&cookie(), message)
    }

    /// The same, which must be answered with success.
    ///
    /// # Errors
    ///
    /// If it is not.
    pub fn must(&self, message: &Value) -> Result<Value> {
        let reply = self.ask(message).with_context(|| format!("rtpengine does not answer {}", message["command"]))?;
        match reply["result"].as_str() {
            Some("ok" | "pong") => Ok(reply),
            _ => bail!("rtpengine answers {} with {reply}", message["command"]),
        }
    }

    fn reply(&self, cookie: &str, end: Instant) -> Option<Value> {
        let mut buffer = [0; 65_536];
        loop {
            let left = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
            self.socket.set_read_timeout(Some(left)).ok()?;
            match self.socket.recv(&mut buffer) {
                Ok(length) => {
                    // Late replies to earlier messages are not meant.
                    if let Some(reply) = reply_to(cookie, &buffer[..length]) {
                        return Some(reply);
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                    thread::sleep(left.min(Duration::from_millis(20)));
                    return None;
                }
                Err(_) => return None,
            }
        }
    }

    /// Whether the daemon answers.
    #[must_use]
    pub fn ping(&self) -> bool {
        self.ask(&json!({"command": "ping"})).is_some_and(|reply| reply["result"] == "pong")
    }

    /// Makes a call between two ports of this machine: offer and answer, with more keys if there are some.
    ///
    /// # Errors
    ///
    /// If the daemon does not.
    pub fn call(&self, id: &str, caller: u16, agent: u16, more: &Value) -> Result<Ports> {
        let side = |command: &str, port: u16| {
            let mut message = json!({"command": command, "call-id": id, "from-tag": "caller", "ICE": "remove",
                "replace": ["origin"], "sdp": sdp(port)});
            if command == "answer" {
                message["to-tag"] = json!("agent");
            }
            for (key, value) in more.as_object().into_iter().flatten() {
                message[key] = value.clone();
            }
            let reply = self.must(&message)?;
            reply["sdp"].as_str().and_then(port_in).with_context(|| format!("no port in {reply}"))
        };
        // What the daemon writes into the offer is where the agent sends to.
        let agent_to = side("offer", caller)?;
        Ok(Ports { caller: side("answer", agent)?, agent: agent_to })
    }

    /// Ends a call.
    ///
    /// # Errors
    ///
    /// If the daemon does not.
    pub fn delete(&self, id: &str) -> Result<()> {
        self.must(&json!({"command": "delete", "call-id": id, "from-tag": "caller"})).map(drop)
    }
}

/// What a datagram says, if it is the reply to this cookie.
fn reply_to(cookie: &str, datagram: &[u8]) -> Option<Value> {
    let body = datagram.strip_prefix(cookie.as_bytes())?.strip_prefix(b" ")?;
    serde_json::from_slice(body).ok()
}

fn sdp(port: u16) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 8 101\r\n\
         a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=sendrecv\r\na=ptime:20\r\n"
    )
}

fn port_in(sdp: &str) -> Option<u16> {
    sdp.lines().find_map(|line| line.strip_prefix("m=audio ")?.split(' ').next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_reply_to_the_cookie_counts() {
        assert_eq!(reply_to("a-1", br#"a-1 {"result":"ok"}"#), Some(json!({"result": "ok"})));
        assert_eq!(reply_to("a-1", br#"a-12 {"result":"ok"}"#), None);
        assert_eq!(reply_to("a-1", b"a-1 d6:result2:oke"), None);
    }

    #[test]
    fn an_sdp_names_its_port() {
        assert_eq!(port_in(&sdp(4002)), Some(4002));
        assert_eq!(port_in("v=0\r\n"), None);
    }

    #[test]
    fn no_cookie_comes_twice() {
        assert_ne!(cookie(), cookie());
    }
}

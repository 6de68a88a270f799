//! A call of its own, paused and resumed, and a look into its files.

use core::net::IpAddr;
use core::time::Duration;
use std::path::{Path, PathBuf};

use recording_core::recorder::Order;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use super::media::{End, audio_address, send};
use super::spool;
use super::verdict::{Phase, Side, judge};
use crate::recorder::rtpengine::bencode::Value;
use crate::recorder::rtpengine::call_id::in_a_name;
use crate::recorder::rtpengine::command::{Reply, printable, verb};
use crate::recorder::rtpengine::guard::keeps_up;
use crate::recorder::rtpengine::link::{Heard, Link};
use crate::recorder::rtpengine::options::PauseMode;

/// How long each command may take.
const WITHIN: Duration = Duration::from_secs(2);

/// How long after the call all of its files may appear.
const FILES_WITHIN: Duration = Duration::from_secs(2);

/// How often two fast pings are tried for.
const TRIES: u32 = 40;

/// A test of one instance.
#[derive(Debug)]
pub(super) struct Test<'a> {
    link: &'a Link,
    pause: PauseMode,
    recording_dir: &'a Path,
    call: String,
    nonce: u64,
}

impl<'a> Test<'a> {
    /// A test with a call of its own; `nonce` is drawn at random.
    pub(super) fn new(link: &'a Link, pause: PauseMode, recording_dir: &'a Path, nonce: u64) -> Self {
        Self { link, pause, recording_dir, call: format!("recording-self-test-{nonce:016x}"), nonce }
    }

    /// Says what is wrong with the recorder, in one line.
    pub(super) async fn run(&self) -> Result<(), String> {
        // Before anything else: a folder that cannot be read is what an operator gets wrong first.
        self.packets().await?;
        let made = self.make().await;
        let deleted =
            self.command("delete", [("from-tag", Value::text("A")), ("delete delay", Value::Integer(0))]).await;
        let verdict = match made.and(deleted) {
            Ok(_) => self.verdict().await,
            Err(wrong) => Err(wrong),
        };
        let (folder, name) = self.place();
        // Its end is waited for, so that nothing of a test is left when the next begins.
        let _ = spawn_blocking(move || spool::remove(&folder, &name)).await;
        verdict
    }

    fn place(&self) -> (PathBuf, String) {
        (self.recording_dir.to_owned(), in_a_name(&self.call))
    }

    async fn packets(&self) -> Result<std::collections::BTreeSet<super::verdict::Mark>, String> {
        let ((folder, name), nonce) = (self.place(), self.nonce);
        let read = spawn_blocking(move || spool::packets(&folder, &name, nonce)).await;
        read.unwrap_or_else(|error| Err(error.to_string()))
    }

    async fn verdict(&self) -> Result<(), String> {
        let end = Instant::now() + FILES_WITHIN;
        loop {
            let verdict = judge(&self.packets().await?);
            if verdict.is_ok() || Instant::now() >= end {
                return verdict;
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// The call, from its first command to the last but one.
    async fn make(&self) -> Result<(), String> {
        let own = self.link.local_ip().ok_or("there is no way to it")?;
        let mut ends = self.set_up(own).await?;
        let sent = async |phase, ends: &mut _| {
            // Packets that wait when recording is switched would be counted wrongly.
            let sent = send(ends, self.nonce, phase).await;
            sent.map_err(|error| format!("packets could not be sent to it: {error}"))?;
            self.keeps_up().await
        };
        let order = async |order| self.command(verb(order, self.pause), []).await;
        order(Order::Record).await?;
        sent(Phase::Before, &mut ends).await?;
        order(Order::Pause).await?;
        sent(Phase::Paused, &mut ends).await?;
        self.seal().await?;
        sent(Phase::Sealed, &mut ends).await?;
        order(Order::Record).await?;
        sent(Phase::After, &mut ends).await?;
        order(Order::Stop).await?;
        sent(Phase::Stopped, &mut ends).await
    }

    /// Offer and answer: both ends with the port of the recorder that each sends to.
    async fn set_up(&self, own: IpAddr) -> Result<[(End, core::net::SocketAddr); 2], String> {
        let no_port = |error| format!("no port for packets to it: {error}");
        let a = End::new(Side::A, own).await.map_err(no_port)?;
        let b = End::new(Side::B, own).await.map_err(no_port)?;
        let (offered, answered) = (a.sdp(own).map_err(no_port)?, b.sdp(own).map_err(no_port)?);
        let from = || ("from-tag", Value::text("A"));
        let to_b = self.command("offer", [from(), ("sdp", Value::text(&offered))]).await?;
        let to_tag = ("to-tag", Value::text("B"));
        let to_a = self.command("answer", [from(), to_tag, ("sdp", Value::text(&answered))]).await?;
        let port = |reply: &Heard| {
            let sdp = Value::decode(&reply.body)?.get("sdp")?.as_text().and_then(audio_address);
            sdp.filter(|address| address.is_ipv4() == own.is_ipv4())
        };
        let unclear = "its answer to a call has no address for audio of the family that this server has";
        Ok([(a, port(&to_a).ok_or(unclear)?), (b, port(&to_b).ok_or(unclear)?)])
    }

    async fn command<const N: usize>(&self, verb: &str, more: [(&str, Value<'_>); N]) -> Result<Heard, String> {
        let Value::Dictionary(mut entries) =
            Value::dictionary([("call-id", Value::text(&self.call)), ("command", Value::text(verb))])
        else {
            unreachable!("a dictionary")
        };
        entries.extend(more.map(|(key, value)| (key.as_bytes(), value)));
        let reply = self.link.ask(&Value::Dictionary(entries), WITHIN).await;
        let reply = reply.ok_or_else(|| format!("it does not answer '{verb}'"))?;
        match Reply::read(&reply.body) {
            Reply::Ok => Ok(reply),
            Reply::Refused(reason) => Err(format!("it refuses '{verb}': {}", printable(&reason))),
            Reply::Pong | Reply::NoSuchCall => Err(format!("its reply to '{verb}' is about something else")),
        }
    }

    /// A cookie that was used for a ping is used for a `start recording`, which must not be carried out.
    async fn seal(&self) -> Result<(), String> {
        let cookie = self.link.fresh_cookie();
        let ping = Value::dictionary([("command", Value::text("ping"))]);
        let call = ("call-id", Value::text(&self.call));
        let record = Value::dictionary([call, ("command", Value::text(verb(Order::Record, self.pause)))]);
        for command in [ping, record] {
            let reply = self.link.ask_as(&cookie, &command, WITHIN).await.ok_or("it does not answer 'ping'")?;
            if Reply::read(&reply.body) != Reply::Pong {
                return Err("it carries out a command with the cookie of another".to_owned());
            }
        }
        Ok(())
    }

    async fn keeps_up(&self) -> Result<(), String> {
        if keeps_up(self.link, TRIES).await { Ok(()) } else { Err("it is too slow to be tested".to_owned()) }
    }
}
